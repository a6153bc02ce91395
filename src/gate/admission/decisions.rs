//! Decisions, what they led to, and what was said about them later.

use super::Draft;
use super::fields::{Fields, at_most, confidence, finite, moment, optional};
use super::run::LONG_TEXT_BYTES;
use crate::gate::limits::{ALTERNATIVES, OPTION_BYTES, WHAT_BYTES, WHY_BYTES};
use crate::gate::refusal::Refusal;
use crate::gate::request::{AlternativeRequest, DecisionRequest, EventRequest};
use crate::gate::value::nonnegative;
use crate::model::{
    Alternative, CorrectionEvent, DecisionEvent, DecisionId, EventBody, EventId, ResultEvent, Unknown,
};

pub(super) fn decision(mut fields: Fields<'_>, request: DecisionRequest) -> Result<Draft, Refusal> {
    let given = fields.optional_id::<DecisionId>("decision_id", request.decision_id.as_deref())?;
    let event_id = given.clone().map(EventId::from);
    not_reserved("decision_id", event_id.as_ref())?;
    let body = DecisionEvent {
        // One that was not given is made by the minter.
        decision_id: given.unwrap_or_else(|| DecisionId::generate("", "0")),
        stage: fields.label("stage", &request.stage)?,
        decision: fields.label("decision", &request.decision)?,
        what: fields.text("what", &request.what, WHAT_BYTES)?,
        why: fields.text("why", &request.why, WHY_BYTES)?,
        confidence: confidence(request.confidence)?,
        alternatives_considered: alternatives(&mut fields, &request.alternatives_considered)?,
        inputs: fields.optional_json("inputs", request.inputs)?,
        evidence_ids: fields.labels("evidence_ids", &request.evidence_ids)?,
        result: fields.optional_json("result", request.result)?,
        actor: fields.optional_label("actor", request.actor.as_deref())?,
    };
    Ok(Draft {
        event_id,
        occurred_at: moment("timestamp", request.timestamp.as_deref())?,
        redactions: fields.redactions(),
        body: EventBody::Decision(Box::new(body)),
    })
}

/// What a decision led to.
pub(super) fn result(fields: &mut Fields<'_>, event: EventRequest) -> Result<EventBody, Refusal> {
    let says_nothing = event.result.is_none()
        && event.error.is_none()
        && event.duration_seconds.is_none()
        && event.evidence_ids.is_empty();
    if says_nothing {
        return Err(Refusal::new(
            "result",
            "is missing, below",
            "the minimum of one of result, error, duration_seconds, evidence_ids",
            "send what the decision led to",
        ));
    }
    Ok(EventBody::Result(ResultEvent {
        decision_id: fields.id("decision_id", &event.decision_id.unwrap_or_default())?,
        result: fields.optional_json("result", event.result)?,
        error: fields.optional_text("error", event.error.as_deref(), LONG_TEXT_BYTES)?,
        duration_seconds: optional("duration_seconds", event.duration_seconds, nonnegative)?,
        evidence_ids: fields.labels("evidence_ids", &event.evidence_ids)?,
    }))
}

/// Why a decision's text no longer holds.
pub(super) fn correction(fields: &mut Fields<'_>, event: &EventRequest) -> Result<EventBody, Refusal> {
    Ok(EventBody::Correction(CorrectionEvent {
        decision_id: fields.id("decision_id", event.decision_id.as_deref().unwrap_or_default())?,
        reason: fields.text("reason", event.reason.as_deref().unwrap_or_default(), WHY_BYTES)?,
        what: fields.optional_text("what", event.what.as_deref(), WHAT_BYTES)?,
        why: fields.optional_text("why", event.why.as_deref(), WHY_BYTES)?,
        confidence: confidence(event.confidence)?,
    }))
}

/// Refuses a name that belongs to a run's first or last event.
pub(super) fn not_reserved(field: &str, id: Option<&EventId>) -> Result<(), Refusal> {
    match id {
        Some(id) if *id == EventId::start() || *id == EventId::finish() => Err(Refusal::new(
            field,
            format!("\"{id}\" is outside"),
            "the free names: a run's first and last event are called start and finish",
            "send another id, or leave it out",
        )),
        _ => Ok(()),
    }
}

fn alternatives(fields: &mut Fields<'_>, sent: &[AlternativeRequest]) -> Result<Vec<Alternative>, Refusal> {
    at_most("alternatives_considered", sent.len(), ALTERNATIVES)?;
    let each = sent.iter().enumerate().map(|(index, sent)| {
        alternative(fields, sent)
            .map_err(|refusal| refusal.within(&format!("alternatives_considered[{index}]")))
    });
    each.collect()
}

fn alternative(fields: &mut Fields<'_>, sent: &AlternativeRequest) -> Result<Alternative, Refusal> {
    Ok(Alternative {
        option: fields.text("option", &sent.option, OPTION_BYTES)?,
        score: optional("score", sent.score, finite)?,
        why_not: fields.optional_text("why_not", sent.why_not.as_deref(), OPTION_BYTES)?,
        unknown: Unknown::new(),
    })
}
