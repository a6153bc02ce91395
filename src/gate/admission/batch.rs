//! A batch: many events of one run, taken whole or not at all.

use serde_json::Value;

use super::decisions::{self, not_reserved};
use super::fields::{Fields, not_blank, occurred_at, repeated};
use super::{Draft, Settings, run, stages};
use crate::gate::limits::{BATCH_BYTES, BATCH_EVENTS};
use crate::gate::refusal::Refusal;
use crate::gate::request::{
    DecisionRequest, EventKind, EventRequest, FinishRequest, RecordRequest, StartRequest,
};
use crate::model::EventId;

/// Checks what concerns the batch as a whole: its size, and which run it belongs to.
pub(super) fn check(request: &RecordRequest) -> Result<(), Refusal> {
    let events = &request.events;
    let Some(first) = events.first() else {
        return Err(Refusal::new("events", "is empty, below", "the minimum of 1 event", "send an event"));
    };
    if events.len() > BATCH_EVENTS {
        return Err(Refusal::new(
            "events",
            format!("{} were sent, above", events.len()),
            format!("the limit of {BATCH_EVENTS} events"),
            "send them in several calls, in order",
        ));
    }
    if first.kind != EventKind::Start && not_blank(request.trace_id.as_deref()).is_none() {
        return Err(Refusal::new(
            "trace_id",
            "is missing from",
            "a batch that does not begin with an event of kind \"start\"",
            "send the trace_id that trace_start gave, or put a \"start\" event first",
        ));
    }
    let last = events.len() - 1;
    let misplaced = |(index, event): (usize, &EventRequest)| match event.kind {
        EventKind::Start if index > 0 => Some((index, "after other events", "put it first")),
        EventKind::Finish if index < last => Some((index, "before other events", "put it last")),
        _ => None,
    };
    match events.iter().enumerate().find_map(misplaced) {
        Some((index, place, remedy)) => Err(Refusal::new(
            format!("events[{index}].kind"),
            format!("stands {place}, outside"),
            "the order of a run: start first, finish last",
            remedy,
        )),
        None => Ok(()),
    }
}

/// Checks every event of a batch, and that no two have the same name.
pub(super) fn drafts<'g>(
    events: Vec<EventRequest>,
    fields: impl Fn() -> Fields<'g>,
    settings: &Settings,
) -> Result<Vec<Draft>, Refusal> {
    let mut drafts = Vec::with_capacity(events.len());
    let mut bytes = 0;
    for (index, event) in events.into_iter().enumerate() {
        bytes += own_fields(&event).map_err(|refusal| refusal.within(&format!("events[{index}]")))?;
        if bytes > BATCH_BYTES {
            return Err(Refusal::new(
                "events",
                format!("are larger up to events[{index}] than"),
                format!("the limit of {BATCH_BYTES} bytes of compact JSON"),
                "send them in several calls, in order",
            ));
        }
        drafts.push(
            draft(fields(), event, settings)
                .map_err(|refusal| refusal.within(&format!("events[{index}]")))?,
        );
    }
    match repeated(drafts.iter().enumerate().map(|(index, draft)| draft.event_id.as_ref().ok_or(index))) {
        Some(index) => Err(Refusal::new(
            format!("events[{index}].event_id"),
            "was given to an earlier event, above",
            "the limit of one event for each id",
            "send another id, or leave it out",
        )),
        None => Ok(drafts),
    }
}

/// Checks one event that stands for itself.
pub(super) fn single(fields: Fields<'_>, event: EventRequest, settings: &Settings) -> Result<Draft, Refusal> {
    let bytes = own_fields(&event)?;
    if bytes > BATCH_BYTES {
        return Err(Refusal::new(
            "event",
            format!("has {bytes} bytes, above"),
            format!("the limit of {BATCH_BYTES} bytes of compact JSON"),
            "send it in parts",
        ));
    }
    draft(fields, event, settings)
}

fn draft(mut fields: Fields<'_>, event: EventRequest, settings: &Settings) -> Result<Draft, Refusal> {
    let occurred_at = occurred_at(event.timestamp.as_deref(), twin(&event))?;
    let timestamp = occurred_at.map(|at| at.to_string());
    let event_id = fields.optional_id::<EventId>("event_id", event.event_id.as_deref())?;
    not_reserved("event_id", event_id.as_ref())?;
    let body = match event.kind {
        EventKind::Start => return run::start(fields, start(event, timestamp)),
        EventKind::Finish => return run::finish(fields, &finish(event, timestamp), settings),
        EventKind::Decision => return decisions::decision(fields, decision(event, timestamp)?),
        EventKind::StageStart => stages::stage_start(&mut fields, &event)?,
        EventKind::StageEnd => stages::stage_end(&mut fields, event, occurred_at)?,
        EventKind::Evidence => stages::evidence(&mut fields, event)?,
        EventKind::Prompt => stages::prompt(&mut fields, &event, settings.prompts)?,
        EventKind::Iteration => stages::iteration(&mut fields, &event, settings)?,
        EventKind::Outputs => stages::outputs(&mut fields, event)?,
        EventKind::Result => decisions::result(&mut fields, event)?,
        EventKind::Correction => decisions::correction(&mut fields, &event)?,
    };
    Ok(Draft { event_id, occurred_at, redactions: fields.redactions(), body })
}

/// The field that says the same as `timestamp` for an event's kind.
fn twin(event: &EventRequest) -> (&'static str, Option<&str>) {
    match event.kind {
        EventKind::Start | EventKind::StageStart => ("started_at", event.started_at.as_deref()),
        EventKind::StageEnd | EventKind::Finish => ("completed_at", event.completed_at.as_deref()),
        _ => ("timestamp", None),
    }
}

/// Refuses fields of other kinds and the lack of the kind's own; gives the bytes of the event as sent.
fn own_fields(event: &EventRequest) -> Result<usize, Refusal> {
    // A request always serialises: numbers that are not finite become null, and its keys are strings.
    let Ok(Value::Object(mut given)) = serde_json::to_value(event) else { return Ok(0) };
    given.retain(|_, value| !says_nothing(value));
    let kind = event.kind.as_str();
    let own = event.kind.fields();
    let is_own = |name: &str| own.contains(&name) || matches!(name, "kind" | "timestamp");
    if let Some(other) = given.keys().find(|name| !is_own(name)) {
        return Err(Refusal::new(
            other,
            format!("does not belong to kind \"{kind}\", outside"),
            format!("its fields {}", own.join(", ")),
            format!("leave \"{other}\" out, or send it in an event of its own kind"),
        ));
    }
    let required = event.kind.required();
    let missing: Vec<&str> = required.iter().copied().filter(|name| !given.contains_key(*name)).collect();
    if let Some(first) = missing.first() {
        return Err(Refusal::new(
            *first,
            "is missing from",
            format!("the required fields of kind \"{kind}\": {}", required.join(", ")),
            format!("send \"{}\"", missing.join("\" and \"")),
        ));
    }
    Ok(serde_json::to_string(&given).map_or(usize::MAX, |text| text.len()))
}

fn says_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

fn start(event: EventRequest, timestamp: Option<String>) -> StartRequest {
    StartRequest {
        project: event.project.unwrap_or_default(),
        query: event.query.unwrap_or_default(),
        intent: event.intent,
        domain: event.domain,
        report_type: event.report_type,
        research_type: event.research_type,
        agent: event.agent,
        model: event.model,
        tags: event.tags,
        metadata: event.metadata,
        parent_trace_id: event.parent_trace_id,
        trace_id: None,
        timestamp,
    }
}

/// A decision is called by its `decision_id`; `event_id` says the same.
fn decision(event: EventRequest, timestamp: Option<String>) -> Result<DecisionRequest, Refusal> {
    let decision_id = not_blank(event.decision_id.as_deref());
    let event_id = not_blank(event.event_id.as_deref());
    if decision_id.zip(event_id).is_some_and(|(one, other)| one != other) {
        return Err(Refusal::new(
            "event_id",
            "is another than `decision_id`, outside",
            "the one id that a decision has",
            "send `decision_id` alone",
        ));
    }
    let decision_id = decision_id.or(event_id).map(str::to_owned);
    Ok(DecisionRequest {
        trace_id: String::new(),
        stage: event.stage.unwrap_or_default(),
        decision: event.decision.unwrap_or_default(),
        what: event.what.unwrap_or_default(),
        why: event.why.unwrap_or_default(),
        confidence: event.confidence,
        alternatives_considered: event.alternatives_considered,
        inputs: event.inputs,
        evidence_ids: event.evidence_ids,
        result: event.result,
        actor: event.actor,
        decision_id,
        timestamp,
    })
}

fn finish(event: EventRequest, timestamp: Option<String>) -> FinishRequest {
    FinishRequest {
        trace_id: String::new(),
        status: event.status,
        error: event.error,
        score: event.score,
        scale_max: event.scale_max,
        threshold: event.threshold,
        passed: event.passed,
        principle_scores: event.principle_scores,
        gap_principles: event.gap_principles,
        strength_principles: event.strength_principles,
        input_tokens: event.input_tokens,
        output_tokens: event.output_tokens,
        cost_usd: event.cost_usd,
        model: event.model,
        report_path: event.report_path,
        output_paths: event.output_paths,
        timestamp,
    }
}
