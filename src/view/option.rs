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

/// The option with its record, by intent too where there is more than one.
#[must_use]
pub fn fields(known_option: &KnownOption, extent: Extent) -> Value {
    let mut fields = brief(known_option);
    let intents = &known_option.record.by_intent;
    let by_intent = intents.iter().take(extent.most(INTENTS)).map(|(intent, chosen, rejected)| {
        known([("intent", name(intent).into()), ("chosen", side(chosen)), ("rejected", side(rejected))])
    });
    if intents.len() > 1
        && let Some(fields) = fields.as_object_mut()
    {
        fields.insert("by_intent".to_owned(), by_intent.collect());
    }
    fields
}

/// The option with its record, over all intents.
#[must_use]
pub fn brief(known_option: &KnownOption) -> Value {
    let record = &known_option.record;
    let difference = record.gate_difference().map(|(of, low, high)| {
        known([
            ("gate_rate", rounded(of).into()),
            ("low", rounded(low).into()),
            ("high", rounded(high).into()),
        ])
    });
    known([
        ("option", crate::shown::excerpt(&known_option.option, CHARS).into()),
        ("chosen", side(&record.chosen)),
        ("rejected", side(&record.rejected)),
        ("difference", difference.into()),
    ])
}

/// The record on one line: `"exa": chosen 9 times, gate 7/9 passed (78 %, 95 % interval 45 to 94 %), ...`.
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
            "; gate rate chosen minus rejected {} points (95 % interval {} to {})",
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
    let verdicts = side.verdicts;
    let interval = verdicts.gate_interval();
    // A share of nothing is not known, and need not be said.
    let count = |count: u64| Value::from((side.decisions > 0).then_some(count));
    known([
        ("decisions", side.decisions.into()),
        ("runs", count(side.runs)),
        ("judged", count(verdicts.judged)),
        ("passed", (verdicts.judged > 0).then_some(verdicts.passed).into()),
        ("gate_rate", verdicts.gate_rate().map(rounded).into()),
        ("gate_low", interval.map(|(low, _)| rounded(low)).into()),
        ("gate_high", interval.map(|(_, high)| rounded(high)).into()),
        ("mean_score", side.mean_score().map(rounded).into()),
    ])
}

/// To three digits: a few runs say no more.
fn rounded(number: f64) -> f64 {
    (number * 1_000.0).round() / 1_000.0
}

fn side_text(side: &Side) -> String {
    let times = match side.decisions {
        0 => return "never".to_owned(),
        1 => "once".to_owned(),
        times => format!("{times} times"),
    };
    let runs = if side.runs == side.decisions { String::new() } else { format!(" in {} runs", side.runs) };
    let mut text = format!("{times}{runs}");
    let verdicts = side.verdicts;
    match (verdicts.gate_rate(), verdicts.gate_interval()) {
        (Some(rate), Some((low, high))) => text.push_str(&format!(
            ", gate {}/{} passed ({}, 95 % interval {} to {})",
            verdicts.passed,
            verdicts.judged,
            percent(rate),
            percent(low).trim_end_matches(" %"),
            percent(high)
        )),
        _ => text.push_str(", no verdict"),
    }
    if let Some(score) = side.mean_score() {
        text.push_str(&format!(", mean score {}", score_text(score)));
    }
    text
}
