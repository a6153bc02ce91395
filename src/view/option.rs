//! What became of an option, as data and in words.

use serde_json::Value;

use super::Extent;
use super::saying::{known, name, percent, quote};
use crate::query::KnownOption;
use crate::scorecard::score_text;
use crate::statistics::Side;

/// Intents that are enough for a model.
const INTENTS: usize = 5;
/// Characters of an option that are shown.
const CHARS: usize = 80;

/// The option with its record.
#[must_use]
pub fn fields(known_option: &KnownOption, extent: Extent) -> Value {
    let record = &known_option.record;
    let difference = record
        .gate_difference()
        .map(|(of, low, high)| known([("gate_rate", of.into()), ("low", low.into()), ("high", high.into())]));
    let by_intent = record.by_intent.iter().take(extent.most(INTENTS)).map(|(intent, chosen, rejected)| {
        known([("intent", name(intent).into()), ("chosen", side(chosen)), ("rejected", side(rejected))])
    });
    let by_intent: Vec<Value> = by_intent.collect();
    known([
        ("option", crate::shown::excerpt(&known_option.option, CHARS).into()),
        ("chosen", side(&record.chosen)),
        ("rejected", side(&record.rejected)),
        ("difference", difference.into()),
        ("by_intent", if by_intent.is_empty() { Value::Null } else { by_intent.into() }),
    ])
}

/// The record on one line: `"exa": chosen 9 times in 9 runs, gate 7/9 (78 %, 45 % to 94 %), ...`.
#[must_use]
pub fn line(known_option: &KnownOption) -> String {
    let record = &known_option.record;
    let mut text = format!(
        "{}: chosen {}; rejected {}",
        quote(&known_option.option, CHARS),
        side_text(&record.chosen),
        side_text(&record.rejected)
    );
    if let Some((of, low, high)) = record.gate_difference() {
        let points = |share: f64| format!("{:+.0}", share * 100.0);
        text.push_str(&format!(
            "; gate rate chosen minus rejected {} points (95 % {} to {})",
            points(of),
            points(low),
            points(high)
        ));
    }
    text
}

/// The record by intent, a line each.
#[must_use]
pub fn intent_lines(known_option: &KnownOption, extent: Extent) -> Vec<String> {
    let intents = &known_option.record.by_intent;
    let most = extent.most(INTENTS);
    let lines = intents.iter().take(most).map(|(intent, chosen, rejected)| {
        format!("  {}: chosen {}; rejected {}", name(intent), side_text(chosen), side_text(rejected))
    });
    let more = intents.len().saturating_sub(most);
    lines.chain((more > 0).then(|| format!("  +{more} more intents"))).collect()
}

fn side(side: &Side) -> Value {
    let interval = side.gate_interval();
    known([
        ("decisions", side.decisions.into()),
        ("runs", side.runs.into()),
        ("judged", side.judged.into()),
        ("passed", side.passed.into()),
        ("gate_rate", side.gate_rate().into()),
        ("gate_low", interval.map(|(low, _)| low).into()),
        ("gate_high", interval.map(|(_, high)| high).into()),
        ("mean_score", side.mean_score().into()),
    ])
}

fn side_text(side: &Side) -> String {
    let times = match side.decisions {
        0 => return "never".to_owned(),
        1 => "once".to_owned(),
        times => format!("{times} times"),
    };
    let runs = if side.runs == side.decisions { String::new() } else { format!(" in {} runs", side.runs) };
    let mut text = format!("{times}{runs}");
    match (side.gate_rate(), side.gate_interval()) {
        (Some(rate), Some((low, high))) => text.push_str(&format!(
            ", gate {}/{} passed ({}, 95 % {} to {})",
            side.passed,
            side.judged,
            percent(rate),
            percent(low),
            percent(high)
        )),
        _ => text.push_str(", no verdict"),
    }
    if let Some(score) = side.mean_score() {
        text.push_str(&format!(", mean score {}", score_text(score)));
    }
    text
}
