//! Claims that the run's own record denies: success beside an error, counts that do not add up, numbers that change.

use serde_json::Value;

use super::errors::ended_well;
use super::hindsight::quoted;
use super::{Case, Found};
use crate::diagnose::outcome::Outcome;
use crate::diagnose::rule::Rule;
use crate::model::{Evidence, Stage};
use crate::words::words;

/// Words that claim success, where none of [`DOUBTS`] is beside them.
const SUCCESS: &[&str] = &[
    "successful",
    "successfully",
    "succeeded",
    "success",
    "passed",
    "passes",
    "fixed",
    "verified",
    "resolved",
    "works",
];

/// Words with which a text claims nothing.
const DOUBTS: &[&str] = &[
    "not",
    "no",
    "never",
    "without",
    "unless",
    "if",
    "should",
    "until",
    "t",
    "fail",
    "fails",
    "failed",
    "failing",
    "cannot",
    "whether",
    "check",
    "try",
    "retry",
    "partially",
    "be",
    "to",
];

/// Last words of names whose numbers differ by nature from stage to stage.
const OWN: &[&str] = &[
    "seconds",
    "ms",
    "millis",
    "minutes",
    "duration",
    "time",
    "at",
    "tokens",
    "cost",
    "usd",
    "score",
    "confidence",
    "rate",
    "id",
    "index",
    "attempt",
    "attempts",
    "retries",
    "iteration",
    "threshold",
    "limit",
    "temperature",
    "size",
    "bytes",
    "length",
];

/// What a stage may call the counts of its evidence in its outputs.
const COLLECTED: &[&str] = &["collected", "collected_count", "evidence_collected"];
const PASSED: &[&str] = &["passed_count", "kept", "kept_count", "evidence_passed", "evidence_kept"];
const FILTERED: &[&str] = &["filtered", "filtered_count", "filtered_out", "evidence_filtered"];

pub(super) fn look<'t>(case: &Case<'_, 't>, found: &mut Found<'t>) {
    for (place, step) in case.steps.iter().enumerate() {
        if !claims_success(&step.decision.what) {
            continue;
        }
        let stage_error = case.trace.stages.get(step.stage).filter(|stage| !ended_well(stage));
        let stage_error = stage_error.and_then(|stage| stage.error.as_deref());
        let denial = if found.has(place, Rule::Error) {
            Some("it has an error".to_owned())
        } else if found.has(place, Rule::ReadsAsError) {
            Some("its result reads as an error".to_owned())
        } else {
            stage_error.map(|error| format!("its stage ended with {}", quoted(error)))
        };
        if let Some(denial) = denial {
            let said = format!("says {} but {denial}", quoted(&step.decision.what));
            found.step(place, Rule::Contradicted, said);
        }
    }
    for (name, stage) in &case.trace.stages {
        if stage.error.is_some() && !ended_well(stage) && case.outcome.claims_success() {
            let claim =
                if case.outcome == Outcome::Passed { "passed the gate" } else { "says it is complete" };
            let said = format!("ended with an error, though the run {claim}");
            found.stage(name, Rule::Contradicted, said);
        }
        if let Some(evidence) = &stage.evidence {
            for said in counts(evidence).into_iter().chain(outputs_against(evidence, stage)) {
                found.stage(name, Rule::Contradicted, said);
            }
        }
    }
    numbers(case, found);
}

fn claims_success(what: &str) -> bool {
    let end = what.floor_char_boundary(400);
    let words = words(what.get(..end).unwrap_or(what));
    let has = |list: &[&str]| words.iter().any(|word| list.contains(&word.as_str()));
    has(SUCCESS) && !has(DOUBTS)
}

/// Counts of evidence that do not fit one another.
fn counts(evidence: &Evidence) -> Option<String> {
    if let (Some(collected), Some(passed), Some(filtered)) =
        (evidence.collected_count, evidence.passed_count, evidence.filtered_count)
        && passed.saturating_add(filtered) != collected
    {
        let sum = passed.saturating_add(filtered);
        return Some(format!(
            "evidence: {passed} passed + {filtered} filtered = {sum}, but {collected} collected"
        ));
    }
    if let (Some(collected), Some(passed)) = (evidence.collected_count, evidence.passed_count)
        && passed > collected
    {
        return Some(format!("evidence: {passed} passed, but {collected} collected"));
    }
    let sources: i64 = evidence.by_source.values().fold(0, |sum, count| sum.saturating_add(*count));
    let collected = evidence.collected_count.filter(|_| !evidence.by_source.is_empty())?;
    (sources != collected).then(|| format!("evidence: {sources} over all sources, but {collected} collected"))
}

/// A count in a stage's outputs that differs from that of its evidence.
fn outputs_against(evidence: &Evidence, stage: &Stage) -> Option<String> {
    let kinds = [
        (COLLECTED, evidence.collected_count),
        (PASSED, evidence.passed_count),
        (FILTERED, evidence.filtered_count),
    ];
    kinds.into_iter().find_map(|(names, count)| {
        let count = count?;
        let stated = names.iter().filter_map(|name| Some((name, stage.outputs.get(*name)?.as_i64()?)));
        let (name, stated) = stated.into_iter().find(|(_, stated)| *stated != count)?;
        Some(format!("its outputs say {name} {stated}, its evidence {count}"))
    })
}

/// Numbers of one name in the outputs of two stages that differ, told at the later one; at most one a stage.
///
/// Only names of two words or more: `papers_kept` means one thing, `count` any.
fn numbers<'t>(case: &Case<'_, 't>, found: &mut Found<'t>) {
    let mut earlier: Vec<(&'t str, &'t str, f64)> = Vec::new();
    for (stage_name, stage) in &case.trace.stages {
        let stated: Vec<(&str, f64)> =
            stage.outputs.iter().filter_map(|(name, value)| number(name, value)).collect();
        let differing = stated.iter().find_map(|(name, here)| {
            let (there_stage, _, there) =
                earlier.iter().find(|(_, known, there)| known == name && (there - here).abs() > 1e-9)?;
            (!differs_in_good_run(case, name, stage_name, there_stage)).then(|| {
                format!("its outputs say {} {here}, those of {} {there}", quoted(name), quoted(there_stage))
            })
        });
        if let Some(said) = differing {
            found.stage(stage_name, Rule::NumbersDiffer, said);
        }
        earlier.extend(stated.into_iter().map(|(name, value)| (stage_name.as_str(), name, value)));
        // Outputs without end are no summary of a stage.
        earlier.truncate(200);
    }
}

fn number<'t>(name: &'t str, value: &Value) -> Option<(&'t str, f64)> {
    let words = words(name);
    let is_own = words.last().is_some_and(|last| OWN.contains(&last.as_str()));
    (words.len() >= 2 && !is_own).then_some(())?;
    Some((name, value.as_f64()?))
}

/// Whether the two stages differ in it in the run that went well, too.
fn differs_in_good_run(case: &Case<'_, '_>, name: &str, one: &str, other: &str) -> bool {
    let stated = |stage: &str| case.likeness?.stage(stage)?.outputs.get(name)?.as_f64();
    stated(one).zip(stated(other)).is_some_and(|(one, other)| (one - other).abs() > 1e-9)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_of_success_is_one_without_doubt_in_it() {
        for (text, claims) in [
            ("all tests passed", true),
            ("The file was written successfully.", true),
            ("tests did not pass", false),
            ("check whether it works", false),
            ("It should be fixed", false),
            ("3 passed, 2 failed", false),
            ("exa", false),
        ] {
            assert_eq!(claims_success(text), claims, "{text}");
        }
    }
}
