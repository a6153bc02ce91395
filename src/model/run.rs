//! What was asked of whom, when, and how it ended.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{Timestamp, Unknown};

/// The head of a trace.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// What was asked.
    #[serde(default)]
    pub query: String,
    /// What kind of question it is, in the user's own words.
    #[serde(default)]
    pub intent: Option<String>,
    /// What field it belongs to.
    #[serde(default)]
    pub domain: Option<String>,
    /// What kind of report it was to give.
    #[serde(default)]
    pub report_type: Option<String>,
    /// What kind of research it is.
    #[serde(default)]
    pub research_type: Option<String>,
    /// Who ran it.
    #[serde(default)]
    pub agent: Agent,
    /// The user's labels.
    #[serde(default)]
    pub tags: Vec<String>,
    /// The user's own fields.
    #[serde(default)]
    pub metadata: Unknown,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended.
    #[serde(default)]
    pub completed_at: Option<Timestamp>,
    /// Seconds from beginning to end.
    #[serde(default)]
    pub duration_seconds: Option<f64>,
    /// Where it stands.
    #[serde(default)]
    pub status: Status,
    /// What went wrong.
    #[serde(default)]
    pub error: Option<String>,
    /// How many of its events the recorder in its pipeline could not keep: refused, no room, or no store took them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dropped_events: Option<u64>,
    /// The distributed trace it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace_context: Option<TraceContext>,
    /// Fields of a newer version.
    #[serde(flatten)]
    pub unknown: Unknown,
}

/// Who ran a run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Agent {
    /// The agent's name.
    #[serde(default)]
    pub name: Option<String>,
    /// Its version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The model it runs on.
    #[serde(default)]
    pub model: Option<String>,
    /// Fields of a newer version.
    #[serde(flatten)]
    pub unknown: Unknown,
}

/// The place of a run in a distributed trace, as W3C Trace Context spells it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TraceContext {
    /// The `traceparent` header's value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<String>,
    /// The `tracestate` header's value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tracestate: Option<String>,
}

/// Where a run stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Events are still expected.
    #[default]
    InProgress,
    /// It came to its end, well or badly.
    Complete,
    /// It was abandoned or cancelled.
    Incomplete,
    /// It broke.
    Failed,
}

impl Status {
    /// All of them, in the order in which a run may meet them.
    pub const ALL: [Self; 4] = [Self::InProgress, Self::Complete, Self::Incomplete, Self::Failed];

    /// The name in documents and answers.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InProgress => "in_progress",
            Self::Complete => "complete",
            Self::Incomplete => "incomplete",
            Self::Failed => "failed",
        }
    }

    /// Whether the run has ended: complete, failed or incomplete.
    #[must_use]
    pub fn is_finished(self) -> bool {
        self != Self::InProgress
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Says that a text names no status.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a status is one of in_progress, complete, incomplete, failed")]
pub struct UnknownStatus;

impl FromStr for Status {
    type Err = UnknownStatus;

    fn from_str(text: &str) -> Result<Self, UnknownStatus> {
        Self::ALL.into_iter().find(|status| status.as_str() == text).ok_or(UnknownStatus)
    }
}
