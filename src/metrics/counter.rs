//! Numbers that only go up.

use std::sync::atomic::{AtomicU64, Ordering};

/// What does not belong to any label of a [`Tally`].
const OTHER: &str = "other";

/// A number that only goes up, from as many threads as there are.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// Adds to it.
    pub fn add(&self, more: u64) {
        self.0.fetch_add(more, Ordering::Relaxed);
    }

    /// What it has come to.
    #[must_use]
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// One counter for each of a fixed list of labels, and one for everything else.
#[derive(Debug)]
pub struct Tally {
    labels: &'static [&'static str],
    counts: Box<[Counter]>,
    other: Counter,
}

impl Tally {
    /// Counters for these labels, all at zero.
    #[must_use]
    pub fn of(labels: &'static [&'static str]) -> Self {
        let counts = labels.iter().map(|_| Counter::default()).collect();
        Self { labels, counts, other: Counter::default() }
    }

    /// Adds to the counter of a label.
    pub fn add(&self, label: &str, more: u64) {
        let counted = self.labels.iter().zip(&self.counts).find(|(known, _)| **known == label);
        counted.map_or(&self.other, |(_, count)| count).add(more);
    }

    /// Every label with its count, those at zero included, so that a rate is right from its first event on.
    pub fn counts(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let other = Some((OTHER, self.other.get())).filter(|(_, count)| *count > 0);
        self.labels.iter().copied().zip(self.counts.iter().map(Counter::get)).chain(other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_that_is_not_listed_makes_no_series_of_its_own() {
        let tally = Tally::of(&["a", "b"]);
        assert_eq!(tally.counts().collect::<Vec<_>>(), [("a", 0), ("b", 0)]);
        for label in ["b", "x", "y", "b"] {
            tally.add(label, 2);
        }
        assert_eq!(tally.counts().collect::<Vec<_>>(), [("a", 0), ("b", 4), ("other", 4)]);
    }
}
