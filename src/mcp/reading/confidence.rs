//! `confidence_calibration`: whether stated confidence comes true.

use std::sync::Arc;

use schemars::{JsonSchema, Schema};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::budget::budget;
use super::call::Call;
use super::conditions::{Conditions, given};
use super::failing::{of_many, refused};
use super::sheet::{Kept, Sheet};
use super::{empty, shape, window};
use crate::gate::Refusal;
use crate::gate::request::{parse, plain_schema, show_only};
use crate::mcp::tool::{Answer, Context, Tool, ToolError};
use crate::model::Timestamp;
use crate::query::Confidence;
use crate::scorecard::{count_text, counted};
use crate::statistics::confidence::Bin;
use crate::statistics::{ConfidenceBy, ConfidenceGroup, ConfidenceReport};
use crate::store::index::{ConfidenceFilter, Scope};
use crate::view::confidence::{self, brier_text, range, sentence};
use crate::view::saying::{moment, percent, quote};
use crate::view::window::described;

/// Days of the window where nobody says otherwise.
const DAYS: u32 = 90;

pub(super) const TOOL: Tool = Tool {
    name: "confidence_calibration",
    title: "Confidence calibration",
    description: "Stated confidence against outcome (the decision's, else its run's gate): over- or \
                  under-confident by how much, bins, ECE, Brier.",
    writes: false,
    idempotent: true,
    input_schema: plain_schema::<ConfidenceRequest>,
    output_schema,
    call: |context, arguments| Box::pin(call(context, arguments)),
};

#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(description = "", transform = show_few)]
pub(super) struct ConfidenceRequest {
    #[serde(skip_serializing_if = "Option::is_none")]
    project: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    intent: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stage: Option<String>,
    /// Key
    #[serde(skip_serializing_if = "Option::is_none")]
    decision: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>", extend("enum" = ConfidenceBy::ALL.map(ConfidenceBy::as_str)))]
    group_by: Option<ConfidenceBy>,
    /// Window, or all; default 90
    #[serde(skip_serializing_if = "Option::is_none")]
    days: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    domain: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    agent: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    min_n: Option<i64>,
}

/// The other conditions are taken as well; few need them, and a model pays for what it is shown.
fn show_few(schema: &mut Schema) {
    show_only(schema, &["project", "intent", "stage", "decision", "group_by", "days", "max_tokens"]);
}

async fn call(context: Arc<Context>, arguments: Value) -> Result<Answer, ToolError> {
    let request: ConfidenceRequest = parse(arguments).map_err(refused)?;
    let now = context.intake.recorder().clock().now();
    let filter = request.filter(&context.scope, now).map_err(refused)?;
    let days = window::days(request.days.as_deref(), DAYS).map_err(refused)?;
    let found = context.query.confidence(&filter, request.group_by, days, request.min_n(), now).await;
    let found = of_many(&context, found).await?;
    Ok(request.answer(&found, days))
}

impl ConfidenceRequest {
    fn filter(&self, scope: &Scope, now: Timestamp) -> Result<ConfidenceFilter, Refusal> {
        let of_runs = Conditions::on(self.project.clone(), self.intent.clone(), self.domain.clone());
        Ok(ConfidenceFilter {
            runs: of_runs.filter(scope, now)?,
            agent: given("agent", &self.agent)?,
            model: given("model", &self.model)?,
            stage: given("stage", &self.stage)?,
            decision: given("decision", &self.decision)?,
        })
    }

    fn min_n(&self) -> u64 {
        self.min_n.map_or(ConfidenceReport::MIN_N, |least| u64::try_from(least).unwrap_or(1).max(1))
    }

    pub(super) fn answer(&self, found: &Confidence, days: Option<u32>) -> Answer {
        let budget = budget(self.max_tokens);
        let report = &found.report;
        let mut sheet = Sheet::new(budget, |kept| self.next(kept, budget, report));
        sheet.head("n", report.n, headline(report));
        sheet.head("basis", Value::Null, self.basis(report, days));
        for (field, value) in confidence::fields(report) {
            if field != "n" {
                sheet.field(field, value, "");
            }
        }
        sheet.field("after", found.after.map(moment), "");
        if let Some(since) = found.read_since.map(moment) {
            let text = format!("Partial: only the newest runs were read, those that ended since {since}");
            sheet.field("read_since", since, text);
        }
        empty::pending(&mut sheet, found.pending);
        if let Some(by) = self.group_by {
            let heading = format!("By {by}, the surest gap first:");
            sheet.list("groups", heading);
            sheet.items("groups", found.groups.iter().map(group));
            let left_out = found.left_out_by_min_n;
            if left_out > 0 {
                let text = format!("{left_out} more with fewer than {} decisions (min_n)", report.min_n);
                sheet.field("left_out_by_min_n", left_out, text);
            }
        }
        if let (Some(ece), Some(brier)) = (report.ece, &report.brier) {
            let text = format!("Expected calibration error (ECE) {ece:.3}; {}", brier_text(brier));
            sheet.lines("errors", &text);
        }
        sheet.list("bins", "Said (mean), right (95 % interval), decisions and runs:");
        sheet.items("bins", report.bins.iter().map(bin));
        if report.bins.is_empty() {
            sheet.lines("errors", "Decisions count that were recorded with a confidence and whose run has a verdict, or that have an outcome of their own");
        } else if has_same_bins(report) {
            sheet.lines("errors", "Bins of about as many decisions each are the same");
        } else {
            sheet.list("equal_mass_bins", "The same in bins of about as many decisions:");
            sheet.items("equal_mass_bins", report.equal_mass_bins.iter().map(bin));
        }
        empty::explain(&mut sheet, found.without_filter.as_ref());
        sheet.finish().0
    }

    /// The same question with more room where something was cut; else by key, where nobody asked for groups.
    fn next(&self, kept: &Kept, budget: usize, report: &ConfidenceReport) -> Option<Call> {
        let arguments = serde_json::to_value(self).unwrap_or_default();
        let call = Call::new(TOOL.name).with_all(arguments.as_object().cloned().unwrap_or_default());
        if kept.first_cut().is_some() {
            return call.with_more_room(budget);
        }
        let is_plain = self.group_by.is_none() && self.decision.is_none() && report.n > 0;
        is_plain.then(|| call.with("group_by", ConfidenceBy::Decision.as_str()))
    }

    /// What the figures are of.
    fn basis(&self, report: &ConfidenceReport, days: Option<u32>) -> String {
        let fields = [
            ("project", &self.project),
            ("intent", &self.intent),
            ("domain", &self.domain),
            ("agent", &self.agent),
            ("model", &self.model),
            ("stage", &self.stage),
            ("decision", &self.decision),
        ];
        let of: Vec<String> = fields
            .into_iter()
            .filter_map(|(field, value)| {
                Some((field, value.as_ref().filter(|value| !value.trim().is_empty())?))
            })
            .map(|(field, value)| format!("{field} {}", quote(value, 60)))
            .collect();
        let of = if of.is_empty() { String::new() } else { format!(" with {}", of.join(", ")) };
        let mut text = format!("{}{of} {}", of_runs(report.n, report.runs), described(days));
        if report.n > 0 {
            text.push_str(&format!(
                "; right: {} by the decision's own outcome, {} by the run's gate",
                count_text(report.own_outcomes),
                count_text(report.n - report.own_outcomes)
            ));
        }
        if report.without_outcome > 0 {
            text.push_str(&format!("; of {} more neither is known", count_text(report.without_outcome)));
        }
        text
    }
}

/// Whether both kinds of bins part the decisions alike; then one of them is enough.
fn has_same_bins(report: &ConfidenceReport) -> bool {
    let counts = |bins: &[Bin]| bins.iter().map(|bin| bin.n).collect::<Vec<_>>();
    counts(&report.bins) == counts(&report.equal_mass_bins)
}

fn headline(report: &ConfidenceReport) -> String {
    match &report.leaning {
        Some(leaning) => format!("Confidence {}", sentence(leaning, report.n)),
        None => "No decision with a stated confidence and a known outcome".to_owned(),
    }
}

fn of_runs(decisions: i64, runs: i64) -> String {
    let count = |n: i64| usize::try_from(n).unwrap_or(0);
    format!("{} in {}", counted(count(decisions), "decision"), counted(count(runs), "run"))
}

fn group(group: &ConfidenceGroup) -> (Value, String) {
    let text = format!(
        "- {}: {}; {}, ECE {:.2}",
        confidence::value(group),
        sentence(&group.leaning, group.n),
        of_runs(group.n, group.runs),
        group.ece
    );
    (confidence::group(group), text)
}

fn bin(bin: &Bin) -> (Value, String) {
    let text = format!(
        "- {:.2} to {:.2} ({:.2}): {} ({}), {}",
        bin.from,
        bin.to,
        bin.mean_confidence,
        percent(bin.observed_rate),
        range(bin.observed_low, bin.observed_high),
        of_runs(bin.n, bin.runs)
    );
    (confidence::bin(bin), text)
}

fn output_schema() -> Map<String, Value> {
    shape::answer(&[
        ("n!", "integer", "Decisions with confidence and outcome"),
        ("runs", "integer", ""),
        ("own_outcomes", "integer", "Of n; the rest by gate"),
        ("without_outcome", "integer", "Not in n"),
        ("mean_confidence", "number", ""),
        ("observed_rate", "number", "Right, 0..1"),
        ("observed_low", "number", ""),
        ("observed_high", "number", ""),
        ("gap", "number", "mean_confidence - observed_rate"),
        ("gap_low", "number", ""),
        ("gap_high", "number", ""),
        ("verdict", "string", "over_confident, under_confident, unclear, too_few"),
        ("ece", "number", ""),
        ("brier", "object", ""),
        ("after", "string", "The window: runs that ended later"),
        ("read_since", "string", "Older runs were not read"),
        ("groups", "array", ""),
        ("left_out_by_min_n", "integer", "Groups"),
        ("bins", "array", ""),
        ("equal_mass_bins", "array", "Where unlike bins"),
        ("pending", "integer", ""),
        ("without_filter", "object", ""),
        ("values", "array", ""),
    ])
}
