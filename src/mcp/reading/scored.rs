//! The scorecard of one run, as `trace_summary` answers with it.

use super::call::Call;
use super::failing::of_run;
use super::notes;
use super::sheet::Sheet;
use crate::mcp::tool::{Answer, Context, ToolError};
use crate::scorecard::{compact, verbose};
use crate::store::LoadedTrace;
use crate::view::saying::id;
use crate::view::{Extent, run};

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
    sheet.field("scorecard", run::scorecard(trace, Extent::Brief), "");
    if is_verbose {
        let scores = &trace.quality.principle_scores;
        sheet.list("stages", "");
        sheet.list("principle_scores", "");
        sheet.lines("text lines", &verbose(trace));
        sheet.items(
            "stages",
            trace.stages.iter().map(|(name, stage)| (run::stage(name, stage, Extent::Brief), String::new())),
        );
        sheet.items(
            "principle_scores",
            scores.iter().map(|score| (run::principle(score, Extent::Brief), String::new())),
        );
    } else {
        sheet.lines("text lines", &compact(trace));
    }
    notes::add(&mut sheet, loaded);
    sheet.finish().0
}
