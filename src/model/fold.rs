//! How events become a trace.
//!
//! [`fold`] is a pure function of a *set* of events: it puts them into order itself, takes each name once, and
//! gives the same trace for the same events whatever way they came, twice or in pieces. A document may stand in
//! for the events that it holds, so `fold(Some(fold(None, a)), b)` tells the same as `fold(None, a + b)`.
//!
//! What it never does: invent a time or a number that nobody stated, drop an event that finds no place, or let a
//! later event change what a decision said at first.

use std::collections::HashSet;

use indexmap::IndexMap;

use super::{
    Calibration, Correction, Cost, Decision, DocumentMetadata, Event, EventBody, EventId, FinishEvent,
    Outcome, Outputs, OutputsEvent, Quality, QualityRules, Run, Stage, StageEndEvent, StartEvent, Status,
    Timestamp, Trace, Unknown,
};

/// Adds `events` to `base` (a document of the same run) and gives the run they tell.
///
/// Events that `base` already holds are passed over. Without a base and without a start among the events there is
/// no run yet: the answer is `None`.
#[must_use]
pub fn fold<'a>(
    base: Option<Trace>,
    events: impl IntoIterator<Item = &'a Event>,
    rules: &QualityRules,
) -> Option<Trace> {
    let mut known: HashSet<EventId> =
        base.iter().flat_map(|trace| trace.metadata.events.keys().cloned()).collect();
    let mut events: Vec<&Event> = events.into_iter().collect();
    events.sort_by(|a, b| a.order().cmp(&b.order()));
    events.retain(|event| known.insert(event.event_id.clone()));

    let mut trace = match base {
        Some(trace) => trace,
        None => events.iter().find_map(|event| match &event.body {
            EventBody::Start(start) => Some(begin(event, start)),
            _ => None,
        })?,
    };
    for event in events {
        apply(&mut trace, event, rules);
        trace.metadata.events.insert(event.event_id.clone(), event.content_hash.clone());
    }
    settle(&mut trace);
    Some(trace)
}

/// Whether the run was ended for good, as against being closed because nothing was heard of it: by its finish, or
/// in a document that was not made from events.
#[must_use]
pub fn has_finish(trace: &Trace) -> bool {
    let events = &trace.metadata.events;
    events.contains_key(&EventId::finish())
        || (!events.contains_key(&EventId::start()) && trace.status().is_finished())
}

fn begin(event: &Event, start: &StartEvent) -> Trace {
    Trace {
        schema_version: Trace::SCHEMA_VERSION,
        trace_id: event.trace_id.clone(),
        parent_trace_id: start.parent_trace_id.clone(),
        child_traces: Vec::new(),
        project: start.project.clone(),
        run: Run {
            query: start.query.clone(),
            intent: start.intent.clone(),
            domain: start.domain.clone(),
            report_type: start.report_type.clone(),
            research_type: start.research_type.clone(),
            agent: start.agent.clone(),
            tags: start.tags.clone(),
            metadata: start.metadata.clone(),
            started_at: event.time(),
            completed_at: None,
            duration_seconds: None,
            status: Status::InProgress,
            error: None,
            dropped_events: None,
            trace_context: start.trace_context.clone(),
            unknown: Unknown::new(),
        },
        stages: IndexMap::new(),
        quality: Quality::default(),
        cost: Cost::default(),
        iterations: Vec::new(),
        iteration_count: 1,
        quality_gate_failures: 0,
        outputs: Outputs::default(),
        calibration: Calibration::default(),
        metadata: DocumentMetadata::default(),
        unknown: Unknown::new(),
    }
}

fn apply(trace: &mut Trace, event: &Event, rules: &QualityRules) {
    let at = event.time();
    let finished = trace.status().is_finished();
    if finished && event.body.is_activity() && !has_finish(trace) {
        reopen(trace);
    }
    match &event.body {
        EventBody::Start(_) => {}
        EventBody::StageStart(start) => enter_stage(trace, &start.stage, at),
        EventBody::StageEnd(end) => end_stage(stage(trace, &end.stage), end, at),
        EventBody::Decision(_) => decide(trace, event, finished && trace.status().is_finished()),
        EventBody::Evidence(report) => {
            stage(trace, &report.stage).evidence.get_or_insert_default().absorb(&report.evidence);
        }
        EventBody::Prompt(prompt) => {
            let mut exchange = prompt.prompt.clone();
            exchange.timestamp.get_or_insert(at);
            stage(trace, &prompt.stage).prompts.push(exchange);
        }
        EventBody::Iteration(turn) => {
            let mut turn = turn.iteration.clone();
            turn.timestamp.get_or_insert(at);
            trace.iterations.push(turn);
        }
        EventBody::Outputs(outputs) => add_outputs(trace, outputs),
        EventBody::Result(_) | EventBody::Correction(_) | EventBody::Outcome(_) => amend(trace, event),
        EventBody::Review(review) => {
            if let Some(flagged) = review.flagged_for_review {
                trace.calibration.flagged_for_review = flagged;
            }
            if review.notes.is_some() {
                trace.calibration.review_notes.clone_from(&review.notes);
            }
        }
        EventBody::Calibration { flags, flagged_for_review } => {
            trace.calibration.flags.clone_from(flags);
            trace.calibration.flagged_for_review |= flagged_for_review;
        }
        EventBody::Finish(finish) => end_run(trace, finish, at, rules),
        EventBody::Abandon { reason } => {
            if !has_finish(trace) {
                close(trace, Status::Incomplete, Some(reason.clone()), at);
            }
        }
    }
}

fn stage<'t>(trace: &'t mut Trace, name: &str) -> &'t mut Stage {
    trace.stages.entry(name.to_owned()).or_default()
}

/// A stay that begins after the run's end is closed at once, whether or not a document was written in between.
fn enter_stage(trace: &mut Trace, name: &str, at: Timestamp) {
    let ended_at = trace.run.completed_at;
    let stage = stage(trace, name);
    stage.enter(at);
    if let Some(ended_at) = ended_at {
        stage.close_at_finish(ended_at);
    }
}

fn end_stage(stage: &mut Stage, end: &StageEndEvent, at: Timestamp) {
    if stage.began_after_the_end() {
        stage.reopen();
    }
    if let Some(started_at) = end.started_at.filter(|_| !stage.is_open()) {
        stage.enter(started_at);
    }
    stage.leave(at, end.error.clone());
    if let Some(outputs) = &end.outputs {
        stage.add_outputs(outputs);
    }
}

fn decide(trace: &mut Trace, event: &Event, late: bool) {
    let EventBody::Decision(body) = &event.body else { return };
    let body = body.as_ref().clone();
    let decision = Decision {
        decision_id: body.decision_id,
        key: body.decision,
        what: body.what,
        why: body.why,
        confidence: body.confidence,
        alternatives_considered: body.alternatives_considered,
        inputs: body.inputs,
        evidence_ids: body.evidence_ids,
        result: body.result,
        error: None,
        duration_seconds: None,
        outcome: None,
        timestamp: event.time(),
        actor: body.actor,
        corrections: Vec::new(),
        redactions: event.redactions,
        late,
        unknown: Unknown::new(),
    };
    let decisions = &mut stage(trace, &body.stage).decisions;
    let place = decisions.partition_point(|other| other.timestamp <= decision.timestamp);
    decisions.insert(place, decision);
    // What was said about it before it came has waited for it.
    for event in std::mem::take(&mut trace.metadata.unplaced) {
        amend(trace, &event);
    }
}

/// Adds to a decision what was said about it later; without that decision the event waits among the unplaced.
fn amend(trace: &mut Trace, event: &Event) {
    let at = event.time();
    let decision = event.body.target().and_then(|id| {
        trace
            .stages
            .values_mut()
            .flat_map(|stage| &mut stage.decisions)
            .find(|decision| decision.decision_id == *id)
    });
    let Some(decision) = decision else {
        trace.metadata.unplaced.push(event.clone());
        return;
    };
    decision.redactions = decision.redactions.saturating_add(event.redactions);
    match &event.body {
        EventBody::Result(result) => {
            if result.result.is_some() {
                decision.result.clone_from(&result.result);
            }
            if result.error.is_some() {
                decision.error.clone_from(&result.error);
            }
            if result.duration_seconds.is_some() {
                decision.duration_seconds = result.duration_seconds;
            }
            for id in &result.evidence_ids {
                if !decision.evidence_ids.contains(id) {
                    decision.evidence_ids.push(id.clone());
                }
            }
        }
        EventBody::Correction(correction) => decision.corrections.push(Correction {
            timestamp: at,
            reason: correction.reason.clone(),
            what: correction.what.clone(),
            why: correction.why.clone(),
            confidence: correction.confidence,
        }),
        EventBody::Outcome(outcome) => {
            decision.outcome = Some(Outcome { correct: outcome.correct, note: outcome.note.clone() });
        }
        _ => {}
    }
}

fn add_outputs(trace: &mut Trace, event: &OutputsEvent) {
    match &event.stage {
        Some(name) => stage(trace, name).outputs.extend(event.outputs.clone()),
        None => trace.outputs.unknown.extend(event.outputs.clone()),
    }
    add_paths(&mut trace.outputs, event.report_path.as_ref(), &event.output_paths);
}

fn add_paths(outputs: &mut Outputs, report_path: Option<&String>, output_paths: &[String]) {
    if let Some(path) = report_path {
        outputs.report_path = Some(path.clone());
    }
    for path in output_paths {
        if !outputs.output_paths.contains(path) {
            outputs.output_paths.push(path.clone());
        }
    }
}

fn end_run(trace: &mut Trace, finish: &FinishEvent, at: Timestamp, rules: &QualityRules) {
    close(trace, finish.status, finish.error.clone(), at);
    trace.quality = finish.quality.clone();
    trace.quality.complete(rules);
    trace.cost.model.clone_from(&finish.model);
    if finish.input_tokens.is_some() || finish.output_tokens.is_some() || finish.cost_usd.is_some() {
        trace.cost.derived = false;
        trace.cost.input_tokens = finish.input_tokens;
        trace.cost.output_tokens = finish.output_tokens;
        trace.cost.cost_usd = finish.cost_usd;
    }
    trace.run.dropped_events = finish.dropped_events;
    add_paths(&mut trace.outputs, finish.report_path.as_ref(), &finish.output_paths);
}

fn close(trace: &mut Trace, status: Status, error: Option<String>, at: Timestamp) {
    let run = &mut trace.run;
    run.status = status;
    run.error = error;
    run.completed_at = Some(at);
    run.duration_seconds = Some(at.seconds_since(run.started_at).max(0.0));
    for stage in trace.stages.values_mut() {
        stage.close_at_finish(at);
    }
}

fn reopen(trace: &mut Trace) {
    let run = &mut trace.run;
    run.status = Status::InProgress;
    run.error = None;
    run.completed_at = None;
    run.duration_seconds = None;
    for stage in trace.stages.values_mut().filter(|stage| stage.closed_by.as_deref() == Some("finish")) {
        stage.reopen();
    }
}

/// What follows from the whole: stages that a document left open, costs that only the parts stated, counts.
///
/// A document that was not made from events may count turns that it does not list: those counts only grow.
pub(super) fn settle(trace: &mut Trace) {
    if let Some(completed_at) = trace.run.completed_at {
        for stage in trace.stages.values_mut() {
            stage.close_at_finish(completed_at);
        }
    }
    settle_cost(trace);
    let is_made_from_events = trace.metadata.events.contains_key(&EventId::start());
    let turns = trace.iterations.len() as u64;
    if turns > 0 {
        let failed = trace.iterations.iter().filter(|turn| turn.passed == Some(false)).count() as u64;
        let (counted, counted_failed) =
            if is_made_from_events { (0, 0) } else { (trace.iteration_count, trace.quality_gate_failures) };
        trace.iteration_count = counted.max(turns);
        trace.quality_gate_failures = counted_failed.max(failed);
    } else if trace.quality.passed == Some(false) {
        trace.quality_gate_failures = trace.quality_gate_failures.max(1);
    }
}

fn settle_cost(trace: &mut Trace) {
    let cost = &trace.cost;
    let stated = cost.input_tokens.is_some() || cost.output_tokens.is_some() || cost.cost_usd.is_some();
    if stated && !cost.derived {
        return;
    }
    let mut sum = Cost { model: cost.model.clone(), unknown: cost.unknown.clone(), ..Cost::default() };
    for prompt in trace.stages.values().flat_map(|stage| &stage.prompts) {
        sum.add(prompt.input_tokens, prompt.output_tokens, prompt.cost_usd);
    }
    if sum.input_tokens.is_none() && sum.output_tokens.is_none() && sum.cost_usd.is_none() {
        for turn in &trace.iterations {
            sum.add(turn.input_tokens, turn.output_tokens, turn.cost_usd);
        }
    }
    sum.derived = sum.input_tokens.is_some() || sum.output_tokens.is_some() || sum.cost_usd.is_some();
    trace.cost = sum;
}

#[cfg(test)]
mod tests;
