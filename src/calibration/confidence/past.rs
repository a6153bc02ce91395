//! What keys and agents said so far, kept in memory, where many runs are checked one after the other.

use std::collections::{HashMap, VecDeque};

use chrono::{NaiveDate, TimeDelta};

use super::{ConfidenceWindow, Said, utc_day};
use crate::calibration::windows::longest;
use crate::calibration::{CalibrationRules, NAMED_RUNS};
use crate::model::TraceId;
use crate::statistics::RunFacts;
use crate::statistics::confidence::{KeptSums, RunConfidence};

/// What ended so far, as far as a later run may be held against it: sums for each day, and the latest runs.
#[derive(Debug)]
pub struct PastConfidence {
    rules: CalibrationRules,
    subjects: HashMap<(String, String), Subject>,
}

#[derive(Debug, Default)]
struct Subject {
    /// The earliest first.
    days: VecDeque<(NaiveDate, KeptSums)>,
    /// The latest last.
    recent: VecDeque<(NaiveDate, TraceId)>,
}

impl PastConfidence {
    /// Nothing yet.
    #[must_use]
    pub fn new(rules: CalibrationRules) -> Self {
        Self { rules, subjects: HashMap::new() }
    }

    /// Takes in a run. They come in the order of their ends, and of their ids where these are the same; one that
    /// is open is passed over.
    pub fn add(&mut self, run: &RunFacts, confidence: &RunConfidence) {
        let Some(at) = run.ended_at() else { return };
        let day = utc_day(at);
        let gone = utc_day(at.plus(-longest(self.rules.baseline_days.max(1)) + TimeDelta::days(1)));
        for (name, sums) in confidence.subjects() {
            let subject = self.subjects.entry((run.project.clone(), name.clone())).or_default();
            while subject.days.front().is_some_and(|(day, _)| *day < gone) {
                subject.days.pop_front();
            }
            match subject.days.back_mut().filter(|(last, _)| *last == day) {
                Some((_, of_day)) => of_day.add(sums),
                None => subject.days.push_back((day, *sums)),
            }
            subject.recent.push_back((day, run.trace_id.clone()));
            if subject.recent.len() > NAMED_RUNS {
                subject.recent.pop_front();
            }
        }
    }

    /// What the subjects of a run said, which ended after all that were taken in and is not among them.
    #[must_use]
    pub fn said(&self, confidence: &RunConfidence, window: &ConfidenceWindow) -> Vec<Said> {
        let nothing = Subject::default();
        let said = |(name, first): &(String, NaiveDate)| {
            let key = (window.project.clone(), name.clone());
            let subject = self.subjects.get(&key).unwrap_or(&nothing);
            let mut sums = confidence.of_subject(name).copied().unwrap_or_default();
            let days = subject.days.iter().rev().take_while(|(day, _)| day >= first);
            days.for_each(|(_, of_day)| sums.add(of_day));
            let recent = subject.recent.iter().rev().take_while(|(day, _)| day >= first);
            let recent = recent.map(|(_, run)| run.clone());
            Said::new(name.clone(), sums, &self.rules, || {
                std::iter::once(window.trace_id.clone()).chain(recent)
            })
        };
        window.subjects.iter().map(said).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::said_from_runs;
    use super::*;
    use crate::calibration::{FlagKey, FlagKind, Resolutions};
    use crate::statistics::confidence::{Observed, Thousandths};
    use crate::statistics::testing::any_runs;

    /// Key, thousandths, whether it proved right and by its own outcome, how many.
    type Decision = (u8, i64, bool, bool, u64);

    /// Any runs, each with some decisions of two keys.
    fn any_stated() -> impl Strategy<Value = Vec<(RunFacts, RunConfidence)>> {
        let decision = (0..2_u8, 0..=1000_i64, any::<bool>(), any::<bool>(), 1..40_u64);
        let decisions = prop::collection::vec(decision, 0..4);
        (any_runs(), prop::collection::vec((decisions, any::<bool>()), 40)).prop_map(|(runs, stated)| {
            let of = |(decisions, has_agent): (Vec<Decision>, bool)| {
                let one = |(key, said, right, own, count)| {
                    (
                        format!("k{key}"),
                        Observed { confidence: Thousandths::new(said), right, run: 0, own },
                        count,
                    )
                };
                RunConfidence::of_decisions(
                    has_agent.then_some("ada"),
                    decisions.into_iter().map(one).collect(),
                )
            };
            runs.into_iter().zip(stated.into_iter().map(of)).collect()
        })
    }

    proptest! {
        #[test]
        fn what_is_kept_by_days_is_what_all_runs_say(
            runs in any_stated(),
            days in 1..20_u32,
            resolved in 0..30_i64,
            limit in 0..50_u64,
        ) {
            let rules = CalibrationRules {
                baseline_days: days,
                confidence_min_decisions: limit,
                confidence_standard_errors: 1.0,
                ..CalibrationRules::default()
            };
            let at = runs.first().map(|(run, _)| run.started_at.plus(TimeDelta::days(resolved)));
            let key = |project: &str| FlagKey {
                kind: FlagKind::ConfidenceMiscalibrated,
                subject: "decision:k0".to_owned(),
                project: project.to_owned(),
            };
            let resolutions: Resolutions = at.map(|at| (key("p0"), at)).into_iter().collect();
            let mut finished: Vec<&(RunFacts, RunConfidence)> =
                runs.iter().filter(|(run, _)| run.is_finished()).collect();
            finished.sort_by_key(|(run, _)| (run.ended_at(), &run.trace_id));
            let mut past = PastConfidence::new(rules);
            for (run, confidence) in finished {
                let window = ConfidenceWindow::of(run, confidence, &resolutions, &rules).unwrap();
                let expected = said_from_runs(&window, &runs, &rules);
                prop_assert_eq!(past.said(confidence, &window), expected);
                past.add(run, confidence);
            }
        }
    }
}
