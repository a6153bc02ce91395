//! What earlier runs did: bounded, of the same project, and never of the run itself.

use chrono::TimeDelta;
use whytrace::diagnose::PastRun;
use whytrace::model::{Alternative, FinishEvent, Quality, StartEvent, Status};
use whytrace::store::index::Comparable;

use super::*;
use crate::support::run::noon;

/// A run of project `p` that was asked this and chose that, with the gate's verdict.
fn run(id: &str, minute: i64, (query, intent): (&str, &str), what: &str, passed: Option<bool>) -> Run {
    let start = StartEvent {
        project: "p".to_owned(),
        query: query.to_owned(),
        intent: Some(intent.to_owned()),
        ..StartEvent::default()
    };
    Run::new(id)
        .at(noon().plus(TimeDelta::minutes(minute)))
        .start(start)
        .enter("enter", "collection")
        .decide_with("d1", |decision| {
            decision.what = what.to_owned();
            decision.confidence = Some((if minute % 2 == 0 { 0.6 } else { 0.8 }).try_into().unwrap());
            decision.alternatives_considered = vec![Alternative::parse("bing")];
        })
        .leave("leave", "collection")
        .finish(FinishEvent {
            status: Status::Complete,
            quality: Quality { passed, ..Quality::default() },
            ..FinishEvent::default()
        })
}

const ASKED: (&str, &str) = ("which arm?", "buy");

fn ids(found: &[PastRun]) -> Vec<&str> {
    found.iter().map(|run| run.trace_id.as_str()).collect()
}

both! {
    async fn habits_are_those_of_the_projects_other_runs(store) {
        let index = store.index();
        let mut runs: Vec<Run> =
            (0..12).map(|n| run(&format!("r{n}"), n, ASKED, if n < 6 { "Exa, only" } else { "reddit" }, Some(n < 6))).collect();
        let foreign = StartEvent { project: "q".to_owned(), ..StartEvent::default() };
        runs.push(Run::new("foreign").start(foreign).decide("d1").complete());
        record_all(&index, &runs).await;
        let own = run("r0", 0, ASKED, "x", None).told();
        let habits = index.habits(&own).await.unwrap();
        let habit = habits.key("source_selection").unwrap();
        let spread = habit.confidence.unwrap();
        assert_eq!((habit.n, habit.with_alternatives, habit.with_evidence, spread.n), (11, 11, 0, 11));
        assert!((spread.mean - (5.0 * 0.6 + 6.0 * 0.8) / 11.0).abs() < 1e-9);
        let stage = habits.stage("collection").unwrap();
        assert_eq!((stage.n, stage.median, stage.p95), (11, 2.0, 2.0));
        assert!(habits.key("depth").is_none() && habits.stage("synthesis").is_none());
    }

    async fn the_same_query_comes_before_the_same_intent_and_only_runs_that_went_well(store) {
        let index = store.index();
        record_all(&index, &[
            run("passed", 0, ASKED, "exa", Some(true)),
            run("unjudged", 1, ASKED, "reddit", None),
            run("failed", 2, ASKED, "exa", Some(false)),
            run("other-question", 3, ("how many?", "buy"), "exa", Some(true)),
            Run::started("open").decide("d1"),
        ]).await;
        let (by, found) = index.comparable(&run("new", 9, ASKED, "exa", None).told()).await.unwrap().unwrap();
        assert_eq!((by, ids(&found)), (Comparable::Query, vec!["unjudged", "passed"]));
        assert_eq!(found[1].choices, [("source_selection".to_owned(), "exa".to_owned())]);
        let new = run("new", 9, ("why?", "buy"), "exa", None).told();
        let (by, found) = index.comparable(&new).await.unwrap().unwrap();
        assert_eq!((by, ids(&found)), (Comparable::Intent, vec!["other-question", "unjudged", "passed"]));
        let new = run("new", 9, ("why?", "sell"), "exa", None).told();
        assert_eq!(index.comparable(&new).await.unwrap(), None);
        let own = run("passed", 0, ASKED, "exa", Some(true)).told();
        assert_eq!(ids(&index.comparable(&own).await.unwrap().unwrap().1), ["unjudged"], "never itself");
    }
}
