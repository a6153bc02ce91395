//! The same request twice, another content under the same name, events after the end.

use std::path::PathBuf;

use serde_json::json;
use whytrace::Error;
use whytrace::recorder::SaveState;
use whytrace::store::index::{Scope, Standing};

use crate::support::database::Schema;
use crate::support::eventually::eventually;
use crate::support::pipeline::{Place, decide, decisions, finish, record, revision, start};

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_request_answers_as_the_first_and_records_nothing_again() {
    let place = Place::new(None);
    let service = place.service();
    start(&service, "r1").await.unwrap();
    assert!(start(&service, "r1").await.unwrap().is_duplicate());
    decide(&service, "r1", "d0", "exa").await.unwrap();
    // Another process, which has the first one's record from the database alone.
    let other = place.service();
    let repeated = decide(&other, "r1", "d0", "exa").await.unwrap();
    assert!(repeated.ack.is_duplicate());
    let first = finish(&service, "r1").await.unwrap();
    let second = finish(&other, "r1").await.unwrap();
    assert!(second.ack.is_duplicate());
    assert_eq!(second.trace.unwrap().quality, first.trace.unwrap().quality);
    assert_eq!(decisions(&service, "r1").await, ["exa"]);
    service.close().await;
    other.close().await;
}

async fn other_content_under_a_name_that_is_taken_is_a_conflict(schema: Option<Schema>) {
    let place = Place::new(schema.as_ref());
    let service = place.service();
    start(&service, "r1").await.unwrap();
    decide(&service, "r1", "d0", "exa").await.unwrap();
    for process in [&service, &place.service()] {
        let error = decide(process, "r1", "d0", "google").await.unwrap_err();
        assert!(matches!(error, Error::Conflict { .. }), "{error}");
    }
    // What was refused leaves no memory behind that a repetition could be taken for.
    let other = place.service();
    for _ in 0..2 {
        let error = decide(&other, "r1", "d0", "google").await.unwrap_err();
        assert!(matches!(error, Error::Conflict { .. }), "{error}");
    }
    assert!(decide(&other, "r1", "d0", "exa").await.unwrap().ack.is_duplicate());
    other.close().await;
    assert_eq!(decisions(&service, "r1").await, ["exa"], "the first stays");
    service.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn other_content_under_a_name_that_is_taken_is_a_conflict_on_sqlite() {
    other_content_under_a_name_that_is_taken_is_a_conflict(None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn other_content_under_a_name_that_is_taken_is_a_conflict_on_postgres() {
    let Some(schema) = Schema::fresh() else { return };
    other_content_under_a_name_that_is_taken_is_a_conflict(Some(schema)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_after_the_end_is_late_and_the_document_follows() {
    let place = Place::new(None);
    let service = place.service();
    start(&service, "r1").await.unwrap();
    let finished = finish(&service, "r1").await.unwrap();
    let document = PathBuf::from(finished.document.unwrap());
    let before = revision(&document);
    for process in [&service, &place.service()] {
        let id = if std::ptr::eq(process, &service) { "d0" } else { "d1" };
        let late = decide(process, "r1", id, "exa").await.unwrap();
        assert!(late.ack.late, "{id}");
    }
    eventually("the document follows", async || {
        let text = std::fs::read_to_string(&document).unwrap();
        revision(&document) > before && ["d0", "d1"].iter().all(|id| text.contains(&format!("\"{id}\"")))
    })
    .await;
    let trace = service.query.trace("r1", &Scope::All).await.unwrap().trace;
    assert!(trace.decisions().all(|(_, decision)| decision.late));
    assert_eq!(trace.decisions().count(), 2);
    service.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_whole_run_in_one_call_says_of_each_event_what_became_of_it() {
    let place = Place::new(None);
    let service = place.service();
    let run = json!({"trace_id": "r1", "events": [
        {"kind": "start", "project": "p", "query": "q"},
        {"kind": "decision", "stage": "s", "decision": "k", "what": "a", "why": "b", "decision_id": "d0"},
        {"kind": "result", "decision_id": "d0", "result": {"hits": 3}, "event_id": "e0"},
        {"kind": "finish", "score": 3}]});
    let first = record(&service, run.clone()).await.unwrap();
    assert_eq!(first.ack.standings, [Standing::New; 4]);
    assert_eq!(first.finished.unwrap().ack.saved.unwrap().document, Some(SaveState::Saved));
    let again = record(&service, run).await.unwrap();
    assert_eq!(again.ack.standings, [Standing::Duplicate; 4]);
    service.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_does_not_exist_or_was_deleted_takes_no_records() {
    let place = Place::new(None);
    let service = place.service();
    assert!(matches!(decide(&service, "nowhere", "d0", "x").await, Err(Error::UnknownTrace { .. })));
    start(&service, "r1").await.unwrap();
    finish(&service, "r1").await.unwrap();
    assert!(service.intake.recorder().delete(&"r1".parse().unwrap()).await.unwrap());
    for process in [&service, &place.service()] {
        assert!(matches!(decide(process, "r1", "d0", "x").await, Err(Error::Deleted { .. })));
        assert!(matches!(start(process, "r1").await, Err(Error::Deleted { .. })));
    }
    assert!(!place.path("projects/p/_traces/r1.json").exists());
    service.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn recording_that_is_switched_off_succeeds_and_does_nothing() {
    let place = Place::new(None).set(|settings| settings.disabled_projects = Some(vec!["p".into()]));
    let service = place.service();
    assert!(start(&service, "r1").await.unwrap().saved.is_none());
    assert!(decide(&service, "r1", "d0", "x").await.unwrap().ack.saved.is_none());
    assert!(finish(&service, "r1").await.unwrap().ack.saved.is_none());
    assert!(!place.path("projects").exists());
    service.close().await;
}
