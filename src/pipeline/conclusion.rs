//! What a pipeline gets when a run has ended.

use std::sync::Arc;

use super::component::Finding;
use crate::model::{FlagNote, Trace, TraceId};
use crate::recorder::{Finished, Saved};
use crate::scorecard;

/// How a run ended, and where it is now. With a disabled trace, everything in it is absent.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Conclusion {
    /// The run.
    pub trace_id: Option<TraceId>,
    /// Where its end is, store by store; absent where it is not acknowledged (yet).
    pub saved: Option<Saved>,
    /// Where its document lies, if it is written: a path, or a URL.
    pub document: Option<String>,
    /// Where its summary for people lies, if it is written.
    pub summary: Option<String>,
    /// The calibration flags that it fired; absent while they are still to be computed.
    pub flags: Option<Vec<FlagNote>>,
    /// The run as it stands.
    pub trace: Option<Arc<Trace>>,
    /// How many of its events could not be recorded.
    pub dropped_events: u64,
    /// Where it departs from what its components declare.
    pub findings: Vec<Finding>,
    /// Why its end is not acknowledged, where it is not; or else what was refused of it, so that the run ended without
    /// the scores, costs and outputs that its [`Finish`](super::Finish) named.
    pub problem: Option<String>,
}

impl Conclusion {
    /// The run in five lines, if it is known.
    #[must_use]
    pub fn scorecard(&self) -> Option<String> {
        self.trace.as_ref().map(|trace| scorecard::compact(trace))
    }

    pub(super) fn of(finished: Finished, dropped_events: u64, findings: Vec<Finding>) -> Self {
        let Finished { ack, trace, flags, document, summary } = finished;
        Self {
            trace_id: Some(ack.trace_id),
            saved: ack.saved,
            document,
            summary,
            flags,
            trace: trace.map(|trace| Arc::new(*trace)),
            dropped_events,
            findings,
            problem: None,
        }
    }

    pub(super) fn unrecorded(trace_id: TraceId, dropped_events: u64, problem: String) -> Self {
        Self { trace_id: Some(trace_id), dropped_events, problem: Some(problem), ..Self::default() }
    }
}
