//! The way of a record, through the library: both databases, their outages, and what is left when a store is gone.

mod deleted;
mod lost;
mod outages;
mod retries;

use std::path::Path;

use whytrace::recorder::SaveState;
use whytrace::store::index::{Filter, Scope, Sort};

use crate::support::database::Schema;
use crate::support::pipeline::{Place, decide, finish, start};

async fn a_run_is_recorded_finished_and_read_back(schema: Option<Schema>) {
    let place = Place::new(schema.as_ref());
    let service = place.service();
    let ack = start(&service, "r1").await.unwrap();
    assert_eq!(ack.saved.unwrap().journal, SaveState::Saved);
    for number in 0..3 {
        decide(&service, "r1", &format!("d{number}"), "exa").await.unwrap();
    }
    let open = service.query.trace("r1", &Scope::All).await.unwrap();
    assert_eq!(open.trace.decisions().count(), 3);

    let finished = finish(&service, "r1").await.unwrap();
    let saved = finished.ack.saved.unwrap();
    assert_eq!((saved.database, saved.document), (SaveState::Saved, Some(SaveState::Saved)));
    assert!(Path::new(&finished.document.unwrap()).exists());
    assert!(Path::new(&finished.summary.unwrap()).exists());
    assert_eq!(finished.flags.unwrap(), []);
    let listing = service.query.list(&Filter::default(), Sort::Newest, 10, None).await.unwrap();
    assert_eq!((listing.total, listing.page.lines[0].decisions), (1, 3));
    service.close().await;
    assert_eq!(
        std::fs::read_dir(place.path("journal")).unwrap().count(),
        0,
        "nothing is left for others to do"
    );
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
