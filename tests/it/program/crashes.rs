//! Killed in the middle of recording: what was acknowledged is there after the next start, and nothing is there twice.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use serde_json::{Value, json};
use whytrace::config::{Config, Settings};
use whytrace::service::Service;
use whytrace::store::index::{Filter, Sort};

use super::{VERSION, decision, decision_ids, shown_decisions, start};
use crate::support::database::Schema;
use crate::support::eventually::eventually;
use crate::support::program::{Home, Program};
use crate::support::server::OwnPostgres;

/// The runs of several agents, recorded through one server at the same time.
const RUNS: [&str; 4] = ["r0", "r1", "r2", "r3"];

/// How many decisions are on their way when the server is killed.
const IN_FLIGHT: usize = 40;

/// Decisions by run and id.
type Decisions = BTreeSet<(String, String)>;

/// Decisions that were sent, by the id of the request, and those that were acknowledged.
#[derive(Default)]
struct Sent {
    all: Decisions,
    acknowledged: Decisions,
    waiting: BTreeMap<u64, (String, String)>,
}

impl Sent {
    fn send(&mut self, server: &mut Program, run: &str, id: &str) {
        let arguments = decision(run, id);
        let request =
            server.send("tools/call", &json!({"name": "trace_record_decision", "arguments": arguments}));
        self.waiting.insert(request, (run.to_owned(), id.to_owned()));
        self.all.insert((run.to_owned(), id.to_owned()));
    }

    /// Takes answers in; none of them may be an error.
    fn take(&mut self, answers: impl IntoIterator<Item = Value>) {
        for answer in answers {
            assert!(answer["result"]["isError"] != json!(true) && answer.get("error").is_none(), "{answer}");
            if let Some(decision) = answer["id"].as_u64().and_then(|id| self.waiting.remove(&id)) {
                self.acknowledged.insert(decision);
            }
        }
    }

    /// What the server that is gone has not answered.
    fn unanswered(&mut self) -> Vec<(String, String)> {
        std::mem::take(&mut self.waiting).into_values().collect()
    }

    fn acknowledged_of(&self, run: &str) -> BTreeSet<&str> {
        let of_run = self.acknowledged.iter().filter(|(of, _)| of == run);
        of_run.map(|(_, id)| id.as_str()).collect()
    }
}

/// Whether a list of ids has all of these, and none twice.
fn has_each_once(ids: &[String], expected: &BTreeSet<&str>) -> bool {
    let unique: BTreeSet<&str> = ids.iter().map(String::as_str).collect();
    assert_eq!(unique.len(), ids.len(), "something is there twice: {ids:?}");
    unique.is_superset(expected)
}

/// Ends a run and gives the ids of the decisions in its document, read from the file.
async fn finished_document(home: &Home, server: &mut Program, run: &str) -> Vec<String> {
    server.tell("trace_finish", &json!({"trace_id": run, "score": 2.4}));
    let path = home.join(&format!("projects/cobot/_traces/{run}.json"));
    // A busy disk may take longer than the answer waits for it.
    eventually("the document is written", async || path.exists()).await;
    decision_ids(&serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap())
}

/// How many decisions the database counts of each finished run.
async fn counted_in_the_database(home: &Home, schema: Option<&Schema>) -> BTreeMap<String, u64> {
    let settings = Settings {
        home: Some(home.path().to_owned()),
        database_url: schema.map(|schema| schema.url().into()),
        schema: schema.map(|schema| schema.name().to_owned()),
        ..Settings::default()
    };
    let stores = Service::stores(&Config::load(settings, |_| None).unwrap());
    let page = stores.index.list(&Filter::default(), Sort::Newest, 100, None).await.unwrap();
    let counts = page.lines.into_iter().map(|line| (line.trace_id, u64::try_from(line.decisions).unwrap()));
    counts.collect()
}

async fn ten_times_killed_nothing_acknowledged_is_lost(schema: Option<Schema>) {
    let home = Home::new().on(schema.as_ref());
    let mut sent = Sent::default();
    for round in 0..10 {
        let mut server = home.server();
        server.initialize(VERSION);
        if round == 0 {
            for run in RUNS {
                start(&mut server, run);
            }
        }
        for number in 0..IN_FLIGHT {
            sent.send(&mut server, RUNS[number % RUNS.len()], &format!("d{round}-{number}"));
        }
        // Each round a little later, from at once to nearly the last answer.
        let read: Vec<Value> = (0..round * 4).map(|_| server.message()).collect();
        sent.take(read.into_iter().chain(server.kill()));
    }
    let unanswered: Vec<_> = sent.all.difference(&sent.acknowledged).cloned().collect();
    assert!(!unanswered.is_empty() && !sent.acknowledged.is_empty(), "it was killed in between");

    let mut server = home.server();
    server.initialize(VERSION);
    for run in RUNS {
        let expected = sent.acknowledged_of(run);
        let all_there = async || has_each_once(&shown_decisions(&home, run), &expected);
        eventually("every acknowledged decision is there after the restart", all_there).await;
    }
    // A client repeats what it got no answer to.
    sent.unanswered();
    for (run, id) in &unanswered {
        server.tell("trace_record_decision", &decision(run, id));
    }
    let everything = IN_FLIGHT * 10 / RUNS.len();
    for run in RUNS {
        assert_eq!(shown_decisions(&home, run).len(), everything);
        let document = finished_document(&home, &mut server, run).await;
        assert!(has_each_once(&document, &sent.acknowledged_of(run)));
        assert_eq!(document.len(), everything);
    }
    for (run, count) in counted_in_the_database(&home, schema.as_ref()).await {
        assert_eq!(count, everything as u64, "{run}");
    }
    assert!(server.close().success());
    home.run(["doctor"]).worked();
}

#[tokio::test]
async fn ten_times_killed_nothing_acknowledged_is_lost_on_sqlite() {
    ten_times_killed_nothing_acknowledged_is_lost(None).await;
}

#[tokio::test]
async fn ten_times_killed_nothing_acknowledged_is_lost_on_postgres() {
    let Some(schema) = Schema::fresh() else { return };
    ten_times_killed_nothing_acknowledged_is_lost(Some(schema)).await;
}

/// The ids of a run's decisions as a server reads them from whatever it can reach; none while it knows no such run.
fn read_decisions(server: &mut Program, run: &str) -> Vec<String> {
    let answer = server.request("resources/read", &json!({"uri": format!("trace://{run}")}));
    match answer["result"]["contents"][0]["text"].as_str() {
        Some(text) => decision_ids(&serde_json::from_str(text).unwrap()),
        None => Vec::new(),
    }
}

/// Two servers one after the other, both killed, record while the database is away; `come_back` brings it back.
async fn killed_while_the_database_is_away(home: &Home, come_back: impl FnOnce()) {
    let mut sent = Sent::default();
    let mut server = home.server();
    server.initialize(VERSION);
    assert_eq!(start(&mut server, "r0")["saved"], json!({"journal": "saved", "database": "pending"}));
    for number in 0..IN_FLIGHT {
        sent.send(&mut server, "r0", &format!("d{number}"));
    }
    let read: Vec<Value> = (0..IN_FLIGHT / 2).map(|_| server.message()).collect();
    sent.take(read.into_iter().chain(server.kill()));
    sent.unanswered();

    let mut second = home.server();
    second.initialize(VERSION);
    let expected = sent.acknowledged_of("r0");
    let all_there = async || has_each_once(&read_decisions(&mut second, "r0"), &expected);
    eventually("the next process reads it from the journal that it found", all_there).await;
    second.tell("trace_record_decision", &decision("r0", "of the second"));
    second.kill();
    sent.acknowledged.insert(("r0".to_owned(), "of the second".to_owned()));

    come_back();
    let mut third = home.server();
    third.initialize(VERSION);
    let expected = sent.acknowledged_of("r0");
    let all_there = async || {
        let shown = home.run(["show", "r0", "--json"]);
        shown.code == Some(0) && has_each_once(&decision_ids(&shown.json()), &expected)
    };
    eventually("the database has all of it", all_there).await;
    assert!(has_each_once(&finished_document(home, &mut third, "r0").await, &expected));
    assert!(third.close().success());
    home.run(["doctor"]).worked();
    assert_eq!(fs::read_dir(home.join("journal")).unwrap().count(), 0, "nothing is left for others to do");
}

#[tokio::test]
async fn what_is_recorded_and_killed_while_sqlite_is_away_gets_there_when_it_is_back() {
    let home = Home::new();
    fs::create_dir(home.join("whytrace.db")).unwrap();
    let come_back = || fs::remove_dir(home.join("whytrace.db")).unwrap();
    killed_while_the_database_is_away(&home, come_back).await;
}

#[tokio::test]
async fn what_is_recorded_and_killed_while_postgres_is_away_gets_there_when_it_is_back() {
    let Some(server) = OwnPostgres::start() else { return };
    let home = Home::new().with("WHYTRACE_DATABASE_URL", server.url());
    server.crash();
    killed_while_the_database_is_away(&home, || server.restart()).await;
}

async fn of_two_servers_on_one_home_one_may_be_killed(schema: Option<Schema>) {
    let home = Home::new().on(schema.as_ref());
    let [mut killed, mut other] = [home.server(), home.server()];
    killed.initialize(VERSION);
    other.initialize(VERSION);
    start(&mut killed, "r0");
    // A database that is opened for the first time may take longer than a record waits for it.
    let is_known = async || home.run(["show", "r0"]).code == Some(0);
    eventually("the database has the run, for the other server to find", is_known).await;
    let (mut of_killed, mut of_other) = (Sent::default(), Sent::default());
    for number in 0..IN_FLIGHT {
        of_killed.send(&mut killed, "r0", &format!("a{number}"));
        of_other.send(&mut other, "r0", &format!("b{number}"));
    }
    let read: Vec<Value> = (0..IN_FLIGHT / 4).map(|_| killed.message()).collect();
    of_killed.take(read.into_iter().chain(killed.kill()));
    let read: Vec<Value> = (0..IN_FLIGHT).map(|_| other.message()).collect();
    of_other.take(read);

    // What it left behind is for the next one that starts, or for the doctor.
    home.run(["doctor", "--fix"]).worked();
    let expected: BTreeSet<&str> =
        of_killed.acknowledged_of("r0").union(&of_other.acknowledged_of("r0")).copied().collect();
    assert!(expected.len() >= IN_FLIGHT + IN_FLIGHT / 4);
    assert!(has_each_once(&read_decisions(&mut other, "r0"), &expected));
    assert!(has_each_once(&finished_document(&home, &mut other, "r0").await, &expected));
    assert!(other.close().success());
}

#[tokio::test]
async fn of_two_servers_on_one_home_one_may_be_killed_on_sqlite() {
    of_two_servers_on_one_home_one_may_be_killed(None).await;
}

#[tokio::test]
async fn of_two_servers_on_one_home_one_may_be_killed_on_postgres() {
    let Some(schema) = Schema::fresh() else { return };
    of_two_servers_on_one_home_one_may_be_killed(Some(schema)).await;
}
