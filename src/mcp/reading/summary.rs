//! `trace_summary`: what many runs say together, or what one came to.

use std::sync::Arc;

use schemars::{JsonSchema, Schema};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::budget::budget;
use super::call::Call;
use super::conditions::Conditions;
use super::failing::{of_many, refused};
use super::figures::{brief, figures};
use super::sheet::Sheet;
use super::{empty, scored, shape};
use crate::gate::Refusal;
use crate::gate::request::{parse, plain_schema, show_only};
use crate::mcp::tool::{Answer, Context, Tool, ToolError};
use crate::query::Aggregate;
use crate::scorecard::counted;
use crate::statistics::{GroupBy, GroupReport};
use crate::view;
use crate::view::saying::name;

pub(super) const TOOL: Tool = Tool {
    name: "trace_summary",
    title: "Summarise runs",
    description: "Totals of runs: status, gate pass rate, quality, duration, cost, tokens, confidence, \
                  open flags; split by group_by. Takes all conditions of trace_list. With trace_id: one run's \
                  scorecard. Not to find runs (trace_list).",
    writes: false,
    idempotent: true,
    input_schema: plain_schema::<SummaryRequest>,
    output_schema,
    call: |context, arguments| Box::pin(call(context, arguments)),
};

#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[schemars(description = "", extend("additionalProperties" = false), transform = show_few)]
pub(super) struct SummaryRequest {
    #[serde(flatten)]
    conditions: Conditions,
    #[schemars(with = "Option<String>", extend("enum" = GroupBy::ALL.map(GroupBy::as_str)))]
    group_by: Option<GroupBy>,
    /// One run, without conditions
    trace_id: Option<String>,
    #[serde(default)]
    verbose: bool,
    max_tokens: Option<i64>,
}

/// The conditions are those of `trace_list`, which shows them all: here the most usual ones will do.
fn show_few(schema: &mut Schema) {
    let shown = ["project", "intent", "domain", "status", "gate", "since", "until"];
    let own = ["group_by", "trace_id", "verbose", "max_tokens"];
    show_only(schema, &[shown.as_slice(), &own].concat());
    for condition in shown {
        let property = schema.pointer_mut(&format!("/properties/{condition}")).and_then(Value::as_object_mut);
        if let Some(property) = property {
            property.retain(|keyword, _| keyword == "type");
        }
    }
}

async fn call(context: Arc<Context>, arguments: Value) -> Result<Answer, ToolError> {
    let request: SummaryRequest = parse(arguments).map_err(refused)?;
    if let Some(trace_id) = &request.trace_id {
        request.is_of_one_run().map_err(refused)?;
        return scored::answer(&context, trace_id, request.verbose, budget(request.max_tokens)).await;
    }
    let now = context.intake.recorder().clock().now();
    let filter = request.conditions.filter(&context.scope, now).map_err(refused)?;
    let aggregate = of_many(&context, context.query.aggregate(&filter, request.group_by).await).await?;
    Ok(request.answer(&aggregate))
}

impl SummaryRequest {
    fn is_of_one_run(&self) -> Result<(), Refusal> {
        if self.conditions.is_empty() && self.group_by.is_none() {
            return Ok(());
        }
        Err(Refusal::new(
            "trace_id",
            "stands beside conditions or group_by, against",
            "the rule of one run or many",
            "send trace_id alone for one run, or leave it out",
        ))
    }

    pub(super) fn answer(&self, aggregate: &Aggregate) -> Answer {
        let budget = budget(self.max_tokens);
        let mut sheet = Sheet::new(budget, |kept| {
            kept.first_cut()?;
            let call = Call::new(TOOL.name)
                .with_all(self.conditions.arguments())
                .with_some("group_by", self.group_by.map(GroupBy::as_str));
            call.with_more_room(budget)
        });
        let report = &aggregate.summary;
        let of = self.conditions.described();
        let of = if of.is_empty() { String::new() } else { format!(" with {of}") };
        let runs = usize::try_from(report.runs).unwrap_or(0);
        sheet.head("runs", report.runs, format!("Summary of {}{of}", counted(runs, "run")));
        empty::pending(&mut sheet, aggregate.pending);
        empty::explain(&mut sheet, aggregate.without_filter.as_ref());
        if report.runs > 0 {
            sheet.field("summary", view::summary::figures(report), figures(report).join("\n"));
        }
        let flags = format!("Open calibration flags: {}", aggregate.open_flags);
        sheet.field("open_flags", aggregate.open_flags, flags);
        if let Some(groups) = aggregate.groups.as_ref().filter(|_| report.runs > 0) {
            sheet.field("group_by", groups.group_by.as_str(), "");
            let count = groups.groups.len();
            sheet.list("groups", format!("By {} ({}):", groups.group_by, counted(count, "group")));
            sheet.items("groups", groups.groups.iter().map(group));
        }
        sheet.finish().0
    }
}

fn group(group: &GroupReport) -> (Value, String) {
    (view::summary::group(group), format!("- {}: {}", name(&group.group), brief(&group.summary)))
}

fn output_schema() -> Map<String, Value> {
    shape::answer(&[
        ("runs", "integer", "How many, of every status"),
        ("summary", "object", "Figures; the names say which runs they cover"),
        ("open_flags", "integer", "Of the projects in question"),
        ("group_by", "string", ""),
        ("groups", "array", "{group, summary}, largest first; group null: not known"),
        ("trace_id", "string", ""),
        ("scorecard", "object", "With trace_id"),
        ("principle_scores", "array", "verbose"),
        ("stages", "array", "verbose"),
        ("notes", "array", ""),
        ("pending", "integer", "Events not in this answer yet"),
        ("without_filter", "object", "When nothing was found"),
        ("values", "array", "What could be asked for"),
    ])
}
