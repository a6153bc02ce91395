//! The built program in a home of its own, spoken to over real pipes, one line of JSON-RPC a message.
//!
//! Everything here waits for what the program does, never for time to pass; the one time bound is there to turn a
//! hang into a failure that shows what the program said last.

use std::collections::VecDeque;
use std::env;
use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::sync::{Arc, Condvar, LazyLock, Mutex};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::bucket::Bucket;
use super::database::Schema;

/// How long a program may take for one answer before the test counts it as hung: far more than the slowest machine
/// needs.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// The program that is tested: the one at `WHYTRACE_TEST_PROGRAM`, such as a release build, or else the one that was
/// built with these tests.
pub(crate) static WHYTRACE: LazyLock<String> = LazyLock::new(|| {
    let named = env::var("WHYTRACE_TEST_PROGRAM").ok().filter(|path| !path.is_empty());
    // Tests start it from other folders, too.
    let absolute = |path: String| {
        let found = std::fs::canonicalize(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
        found.into_os_string().into_string().expect("a path that is text")
    };
    named.map_or_else(|| env!("CARGO_BIN_EXE_whytrace").to_owned(), absolute)
});

/// A folder that is all a program knows of its user: `HOME` and `WHYTRACE_HOME`. Removed on drop.
pub(crate) struct Home {
    folder: TempDir,
    path: PathBuf,
    variables: Vec<(&'static str, String)>,
}

impl Home {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().to_owned();
        Self { folder, path, variables: Vec::new() }
    }

    /// A home whose folder has this name; it lies in a folder of its own.
    pub(crate) fn called(name: &str) -> Self {
        let mut home = Self::new();
        home.path = home.folder.path().join(name);
        std::fs::create_dir(&home.path).expect("a folder");
        home
    }

    /// The same with an environment variable set for whatever runs in it.
    pub(crate) fn with(mut self, variable: &'static str, value: impl Into<String>) -> Self {
        self.variables.push((variable, value.into()));
        self
    }

    /// The same with its database in the schema, or on SQLite where there is none.
    pub(crate) fn on(self, schema: Option<&Schema>) -> Self {
        match schema {
            Some(schema) => {
                self.with("WHYTRACE_DATABASE_URL", schema.url()).with("WHYTRACE_SCHEMA", schema.name())
            }
            None => self,
        }
    }

    /// The same with its documents in the bucket.
    pub(crate) fn in_bucket(mut self, bucket: &Bucket) -> Self {
        self.variables.push(("WHYTRACE_DOCUMENTS", bucket.url().to_owned()));
        self.variables.extend(bucket.variables());
        self
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// A file or folder in it.
    pub(crate) fn join(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// A server on standard input and output.
    pub(crate) fn server(&self) -> Program {
        Program::spawn(self.whytrace([] as [&str; 0]))
    }

    /// Runs a command of the program to its end.
    pub(crate) fn run<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Ended {
        ended(self.whytrace(arguments))
    }

    /// The program whytrace in this home.
    pub(crate) fn whytrace<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Command {
        let mut command = self.command(&WHYTRACE);
        command.args(arguments);
        command
    }

    /// Any program in this home, with nothing of the settings of whoever runs the tests.
    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        for (name, _) in env::vars_os() {
            let name_text = name.to_string_lossy();
            if ["WHYTRACE_", "XDG_", "PG"].iter().any(|prefix| name_text.starts_with(prefix)) {
                command.env_remove(&name);
            }
        }
        command.env("HOME", self.path()).env("WHYTRACE_HOME", self.path());
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }
}

/// What a program that has ended leaves: its exit code and what it wrote.
#[derive(Debug)]
pub(crate) struct Ended {
    /// `None` where a signal ended it.
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ended {
    /// Its standard output, which is JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("no JSON ({error}): {self:?}"))
    }

    /// The same for a command that must have worked.
    pub(crate) fn worked(self) -> Self {
        assert_eq!(self.code, Some(0), "{self:?}");
        self
    }
}

/// Runs a program without input to its end.
pub(crate) fn ended(mut command: Command) -> Ended {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.spawn().expect("the program starts");
    let process = child.id();
    let (sender, output) = mpsc::channel();
    thread::spawn(move || sender.send(child.wait_with_output()));
    match output.recv_timeout(PATIENCE) {
        Ok(output) => {
            let output = output.expect("its output");
            let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
            Ended { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
        }
        Err(_) => panic!("process {process} took longer than {PATIENCE:?}: {command:?}"),
    }
}

/// A running program that takes and gives messages on its standard streams. Killed on drop.
pub(crate) struct Program {
    child: Child,
    input: Option<ChildStdin>,
    output: Receiver<String>,
    diagnostics: Arc<Diagnostics>,
    last_id: u64,
    /// Messages that came while an answer was awaited, oldest first.
    waiting: VecDeque<Value>,
}

impl Program {
    pub(crate) fn spawn(mut command: Command) -> Self {
        command.stderr(Stdio::piped());
        Self::spawn_quietly(command)
    }

    /// The same, whose standard error goes wherever the command says.
    pub(crate) fn spawn_quietly(mut command: Command) -> Self {
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().expect("the program starts");
        let (sender, output) = mpsc::channel();
        let stdout = child.stdout.take().expect("a pipe from the program");
        read_lines(stdout, move |line| sender.send(line).is_ok());
        let diagnostics = Arc::new(Diagnostics::default());
        let kept = Arc::clone(&diagnostics);
        if let Some(stderr) = child.stderr.take() {
            read_lines(stderr, move |line| {
                kept.add(&line);
                true
            });
        }
        let input = child.stdin.take();
        Self { child, input, output, diagnostics, last_id: 0, waiting: VecDeque::new() }
    }

    /// Sends a request under the next id and gives the answer to it, `result` or `error` and all. Other messages that
    /// come first wait for [`message`](Self::message).
    pub(crate) fn request(&mut self, method: &str, params: &Value) -> Value {
        let id = self.send(method, params);
        self.answer(id)
    }

    /// Sends a request under the next id, which it gives, and does not wait.
    pub(crate) fn send(&mut self, method: &str, params: &Value) -> u64 {
        self.last_id += 1;
        let id = self.last_id;
        self.send_line(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}).to_string());
        id
    }

    /// The answer to the request of this id.
    pub(crate) fn answer(&mut self, id: u64) -> Value {
        let is_it = |message: &Value| message.get("id") == Some(&json!(id));
        if let Some(place) = self.waiting.iter().position(is_it) {
            return self.waiting.remove(place).expect("it was there");
        }
        loop {
            let message = self.read();
            if is_it(&message) {
                return message;
            }
            self.waiting.push_back(message);
        }
    }

    /// Opens the conversation as clients before 2026-07-28 do, and gives what the server says of itself.
    pub(crate) fn initialize(&mut self, version: &str) -> Value {
        let client = json!({"name": "test-client", "version": "1"});
        let params = json!({"protocolVersion": version, "capabilities": {}, "clientInfo": client});
        let mut answer = self.request("initialize", &params);
        self.notify("notifications/initialized", &json!({}));
        answer["result"].take()
    }

    /// Calls a tool and gives its result, be it an error or not.
    pub(crate) fn call(&mut self, tool: &str, arguments: &Value) -> Value {
        let mut answer = self.request("tools/call", &json!({"name": tool, "arguments": arguments}));
        assert!(answer.get("result").is_some(), "{tool}: {answer}");
        answer["result"].take()
    }

    /// Calls a tool that must succeed and gives the structured part of its result.
    pub(crate) fn tell(&mut self, tool: &str, arguments: &Value) -> Value {
        let mut result = self.call(tool, arguments);
        assert_ne!(result["isError"], json!(true), "{tool}: {result}");
        result["structuredContent"].take()
    }

    pub(crate) fn notify(&mut self, method: &str, params: &Value) {
        self.send_line(&json!({"jsonrpc": "2.0", "method": method, "params": params}).to_string());
    }

    /// Sends a line as it stands, be it a message or not.
    pub(crate) fn send_line(&mut self, line: &str) {
        self.send_text(&format!("{line}\n"));
    }

    /// Sends a text as it stands, such as a key that is pressed on a terminal.
    pub(crate) fn send_text(&mut self, text: &str) {
        let input = self.input.as_mut().expect("the input is open until it is closed");
        let sent = input.write_all(text.as_bytes()).and_then(|()| input.flush());
        sent.unwrap_or_else(|error| {
            panic!("could not send {text}: {error}; it said:\n{}", self.diagnostics())
        });
    }

    /// Gives the next message that answers no request, waiting for it if need be.
    pub(crate) fn message(&mut self) -> Value {
        self.waiting.pop_front().unwrap_or_else(|| self.read())
    }

    /// What the program has written to standard error so far.
    pub(crate) fn diagnostics(&self) -> String {
        self.diagnostics.so_far()
    }

    /// The first line on standard error that holds a text, waiting for it if need be.
    pub(crate) fn says(&self, text: &str) -> String {
        self.diagnostics.line_with(text)
    }

    /// Its process id.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Closes the program's input, as a client does at its end, and waits until the program has ended.
    pub(crate) fn close(mut self) -> ExitStatus {
        self.end_input();
        self.end()
    }

    /// Closes the program's input and does not wait.
    pub(crate) fn end_input(&mut self) {
        self.input = None;
    }

    /// Waits until the program has ended of itself, its input open.
    pub(crate) fn end(&mut self) -> ExitStatus {
        self.rest();
        self.child.wait().expect("the program's status")
    }

    /// Kills the program, and gives the messages that it had sent by then and nobody had read.
    pub(crate) fn kill(mut self) -> Vec<Value> {
        self.child.kill().expect("a program to kill");
        self.child.wait().expect("the program's status");
        let mut messages = Vec::from(std::mem::take(&mut self.waiting));
        // The last line may have been cut off.
        messages.extend(self.rest().iter().filter_map(|line| serde_json::from_str(line).ok()));
        messages
    }

    /// All lines until the program closes its output.
    pub(crate) fn rest(&mut self) -> Vec<String> {
        let mut lines = Vec::new();
        loop {
            match self.output.recv_timeout(PATIENCE) {
                Ok(line) => lines.push(line),
                Err(RecvTimeoutError::Disconnected) => return lines,
                Err(RecvTimeoutError::Timeout) => {
                    panic!("the program did not end within {PATIENCE:?}; it said:\n{}", self.diagnostics())
                }
            }
        }
    }

    fn read(&mut self) -> Value {
        let line = self.line();
        serde_json::from_str(&line)
            .unwrap_or_else(|error| panic!("a line of the protocol that is no JSON ({error}): {line}"))
    }

    /// The next line, be it a message or not.
    pub(crate) fn line(&mut self) -> String {
        match self.output.recv_timeout(PATIENCE) {
            Ok(line) => line,
            Err(RecvTimeoutError::Disconnected) => {
                panic!("the program ended instead of answering; it said:\n{}", self.diagnostics())
            }
            Err(RecvTimeoutError::Timeout) => {
                panic!("no message within {PATIENCE:?}; it said:\n{}", self.diagnostics())
            }
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// The lines that a program has written to standard error.
#[derive(Default)]
struct Diagnostics {
    text: Mutex<String>,
    more: Condvar,
}

impl Diagnostics {
    fn add(&self, line: &str) {
        let mut text = self.text.lock().expect("a thread that reads lines does not panic");
        text.push_str(line);
        text.push('\n');
        self.more.notify_all();
    }

    fn so_far(&self) -> String {
        self.text.lock().expect("a thread that reads lines does not panic").clone()
    }

    fn line_with(&self, wanted: &str) -> String {
        let text = self.text.lock().expect("a thread that reads lines does not panic");
        let is_missing = |text: &mut String| !text.contains(wanted);
        let waited = self.more.wait_timeout_while(text, PATIENCE, is_missing);
        let (text, _) = waited.expect("a thread that reads lines does not panic");
        let line = text.lines().find(|line| line.contains(wanted));
        line.unwrap_or_else(|| panic!("nothing about {wanted:?} within {PATIENCE:?}; it said:\n{text}"))
            .to_owned()
    }
}

/// Reads in a thread of its own, so that a full pipe never stops the program; ends with the stream, or on `false`.
fn read_lines(
    stream: impl std::io::Read + Send + 'static,
    mut take: impl FnMut(String) -> bool + Send + 'static,
) {
    thread::spawn(move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            if !take(line) {
                break;
            }
        }
    });
}

mod tests {
    use super::*;

    /// `cat` answers each request with the request itself, and hears notifications as its own.
    #[cfg(unix)]
    #[test]
    fn answers_are_told_from_other_messages() {
        let mut echo = Program::spawn(Command::new("cat"));
        echo.notify("progress", &json!({"n": 1}));
        let answer = echo.request("tools/list", &json!({}));
        assert_eq!(answer["method"], "tools/list");
        assert_eq!(echo.message()["params"]["n"], 1);
        assert!(echo.close().success());
    }

    #[test]
    fn the_program_ends_when_its_input_does_and_keeps_to_its_home() {
        let home = Home::new();
        let program = Program::spawn(home.whytrace([] as [&str; 0]));
        assert!(program.close().success());
    }
}
