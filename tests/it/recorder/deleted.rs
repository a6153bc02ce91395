//! Runs that somebody else deletes: nothing that this process still has of them brings them back.

use whytrace::error::Error;
use whytrace::store::index::Scope;

use crate::support::eventually::eventually;
#[cfg(unix)]
use crate::support::pipeline::finish;
use crate::support::pipeline::{Place, decide, start};
#[cfg(unix)]
use crate::support::server::OwnPostgres;

#[tokio::test(flavor = "multi_thread")]
async fn an_open_run_that_another_process_deletes_is_gone_here_too() {
    let place = Place::new(None);
    let (one, other) = (place.service(), place.service());
    start(&one, "r1").await.unwrap();
    decide(&one, "r1", "d0", "exa").await.unwrap();
    eventually("the database has it", async || one.query.pending() == 0).await;
    assert!(other.intake.recorder().delete(&"r1".parse().unwrap()).await.unwrap());

    let error = one.query.trace("r1", &Scope::All).await.unwrap_err();
    assert!(matches!(error, Error::Deleted { .. }), "{error}");
    one.close().await;
    other.close().await;
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_document_written_while_nobody_could_know_of_the_deletion_goes_when_the_database_is_back() {
    let Some(server) = OwnPostgres::start() else { return };
    let place = Place::with_database(server.url());
    let document = place.path("projects/p/_traces/r1.json");
    let (one, other) = (place.service(), place.service());
    start(&one, "r1").await.unwrap();
    eventually("the database has it", async || one.query.pending() == 0).await;
    assert!(other.intake.recorder().delete(&"r1".parse().unwrap()).await.unwrap());
    other.close().await;

    server.crash();
    finish(&one, "r1").await.unwrap();
    eventually("it is written without the database", async || document.exists()).await;

    server.restart();
    eventually("it is known to be deleted", async || !document.exists()).await;
    assert_eq!(one.query.pending(), 0);
    one.close().await;
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_document_whose_run_was_deleted_goes_when_the_database_can_be_asked_even_if_it_lacks_no_event() {
    let Some(server) = OwnPostgres::start() else { return };
    let place = Place::with_database(server.url());
    let document = place.path("projects/p/_traces/r1.json");
    let (one, other) = (place.service(), place.service());
    place.block("projects");
    start(&one, "r1").await.unwrap();
    finish(&one, "r1").await.unwrap();
    eventually("the database has it", async || one.query.pending() == 0).await;
    let (trace_id, recorder) = ("r1".parse().unwrap(), other.intake.recorder());
    // No document is there that would have to go with it.
    recorder.stores().index.delete(&[trace_id], recorder.clock().now()).await.unwrap();
    other.close().await;

    server.crash();
    place.unblock("projects");
    eventually("it is written without the database", async || document.exists()).await;

    server.restart();
    eventually("it is known to be deleted", async || !document.exists()).await;
    one.close().await;
}
