//! The words in which all views state the same facts.

use super::amounts::{UNKNOWN, count_text, duration_text, money_text, score_text};
use super::lines::Tone;
use crate::model::{Agent, Alternative, Cost, Iteration, Outcome, Quality, Status, Timestamp};

/// Collected, kept and filtered-out evidence.
pub(super) type EvidenceCounts = (Option<i64>, Option<i64>, Option<i64>);

/// `PASS`, `FAIL`, or `-` where there is no verdict.
#[must_use]
pub fn gate_word(passed: Option<bool>) -> &'static str {
    match passed {
        Some(true) => "PASS",
        Some(false) => "FAIL",
        None => UNKNOWN,
    }
}

/// The score on its scale and the verdict: `2.4/3.0  PASS`, with what is known of it.
pub(super) fn quality_text(quality: &Quality) -> String {
    let score = quality.score.map(|score| match quality.scale_max {
        Some(scale) => format!("{}/{}", score_text(score), score_text(scale)),
        None => score_text(score),
    });
    match (score, quality.passed) {
        (Some(score), Some(_)) => format!("{score}  {}", gate_word(quality.passed)),
        (Some(score), None) => score,
        (None, passed) => gate_word(passed).to_owned(),
    }
}

/// What was collected and what was kept: `28->18`, with `?` where one of the two is not known.
pub(super) fn evidence_flow((collected, kept, filtered): EvidenceCounts) -> String {
    let count = |count: Option<i64>| count.map_or_else(|| "?".to_owned(), |count| count.to_string());
    match (collected, kept, filtered) {
        (None, None, None) => UNKNOWN.to_owned(),
        (None, None, Some(filtered)) => format!("{filtered} filtered"),
        _ => format!("{}->{}", count(collected), count(kept)),
    }
}

/// `28 collected, 18 kept, 10 filtered out`, or `-`.
pub(super) fn evidence_text((collected, kept, filtered): EvidenceCounts) -> String {
    let parts = [(collected, "collected"), (kept, "kept"), (filtered, "filtered out")];
    or_unknown(
        parts
            .into_iter()
            .filter_map(|(count, what)| Some(format!("{} {what}", count_text(count?))))
            .collect::<Vec<_>>()
            .join(", "),
    )
}

/// The agent's name, version and model, or `-`.
pub(super) fn agent_text(agent: &Agent) -> String {
    let mut parts: Vec<String> = agent.name.iter().chain(&agent.version).cloned().collect();
    parts.extend(agent.model.as_ref().map(|model| format!("({model})")));
    or_unknown(parts.join(" "))
}

/// Money, tokens and model of a run, or `-`.
pub(super) fn cost_text(cost: &Cost) -> String {
    let mut parts = amounts(cost.cost_usd, cost.input_tokens, cost.output_tokens);
    parts.extend(cost.model.as_ref().map(|model| format!("model {model}")));
    if cost.derived {
        parts.push("summed up from its parts".to_owned());
    }
    or_unknown(parts.join(", "))
}

/// Verdict, score, gaps and price of one turn.
pub(super) fn iteration_text(turn: &Iteration) -> String {
    let mut parts: Vec<String> =
        turn.passed.iter().map(|passed| gate_word(Some(*passed)).to_owned()).collect();
    parts.extend(turn.score.map(|score| format!("score {}", score_text(score))));
    if !turn.gap_principles.is_empty() {
        parts.push(format!("gaps {}", turn.gap_principles.join(" ")));
    }
    parts.extend(amounts(turn.cost_usd, turn.input_tokens, turn.output_tokens));
    or_unknown(parts.join(", "))
}

/// An option with its score and why it was not taken.
pub(super) fn alternative_text(alternative: &Alternative) -> String {
    let score = alternative.score.map(|score| format!(" ({})", score_text(score))).unwrap_or_default();
    let why_not = alternative.why_not.as_ref().map(|why_not| format!(": {why_not}")).unwrap_or_default();
    format!("{}{score}{why_not}", alternative.option)
}

/// `right`, `wrong` or `noted`, with the note.
pub(super) fn outcome_text(outcome: &Outcome) -> String {
    let verdict = match outcome.correct {
        Some(true) => "right",
        Some(false) => "wrong",
        None => "noted",
    };
    outcome.note.as_ref().map_or_else(|| verdict.to_owned(), |note| format!("{verdict}: {note}"))
}

/// Whether a principle is a gap, a strength or neither.
pub(super) fn mark(quality: &Quality, principle: &str) -> &'static str {
    let named = |list: &[String]| list.iter().any(|id| id == principle);
    if named(&quality.gap_principles) {
        "gap"
    } else if named(&quality.strength_principles) {
        "strength"
    } else {
        ""
    }
}

/// The tone of what [`mark`] gives.
pub(super) fn mark_tone(mark: &str) -> Tone {
    match mark {
        "gap" => Tone::Bad,
        "strength" => Tone::Good,
        _ => Tone::Plain,
    }
}

/// The tone of a verdict.
#[must_use]
pub fn gate_tone(passed: Option<bool>) -> Tone {
    match passed {
        Some(true) => Tone::Good,
        Some(false) => Tone::Bad,
        None => Tone::Plain,
    }
}

/// The tone of where a run stands.
#[must_use]
pub fn status_tone(status: Status) -> Tone {
    match status {
        Status::Complete => Tone::Plain,
        Status::InProgress | Status::Incomplete => Tone::Notice,
        Status::Failed => Tone::Bad,
    }
}

/// Principles that are in one of the lists without a score of their own, with their marks.
pub(super) fn unscored(quality: &Quality) -> Vec<(&str, &'static str)> {
    let scored = |id: &str| quality.principle_scores.iter().any(|principle| principle.id == id);
    let gaps = quality.gap_principles.iter().map(|id| (id.as_str(), "gap"));
    let strengths = quality.strength_principles.iter().map(|id| (id.as_str(), "strength"));
    gaps.chain(strengths).filter(|(id, _)| !scored(id)).collect()
}

/// A moment to the second.
pub(super) fn time_text(time: Timestamp) -> String {
    time.to_chrono().format("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// A number of things with the right form of the word.
#[must_use]
pub fn counted(count: usize, thing: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{} {thing}{plural}", count_text(i64::try_from(count).unwrap_or(i64::MAX)))
}

/// A duration, or `-`.
pub(super) fn seconds_text(seconds: Option<f64>) -> String {
    seconds.map_or_else(|| UNKNOWN.to_owned(), duration_text)
}

fn amounts(cost_usd: Option<f64>, input_tokens: Option<i64>, output_tokens: Option<i64>) -> Vec<String> {
    let money = cost_usd.map(money_text);
    let input = input_tokens.map(|tokens| format!("{} tokens in", count_text(tokens)));
    let output = output_tokens.map(|tokens| format!("{} tokens out", count_text(tokens)));
    money.into_iter().chain(input).chain(output).collect()
}

fn or_unknown(text: String) -> String {
    if text.is_empty() { UNKNOWN.to_owned() } else { text }
}
