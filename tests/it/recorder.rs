//! The way of a record, through the library: both stores, their outages, and what is left of a run when one is gone.

use std::path::Path;
use std::time::Duration;

use serde_json::json;
use whytrace::config::{Config, Settings};
use whytrace::gate::CallerContext;
use whytrace::gate::request::{self, DecisionRequest, FinishRequest, StartRequest};
use whytrace::recorder::SaveState;
use whytrace::service::Service;
use whytrace::store::index::{Filter, Scope, Sort};

use crate::support::database::Schema;

fn config(home: &Path, database: Option<&Schema>) -> Config {
    let settings = Settings {
        home: Some(home.to_owned()),
        database_url: database.map(|schema| schema.url().to_owned()),
        schema: database.map(|schema| schema.name().to_owned()),
        ..Settings::default()
    };
    Config::load(settings, |_| None).expect("a configuration")
}

async fn record_a_run(service: &Service, id: &str) {
    let start: StartRequest =
        request::parse(json!({"project": "p", "query": "why?", "intent": "i", "trace_id": id}))
            .expect("a start");
    let ack = service.intake.start(start, &CallerContext::default()).await.expect("started");
    assert_eq!(ack.saved.expect("recording is on").journal, SaveState::Saved);
    for number in 0..3 {
        let decision: DecisionRequest = request::parse(json!({"trace_id": id, "stage": "s", "decision": "k",
            "what": format!("choice {number}"), "why": "because", "confidence": 0.5, "decision_id": format!("d{number}"),
            "alternatives_considered": ["other (0.4)"]}))
        .expect("a decision");
        service.intake.decision(decision).await.expect("recorded");
    }
}

async fn finish(service: &Service, id: &str) -> whytrace::recorder::Finished {
    let finish: FinishRequest = request::parse(json!({"trace_id": id, "score": 1.0,
        "principle_scores": [{"id": "META-12", "score": 1}], "cost_usd": 0.32}))
    .expect("a finish");
    service.intake.finish(finish).await.expect("finished")
}

async fn a_run_is_recorded_finished_and_read_back(schema: Option<Schema>) {
    let home = tempfile::tempdir().expect("a folder");
    let service = Service::open(&config(home.path(), schema.as_ref())).expect("a service");
    record_a_run(&service, "r1").await;
    let open = service.query.trace("r1", &Scope::All).await.expect("readable");
    assert_eq!(open.trace.decisions().count(), 3);
    let finished = finish(&service, "r1").await;
    let saved = finished.ack.saved.expect("recording is on");
    assert_eq!((saved.database, saved.document), (SaveState::Saved, Some(SaveState::Saved)));
    assert!(finished.document.expect("a document").exists());
    assert!(finished.summary.expect("a summary").exists());
    assert_eq!(finished.flags.expect("computed"), []);
    let listing = service.query.list(&Filter::default(), Sort::Newest, 10, None).await.expect("a list");
    assert_eq!((listing.total, listing.page.lines[0].decisions), (1, 3));
    let again = finish(&service, "r1").await;
    assert!(again.ack.is_duplicate());
    service.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_recorded_finished_and_read_back_on_sqlite() {
    a_run_is_recorded_finished_and_read_back(None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_recorded_finished_and_read_back_on_postgres() {
    let Some(schema) = Schema::fresh() else { return };
    a_run_is_recorded_finished_and_read_back(Some(schema)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_dead_process_recorded_is_brought_over_by_the_next() {
    let home = tempfile::tempdir().expect("a folder");
    let at = config(home.path(), None);
    // A folder where the database should be: nothing reaches it.
    std::fs::create_dir_all(home.path().join("whytrace.db")).expect("a folder");
    {
        let service = Service::open(&at).expect("a service");
        let start: StartRequest =
            request::parse(json!({"project": "p", "query": "why?", "trace_id": "r1"})).expect("a start");
        let ack = service.intake.start(start, &CallerContext::default()).await.expect("started");
        assert_eq!(ack.saved.expect("on").database, SaveState::Pending);
        let finished = finish(&service, "r1").await;
        assert_eq!(finished.flags, None, "flags wait for the database");
        assert!(finished.document.expect("written from what is at hand").exists());
        service.close().await;
    }
    std::fs::remove_dir_all(home.path().join("whytrace.db")).expect("removed");
    let service = Service::open(&at).expect("a service");
    tokio::time::timeout(Duration::from_secs(20), async {
        while service
            .query
            .list(&Filter::default(), Sort::Newest, 10, None)
            .await
            .map_or(0, |listing| listing.total)
            == 0
        {
            tokio::task::yield_now().await;
        }
    })
    .await
    .expect("brought over");
    service.close().await;
}
