//! An installation into which the runs of some projects were recorded, and clients of it that may see some.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use chrono::TimeDelta;
use regex::Regex;
use rmcp::ServiceExt as _;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, DuplexStream, ReadHalf, WriteHalf};
use tokio::sync::Mutex;
use whytrace::access::Principal;
use whytrace::mcp::{Server, ToolSet};
use whytrace::model::{ManualClock, Timestamp};
use whytrace::recorder::{Recorder, Role};
use whytrace::service::Service;
use whytrace::store::index::Scope;

use crate::support::database::Schema;
use crate::support::eventually::eventually;
use crate::support::pipeline::Place;

/// The projects there are. Each name stands in every text of its runs and nowhere else.
pub(super) const PROJECTS: [&str; 4] = ["amber", "basalt", "cobalt", "dolerite"];

/// Runs of each project: the last one stays open.
const RUNS: usize = 7;

/// The time while questions are asked: an hour after the last run.
const ASKED_AT: &str = "2026-02-14T12:00:00Z";

pub(super) struct World {
    place: Place,
    clock: Arc<ManualClock>,
    service: Service,
    /// Goes last, when nobody has it open any more.
    _schema: Option<Schema>,
}

impl World {
    /// An installation with the runs of these projects.
    pub(super) async fn of(projects: &[&str], schema: Option<Schema>) -> Self {
        let place = Place::new(schema.as_ref()).set(|settings| {
            // As it is by itself where clients need a token.
            settings.flag_scope = Some("project".to_owned());
        });
        let clock = Arc::new(ManualClock::new("2026-02-13T12:00:00Z".parse().unwrap()));
        let service = Service::open_with(&place.config(), Role::Server, clock.clone()).unwrap();
        let world = Self { place, clock, service, _schema: schema };
        let recording = world.client_in(Scope::All).await;
        // In turns, as several teams would; each run has its own hour, whoever else records.
        for number in 0..RUNS {
            for (place, project) in PROJECTS.iter().enumerate() {
                if projects.contains(project) {
                    let hours = i64::try_from(number * PROJECTS.len() + place).unwrap();
                    let begin: Timestamp = "2026-02-13T06:00:00Z".parse().unwrap();
                    world.clock.set(begin.plus(TimeDelta::hours(hours)));
                    let call = json!({"name": "trace_record", "arguments": run(project, number)});
                    let recorded = recording.tell("tools/call", call).await;
                    assert_eq!(recorded["result"]["isError"], false, "{recorded}");
                }
            }
        }
        recording.settle().await;
        world
    }

    /// A client that may see these projects alone.
    pub(super) async fn client(&self, projects: &[&str]) -> Client {
        self.client_in(Scope::Projects(projects.iter().map(|project| (*project).to_owned()).collect())).await
    }

    async fn client_in(&self, scope: Scope) -> Client {
        let (intake, query) = (self.service.intake.clone(), self.service.query.clone());
        let server = Server::new(intake, query, ToolSet::All, scope.clone());
        let server = server.for_principal(Principal::trusted(scope));
        let (ours, theirs) = tokio::io::duplex(1024 * 1024);
        tokio::spawn(async move { Box::pin(server.serve(ours)).await.unwrap().waiting().await });
        let (reader, writer) = tokio::io::split(theirs);
        let client = Client {
            wire: Mutex::new((BufReader::new(reader), writer)),
            last_id: AtomicU64::new(0),
            clock: Arc::clone(&self.clock),
            recorder: self.service.intake.recorder().clone(),
            home: self.place.path("").display().to_string(),
            clock_digits: Regex::new(r"(\d\d:\d\d:\d\d)\.\d{6}Z").unwrap(),
            made_ids: Regex::new(r"\b(dec|evt)_\d+-[0-9a-f]{8}_[0-9a-f]+").unwrap(),
            revision: Regex::new(r#"(revision\\*": )\d+"#).unwrap(),
            hash: Regex::new(r#"(sha256\\*": \\*")[0-9a-f]{64}"#).unwrap(),
        };
        let opening = json!({"protocolVersion": "2025-11-25", "capabilities": {},
            "clientInfo": {"name": "c", "version": "1"}});
        client.tell("initialize", opening).await;
        client.send(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"})).await;
        client
    }
}

/// What one run of a project reports.
fn run(project: &str, number: usize) -> Value {
    let is_good = number % 3 == 2;
    let decision = |name: &str, confidence: f64| {
        json!({"kind": "decision", "decision_id": format!("{project}-{number}-{name}"), "stage": format!("collect {project}"),
            "decision": name, "what": format!("took {project} {name}"), "why": format!("{project} asked for it"),
            "confidence": confidence, "alternatives_considered": [format!("{project} other (0.2)"), "both"],
            "evidence_ids": [format!("e-{project}")]})
    };
    let mut events = vec![
        json!({"kind": "start", "project": project, "query": format!("what does {project} need?"),
            "intent": if number.is_multiple_of(2) { "shared".to_owned() } else { format!("{project} intent") },
            "domain": "common", "report_type": format!("{project} report"), "agent": format!("{project} agent"),
            "tags": ["everyone", format!("{project} tag")], "metadata": {"team": project}}),
        json!({"kind": "stage_start", "stage": format!("collect {project}")}),
        decision("source", if is_good { 0.9 } else { 0.6 }),
        decision("depth", 0.7),
        json!({"kind": "prompt", "stage": format!("collect {project}"), "model": format!("{project} model"),
            "user_message": format!("ask {project}"), "response": format!("{project} answers"), "input_tokens": 10 + number}),
        json!({"kind": "evidence", "stage": format!("collect {project}"), "collected_count": 5 + number,
            "passed_count": 3, "by_source": {project: 5}}),
        json!({"kind": "stage_end", "stage": format!("collect {project}"),
            "error": if is_good { Value::Null } else { format!("{project} broke").into() }}),
    ];
    if number + 1 < RUNS {
        let score = if is_good { 2.6 } else { 1.2 };
        events.push(json!({"kind": "finish", "score": score, "cost_usd": 0.5 + number as f64,
            "principle_scores": [
                {"id": "META-12", "score": if is_good { 3 } else { 0 }},
                {"id": format!("OF-{project}"), "score": if is_good { 2 } else { 1 }}]}));
    }
    json!({"trace_id": format!("run{number}-{project}"), "events": events})
}

/// A client by hand, so that it can ask anything.
pub(super) struct Client {
    wire: Mutex<(BufReader<ReadHalf<DuplexStream>>, WriteHalf<DuplexStream>)>,
    last_id: AtomicU64,
    clock: Arc<ManualClock>,
    recorder: Recorder,
    home: String,
    clock_digits: Regex,
    made_ids: Regex,
    revision: Regex,
    hash: Regex,
}

impl Client {
    /// Asks at the time of questions, and gives the answer without what differs from one installation to another
    /// whoever is in it: where its home is, how often it has looked at its clock, the random part of ids, the hash of all
    /// that, and how often the document of a run was written, which a busy machine makes twice.
    pub(super) async fn ask(&self, method: &str, params: Value) -> Value {
        self.clock.set(ASKED_AT.parse().unwrap());
        let answer = self.tell(method, params).await;
        let text = answer.to_string().replace(&self.home, "HOME/");
        let text = self.clock_digits.replace_all(&text, "$1.......Z");
        let text = self.revision.replace_all(&text, "${1}0");
        let text = self.hash.replace_all(&text, "${1}of_all_that");
        serde_json::from_str(&self.made_ids.replace_all(&text, "${1}_made")).unwrap()
    }

    /// Waits until database and documents hold all that was recorded.
    pub(super) async fn settle(&self) {
        self.recorder.settled().await;
        let index = &self.recorder.stores().index;
        let is_documented = async || index.undocumented(1).await.is_ok_and(|left| left.is_empty());
        eventually("all documents are written", is_documented).await;
    }

    /// The message that answers, with a number that does not count calls.
    async fn tell(&self, method: &str, params: Value) -> Value {
        let id = self.last_id.fetch_add(1, Ordering::SeqCst);
        self.send(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params})).await;
        let mut wire = self.wire.lock().await;
        loop {
            let mut line = String::new();
            assert!(wire.0.read_line(&mut line).await.unwrap() > 0, "the server hung up");
            let mut message: Value = serde_json::from_str(&line).unwrap();
            if message["id"] == id {
                message["id"] = 0.into();
                return message;
            }
        }
    }

    async fn send(&self, message: &Value) {
        let line = format!("{message}\n");
        self.wire.lock().await.1.write_all(line.as_bytes()).await.unwrap();
    }
}
