//! The request that ends a run.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::Status;

/// What is known when a run has ended.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(description = "")]
pub struct FinishRequest {
    /// The run.
    #[schemars(description = "")]
    pub trace_id: String,
    /// Default complete
    pub status: Option<FinishStatus>,
    /// What went wrong.
    #[schemars(description = "")]
    pub error: Option<String>,
    /// 0..scale_max
    pub score: Option<f64>,
    /// Default 3
    pub scale_max: Option<f64>,
    /// To pass; default 2/3 of scale_max
    pub threshold: Option<f64>,
    /// Whether it passed the quality gate; whether the score reaches the threshold where absent.
    #[schemars(description = "")]
    pub passed: Option<bool>,
    /// Quality criteria
    #[serde(default)]
    pub principle_scores: Vec<PrincipleRequest>,
    /// Principles below the gap limit; by score where absent.
    #[serde(default)]
    #[schemars(extend("x-not-shown" = true))]
    pub gap_principles: Vec<String>,
    /// Principles at or above the strength limit; by score where absent.
    #[serde(default)]
    #[schemars(extend("x-not-shown" = true))]
    pub strength_principles: Vec<String>,
    /// Tokens read, of the whole run.
    #[schemars(description = "")]
    pub input_tokens: Option<i64>,
    /// Tokens written, of the whole run.
    #[schemars(description = "")]
    pub output_tokens: Option<i64>,
    /// US dollars, of the whole run.
    #[schemars(description = "")]
    pub cost_usd: Option<f64>,
    /// The model that did the main work.
    #[schemars(description = "")]
    pub model: Option<String>,
    /// The report that the run made.
    #[schemars(description = "")]
    pub report_path: Option<String>,
    /// Other files that the run made.
    #[serde(default)]
    #[schemars(description = "")]
    pub output_paths: Vec<String>,
    /// When it ended, in RFC 3339; now where absent.
    #[schemars(extend("x-not-shown" = true))]
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
    #[schemars(extend("x-not-shown" = true))]
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
