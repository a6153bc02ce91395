//! A store that is away: what is acknowledged stays, and what is missing follows by itself.

use std::time::{Duration, Instant};

use whytrace::recorder::SaveState;
use whytrace::service::Service;
use whytrace::store::index::Scope;

use crate::support::eventually::eventually;
use crate::support::pipeline::{Place, decide, decisions, finish, indexed, revision, start};
#[cfg(unix)]
use crate::support::server::OwnPostgres;

const DOCUMENT: &str = "projects/p/_traces/r1.json";

async fn record_while_the_database_is_away(service: &Service) {
    let ack = start(service, "r1").await.unwrap();
    assert_eq!(ack.saved.unwrap().database, SaveState::Pending);
    decide(service, "r1", "d0", "exa").await.unwrap();
    assert_eq!(decisions(service, "r1").await, ["exa"], "read from what is at hand");
    let finished = finish(service, "r1").await.unwrap();
    assert_eq!(finished.ack.saved.unwrap().journal, SaveState::Saved);
    assert_eq!(finished.flags, None, "flags wait for the database");
}

#[tokio::test(flavor = "multi_thread")]
async fn with_the_database_away_documents_are_written_and_the_database_catches_up_by_itself() {
    let place = Place::new(None);
    place.block("whytrace.db");
    let service = place.service();
    record_while_the_database_is_away(&service).await;
    assert_eq!(revision(&place.path(DOCUMENT)), 1);
    assert_eq!(service.query.trace("r1", &Scope::All).await.unwrap().trace.run.status.as_str(), "complete");

    place.unblock("whytrace.db");
    eventually("the database has the run", async || indexed(&service).await == 1).await;
    eventually("the document has what calibration found", async || revision(&place.path(DOCUMENT)) == 2)
        .await;
    assert_eq!(service.query.pending(), 0);
    service.close().await;
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_postgres_that_dies_and_comes_back_gets_what_it_missed() {
    let Some(server) = OwnPostgres::start() else { return };
    let place = Place::with_database(server.url());
    let service = place.service();
    start(&service, "r0").await.unwrap();
    eventually("the first run is there", async || indexed(&service).await == 1).await;

    server.crash();
    let begun = Instant::now();
    record_while_the_database_is_away(&service).await;
    decide(&service, "r0", "d0", "reddit").await.unwrap();
    assert!(begun.elapsed() < Duration::from_secs(8), "no call waits long: {:?}", begun.elapsed());

    server.restart();
    eventually("it caught up", async || indexed(&service).await == 2 && service.query.pending() == 0).await;
    assert_eq!(decisions(&service, "r0").await, ["reddit"]);
    service.close().await;
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn what_is_pending_of_one_run_is_not_told_of_another() {
    let Some(server) = OwnPostgres::start() else { return };
    let place = Place::with_database(server.url());
    let service = place.service();
    start(&service, "r0").await.unwrap();
    eventually("the first run is there", async || {
        indexed(&service).await == 1 && service.query.pending() == 0
    })
    .await;
    server.crash();
    assert_eq!(start(&service, "r1").await.unwrap().saved.unwrap().database, SaveState::Pending);
    let repeated = start(&service, "r0").await.unwrap();
    assert!(repeated.is_duplicate());
    assert_eq!(repeated.saved.unwrap().database, SaveState::Saved);
    let repeated = start(&service, "r1").await.unwrap();
    assert_eq!(repeated.saved.unwrap().database, SaveState::Pending);
    service.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn with_the_documents_folder_unwritable_the_database_saves_and_the_document_follows() {
    let place = Place::new(None);
    place.block("projects");
    let service = place.service();
    start(&service, "r1").await.unwrap();
    decide(&service, "r1", "d0", "exa").await.unwrap();
    let finished = finish(&service, "r1").await.unwrap();
    let saved = finished.ack.saved.unwrap();
    assert_eq!((saved.database, saved.document), (SaveState::Saved, Some(SaveState::Pending)));
    assert!(finished.trace.is_some() && finished.document.is_none());

    place.unblock("projects");
    eventually("the document is written", async || revision(&place.path(DOCUMENT)) > 0).await;
    service.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn with_every_store_away_the_answer_is_an_error_in_time_and_the_next_one_works_again() {
    let place = Place::new(None);
    place.block("whytrace.db");
    place.block("journal");
    let service = place.service();
    let begun = Instant::now();
    let error = start(&service, "r1").await.unwrap_err();
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    assert!(error.to_string().contains("retry with the same id"), "{error}");

    place.unblock("journal");
    let ack = start(&service, "r1").await.unwrap();
    assert_eq!(ack.saved.unwrap().journal, SaveState::Saved);
    place.unblock("whytrace.db");
    eventually("the database has the run", async || indexed(&service).await == 1).await;
    service.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn with_the_journal_away_the_database_holds_the_record() {
    let place = Place::new(None);
    place.block("journal");
    let service = place.service();
    let ack = start(&service, "r1").await.unwrap();
    assert_eq!(ack.saved.unwrap().journal, SaveState::Failed);
    assert_eq!(ack.saved.unwrap().database, SaveState::Saved);
    assert_eq!(indexed(&place.service()).await, 1, "committed and visible to others");
    service.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_process_left_behind_is_brought_over_by_the_next() {
    let place = Place::new(None);
    place.block("whytrace.db");
    let service = place.service();
    record_while_the_database_is_away(&service).await;
    service.close().await;
    assert!(
        std::fs::read_dir(place.path("journal")).unwrap().count() > 0,
        "the journal holds what is pending"
    );

    place.unblock("whytrace.db");
    let next = place.service();
    eventually("the run is brought over", async || indexed(&next).await == 1).await;
    eventually("its journal goes", async || std::fs::read_dir(place.path("journal")).unwrap().count() == 0)
        .await;
    next.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_of_a_run_that_cannot_be_looked_up_is_taken_on_trust() {
    let place = Place::new(None);
    let first = place.service();
    start(&first, "r1").await.unwrap();
    first.close().await;
    place.take_database_away();
    let service = place.service();
    let recorded = decide(&service, "r1", "d0", "exa").await.unwrap();
    assert!(recorded.ack.unverified);
    place.bring_database_back();
    eventually("it is placed", async || {
        decisions(&service, "r1").await == ["exa"] && service.query.pending() == 0
    })
    .await;
    service.close().await;
}
