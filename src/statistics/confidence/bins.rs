//! Decisions of about the same confidence, side by side.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::sums::Sums;
use super::{Observations, Thousandths};
use crate::statistics::count;

/// How many bins of the same width there are: 0 to 0.1, 0.1 to 0.2, and so on. What lies on a border belongs to
/// the bin above it, and 1 to the last.
pub const FIXED_BINS: usize = 10;

/// Decisions within a range of confidence. Shares lie in `0..=1`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Bin {
    /// Where it begins: of a fixed bin its border, of one of equal mass the lowest confidence in it.
    pub from: f64,
    /// Where it ends, likewise.
    pub to: f64,
    /// Decisions in it.
    pub n: i64,
    /// Runs that they come from.
    pub runs: i64,
    /// Decisions that proved right.
    pub right: i64,
    /// Their mean confidence.
    pub mean_confidence: f64,
    /// The share that proved right.
    pub observed_rate: f64,
    /// Lower end of the 95 % Wilson interval of that share, at the number of independent outcomes.
    pub observed_low: f64,
    /// Upper end.
    pub observed_high: f64,
}

/// The bin of a confidence among [`FIXED_BINS`].
#[must_use]
pub fn fixed_bin(confidence: Thousandths) -> usize {
    (usize::from(confidence.get()) / 100).min(FIXED_BINS - 1)
}

/// What the fixed bins hold that are not empty, the lowest first.
pub(super) fn fixed(observations: &Observations) -> BTreeMap<usize, Sums> {
    by(observations, fixed_bin)
}

/// The same as bins.
pub(super) fn fixed_bins(fixed: &BTreeMap<usize, Sums>) -> Vec<Bin> {
    let border = |place: usize| place as f64 / FIXED_BINS as f64;
    fixed.iter().map(|(place, sums)| Bin::of(sums, border(*place), border(place + 1))).collect()
}

/// At most [`FIXED_BINS`] bins of about as many decisions each, the lowest first. Decisions of the same confidence
/// are never parted: all of them go to the tenth of all decisions in which their middle one stands.
pub(super) fn equal_mass(observations: &Observations) -> Vec<Bin> {
    let all = u128::from(observations.n());
    let mut masses: BTreeMap<Thousandths, u128> = BTreeMap::new();
    for (observed, count) in observations.counts() {
        *masses.entry(observed.confidence).or_default() += u128::from(count);
    }
    let mut tenths: BTreeMap<Thousandths, usize> = BTreeMap::new();
    let mut ranges: BTreeMap<usize, (Thousandths, Thousandths)> = BTreeMap::new();
    let mut before = 0;
    for (confidence, mass) in masses {
        let tenth = (2 * before + mass) * FIXED_BINS as u128 / (2 * all).max(1);
        let tenth = usize::try_from(tenth).unwrap_or(FIXED_BINS).min(FIXED_BINS - 1);
        tenths.insert(confidence, tenth);
        ranges.entry(tenth).or_insert((confidence, confidence)).1 = confidence;
        before += mass;
    }
    let bins = by(observations, |confidence| tenths.get(&confidence).copied().unwrap_or_default());
    bins.values()
        .zip(ranges.values())
        .map(|(sums, (from, to))| Bin::of(sums, from.share(), to.share()))
        .collect()
}

fn by(observations: &Observations, place: impl Fn(Thousandths) -> usize) -> BTreeMap<usize, Sums> {
    let mut bins: BTreeMap<usize, Sums> = BTreeMap::new();
    for (observed, count) in observations.counts() {
        bins.entry(place(observed.confidence)).or_default().add(observed, count);
    }
    bins
}

impl Bin {
    fn of(sums: &Sums, from: f64, to: f64) -> Self {
        let (observed_low, observed_high) = sums.interval();
        Self {
            from,
            to,
            n: count(sums.n),
            runs: count(sums.runs()),
            right: count(sums.right),
            mean_confidence: sums.mean_confidence(),
            observed_rate: sums.rate(),
            observed_low,
            observed_high,
        }
    }
}
