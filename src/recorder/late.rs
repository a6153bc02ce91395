//! Events of runs that have a document, which the index is to be shown first: it is fetched on the side, so that a
//! document store that is slow or away holds up no other run.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;
use std::time::Duration;

use futures::stream::{self, StreamExt as _};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
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

/// How many documents are asked for at the same time, and how many that were fetched on the side are kept at most.
const AT_ONCE: usize = 16;

/// The documents that were fetched, and the way of those that are.
pub(super) struct Late {
    stores: Stores,
    /// The jobs of each run whose document is being fetched, in order.
    waiting: HashMap<TraceId, Vec<Job>>,
    fetched: HashMap<TraceId, Fetched>,
    /// A place for each document that is being read on the side, or was and is not used yet.
    places: Arc<Semaphore>,
    returning: mpsc::UnboundedSender<Returned>,
    returned: mpsc::UnboundedReceiver<Returned>,
}

/// What was found of a document, `None` where it is gone, and the place that it takes.
type Fetched = (Option<Box<Trace>>, OwnedSemaphorePermit);

/// A run whose jobs can go on.
struct Returned {
    trace_id: TraceId,
    /// The document that they waited for; an error where it is damaged, which is not for this to mend.
    fetched: Result<Fetched>,
}

impl Late {
    pub(super) fn new(stores: Stores) -> Self {
        let (returning, returned) = mpsc::unbounded_channel();
        let places = Arc::new(Semaphore::new(AT_ONCE));
        Self { stores, waiting: HashMap::new(), fetched: HashMap::new(), places, returning, returned }
    }

    /// The documents of runs, each of at least this revision, in order: `None` of one that is gone, and
    /// [`Error::Unavailable`] of one that is not had at once and is to be [fetched](Self::fetch). However many they are,
    /// they are waited for once.
    pub(super) async fn documents(&mut self, wanted: Vec<(TraceId, u64)>) -> Vec<Result<Option<Box<Trace>>>> {
        let until = Instant::now() + PATIENCE;
        let asked: Vec<_> = wanted
            .into_iter()
            .map(|(trace_id, revision)| {
                let fetched = self.fetched.remove(&trace_id).map(|(document, _place)| document);
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
            let (stores, returning, places) =
                (self.stores.clone(), self.returning.clone(), Arc::clone(&self.places));
            tokio::spawn(async move {
                let over = returning.clone();
                tokio::select! {
                    fetched = fetch(&stores, &trace_id, places) => {
                        // The writer ends only with the process.
                        let _ = returning.send(Returned { trace_id, fetched });
                    }
                    () = over.closed() => {}
                }
            });
        }
    }

    /// Drops what was fetched for a run whose jobs need it no more: not each of them asks for it again.
    pub(super) fn forget(&mut self, trace_id: &TraceId) {
        self.fetched.remove(trace_id);
    }

    /// Waits for the next jobs that can go on.
    pub(super) async fn back(&mut self) -> Vec<Job> {
        match self.returned.recv().await {
            Some(Returned { trace_id, fetched }) => {
                let jobs = self.waiting.remove(&trace_id).unwrap_or_default();
                self.fetched.extend(fetched.ok().map(|fetched| (trace_id, fetched)));
                jobs
            }
            // A sender is kept here, so it never ends.
            None => std::future::pending().await,
        }
    }
}

/// Reads a document as soon as there is a place for it, and until the store answers. Whoever waits for the store to come
/// back holds no place.
async fn fetch(stores: &Stores, trace_id: &TraceId, places: Arc<Semaphore>) -> Result<Fetched> {
    loop {
        let place = Arc::clone(&places).acquire_owned().await;
        let place = place.map_err(|error| Error::Unavailable { what: WHAT, reason: error.to_string() })?;
        match read(stores, trace_id, 0).await {
            Err(Error::Unavailable { what, reason }) => {
                tracing::debug!(%trace_id, "events of trace {trace_id} wait for its document ({what}: {reason})");
            }
            document => return Ok((document?, place)),
        }
        drop(place);
        tokio::time::sleep(RETRY_AFTER).await;
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
    use std::sync::OnceLock;

    use super::*;
    use crate::model::QualityRules;
    use crate::store::DatabaseTarget;
    use crate::store::documents::{Documents, DocumentsTarget};
    use crate::store::index::Index;
    use crate::store::live::Live;

    fn job(trace_id: &str, failures: u32) -> Job {
        let trace_id = trace_id.parse().unwrap();
        Job {
            trace_id,
            events: Vec::new(),
            positions: Arc::new(OnceLock::new()),
            first: None,
            finally: None,
            failures,
        }
    }

    fn late(home: &std::path::Path) -> Late {
        let rules = QualityRules::default();
        let index = Index::new(&DatabaseTarget::Sqlite(home.join("whytrace.db")), rules);
        let documents = Documents::new(&DocumentsTarget::Folder(home.to_owned()), rules);
        Late::new(Stores { index, documents, live: Arc::new(Live::default()) })
    }

    #[tokio::test]
    async fn whoever_waits_for_the_same_document_waits_for_one_fetch() {
        let home = tempfile::tempdir().unwrap();
        let mut late = late(home.path());
        late.fetch(vec![job("r1", 1), job("r1", 2)]);
        late.fetch(vec![job("r1", 3)]);
        let order: Vec<u32> = late.back().await.into_iter().map(|job| job.failures).collect();
        assert_eq!(order, [1, 2, 3]);
    }

    #[tokio::test]
    async fn what_is_fetched_is_bounded_and_what_is_used_or_not_needed_makes_room() {
        let home = tempfile::tempdir().unwrap();
        let mut late = late(home.path());
        late.fetch((0..AT_ONCE + 2).map(|run| job(&format!("r{run}"), 0)).collect());
        let mut back = Vec::new();
        for _ in 0..AT_ONCE {
            back.extend(late.back().await.into_iter().map(|job| job.trace_id));
        }
        assert_eq!((late.fetched.len(), late.places.available_permits()), (AT_ONCE, 0));
        assert!(late.returned.try_recv().is_err());

        assert!(late.documents(vec![(back[0].clone(), 0)]).await[0].is_ok());
        back.extend(late.back().await.into_iter().map(|job| job.trace_id));
        late.forget(&back[1]);
        back.extend(late.back().await.into_iter().map(|job| job.trace_id));
        back.sort_unstable();
        back.dedup();
        assert_eq!(back.len(), AT_ONCE + 2);
    }
}
