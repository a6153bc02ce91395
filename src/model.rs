//! The words of whytrace as pure values: what a trace is made of, and how events become one.
//!
//! Nothing here does IO, reads a clock, or waits: time and ids come in as arguments, so that the same
//! events give the same trace on every machine.
//!
//! - [`Event`] is what is recorded: one immutable fact about one run.
//! - [`Trace`] is what is read: the document of a run, with its stages, decisions, quality and cost.
//! - [`fold()`] turns the first into the second. It is the only place that knows how.
//! - [`document`] reads and writes traces as JSON documents, of this version and of version 1.
//!
//! Start at [`Trace`] for the shape of a run, and at [`fold`](mod@fold) for its life.

mod calibration;
mod clock;
mod cost;
mod decision;
pub mod document;
mod event;
mod evidence;
pub mod fold;
mod ids;
mod iteration;
mod number;
mod prompt;
mod quality;
mod run;
mod stage;
mod timestamp;
mod trace;

pub use calibration::{Calibration, FlagNote};
pub use clock::{Clock, ManualClock, SystemClock};
pub use cost::Cost;
pub use decision::{Alternative, Correction, Decision, Outcome};
pub use event::{
    CorrectionEvent, DecisionEvent, Event, EventBody, EvidenceEvent, FinishEvent, IterationEvent,
    OutcomeEvent, OutputsEvent, PromptEvent, ResultEvent, ReviewEvent, StageEndEvent, StageStartEvent,
    StartEvent,
};
pub use evidence::Evidence;
pub use fold::fold;
pub use ids::{DecisionId, EventId, IdError, TraceId};
pub use iteration::Iteration;
pub use number::{Confidence, OutOfRange};
pub use prompt::Prompt;
pub use quality::{PrincipleScore, Quality, QualityRules};
pub use run::{Agent, Run, Status, TraceContext, UnknownStatus};
pub use stage::{Entry, Stage};
pub use timestamp::{Timestamp, span};
pub use trace::{DocumentMetadata, Outputs, Trace};

/// Fields of a document that this version does not know; kept when the document is written again.
pub type Unknown = serde_json::Map<String, serde_json::Value>;
