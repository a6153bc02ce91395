//! `trace_full`: one run, whole or by parts.
//!
//! What is asked for makes a [`View`]; the parts of a view put themselves on a sheet ([`head`], [`sections`],
//! [`decisions`]). Texts are shortened to what the format grants, and further where not even the first item of the
//! list that is asked for would fit.

mod decisions;
mod head;
mod sections;
#[cfg(test)]
pub(super) mod tests;

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::budget::budget;
use super::call::Call;
use super::failing::{of_run, refused};
use super::sheet::{Kept, Sheet};
use super::{notes, shape};
use crate::gate::Refusal;
use crate::gate::refusal::quoted;
use crate::gate::request::{parse, plain_schema};
use crate::mcp::tool::{Answer, Context, Tool, ToolError};
use crate::model::{Decision, Stage, Trace};
use crate::store::LoadedTrace;
use crate::view::saying::{id, name, names};

/// Characters of a text in a format, and the fewest to which it is shortened so that something fits.
const CONCISE: usize = 200;
const DETAILED: usize = 4_000;
const WHOLE: usize = 64_000;
const FEWEST: usize = 60;

pub(super) const TOOL: Tool = Tool {
    name: "trace_full",
    title: "Read a run",
    description: "Read one run, failure first: query, decisions and why, stages, evidence, quality, cost, \
                  parent, children. Narrow by section (prompts only there), stage or decision_id. Needs \
                  no database. Not to find runs (trace_list).",
    writes: false,
    idempotent: true,
    input_schema: plain_schema::<FullRequest>,
    output_schema,
    call: |context, arguments| Box::pin(call(context, arguments)),
};

#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(description = "")]
struct FullRequest {
    /// Id, unique prefix, last, last:PROJECT or last-failed
    trace_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    section: Option<Section>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stage: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    decision_id: Option<String>,
    /// Default concise; json: as in the document
    #[serde(skip_serializing_if = "Option::is_none")]
    format: Option<Format>,
    /// Items to skip
    #[serde(skip_serializing_if = "Option::is_none")]
    offset: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens: Option<i64>,
}

/// A part of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(description = "")]
enum Section {
    /// What was asked of whom.
    Run,
    /// The stages.
    Stages,
    /// The decisions.
    Decisions,
    /// What was collected.
    Evidence,
    /// What models were asked.
    Prompts,
    /// The scores.
    Quality,
    /// Tokens and money.
    Cost,
    /// The turns of the retry loop.
    Iterations,
    /// What it left behind.
    Outputs,
    /// What asks for a second look.
    Calibration,
}

/// How much is said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(description = "")]
enum Format {
    /// The gist.
    #[default]
    Concise,
    /// All fields.
    Detailed,
    /// All fields, the data in the document's own form.
    Json,
}

/// What of a run is shown, and how long its texts are.
struct View<'t> {
    trace: &'t Trace,
    loaded: &'t LoadedTrace,
    request: &'t FullRequest,
    section: Option<Section>,
    /// The only stage that is shown, by its whole name.
    stage: Option<&'t str>,
    /// The only decision that is shown.
    decision: Option<(&'t str, &'t Decision)>,
    format: Format,
    skipped: usize,
    budget: usize,
    chars: usize,
}

async fn call(context: Arc<Context>, arguments: Value) -> Result<Answer, ToolError> {
    let request: FullRequest = parse(arguments).map_err(refused)?;
    let loaded = context.query.trace(&request.trace_id, &context.scope).await;
    request.answer(&of_run(&context, loaded).await?)
}

impl FullRequest {
    fn answer(&self, loaded: &LoadedTrace) -> Result<Answer, ToolError> {
        let mut view = View::of(self, loaded)?;
        loop {
            let (answer, kept) = view.sheet().finish();
            let is_enough = if view.decision.is_some() { kept.is_whole() } else { !kept.is_short() };
            if is_enough || view.chars <= FEWEST {
                return Ok(answer);
            }
            view.chars = (view.chars / 2).max(FEWEST);
        }
    }
}

impl<'t> View<'t> {
    fn of(request: &'t FullRequest, loaded: &'t LoadedTrace) -> Result<Self, ToolError> {
        let trace = &loaded.trace;
        let decision = match given(&request.decision_id) {
            Some(wanted) => Some(find_decision(trace, wanted)?),
            None => None,
        };
        let stage = match given(&request.stage) {
            Some(wanted) => Some(find_stage(trace, wanted).map_err(refused)?),
            None => None,
        };
        let skipped = usize::try_from(request.offset.unwrap_or(0)).unwrap_or(0);
        let section = request.section.or((skipped > 0).then_some(Section::Decisions));
        let format =
            request.format.unwrap_or(if decision.is_some() { Format::Detailed } else { Format::Concise });
        let chars = match format {
            _ if decision.is_some() => WHOLE,
            Format::Concise => CONCISE,
            Format::Detailed => DETAILED,
            Format::Json => WHOLE,
        };
        let budget = budget(request.max_tokens);
        Ok(Self { trace, loaded, request, section, stage, decision, format, skipped, budget, chars })
    }

    fn sheet(&self) -> Sheet<'_> {
        let mut sheet = Sheet::new(self.budget, |kept| self.next(kept));
        head::add(&mut sheet, self);
        if let Some((stage, decision)) = self.decision {
            notes::add(&mut sheet, self.loaded);
            decisions::add(&mut sheet, self, vec![(stage, decision)]);
            return sheet;
        }
        if self.section.is_none() && self.stage.is_none() {
            head::failures(&mut sheet, self.trace);
        }
        notes::add(&mut sheet, self.loaded);
        sections::add(&mut sheet, self);
        if self.shows(Section::Decisions) {
            decisions::add(&mut sheet, self, self.decisions());
        }
        sheet
    }

    /// Whether a part of the run belongs to what was asked for. Of a single stage only what belongs to stages does.
    fn shows(&self, section: Section) -> bool {
        match (self.section, self.stage) {
            (Some(asked), _) => asked == section,
            (None, None) => section != Section::Prompts,
            (None, Some(_)) => matches!(
                section,
                Section::Stages
                    | Section::Decisions
                    | Section::Evidence
                    | Section::Prompts
                    | Section::Outputs
            ),
        }
    }

    /// Whether it is the one part that was asked for.
    fn is_asked(&self, section: Section) -> bool {
        self.section == Some(section)
    }

    fn is_concise(&self) -> bool {
        self.format == Format::Concise
    }

    /// How many items of a section's list are passed over.
    fn skipped(&self, section: Section) -> usize {
        if self.is_asked(section) { self.skipped } else { 0 }
    }

    fn stages(&self) -> impl Iterator<Item = (&'t str, &'t Stage)> {
        let only = self.stage;
        self.trace
            .stages
            .iter()
            .map(|(name, stage)| (name.as_str(), stage))
            .filter(move |(name, _)| only.is_none_or(|only| only == *name))
    }

    fn decisions(&self) -> Vec<(&'t str, &'t Decision)> {
        self.stages().flat_map(|(name, stage)| stage.decisions.iter().map(move |one| (name, one))).collect()
    }

    /// The call that shows what was cut: the decisions before anything else.
    fn next(&self, kept: &Kept) -> Option<Call> {
        let call = Call::new(TOOL.name).with("trace_id", id(self.trace.trace_id.as_str()));
        if let Some((_, decision)) = self.decision {
            let is_shortened = !kept.is_whole() || self.chars < WHOLE;
            let call = call.with("decision_id", id(decision.decision_id.as_str()));
            return if is_shortened { call.with_more_room(self.budget) } else { None };
        }
        let first = kept.first_cut()?;
        let call = call
            .with_some("stage", self.stage.map(id))
            .with_some("format", self.request.format.and_then(|format| serde_json::to_value(format).ok()))
            .with_some("max_tokens", self.request.max_tokens);
        let Some(section) = self.section else {
            let section = if kept.is_cut("decisions") { Section::Decisions } else { section_of(first) };
            let reached = if section == Section::Decisions { kept.count("decisions") } else { 0 };
            let call = call.with("section", section.as_str());
            return Some(if reached > 0 { call.with("offset", reached) } else { call });
        };
        let call = call.with("section", section.as_str());
        let shown = kept.count(section.list());
        let behind = call.clone().with("offset", self.skipped + shown);
        if kept.is_cut(section.list()) && shown > 0 && !kept.is_short() {
            return Some(behind);
        }
        // More of the same needs more room; where there is none, what follows is shown instead.
        let more = call.with_some("offset", self.request.offset).with_more_room(self.budget);
        more.or((shown > 0).then_some(behind))
    }
}

impl Section {
    /// The name in questions.
    fn as_str(self) -> &'static str {
        match self {
            Self::Run => "run",
            Self::Stages => "stages",
            Self::Decisions => "decisions",
            Self::Evidence => "evidence",
            Self::Prompts => "prompts",
            Self::Quality => "quality",
            Self::Cost => "cost",
            Self::Iterations => "iterations",
            Self::Outputs => "outputs",
            Self::Calibration => "calibration",
        }
    }

    /// The list that an offset counts; empty where there is none.
    fn list(self) -> &'static str {
        match self {
            Self::Stages => "stages",
            Self::Decisions => "decisions",
            Self::Evidence => "evidence_items",
            Self::Prompts => "prompts",
            Self::Quality => "principle_scores",
            Self::Iterations => "iterations",
            Self::Outputs => "stage_outputs",
            Self::Calibration => "flags",
            Self::Run | Self::Cost => "",
        }
    }
}

/// The section in which more is shown of something of that name.
fn section_of(cut: &str) -> Section {
    match cut {
        "decisions" | "failures" => Section::Decisions,
        "evidence" => Section::Evidence,
        "stages" => Section::Stages,
        "prompts" => Section::Prompts,
        "principle_scores" | "quality" => Section::Quality,
        "iterations" => Section::Iterations,
        "outputs" | "stage_outputs" => Section::Outputs,
        "calibration" | "flags" => Section::Calibration,
        "cost" => Section::Cost,
        _ => Section::Run,
    }
}

fn given(text: &Option<String>) -> Option<&str> {
    text.as_deref().map(str::trim).filter(|text| !text.is_empty())
}

/// The decision of that id, or of the only id that begins that way.
fn find_decision<'t>(trace: &'t Trace, wanted: &str) -> Result<(&'t str, &'t Decision), ToolError> {
    let is = |one: &Decision| one.decision_id.as_str() == wanted;
    if let Some(found) = trace.decisions().find(|(_, one)| is(one)) {
        return Ok(found);
    }
    let mut near = trace.decisions().filter(|(_, one)| {
        one.decision_id.as_str().starts_with(wanted) || id(one.decision_id.as_str()) == wanted
    });
    if let (Some(found), None) = (near.next(), near.next()) {
        return Ok(found);
    }
    let ids: Vec<String> = trace.decisions().take(6).map(|(_, one)| id(one.decision_id.as_str())).collect();
    let call =
        Call::new(TOOL.name).with("trace_id", id(trace.trace_id.as_str())).with("section", "decisions");
    Err(ToolError {
        code: "unknown_decision",
        message: format!(
            "no decision, or no single one, is called {} in this run; its decisions: {}",
            quoted(wanted),
            names(&ids, 5)
        ),
        hint: format!("call {}", call.text()),
        retryable: false,
    })
}

/// The stage of that name.
fn find_stage<'t>(trace: &'t Trace, wanted: &str) -> Result<&'t str, Refusal> {
    let stages = || trace.stages.keys().map(String::as_str);
    stages()
        .find(|stage| *stage == wanted)
        .or_else(|| stages().find(|stage| name(stage) == wanted || id(stage) == wanted))
        .ok_or_else(|| {
            let all: Vec<&str> = stages().collect();
            let limit = format!("the stages of this run ({})", names(&all, 12));
            Refusal::new("stage", format!("{} is not among", quoted(wanted)), limit, "send one of these")
        })
}

fn output_schema() -> Map<String, Value> {
    shape::answer(&[
        ("trace_id!", "string", ""),
        ("project", "string", ""),
        ("status", "string", ""),
        ("gate", "string", "passed or failed"),
        ("error", "string", ""),
        ("failures", "array", "Stages and decisions that broke"),
        ("notes", "array", "How it was read"),
        ("parent_trace_id", "string", ""),
        ("child_traces", "array", ""),
        ("child_traces_total", "integer", ""),
        ("run", "object", ""),
        ("quality", "object", ""),
        ("principle_scores", "array", ""),
        ("cost", "object", ""),
        ("calibration", "object", ""),
        ("flags", "array", ""),
        ("outputs", "object", ""),
        ("stage_outputs", "array", ""),
        ("iterations", "array", ""),
        ("evidence", "array", "By stage"),
        ("evidence_items", "array", ""),
        ("prompts", "array", ""),
        ("stages", "array", ""),
        ("decisions", "array", ""),
        ("decisions_total", "integer", ""),
        ("offset", "integer", ""),
    ])
}
