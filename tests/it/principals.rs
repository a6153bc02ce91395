//! Nothing of one principal's projects appears in any answer to another.
//!
//! The measure is an installation that never held them. Each principal has a client of the installation of all
//! projects, restricted to its own, and one of an installation into which only its own were recorded. Whatever it
//! asks, in tools, resources, prompts, completions and mistakes, both must answer alike, to the letter: so a name, an
//! id, a count, a flag, a rank or a hint that came from elsewhere shows, also where nobody thought of it. [`world`]
//! makes the installations, [`questions`] what is asked.
//!
//! Opening a run under an id of somebody else's is left out, as the one thing that cannot be hidden; the tests of
//! tokens hold what is said then.

mod questions;
mod world;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use serde_json::{Value, json};

use questions::{Question, any_question};
use world::{Client, PROJECTS, World};

use crate::support::database::Schema;

/// Who there is, by the projects of each. No two have one in common, so that what one of them records changes nothing
/// for another.
const PRINCIPALS: [&[&str]; 4] = [&["amber"], &["basalt", "cobalt"], &["dolerite"], &["nobody"]];

/// One principal, twice.
struct Seat {
    projects: &'static [&'static str],
    among_all: Client,
    alone: Client,
    _own: World,
}

async fn seats(all: &World, schema: &impl Fn() -> Option<Schema>) -> Vec<Seat> {
    let mut seats = Vec::new();
    for projects in PRINCIPALS {
        let own = World::of(projects, schema()).await;
        let (among_all, alone) = (all.client(projects).await, own.client(projects).await);
        seats.push(Seat { projects, among_all, alone, _own: own });
    }
    seats
}

/// Holds as many questions as `PROPTEST_CASES` says, or so many, against both installations: first those that only
/// read, then all.
fn nothing_shows(cases: u32, schema: impl Fn() -> Option<Schema>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (_world, seats, tools) = runtime.block_on(async {
        let world = World::of(&PROJECTS, schema()).await;
        let seats = seats(&world, &schema).await;
        let mut tools = seats[0].among_all.ask("tools/list", json!({})).await;
        (world, seats, tools["result"]["tools"].take())
    });
    let all = tools.as_array().unwrap();
    let reads = |tool: &&Value| tool["annotations"]["readOnlyHint"] == true;
    let reading: Vec<Value> = all.iter().filter(reads).cloned().collect();
    let asked = std::env::var_os("PROPTEST_CASES").map(|_| Config::default().cases);
    // What was asked before may have recorded something, so that a smaller case is no smaller.
    let config = Config {
        cases: asked.unwrap_or(cases),
        failure_persistence: None,
        max_shrink_iters: 0,
        ..Config::default()
    };
    let run = |tools: &[Value], holds: &dyn Fn(&Seat, &Question)| {
        let strategy = (0..PRINCIPALS.len(), any_question(tools));
        let property = |(seat, question): (usize, Question)| {
            holds(&seats[seat], &question);
            Ok::<(), TestCaseError>(())
        };
        if let Err(error) = TestRunner::new(config.clone()).run(&strategy, property) {
            panic!("{error}");
        }
    };
    run(&reading, &|seat, question| {
        let answer = runtime.block_on(alike(seat, question));
        nothing_of_others(seat, question, &answer);
    });
    run(all, &|seat, question| drop(runtime.block_on(alike(seat, question))));
}

/// The answer among all, which is that of the installation without the others.
async fn alike(seat: &Seat, Question { method, params }: &Question) -> Value {
    let among_all = seat.among_all.ask(method, params.clone()).await;
    let alone = seat.alone.ask(method, params.clone()).await;
    if took_its_time(&among_all) || took_its_time(&alone) {
        // What an answer says of that is no matter of who may see what; the next question finds all in place.
        seat.among_all.settle().await;
        seat.alone.settle().await;
        return Value::Null;
    }
    assert_eq!(among_all, alone, "{:?} asked {method} {params}", seat.projects);
    among_all
}

/// Whether a database was slower than the answer, as on a busy machine.
fn took_its_time(answer: &Value) -> bool {
    let told = &answer["result"]["structuredContent"];
    told["saved"].to_string().contains("pending")
        || told["finish"].to_string().contains("pending")
        || told["flags_pending"] == true
        || told["code"] == "unavailable"
}

/// Holds an answer against the names of the others, which stand in every text of theirs, save where they were asked
/// for: both installations could be wrong alike.
fn nothing_of_others(seat: &Seat, Question { method, params }: &Question, answer: &Value) {
    let (said, told) = (params.to_string(), answer.to_string());
    for project in PROJECTS.iter().filter(|project| !seat.projects.contains(project)) {
        let shows = told.contains(project) && !said.contains(project);
        assert!(!shows, "{:?} hears of {project}: {method} {params}: {told}", seat.projects);
    }
}

#[test]
fn on_sqlite_no_principal_hears_of_anothers_projects() {
    nothing_shows(400, || None);
}

#[test]
fn on_postgres_no_principal_hears_of_anothers_projects() {
    if Schema::fresh().is_some() {
        nothing_shows(400, Schema::fresh);
    }
}

#[test]
fn what_is_asked_is_answered_often_enough_to_mean_something() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let world = World::of(&PROJECTS, None).await;
        let client = world.client(&["amber"]).await;
        let tools = client.ask("tools/list", json!({})).await;
        let strategy = any_question(tools["result"]["tools"].as_array().unwrap());
        let mut runner = TestRunner::deterministic();
        let (mut answered, mut refused) = (0, 0);
        for _ in 0..200 {
            let question = strategy.new_tree(&mut runner).unwrap().current();
            let answer = client.ask(question.method, question.params).await;
            let is_error = answer.get("error").is_some() || answer["result"]["isError"] == Value::Bool(true);
            *(if is_error { &mut refused } else { &mut answered }) += 1;
        }
        assert!(answered >= 50 && refused >= 30, "{answered} answered, {refused} refused");
    });
}
