//! Errors: those that a run states, those that its results read as, and where a run that broke stopped.

use std::collections::HashMap;

use super::hindsight::quoted;
use super::{Case, Found};
use crate::diagnose::outcome::Outcome;
use crate::diagnose::reply::{error_in, is_empty};
use crate::diagnose::rule::Rule;
use crate::model::Stage;
use crate::shown::one_line;

/// Shorter texts are found in one another by chance.
const TELLING_CHARS: usize = 8;

pub(super) fn look<'t>(case: &Case<'_, 't>, found: &mut Found<'t>) {
    let run_error = case.trace.run.error.as_deref().map(one_line);
    let broke = |error: &str| {
        let error = one_line(error);
        let is_telling = |text: &str| text.chars().count() >= TELLING_CHARS;
        run_error.as_deref().is_some_and(|run| {
            is_telling(&error) && is_telling(run) && (run.contains(&error) || error.contains(run))
        })
    };
    let replies: Vec<Option<String>> =
        case.steps.iter().map(|step| step.decision.result.as_ref().and_then(error_in)).collect();
    let mut last_success: HashMap<&str, usize> = HashMap::new();
    for (place, (step, reply)) in case.steps.iter().zip(&replies).enumerate() {
        if step.decision.error.is_none() && reply.is_none() {
            last_success.insert(step.key(), place);
        }
    }
    for (place, (step, reply)) in case.steps.iter().zip(replies).enumerate() {
        if let Some(error) = &step.decision.error {
            found.step(place, Rule::Error, format!("has the error {}", quoted(error)));
            if broke(error) {
                found.step(place, Rule::BrokeTheRun, "the run ended with this error");
            } else if let Some(success) = last_success.get(step.key()).filter(|success| **success > place) {
                let number = success + 1;
                found.step(place, Rule::Recovered, format!("#{number} did the like without an error"));
            }
        }
        match (&step.decision.result, reply) {
            (_, Some(reply)) => {
                found.step(
                    place,
                    Rule::ReadsAsError,
                    format!("result reads as an error: {}", quoted(&reply)),
                );
            }
            (Some(result), None) if is_empty(result) => {
                found.step(place, Rule::EmptyResult, "result is empty");
            }
            _ => {}
        }
    }
    for (name, stage) in &case.trace.stages {
        let Some(error) = &stage.error else { continue };
        found.stage(name, Rule::Error, format!("ended with the error {}", quoted(error)));
        if broke(error) {
            found.stage(name, Rule::BrokeTheRun, "the run ended with this error");
        } else if ended_well(stage) {
            found.stage(name, Rule::Recovered, "it was entered again and ended without an error");
        }
    }
    if matches!(case.outcome, Outcome::Failed | Outcome::Incomplete)
        && let Some(last) = case.steps.len().checked_sub(1)
    {
        found.step(last, Rule::LastBeforeTheEnd, "the last decision of a run that did not come to its end");
    }
}

/// Whether the last stay in a stage with an error ended without one.
pub(super) fn ended_well(stage: &Stage) -> bool {
    stage.stays().last().is_some_and(|last| last.completed_at.is_some() && last.error.is_none())
}
