//! How a run ended, as far as it matters for what is suspected in it.

use crate::model::{Status, Trace};

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It passed the gate.
    Passed,
    /// It came to its end without an error; no gate judged it.
    Complete,
    /// It failed the gate.
    FailedGate,
    /// It broke.
    Failed,
    /// It was abandoned or cancelled.
    Incomplete,
    /// It has not ended.
    Open,
}

impl Outcome {
    /// The outcome of a run.
    #[must_use]
    pub fn of(trace: &Trace) -> Self {
        match (trace.status(), trace.quality.passed) {
            (Status::Failed, _) => Self::Failed,
            (Status::InProgress, _) => Self::Open,
            (_, Some(false)) => Self::FailedGate,
            (Status::Incomplete, _) => Self::Incomplete,
            (Status::Complete, Some(true)) => Self::Passed,
            (Status::Complete, None) if trace.run.error.is_some() => Self::Failed,
            (Status::Complete, None) => Self::Complete,
        }
    }

    /// Whether something is known to have gone wrong.
    #[must_use]
    pub fn is_bad(self) -> bool {
        matches!(self, Self::FailedGate | Self::Failed | Self::Incomplete)
    }

    /// Whether it says of itself that all went well, whoever judged it.
    #[must_use]
    pub fn claims_success(self) -> bool {
        matches!(self, Self::Passed | Self::Complete)
    }

    /// In words.
    #[must_use]
    pub fn told(self) -> &'static str {
        match self {
            Self::Passed => "passed the gate",
            Self::Complete => "complete without an error; no gate judged it",
            Self::FailedGate => "failed the gate",
            Self::Failed => "broke",
            Self::Incomplete => "stopped before its end",
            Self::Open => "still running",
        }
    }

    /// As one word in data.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Complete => "complete",
            Self::FailedGate => "failed_gate",
            Self::Failed => "failed",
            Self::Incomplete => "incomplete",
            Self::Open => "open",
        }
    }
}
