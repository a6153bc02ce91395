//! The states of a flag, what moves it from one to another, and what is said then.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::{Timestamp, TraceId};

/// Where a flag stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum FlagState {
    /// It needs attention.
    Open,
    /// Somebody knows; it stays silent.
    Acknowledged,
    /// It stays silent until a moment, and opens at the first finding from then on.
    Snoozed {
        /// That moment.
        #[serde(rename = "snoozed_until")]
        until: Timestamp,
    },
    /// It is done with; a run that ended later opens it again.
    Resolved {
        /// When it was.
        #[serde(rename = "resolved_at")]
        at: Timestamp,
    },
}

/// A run that fired a flag.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct FiringRun {
    /// When it ended.
    #[schemars(with = "String")]
    pub at: Timestamp,
    /// The run.
    #[schemars(with = "String")]
    pub trace_id: TraceId,
}

/// One announcement of a flag.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Alert {
    /// When it was made.
    #[schemars(with = "String")]
    pub at: Timestamp,
    /// Why: `opened`, `reopened` or `still_open`.
    #[schemars(with = "String")]
    pub kind: AlertKind,
    /// What was found.
    pub message: String,
}

/// Why a flag was announced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AlertKind {
    /// It is new.
    Opened,
    /// It was resolved, or snoozed for a while, and is back.
    Reopened,
    /// It was open already.
    StillOpen,
}

/// What is to be said about a flag after a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Announcement {
    /// That it is new.
    Opened,
    /// That it is back.
    Reopened,
    /// That it is still open.
    StillOpen {
        /// Whether to say so: not when that was said within the last day.
        announce: bool,
    },
    /// Nothing.
    Silent,
}

/// What somebody decides about a flag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FlagAction {
    /// Known: be silent.
    Acknowledge,
    /// Be silent until then.
    Snooze {
        /// That moment.
        until: Timestamp,
    },
    /// Done: begin again with the runs to come.
    Resolve,
    /// Not done after all: earlier runs count again.
    Reopen,
}

impl Announcement {
    /// Whether there is something to print and to write into the alerts.
    #[must_use]
    pub fn is_announced(self) -> bool {
        match self {
            Self::Opened | Self::Reopened => true,
            Self::StillOpen { announce } => announce,
            Self::Silent => false,
        }
    }
}

impl FlagState {
    /// The name in questions and answers, without the times.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Acknowledged => "acknowledged",
            Self::Snoozed { .. } => "snoozed",
            Self::Resolved { .. } => "resolved",
        }
    }
}
