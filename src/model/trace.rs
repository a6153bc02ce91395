//! One complete run: the document that tells it.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use super::{
    Calibration, Cost, Decision, DecisionId, Event, EventId, Iteration, Quality, Run, Stage, Status, TraceId,
    Unknown,
};

/// One run with everything that is known about it, in the shape of its document (schema version 2).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trace {
    /// The version of this shape: 2.
    pub schema_version: u32,
    /// The run's name.
    pub trace_id: TraceId,
    /// The run that this one is a part of.
    #[serde(default)]
    pub parent_trace_id: Option<TraceId>,
    /// The runs that are parts of this one; derived when the trace is read.
    #[serde(default)]
    pub child_traces: Vec<TraceId>,
    /// The project it belongs to.
    #[serde(rename = "project_name")]
    pub project: String,
    /// What was asked of whom, and how it ended.
    pub run: Run,
    /// The stages in the order in which they were first entered.
    #[serde(default)]
    pub stages: IndexMap<String, Stage>,
    /// How good it was.
    #[serde(default)]
    pub quality: Quality,
    /// What it used up.
    #[serde(default)]
    pub cost: Cost,
    /// The turns of its retry loop.
    #[serde(default)]
    pub iterations: Vec<Iteration>,
    /// How many attempts there were, at least one.
    #[serde(default = "one")]
    pub iteration_count: u64,
    /// How many attempts failed the gate.
    #[serde(default)]
    pub quality_gate_failures: u64,
    /// What it left behind.
    #[serde(default)]
    pub outputs: Outputs,
    /// What asks for a second look.
    #[serde(default)]
    pub calibration: Calibration,
    /// About the document itself.
    #[serde(default)]
    pub metadata: DocumentMetadata,
    /// Fields of a newer version.
    #[serde(flatten)]
    pub unknown: Unknown,
}

/// Files that a run wrote.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Outputs {
    /// The report.
    #[serde(default)]
    pub report_path: Option<String>,
    /// Everything else.
    #[serde(default)]
    pub output_paths: Vec<String>,
    /// The run's own further outputs.
    #[serde(flatten)]
    pub unknown: Unknown,
}

/// About the document, not the run: left out of its hash.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DocumentMetadata {
    /// The program that wrote it.
    #[serde(default)]
    pub generator: String,
    /// How many times it was written; only ever grows.
    #[serde(default)]
    pub revision: u64,
    /// SHA-256 of the canonical JSON (RFC 8785) of everything but `metadata`.
    #[serde(default)]
    pub sha256: String,
    /// The events that the document holds, each with the hash of its content: what makes a repeated or replayed
    /// event harmless, also when nothing but the document is left.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub events: IndexMap<EventId, String>,
    /// Events that found no place, such as a result of an unknown decision. Kept, and placed when they can be.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unplaced: Vec<Event>,
    /// Fields of a newer version.
    #[serde(flatten)]
    pub unknown: Unknown,
}

fn one() -> u64 {
    1
}

impl Trace {
    /// The version of the document's shape that this program writes.
    pub const SCHEMA_VERSION: u32 = 2;

    /// All decisions with the names of their stages, stage by stage.
    pub fn decisions(&self) -> impl Iterator<Item = (&str, &Decision)> {
        self.stages
            .iter()
            .flat_map(|(name, stage)| stage.decisions.iter().map(move |decision| (name.as_str(), decision)))
    }

    /// The decision of that name, with the name of its stage.
    #[must_use]
    pub fn decision(&self, id: &DecisionId) -> Option<(&str, &Decision)> {
        self.decisions().find(|(_, decision)| decision.decision_id == *id)
    }

    /// Where the run stands.
    #[must_use]
    pub fn status(&self) -> Status {
        self.run.status
    }

    /// The sum over all stages of collected, kept and filtered-out evidence, where any stage stated it.
    #[must_use]
    pub fn evidence_totals(&self) -> (Option<i64>, Option<i64>, Option<i64>) {
        let mut totals = (None, None, None);
        let add = |sum: &mut Option<i64>, more: Option<i64>| {
            if let Some(more) = more {
                *sum = Some(sum.unwrap_or(0_i64).saturating_add(more));
            }
        };
        for evidence in self.stages.values().filter_map(|stage| stage.evidence.as_ref()) {
            add(&mut totals.0, evidence.collected_count);
            add(&mut totals.1, evidence.passed_count);
            add(&mut totals.2, evidence.filtered_count);
        }
        totals
    }
}
