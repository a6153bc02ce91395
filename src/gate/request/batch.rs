//! The request that records many events of one run at once.
//!
//! An event is one flat struct for all kinds, because clients choke on alternatives in a schema. Which fields
//! belong to which kind stands in [`EventKind::fields`]; the description that a model reads is made from it.

use indexmap::IndexMap;
use schemars::{JsonSchema, Schema};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::schema::show_only;
use super::{AlternativeRequest, FinishStatus, PrincipleRequest};

/// Events of one run, in order; they are recorded all or none.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(description = "")]
pub struct RecordRequest {
    /// Unless events begin with start
    pub trace_id: Option<String>,
    /// In order, at most 500
    pub events: Vec<EventRequest>,
}

/// One event of a run: its kind, and of the other fields those that belong to the kind.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(description = "", transform = describe)]
#[expect(missing_docs, reason = "a field means what it means in the request or the event of its kind")]
pub struct EventRequest {
    pub kind: EventKind,
    pub event_id: Option<String>,
    pub timestamp: Option<String>,
    pub started_at: Option<String>,
    pub completed_at: Option<String>,
    pub project: Option<String>,
    pub query: Option<String>,
    pub intent: Option<String>,
    pub domain: Option<String>,
    pub report_type: Option<String>,
    pub research_type: Option<String>,
    pub agent: Option<String>,
    #[serde(default)]
    pub tags: Vec<String>,
    #[serde(default)]
    pub metadata: Map<String, Value>,
    pub parent_trace_id: Option<String>,
    pub stage: Option<String>,
    pub decision: Option<String>,
    pub decision_id: Option<String>,
    pub what: Option<String>,
    pub why: Option<String>,
    pub confidence: Option<f64>,
    #[serde(default)]
    pub alternatives_considered: Vec<AlternativeRequest>,
    #[schemars(with = "Option<Map<String, Value>>")]
    pub inputs: Option<Value>,
    #[serde(default)]
    pub evidence_ids: Vec<String>,
    pub result: Option<Value>,
    pub actor: Option<String>,
    pub reason: Option<String>,
    pub error: Option<String>,
    pub duration_seconds: Option<f64>,
    pub collected_count: Option<i64>,
    pub passed_count: Option<i64>,
    pub filtered_count: Option<i64>,
    #[serde(default)]
    #[schemars(with = "std::collections::BTreeMap<String, i64>")]
    pub by_source: IndexMap<String, i64>,
    #[serde(default)]
    pub kept: Vec<Value>,
    #[serde(default)]
    pub filtered_out: Vec<Value>,
    pub model: Option<String>,
    pub system_prompt: Option<String>,
    pub user_message: Option<String>,
    pub response: Option<String>,
    pub input_tokens: Option<i64>,
    pub output_tokens: Option<i64>,
    pub cost_usd: Option<f64>,
    pub passed: Option<bool>,
    pub score: Option<f64>,
    pub scale_max: Option<f64>,
    pub threshold: Option<f64>,
    #[serde(default)]
    pub principle_scores: Vec<PrincipleRequest>,
    #[serde(default)]
    pub gap_principles: Vec<String>,
    #[serde(default)]
    pub strength_principles: Vec<String>,
    pub changes: Option<String>,
    #[serde(default)]
    pub outputs: Map<String, Value>,
    pub report_path: Option<String>,
    #[serde(default)]
    pub output_paths: Vec<String>,
    pub status: Option<FinishStatus>,
}

/// What an event is about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(description = "")]
pub enum EventKind {
    /// The run begins; only as the first event.
    Start,
    /// A stage is entered.
    StageStart,
    /// A stage is left.
    StageEnd,
    /// A choice was made.
    #[default]
    Decision,
    /// Evidence was collected, kept or filtered out.
    Evidence,
    /// A model was asked.
    Prompt,
    /// An attempt was judged.
    Iteration,
    /// Something was produced.
    Outputs,
    /// A decision led to something.
    Result,
    /// A decision's text no longer holds.
    Correction,
    /// The run ends; only as the last event.
    Finish,
}

impl EventKind {
    /// All of them, in the order in which a run may meet them.
    pub const ALL: [Self; 11] = [
        Self::Start,
        Self::StageStart,
        Self::StageEnd,
        Self::Decision,
        Self::Evidence,
        Self::Prompt,
        Self::Iteration,
        Self::Outputs,
        Self::Result,
        Self::Correction,
        Self::Finish,
    ];

    /// The name in requests.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::StageStart => "stage_start",
            Self::StageEnd => "stage_end",
            Self::Decision => "decision",
            Self::Evidence => "evidence",
            Self::Prompt => "prompt",
            Self::Iteration => "iteration",
            Self::Outputs => "outputs",
            Self::Result => "result",
            Self::Correction => "correction",
            Self::Finish => "finish",
        }
    }

    /// The fields that belong to the kind, beside `kind` and `timestamp`.
    #[must_use]
    pub fn fields(self) -> &'static [&'static str] {
        match self {
            Self::Start => &[
                "project",
                "query",
                "intent",
                "domain",
                "report_type",
                "research_type",
                "agent",
                "model",
                "tags",
                "metadata",
                "parent_trace_id",
                "started_at",
            ],
            Self::StageStart => &["stage", "started_at", "event_id"],
            Self::StageEnd => &["stage", "outputs", "error", "started_at", "completed_at", "event_id"],
            Self::Decision => &[
                "stage",
                "decision",
                "what",
                "why",
                "confidence",
                "alternatives_considered",
                "inputs",
                "evidence_ids",
                "result",
                "actor",
                "decision_id",
                "event_id",
            ],
            Self::Evidence => &[
                "stage",
                "collected_count",
                "passed_count",
                "filtered_count",
                "by_source",
                "kept",
                "filtered_out",
                "event_id",
            ],
            Self::Prompt => &[
                "stage",
                "model",
                "system_prompt",
                "user_message",
                "response",
                "input_tokens",
                "output_tokens",
                "cost_usd",
                "event_id",
            ],
            Self::Iteration => &[
                "passed",
                "score",
                "scale_max",
                "gap_principles",
                "changes",
                "input_tokens",
                "output_tokens",
                "cost_usd",
                "event_id",
            ],
            Self::Outputs => &["stage", "outputs", "report_path", "output_paths", "event_id"],
            Self::Result => {
                &["decision_id", "result", "error", "duration_seconds", "evidence_ids", "event_id"]
            }
            Self::Correction => &["decision_id", "reason", "what", "why", "confidence", "event_id"],
            Self::Finish => &[
                "status",
                "error",
                "score",
                "scale_max",
                "threshold",
                "passed",
                "principle_scores",
                "gap_principles",
                "strength_principles",
                "input_tokens",
                "output_tokens",
                "cost_usd",
                "model",
                "report_path",
                "output_paths",
                "completed_at",
            ],
        }
    }

    /// Those of its fields without which there is no such event.
    #[must_use]
    pub fn required(self) -> &'static [&'static str] {
        match self {
            Self::Start => &["project", "query"],
            Self::StageStart | Self::StageEnd | Self::Evidence | Self::Prompt => &["stage"],
            Self::Decision => &["stage", "decision", "what", "why"],
            Self::Result => &["decision_id"],
            Self::Correction => &["decision_id", "reason"],
            Self::Iteration | Self::Outputs | Self::Finish => &[],
        }
    }

    /// The tool whose fields the kind shares, so that they need not be listed again.
    fn tool(self) -> Option<&'static str> {
        match self {
            Self::Start => Some("trace_start"),
            Self::Decision => Some("trace_record_decision"),
            Self::Finish => Some("trace_finish"),
            _ => None,
        }
    }
}

/// Whether a field says by its name what it means, for every kind that has it.
fn is_of_all(field: &str) -> bool {
    matches!(field, "event_id" | "started_at" | "completed_at")
}

/// The fields of an event that clients are shown as such; what a kind has besides stands in the description of the
/// kinds. All fifty would be a quarter of what a model carries of all tools.
const SHOWN: [&str; 5] = ["kind", "event_id", "timestamp", "stage", "decision_id"];

/// Describes the kinds by their fields; the fields themselves speak by name.
fn describe(schema: &mut Schema) {
    let kinds: Vec<String> = EventKind::ALL
        .into_iter()
        .map(|kind| match kind.tool() {
            Some(tool) => format!("{}: as {tool}", kind.as_str()),
            None => {
                let fields: Vec<&str> =
                    kind.fields().iter().copied().filter(|field| !is_of_all(field)).collect();
                format!("{}: {}", kind.as_str(), fields.join(" "))
            }
        })
        .collect();
    let kinds = format!("The fields of each kind. {}", kinds.join("; "));
    let described = [("kind", kinds), ("timestamp", "RFC 3339".to_owned())];
    let properties = schema.get_mut("properties").and_then(Value::as_object_mut);
    let Some(properties) = properties else { return };
    for (field, description) in described {
        if let Some(property) = properties.get_mut(field).and_then(Value::as_object_mut) {
            property.insert("description".to_owned(), json!(description));
        }
    }
    show_only(schema, &SHOWN);
}
