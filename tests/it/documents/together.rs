//! Many processes at once, which may be on many machines: nobody undoes what another has written.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use futures::future::join_all;
use whytrace::error::Error;
use whytrace::model::Event;
use whytrace::scorecard;
use whytrace::store::documents::{Documents, ProjectFile, ProjectTexts, Writers};

use super::{Shelf, everywhere};
use crate::support::database::Schema;
use crate::support::run::Run;

/// How many write one run at once.
const WRITERS: usize = 6;

/// How often each of them does.
const ROUNDS: usize = 8;

/// What one writer knows of the run: its start, and decisions that nobody else has.
fn own_events(writer: usize, round: usize) -> Vec<Event> {
    let run = Run::started("r1").decide(&format!("d{writer}-{round}"));
    run.events().iter().map(|event| Event::clone(event)).collect()
}

async fn write(documents: Documents, writer: usize) {
    let run = Run::new("r1");
    for round in 0..ROUNDS {
        let events = own_events(writer, round);
        let written = loop {
            match documents.save("p", run.id(), &events).await {
                Ok(written) => break written.unwrap(),
                // The others had it for too long; the recorder tries again as well.
                Err(Error::Unavailable { .. }) => {}
                Err(error) => panic!("{error}"),
            }
        };
        assert!(written.changed);
        let held = written.trace.metadata.events;
        assert!(events.iter().all(|event| held.contains_key(&event.event_id)));
    }
}

/// Reads again and again: no revision is lower than one before, and none holds fewer events.
async fn watch(documents: Documents, is_over: Arc<AtomicBool>) -> u64 {
    let (run, mut last, mut looks) = (Run::new("r1"), (0, 0), 0);
    while !is_over.load(Ordering::Relaxed) {
        if let Some(found) = documents.read("p", run.id()).await.unwrap() {
            let now = (found.trace.metadata.revision, found.trace.metadata.events.len());
            assert!(now.0 >= last.0 && now.1 >= last.1, "{last:?}, then {now:?}");
            last = now;
        }
        looks += 1;
        tokio::task::yield_now().await;
    }
    looks
}

/// A bucket whose conditions are not used, where writers are kept apart by a Postgres that they share.
fn without_conditions() -> Option<Shelf> {
    let shelf = Shelf::bucket()?;
    let schema = Schema::fresh()?;
    Some(shelf.without_conditions(schema))
}

#[tokio::test(flavor = "multi_thread")]
async fn where_the_store_checks_no_conditions_a_shared_postgres_keeps_writers_apart() {
    let Some(shelf) = without_conditions() else { return };
    assert_eq!(shelf.documents().probe().await.unwrap(), Writers::Unconditional);
    writers_of_one_run_lose_nothing_of_each_other::holds(&shelf).await;
}

everywhere! {
    async fn writers_of_one_run_lose_nothing_of_each_other(shelf) {
        let is_over = Arc::new(AtomicBool::new(false));
        let watching = tokio::spawn(watch(shelf.documents(), Arc::clone(&is_over)));
        let writers = (0..WRITERS).map(|writer| tokio::spawn(write(shelf.documents(), writer)));
        for done in join_all(writers).await {
            done.unwrap();
        }
        is_over.store(true, Ordering::Relaxed);
        assert!(watching.await.unwrap() > 0);

        let trace = shelf.documents().read("p", Run::new("r1").id()).await.unwrap().unwrap().trace;
        assert_eq!(trace.decisions().count(), WRITERS * ROUNDS);
        // Each replaced what it had read, so each revision was written once.
        assert_eq!(trace.metadata.revision, (WRITERS * ROUNDS) as u64);
        assert_eq!(shelf.text("projects/p/_traces/r1_summary.md").await.unwrap(), scorecard::markdown(&trace));
    }

    async fn the_files_of_a_project_say_in_the_end_what_was_known_last(shelf) {
        let known = AtomicU64::new(0);
        let tell = async |documents: Documents| {
            for _ in 0..ROUNDS {
                known.fetch_add(1, Ordering::SeqCst);
                let make = || async {
                    let flags = known.load(Ordering::SeqCst).to_string();
                    // Others come to know more meanwhile.
                    tokio::task::yield_now().await;
                    Ok(Some(ProjectTexts { alerts: flags.clone(), flags }))
                };
                documents.write_project_files("p", make).await.unwrap();
            }
        };
        join_all((0..WRITERS).map(|_| tell(shelf.documents()))).await;
        let last = (WRITERS * ROUNDS).to_string();
        for file in [ProjectFile::Flags, ProjectFile::Alerts] {
            assert_eq!(shelf.documents().project_files(file).await.unwrap(), [last.as_str()]);
        }
    }
}
