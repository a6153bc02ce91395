//! Flags of runs whose finish reaches the database late, or before their start: the same as if it had come in time.

use serde_json::{Value, json};
use whytrace::gate::request::ReviewRequest;
use whytrace::model::{FlagNote, StartEvent, Status, TraceId};
use whytrace::service::Service;
use whytrace::store::index::{Filter, Scope};

use super::recording::documents;
use crate::support::eventually::eventually;
use crate::support::pipeline::{Place, record};
use crate::support::run::{Run, scored};
use crate::support::store::Store;

/// A whole run of project `p` that passes or fails its gate.
fn ended(id: &str, score: f64) -> Value {
    json!({"trace_id": id, "events": [
        {"kind": "start", "project": "p", "query": "why?"}, {"kind": "finish", "score": score}]})
}

/// Waits until the database and the documents have everything.
async fn settle(service: &Service) {
    let recorder = service.intake.recorder();
    recorder.settled().await;
    let index = &recorder.stores().index;
    eventually("all documents are written", async || {
        index.undocumented(1).await.is_ok_and(|left| left.is_empty())
    })
    .await;
}

/// What a run has noted in its document, and whether it is marked there and in the database.
async fn noted(service: &Service, place: &Place, run: &str) -> (Vec<FlagNote>, bool) {
    let traces = documents(&place.path("projects"));
    let trace = traces.into_iter().find(|trace| trace.trace_id.as_str() == run).expect("a document");
    let mut marked = Vec::new();
    let all = Filter::default();
    service
        .intake
        .recorder()
        .stores()
        .index
        .each_run(&all, |facts| {
            if facts.trace_id.as_str() == run {
                marked.push(facts.flagged);
            }
        })
        .await
        .expect("the database");
    let calibration = trace.calibration;
    assert_eq!(marked, [calibration.flagged_for_review], "{run} in the database and in its document");
    (calibration.flags, calibration.flagged_for_review)
}

#[tokio::test]
async fn runs_that_ended_while_the_database_was_away_are_checked_in_the_order_of_their_ends() {
    let place = Place::new(None);
    place.block("whytrace.db");
    let service = place.service();
    // In the order of their names the one that failed would be the first.
    for (id, score) in [("z", 3.0), ("m", 3.0), ("a", 1.0)] {
        record(&service, ended(id, score)).await.unwrap();
    }
    place.unblock("whytrace.db");
    settle(&service).await;
    let flags = service.query.flags(&Scope::All).await.unwrap();
    let kinds: Vec<&str> = flags.iter().map(|flag| flag.kind.as_str()).collect();
    assert_eq!(kinds, ["quality_gate_regression"]);
    assert_eq!(flags[0].baseline.previous_trace_id.as_ref().map(TraceId::as_str), Some("m"));
    assert_eq!(noted(&service, &place, "a").await.0.len(), 1);
    service.close().await;
}

#[tokio::test]
async fn a_mark_that_is_taken_off_before_the_check_stays_off() {
    let place = Place::new(None);
    place.block("whytrace.db");
    let service = place.service();
    record(&service, ended("z", 3.0)).await.unwrap();
    record(&service, ended("a", 1.0)).await.unwrap();
    let unmarked = ReviewRequest {
        trace_id: Some("a".to_owned()),
        flagged_for_review: Some(false),
        ..ReviewRequest::default()
    };
    service.intake.review(unmarked, &Scope::All).await.unwrap();
    place.unblock("whytrace.db");
    settle(&service).await;
    let (flags, marked) = noted(&service, &place, "a").await;
    assert_eq!((flags.len(), marked), (1, false));
    service.close().await;
}

#[tokio::test]
async fn a_database_takes_over_what_a_document_held_before_it() {
    let place = Place::new(None);
    let first = place.service();
    record(&first, ended("z", 3.0)).await.unwrap();
    // Ended once and documented; what follows is late.
    record(&first, ended("a", 1.0)).await.unwrap();
    settle(&first).await;
    first.close().await;

    place.take_database_away();
    let service = place.service();
    let late = json!({"trace_id": "a", "events": [{"kind": "decision", "decision_id": "d", "stage": "s",
        "decision": "k", "what": "exa", "why": "late", "confidence": 0.5}]});
    record(&service, late).await.unwrap();
    let again = json!({"trace_id": "a", "events": [{"kind": "finish", "score": 1.0}]});
    record(&service, again).await.unwrap();
    let document = || documents(&place.path("projects")).into_iter().find(|it| it.trace_id.as_str() == "a");
    eventually("the document is ahead", async || document().unwrap().decisions().count() == 1).await;

    place.bring_database_back();
    settle(&service).await;
    let summary = service.query.aggregate(&Filter::default(), None).await.unwrap().summary;
    assert_eq!((summary.runs, summary.decisions_of_all.total), (2, 1));
    assert_eq!(noted(&service, &place, "a").await.0.len(), 1, "and nothing fires again");
    assert_eq!(service.query.flags(&Scope::All).await.unwrap()[0].fired, 1);
    service.close().await;
}

async fn a_run_whose_finish_came_before_its_start_is_checked_when_that_comes(store: &Store) {
    let index = store.index();
    let start = || StartEvent { project: "p".to_owned(), query: "why?".to_owned(), ..StartEvent::default() };
    let passed = Run::new("z").start(start()).finish(scored(3.0, &[]));
    index.record(vec![passed.batch()], true).await.unwrap();
    let later = passed.last().recorded_at.plus(chrono::TimeDelta::hours(1));
    let failed = Run::new("a").at(later).start(start()).finish(scored(1.0, &[]));
    let [begin, finish] = failed.events() else { panic!("two events") };
    for event in [finish, begin] {
        index.record(vec![failed.batch_of(vec![event.clone()])], true).await.unwrap();
    }
    let seen = index.sighting("a", &Scope::All).await.unwrap().unwrap();
    assert_eq!(seen.status, Status::Complete);
    let flags = index.flags(&Scope::All).await.unwrap();
    assert_eq!(flags.iter().map(|flag| flag.kind.as_str()).collect::<Vec<_>>(), ["quality_gate_regression"]);
}

#[tokio::test]
async fn a_run_whose_finish_came_before_its_start_is_checked_when_that_comes_on_sqlite() {
    a_run_whose_finish_came_before_its_start_is_checked_when_that_comes(&Store::sqlite()).await;
}

#[tokio::test]
async fn a_run_whose_finish_came_before_its_start_is_checked_when_that_comes_on_postgres() {
    let Some(store) = Store::postgres() else { return };
    a_run_whose_finish_came_before_its_start_is_checked_when_that_comes(&store).await;
}
