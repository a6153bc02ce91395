//! What became of an option, in two ways of asking.
//!
//! [`OptionRecord`] is for somebody who asks about an option: how often it was chosen and rejected, and how the runs went
//! that did. [`fared`] is for somebody who has just chosen: how the runs fared that answered the same question in the
//! same way, and those that answered it otherwise, whether or not they named this option.
//!
//! A run counts once on each side, however often it chose or rejected the option; the verdict and the score are the
//! run's. That an option goes with good runs does not make them good: who chooses it may have an easier task.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::proportion::{difference, rate, wilson};

/// The verdicts of the quality gate on some runs, each run counted once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Verdicts {
    /// Runs with a verdict.
    pub judged: u64,
    /// Those of them that passed.
    pub passed: u64,
}

/// A decision on one question, by its run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome<'o> {
    /// The run.
    pub run: &'o str,
    /// What was chosen, in the form in which options are compared, where that is known.
    pub choice: Option<&'o str>,
    /// The verdict on the run.
    pub passed: Option<bool>,
}

/// How an option fared as the answer to a question.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fared {
    /// Runs that chose it.
    pub own: Verdicts,
    /// Runs that decided the same question and never chose it.
    pub others: Verdicts,
}

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
    /// The verdicts on them.
    pub verdicts: Verdicts,
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

impl Verdicts {
    /// Runs that did not pass.
    #[must_use]
    pub fn failed(self) -> u64 {
        self.judged.saturating_sub(self.passed)
    }

    /// The share that passed, 0 to 1.
    #[must_use]
    pub fn gate_rate(self) -> Option<f64> {
        (self.judged > 0).then(|| rate(self.passed, self.judged))
    }

    /// The 95 % interval of the gate rate ([`wilson`]).
    #[must_use]
    pub fn gate_interval(self) -> Option<(f64, f64)> {
        (self.judged > 0).then(|| wilson(self.passed, self.judged))
    }

    /// The gate rate minus that of others, with the 95 % interval of it ([`difference`]); `None` where either has no
    /// verdict.
    #[must_use]
    pub fn gate_difference(self, others: Self) -> Option<(f64, f64, f64)> {
        let of = self.gate_rate()? - others.gate_rate()?;
        let (low, high) = difference((self.passed, self.judged), (others.passed, others.judged));
        Some((of, low, high))
    }

    /// Takes note of another run.
    fn add(&mut self, passed: Option<bool>) {
        self.judged += u64::from(passed.is_some());
        self.passed += u64::from(passed == Some(true));
    }

    /// The same without some of these runs.
    fn without(self, some: Self) -> Self {
        Self {
            judged: self.judged.saturating_sub(some.judged),
            passed: self.passed.saturating_sub(some.passed),
        }
    }
}

/// How each choice fared that was made on one question.
#[must_use]
pub fn fared<'o>(outcomes: impl IntoIterator<Item = Outcome<'o>>) -> HashMap<String, Fared> {
    let mut seen = HashSet::new();
    let mut all = Verdicts::default();
    let mut by_choice: HashMap<&str, Verdicts> = HashMap::new();
    for Outcome { run, choice, passed } in outcomes {
        if seen.insert((run, None)) {
            all.add(passed);
        }
        if let Some(choice) = choice
            && seen.insert((run, Some(choice)))
        {
            by_choice.entry(choice).or_default().add(passed);
        }
    }
    let of = |(choice, own): (&str, Verdicts)| (choice.to_owned(), Fared { own, others: all.without(own) });
    by_choice.into_iter().map(of).collect()
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

    /// The gate rate when chosen minus that when rejected ([`Verdicts::gate_difference`]).
    #[must_use]
    pub fn gate_difference(&self) -> Option<(f64, f64, f64)> {
        self.chosen.verdicts.gate_difference(self.rejected.verdicts)
    }
}

impl Side {
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
        self.verdicts.add(one.passed);
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
        assert_eq!((chosen.decisions, chosen.runs), (4, 3));
        assert_eq!(chosen.verdicts, Verdicts { judged: 2, passed: 1 });
        assert_eq!((chosen.verdicts.gate_rate(), chosen.mean_score()), (Some(0.5), Some(2.0)));
        assert_eq!((record.rejected.decisions, record.rejected.verdicts.gate_rate()), (1, Some(1.0)));
        assert_eq!(record.gate_difference().map(|(of, _, _)| of), Some(-0.5));
    }

    #[test]
    fn what_nobody_judged_has_no_rate() {
        let record = OptionRecord::of([Use { score: None, ..one(true, "a", None, 0.0) }]);
        assert_eq!((record.chosen.verdicts.gate_rate(), record.chosen.mean_score()), (None, None));
        assert_eq!((record.chosen.verdicts.gate_interval(), record.gate_difference()), (None, None));
    }

    #[test]
    fn an_answer_is_counted_once_a_run_and_held_against_the_runs_that_never_gave_it() {
        let one = |run, choice, passed| Outcome { run, choice, passed };
        let of = fared([
            one("a", Some("exa"), Some(true)),
            one("a", Some("exa"), Some(true)),
            one("a", Some("reddit"), Some(true)),
            one("b", Some("reddit"), Some(false)),
            one("c", None, Some(false)),
            one("d", Some("exa"), None),
        ]);
        let verdicts = |judged, passed| Verdicts { judged, passed };
        assert_eq!(of["exa"], Fared { own: verdicts(1, 1), others: verdicts(2, 0) });
        assert_eq!(of["reddit"], Fared { own: verdicts(2, 1), others: verdicts(1, 0) });
        assert_eq!(of.len(), 2);
    }

    #[test]
    fn intents_come_by_their_number_of_decisions() {
        let of = |intent, run| Use { intent: Some(intent), ..one(true, run, Some(true), 1.0) };
        let record = OptionRecord::of([of("b", "1"), of("b", "2"), of("c", "3"), of("a", "4")]);
        let intents: Vec<&str> = record.by_intent.iter().map(|(intent, ..)| intent.as_str()).collect();
        assert_eq!(intents, ["b", "a", "c"]);
    }
}
