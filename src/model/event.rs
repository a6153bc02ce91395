//! What is recorded: one immutable fact about one run.
//!
//! Events come out of the gate checked and redacted; the journal and the index keep them as JSON in this shape
//! until the run's document holds them. [`fold`](mod@super::fold) says what each does to a trace.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    Agent, Alternative, Confidence, DecisionId, EventId, Evidence, FlagNote, Iteration, Prompt, Quality,
    Status, Timestamp, TraceContext, TraceId, Unknown,
};

/// One fact about one run, with everything needed to place it and to recognise it again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// The run.
    pub trace_id: TraceId,
    /// The event's name within the run.
    pub event_id: EventId,
    /// The process that accepted it.
    pub origin: String,
    /// How many events that process had accepted before.
    pub sequence: u64,
    /// When it was accepted; strictly increasing within one process.
    pub recorded_at: Timestamp,
    /// When the caller says it happened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub occurred_at: Option<Timestamp>,
    /// Hash of the caller's own fields: equal exactly when a repeated event says the same.
    pub content_hash: String,
    /// How many secrets were redacted in it.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub redactions: u32,
    /// What happened.
    pub body: EventBody,
}

fn is_zero(count: &u32) -> bool {
    *count == 0
}

impl Event {
    /// The time by which events are ordered: the caller's where it gave one, else that of arrival.
    #[must_use]
    pub fn time(&self) -> Timestamp {
        self.occurred_at.unwrap_or(self.recorded_at)
    }

    /// The key that puts the events of one run into the one order in which they are folded: arrival, and among
    /// processes that accepted something at the same moment, their names.
    ///
    /// An abandonment stands where the silence began that it ends, behind the last event before it. So whatever came
    /// in between opens the run again, also when it is heard of only later.
    #[must_use]
    pub fn order(&self) -> (Timestamp, bool, &str, u64) {
        let is_abandonment = matches!(self.body, EventBody::Abandon { .. });
        let at = if is_abandonment { self.time() } else { self.recorded_at };
        (at, is_abandonment, &self.origin, self.sequence)
    }
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum EventBody {
    /// The run began.
    Start(StartEvent),
    /// A stage was entered.
    StageStart(StageStartEvent),
    /// A stage was left.
    StageEnd(StageEndEvent),
    /// A choice was made.
    Decision(Box<DecisionEvent>),
    /// Evidence was collected, kept or filtered out.
    Evidence(EvidenceEvent),
    /// A model was asked.
    Prompt(PromptEvent),
    /// An attempt was judged.
    Iteration(IterationEvent),
    /// Something was produced.
    Outputs(OutputsEvent),
    /// A decision led to something.
    Result(ResultEvent),
    /// A decision's text no longer holds.
    Correction(CorrectionEvent),
    /// A decision proved right or wrong.
    Outcome(OutcomeEvent),
    /// Somebody looked at the run.
    Review(ReviewEvent),
    /// Calibration found something when the run finished.
    Calibration {
        /// The flags that the run fired or kept open.
        flags: Vec<FlagNote>,
        /// Whether the run contributes to one of them.
        flagged_for_review: bool,
    },
    /// The run ended.
    Finish(Box<FinishEvent>),
    /// Nothing was heard of the run for too long.
    Abandon {
        /// Why it was closed.
        reason: String,
    },
}

impl EventBody {
    /// The name of the variant, as it stands in JSON.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Start(_) => "start",
            Self::StageStart(_) => "stage_start",
            Self::StageEnd(_) => "stage_end",
            Self::Decision(_) => "decision",
            Self::Evidence(_) => "evidence",
            Self::Prompt(_) => "prompt",
            Self::Iteration(_) => "iteration",
            Self::Outputs(_) => "outputs",
            Self::Result(_) => "result",
            Self::Correction(_) => "correction",
            Self::Outcome(_) => "outcome",
            Self::Review(_) => "review",
            Self::Calibration { .. } => "calibration",
            Self::Finish(_) => "finish",
            Self::Abandon { .. } => "abandon",
        }
    }

    /// Whether the agent did something, as against somebody looking at the run or the server noting something:
    /// only this keeps a run alive, or opens an abandoned one again.
    #[must_use]
    pub fn is_activity(&self) -> bool {
        !matches!(self, Self::Outcome(_) | Self::Review(_) | Self::Calibration { .. } | Self::Abandon { .. })
    }

    /// The decision that it is about, if it is about one that was recorded before.
    #[must_use]
    pub fn target(&self) -> Option<&DecisionId> {
        match self {
            Self::Result(event) => Some(&event.decision_id),
            Self::Correction(event) => Some(&event.decision_id),
            Self::Outcome(event) => Some(&event.decision_id),
            _ => None,
        }
    }
}

/// The beginning of a run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct StartEvent {
    /// The project.
    pub project: String,
    /// What was asked.
    pub query: String,
    /// What kind of question it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub intent: Option<String>,
    /// What field it belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub domain: Option<String>,
    /// What kind of report it is to give.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub report_type: Option<String>,
    /// What kind of research it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub research_type: Option<String>,
    /// Who runs it.
    pub agent: Agent,
    /// The user's labels.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// The user's own fields.
    #[serde(skip_serializing_if = "Unknown::is_empty")]
    pub metadata: Unknown,
    /// The run it is a part of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent_trace_id: Option<TraceId>,
    /// Its place in a distributed trace.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trace_context: Option<TraceContext>,
}

/// The beginning of a stay in a stage.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StageStartEvent {
    /// The stage.
    pub stage: String,
}

/// The end of a stay in a stage.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StageEndEvent {
    /// The stage.
    pub stage: String,
    /// When it began, where the caller reports the whole stay at its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
    /// What it produced.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outputs: Option<Value>,
    /// What went wrong in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// A choice.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DecisionEvent {
    /// The decision's name; also the event's.
    pub decision_id: DecisionId,
    /// The stage it was made in.
    pub stage: String,
    /// Its short key.
    pub decision: String,
    /// What was chosen.
    pub what: String,
    /// Why.
    pub why: String,
    /// How sure the decider was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confidence: Option<Confidence>,
    /// What was not chosen.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub alternatives_considered: Vec<Alternative>,
    /// What it was based on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inputs: Option<Value>,
    /// Ids of evidence items that bear on it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence_ids: Vec<String>,
    /// What came back at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<Value>,
    /// Who made it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<String>,
}

/// A report on evidence; several reports of one stage add up.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EvidenceEvent {
    /// The stage.
    pub stage: String,
    /// What is reported.
    pub evidence: Evidence,
}

/// An exchange with a model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PromptEvent {
    /// The stage.
    pub stage: String,
    /// What was asked and answered.
    pub prompt: Prompt,
}

/// A judged attempt.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct IterationEvent {
    /// The attempt.
    pub iteration: Iteration,
}

/// Things produced by a stage, or by the run as a whole.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct OutputsEvent {
    /// The stage, if a stage produced them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stage: Option<String>,
    /// The caller's own fields.
    #[serde(default, skip_serializing_if = "Unknown::is_empty")]
    pub outputs: Unknown,
    /// The run's report.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report_path: Option<String>,
    /// Other files.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub output_paths: Vec<String>,
}

/// What a decision led to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ResultEvent {
    /// The decision.
    pub decision_id: DecisionId,
    /// What came back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<Value>,
    /// What went wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// How long it took, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_seconds: Option<f64>,
    /// Evidence that it brought.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence_ids: Vec<String>,
}

/// What was said about a decision afterwards; the first text stays visible.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CorrectionEvent {
    /// The decision.
    pub decision_id: DecisionId,
    /// Why the first text no longer holds.
    pub reason: String,
    /// In place of `what`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub what: Option<String>,
    /// In place of `why`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// In place of `confidence`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confidence: Option<Confidence>,
}

/// Whether a decision proved right.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OutcomeEvent {
    /// The decision.
    pub decision_id: DecisionId,
    /// Right or wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub correct: Option<bool>,
    /// What shows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// A second look at a run. What is absent stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ReviewEvent {
    /// Whether somebody should still look.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flagged_for_review: Option<bool>,
    /// What the reviewer wrote.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notes: Option<String>,
}

/// The end of a run, with what is known only then.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct FinishEvent {
    /// How it ended: complete, failed or incomplete.
    pub status: Status,
    /// What went wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// How good it was; what follows from the rules is filled in by the fold.
    pub quality: Quality,
    /// Tokens read, of the whole run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input_tokens: Option<i64>,
    /// Tokens written, of the whole run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output_tokens: Option<i64>,
    /// US dollars, of the whole run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost_usd: Option<f64>,
    /// The model that did the main work.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// The report.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub report_path: Option<String>,
    /// Other files.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub output_paths: Vec<String>,
    /// How many events of the run its recorder could not keep; set by the recorder, not by the caller.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dropped_events: Option<u64>,
}
