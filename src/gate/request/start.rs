//! The request that opens a run.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// What a caller says when a run begins.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(description = "")]
pub struct StartRequest {
    /// Project, e.g. "cobot"
    pub project: String,
    /// The question or task
    pub query: String,
    /// Kind of question, e.g. "validating"
    pub intent: Option<String>,
    /// Field, e.g. "robotics"
    pub domain: Option<String>,
    /// The kind of report, such as `market_research`.
    #[schemars(description = "")]
    pub report_type: Option<String>,
    /// The kind of research, such as `competitive`.
    #[schemars(description = "")]
    pub research_type: Option<String>,
    /// The agent's name; the client's where absent.
    #[schemars(description = "")]
    pub agent: Option<String>,
    /// The model it runs on.
    #[schemars(description = "")]
    pub model: Option<String>,
    /// The user's labels.
    #[schemars(description = "")]
    #[serde(default)]
    pub tags: Vec<String>,
    /// The user's own fields.
    #[schemars(description = "")]
    #[serde(default)]
    pub metadata: Map<String, Value>,
    /// The run that this is a part of.
    #[schemars(description = "")]
    pub parent_trace_id: Option<String>,
    /// Own id, for safe retries
    pub trace_id: Option<String>,
    /// When it began, in RFC 3339; now where absent.
    #[schemars(extend("x-not-shown" = true))]
    pub timestamp: Option<String>,
}
