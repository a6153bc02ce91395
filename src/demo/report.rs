//! A planned run as its agent reports it, and the trace that the gate makes of it.

mod judging;
mod told;

use std::sync::Arc;

use super::Recipe;
use super::choices::MARKET_SIZE;
use super::plan::{Fate, Plan};
use super::random::Random;
use crate::error::{Error, Result};
use crate::gate::request::{RecordRequest, ReviewRequest};
use crate::gate::{CallerContext, Gate, Minter, Refusal, Settings};
use crate::model::{Event, EventBody, ManualClock, QualityRules, Trace, TraceId, fold};
use told::Told;

/// The field of a run's metadata that says when its history ends.
pub(super) const UNTIL: &str = "demo_until";

/// One run of a history.
pub(super) fn run(recipe: &Recipe, plan: &Plan, rules: &QualityRules) -> Result<Trace> {
    let trace_id = recipe.trace_id(plan.number)?;
    let told = Told::of(recipe, plan);
    // Before all that happens, so that the end of a silent run stands behind its events.
    let clock = Arc::new(ManualClock::new(plan.started_at));
    let gate = Gate::new(None, Minter::new("demo", clock, || 0), Settings::default());
    let caller = CallerContext {
        client_name: Some("meridian-agent".to_owned()),
        client_version: Some(plan.release.version().to_owned()),
        ..CallerContext::default()
    };
    let request = RecordRequest { trace_id: Some(trace_id.to_string()), events: told.events };
    let (_, mut events) = gate.record(request, &caller)?;
    if plan.fate == Fate::Abandoned {
        let reason = "nothing was heard of it for 24 h".to_owned();
        events.push(gate.note(&trace_id, EventBody::Abandon { reason }, Some(told.now)));
    }
    events.extend(hindsight(&gate, plan, &events)?);
    fold(None, &events, rules).ok_or_else(|| Error::UnknownTrace { id: trace_id.to_string() })
}

/// An id from text that is known to be one.
pub(super) fn trace_id(text: &str) -> Result<TraceId> {
    text.parse().map_err(|_| Refusal::new("trace_id", "is no id", "an id", "send a shorter one").into())
}

/// What turned out later about decisions of the run.
fn hindsight(gate: &Gate, plan: &Plan, events: &[Event]) -> Result<Vec<Event>> {
    // A stream of its own, so that canaries differ in what turned out and in nothing else.
    let mut random = Random::new(u64::from(plan.number), 7);
    let mut found = Vec::new();
    for event in events {
        let EventBody::Decision(decision) = &event.body else { continue };
        let is_size = decision.decision == MARKET_SIZE;
        if plan.fate != Fate::Judged || !random.chance(if is_size { 70 } else { 12 }) {
            continue;
        }
        let (percent, right, wrong) = if is_size {
            (30, "the next filing agreed within a tenth", "the next filing gave a figure of half the size")
        } else {
            (78, "held when the report was read again", "the reader asked for it to be done again")
        };
        let correct = random.chance(percent);
        let request = ReviewRequest {
            trace_id: Some(event.trace_id.to_string()),
            decision_id: Some(decision.decision_id.to_string()),
            correct: Some(correct),
            outcome_note: Some(if correct { right } else { wrong }.to_owned()),
            ..ReviewRequest::default()
        };
        found.extend(gate.review(request)?.events);
    }
    Ok(found)
}
