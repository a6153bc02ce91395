//! What earlier runs did: how decisions of a key usually are, how long stages usually take, how options fared.
//!
//! The samples are small on purpose, the newest few hundred, so that they can be read while somebody waits; each
//! figure carries the number that it rests on. Fewer than [`ENOUGH`] are no habit.

use std::collections::HashMap;

use crate::statistics::{Fared, Outcome, Sample, fared};

/// From so many on there is a habit.
pub const ENOUGH: u64 = 10;

/// What earlier runs of the project did. Empty where they could not be asked.
#[derive(Clone, Debug, Default)]
pub struct Habits {
    keys: HashMap<String, KeyHabit>,
    stages: HashMap<String, StageHabit>,
}

/// One earlier decision, as far as habits go.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PastDecision {
    /// Its run.
    pub trace_id: String,
    /// Its key.
    pub key: String,
    /// What was chosen, as [`choice`](crate::words::choice) folds it, where that is known.
    pub choice: Option<String>,
    /// How sure it was.
    pub confidence: Option<f64>,
    /// Whether alternatives were named.
    pub has_alternatives: bool,
    /// Whether it named evidence.
    pub has_evidence: bool,
    /// Whether its run passed the gate, where there was a verdict.
    pub passed: Option<bool>,
}

/// How decisions of one key usually are.
#[derive(Clone, Debug, Default)]
pub struct KeyHabit {
    /// Earlier decisions.
    pub n: u64,
    /// How sure they were, where they said.
    pub confidence: Option<Spread>,
    /// How many of them named alternatives.
    pub with_alternatives: u64,
    /// How many of them named evidence.
    pub with_evidence: u64,
    fared: HashMap<String, Fared>,
}

/// Where numbers lie.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    /// How many.
    pub n: u64,
    /// Their mean.
    pub mean: f64,
    /// Their standard deviation, with n - 1.
    pub deviation: f64,
}

/// How long a stage usually takes, in seconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StageHabit {
    /// Earlier runs of it.
    pub n: u64,
    /// Half of them took no longer.
    pub median: f64,
    /// 95 % of them took no longer.
    pub p95: f64,
}

impl Habits {
    /// Adds up earlier decisions, and the durations of stages in seconds.
    #[must_use]
    pub fn of(decisions: &[PastDecision], durations: &[(String, f64)]) -> Self {
        let mut by_key: HashMap<&str, Vec<&PastDecision>> = HashMap::new();
        for decision in decisions {
            by_key.entry(&decision.key).or_default().push(decision);
        }
        let mut by_stage: HashMap<&str, Sample> = HashMap::new();
        for (stage, seconds) in durations {
            by_stage.entry(stage).or_default().add(*seconds);
        }
        let stages = by_stage.into_iter().filter_map(|(stage, durations)| {
            let sorted = durations.sorted();
            let (median, p95) = (sorted.quantile(0.5)?, sorted.quantile(0.95)?);
            Some((stage.to_owned(), StageHabit { n: durations.n(), median, p95 }))
        });
        Self {
            stages: stages.collect(),
            keys: by_key.into_iter().map(|(key, past)| (key.to_owned(), KeyHabit::of(&past))).collect(),
        }
    }

    /// How decisions of a key usually are.
    #[must_use]
    pub fn key(&self, key: &str) -> Option<&KeyHabit> {
        self.keys.get(key).filter(|habit| habit.n >= ENOUGH)
    }

    /// How long a stage usually takes.
    #[must_use]
    pub fn stage(&self, stage: &str) -> Option<&StageHabit> {
        self.stages.get(stage).filter(|habit| habit.n >= ENOUGH)
    }
}

impl KeyHabit {
    fn of(past: &[&PastDecision]) -> Self {
        let count = |has: fn(&PastDecision) -> bool| past.iter().filter(|one| has(one)).count() as u64;
        let outcomes = past.iter().map(|one| Outcome {
            run: &one.trace_id,
            choice: one.choice.as_deref(),
            passed: one.passed,
        });
        Self {
            n: past.len() as u64,
            confidence: Spread::of(past.iter().filter_map(|one| one.confidence)),
            with_alternatives: count(|one| one.has_alternatives),
            with_evidence: count(|one| one.has_evidence),
            fared: fared(outcomes),
        }
    }

    /// How runs fared that chose this, folded to words, and those that chose otherwise.
    pub(super) fn fared(&self, choice: &str) -> Option<Fared> {
        self.fared.get(choice).copied()
    }
}

impl Spread {
    /// Mean and standard deviation of at least two numbers.
    fn of(numbers: impl Iterator<Item = f64> + Clone) -> Option<Self> {
        let count = numbers.clone().count();
        if count < 2 {
            return None;
        }
        let n = count as f64;
        let mean = numbers.clone().sum::<f64>() / n;
        let squares: f64 = numbers.map(|number| (number - mean).powi(2)).sum();
        Some(Self { n: count as u64, mean, deviation: (squares / (n - 1.0)).sqrt() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn past(run: usize, choice: &str, confidence: f64, passed: bool) -> PastDecision {
        PastDecision {
            trace_id: format!("run{run}"),
            key: "source".to_owned(),
            choice: Some(choice.to_owned()),
            confidence: Some(confidence),
            has_alternatives: run.is_multiple_of(2),
            has_evidence: true,
            passed: Some(passed),
        }
    }

    #[test]
    fn a_key_is_summed_up_over_what_is_known_of_it() {
        let all: Vec<PastDecision> =
            (0..10).map(|run| past(run, "exa", if run < 5 { 0.6 } else { 0.8 }, run < 9)).collect();
        let habits = Habits::of(&all, &[]);
        let habit = habits.key("source").unwrap();
        let spread = habit.confidence.unwrap();
        assert_eq!((habit.n, habit.with_alternatives, habit.with_evidence, spread.n), (10, 5, 10, 10));
        assert!((spread.mean - 0.7).abs() < 1e-12 && (spread.deviation - 0.105_409).abs() < 1e-6);
        assert!(Habits::of(&all[..9], &[]).key("source").is_none(), "nine are no habit");
    }

    #[test]
    fn a_stage_has_a_median_and_a_95th_percentile() {
        let durations: Vec<(String, f64)> =
            (1..=20).map(|seconds| ("collection".to_owned(), f64::from(seconds))).collect();
        let habits = Habits::of(&[], &durations);
        let habit = habits.stage("collection").unwrap();
        assert!((habit.median - 10.5).abs() < 1e-12 && (habit.p95 - 19.05).abs() < 1e-12);
    }
}
