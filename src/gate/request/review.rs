//! The request of somebody who looks at a run, a decision or a flag again.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A second look. It sets states, so that repeating it is harmless; what is absent stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(description = "")]
pub struct ReviewRequest {
    /// The run; not needed for a flag.
    #[schemars(description = "")]
    pub trace_id: Option<String>,
    /// Whether it needs another look.
    #[schemars(description = "")]
    pub flagged_for_review: Option<bool>,
    /// Notes on the run.
    #[schemars(description = "")]
    pub notes: Option<String>,
    /// The decision to judge.
    #[schemars(description = "")]
    pub decision_id: Option<String>,
    /// It proved right
    pub correct: Option<bool>,
    /// What shows that it proved right or wrong.
    #[schemars(description = "")]
    pub outcome_note: Option<String>,
    /// The flag, as `calibration_flags` names it.
    #[schemars(description = "")]
    pub flag_id: Option<String>,
    /// What to do with the flag.
    #[schemars(description = "")]
    pub flag_action: Option<FlagAction>,
    /// RFC 3339, or e.g. "7d", "12h"
    pub snooze_until: Option<String>,
}

/// What may be done with a calibration flag.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(description = "")]
pub enum FlagAction {
    /// Somebody knows of it; it is silent.
    Acknowledge,
    /// It is silent until a time.
    Snooze,
    /// Its cause is gone; only runs that finish later count.
    Resolve,
    /// It counts again.
    Reopen,
}
