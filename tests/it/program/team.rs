//! A team: processes on machines of their own, one Postgres, one bucket, and agents that move between the processes in
//! the middle of their runs.
//!
//! Each process has a home of its own, as it would on another machine; nothing but the database and the bucket is
//! shared. What an answer says is saved in the database has to be seen through every other process at once.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use serde_json::{Value, json};

use super::http::client::Client;
use super::http::serve;
use super::{VERSION, decision, decision_ids};
use crate::support::bucket::Bucket;
use crate::support::database::Schema;
use crate::support::eventually::eventually;
use crate::support::program::{Home, Program};

const AGENTS: usize = 16;

/// How many decisions each agent takes.
const DECISIONS: usize = 10;

/// One server process, and the way to speak to it. Killing it takes it out of its place, a new start puts it back.
struct Process {
    home: Home,
    spoken: Spoken,
    running: Mutex<Option<Running>>,
}

#[derive(Clone, Copy, Debug)]
enum Spoken {
    Stdio,
    /// Streamable HTTP of a version that begins with `initialize`, without a session.
    Http,
    /// Streamable HTTP of 2026-07-28, where every request stands alone.
    HttpAlone,
}

enum Running {
    Stdio(Program),
    Http(Program, Arc<Client>),
}

impl Process {
    fn start(home: Home, spoken: Spoken) -> Self {
        let process = Self { home, spoken, running: Mutex::new(None) };
        process.restart();
        process
    }

    fn restart(&self) {
        let running = match self.spoken {
            Spoken::Stdio => {
                let mut program = self.home.server();
                program.initialize(VERSION);
                Running::Stdio(program)
            }
            Spoken::Http | Spoken::HttpAlone => {
                let (program, client) = serve(&self.home);
                Running::Http(program, Arc::new(client))
            }
        };
        *self.running.lock().unwrap() = Some(running);
    }

    /// Kills it. Over HTTP, calls may be in flight; over stdio, whoever waits for an answer has the only line to it.
    fn kill(&self) {
        match self.running.lock().unwrap().take() {
            Some(Running::Stdio(program) | Running::Http(program, _)) => drop(program.kill()),
            None => {}
        }
    }

    /// Calls a tool; `None` while it is not running, where it died without an answer, or where the answer is to call
    /// again.
    fn call(&self, tool: &str, arguments: &Value) -> Option<Value> {
        let mut running = self.running.lock().unwrap();
        let client = match running.as_mut()? {
            Running::Stdio(program) => return said_by(tool, program.call(tool, arguments)),
            Running::Http(_, client) => Arc::clone(client),
        };
        drop(running);
        let mut params = json!({"name": tool, "arguments": arguments});
        let mut headers = vec![("MCP-Protocol-Version", VERSION)];
        if let Spoken::HttpAlone = self.spoken {
            params["_meta"] = json!({"io.modelcontextprotocol/protocolVersion": "2026-07-28",
                "io.modelcontextprotocol/clientCapabilities": {}});
            headers = vec![
                ("MCP-Protocol-Version", "2026-07-28"),
                ("Mcp-Method", "tools/call"),
                ("Mcp-Name", tool),
            ];
        }
        let request = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params});
        let answer = client.attempt("/mcp", &headers, &request.to_string()).ok()?;
        let (head, body) = answer.split_once("\r\n\r\n")?;
        // What was cut off in the middle is no answer.
        let mut message: Value = serde_json::from_str(body).ok()?;
        assert!(head.starts_with("HTTP/1.1 200 "), "{answer}");
        said_by(tool, message["result"].take())
    }
}

/// What a result says. It may be no error, but for one that says to call again: a busy machine takes long for the first
/// connections of a process that has just started.
fn said_by(tool: &str, mut result: Value) -> Option<Value> {
    let said = result["structuredContent"].take();
    if result["isError"] == true && said["retryable"] == true {
        return None;
    }
    assert!(result["isError"] != true && said.is_object(), "{tool}: {result} {said}");
    Some(said)
}

/// Five processes of a team, each on its own machine.
struct Team {
    bucket: Bucket,
    schema: Schema,
    processes: Vec<Process>,
}

impl Team {
    fn start() -> Option<Self> {
        let (schema, bucket) = (Schema::fresh()?, Bucket::fresh()?);
        let ways = [Spoken::Http, Spoken::Stdio, Spoken::HttpAlone, Spoken::Stdio, Spoken::Http];
        let mut team = Self { bucket, schema, processes: Vec::new() };
        team.processes = ways.map(|spoken| Process::start(team.machine(), spoken)).into();
        Some(team)
    }

    /// A home of its own on the database and the bucket of all.
    fn machine(&self) -> Home {
        Home::new().on(Some(&self.schema)).in_bucket(&self.bucket)
    }

    /// Calls a tool through one process, or the next one that answers.
    fn call(&self, process: usize, tool: &str, arguments: &Value) -> Value {
        let in_turn = self.processes.iter().cycle().skip(process).take(10 * self.processes.len());
        let answer = in_turn.filter_map(|process| process.call(tool, arguments)).next();
        answer.unwrap_or_else(|| panic!("{tool}: ten times round, and nobody answers"))
    }

    /// Plays an agent that does each thing through another process than the one before, from `first` on.
    fn play(&self, agent: usize, recorded: &AtomicUsize) {
        let run = format!("run-{agent}");
        let started = json!({"trace_id": run, "project": "cobot", "query": "which arm sells?"});
        // Until the database has it, other processes cannot know it; the first time, the schema is still being made.
        while self.call(agent, "trace_start", &started)["saved"]["database"] != "saved" {
            thread::yield_now();
        }
        for number in 0..DECISIONS {
            let of_run = decision(&run, &format!("d{number}"));
            let answer = self.call(agent + number + 1, "trace_record_decision", &of_run);
            recorded.fetch_add(1, Ordering::Relaxed);
            // On a busy machine a commit may take longer than an answer waits for it: then nobody else knows yet.
            if answer["saved"]["database"] != "saved" {
                continue;
            }
            let again = self.call(agent + number + 2, "trace_record_decision", &of_run);
            assert!(again["duplicate"] == true || again["saved"]["database"] != "saved", "{again}");
            let shown =
                json!({"trace_id": run, "section": "decisions", "format": "json", "max_tokens": 20_000});
            let shown = self.call(agent + number + 3, "trace_full", &shown).to_string();
            assert!(shown.contains(&format!("\"d{number}\"")), "d{number} is not in {shown}");
        }
        self.call(agent + 4, "trace_finish", &json!({"trace_id": run, "score": 2.4}));
    }

    /// Every run as somebody reads it who has only the database and the bucket, and then without the database.
    async fn assert_each_decision_is_there_once(&self) {
        let reader = self.machine();
        let without_database = Home::new().in_bucket(&self.bucket);
        for agent in 0..AGENTS {
            let run = format!("run-{agent}");
            let wanted: BTreeSet<String> = (0..DECISIONS).map(|number| format!("d{number}")).collect();
            for home in [&reader, &without_database] {
                let is_whole = async || {
                    let shown = home.run(["show", &run, "--json"]);
                    let ids = if shown.code == Some(0) { decision_ids(&shown.json()) } else { Vec::new() };
                    let unique: BTreeSet<String> = ids.iter().cloned().collect();
                    assert_eq!(unique.len(), ids.len(), "{run} has something twice: {ids:?}");
                    unique == wanted
                };
                eventually(&format!("all of {run} is there"), is_whole).await;
            }
        }
        let figures = reader.run(["summary", "--json"]).worked().json();
        assert_eq!(figures["summary"]["decisions_of_all"]["total"], AGENTS * DECISIONS, "{figures}");
    }
}

#[tokio::test]
async fn agents_that_move_between_processes_record_each_decision_once() {
    let Some(team) = Team::start() else { return };
    let recorded = AtomicUsize::new(0);
    thread::scope(|scope| {
        for agent in 0..AGENTS {
            let (team, recorded) = (&team, &recorded);
            scope.spawn(move || team.play(agent, recorded));
        }
    });
    team.assert_each_decision_is_there_once().await;
    for process in &team.processes {
        process.kill();
        process.home.run(["doctor"]).worked();
    }
}

#[tokio::test]
async fn processes_that_die_lose_nothing_that_they_acknowledged() {
    let Some(team) = Team::start() else { return };
    let recorded = AtomicUsize::new(0);
    thread::scope(|scope| {
        let play = |agent| {
            scope.spawn({
                let (team, recorded) = (&team, &recorded);
                move || team.play(agent, recorded)
            })
        };
        let agents: Vec<_> = (0..AGENTS).map(play).collect();
        // Two of five die at a third of the work, come back, and two others die.
        for (share, dying) in [(3, [0, 1]), (2, [2, 3])] {
            while recorded.load(Ordering::Relaxed) < AGENTS * DECISIONS / share
                && !agents.iter().all(thread::ScopedJoinHandle::is_finished)
            {
                thread::yield_now();
            }
            for process in dying {
                team.processes[process].kill();
            }
            for process in dying {
                team.processes[process].restart();
            }
        }
    });
    team.assert_each_decision_is_there_once().await;
}

#[test]
fn sixteen_processes_record_on_one_sqlite_file_at_once() {
    let home = Home::new();
    thread::scope(|scope| {
        for agent in 0..AGENTS {
            let home = &home;
            scope.spawn(move || {
                let mut server = home.server();
                server.initialize(VERSION);
                let own = format!("run-{agent}");
                for run in [&own, "of-all"] {
                    server.tell(
                        "trace_start",
                        &json!({"trace_id": run, "project": "cobot", "query": "which arm?"}),
                    );
                }
                for number in 0..DECISIONS {
                    for run in [&own, "of-all"] {
                        server.tell("trace_record_decision", &decision(run, &format!("a{agent}-{number}")));
                    }
                }
                server.tell("trace_finish", &json!({"trace_id": own, "score": 2.4}));
                assert!(server.close().success());
            });
        }
    });
    let mut last = home.server();
    last.initialize(VERSION);
    last.tell("trace_finish", &json!({"trace_id": "of-all", "score": 2.4}));
    let ids = |run: &str| {
        let ids = decision_ids(&home.run(["show", run, "--json"]).worked().json());
        let unique: BTreeSet<String> = ids.iter().cloned().collect();
        assert_eq!(unique.len(), ids.len(), "{run} has something twice");
        unique
    };
    for agent in 0..AGENTS {
        assert_eq!(ids(&format!("run-{agent}")).len(), DECISIONS);
    }
    assert_eq!(ids("of-all").len(), AGENTS * DECISIONS);
    home.run(["doctor"]).worked();
}
