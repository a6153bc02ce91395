//! A history of a research pipeline that does not exist, for whoever meets whytrace for the first time.
//!
//! A [`Recipe`] tells some weeks of runs that end at a given moment, with things worth finding planted in them
//! ([`Highlights`] names them): a principle that begins to fail, a domain that lags behind, a release after which one
//! decision is made differently, a decision whose confidence is not earned, runs that broke off, retries.
//!
//! The same recipe tells the same runs, word for word: there is no clock here and no chance but a seeded one. Each
//! run goes through the gate as if its agent had reported it, and comes out as the [`Trace`] that its document will
//! hold. Nothing is written here; the terminal takes the runs in as it takes in any other documents.
//!
//! [`plan`] decides what happens in a run, [`questions`] what is asked, [`choices`] what is decided,
//! [`verdict`] how it is judged, [`report`] how the agent says it.

mod choices;
mod plan;
mod questions;
mod random;
mod report;
mod verdict;

use crate::error::Result;
use crate::model::{QualityRules, Timestamp, Trace, TraceId};
use plan::Plan;

/// What a history is told from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recipe {
    /// What makes two histories of the same length differ.
    pub seed: u64,
    /// How many runs it has: at least [`Recipe::FEWEST_RUNS`].
    pub runs: u32,
    /// The moment at which it ends.
    pub until: Timestamp,
}

/// Where the things that were planted lie.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Highlights {
    /// The last run of the canary question before the release, which passed.
    pub before: TraceId,
    /// The last run of the same question after it, which failed.
    pub after: TraceId,
    /// The key of the decision in which these two part.
    pub divergent_decision: &'static str,
    /// The principle that has been failing since the release.
    pub failing_principle: &'static str,
    /// The domain whose scores lie clearly below the rest.
    pub weak_domain: &'static str,
    /// The key of the decisions that are surer of themselves than they have reason to be.
    pub overconfident_decision: &'static str,
}

impl Recipe {
    /// The fewest runs in which everything that is planted can be found.
    pub const FEWEST_RUNS: u32 = 120;

    /// The most runs, which keeps their numbers and times apart.
    pub const MOST_RUNS: u32 = 100_000;

    /// The days that a history covers.
    pub const DAYS: i64 = 42;

    /// How the ids of all its runs begin.
    #[must_use]
    pub fn prefix(&self) -> String {
        format!("demo-{}-{}-", self.seed, self.runs)
    }

    /// The run of this number, from 1 to the number of runs. The moment of the end has no part in its id, so that
    /// the same history told later is recognised.
    ///
    /// # Errors
    /// None in practice: the text is short and plain.
    pub fn trace_id(&self, number: u32) -> Result<TraceId> {
        report::trace_id(&format!("{}{number:05}", self.prefix()))
    }

    /// The runs, the earliest first.
    ///
    /// Each is an error of its own only where the gate refuses it, which the tests rule out.
    pub fn tell(self, rules: QualityRules) -> impl Iterator<Item = Result<Trace>> {
        (1..=self.runs).map(move |number| report::run(&self, &Plan::of(&self, number), &rules))
    }

    /// Where the planted things lie.
    ///
    /// # Errors
    /// As [`Recipe::trace_id`].
    pub fn highlights(&self) -> Result<Highlights> {
        let (before, after) = plan::canaries(self);
        Ok(Highlights {
            before: self.trace_id(before)?,
            after: self.trace_id(after)?,
            divergent_decision: choices::CITATION_RULE,
            failing_principle: verdict::FAILING,
            weak_domain: questions::WEAK_DOMAIN,
            overconfident_decision: choices::MARKET_SIZE,
        })
    }

    /// When a history ended of which this is a run, as the run itself remembers it.
    #[must_use]
    pub fn end_of(run: &Trace) -> Option<Timestamp> {
        run.run.metadata.get(report::UNTIL)?.as_str()?.parse().ok()
    }
}

#[cfg(test)]
mod tests;
