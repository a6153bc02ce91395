//! Events of runs that have a document, which the index is to be shown first: it is fetched on the side, so that a
//! document store that is slow or away holds up no other run.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::time::Duration;

use futures::stream::{self, StreamExt as _};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};

use super::writer::Job;
use crate::error::{Error, Result};
use crate::model::{Trace, TraceId};
use crate::store::Stores;
use crate::store::index::Scope;

/// What is waited for, where it is not the database.
pub(super) const WHAT: &str = "the document store";

/// How long everybody waits for the documents that a transaction needs, before they are fetched on the side.
const PATIENCE: Duration = Duration::from_millis(100);

/// How often a document that cannot be read is tried again.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// How many documents are asked for at the same time.
const AT_ONCE: usize = 16;

/// The documents that were fetched, and the way of those that are.
pub(super) struct Late {
    stores: Stores,
    /// The jobs of each run whose document is being fetched, in order.
    waiting: HashMap<TraceId, Vec<Job>>,
    fetched: HashMap<TraceId, Option<Box<Trace>>>,
    returning: mpsc::UnboundedSender<Returned>,
    returned: mpsc::UnboundedReceiver<Returned>,
}

/// A run whose jobs can go on, with what was found of the document that they waited for.
struct Returned {
    trace_id: TraceId,
    /// `None` where it is gone; an error where it is damaged, which is not for this to mend.
    document: Result<Option<Box<Trace>>>,
}

impl Late {
    pub(super) fn new(stores: Stores) -> Self {
        let (returning, returned) = mpsc::unbounded_channel();
        Self { stores, waiting: HashMap::new(), fetched: HashMap::new(), returning, returned }
    }

    /// The documents of runs, each of at least this revision, in order: `None` of one that is gone, and
    /// [`Error::Unavailable`] of one that is not had at once and is to be [fetched](Self::fetch). However many they are,
    /// they are waited for once.
    pub(super) async fn documents(&mut self, wanted: Vec<(TraceId, u64)>) -> Vec<Result<Option<Box<Trace>>>> {
        let until = Instant::now() + PATIENCE;
        let asked: Vec<_> = wanted
            .into_iter()
            .map(|(trace_id, revision)| {
                let fetched = self.fetched.remove(&trace_id);
                let fetched = fetched
                    .filter(|found| found.as_ref().is_none_or(|trace| trace.metadata.revision >= revision));
                let is_waited_for = self.waiting.contains_key(&trace_id);
                (trace_id, revision, fetched, is_waited_for)
            })
            .collect();
        let stores = &self.stores;
        stream::iter(asked)
            .map(async |(trace_id, revision, fetched, is_waited_for)| {
                if let Some(fetched) = fetched {
                    return Ok(fetched);
                }
                if is_waited_for {
                    return Err(not_yet());
                }
                timeout_at(until, read(stores, &trace_id, revision)).await.unwrap_or_else(|_| Err(not_yet()))
            })
            .buffered(AT_ONCE)
            .collect()
            .await
    }

    /// Fetches the documents of the runs of these jobs, which then come [back](Self::back): each once, however many jobs
    /// come to wait for it.
    pub(super) fn fetch(&mut self, jobs: Vec<Job>) {
        for job in jobs {
            let trace_id = job.trace_id.clone();
            match self.waiting.entry(trace_id.clone()) {
                Entry::Occupied(mut waiting) => {
                    waiting.get_mut().push(job);
                    continue;
                }
                Entry::Vacant(place) => {
                    place.insert(vec![job]);
                }
            }
            let (stores, returning) = (self.stores.clone(), self.returning.clone());
            tokio::spawn(async move {
                loop {
                    let document = read(&stores, &trace_id, 0).await;
                    let Err(Error::Unavailable { what, reason }) = document else {
                        // The writer ends only with the process.
                        let _ = returning.send(Returned { trace_id, document });
                        return;
                    };
                    tracing::debug!(%trace_id, "events of trace {trace_id} wait for its document ({what}: {reason})");
                    tokio::select! {
                        () = tokio::time::sleep(RETRY_AFTER) => {}
                        () = returning.closed() => return,
                    }
                }
            });
        }
    }

    /// Waits for the next jobs that can go on.
    pub(super) async fn back(&mut self) -> Vec<Job> {
        match self.returned.recv().await {
            Some(Returned { trace_id, document }) => {
                let jobs = self.waiting.remove(&trace_id).unwrap_or_default();
                self.fetched.extend(document.ok().map(|document| (trace_id, document)));
                jobs
            }
            // A sender is kept here, so it never ends.
            None => std::future::pending().await,
        }
    }
}

fn not_yet() -> Error {
    Error::Unavailable { what: WHAT, reason: "it is still asked for the run's document".to_owned() }
}

/// The document of a run that has one. Where it is gone, the index is told so.
async fn read(stores: &Stores, trace_id: &TraceId, revision: u64) -> Result<Option<Box<Trace>>> {
    // Where the row says. What this process has at hand may be a start that names the run's id for another project.
    if let Some(run) = stores.index.sighting(trace_id.as_str(), &Scope::All).await?
        && let Some(found) = stores.documents.read(&run.project, trace_id).await?
    {
        return Ok(Some(Box::new(found.trace)));
    }
    if let Some(found) = stores.documents.find(trace_id).await? {
        return Ok(Some(Box::new(found.trace)));
    }
    tracing::warn!(%trace_id, "the document of trace {trace_id}, revision {revision}, is gone; what comes late waits for it");
    stores.index.document_is_gone(trace_id).await?;
    Ok(None)
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, OnceLock};

    use super::*;
    use crate::model::QualityRules;
    use crate::store::DatabaseTarget;
    use crate::store::documents::{Documents, DocumentsTarget};
    use crate::store::index::Index;
    use crate::store::live::Live;

    fn job(failures: u32) -> Job {
        let trace_id = "r1".parse().unwrap();
        Job {
            trace_id,
            events: Vec::new(),
            positions: Arc::new(OnceLock::new()),
            first: None,
            finally: None,
            failures,
        }
    }

    #[tokio::test]
    async fn whoever_waits_for_the_same_document_waits_for_one_fetch() {
        let home = tempfile::tempdir().unwrap();
        let rules = QualityRules::default();
        let index = Index::new(&DatabaseTarget::Sqlite(home.path().join("whytrace.db")), rules);
        let documents = Documents::new(&DocumentsTarget::Folder(home.path().to_owned()), rules);
        let mut late = Late::new(Stores { index, documents, live: Arc::new(Live::default()) });
        late.fetch(vec![job(1), job(2)]);
        late.fetch(vec![job(3)]);
        let order: Vec<u32> = late.back().await.into_iter().map(|job| job.failures).collect();
        assert_eq!(order, [1, 2, 3]);
    }
}
