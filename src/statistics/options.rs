//! What became of an option: how often it was chosen and rejected, and how the runs went that did.
//!
//! A run counts once on each side, however often it chose or rejected the option; the verdict and the score are the
//! run's. That an option goes with good runs does not make them good: who chooses it may have an easier task.

use std::collections::{BTreeMap, HashSet};

use super::proportion::{difference, rate, wilson};

/// A decision that had the option before it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Use<'u> {
    /// Whether it was chosen, else rejected.
    pub chosen: bool,
    /// The run.
    pub run: &'u str,
    /// The intent of the run.
    pub intent: Option<&'u str>,
    /// The verdict on the run.
    pub passed: Option<bool>,
    /// The score of the run, on one scale for all.
    pub score: Option<f64>,
}

/// How the runs went in which an option was chosen, or those in which it was rejected.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Side {
    /// Decisions.
    pub decisions: u64,
    /// Runs in which they were made.
    pub runs: u64,
    /// Runs with a verdict.
    pub judged: u64,
    /// Runs that passed.
    pub passed: u64,
    /// Runs with a score.
    pub scored: u64,
    score_sum: f64,
    seen: HashSet<String>,
}

/// What became of an option.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OptionRecord {
    /// Where it was chosen.
    pub chosen: Side,
    /// Where it was considered and not taken.
    pub rejected: Side,
    /// The same for each intent, those with most decisions first; of runs that say theirs.
    pub by_intent: Vec<(String, Side, Side)>,
}

impl OptionRecord {
    /// Counts uses up.
    pub fn of<'u>(uses: impl IntoIterator<Item = Use<'u>>) -> Self {
        let mut record = Self::default();
        let mut by_intent: BTreeMap<&str, (Side, Side)> = BTreeMap::new();
        for one in uses {
            let side = if one.chosen { &mut record.chosen } else { &mut record.rejected };
            side.add(&one);
            if let Some(intent) = one.intent {
                let (chosen, rejected) = by_intent.entry(intent).or_default();
                let side = if one.chosen { chosen } else { rejected };
                side.add(&one);
            }
        }
        record.by_intent = by_intent
            .into_iter()
            .map(|(intent, (chosen, rejected))| (intent.to_owned(), chosen, rejected))
            .collect();
        // The sort is stable: intents of as many decisions stay in the order of their names.
        record
            .by_intent
            .sort_by_key(|(_, chosen, rejected)| std::cmp::Reverse(chosen.decisions + rejected.decisions));
        record
    }

    /// The gate rate when chosen minus that when rejected, and its 95 % interval ([`difference`]); `None` where
    /// either has no verdict.
    #[must_use]
    pub fn gate_difference(&self) -> Option<(f64, f64, f64)> {
        let (chosen, rejected) = (&self.chosen, &self.rejected);
        let of = chosen.gate_rate()? - rejected.gate_rate()?;
        let (low, high) = difference((chosen.passed, chosen.judged), (rejected.passed, rejected.judged));
        Some((of, low, high))
    }
}

impl Side {
    /// The share of runs with a verdict that passed, 0 to 1.
    #[must_use]
    pub fn gate_rate(&self) -> Option<f64> {
        (self.judged > 0).then(|| rate(self.passed, self.judged))
    }

    /// The 95 % interval of the gate rate ([`wilson`]).
    #[must_use]
    pub fn gate_interval(&self) -> Option<(f64, f64)> {
        (self.judged > 0).then(|| wilson(self.passed, self.judged))
    }

    /// The mean score of the runs that have one.
    #[must_use]
    pub fn mean_score(&self) -> Option<f64> {
        (self.scored > 0).then(|| self.score_sum / self.scored as f64)
    }

    fn add(&mut self, one: &Use<'_>) {
        self.decisions += 1;
        if !self.seen.insert(one.run.to_owned()) {
            return;
        }
        self.runs += 1;
        self.judged += u64::from(one.passed.is_some());
        self.passed += u64::from(one.passed == Some(true));
        if let Some(score) = one.score {
            self.scored += 1;
            self.score_sum += score;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(chosen: bool, run: &str, passed: Option<bool>, score: f64) -> Use<'_> {
        Use { chosen, run, intent: Some("validating"), passed, score: Some(score) }
    }

    #[test]
    fn a_run_counts_once_on_each_side() {
        let record = OptionRecord::of([
            one(true, "a", Some(true), 3.0),
            one(true, "a", Some(true), 3.0),
            one(true, "b", Some(false), 1.0),
            one(true, "c", None, 2.0),
            one(false, "a", Some(true), 3.0),
        ]);
        let chosen = &record.chosen;
        assert_eq!((chosen.decisions, chosen.runs, chosen.judged, chosen.passed), (4, 3, 2, 1));
        assert_eq!((chosen.gate_rate(), chosen.mean_score()), (Some(0.5), Some(2.0)));
        assert_eq!((record.rejected.decisions, record.rejected.gate_rate()), (1, Some(1.0)));
        assert_eq!(record.gate_difference().map(|(of, _, _)| of), Some(-0.5));
    }

    #[test]
    fn what_nobody_judged_has_no_rate() {
        let record = OptionRecord::of([Use { score: None, ..one(true, "a", None, 0.0) }]);
        assert_eq!((record.chosen.gate_rate(), record.chosen.mean_score()), (None, None));
        assert_eq!((record.chosen.gate_interval(), record.gate_difference()), (None, None));
    }

    #[test]
    fn intents_come_by_their_number_of_decisions() {
        let of = |intent, run| Use { intent: Some(intent), ..one(true, run, Some(true), 1.0) };
        let record = OptionRecord::of([of("b", "1"), of("b", "2"), of("c", "3"), of("a", "4")]);
        let intents: Vec<&str> = record.by_intent.iter().map(|(intent, ..)| intent.as_str()).collect();
        assert_eq!(intents, ["b", "a", "c"]);
    }
}
