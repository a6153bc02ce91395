//! When two decisions are the same action, and when they only differ in words.
//!
//! An action is a key with what was chosen and what it was given (`inputs`): for a recorded tool call the key and
//! `what` name the tool, and only the inputs tell one call from another. Three differences are of words alone:
//! - what was *said*: decisions under a key that holds nothing but sentences, such as replies to a user ([`Speech`]);
//! - another wording of one call: equal key and inputs, no options weighed by either, and either an equal result or
//!   sentences on both sides;
//! - inputs that differ only in sentences, such as the summary handed to a person, or only in how they are written.
//!
//! These are rules of thumb. They decide what is named first, not what is told: a difference of words stays one.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::model::Decision;
use crate::words::words;

/// So many words make `what` a sentence.
const SENTENCE: usize = 6;
/// So many words make a field of the inputs one. Queries and paths that are looked for are shorter.
const LONG_SENTENCE: usize = 12;

/// What tells an action from others under its key: equal for equal actions.
pub(super) fn action(decision: &Decision) -> String {
    let Some(inputs) = inputs(decision) else { return decision.what.trim().to_owned() };
    let what =
        if is_call(decision) && is_sentence(&decision.what, SENTENCE) { "" } else { decision.what.trim() };
    format!("{what}\n{}", canonical(inputs))
}

/// A value's text, the same for equal values: RFC 8785.
pub(super) fn canonical(value: &Value) -> String {
    // Serialising fails on nothing that a `Value` can hold; the plain form would still tell values apart.
    serde_json_canonicalizer::to_string(value).unwrap_or_else(|_| value.to_string())
}

/// Whether two decisions under one key with different `what` are one call in different words.
pub(super) fn is_reworded(a: &Decision, b: &Decision) -> bool {
    let (Some(inputs_a), Some(inputs_b)) = (inputs(a), inputs(b)) else { return false };
    let came_back_alike = a.result.is_some() && a.result == b.result;
    canonical(inputs_a) == canonical(inputs_b)
        && is_call(a)
        && is_call(b)
        && (came_back_alike || [a, b].iter().all(|one| is_sentence(&one.what, SENTENCE)))
}

/// What the decision was given; `None` where that says nothing.
pub(super) fn inputs(decision: &Decision) -> Option<&Value> {
    decision.inputs.as_ref().filter(|inputs| match inputs {
        Value::Null => false,
        Value::String(text) => !text.trim().is_empty(),
        Value::Array(items) => !items.is_empty(),
        Value::Object(fields) => !fields.is_empty(),
        Value::Bool(_) | Value::Number(_) => true,
    })
}

/// Whether two values under one name in the inputs differ in words alone.
pub(super) fn is_same_in_other_words(a: &Value, b: &Value) -> bool {
    [a, b].iter().all(|value| value.as_str().is_some_and(|text| is_sentence(text, LONG_SENTENCE)))
}

/// Whether two calls differ in how their inputs are written alone: the same words in the same order, and the same came
/// back, as for `(2 + 3) + 4` and `2 + 3 + 4`.
pub(super) fn is_respelt(a: &Decision, b: &Decision) -> bool {
    let spelt = |decision: &Decision| Some(words(&canonical(inputs(decision)?)));
    a.result.is_some() && a.result == b.result && spelt(a) == spelt(b)
}

/// How much two decisions under one key have in common, for choosing which of several is meant: 0 is nothing.
pub(super) fn likeness(a: &Decision, b: &Decision) -> usize {
    let inputs = match (inputs(a), inputs(b)) {
        (Some(Value::Object(a)), Some(Value::Object(b))) => {
            a.iter().filter(|(field, value)| b.get(*field) == Some(value)).count() * 4
        }
        (Some(a), Some(b)) => usize::from(a == b) * 4,
        _ => 0,
    };
    let said = |decision: &Decision| -> BTreeSet<String> {
        decision.what.split_whitespace().take(64).map(str::to_lowercase).collect()
    };
    let (words_a, words_b) = (said(a), said(b));
    let shared = words_a.intersection(&words_b).count() * 2;
    inputs + (shared * 4).checked_div(words_a.len() + words_b.len()).unwrap_or(0)
}

/// The keys under which two runs only speak.
///
/// Nothing but `what` is recorded under such a key, in either run, and most of it is sentences: no inputs, options,
/// confidence, evidence or reasons, which come with a choice.
pub(super) struct Speech<'t> {
    keys: BTreeSet<&'t str>,
}

impl<'t> Speech<'t> {
    pub(super) fn of(decisions: impl Iterator<Item = &'t Decision>) -> Self {
        // Of each key: decisions, sentences among them, and whether there is a choice among them.
        let mut seen: BTreeMap<&str, (usize, usize, bool)> = BTreeMap::new();
        for decision in decisions {
            let (all, sentences, has_choice) = seen.entry(&decision.key).or_default();
            *all += 1;
            *sentences += usize::from(is_sentence(&decision.what, SENTENCE));
            *has_choice |= !is_bare(decision);
        }
        let is_speech =
            |&(all, sentences, has_choice): &(usize, usize, bool)| !has_choice && sentences * 2 >= all;
        Self { keys: seen.into_iter().filter(|(_, counts)| is_speech(counts)).map(|(key, _)| key).collect() }
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.keys.contains(key)
    }
}

/// Whether nothing but `what` was recorded.
fn is_bare(decision: &Decision) -> bool {
    is_call(decision)
        && inputs(decision).is_none()
        && decision.confidence.is_none()
        && decision.evidence_ids.is_empty()
        && decision.why.split_whitespace().nth(2).is_none()
}

/// Whether no other options were weighed.
fn is_call(decision: &Decision) -> bool {
    decision.alternatives_considered.is_empty()
}

/// Whether a text is at least so many words long, and at least half of them are plain words: commands, paths and rows of
/// figures are not.
fn is_sentence(text: &str, least: usize) -> bool {
    let (mut all, mut plain) = (0, 0);
    for word in text.split_whitespace() {
        let word = word.trim_matches(|c: char| !c.is_alphanumeric() && c != '-' && c != '/');
        all += 1;
        plain += usize::from(
            !word.is_empty() && word.chars().all(|c| c.is_alphabetic() || matches!(c, '\'' | '’')),
        );
    }
    all >= least && plain * 2 >= all
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn decision(fields: &Value) -> Decision {
        let mut all =
            json!({"decision_id": "d", "decision": "k", "what": "w", "timestamp": "2026-02-13T14:30:22Z"});
        all.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        serde_json::from_value(all).unwrap()
    }

    #[test]
    fn inputs_tell_calls_apart_and_the_order_of_their_fields_does_not() {
        let call = |inputs: Value| action(&decision(&json!({"inputs": inputs})));
        assert_eq!(call(json!({"from": "JFK", "day": 20.0})), call(json!({"day": 20, "from": "JFK"})));
        assert_ne!(call(json!({"from": "JFK"})), call(json!({"from": "LGA"})));
        assert_eq!(call(json!({})), action(&decision(&json!({}))));
    }

    #[test]
    fn one_call_in_other_words_is_one_call_but_another_option_is_not() {
        let worded = |what: &str, more: &Value| {
            let mut fields = json!({"what": what, "inputs": {"query": "robots"}});
            fields.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            decision(&fields)
        };
        let plain = json!({});
        let (one, other) = ("look for robots in the press", "search the press for news of robots");
        assert!(is_reworded(&worded(one, &plain), &worded(other, &plain)));
        assert!(!is_reworded(&worded("exa", &plain), &worded("google", &plain)));
        let alike = json!({"result": [1, 2]});
        assert!(is_reworded(&worded("search", &alike), &worded("web search", &alike)));
        let weighed = json!({"result": [1, 2], "alternatives_considered": ["bing"]});
        assert!(!is_reworded(&worded(one, &weighed), &worded(other, &weighed)));
    }

    #[test]
    fn a_call_that_is_written_otherwise_and_gave_the_same_is_the_same() {
        let sum = |expression: &str, result: i32| {
            decision(&json!({"inputs": {"expression": expression}, "result": result}))
        };
        assert!(is_respelt(&sum("(158 + 141) + 30", 329), &sum("158 + 141 + 30", 329)));
        assert!(!is_respelt(&sum("158 + 141", 299), &sum("158 - 141", 17)));
        assert!(!is_respelt(&sum("158 + 141", 299), &sum("299", 299)));
    }

    #[test]
    fn replies_are_speech_and_choices_with_reasons_or_terse_ones_are_not() {
        let reply = json!({"decision": "assistant", "what": "Could you tell me your user id, please?"});
        let yes = json!({"decision": "assistant", "what": "Yes."});
        let choice = json!({"decision": "plan", "what": "use the cached report of last week again",
            "why": "nothing has changed since"});
        let command = json!({"decision": "bash", "what": "grep -rn 'x' src/ | head -n 20 > out.txt"});
        let all: Vec<Decision> = [reply, yes, choice, command].iter().map(decision).collect();
        let speech = Speech::of(all.iter());
        assert_eq!(["assistant", "plan", "bash"].map(|key| speech.has(key)), [true, false, false]);
    }
}
