//! A second look: at a run, at whether a decision proved right, at a calibration flag.

use chrono::TimeDelta;

use super::Draft;
use super::fields::{Fields, not_blank};
use super::run::LONG_TEXT_BYTES;
use crate::gate::limits::OPTION_BYTES;
use crate::gate::refusal::{Refusal, quoted};
use crate::gate::request::{FlagAction, ReviewRequest};
use crate::model::{Event, EventBody, OutcomeEvent, ReviewEvent, Timestamp, TraceId, span};

/// Longest time for which a flag may be snoozed, in days: ten years.
const SNOOZE_DAYS: i64 = 3660;

/// What a review asks for.
#[derive(Clone, Debug, PartialEq)]
pub struct Reviewed {
    /// The run, where one was named.
    pub trace_id: Option<TraceId>,
    /// What is to be recorded of it.
    pub events: Vec<Event>,
    /// What is to be done with a flag; flags lie outside of runs.
    pub flag: Option<FlagOrder>,
}

/// What is to be done with a calibration flag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FlagOrder {
    /// The flag.
    pub flag_id: String,
    /// What is to become of it.
    pub change: FlagChange,
}

/// What is to become of a calibration flag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FlagChange {
    /// Somebody knows of it.
    Acknowledge,
    /// It is silent until this moment, which lies ahead.
    Snooze(Timestamp),
    /// Its cause is gone.
    Resolve,
    /// It counts again.
    Reopen,
}

/// Checks that what is asked for has what it needs.
pub(super) fn check(request: &ReviewRequest) -> Result<(), Refusal> {
    let of_run = request.flagged_for_review.is_some() || has(&request.notes);
    let of_decision = request.correct.is_some() || has(&request.outcome_note);
    let of_flag = request.flag_action.is_some() || has(&request.snooze_until);
    if !of_run && !of_decision && !of_flag && !has(&request.decision_id) && !has(&request.flag_id) {
        return Err(Refusal::new(
            "arguments",
            "say nothing to set, below",
            "the minimum of one of flagged_for_review, notes, correct, outcome_note, flag_action",
            "send one of these",
        ));
    }
    let needs = [
        (of_run || of_decision, has(&request.trace_id), "trace_id", "send the run that is looked at"),
        (of_decision, has(&request.decision_id), "decision_id", "send the decision that is judged"),
        (has(&request.decision_id), of_decision, "correct", "send true or false, or an outcome_note"),
        (of_flag, has(&request.flag_id), "flag_id", "send the flag_id that calibration_flags gives"),
        (
            has(&request.flag_id) || has(&request.snooze_until),
            request.flag_action.is_some(),
            "flag_action",
            "send acknowledge, snooze, resolve or reopen",
        ),
    ];
    match needs.into_iter().find(|(is_needed, is_there, ..)| *is_needed && !is_there) {
        Some((_, _, field, remedy)) => {
            Err(Refusal::new(field, "is missing from", "the fields that this review needs", remedy))
        }
        None => Ok(()),
    }
}

/// The events of a run's review and of a decision's outcome. They are set anew each time, under a new name.
pub(super) fn drafts<'g>(
    fields: impl Fn() -> Fields<'g>,
    request: &ReviewRequest,
) -> Result<Vec<Draft>, Refusal> {
    let mut drafts = Vec::new();
    if request.flagged_for_review.is_some() || has(&request.notes) {
        let mut fields = fields();
        let notes = fields.optional_text("notes", request.notes.as_deref(), LONG_TEXT_BYTES)?;
        let review = ReviewEvent { flagged_for_review: request.flagged_for_review, notes };
        drafts.push(draft(&fields, EventBody::Review(review)));
    }
    let mut fields = fields();
    if let Some(decision_id) = fields.optional_id("decision_id", request.decision_id.as_deref())? {
        let note = fields.optional_text("outcome_note", request.outcome_note.as_deref(), OPTION_BYTES)?;
        let outcome = OutcomeEvent { decision_id, correct: request.correct, note };
        drafts.push(draft(&fields, EventBody::Outcome(outcome)));
    }
    Ok(drafts)
}

/// What is to be done with a flag, if a flag was named.
pub(super) fn flag(
    fields: &Fields<'_>,
    request: &ReviewRequest,
    now: impl FnOnce() -> Timestamp,
) -> Result<Option<FlagOrder>, Refusal> {
    let Some(flag_id) = fields.optional_id("flag_id", request.flag_id.as_deref())? else { return Ok(None) };
    let until = not_blank(request.snooze_until.as_deref());
    let change = match (request.flag_action, until) {
        (Some(FlagAction::Snooze), Some(until)) => FlagChange::Snooze(snooze_until(until, now())?),
        (Some(FlagAction::Snooze), None) => {
            return Err(Refusal::new(
                "snooze_until",
                "is missing from",
                "the fields that snooze needs",
                "send an RFC 3339 time, or for example \"7d\"",
            ));
        }
        (_, Some(_)) => {
            return Err(Refusal::new(
                "snooze_until",
                "does not belong to",
                "any flag_action but snooze",
                "leave it out, or send flag_action \"snooze\"",
            ));
        }
        (Some(FlagAction::Acknowledge) | None, None) => FlagChange::Acknowledge,
        (Some(FlagAction::Resolve), None) => FlagChange::Resolve,
        (Some(FlagAction::Reopen), None) => FlagChange::Reopen,
    };
    Ok(Some(FlagOrder { flag_id, change }))
}

fn draft(fields: &Fields<'_>, body: EventBody) -> Draft {
    Draft { event_id: None, occurred_at: None, redactions: fields.redactions(), body }
}

fn has(sent: &Option<String>) -> bool {
    not_blank(sent.as_deref()).is_some()
}

fn snooze_until(sent: &str, now: Timestamp) -> Result<Timestamp, Refusal> {
    let refused = |fault: &str, rule: String| {
        let remedy = "send a time ahead, such as \"7d\", \"12h\" or \"2026-02-13T14:30:22Z\"";
        Refusal::new("snooze_until", format!("{} is {fault}", quoted(sent)), rule, remedy)
    };
    let until = span(sent).map(|span| now.plus(span)).or_else(|| Timestamp::of_date_or_time(sent));
    match until {
        None => Err(refused("not", "a span, a date or an RFC 3339 time".to_owned())),
        Some(until) if until > now && until <= now.plus(TimeDelta::days(SNOOZE_DAYS)) => Ok(until),
        Some(_) => Err(refused("outside", format!("the next {SNOOZE_DAYS} days"))),
    }
}
