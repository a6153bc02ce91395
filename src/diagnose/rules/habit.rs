//! What is unusual for a decision of its key, and how its option fared before.

use super::{Case, Found};
use crate::diagnose::habits::{ENOUGH, KeyHabit};
use crate::diagnose::rule::Rule;
use crate::diagnose::steps::Step;
use crate::statistics::Fared;
use crate::words::choice;

/// What less than this below the mean is, is no doubt.
const DOUBT: f64 = 0.1;
/// Below this a decision is unsure by itself, where its key has no habit.
const UNSURE: f64 = 0.5;
/// The share of others from which on something is usual.
const USUAL: f64 = 0.8;
/// The fewest judged runs of an option, and of the others, that say something.
const JUDGED: u64 = 5;

pub(super) fn look(case: &Case<'_, '_>, found: &mut Found<'_>) {
    for (place, step) in case.steps.iter().enumerate() {
        let habit = case.habits.key(step.key());
        if let Some(said) = low_confidence(step, habit) {
            found.step(place, Rule::LowConfidence, said);
        }
        let Some(habit) = habit else { continue };
        let usual = |count: u64| count as f64 >= USUAL * habit.n as f64;
        let others = |count: u64, thing: &str| {
            format!("no {thing}, where {count} of the last {} of its key have some", habit.n)
        };
        if step.decision.alternatives_considered.is_empty() && usual(habit.with_alternatives) {
            found.step(place, Rule::NoAlternatives, others(habit.with_alternatives, "alternatives"));
        }
        if step.decision.evidence_ids.is_empty() && usual(habit.with_evidence) {
            found.step(place, Rule::NoEvidence, others(habit.with_evidence, "evidence"));
        }
        if let Some(said) = bad_option(step, habit) {
            found.step(place, Rule::BadOption, said);
        }
    }
}

fn low_confidence(step: &Step<'_>, habit: Option<&KeyHabit>) -> Option<String> {
    let stated = step.decision.confidence?.get();
    match habit.and_then(|habit| habit.confidence).filter(|spread| spread.n >= ENOUGH) {
        Some(spread) => {
            let below = spread.mean - stated;
            (below >= DOUBT && below > spread.deviation).then(|| {
                format!(
                    "confidence {stated:.2}, where its key has {:.2} ± {:.2} (n {})",
                    spread.mean, spread.deviation, spread.n
                )
            })
        }
        None => (stated < UNSURE)
            .then(|| format!("confidence {stated:.2}; what its key usually has is not known")),
    }
}

/// Whether the option surely fails more often than the others: the 95 % interval of the difference lies below 0.
fn bad_option(step: &Step<'_>, habit: &KeyHabit) -> Option<String> {
    let choice = Some(choice(&step.decision.what)).filter(|choice| !choice.is_empty())?;
    let Fared { own, others } = habit.fared(&choice)?;
    if own.judged < JUDGED || others.judged < JUDGED {
        return None;
    }
    let (_, _, most) = own.gate_difference(others)?;
    (most < 0.0).then(|| {
        format!(
            "of runs that chose this {} of {} passed, of the others {} of {}",
            own.passed, own.judged, others.passed, others.judged
        )
    })
}
