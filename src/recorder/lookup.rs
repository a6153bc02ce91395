//! Whether the run exists that something is recorded of, and whether there is room in it.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::{PATIENCE, Recorder, WAITS_IN_VAIN};
use crate::error::{Error, Result};
use crate::gate::limits::{TRACE_BYTES, TRACE_EVENTS};
use crate::model::{EventBody, EventId, Trace, TraceId, fold};
use crate::store::Sealed;
use crate::store::index::Scope;
use crate::store::live::Glimpse;

/// What is known of a run that is written to.
#[derive(Debug, Default)]
pub(super) struct Met {
    pub glimpse: Glimpse,
    pub unverified: bool,
    pub finished: bool,
}

impl Recorder {
    /// A run as it stands; as far as it is at hand, where the stores do not answer in time.
    pub(super) async fn look_at(&self, trace_id: &TraceId) -> Option<Trace> {
        let stores = &self.inner.stores;
        match tokio::time::timeout(PATIENCE, stores.load(trace_id, &Scope::All)).await {
            Ok(Ok(found)) => found.map(|found| found.trace),
            Ok(Err(_)) | Err(_) => fold(None, &stores.live.events(trace_id), stores.index.rules()),
        }
    }

    /// Makes sure that the run exists, as far as that can be known now.
    pub(super) async fn meet(&self, trace_id: &TraceId, starts: bool) -> Result<Met> {
        let stores = &self.inner.stores;
        if let Some(glimpse) = stores.live.glimpse(trace_id)
            && (starts || glimpse.project.is_some())
        {
            let finished = stores.live.hash(trace_id, &EventId::finish()).is_some();
            return Ok(Met { glimpse, unverified: false, finished });
        }
        if starts {
            return Ok(Met::default());
        }
        let asked = if self.inner.database_waits.load(Ordering::Relaxed) >= WAITS_IN_VAIN {
            Err(Error::Unavailable { what: "the database", reason: "it did not answer lately".to_owned() })
        } else {
            tokio::time::timeout(PATIENCE, stores.index.sighting(trace_id.as_str(), &Scope::All))
                .await
                .unwrap_or_else(|_| {
                    Err(Error::Unavailable {
                        what: "the database",
                        reason: "it does not answer in time".to_owned(),
                    })
                })
        };
        let unverified = match asked {
            Ok(Some(sighting)) => {
                let glimpse = Glimpse {
                    project: Some(sighting.project),
                    events: sighting.event_count,
                    bytes: sighting.event_bytes,
                };
                stores.live.meet(trace_id, glimpse.clone());
                return Ok(Met { glimpse, unverified: false, finished: sighting.status.is_finished() });
            }
            Ok(None) if stores.index.is_deleted(trace_id).await.unwrap_or(false) => {
                return Err(Error::Deleted { trace_id: trace_id.clone() });
            }
            Ok(None) => false,
            Err(Error::Unavailable { .. }) => true,
            Err(error) => return Err(error),
        };
        let found = tokio::time::timeout(PATIENCE, stores.documents.find(trace_id)).await;
        if let Ok(Ok(Some(found))) = found {
            let glimpse = Glimpse {
                project: Some(found.trace.project),
                events: found.trace.metadata.events.len() as u64,
                bytes: 0,
            };
            stores.live.meet(trace_id, glimpse.clone());
            return Ok(Met { glimpse, unverified: false, finished: found.trace.run.status.is_finished() });
        }
        if unverified {
            Ok(Met { unverified, ..Met::default() })
        } else {
            Err(Error::UnknownTrace { id: trace_id.to_string() })
        }
    }

    /// Refuses events for which the run has no room left.
    pub(super) fn check_room(&self, trace_id: &TraceId, met: &Met, fresh: &[Arc<Sealed>]) -> Result<()> {
        let events = met.glimpse.events.saturating_add(fresh.len() as u64);
        let bytes =
            fresh.iter().map(|event| event.json().len() as u64).fold(met.glimpse.bytes, u64::saturating_add);
        // The end of a run is always taken, so that a full one can be closed.
        let ends = fresh.iter().any(|event| matches!(event.body, EventBody::Finish(_)));
        let what = if ends {
            return Ok(());
        } else if events > TRACE_EVENTS as u64 {
            format!("it would hold {events} events, and {TRACE_EVENTS} are allowed")
        } else if bytes > TRACE_BYTES as u64 {
            format!("it would hold {bytes} bytes of events, and {TRACE_BYTES} are allowed")
        } else {
            return Ok(());
        };
        Err(Error::Full { trace_id: trace_id.clone(), what })
    }
}
