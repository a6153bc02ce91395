//! The request that ends a run.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::Status;

/// What is known when a run has ended.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(description = "")]
pub struct FinishRequest {
    /// From trace_start
    pub trace_id: String,
    /// Default complete
    pub status: Option<FinishStatus>,
    /// What went wrong
    pub error: Option<String>,
    /// Overall quality, 0..scale_max
    pub score: Option<f64>,
    /// Highest score possible; default 3
    pub scale_max: Option<f64>,
    /// Lowest score that passes; default 2/3 of scale_max
    pub threshold: Option<f64>,
    /// Default: score >= threshold
    pub passed: Option<bool>,
    /// Score of each principle (criterion)
    #[serde(default)]
    pub principle_scores: Vec<PrincipleRequest>,
    /// Default: by score
    #[serde(default)]
    pub gap_principles: Vec<String>,
    /// Default: by score
    #[serde(default)]
    pub strength_principles: Vec<String>,
    /// Of the whole run
    pub input_tokens: Option<i64>,
    /// Tokens written, of the whole run.
    #[schemars(description = "")]
    pub output_tokens: Option<i64>,
    /// US dollars, of the whole run.
    #[schemars(description = "")]
    pub cost_usd: Option<f64>,
    /// Model of the main work
    pub model: Option<String>,
    /// The report that the run made.
    #[schemars(description = "")]
    pub report_path: Option<String>,
    /// Other files that the run made.
    #[serde(default)]
    #[schemars(description = "")]
    pub output_paths: Vec<String>,
    /// End, RFC 3339; default now
    pub timestamp: Option<String>,
}

/// What one criterion of quality scored.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(description = "")]
pub struct PrincipleRequest {
    /// e.g. "META-12"
    pub id: String,
    /// Its score, 0..scale_max.
    #[schemars(description = "")]
    pub score: f64,
    /// What it is called.
    #[schemars(description = "")]
    pub name: Option<String>,
    /// What the judge said.
    #[schemars(description = "")]
    pub feedback: Option<String>,
}

/// How a run may end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(description = "")]
pub enum FinishStatus {
    /// It came to its end, well or badly.
    #[default]
    Complete,
    /// It broke.
    Failed,
    /// It was abandoned or cancelled.
    Incomplete,
}

impl From<FinishStatus> for Status {
    fn from(status: FinishStatus) -> Self {
        match status {
            FinishStatus::Complete => Self::Complete,
            FinishStatus::Failed => Self::Failed,
            FinishStatus::Incomplete => Self::Incomplete,
        }
    }
}
