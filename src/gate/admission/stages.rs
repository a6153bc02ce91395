//! What happens in the stages of a run: coming and going, evidence, prompts, attempts, outputs.

use indexmap::IndexMap;
use serde_json::{Value, json};

use super::fields::{Fields, LIST_ITEMS, at_most, moment, optional};
use super::run::{LONG_TEXT_BYTES, PATH_BYTES};
use super::{Prompts, Settings};
use crate::gate::limits::{PROMPT_BYTES, WHY_BYTES};
use crate::gate::refusal::Refusal;
use crate::gate::request::EventRequest;
use crate::gate::text::text;
use crate::gate::value::{nonnegative, nonnegative_integer, scale_max, score};
use crate::model::{
    EventBody, Evidence, EvidenceEvent, Iteration, IterationEvent, OutputsEvent, Prompt, PromptEvent,
    StageEndEvent, StageStartEvent, Timestamp, Unknown,
};

pub(super) fn stage_start(fields: &mut Fields<'_>, event: &EventRequest) -> Result<EventBody, Refusal> {
    Ok(EventBody::StageStart(StageStartEvent { stage: stage(fields, event)? }))
}

/// The end of a stay that ended at `ended_at`, where the caller says so.
pub(super) fn stage_end(
    fields: &mut Fields<'_>,
    event: EventRequest,
    ended_at: Option<Timestamp>,
) -> Result<EventBody, Refusal> {
    let started_at = moment("started_at", event.started_at.as_deref())?;
    if started_at.zip(ended_at).is_some_and(|(started, ended)| started > ended) {
        return Err(Refusal::new(
            "started_at",
            "is later than the stage's end, outside",
            "the durations from 0",
            "send the two times the other way round",
        ));
    }
    let has_outputs = !event.outputs.is_empty();
    Ok(EventBody::StageEnd(StageEndEvent {
        stage: stage(fields, &event)?,
        started_at,
        error: fields.optional_text("error", event.error.as_deref(), LONG_TEXT_BYTES)?,
        outputs: has_outputs.then(|| fields.json("outputs", Value::Object(event.outputs))).transpose()?,
    }))
}

pub(super) fn evidence(fields: &mut Fields<'_>, event: EventRequest) -> Result<EventBody, Refusal> {
    let evidence = Evidence {
        collected_count: optional("collected_count", event.collected_count, nonnegative_integer)?,
        passed_count: optional("passed_count", event.passed_count, nonnegative_integer)?,
        filtered_count: optional("filtered_count", event.filtered_count, nonnegative_integer)?,
        by_source: by_source(fields, &event.by_source)?,
        kept: Vec::new(),
        filtered_out: Vec::new(),
        unknown: Unknown::new(),
    };
    let stage = stage(fields, &event)?;
    let kept = items(fields, "kept", event.kept)?;
    let filtered_out = items(fields, "filtered_out", event.filtered_out)?;
    let evidence = Evidence { kept, filtered_out, ..evidence };
    if evidence == Evidence::default() {
        return Err(Refusal::new(
            "collected_count",
            "is missing, below",
            "the minimum of one count or item",
            "send a count, by_source, kept or filtered_out",
        ));
    }
    Ok(EventBody::Evidence(EvidenceEvent { stage, evidence }))
}

pub(super) fn prompt(
    fields: &mut Fields<'_>,
    event: &EventRequest,
    prompts: Prompts,
) -> Result<EventBody, Refusal> {
    let mut prompt = Prompt {
        model: fields.optional_label("model", event.model.as_deref())?,
        input_tokens: optional("input_tokens", event.input_tokens, nonnegative_integer)?,
        output_tokens: optional("output_tokens", event.output_tokens, nonnegative_integer)?,
        cost_usd: optional("cost_usd", event.cost_usd, nonnegative)?,
        ..Prompt::default()
    };
    let texts = [
        ("system_prompt", &event.system_prompt, &mut prompt.system_prompt),
        ("user_message", &event.user_message, &mut prompt.user_message),
        ("response", &event.response, &mut prompt.response),
    ];
    for (field, sent, kept) in texts {
        let Some(sent) = sent.as_deref() else { continue };
        match prompts {
            Prompts::Full => *kept = fields.optional_text(field, Some(sent), PROMPT_BYTES)?,
            Prompts::Lengths => {
                let chars = text(field, sent, PROMPT_BYTES)?.chars().count();
                prompt.unknown.insert(format!("{field}_chars"), json!(chars));
            }
            Prompts::Off => {
                text(field, sent, PROMPT_BYTES)?;
            }
        }
    }
    Ok(EventBody::Prompt(PromptEvent { stage: stage(fields, event)?, prompt }))
}

/// A judged attempt. The scale of its score is kept where it was sent: it stands before the run's own is known.
pub(super) fn iteration(
    fields: &mut Fields<'_>,
    event: &EventRequest,
    settings: &Settings,
) -> Result<EventBody, Refusal> {
    let given_scale = optional("scale_max", event.scale_max, scale_max)?;
    let scale = given_scale.unwrap_or(settings.scale_max);
    let mut unknown = Unknown::new();
    if let Some(scale) = given_scale {
        unknown.insert("scale_max".to_owned(), json!(scale));
    }
    let iteration = Iteration {
        passed: event.passed,
        score: optional("score", event.score, |field, sent| score(field, sent, scale))?,
        gap_principles: fields.labels("gap_principles", &event.gap_principles)?,
        input_tokens: optional("input_tokens", event.input_tokens, nonnegative_integer)?,
        output_tokens: optional("output_tokens", event.output_tokens, nonnegative_integer)?,
        cost_usd: optional("cost_usd", event.cost_usd, nonnegative)?,
        changes: fields.optional_text("changes", event.changes.as_deref(), WHY_BYTES)?,
        timestamp: None,
        unknown,
    };
    Ok(EventBody::Iteration(IterationEvent { iteration }))
}

pub(super) fn outputs(fields: &mut Fields<'_>, event: EventRequest) -> Result<EventBody, Refusal> {
    let outputs = OutputsEvent {
        stage: fields.optional_label("stage", event.stage.as_deref())?,
        outputs: fields.object("outputs", event.outputs)?,
        report_path: fields.optional_text("report_path", event.report_path.as_deref(), PATH_BYTES)?,
        output_paths: fields.texts("output_paths", &event.output_paths, PATH_BYTES)?,
    };
    if outputs.outputs.is_empty() && outputs.report_path.is_none() && outputs.output_paths.is_empty() {
        return Err(Refusal::new(
            "outputs",
            "is missing, below",
            "the minimum of one output or path",
            "send outputs, report_path or output_paths",
        ));
    }
    Ok(EventBody::Outputs(outputs))
}

fn stage(fields: &mut Fields<'_>, event: &EventRequest) -> Result<String, Refusal> {
    fields.label("stage", event.stage.as_deref().unwrap_or_default())
}

fn by_source(
    fields: &mut Fields<'_>,
    sent: &IndexMap<String, i64>,
) -> Result<IndexMap<String, i64>, Refusal> {
    at_most("by_source", sent.len(), LIST_ITEMS)?;
    let mut counts = IndexMap::with_capacity(sent.len());
    for (source, count) in sent {
        let source = fields.label("by_source", source)?;
        let count = nonnegative_integer(&source, *count).map_err(|refusal| refusal.within("by_source"))?;
        // Two spellings of one source count together.
        let sum: &mut i64 = counts.entry(source).or_insert(0);
        *sum = sum.saturating_add(count);
    }
    Ok(counts)
}

fn items(fields: &mut Fields<'_>, field: &str, sent: Vec<Value>) -> Result<Vec<Value>, Refusal> {
    let each = sent.into_iter().enumerate();
    each.map(|(index, item)| fields.json(&format!("{field}[{index}]"), item)).collect()
}
