//! What later steps take from earlier ones: an error that others build on does more harm.
//!
//! A step takes from another when it names it among its evidence or inputs, or when its inputs hold a value that
//! the other's result was the first to bring.

use std::collections::{BTreeSet, HashMap};

use serde_json::Value;

use super::{Case, Found};
use crate::diagnose::rule::Rule;

/// Shorter values are found again by chance.
const TELLING_CHARS: usize = 6;
/// Values of one step that are looked at.
const VALUES: usize = 200;
/// Steps that are named.
const NAMED: usize = 3;

const FAULTS: [Rule; 4] = [Rule::SaidWrong, Rule::Error, Rule::Contradicted, Rule::ReadsAsError];

pub(super) fn look(case: &Case<'_, '_>, found: &mut Found<'_>) {
    let is_suspect = |place: &usize| FAULTS.iter().any(|rule| found.has(*place, *rule));
    let suspects: Vec<usize> = (0..case.steps.len()).filter(is_suspect).collect();
    if suspects.is_empty() {
        return;
    }
    let mut users: HashMap<&str, Vec<usize>> = HashMap::new();
    for (place, step) in case.steps.iter().enumerate() {
        let mut values: Vec<&str> = step.decision.evidence_ids.iter().map(String::as_str).collect();
        if let Some(inputs) = &step.decision.inputs {
            texts(inputs, &mut values);
        }
        for value in values {
            users.entry(value).or_default().push(place);
        }
    }
    for place in suspects {
        let Some(step) = case.steps.get(place) else { continue };
        let of = |value: &str| users.get(value).map(Vec::as_slice).unwrap_or_default();
        let later = |place_of_user: &&usize| **place_of_user > place;
        let mut takers: BTreeSet<usize> =
            of(step.decision.decision_id.as_str()).iter().filter(later).copied().collect();
        let mut brought = Vec::new();
        if let Some(result) = &step.decision.result {
            texts(result, &mut brought);
        }
        for value in brought {
            let known = of(value);
            if known.first().is_some_and(|first| *first > place) {
                takers.extend(known.iter().filter(later));
            }
        }
        if takers.is_empty() {
            continue;
        }
        let mut named: Vec<String> =
            takers.iter().take(NAMED).map(|taker| format!("#{}", taker + 1)).collect();
        if takers.len() > NAMED {
            named.push(format!("+{} more", takers.len() - NAMED));
        }
        found.step(place, Rule::BuiltUpon, format!("later decisions use it: {}", named.join(", ")));
    }
}

/// The texts in a value that say enough to be found again.
fn texts<'v>(value: &'v Value, found: &mut Vec<&'v str>) {
    if found.len() >= VALUES {
        return;
    }
    match value {
        Value::String(text) if text.chars().nth(TELLING_CHARS - 1).is_some() => found.push(text),
        Value::Array(items) => items.iter().for_each(|item| texts(item, found)),
        Value::Object(fields) => fields.values().for_each(|item| texts(item, found)),
        _ => {}
    }
}
