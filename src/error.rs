//! What can go wrong below the tools, by what a caller can do about it.

use crate::gate::Refusal;
use crate::model::{EventId, TraceId};

/// Why something could not be recorded or answered.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A field was not accepted: send it again, mended.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// There is no such run: name another.
    #[error("no trace called {id:?}")]
    UnknownTrace {
        /// What was asked for.
        id: String,
    },
    /// Several runs begin that way: give more of the id.
    #[error("{id:?} is the beginning of several trace ids")]
    Ambiguous {
        /// What was asked for.
        id: String,
        /// Some of those it may mean.
        candidates: Vec<String>,
    },
    /// The name is taken by another content, which stays: use another name.
    #[error("{event_id:?} of trace {trace_id:?} was recorded before with other content; the first stays")]
    Conflict {
        /// The run.
        trace_id: TraceId,
        /// The name that is taken.
        event_id: EventId,
    },
    /// The run was deleted: start another.
    #[error("trace {trace_id:?} was deleted")]
    Deleted {
        /// The run.
        trace_id: TraceId,
    },
    /// The run holds as much as a run may: go on in a child run.
    #[error("trace {trace_id:?} is full: {what}")]
    Full {
        /// The run.
        trace_id: TraceId,
        /// What it has too much of.
        what: String,
    },
    /// A store does not answer or is not writable: try again later, with the same ids.
    #[error("{what} is unavailable: {reason}")]
    Unavailable {
        /// The store.
        what: &'static str,
        /// What it said.
        reason: String,
    },
    /// Something stored cannot be read: see `whytrace doctor`.
    #[error("{place} is damaged: {reason}")]
    Corrupt {
        /// Where.
        place: String,
        /// How it shows.
        reason: String,
    },
}

/// A result whose error is [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;
