//! What a check found: one sentence, and the numbers behind it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{FlagKey, FlagKind};
use crate::model::{FlagNote, TraceId};

/// Something about a run that needs attention.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Finding {
    /// The kind: `repeated_principle_failure`, `intent_quality_disparity`, `domain_quality_disparity`,
    /// `quality_gate_regression` or `confidence_miscalibrated`.
    #[schemars(with = "String")]
    pub kind: FlagKind,
    /// The principle, intent, domain or project; `decision:KEY` or `agent:NAME` for confidence.
    pub subject: String,
    /// The run's project.
    pub project: String,
    /// `warning` or `note`.
    #[schemars(with = "String")]
    pub severity: Severity,
    /// The run that was checked.
    #[schemars(with = "String")]
    pub trace_id: TraceId,
    /// Finished runs that show it: those with the gap, the scored ones of the intent or domain, the one that
    /// failed, those that stated the confidence.
    pub n: i64,
    /// What they were compared with.
    pub baseline: FindingBaseline,
    /// The finding in one sentence, with its numbers.
    pub message: String,
    /// The runs counted in `n`, the latest first, at most 20.
    #[schemars(with = "Vec<String>")]
    pub trace_ids: Vec<TraceId>,
    /// Whether the checked run is part of the problem, and so to be flagged for review.
    pub contributes: bool,
}

/// The numbers that a finding was compared with. Which ones are there depends on its kind.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FindingBaseline {
    /// Days that the window reaches back from the run's end.
    pub window_days: i64,
    /// Repeated gap: runs in the window in which the principle was judged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub judged_runs: Option<i64>,
    /// Disparity: the mean score of the intent or domain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject_mean: Option<f64>,
    /// Disparity: the mean score of all runs in scope.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub overall_mean: Option<f64>,
    /// Disparity: how many runs that is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub overall_n: Option<i64>,
    /// Regression: the project's runs with a verdict before this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verdicts: Option<i64>,
    /// Regression: how many of them passed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verdicts_passed: Option<i64>,
    /// Regression: the run before, which passed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub previous_trace_id: Option<TraceId>,
    /// Confidence: decisions that stated one and whose outcome is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decisions: Option<i64>,
    /// Confidence: the mean of what they said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mean_confidence: Option<f64>,
    /// Confidence: the share that proved right.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_rate: Option<f64>,
    /// Confidence: the expected calibration error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ece: Option<f64>,
}

/// How much a finding asks for attention.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// It is out of the ordinary.
    Warning,
    /// It is worth knowing, but happens here often.
    Note,
}

impl Severity {
    /// The name in documents and answers.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Warning => "warning",
            Self::Note => "note",
        }
    }
}

impl Finding {
    /// The flag that it belongs to.
    #[must_use]
    pub fn key(&self) -> FlagKey {
        FlagKey { kind: self.kind, subject: self.subject.clone(), project: self.project.clone() }
    }
}

impl From<&Finding> for FlagNote {
    fn from(finding: &Finding) -> Self {
        Self {
            kind: finding.kind.as_str().to_owned(),
            subject: finding.subject.clone(),
            severity: Some(finding.severity.as_str().to_owned()),
            message: finding.message.clone(),
        }
    }
}
