//! The scorecard of one run, as `trace_summary` answers with it.

use serde_json::{Value, json};

use super::call::Call;
use super::failing::of_run;
use super::notes;
use super::saying::{gate, id, known, name, name_list};
use super::sheet::Sheet;
use crate::mcp::tool::{Answer, Context, ToolError};
use crate::model::{PrincipleScore, Stage, Trace};
use crate::scorecard::{compact, verbose};
use crate::shown::excerpt;
use crate::store::LoadedTrace;

/// Principles that the head of a scorecard names.
const NAMED: usize = 20;

/// The scorecard of the run of that id, or the page behind it.
pub(super) async fn answer(
    context: &Context,
    trace_id: &str,
    is_verbose: bool,
    budget: usize,
) -> Result<Answer, ToolError> {
    let loaded = of_run(context, context.query.trace(trace_id, &context.scope).await).await?;
    Ok(scorecard(&loaded, is_verbose, budget))
}

fn scorecard(loaded: &LoadedTrace, is_verbose: bool, budget: usize) -> Answer {
    let trace = &loaded.trace;
    let trace_id = id(trace.trace_id.as_str());
    let mut sheet = Sheet::new(budget, |kept| {
        kept.first_cut().map(|_| Call::new("trace_full").with("trace_id", trace_id.as_str()))
    });
    sheet.head("trace_id", trace_id.as_str(), "");
    sheet.field("scorecard", figures(trace), "");
    if is_verbose {
        let scores = &trace.quality.principle_scores;
        sheet.list("stages", "");
        sheet.list("principle_scores", "");
        sheet.lines("text lines", &verbose(trace));
        sheet.items(
            "stages",
            trace.stages.iter().map(|(name, stage)| (stage_row(name, stage), String::new())),
        );
        sheet.items("principle_scores", scores.iter().map(|score| (principle(score), String::new())));
    } else {
        sheet.lines("text lines", &compact(trace));
    }
    notes::add(&mut sheet, loaded);
    sheet.finish().0
}

fn figures(trace: &Trace) -> Value {
    let (quality, cost, run) = (&trace.quality, &trace.cost, &trace.run);
    let (collected, kept, filtered) = trace.evidence_totals();
    known([
        ("project", name(&trace.project).into()),
        ("status", run.status.as_str().into()),
        ("error", run.error.as_deref().map(|error| excerpt(error, 200)).into()),
        ("gate", gate(quality.passed).into()),
        ("score", quality.score.into()),
        ("scale_max", quality.scale_max.into()),
        ("threshold", quality.threshold.into()),
        ("gaps", name_list(&quality.gap_principles, NAMED)),
        ("strengths", name_list(&quality.strength_principles, NAMED)),
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

fn principle(score: &PrincipleScore) -> Value {
    known([
        ("id", name(&score.id).into()),
        ("name", score.name.as_deref().map(name).into()),
        ("score", score.score.into()),
        ("feedback", score.feedback.as_deref().map(|text| excerpt(text, 200)).into()),
    ])
}

fn stage_row(stage_name: &str, stage: &Stage) -> Value {
    known([
        ("stage", name(stage_name).into()),
        ("duration_seconds", stage.duration_seconds.into()),
        ("decisions", json!(stage.decisions.len())),
        ("error", stage.error.as_deref().map(|error| excerpt(error, 200)).into()),
    ])
}
