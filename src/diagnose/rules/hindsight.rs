//! What was said of a decision afterwards: that it was wrong, or that it no longer holds.

use super::{Case, Found};
use crate::diagnose::rule::Rule;
use crate::shown;

const SHOWN_CHARS: usize = 100;

pub(super) fn look(case: &Case<'_, '_>, found: &mut Found<'_>) {
    for (place, step) in case.steps.iter().enumerate() {
        if let Some(outcome) = step.decision.outcome.as_ref().filter(|outcome| outcome.correct == Some(false))
        {
            let note = outcome.note.as_deref().map(|note| format!(": {}", quoted(note))).unwrap_or_default();
            found.step(place, Rule::SaidWrong, format!("was said to be wrong{note}"));
        }
        if let Some(first) = step.decision.corrections.first() {
            let later = case.steps.iter().skip(place + 1);
            let later = later.take_while(|other| other.decision.timestamp <= first.timestamp).count();
            let reason = quoted(&first.reason);
            found.step(place, Rule::Corrected, format!("was corrected {later} decisions later: {reason}"));
        }
    }
}

/// A text in quotes that it cannot leave.
pub(super) fn quoted(text: &str) -> String {
    shown::quoted(text, SHOWN_CHARS)
}
