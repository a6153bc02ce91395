//! A run's beginning and its end.

use super::fields::{Fields, LIST_ITEMS, at_most, moment, optional, repeated};
use super::{CallerContext, Draft, Settings};
use crate::gate::limits::{OPTION_BYTES, WHY_BYTES};
use crate::gate::refusal::{Refusal, quoted};
use crate::gate::request::{FinishRequest, PrincipleRequest, StartRequest};
use crate::gate::value::{nonnegative, nonnegative_integer, scale_max, score};
use crate::model::{
    Agent, EventBody, EventId, FinishEvent, PrincipleScore, Quality, StartEvent, TraceContext, Unknown,
};

/// Bytes of a run's query, its error and its review notes.
pub(super) const LONG_TEXT_BYTES: usize = WHY_BYTES;

/// Bytes of a path.
pub(super) const PATH_BYTES: usize = OPTION_BYTES;

/// Bytes of a `tracestate` that is kept, as the Trace Context specification suggests.
const TRACESTATE_BYTES: usize = 512;

pub(super) fn start(mut fields: Fields<'_>, request: StartRequest) -> Result<Draft, Refusal> {
    let body = StartEvent {
        project: fields.label("project", &request.project)?,
        query: fields.text("query", &request.query, LONG_TEXT_BYTES)?,
        intent: fields.optional_label("intent", request.intent.as_deref())?,
        domain: fields.optional_label("domain", request.domain.as_deref())?,
        report_type: fields.optional_label("report_type", request.report_type.as_deref())?,
        research_type: fields.optional_label("research_type", request.research_type.as_deref())?,
        agent: Agent {
            name: fields.optional_label("agent", request.agent.as_deref())?,
            version: None,
            model: fields.optional_label("model", request.model.as_deref())?,
            unknown: Unknown::new(),
        },
        tags: fields.labels("tags", &request.tags)?,
        metadata: fields.object("metadata", request.metadata)?,
        parent_trace_id: fields.optional_id("parent_trace_id", request.parent_trace_id.as_deref())?,
        trace_context: None,
    };
    Ok(Draft {
        event_id: Some(EventId::start()),
        occurred_at: moment("timestamp", request.timestamp.as_deref())?,
        redactions: fields.redactions(),
        body: EventBody::Start(body),
    })
}

/// Fills in what the server knows of the caller, and says how many secrets that held. What the caller's client
/// says amiss is left out: the model that called can do nothing about it.
pub(super) fn fill_in(mut fields: Fields<'_>, start: &mut StartEvent, caller: &CallerContext) -> u32 {
    let mut label = |sent: Option<&str>| fields.optional_label("client", sent).ok().flatten();
    if start.agent.name.is_none() {
        start.agent.name = label(caller.client_name.as_deref());
        if start.agent.name.is_some() {
            start.agent.version = label(caller.client_version.as_deref());
        }
    }
    start.trace_context = caller.traceparent.as_deref().filter(|text| is_traceparent(text)).map(|parent| {
        let is_kept = |state: &&str| {
            (1..=TRACESTATE_BYTES).contains(&state.len()) && state.bytes().all(|b| (b' '..=b'~').contains(&b))
        };
        let tracestate =
            caller.tracestate.as_deref().filter(is_kept).map(|state| {
                fields.optional_text("tracestate", Some(state), TRACESTATE_BYTES).ok().flatten()
            });
        TraceContext { traceparent: Some(parent.to_owned()), tracestate: tracestate.flatten() }
    });
    fields.redactions()
}

pub(super) fn finish(
    mut fields: Fields<'_>,
    request: &FinishRequest,
    settings: &Settings,
) -> Result<Draft, Refusal> {
    let body = FinishEvent {
        status: request.status.unwrap_or_default().into(),
        error: fields.optional_text("error", request.error.as_deref(), LONG_TEXT_BYTES)?,
        quality: quality(&mut fields, request, settings)?,
        input_tokens: optional("input_tokens", request.input_tokens, nonnegative_integer)?,
        output_tokens: optional("output_tokens", request.output_tokens, nonnegative_integer)?,
        cost_usd: optional("cost_usd", request.cost_usd, nonnegative)?,
        model: fields.optional_label("model", request.model.as_deref())?,
        report_path: fields.optional_text("report_path", request.report_path.as_deref(), PATH_BYTES)?,
        output_paths: fields.texts("output_paths", &request.output_paths, PATH_BYTES)?,
        dropped_events: None,
    };
    Ok(Draft {
        event_id: Some(EventId::finish()),
        occurred_at: moment("timestamp", request.timestamp.as_deref())?,
        redactions: fields.redactions(),
        body: EventBody::Finish(Box::new(body)),
    })
}

fn quality(
    fields: &mut Fields<'_>,
    request: &FinishRequest,
    settings: &Settings,
) -> Result<Quality, Refusal> {
    let given_scale = optional("scale_max", request.scale_max, scale_max)?;
    let scale = given_scale.unwrap_or(settings.scale_max);
    let on_scale = |field: &str, sent: f64| score(field, sent, scale);
    let gap_principles = fields.labels("gap_principles", &request.gap_principles)?;
    let strength_principles = fields.labels("strength_principles", &request.strength_principles)?;
    if let Some(both) = gap_principles.iter().find(|gap| strength_principles.contains(gap)) {
        return Err(Refusal::new(
            "strength_principles",
            format!("{} stands in `gap_principles` too, outside", quoted(both)),
            "the one list that a principle may stand in",
            "send it in one of the two",
        ));
    }
    Ok(Quality {
        score: optional("score", request.score, on_scale)?,
        scale_max: given_scale,
        threshold: optional("threshold", request.threshold, on_scale)?,
        passed: request.passed,
        principle_scores: principles(fields, &request.principle_scores, scale)?,
        gap_principles,
        strength_principles,
        unknown: Unknown::new(),
    })
}

fn principles(
    fields: &mut Fields<'_>,
    sent: &[PrincipleRequest],
    scale: f64,
) -> Result<Vec<PrincipleScore>, Refusal> {
    at_most("principle_scores", sent.len(), LIST_ITEMS)?;
    let principles: Vec<PrincipleScore> = sent
        .iter()
        .enumerate()
        .map(|(index, sent)| {
            principle(fields, sent, scale)
                .map_err(|refusal| refusal.within(&format!("principle_scores[{index}]")))
        })
        .collect::<Result<_, _>>()?;
    if let Some(index) = repeated(principles.iter().map(|principle| &principle.id)) {
        let id = principles.get(index).map(|principle| quoted(&principle.id)).unwrap_or_default();
        return Err(Refusal::new(
            format!("principle_scores[{index}].id"),
            format!("{id} was sent before, above"),
            "the limit of one score for each principle",
            "send each principle once",
        ));
    }
    Ok(principles)
}

fn principle(
    fields: &mut Fields<'_>,
    sent: &PrincipleRequest,
    scale: f64,
) -> Result<PrincipleScore, Refusal> {
    Ok(PrincipleScore {
        id: fields.label("id", &sent.id)?,
        name: fields.optional_text("name", sent.name.as_deref(), OPTION_BYTES)?,
        score: score("score", sent.score, scale)?,
        feedback: fields.optional_text("feedback", sent.feedback.as_deref(), OPTION_BYTES)?,
        unknown: Unknown::new(),
    })
}

/// Whether a text is a `traceparent` as the Trace Context specification (level 1) has it:
/// `00-<32 hex>-<16 hex>-<2 hex>`, ids not all zero.
fn is_traceparent(text: &str) -> bool {
    let is_hex = |part: &str, digits: usize| {
        part.len() == digits && part.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
    };
    let is_id = |part: &str, digits| is_hex(part, digits) && part.bytes().any(|b| b != b'0');
    match *text.split('-').collect::<Vec<_>>() {
        ["00", trace, parent, flags] => is_id(trace, 32) && is_id(parent, 16) && is_hex(flags, 2),
        _ => false,
    }
}
