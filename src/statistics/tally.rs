//! Counts of judged and failed principles over one window of time, from runs or from counts that the index
//! keeps.
//!
//! Only finished runs count, whether they completed, failed or were abandoned. A run counts for a principle
//! when that principle was judged in it.

use std::borrow::Borrow;
use std::collections::BTreeMap;

use super::RunFacts;
use crate::model::{Timestamp, TraceId};

/// What the finished runs of one window say about each principle.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PrincipleTallies {
    /// Finished runs in the window, with and without principles.
    pub finished_runs: u64,
    /// The principles by id.
    pub principles: BTreeMap<String, PrincipleTally>,
}

/// What the runs say about one principle.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PrincipleTally {
    /// Runs in which it was judged.
    pub runs: u64,
    /// Runs in which it was a gap.
    pub gap_runs: u64,
    /// The last run in which it was a gap, and its end; of several that ended at once, the one of the
    /// greatest id.
    pub last_gap: Option<(Timestamp, TraceId)>,
    /// Judged runs and gap runs by intent; `None` holds the runs without one.
    pub by_intent: BTreeMap<Option<String>, (u64, u64)>,
    /// The same by domain.
    pub by_domain: BTreeMap<Option<String>, (u64, u64)>,
}

impl PrincipleTallies {
    /// Adds a run; one that is still open adds nothing.
    pub fn add(&mut self, run: &RunFacts) {
        let Some(ended_at) = run.ended_at() else { return };
        self.finished_runs += 1;
        for principle in &run.principles {
            let gap = run.gaps.contains(principle);
            let tally = self.principles.entry(principle.clone()).or_default();
            tally.runs += 1;
            for (counts, value) in [(&mut tally.by_intent, &run.intent), (&mut tally.by_domain, &run.domain)]
            {
                let (runs, gap_runs) = counts.entry(value.clone()).or_default();
                *runs += 1;
                *gap_runs += u64::from(gap);
            }
            if gap {
                tally.gap_runs += 1;
                tally.last_gap = tally.last_gap.take().max(Some((ended_at, run.trace_id.clone())));
            }
        }
    }
}

impl<R: Borrow<RunFacts>> FromIterator<R> for PrincipleTallies {
    fn from_iter<I: IntoIterator<Item = R>>(runs: I) -> Self {
        let mut tallies = Self::default();
        for run in runs {
            tallies.add(run.borrow());
        }
        tallies
    }
}
