//! Events of runs that have a document, which the index is to be shown first: it is fetched on the side, so that a
//! document store that is slow or away holds up no other run.

use std::collections::HashMap;
use std::time::Duration;

use tokio::sync::mpsc;

use super::writer::Job;
use crate::error::{Error, Result};
use crate::model::{Trace, TraceId};
use crate::store::Stores;

/// What is waited for, where it is not the database.
pub(super) const WHAT: &str = "the document store";

/// How long everybody waits for a document, before it is fetched on the side.
const PATIENCE: Duration = Duration::from_millis(100);

/// How often a document that cannot be read is tried again.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// The documents that were fetched, and the way of those that are.
pub(super) struct Late {
    stores: Stores,
    fetched: HashMap<TraceId, Option<Box<Trace>>>,
    returning: mpsc::UnboundedSender<Returned>,
    returned: mpsc::UnboundedReceiver<Returned>,
}

/// Jobs that can go on, with what was found of the document that they waited for.
struct Returned {
    jobs: Vec<Job>,
    trace_id: TraceId,
    /// `None` where it is gone; an error where it is damaged, which is not for this to mend.
    document: Result<Option<Box<Trace>>>,
}

impl Late {
    pub(super) fn new(stores: Stores) -> Self {
        let (returning, returned) = mpsc::unbounded_channel();
        Self { stores, fetched: HashMap::new(), returning, returned }
    }

    /// The document of a run, `None` where it is gone.
    ///
    /// # Errors
    /// [`Error::Unavailable`] where it is not had at once, and is to be [fetched](Self::fetch).
    pub(super) async fn document(&mut self, trace_id: &TraceId, revision: u64) -> Result<Option<Box<Trace>>> {
        if let Some(fetched) = self.fetched.remove(trace_id)
            && fetched.as_ref().is_none_or(|trace| trace.metadata.revision >= revision)
        {
            return Ok(fetched);
        }
        tokio::time::timeout(PATIENCE, read(&self.stores, trace_id, revision)).await.unwrap_or_else(|_| {
            let reason = "it is still asked for the run's document".to_owned();
            Err(Error::Unavailable { what: WHAT, reason })
        })
    }

    /// Fetches the documents of the runs of these jobs, which then come [back](Self::back).
    pub(super) fn fetch(&self, jobs: Vec<Job>) {
        let mut runs: HashMap<TraceId, Vec<Job>> = HashMap::new();
        for job in jobs {
            runs.entry(job.trace_id.clone()).or_default().push(job);
        }
        for (trace_id, jobs) in runs {
            let (stores, returning) = (self.stores.clone(), self.returning.clone());
            tokio::spawn(async move {
                loop {
                    let document = read(&stores, &trace_id, 0).await;
                    let Err(Error::Unavailable { what, reason }) = document else {
                        // The writer ends only with the process.
                        let _ = returning.send(Returned { jobs, trace_id, document });
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
            Some(Returned { jobs, trace_id, document }) => {
                self.fetched.extend(document.ok().map(|document| (trace_id, document)));
                jobs
            }
            // A sender is kept here, so it never ends.
            None => std::future::pending().await,
        }
    }
}

/// The document of a run that has one. Where it is gone, the index is told so.
async fn read(stores: &Stores, trace_id: &TraceId, revision: u64) -> Result<Option<Box<Trace>>> {
    let found = match stores.live.glimpse(trace_id).and_then(|glimpse| glimpse.project) {
        Some(project) => stores.documents.read(&project, trace_id).await?,
        None => stores.documents.find(trace_id).await?,
    };
    if let Some(found) = found {
        return Ok(Some(Box::new(found.trace)));
    }
    tracing::warn!(%trace_id, "the document of trace {trace_id}, revision {revision}, is gone; what comes late waits for it");
    stores.index.document_is_gone(trace_id).await?;
    Ok(None)
}
