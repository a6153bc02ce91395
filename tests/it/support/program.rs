//! The built program in a home of its own, spoken to over real pipes, one line of JSON-RPC a message.
//!
//! Everything here waits for what the program does, never for time to pass; the one time bound is there to turn a
//! hang into a failure that shows what the program said last.

use std::collections::VecDeque;
use std::env;
use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

/// How long a program may take for one answer before the test counts it as hung: far more than the slowest machine
/// needs.
const PATIENCE: Duration = Duration::from_secs(30);

/// A folder that is all a program knows of its user: `HOME` and `WHYTRACE_HOME`. Removed on drop.
pub(crate) struct Home {
    folder: TempDir,
}

impl Home {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a temporary folder") }
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The program whytrace in this home, with nothing of the settings of whoever runs the tests.
    pub(crate) fn whytrace<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_whytrace"));
        for (name, _) in env::vars_os() {
            let name_text = name.to_string_lossy();
            if ["WHYTRACE_", "XDG_", "PG"].iter().any(|prefix| name_text.starts_with(prefix)) {
                command.env_remove(&name);
            }
        }
        command.args(arguments).env("HOME", self.path()).env("WHYTRACE_HOME", self.path());
        command
    }
}

/// A running program that takes and gives messages on its standard streams. Killed on drop.
pub(crate) struct Program {
    child: Child,
    input: Option<ChildStdin>,
    output: Receiver<String>,
    diagnostics: Arc<Mutex<String>>,
    last_id: u64,
    /// Messages that came while an answer was awaited, oldest first.
    waiting: VecDeque<Value>,
}

impl Program {
    pub(crate) fn spawn(mut command: Command) -> Self {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program starts");
        let (sender, output) = mpsc::channel();
        let stdout = child.stdout.take().expect("a pipe from the program");
        read_lines(stdout, move |line| sender.send(line).is_ok());
        let diagnostics = Arc::new(Mutex::new(String::new()));
        let kept = Arc::clone(&diagnostics);
        read_lines(child.stderr.take().expect("a pipe from the program"), move |line| {
            let mut kept = kept.lock().expect("a thread that reads lines does not panic");
            kept.push_str(&line);
            kept.push('\n');
            true
        });
        let input = child.stdin.take();
        Self { child, input, output, diagnostics, last_id: 0, waiting: VecDeque::new() }
    }

    /// Sends a request under the next id and gives the answer to it, `result` or `error` and all. Other messages that
    /// come first wait for [`message`](Self::message).
    pub(crate) fn request(&mut self, method: &str, params: &Value) -> Value {
        self.last_id += 1;
        let id = self.last_id;
        self.send_line(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}).to_string());
        loop {
            let message = self.read();
            if message.get("id") == Some(&json!(id)) {
                return message;
            }
            self.waiting.push_back(message);
        }
    }

    pub(crate) fn notify(&mut self, method: &str, params: &Value) {
        self.send_line(&json!({"jsonrpc": "2.0", "method": method, "params": params}).to_string());
    }

    /// Sends a line as it stands, be it a message or not.
    pub(crate) fn send_line(&mut self, line: &str) {
        let input = self.input.as_mut().expect("the input is open until it is closed");
        let sent = input.write_all(format!("{line}\n").as_bytes()).and_then(|()| input.flush());
        sent.unwrap_or_else(|error| {
            panic!("could not send {line}: {error}; it said:\n{}", self.diagnostics())
        });
    }

    /// Gives the next message that answers no request, waiting for it if need be.
    pub(crate) fn message(&mut self) -> Value {
        self.waiting.pop_front().unwrap_or_else(|| self.read())
    }

    /// What the program has written to standard error so far.
    pub(crate) fn diagnostics(&self) -> String {
        self.diagnostics.lock().expect("a thread that reads lines does not panic").clone()
    }

    /// Closes the program's input, as a client does at its end, and waits until the program has ended.
    pub(crate) fn close(mut self) -> ExitStatus {
        self.input = None;
        loop {
            match self.output.recv_timeout(PATIENCE) {
                Ok(_) => {}
                // The pipe is closed, so the program is at its end.
                Err(RecvTimeoutError::Disconnected) => {
                    return self.child.wait().expect("the program's status");
                }
                Err(RecvTimeoutError::Timeout) => {
                    panic!("the program outlived its input by {PATIENCE:?}; it said:\n{}", self.diagnostics())
                }
            }
        }
    }

    fn read(&mut self) -> Value {
        let line = match self.output.recv_timeout(PATIENCE) {
            Ok(line) => line,
            Err(RecvTimeoutError::Disconnected) => {
                panic!("the program ended instead of answering; it said:\n{}", self.diagnostics())
            }
            Err(RecvTimeoutError::Timeout) => {
                panic!("no message within {PATIENCE:?}; it said:\n{}", self.diagnostics())
            }
        };
        serde_json::from_str(&line)
            .unwrap_or_else(|error| panic!("a line of the protocol that is no JSON ({error}): {line}"))
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
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
