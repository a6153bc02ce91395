//! Two runs side by side: what they scored and cost, and what they decided differently.
//!
//! [`compare`] tells b against a: every delta is b minus a. It aligns the decisions of each stage
//! (`align`), says of each whether it is the same, changed or in one run only, and names the first
//! at which the runs parted (`divergence`). [`Comparison::text`] tells the result to a person or a model.
//!
//! Pure functions of two traces. Whatever text of a run is longer than a line is shortened here, and made safe to
//! show; names and ids stay as they are, so that they can be used in the next call.

mod align;
mod aligned;
mod caveat;
mod decisions;
mod departure;
mod divergence;
mod figures;
mod reason;
mod renamed;
mod sameness;
mod side;
mod stretch;
mod text;

use schemars::JsonSchema;
use serde::Serialize;

pub use self::caveat::Caveat;
pub use self::decisions::{ChangeKind, Choice, DecisionCounts, DecisionDifference, InputDifference};
pub use self::departure::{Departure, LEAST_RUNS, Measured, Missing, Unusual, UsualRun, departure};
pub use self::divergence::{Divergence, DivergentChoice, FirstDifference};
pub use self::figures::{Count, Gaps, GivenScore, Measure, Presence, QualityMeasure, StageDifference};
pub use self::reason::Reason;
pub use self::side::Side;
pub use self::stretch::{Entry, Stretch};
use crate::model::{QualityRules, Trace};
use crate::shown::{self, excerpt};

/// Run b against run a.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Comparison {
    /// The run that is the measure.
    pub a: ComparedRun,
    /// The run that is held against it.
    pub b: ComparedRun,
    /// What to keep in mind, because the runs are not of one kind: empty where they are.
    #[schemars(with = "Vec<String>")]
    pub comparable: Vec<Caveat>,
    /// Where the runs parted; absent where they decided alike throughout.
    pub first_divergence: Option<Divergence>,
    /// A difference before it that changed nothing: in words, confidence, options or order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_difference: Option<FirstDifference>,
    /// The overall scores.
    pub quality: QualityMeasure,
    /// The principles below the gap limit.
    pub gaps: Gaps,
    /// US dollars.
    pub cost_usd: Measure,
    /// Seconds from beginning to end.
    pub duration_seconds: Measure,
    /// Tokens read by models.
    pub input_tokens: Count,
    /// Tokens written by models.
    pub output_tokens: Count,
    /// Evidence collected, over all stages.
    pub evidence_collected: Count,
    /// Evidence kept, over all stages.
    pub evidence_kept: Count,
    /// Evidence filtered out, over all stages.
    pub evidence_filtered: Count,
    /// The stages of a in its order, then those that only b has.
    pub stages: Vec<StageDifference>,
    /// How many decisions differ in which way.
    pub counts: DecisionCounts,
    /// Every decision of both runs, once, in the order of time of a, with what only b decided where it did.
    pub decisions: Vec<DecisionDifference>,
    /// What one run alone decided at a stretch, and loops: places in `decisions`.
    #[serde(skip)]
    stretches: Vec<Stretch>,
}

/// One of the runs that are compared.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[schemars(inline)]
pub struct ComparedRun {
    /// Its name.
    pub trace_id: String,
    /// Its project.
    pub project: String,
    /// `in_progress`, `complete`, `incomplete` or `failed`.
    pub status: String,
    /// What went wrong, shortened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Whether it passed the quality gate.
    pub passed: Option<bool>,
}

/// Compares b against a. Scores of different scales are compared on the scale of `rules`.
#[must_use]
pub fn compare(a: &Trace, b: &Trace, rules: &QualityRules) -> Comparison {
    let compared: Vec<_> = aligned::aligned(a, b)
        .into_iter()
        .map(|aligned| (aligned, DecisionDifference::of(&aligned)))
        .collect();
    let first_divergence = divergence::first(&compared, (a.status(), b.status()));
    let first_difference =
        first_divergence.as_ref().and_then(|divergence| divergence::before(&compared, divergence));
    let stretches = stretch::stretches(&compared);
    let decisions: Vec<_> = compared.into_iter().map(|(_, difference)| difference).collect();
    let quality = QualityMeasure::of(&a.quality, &b.quality, rules);
    let (evidence_a, evidence_b) = (a.evidence_totals(), b.evidence_totals());
    Comparison {
        a: ComparedRun::of(a),
        b: ComparedRun::of(b),
        comparable: Caveat::of(a, b, &quality),
        first_divergence,
        first_difference,
        quality,
        gaps: Gaps::of(&a.quality, &b.quality),
        cost_usd: Measure::of(a.cost.cost_usd, b.cost.cost_usd),
        duration_seconds: Measure::of(a.run.duration_seconds, b.run.duration_seconds),
        input_tokens: Count::of(a.cost.input_tokens, b.cost.input_tokens),
        output_tokens: Count::of(a.cost.output_tokens, b.cost.output_tokens),
        evidence_collected: Count::of(evidence_a.0, evidence_b.0),
        evidence_kept: Count::of(evidence_a.1, evidence_b.1),
        evidence_filtered: Count::of(evidence_a.2, evidence_b.2),
        stages: figures::stages(a, b),
        counts: DecisionCounts::of(&decisions),
        decisions,
        stretches,
    }
}

impl ComparedRun {
    fn of(trace: &Trace) -> Self {
        Self {
            trace_id: trace.trace_id.to_string(),
            project: trace.project.clone(),
            status: trace.status().to_string(),
            error: trace.run.error.as_deref().map(|error| excerpt(error, 300)),
            passed: trace.quality.passed,
        }
    }
}

/// Text in quotation marks that it cannot close.
fn quoted(text: &str) -> String {
    shown::quoted(text, 80)
}

#[cfg(test)]
mod tests;
