//! Failing principles that name a stage or a key, or whose score a stage states itself.

use serde_json::Value;

use super::hindsight::quoted;
use super::{Case, Found};
use crate::diagnose::rule::Rule;
use crate::model::PrincipleScore;
use crate::scorecard::score_text;
use crate::words::words;

/// Names shorter than this are words like others.
const NAME_CHARS: usize = 4;
/// Gaps that are looked for.
const GAPS: usize = 50;

pub(super) fn look<'t>(case: &Case<'_, 't>, found: &mut Found<'t>) {
    let quality = &case.trace.quality;
    for gap in quality.gap_principles.iter().take(GAPS) {
        let judged = quality.principle_scores.iter().find(|one| one.id == *gap);
        let told = told(gap, judged, quality.scale_max);
        let text = words(&text(gap, judged));
        for (name, stage) in &case.trace.stages {
            if is_named(name, &text) {
                found.stage(name, Rule::GapNamesIt, format!("{told} names it"));
            } else if states_it_alone(&stage.outputs, gap, &quality.principle_scores) {
                found.stage(name, Rule::GapNamesIt, format!("states {told} in its outputs"));
            }
        }
        let mut named: Vec<&str> = Vec::new();
        for (place, step) in case.steps.iter().enumerate() {
            let is_first = !named.contains(&step.key());
            if is_first && step.key() != step.stage && is_named(step.key(), &text) {
                named.push(step.key());
                found.step(place, Rule::GapNamesIt, format!("{told} names its key"));
            }
        }
    }
}

/// `gap META-12 (1 of 3, "no sources")`.
fn told(gap: &str, judged: Option<&PrincipleScore>, scale_max: Option<f64>) -> String {
    let score = judged.map(|judged| {
        let scale = scale_max.map(|scale| format!(" of {}", score_text(scale))).unwrap_or_default();
        format!("{}{scale}", score_text(judged.score))
    });
    let feedback = judged.and_then(|judged| judged.feedback.as_deref()).map(quoted);
    let details: Vec<String> = score.into_iter().chain(feedback).collect();
    let details = if details.is_empty() { String::new() } else { format!(" ({})", details.join(", ")) };
    format!("gap {}{details}", quoted(gap))
}

fn text(gap: &str, judged: Option<&PrincipleScore>) -> String {
    let name = judged.and_then(|judged| judged.name.as_deref()).unwrap_or_default();
    let feedback = judged.and_then(|judged| judged.feedback.as_deref()).unwrap_or_default();
    format!("{gap}\n{name}\n{feedback}")
}

/// Whether a name stands in a text, word by word.
fn is_named(name: &str, text: &[String]) -> bool {
    let name = words(name);
    let chars: usize = name.iter().map(|word| word.chars().count()).sum();
    chars >= NAME_CHARS && text.windows(name.len()).any(|window| window == name)
}

/// Whether a stage's outputs state the score of this principle and not, as a judging stage does, of all.
fn states_it_alone(outputs: &crate::model::Unknown, gap: &str, all: &[PrincipleScore]) -> bool {
    let states = |id: &str| {
        outputs.contains_key(id)
            || match outputs.get("principle_scores") {
                Some(Value::Object(scores)) => scores.contains_key(id),
                Some(Value::Array(scores)) => {
                    scores.iter().any(|one| one.get("id").and_then(Value::as_str) == Some(id))
                }
                _ => false,
            }
    };
    states(gap) && all.iter().any(|other| !states(&other.id))
}
