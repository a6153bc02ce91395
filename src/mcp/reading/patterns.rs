//! `principle_patterns`: which principles keep failing.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::budget::budget;
use super::call::Call;
use super::conditions::Conditions;
use super::failing::{of_many, refused};
use super::sheet::Sheet;
use super::{empty, shape, window};
use crate::gate::Refusal;
use crate::gate::request::{parse, plain_schema};
use crate::mcp::tool::{Answer, Context, Tool, ToolError};
use crate::query::Patterns;
use crate::scorecard::counted;
use crate::statistics::{GapCount, Pattern, PatternsReport, PrincipleAssociations};
use crate::view::pattern::NAMED;
use crate::view::saying::{id, moment, name, percent};
use crate::view::window::described;
use crate::view::{self, Extent};

/// Days of the window where nobody says otherwise.
const DAYS: u32 = 30;

pub(super) const TOOL: Tool = Tool {
    name: "principle_patterns",
    title: "Failing principles",
    description: "Principles that keep failing in finished runs: fail rate with 95 % interval, trend, last \
                  run, by intent and domain; surest first. Not for one run (trace_summary).",
    writes: false,
    idempotent: true,
    input_schema: plain_schema::<PatternsRequest>,
    output_schema,
    call: |context, arguments| Box::pin(call(context, arguments)),
};

#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(description = "")]
pub(super) struct PatternsRequest {
    project: Option<String>,
    intent: Option<String>,
    domain: Option<String>,
    /// Window, or all; default 30
    days: Option<String>,
    min_runs: Option<i64>,
    max_tokens: Option<i64>,
}

async fn call(context: Arc<Context>, arguments: Value) -> Result<Answer, ToolError> {
    let request: PatternsRequest = parse(arguments).map_err(refused)?;
    let now = context.intake.recorder().clock().now();
    let filter = request.conditions().filter(&context.scope, now).map_err(refused)?;
    let days = request.days().map_err(refused)?;
    let patterns = context.query.patterns(&filter, days, request.min_runs(), now).await;
    let patterns = of_many(&context, patterns).await?;
    Ok(request.answer(&patterns, days))
}

impl PatternsRequest {
    fn conditions(&self) -> Conditions {
        Conditions::on(self.project.clone(), self.intent.clone(), self.domain.clone())
    }

    fn min_runs(&self) -> u64 {
        self.min_runs.map_or(PatternsReport::MIN_RUNS, |runs| u64::try_from(runs).unwrap_or(1).max(1))
    }

    /// The window in days; `None` for all time.
    fn days(&self) -> Result<Option<u32>, Refusal> {
        window::days(self.days.as_deref(), DAYS)
    }

    pub(super) fn answer(&self, patterns: &Patterns, days: Option<u32>) -> Answer {
        let report = &patterns.report;
        let budget = budget(self.max_tokens);
        let mut sheet = Sheet::new(budget, |kept| {
            kept.first_cut()?;
            let call = Call::new(TOOL.name)
                .with_all(self.conditions().arguments())
                .with_some("days", self.days.as_deref())
                .with_some("min_runs", self.min_runs);
            call.with_more_room(budget)
        });
        sheet.head("finished_runs", report.finished_runs, self.headline(report, days));
        sheet.field("after", patterns.after.map(moment), "");
        sheet.field("finished_runs_before", report.finished_runs_before, "");
        empty::pending(&mut sheet, patterns.pending);
        sheet.list("patterns", "");
        empty::explain(&mut sheet, patterns.without_filter.as_ref());
        if report.patterns.is_empty() && report.finished_runs > 0 {
            sheet.field("note", Value::Null, report.nothing_text());
        }
        let rows = report.patterns.iter().map(|one| pattern(one, patterns.associations_of(&one.principle)));
        sheet.items("patterns", rows);
        if let Some(text) = patterns.compared_text() {
            sheet.field("compared_runs", patterns.associations.runs, text);
            sheet.field("comparisons", patterns.associations.comparisons, "");
        }
        let left_out = report.left_out_by_min_runs;
        if left_out > 0 {
            let text = format!("{left_out} more judged in fewer than {} runs (min_runs)", report.min_runs);
            sheet.field("left_out_by_min_runs", left_out, text);
        }
        sheet.finish().0
    }

    fn headline(&self, report: &PatternsReport, days: Option<u32>) -> String {
        let of = self.conditions().described();
        let of = if of.is_empty() { String::new() } else { format!(" with {of}") };
        let runs = counted(usize::try_from(report.finished_runs).unwrap_or(0), "finished run");
        format!("Principles over {runs}{of} {}", described(days))
    }
}

fn pattern(pattern: &Pattern, found: Option<&PrincipleAssociations>) -> (Value, String) {
    let value = view::pattern::fields(pattern, found, Extent::Brief);
    let mut text = format!(
        "- {}: failed in {} of {} ({}, 95 % interval {} to {})",
        name(&pattern.principle),
        pattern.gap_runs,
        pattern.runs,
        percent(pattern.fail_rate),
        percent(pattern.fail_rate_low),
        percent(pattern.fail_rate_high)
    );
    if let Some(trend) = pattern.trend {
        text.push_str(&format!(", {}", trend.as_str()));
    }
    if let (Some(gaps), Some(runs)) = (pattern.gap_runs_before, pattern.runs_before)
        && runs > 0
    {
        text.push_str(&format!(" from {gaps} of {runs}"));
    }
    if let (Some(at), Some(run)) = (pattern.last_seen, &pattern.last_trace_id) {
        text.push_str(&format!("; last in {} at {}", id(run.as_str()), moment(at)));
    }
    for (by, counts) in [("intent", &pattern.by_intent), ("domain", &pattern.by_domain)] {
        let known: Vec<&GapCount> = counts.iter().filter(|one| one.value.is_some()).collect();
        if !known.is_empty() {
            text.push_str(&format!("; by {by}: {}", counts_text(&known)));
        }
    }
    if let Some(found) = found {
        for association in &found.found {
            text.push_str(&format!("\n  goes with: {}", view::pattern::association_line(association)));
        }
        if found.more > 0 {
            text.push_str(&format!("\n  and {} more that go with it", found.more));
        }
        if found.found.is_empty() {
            text.push_str("\n  nothing stands out in the runs that failed it");
        }
    }
    (value, text)
}

fn counts_text(counts: &[&GapCount]) -> String {
    let mut parts: Vec<String> = counts
        .iter()
        .take(NAMED)
        .map(|one| {
            format!("{} {}/{}", name(one.value.as_deref().unwrap_or_default()), one.gap_runs, one.runs)
        })
        .collect();
    if counts.len() > NAMED {
        parts.push(format!("+{} more", counts.len() - NAMED));
    }
    parts.join(", ")
}

fn output_schema() -> Map<String, Value> {
    shape::answer(&[
        ("finished_runs!", "integer", "In the window"),
        ("after", "string", "The window: runs that ended then or later"),
        ("finished_runs_before", "integer", "In the window before"),
        (
            "patterns",
            "array",
            "Surest failures first; rates 0..1. stands_out: what failing runs have more often",
        ),
        ("left_out_by_min_runs", "integer", ""),
        ("compared_runs", "integer", "Judged runs that stands_out is over"),
        ("comparisons", "integer", "That p_adjusted is corrected for"),
        ("pending", "integer", "Events not in this answer yet"),
        ("without_filter", "object", "When nothing was found"),
        ("values", "array", "What could be asked for"),
    ])
}
