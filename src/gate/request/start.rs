//! The request that opens a run.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// What a caller says when a run begins.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(description = "")]
pub struct StartRequest {
    /// What the run belongs to, e.g. "cobot"
    pub project: String,
    /// The question or task
    pub query: String,
    /// Kind of question, e.g. "validating"
    pub intent: Option<String>,
    /// Field, e.g. "robotics"
    pub domain: Option<String>,
    /// e.g. "market_research"
    pub report_type: Option<String>,
    /// e.g. "competitive"
    pub research_type: Option<String>,
    /// Agent's name; default: the client's
    pub agent: Option<String>,
    /// Model it runs on
    pub model: Option<String>,
    /// Labels
    #[serde(default)]
    pub tags: Vec<String>,
    /// Own fields
    #[serde(default)]
    pub metadata: Map<String, Value>,
    /// Run that this is a part of
    pub parent_trace_id: Option<String>,
    /// Own id, makes a retry harmless
    pub trace_id: Option<String>,
    /// Begin, RFC 3339; default now
    pub timestamp: Option<String>,
}
