//! What calibration and reviewers noted on a run.

use serde::{Deserialize, Serialize};

use super::Unknown;

/// Marks that ask for a second look at a run. They never block anything.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    /// Whether somebody should look at the run.
    #[serde(default)]
    pub flagged_for_review: bool,
    /// What a reviewer wrote.
    #[serde(default)]
    pub review_notes: Option<String>,
    /// The flags that this run fired or kept open.
    #[serde(default)]
    pub flags: Vec<FlagNote>,
    /// Fields of a newer version.
    #[serde(flatten)]
    pub unknown: Unknown,
}

/// A calibration flag as the run's document remembers it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FlagNote {
    /// The kind, such as `repeated_principle_failure`.
    pub kind: String,
    /// What it is about: a principle, an intent, a domain or a project.
    pub subject: String,
    /// `warning` or `note`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub severity: Option<String>,
    /// The finding in one sentence, with its numbers.
    pub message: String,
}
