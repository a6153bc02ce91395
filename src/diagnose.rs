//! What most likely went wrong in one run, and why that is suspected.
//!
//! [`diagnose`] lets fixed rules look at a run: alone, beside a comparable run that went well, and before what its
//! decisions and stages usually are. A rule that fires adds its points ([`Rule::weight`], the one table) to a suspect;
//! suspects are ranked by the sum, the earliest first among equals. No model is asked, nothing is learned, and every
//! number can be checked by hand.
//!
//! Pure functions of traces and of [`Habits`], which somebody else fetches. Texts of a run are shortened here and made
//! safe to show; names and ids stay as they are.

mod difference;
mod effect;
mod habits;
mod likeness;
mod outcome;
mod reply;
mod rule;
mod rules;
mod skeleton;
mod steps;
mod suspect;
mod telling;

pub use self::difference::Difference;
pub use self::habits::{ENOUGH, Habits, KeyHabit, PastDecision, Spread, StageHabit};
pub use self::likeness::{
    Against, CHOICE_CHARS, Counterpart, Divergence, Missing, PastRun, likeness, nearest,
};
pub use self::outcome::Outcome;
pub use self::rule::{Finding, Rule, Weight};
pub use self::skeleton::StageLine;
pub use self::suspect::{Place, Suspect};

use self::likeness::Likeness;
use self::rules::{Case, Found, Loops};
use self::steps::{Step, steps};
use crate::model::{Status, Trace};
use crate::shown::excerpt;

/// Suspects that are kept; the others are counted.
const KEPT: usize = 50;
/// Points below which nothing is suspected.
const LEAST: f64 = 1.0;
/// Points of faults below which nothing is held against a run that went well.
const LEAST_IN_GOOD: f64 = 2.0;

/// What is suspected in a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Diagnosis {
    /// The run.
    pub trace_id: String,
    /// Its project.
    pub project: String,
    /// Its intent.
    pub intent: Option<String>,
    /// Where it stands.
    pub status: Status,
    /// How it ended.
    pub outcome: Outcome,
    /// What went wrong, shortened.
    pub error: Option<String>,
    /// Its score, the scale and the threshold.
    pub score: (Option<f64>, Option<f64>, Option<f64>),
    /// Principles below the gap limit.
    pub gaps: Vec<String>,
    /// Its decisions.
    pub decisions: usize,
    /// Seconds from beginning to end.
    pub seconds: Option<f64>,
    /// What it cost in US dollars.
    pub cost_usd: Option<f64>,
    /// Its stages.
    pub skeleton: Vec<StageLine>,
    /// The most suspect first.
    pub suspects: Vec<Suspect>,
    /// How many there are, kept or not.
    pub suspect_count: usize,
    /// What is unlike the comparable run that went well, if one is known.
    pub against: Option<Against>,
}

/// Says what is suspected in a run, beside a comparable one that went well and before the habits of earlier ones.
#[must_use]
pub fn diagnose(trace: &Trace, comparable: Option<&Trace>, habits: &Habits) -> Diagnosis {
    let steps = steps(trace);
    let outcome = Outcome::of(trace);
    let likeness = comparable.map(|good| Likeness::of(trace, &steps, good));
    let loops = Loops::of(&steps);
    let case = Case { trace, steps: &steps, outcome, likeness: likeness.as_ref(), habits, loops: &loops };
    let mut suspects = suspects(&case, rules::find(&case));
    suspect::rank(&mut suspects);
    let suspect_count = suspects.len();
    suspects.truncate(KEPT);
    if let Some(likeness) = &likeness {
        for suspect in &mut suspects {
            let step = suspect.number().and_then(|number| steps.get(number.checked_sub(1)?));
            if suspect.has(Rule::NotInGoodRun) {
                suspect.counterpart = step.and_then(|step| likeness.counterpart(step));
            }
        }
    }
    let quality = &trace.quality;
    Diagnosis {
        trace_id: trace.trace_id.to_string(),
        project: trace.project.clone(),
        intent: trace.run.intent.clone(),
        status: trace.status(),
        outcome,
        error: trace.run.error.as_deref().map(|error| excerpt(error, 200)),
        score: (quality.score, quality.scale_max, quality.threshold),
        gaps: quality.gap_principles.clone(),
        decisions: steps.len(),
        seconds: trace.run.duration_seconds,
        cost_usd: trace.cost.cost_usd,
        skeleton: skeleton::skeleton(trace),
        suspects,
        suspect_count,
        against: likeness.map(|likeness| likeness.against(trace, &steps)),
    }
}

/// Everything that has points enough. In a run that is not known to have gone wrong, only what is a fault by itself.
fn suspects(case: &Case<'_, '_>, found: Found<'_>) -> Vec<Suspect> {
    let is_suspect = |suspect: &Suspect| match case.outcome {
        outcome if outcome.is_bad() => suspect.score >= LEAST,
        Outcome::Passed => suspect.faults() >= LEAST_IN_GOOD,
        _ => suspect.faults() >= LEAST,
    };
    let of_steps = case.steps.iter().zip(found.of_steps).enumerate();
    let decisions = of_steps
        .filter(|(place, (_, findings))| case.loops.began(*place).is_none() || stands_alone(findings))
        .map(|(_, (step, findings))| Suspect::decision(step, findings));
    let stages = found
        .of_stages
        .into_iter()
        .map(|(name, findings)| Suspect::stage(first_of(case.steps, name), name, findings));
    decisions.chain(stages).filter(is_suspect).collect()
}

/// Whether a turn of a loop is a suspect beside its beginning.
fn stands_alone(findings: &[Finding]) -> bool {
    let alone = [Rule::SaidWrong, Rule::Corrected, Rule::Contradicted, Rule::BrokeTheRun];
    findings.iter().any(|finding| alone.contains(&finding.rule))
}

/// The number of a stage's first decision.
fn first_of(steps: &[Step<'_>], stage: &str) -> Option<usize> {
    steps.iter().find(|step| step.stage == stage).map(|step| step.number)
}

#[cfg(test)]
mod tests;
