//! `trace_diagnose`: one run, failure first: what most likely went wrong, and where to look next.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::budget::budget;
use super::call::Call;
use super::failing::{of_run, refused};
use super::sheet::{Kept, Sheet};
use super::{notes, shape};
use crate::diagnose::{Outcome, Place, StageLine, Suspect};
use crate::gate::request::{parse, plain_schema};
use crate::mcp::tool::{Answer, Context, Tool, ToolError};
use crate::query::{Basis, Diagnosed};
use crate::scorecard::counted;
use crate::view::saying::{id, name};
use crate::view::{Extent, diagnosis};

/// Tokens where nobody says otherwise.
const TOKENS: i64 = 1_500;
/// Suspects where nobody says otherwise, and at most.
const SUSPECTS: usize = 5;
const MOST_SUSPECTS: usize = 50;
/// Stages of the skeleton.
const STAGES: usize = 8;

pub(super) const TOOL: Tool = Tool {
    name: "trace_diagnose",
    title: "Diagnose a run",
    description: "Why was a run bad? Suspects by fixed rules, likeliest first, with numbers and the call that \
                  shows each; what differs from the likest good run; stages.",
    writes: false,
    idempotent: true,
    input_schema: plain_schema::<DiagnoseRequest>,
    output_schema,
    call: |context, arguments| Box::pin(call(context, arguments)),
};

#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(description = "")]
pub(super) struct DiagnoseRequest {
    trace_id: String,
    /// Another run as measure
    against: Option<String>,
    /// Default 1500
    max_tokens: Option<i64>,
}

async fn call(context: Arc<Context>, arguments: Value) -> Result<Answer, ToolError> {
    let request: DiagnoseRequest = parse(arguments).map_err(refused)?;
    let against = request.against.as_deref().filter(|against| !against.trim().is_empty());
    let diagnosed = context.query.diagnose(&request.trace_id, against, &context.scope).await;
    Ok(request.answer(&of_run(&context, diagnosed).await?))
}

impl DiagnoseRequest {
    /// The answer with as many suspects as leave room for the rest, and at least one.
    pub(super) fn answer(&self, diagnosed: &Diagnosed) -> Answer {
        let most = if self.max_tokens.is_some() { MOST_SUSPECTS } else { SUSPECTS };
        let mut shown = most.min(diagnosed.diagnosis.suspects.len());
        loop {
            let (answer, kept) = self.sheet(diagnosed, shown).finish();
            let is_enough = ["suspects", "against", "stages"]
                .iter()
                .all(|part| !kept.is_cut(part) || (*part == "suspects" && kept.count(part) == shown));
            if is_enough || shown <= 1 {
                return answer;
            }
            // All that fit by themselves, less one, leave room for the other parts.
            shown = kept.count("suspects").min(shown).saturating_sub(1).max(1);
        }
    }

    fn sheet<'d>(&self, diagnosed: &'d Diagnosed, shown: usize) -> Sheet<'d> {
        let found = &diagnosed.diagnosis;
        let budget = budget(self.max_tokens.or(Some(TOKENS)));
        let mut sheet = Sheet::new(budget, move |kept| next(diagnosed, kept));
        let intent =
            found.intent.as_ref().map(|intent| format!(", intent {}", name(intent))).unwrap_or_default();
        let head = format!(
            "{} (project {}{intent}): {}",
            id(&found.trace_id),
            name(&found.project),
            found.outcome_told()
        );
        sheet.head("trace_id", id(&found.trace_id), head);
        sheet.field("run", diagnosis::run(found, Extent::Brief), found.size_told());
        notes::add(&mut sheet, &diagnosed.run);
        if diagnosed.database_away.is_some() && diagnosed.run.database_away.is_none() {
            sheet.field("database_away", true, "Note: the database is away");
        }
        match found.nothing_told() {
            Some(told) => {
                sheet.list("suspects", "");
                sheet.field("nothing", Value::Null, told);
            }
            None => sheet.list("suspects", "Suspects, likeliest first (points per reason):"),
        }
        let rows: Vec<(Value, String)> = found
            .suspects
            .iter()
            .take(shown)
            .zip(1..)
            .map(|(one, place)| (diagnosis::suspect(one, Extent::Brief), suspect_text(diagnosed, one, place)))
            .collect();
        sheet.items_from("suspects", rows.into_iter(), least_suspect);
        against(&mut sheet, diagnosed);
        stages(&mut sheet, &found.skeleton);
        sheet.beyond("suspects", found.suspect_count - shown.min(found.suspect_count));
        sheet
    }
}

/// A suspect with its reasons and the call that shows it whole.
fn suspect_text(diagnosed: &Diagnosed, suspect: &Suspect, place: usize) -> String {
    let mut text = format!("{place}. {}: {} points", suspect.title(), suspect.score);
    text.push_str(&format!("\n   {}", suspect.reasons().join("; ")));
    if let Some(basis) = suspect.basis() {
        text.push_str(&format!("\n   {basis}"));
    }
    text.push_str(&format!("\n   {}", whole(&diagnosed.diagnosis.trace_id, suspect).text()));
    text
}

/// What is always shown of the first suspect.
fn least_suspect(row: &Value) -> Option<(Value, String)> {
    let kept = ["number", "decision_id", "stage", "decision", "score"];
    let fields = row.as_object()?.iter().filter(|(name, _)| kept.contains(&name.as_str()));
    let fields: Map<String, Value> = fields.map(|(name, value)| (name.clone(), value.clone())).collect();
    let text = |name: &str| fields.get(name).map(ToString::to_string).unwrap_or_default();
    let told = format!("1. #{} {}: {} points", text("number"), text("stage"), text("score"));
    Some((Value::Object(fields), told))
}

/// The call that shows a suspect whole.
fn whole(trace_id: &str, suspect: &Suspect) -> Call {
    let call = Call::new("trace_full").with("trace_id", id(trace_id));
    match &suspect.place {
        Place::Decision { decision_id, .. } => call.with("decision_id", id(decision_id)),
        Place::Stage { stage, .. } => call.with("stage", name(stage)),
    }
}

fn against(sheet: &mut Sheet<'_>, diagnosed: &Diagnosed) {
    let Some(against) = &diagnosed.diagnosis.against else {
        let text = match &diagnosed.database_away {
            Some(_) => "No comparison and no habits: earlier runs are known to the database alone",
            None => "No comparable run went well: none of this project with this query or intent",
        };
        sheet.field("against", Value::Null, text);
        return;
    };
    let (basis, told) = match diagnosed.basis {
        Some(Basis::Query) => ("same_query", ", same query"),
        Some(Basis::Intent) => ("same_intent", ", same intent"),
        Some(Basis::Named) | None => ("named", ""),
    };
    let mut text =
        format!("Against {} ({}{told}): {}", id(&against.trace_id), against.outcome.told(), against.told());
    if let Some(first) = against.first_told() {
        text.push_str(&format!("\n  first unlike it: {first}"));
    }
    if let Some(missing) = against.missing_told() {
        text.push_str(&format!("\n  only there: {missing}"));
    }
    sheet.field("against", diagnosis::against(against, basis), text);
}

fn stages(sheet: &mut Sheet<'_>, skeleton: &[StageLine]) {
    if skeleton.is_empty() {
        return;
    }
    // What went wrong somewhere is told before what did not.
    let mut order: Vec<&StageLine> = skeleton.iter().collect();
    if order.len() > STAGES {
        order.sort_by_key(|line| line.error.is_none() && line.errors == 0);
        order.truncate(STAGES);
        order.sort_by_key(|line| skeleton.iter().position(|one| std::ptr::eq(one, *line)));
    }
    let mut told: Vec<String> = order.iter().map(|line| line.told()).collect();
    let more = skeleton.len() - order.len();
    if more > 0 {
        told.push(format!("+{} more", counted(more, "stage")));
    }
    let data: Vec<Value> = order.into_iter().map(diagnosis::stage).collect();
    sheet.field("stages", data, format!("Stages (decisions): {}", told.join("; ")));
}

/// The first suspect whole or, where there is none, the comparison.
fn next(diagnosed: &Diagnosed, _: &Kept) -> Option<Call> {
    let found = &diagnosed.diagnosis;
    if let Some(suspect) = found.suspects.first() {
        return Some(whole(&found.trace_id, suspect));
    }
    let against = found.against.as_ref().filter(|_| found.outcome != Outcome::Passed)?;
    let call = Call::new("trace_compare").with("trace_id_a", id(&against.trace_id));
    Some(call.with("trace_id_b", id(&found.trace_id)))
}

fn output_schema() -> Map<String, Value> {
    shape::answer(&[
        ("trace_id!", "string", ""),
        ("run", "object", "Outcome and size"),
        ("notes", "array", ""),
        ("database_away", "boolean", ""),
        (
            "suspects",
            "array",
            "rules: name to [points, what it saw]; good: the like in the good run, fields [here, there]. trace_full with decision_id or stage shows one",
        ),
        ("against", "object", "The likest run that went well"),
        ("stages", "array", ""),
    ])
}
