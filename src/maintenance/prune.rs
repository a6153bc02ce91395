//! Deleting finished runs by their age and kind, many at a time.

use serde::Serialize;

use super::leftovers;
use crate::error::Result;
use crate::model::{Timestamp, TraceId};
use crate::recorder::Recorder;
use crate::store::Stores;
use crate::store::index::Filter;

/// How many runs are looked at, or deleted, together.
const AT_ONCE: u32 = 200;

/// How many documents are looked at at the same time.
const LOOKS_AT_ONCE: usize = 16;

/// What a deletion is about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Extent {
    /// Runs.
    pub runs: u64,
    /// Their decisions.
    pub decisions: u64,
    /// Bytes of their documents.
    pub document_bytes: u64,
}

/// Says how much there is of runs that meet one of these filters, which have nothing in common. Runs that are open
/// are not among them. `tick` is told how many were looked at.
///
/// # Errors
/// [`crate::Error::Unavailable`] when a store is away.
pub async fn extent(stores: &Stores, filters: &[Filter], mut tick: impl FnMut(u64)) -> Result<Extent> {
    use futures::StreamExt as _;
    let mut extent = Extent::default();
    for filter in filters {
        let mut behind: Option<(Timestamp, TraceId)> = None;
        loop {
            let from = behind.as_ref().map(|(at, trace_id)| (*at, trace_id));
            let runs = stores.index.expired(filter, from, AT_ONCE).await?;
            let Some(last) = runs.last() else { break };
            behind = Some((last.ended_at, last.trace_id.clone()));
            let looks =
                runs.iter().map(async |run| stores.documents.bytes(&run.project, &run.trace_id).await);
            let mut sizes = futures::stream::iter(looks).buffer_unordered(LOOKS_AT_ONCE);
            while let Some(bytes) = sizes.next().await {
                extent.document_bytes += bytes?;
            }
            drop(sizes);
            extent.runs += runs.len() as u64;
            extent.decisions += runs.iter().map(|run| run.decisions).sum::<u64>();
            tick(runs.len() as u64);
        }
    }
    Ok(extent)
}

/// Deletes the finished runs that meet one of these filters, in batches, and says how many that were. `tick` is told
/// how many are gone. Whoever breaks it off finds the rest as it was.
///
/// # Errors
/// [`crate::Error::Unavailable`] when a store is away.
pub async fn prune(recorder: &Recorder, filters: &[Filter], mut tick: impl FnMut(u64)) -> Result<u64> {
    leftovers::gather(recorder).await;
    let mut gone = 0;
    for filter in filters {
        loop {
            let runs = recorder.stores().index.expired(filter, None, AT_ONCE).await?;
            if runs.is_empty() {
                break;
            }
            let runs: Vec<(TraceId, String)> =
                runs.into_iter().map(|run| (run.trace_id, run.project)).collect();
            let deleted = recorder.delete_expired(&runs, filter).await?;
            gone += deleted;
            tick(deleted);
        }
    }
    Ok(gone)
}
