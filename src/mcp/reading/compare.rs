//! `trace_compare`: two runs side by side, and where they parted.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::budget::budget;
use super::call::Call;
use super::failing::{of_run, refused};
use super::sheet::{Kept, Sheet};
use super::{group, shape};
use crate::diff::{ChangeKind, Choice, Comparison, DecisionDifference, Entry};
use crate::gate::request::{parse, plain_schema};
use crate::mcp::tool::{Answer, Context, Tool, ToolError};
use crate::query::Compared;
use crate::view::saying::{id, name, quote};
use crate::view::{Extent, comparison};

/// Differing decisions that the text of a comparison lists by itself.
const LISTED: usize = 8;

pub(super) const TOOL: Tool = Tool {
    name: "trace_compare",
    title: "Compare two runs",
    description: "Run b against run a, e.g. bad against good: where they first parted, what they decided \
                  differently, deltas of quality, gaps, cost, duration, tokens, evidence, stages. Not for \
                  totals (trace_summary).",
    writes: false,
    idempotent: true,
    input_schema: plain_schema::<CompareRequest>,
    output_schema,
    call: |context, arguments| Box::pin(call(context, arguments)),
};

#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(description = "")]
pub(super) struct CompareRequest {
    /// The measure; ids as in trace_full, or passed(:INTENT), a group
    trace_id_a: String,
    /// Held against it
    trace_id_b: String,
    /// Whether decisions made alike, or in other words, are listed too.
    #[schemars(description = "")]
    #[serde(default)]
    include_same: bool,
    offset: Option<i64>,
    max_tokens: Option<i64>,
}

async fn call(context: Arc<Context>, arguments: Value) -> Result<Answer, ToolError> {
    let request: CompareRequest = parse(arguments).map_err(refused)?;
    let compared = context.query.hold_against(&request.trace_id_a, &request.trace_id_b, &context.scope).await;
    Ok(match of_run(&context, compared).await? {
        Compared::Run(comparison) => request.answer(&comparison),
        Compared::Group(compared) => group::answer(&compared, request.max_tokens),
    })
}

impl CompareRequest {
    pub(super) fn answer(&self, compared: &Comparison) -> Answer {
        let skipped = usize::try_from(self.offset.unwrap_or(0)).unwrap_or(0);
        let decisions = compared.told(self.include_same);
        // What the text lists by itself: the first of those that are told without being asked for more.
        let listed = compared.told(false).len().min(LISTED);
        let budget = budget(self.max_tokens);
        let mut sheet =
            Sheet::new(budget, |kept| self.next(compared, skipped, decisions.len(), budget, kept));
        sheet.head("trace_id_a", id(&compared.a.trace_id), "");
        sheet.head("trace_id_b", id(&compared.b.trace_id), "");
        sheet.list("decisions", "");
        sheet.list("stages", "");
        if skipped > 0 {
            sheet.field(
                "offset",
                skipped,
                format!("Decisions of b against a, from the {}. on:", skipped + 1),
            );
        } else {
            sheet.lines("text lines", &compared.text());
            for (field, value) in comparison::figures(compared) {
                sheet.field(field, value, "");
            }
        }
        sheet.field("same", compared.counts.same, "");
        let rows = decisions.iter().enumerate().skip(skipped).map(|(place, entry)| {
            let text = if place < listed { String::new() } else { entry_line(entry) };
            (comparison::entry(entry, Extent::Brief), text)
        });
        sheet.items_from("decisions", rows.collect::<Vec<_>>().into_iter(), |row| {
            Some((row.clone(), String::new())).filter(|_| skipped > 0)
        });
        if skipped == 0 {
            let stages = compared.stages.iter().map(|stage| comparison::stage(stage, Extent::Brief));
            let rows: Vec<(Value, String)> = stages.map(|stage| (stage, String::new())).collect();
            sheet.items("stages", rows.into_iter());
        }
        sheet.finish().0
    }

    fn next(
        &self,
        comparison: &Comparison,
        skipped: usize,
        all: usize,
        budget: usize,
        kept: &Kept,
    ) -> Option<Call> {
        let first = kept.first_cut()?;
        let call = Call::new(TOOL.name)
            .with("trace_id_a", id(&comparison.a.trace_id))
            .with("trace_id_b", id(&comparison.b.trace_id))
            .with_some("include_same", self.include_same.then_some(true));
        let reached = skipped + kept.count("decisions");
        if first == "decisions" && reached < all && reached > 0 {
            return Some(call.with_some("max_tokens", self.max_tokens).with("offset", reached));
        }
        call.with_more_room(budget)
    }
}

fn entry_line(entry: &Entry<'_>) -> String {
    match entry {
        Entry::Decision(difference) => decision_line(difference),
        Entry::Stretch(stretch) => {
            let sign = if stretch.kind == ChangeKind::OnlyA { '-' } else { '+' };
            format!("  {sign} {}", name(&stretch.told(["a", "b"])))
        }
    }
}

fn decision_line(difference: &DecisionDifference) -> String {
    let side = |side: &Option<Choice>| match side {
        Some(choice) => {
            let confidence =
                choice.confidence.map(|confidence| format!(" ({confidence:.2})")).unwrap_or_default();
            let inputs = choice.inputs.as_ref().map(|inputs| format!(" with {}", quote(inputs, 60)));
            format!("{}{confidence}{}", quote(&choice.what, 60), inputs.unwrap_or_default())
        }
        None => "-".to_owned(),
    };
    let sign = match difference.kind {
        ChangeKind::OnlyA => '-',
        ChangeKind::OnlyB => '+',
        ChangeKind::Changed => '~',
        ChangeKind::Same => '=',
    };
    let (a, b) = (side(&difference.a), side(&difference.b));
    let change = match difference.kind {
        ChangeKind::OnlyA | ChangeKind::Same => a,
        ChangeKind::OnlyB => b,
        ChangeKind::Changed => format!("{a} -> {b}"),
    };
    format!("  {sign} {} / {}: {change}", name(&difference.stage), name(&difference.decision))
}

fn output_schema() -> Map<String, Value> {
    let measures = "{a, b, delta: b - a}";
    shape::answer(&[
        ("trace_id_a!", "string", ""),
        ("trace_id_b!", "string", ""),
        ("first_divergence", "object", "Where the runs parted; absent where they decided alike"),
        ("first_difference", "object", "Of words, confidence, options or order, before it"),
        ("quality", "object", measures),
        ("counts", "object", "Decisions same, changed, only_a, only_b"),
        ("a", "object", ""),
        ("b", "object", ""),
        ("gaps", "object", ""),
        ("comparable", "array", "What to keep in mind"),
        ("cost_usd", "object", measures),
        ("duration_seconds", "object", ""),
        ("input_tokens", "object", ""),
        ("output_tokens", "object", ""),
        ("evidence_collected", "object", ""),
        ("evidence_kept", "object", ""),
        ("evidence_filtered", "object", ""),
        ("stages", "array", ""),
        (
            "decisions",
            "array",
            "Those that differ first; what one run alone did in a row as one, with its count",
        ),
        ("same", "integer", "Decisions made alike"),
        ("group", "object", "The runs b was held against"),
        ("note", "string", ""),
        ("departures", "array", "What few of the group did"),
        ("missing", "array", "What most of the group did"),
        ("measures", "array", "Median, p10 and p90 of the group"),
        ("offset", "integer", ""),
    ])
}
