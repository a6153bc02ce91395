//! A run as one sequence of steps: its decisions across all stages in the order in which they were made.

use std::hash::{DefaultHasher, Hash, Hasher};

use serde_json::Value;

use super::effect::changing_verb;
use crate::model::{Decision, Trace};
use crate::words::words;

/// A choice of more words than this is speech: two runs that do the same seldom say the same.
const CHOICE_WORDS: usize = 12;

/// Bytes of a text that are looked at to tell a choice from speech.
const CHOICE_BYTES: usize = 400;

/// One decision in its place.
#[derive(Clone, Debug)]
pub(super) struct Step<'t> {
    /// Its number in the run, from 1.
    pub number: usize,
    pub stage: &'t str,
    pub decision: &'t Decision,
    /// The verb of its key, where that changes something.
    pub changing_verb: Option<String>,
    /// What makes it the same as one of a run that was asked the same: its key with its inputs or, without any, with
    /// what was chosen. Absent where it is speech.
    pub identity: Option<u64>,
    /// The same for a run that was asked something else, whose inputs are others: the key alone where there are any.
    pub kind: Option<u64>,
    /// What makes it a repetition of another: its key with its inputs or, without any, with every word of choice and
    /// reason, because a choice among few is made often.
    pub saying: u64,
    /// The same for what came back, error included.
    pub result: Option<u64>,
}

/// The decisions of a run by time; those of one moment stage by stage.
pub(super) fn steps(trace: &Trace) -> Vec<Step<'_>> {
    let mut decisions: Vec<(&str, &Decision)> = trace.decisions().collect();
    decisions.sort_by_key(|(_, decision)| decision.timestamp);
    let numbered = decisions.into_iter().zip(1..);
    numbered
        .map(|((stage, decision), number)| Step {
            number,
            stage,
            decision,
            changing_verb: changing_verb(&decision.key),
            identity: with_inputs(decision).or_else(|| with_choice(decision)),
            kind: with_inputs(decision)
                .map(|_| hashed(|hasher| decision.key.hash(hasher)))
                .or_else(|| with_choice(decision)),
            saying: saying(decision),
            result: result(decision),
        })
        .collect()
}

impl Step<'_> {
    /// Whether it says what it was based on.
    pub(super) fn has_inputs(&self) -> bool {
        self.decision.inputs.as_ref().is_some_and(is_something)
    }

    /// The decision's key.
    pub(super) fn key(&self) -> &str {
        &self.decision.key
    }
}

fn with_inputs(decision: &Decision) -> Option<u64> {
    let inputs = decision.inputs.as_ref().filter(|inputs| is_something(inputs))?;
    Some(hashed(|hasher| {
        decision.key.hash(hasher);
        feed(inputs, hasher);
    }))
}

fn saying(decision: &Decision) -> u64 {
    with_inputs(decision).unwrap_or_else(|| {
        hashed(|hasher| {
            decision.key.hash(hasher);
            decision.what.trim().hash(hasher);
            decision.why.trim().hash(hasher);
        })
    })
}

fn result(decision: &Decision) -> Option<u64> {
    let is_known = decision.result.is_some() || decision.error.is_some();
    is_known.then(|| {
        hashed(|hasher| {
            decision.error.hash(hasher);
            feed(decision.result.as_ref().unwrap_or(&Value::Null), hasher);
        })
    })
}

/// The key with what was chosen. What is long, or said under the name of who speaks, is speech.
fn with_choice(decision: &Decision) -> Option<u64> {
    if decision.actor.as_ref() == Some(&decision.key) {
        return None;
    }
    let choice = (decision.what.len() <= CHOICE_BYTES).then(|| words(&decision.what))?;
    (choice.len() <= CHOICE_WORDS).then(|| {
        hashed(|hasher| {
            decision.key.hash(hasher);
            choice.hash(hasher);
        })
    })
}

/// Whether a value says anything.
fn is_something(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::String(text) => !text.trim().is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(fields) => !fields.is_empty(),
        Value::Bool(_) | Value::Number(_) => true,
    }
}

/// A hash that is the same in every run of this program.
fn hashed(feed: impl FnOnce(&mut DefaultHasher)) -> u64 {
    let mut hasher = DefaultHasher::new();
    feed(&mut hasher);
    hasher.finish()
}

/// Feeds a value as it is whatever the order of its fields.
fn feed(value: &Value, hasher: &mut DefaultHasher) {
    match value {
        Value::Array(items) => {
            b'['.hash(hasher);
            items.iter().for_each(|item| feed(item, hasher));
        }
        Value::Object(fields) => {
            b'{'.hash(hasher);
            let mut fields: Vec<(&String, &Value)> = fields.iter().collect();
            fields.sort_unstable_by_key(|(name, _)| *name);
            for (name, value) in fields {
                name.hash(hasher);
                feed(value, hasher);
            }
        }
        Value::String(text) => text.trim().hash(hasher),
        Value::Number(number) => number.as_f64().map(f64::to_bits).hash(hasher),
        Value::Bool(truth) => truth.hash(hasher),
        Value::Null => b'0'.hash(hasher),
    }
    b','.hash(hasher);
}
