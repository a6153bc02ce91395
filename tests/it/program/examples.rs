//! The pipelines of `examples`, as their users run them, against the built program.
//!
//! Both do the same work and report it in the same way, so each claim is tested of each. What they write to standard
//! output is their work's own result: it must not depend on what becomes of the server.

use std::fs;
use std::hash::{BuildHasher, RandomState};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use super::decision_ids;
use super::http::{serve, serve_at};
use crate::support::eventually::eventually;
use crate::support::languages;
use crate::support::program::{Home, Program};

/// What the pipelines are given: five tickets, a line each.
const TICKETS: &str = include_str!("../../../examples/tickets.jsonl");

/// Where nobody listens: ports this low are not given out by chance.
const NOBODY: &str = "127.0.0.1:2";

/// How an example is run: the program and the script.
struct Example {
    program: PathBuf,
    script: PathBuf,
}

impl Example {
    fn python() -> Option<Self> {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/python/pipeline.py");
        Some(Self { program: languages::python()?, script })
    }

    fn typescript() -> Option<Self> {
        let script = languages::typescript()?.join("pipeline.ts");
        Some(Self { program: languages::node()?, script })
    }

    /// The pipeline, reporting to a server at this address.
    fn pipeline(&self, home: &Home, address: &str) -> Pipeline {
        let mut command = self.command(home);
        command.env("WHYTRACE_URL", format!("http://{address}/mcp"));
        Pipeline { program: Program::spawn(command) }
    }

    fn command(&self, home: &Home) -> Command {
        let mut command = home.command(&self.program.to_string_lossy());
        // Python would leave what it compiled beside the sources.
        command.arg(&self.script).env("PYTHONDONTWRITEBYTECODE", "1");
        command
    }
}

/// A running pipeline, which is fed a ticket at a time.
struct Pipeline {
    program: Program,
}

impl Pipeline {
    /// Feeds it a ticket, and gives what it makes of it.
    fn route(&mut self, ticket: &str) -> Value {
        self.program.send_text(&format!("{ticket}\n"));
        self.line()
    }

    fn line(&mut self) -> Value {
        let line = self.program.line();
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("no JSON ({error}): {line}"))
    }

    /// Feeds it these tickets and no more, waits for its end, which must be a good one, and gives what it wrote.
    fn finish<'a>(&mut self, tickets: impl IntoIterator<Item = &'a str>) -> Vec<Value> {
        let mut written: Vec<Value> = tickets.into_iter().map(|ticket| self.route(ticket)).collect();
        self.program.end_input();
        written.push(self.line());
        let status = self.program.end();
        assert!(status.success(), "it said:\n{}", self.program.diagnostics());
        written
    }

    /// How often it has complained, once it has said its last word, which holds this text.
    fn warnings(&self, last_word: &str) -> usize {
        self.program.says(last_word);
        self.program.diagnostics().lines().filter(|line| line.starts_with("whytrace: ")).count()
    }
}

/// What the pipelines write of [`TICKETS`].
fn result() -> Vec<Value> {
    let queues = [
        ("T-101", "billing"),
        ("T-102", "delivery"),
        ("T-103", "spam"),
        ("T-104", "billing"),
        ("T-105", "general"),
    ];
    let routed = queues.map(|(ticket, queue)| json!({"ticket": ticket, "queue": queue}));
    routed.into_iter().chain([json!({"second_look": ["T-104", "T-105"]})]).collect()
}

/// A port below those that systems give out by themselves: nobody gets it while the server is down.
fn address_to_return_to() -> String {
    let addresses = (0..100).map(|attempt| {
        let random = RandomState::new().hash_one(attempt) % 12_000;
        format!("127.0.0.1:{}", 20_000 + random)
    });
    let mut free = addresses.filter(|address| TcpListener::bind(address).is_ok());
    free.next().expect("a free port in a hundred attempts")
}

/// The documents of all runs of the pipelines' project.
fn documents(home: &Home) -> Vec<Value> {
    let files = fs::read_dir(home.join("projects/helpdesk/_traces")).expect("the project's folder");
    let paths = files.map(|file| file.expect("a file").path());
    let documents = paths.filter(|path| {
        let name = path.file_name().expect("a name").to_string_lossy();
        name.starts_with("run-") && name.ends_with(".json")
    });
    documents
        .map(|path| serde_json::from_slice(&fs::read(path).expect("a document")).expect("JSON"))
        .collect()
}

macro_rules! in_each_language {
    ($($claim:ident),+ $(,)?) => {
        mod python {
            $(#[test]
            fn $claim() {
                let Some(example) = super::Example::python() else { return };
                super::$claim(&example);
            })+
        }
        mod typescript {
            $(#[test]
            fn $claim() {
                let Some(example) = super::Example::typescript() else { return };
                super::$claim(&example);
            })+
        }
    };
}

in_each_language! {
    a_run_is_recorded_whole_and_its_scorecard_shown,
    without_a_server_the_work_is_the_same_and_one_warning_is_given,
    a_server_that_never_answers_does_not_keep_the_work,
    a_server_that_is_killed_and_comes_back_gets_the_whole_run_once,
}

fn a_run_is_recorded_whole_and_its_scorecard_shown(example: &Example) {
    let home = Home::new();
    let (_server, client) = serve(&home);
    let mut pipeline = example.pipeline(&home, client.address());
    assert_eq!(pipeline.finish(TICKETS.lines()), result());
    assert_eq!(pipeline.warnings("Quality: 1.5/3.0  FAIL"), 0);

    let document = home.run(["show", "last", "--json"]).worked().json();
    let run = &document["run"];
    assert_eq!((&run["status"], &run["agent"]["name"]), (&json!("complete"), &json!("helpdesk-example")));
    let routing = &document["stages"]["routing"];
    assert_eq!(routing["decisions"].as_array().unwrap().len(), 5);
    let second = &routing["decisions"][1];
    assert_eq!((&second["what"], &second["confidence"]), (&json!("delivery"), &json!(0.6)));
    assert_eq!(second["alternatives_considered"], json!([{"option": "repairs", "score": 0.4}]));
    assert_eq!(second["evidence_ids"], json!(["T-102"]));
    assert_eq!(second["result"], "assigned to delivery");
    let evidence = &routing["evidence"];
    assert_eq!((&evidence["collected_count"], &evidence["passed_count"]), (&json!(5), &json!(4)));
    assert_eq!(document["stages"]["review"]["decisions"][0]["decision"], "second_look");
    assert_eq!(document["quality"]["gap_principles"], json!(["CLEAR"]));
}

fn without_a_server_the_work_is_the_same_and_one_warning_is_given(example: &Example) {
    let home = Home::new();
    let mut pipeline = example.pipeline(&home, NOBODY);
    assert_eq!(pipeline.finish(TICKETS.lines()), result());
    assert_eq!(pipeline.warnings("no scorecard"), 1);
}

fn a_server_that_never_answers_does_not_keep_the_work(example: &Example) {
    let home = Home::new();
    // Connections wait in its queue for ever, since nobody accepts them.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let mut pipeline = example.pipeline(&home, &address);
    assert_eq!(pipeline.finish(TICKETS.lines()), result());
    assert_eq!(pipeline.warnings("no scorecard"), 1);
}

fn a_server_that_is_killed_and_comes_back_gets_the_whole_run_once(example: &Example) {
    let home = Home::new();
    let address = address_to_return_to();
    let (server, _) = serve_at(&home, &address);
    let mut pipeline = example.pipeline(&home, &address);
    let mut tickets = TICKETS.lines();
    let mut written: Vec<Value> = tickets.by_ref().take(2).map(|ticket| pipeline.route(ticket)).collect();
    wait_for_decisions(&home, 2);
    server.kill();
    written.push(pipeline.route(tickets.next().unwrap()));
    pipeline.program.says("whytrace: ");

    let (_server, _) = serve_at(&home, &address);
    written.extend(pipeline.finish(tickets));
    assert_eq!(written, result());
    assert_eq!(pipeline.warnings("Quality: 1.5/3.0  FAIL"), 1);
    let [document] = &*documents(&home) else { panic!("one run was expected") };
    assert_eq!(document["run"]["status"], "complete");
    assert_eq!(decision_ids(document).len(), 6);
    let events = document["metadata"]["events"].as_object().unwrap();
    // Start, two stages begun and ended, six decisions, five results, evidence, finish.
    assert_eq!(events.keys().filter(|id| *id != "calibration").count(), 18, "{events:?}");
}

/// Waits until the server holds so many decisions of the last run.
fn wait_for_decisions(home: &Home, count: usize) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(eventually("the first decisions are recorded", async || {
        let shown = home.run(["show", "last", "--json"]);
        shown.code == Some(0) && decision_ids(&shown.json()).len() >= count
    }));
}
