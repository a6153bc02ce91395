//! A run: as a line of a list, and as the parts of its scorecard.

use serde_json::{Value, json};

use super::Extent;
use super::saying::{gate, id, known, moment, name, name_list};
use crate::model::{PrincipleScore, Stage, Trace};
use crate::shown::excerpt;
use crate::store::index::TraceLine;

/// Characters of a query or an error that are enough in a list.
const LINE_CHARS: usize = 80;
/// Gaps that are enough in a list.
const LINE_GAPS: usize = 5;
/// Characters of an error or a feedback that are enough on a scorecard.
const CARD_CHARS: usize = 200;
/// Principles that are enough on a scorecard.
const CARD_PRINCIPLES: usize = 20;

/// The run as one of many.
#[must_use]
pub fn line(run: &TraceLine, extent: Extent) -> Value {
    let text = |text: &str| excerpt(text, extent.most(LINE_CHARS));
    let besides = |text: &Option<String>| text.as_deref().filter(|_| extent == Extent::Whole).map(name);
    known([
        ("trace_id", id(&run.trace_id).into()),
        ("project", name(&run.project).into()),
        ("status", run.status.as_str().into()),
        ("gate", gate(run.passed).into()),
        ("score", run.score.into()),
        ("scale_max", run.score.and(run.scale_max).into()),
        ("started_at", moment(run.started_at).into()),
        ("duration_seconds", run.duration_seconds.into()),
        ("cost_usd", run.cost_usd.into()),
        ("decisions", run.decisions.into()),
        ("gaps", name_list(&run.gaps, extent.most(LINE_GAPS))),
        ("flagged", run.flagged.then_some(true).into()),
        ("intent", besides(&run.intent).into()),
        ("domain", besides(&run.domain).into()),
        ("agent", besides(&run.agent).into()),
        ("query", text(&run.query).into()),
        ("error", run.error.as_deref().map(text).into()),
    ])
}

/// What the run came to.
#[must_use]
pub fn scorecard(trace: &Trace, extent: Extent) -> Value {
    let (quality, cost, run) = (&trace.quality, &trace.cost, &trace.run);
    let (collected, kept, filtered) = trace.evidence_totals();
    let most = extent.most(CARD_PRINCIPLES);
    known([
        ("project", name(&trace.project).into()),
        ("status", run.status.as_str().into()),
        ("error", run.error.as_deref().map(|error| excerpt(error, extent.most(CARD_CHARS))).into()),
        ("gate", gate(quality.passed).into()),
        ("score", quality.score.into()),
        ("scale_max", quality.scale_max.into()),
        ("threshold", quality.threshold.into()),
        ("gaps", name_list(&quality.gap_principles, most)),
        ("strengths", name_list(&quality.strength_principles, most)),
        ("duration_seconds", run.duration_seconds.into()),
        ("cost_usd", cost.cost_usd.into()),
        ("input_tokens", cost.input_tokens.into()),
        ("output_tokens", cost.output_tokens.into()),
        ("evidence_collected", collected.into()),
        ("evidence_kept", kept.into()),
        ("evidence_filtered", filtered.into()),
        ("decisions", trace.decisions().count().into()),
        ("iterations", trace.iteration_count.into()),
        ("gate_failures", trace.quality_gate_failures.into()),
    ])
}

/// The score of one principle.
#[must_use]
pub fn principle(score: &PrincipleScore, extent: Extent) -> Value {
    let feedback = score.feedback.as_deref().map(|text| excerpt(text, extent.most(CARD_CHARS)));
    known([
        ("id", name(&score.id).into()),
        ("name", score.name.as_deref().map(name).into()),
        ("score", score.score.into()),
        ("feedback", feedback.into()),
    ])
}

/// One stage.
#[must_use]
pub fn stage(stage_name: &str, stage: &Stage, extent: Extent) -> Value {
    let error = stage.error.as_deref().map(|error| excerpt(error, extent.most(CARD_CHARS)));
    known([
        ("stage", name(stage_name).into()),
        ("duration_seconds", stage.duration_seconds.into()),
        ("decisions", json!(stage.decisions.len())),
        ("error", error.into()),
    ])
}
