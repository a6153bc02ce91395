//! What the index promises, held on both databases by one suite.
//!
//! A promise is written once, as `both! { async fn its_claim(store) { ... } }`, and becomes one test for each
//! database, and one for Postgres behind a pooler in transaction mode. [`reference`] is what the answers are compared with: the same questions over a list in memory.
//! [`twins`] asks both databases and the reference about histories that nobody thought of.

mod choices;
mod columns;
mod confidence;
mod decisions;
mod endings;
mod groups;
mod habits;
mod interruption;
mod listing;
mod lookup;
mod migration;
mod opening;
mod recording;
mod reference;
mod searching;
mod sums;
mod text;
mod tokens;
mod twins;

use std::sync::Arc;

use whytrace::model::{Trace, TraceId};
use whytrace::store::Sealed;
use whytrace::store::index::{Batch, Documented, Index, Scope, Standing, TraceOutcome};

use crate::support::run::Run;
use crate::support::store::{Row1, Store, sort};

/// Writes each promise as one test for each database.
macro_rules! both {
    ($($(#[$note:meta])* async fn $claim:ident($store:ident) $body:block)*) => {$(
        mod $claim {
            use super::*;

            $(#[$note])*
            async fn holds($store: &Store) $body

            #[tokio::test]
            async fn sqlite() {
                holds(&Store::sqlite()).await;
            }

            #[tokio::test]
            async fn postgres() {
                if let Some(store) = Store::postgres() {
                    holds(&store).await;
                }
            }

            #[tokio::test]
            async fn pooled_postgres() {
                if let Some(store) = Store::pooled() {
                    holds(&store).await;
                }
            }
        }
    )*};
}
use both;

/// All that is kept of runs, table by table.
const TABLES: [&str; 10] = [
    "traces",
    "tags",
    "stages",
    "decisions",
    "alternatives",
    "principle_scores",
    "evidence",
    "events",
    "conflicts",
    "tombstones",
];

/// What a row of `traces` says of its own history, beside the run.
const BOOKKEEPING: [&str; 7] = [
    "event_count",
    "created_at",
    "updated_at",
    "last_event_at",
    "event_bytes",
    "trace_file_path",
    "document_revision",
];

/// What a row says of where and how its database keeps it.
const OF_THE_DATABASE: [&str; 3] = ["row_id", "words", "word_text"];

/// Records one batch and gives what became of it.
async fn outcome(index: &Index, batch: Batch) -> TraceOutcome {
    let mut outcomes = index.record(vec![batch], true).await.unwrap();
    assert_eq!(outcomes.len(), 1);
    outcomes.remove(0)
}

/// Records one batch that needs no document.
async fn record(index: &Index, batch: Batch) -> Vec<Standing> {
    standings(outcome(index, batch).await)
}

fn standings(outcome: TraceOutcome) -> Vec<Standing> {
    let TraceOutcome::Recorded { standings, .. } = outcome else { panic!("{outcome:?}") };
    standings
}

/// The run that a batch has left to be written as a document.
fn finished(outcome: TraceOutcome) -> Trace {
    let TraceOutcome::Recorded { finished: Some(trace), .. } = outcome else { panic!("{outcome:?}") };
    *trace
}

/// Records a run's last event.
async fn record_last(index: &Index, run: &Run) -> Standing {
    let last: Arc<Sealed> = Arc::clone(run.last());
    record(index, run.batch_of(vec![last])).await.remove(0)
}

/// Records runs whole, all in one call.
async fn record_all<'r>(index: &Index, runs: impl IntoIterator<Item = &'r Run>) {
    index.record(runs.into_iter().map(Run::batch).collect(), true).await.unwrap();
}

/// The tables of what is kept added up.
const SUMS: [&str; 3] = ["confidence_days", "run_days", "principle_days"];

/// Tells the index that the document of a run is saved.
async fn save_document(index: &Index, document: &Trace) {
    let held = document.metadata.events.keys().cloned().collect();
    let (trace_id, revision) = (document.trace_id.clone(), document.metadata.revision);
    let path = format!("{trace_id}.json");
    index.documented(vec![Documented { trace_id, revision, path, held }], true).await.unwrap();
}

async fn status(index: &Index, id: &TraceId) -> Option<String> {
    index.sighting(id.as_str(), &Scope::All).await.unwrap().map(|seen| seen.status.to_string())
}

/// All rows of the runs in a store, without what is bookkeeping.
async fn projection(store: &Store) -> Vec<(&'static str, Vec<Row1>)> {
    let mut tables = Vec::new();
    for table in TABLES[..7].iter().chain(&SUMS) {
        let mut rows = store.rows(&format!("select * from {table}")).await;
        for row in &mut rows {
            row.retain(|column, _| {
                !OF_THE_DATABASE.contains(&column.as_str())
                    && (*table != "traces" || !BOOKKEEPING.contains(&column.as_str()))
            });
        }
        sort(&mut rows);
        tables.push((*table, rows));
    }
    tables
}

/// Says of two projections which cells differ, where they do.
fn assert_same(one: &[(&'static str, Vec<Row1>)], other: &[(&'static str, Vec<Row1>)], when: &str) {
    for ((table, rows), (_, others)) in one.iter().zip(other) {
        assert_eq!(rows.len(), others.len(), "{when}: rows of {table}: {rows:?} and {others:?}");
        for (row, other) in rows.iter().zip(others) {
            let columns = row.keys().filter(|column| row[*column] != other[*column]);
            let cells: Vec<String> =
                columns.map(|column| format!("{column}: {} and {}", row[column], other[column])).collect();
            assert!(cells.is_empty(), "{when}: {table} of {}: {}", row["trace_id"], cells.join("; "));
        }
    }
}

/// How many rows a table has.
async fn count(store: &Store, table: &str) -> u64 {
    store.rows(&format!("select * from {table}")).await.len() as u64
}
