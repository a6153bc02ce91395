//! How long things took.

use std::time::Duration;

use super::Counter;

/// The upper bounds of the buckets, in microseconds: from a call that the journal answers to one that a store holds up.
const BOUNDS: [u64; 12] = [
    1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000, 10_000_000,
];

/// Durations by size, between 1 ms and 10 s.
#[derive(Debug, Default)]
pub struct Histogram {
    /// How many lie within each bound and above the one before.
    buckets: [Counter; BOUNDS.len()],
    /// How many lie above all bounds.
    beyond: Counter,
    sum_micros: Counter,
}

impl Histogram {
    /// Counts one that took so long.
    pub fn observe(&self, took: Duration) {
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let bucket = BOUNDS.iter().zip(&self.buckets).find(|(bound, _)| micros <= **bound);
        bucket.map_or(&self.beyond, |(_, bucket)| bucket).add(1);
        self.sum_micros.add(micros);
    }

    /// Each upper bound in seconds with how many lie within it, the smallest first.
    pub(super) fn within(&self) -> impl Iterator<Item = (f64, u64)> {
        let mut sum = 0;
        BOUNDS.iter().zip(&self.buckets).map(move |(bound, bucket)| {
            sum += bucket.get();
            (seconds(*bound), sum)
        })
    }

    /// How many lie above all bounds.
    pub(super) fn beyond(&self) -> u64 {
        self.beyond.get()
    }

    /// How long all of them took together, in seconds.
    pub(super) fn sum(&self) -> f64 {
        seconds(self.sum_micros.get())
    }
}

fn seconds(micros: u64) -> f64 {
    micros as f64 / 1e6
}
