//! The request that records a decision.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::model::Alternative;

/// One choice of a run, with its reasons.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(description = "")]
pub struct DecisionRequest {
    /// The run.
    #[schemars(description = "")]
    pub trace_id: String,
    /// Phase, e.g. "collection"
    pub stage: String,
    /// Short key, same in every run, e.g. "source_selection"
    pub decision: String,
    /// What was chosen
    pub what: String,
    /// Why, over the alternatives
    pub why: String,
    /// 0..1
    pub confidence: Option<f64>,
    /// Options not taken
    #[serde(default)]
    pub alternatives_considered: Vec<AlternativeRequest>,
    /// What it was based on
    #[schemars(with = "Option<serde_json::Map<String, Value>>")]
    pub inputs: Option<Value>,
    /// Ids of the evidence used.
    #[schemars(description = "")]
    #[serde(default)]
    pub evidence_ids: Vec<String>,
    /// What came back at once
    pub result: Option<Value>,
    /// Who decided, where a run has several deciders.
    #[schemars(description = "")]
    pub actor: Option<String>,
    /// Own id, for safe retries
    pub decision_id: Option<String>,
    /// When it was made, in RFC 3339; now where absent.
    #[schemars(extend("x-not-shown" = true))]
    pub timestamp: Option<String>,
}

/// An option that was not taken.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(description = "", extend("x-short-form" = true))]
pub struct AlternativeRequest {
    /// The option.
    #[schemars(description = "")]
    pub option: String,
    /// What it was judged to be worth, on the decider's own scale.
    #[schemars(description = "")]
    pub score: Option<f64>,
    /// Why it was not taken.
    #[schemars(description = "")]
    pub why_not: Option<String>,
}

/// Reads the short form, `google (0.60)`.
impl From<&str> for AlternativeRequest {
    fn from(text: &str) -> Self {
        let Alternative { option, score, why_not, unknown: _ } = Alternative::parse(text);
        Self { option, score, why_not }
    }
}
