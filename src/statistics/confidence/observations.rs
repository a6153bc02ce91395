//! Counts of decisions by what they said and what came of it.

use std::collections::BTreeMap;

use crate::model::Confidence;

/// A confidence to the nearest thousandth, `0..=1000`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Thousandths(u16);

/// What all decisions of one count have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Observed {
    /// What was said.
    pub confidence: Thousandths,
    /// Whether it proved right.
    pub right: bool,
    /// The run, by any number of its own.
    pub run: i64,
    /// Whether that is the decision's own outcome; else it is the gate's, which its run's decisions share.
    pub own: bool,
}

/// Counts of decisions, in the order of their confidence. Adding depends on no order, and two of them merge into
/// what one would have been.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Observations {
    counts: BTreeMap<Observed, u64>,
    without_outcome: u64,
}

impl Thousandths {
    /// The nearest to a confidence; of two that are as near, the higher.
    #[must_use]
    pub fn of(confidence: Confidence) -> Self {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a confidence lies within 0..=1, and cutting off is how this rounds"
        )]
        let thousandths = (confidence.get() * 1000.0 + 0.5) as u16;
        Self(thousandths.min(1000))
    }

    /// So many thousandths; what lies beyond 0 or 1000 counts as these.
    #[must_use]
    pub fn new(thousandths: i64) -> Self {
        Self(u16::try_from(thousandths.clamp(0, 1000)).unwrap_or(0))
    }

    /// How many.
    #[must_use]
    pub fn get(self) -> u16 {
        self.0
    }

    /// As a share of 1.
    #[must_use]
    pub fn share(self) -> f64 {
        f64::from(self.0) / 1000.0
    }
}

impl Observations {
    /// Adds so many decisions.
    pub fn add(&mut self, observed: Observed, count: u64) {
        if count > 0 {
            *self.counts.entry(observed).or_default() += count;
        }
    }

    /// Adds so many decisions that stated a confidence and of which nobody knows what came.
    pub fn add_without_outcome(&mut self, count: u64) {
        self.without_outcome += count;
    }

    /// Adds what others hold.
    pub fn merge(&mut self, other: &Self) {
        self.without_outcome += other.without_outcome;
        for (observed, count) in &other.counts {
            self.add(*observed, *count);
        }
    }

    /// How many decisions it holds whose outcome is known.
    #[must_use]
    pub fn n(&self) -> u64 {
        self.counts.values().sum()
    }

    /// How many it was told of whose outcome is not known.
    #[must_use]
    pub fn without_outcome(&self) -> u64 {
        self.without_outcome
    }

    /// The counts, the lowest confidence first.
    pub(super) fn counts(&self) -> impl Iterator<Item = (Observed, u64)> + Clone {
        self.counts.iter().map(|(observed, count)| (*observed, *count))
    }
}
