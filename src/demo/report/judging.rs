//! What happens at the quality gate: the verdict, the turn of the retry loop, and what is changed for the next.

use serde_json::json;

use super::told::of_stage;
use crate::demo::random::hundredths;
use crate::demo::verdict::Verdict;
use crate::gate::request::{EventKind, EventRequest};

/// What the gate's judge decides.
pub(super) fn reading(verdict: &Verdict) -> EventRequest {
    let gaps = verdict.gaps();
    let (what, why) = if verdict.passed() {
        ("release the report", "the overall score reaches the threshold".to_owned())
    } else {
        ("hold the report back", format!("the overall score is below 2.0; gaps: {}", gaps.join(", ")))
    };
    EventRequest {
        decision: Some("gate_verdict".to_owned()),
        what: Some(what.to_owned()),
        why: Some(why),
        confidence: Some(0.9),
        inputs: Some(json!({"score": verdict.score, "gaps": gaps})),
        actor: Some("judge".to_owned()),
        ..of_stage("quality_gate")
    }
}

/// What is changed for the next attempt.
pub(super) fn retry(verdict: &Verdict, confidence: f64) -> EventRequest {
    let gaps = verdict.gaps();
    EventRequest {
        decision: Some("retry_strategy".to_owned()),
        what: Some("write it again with the judge's remarks, on the same evidence".to_owned()),
        why: Some(format!("{} can be mended in the text; collecting again costs more", gaps.join(", "))),
        confidence: Some(confidence),
        alternatives_considered: vec!["collect again (0.45)".into(), "hand it to a person (0.30)".into()],
        ..of_stage("quality_gate")
    }
}

/// One attempt, and what it used up.
pub(super) fn turn(verdict: &Verdict, (input, output): (i64, i64), is_last: bool) -> EventRequest {
    EventRequest {
        kind: EventKind::Iteration,
        passed: Some(verdict.passed()),
        score: Some(verdict.score),
        gap_principles: verdict.gaps(),
        changes: (!is_last).then(|| "the judge's remarks are part of the prompt".to_owned()),
        input_tokens: Some(input),
        output_tokens: Some(output),
        cost_usd: Some(cost(input, output)),
        ..EventRequest::default()
    }
}

/// US dollars: 3 for a million tokens read, 15 for a million written.
pub(super) fn cost(input: i64, output: i64) -> f64 {
    hundredths((input * 3 + output * 15) / 100) / 100.0
}
