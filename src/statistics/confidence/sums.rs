//! Sums over some decisions, of whole numbers: all that the figures of a bin, a group or a window are made of.

use std::collections::BTreeMap;

use super::Observed;
use crate::statistics::proportion::wilson_of;

/// What some decisions add up to. Confidences are in thousandths.
#[derive(Clone, Debug, Default)]
pub(super) struct Sums {
    pub n: u64,
    pub right: u64,
    /// Those of `n` that were judged by their own outcome.
    pub own: u64,
    pub stated: u64,
    /// Of the squares of the confidences.
    pub squares: u64,
    /// Of the confidences of the decisions that proved right.
    pub stated_right: u64,
    runs: BTreeMap<i64, OfRun>,
}

/// What the decisions of one run add to it.
#[derive(Clone, Copy, Debug, Default)]
struct OfRun {
    n: u64,
    /// Those of `n` that share the verdict of the run's gate.
    shared: u64,
    /// Confidence less outcome (1000 where it was right), added up.
    excess: i64,
}

impl Sums {
    pub(super) fn of(counts: impl Iterator<Item = (Observed, u64)>) -> Self {
        let mut sums = Self::default();
        counts.for_each(|(observed, count)| sums.add(observed, count));
        sums
    }

    pub(super) fn add(&mut self, observed: Observed, count: u64) {
        let stated = u64::from(observed.confidence.get());
        let right = u64::from(observed.right);
        self.n += count;
        self.right += right * count;
        self.own += u64::from(observed.own) * count;
        self.stated += stated * count;
        self.squares += stated * stated * count;
        self.stated_right += stated * right * count;
        let run = self.runs.entry(observed.run).or_default();
        run.n += count;
        run.shared += u64::from(!observed.own) * count;
        run.excess += (signed(stated) - 1000 * signed(right)) * signed(count);
    }

    pub(super) fn runs(&self) -> u64 {
        self.runs.len() as u64
    }

    pub(super) fn mean_confidence(&self) -> f64 {
        self.share(self.stated as f64 / 1000.0)
    }

    pub(super) fn rate(&self) -> f64 {
        self.share(self.right as f64)
    }

    /// Mean confidence less the share that proved right.
    pub(super) fn excess(&self) -> f64 {
        self.share(self.excess_thousandths() as f64 / 1000.0)
    }

    pub(super) fn excess_thousandths(&self) -> i64 {
        signed(self.stated) - 1000 * signed(self.right)
    }

    /// How many independent outcomes the decisions are worth.
    ///
    /// A decision that was judged by its own outcome is one. Those that share the verdict of their run's gate are
    /// right or wrong together, so that a run is a sample of clusters with a correlation of 1 within each: with
    /// `m` decisions in each of `k` runs that is worth `k`, and in general `n² / Σ mᵢ²`, where each own outcome is
    /// a cluster of one. That is the effective sample size of L. Kish, "Survey Sampling" (1965), section 8.2 and
    /// 11.7; that it be put in the place of n in an interval for a proportion is the proposal of E. L. Korn and B.
    /// I. Graubard, "Confidence Intervals for Proportions with Small Expected Number of Positive Counts Estimated
    /// from Survey Data" (1998), and that the interval be Wilson's that of C. Franco, R. Little, T. Louis and E.
    /// Slud, "Comparative Study of Confidence Intervals for Proportions in Complex Sample Surveys" (2019).
    pub(super) fn independent(&self) -> f64 {
        let shared: f64 = self.runs.values().map(|run| (run.shared as f64).powi(2)).sum();
        let squares = self.own as f64 + shared;
        if squares == 0.0 { 0.0 } else { (self.n as f64).powi(2) / squares }
    }

    /// The 95 % Wilson interval of the share that proved right, at the number of [`Sums::independent`] outcomes.
    pub(super) fn interval(&self) -> (f64, f64) {
        wilson_of(self.rate(), self.independent())
    }

    /// The standard error of [`Sums::excess`] where runs are independent and the decisions of one are not, and how
    /// many runs that rests on; `None` for less than two.
    ///
    /// That is the cluster-robust ("sandwich") variance of a mean, `k / (k - 1) · Σ (Sᵢ - mᵢ d)² / n²` over `k`
    /// runs of `mᵢ` decisions that add up to `Sᵢ`, with `d` the mean of all: K.-Y. Liang and S. L. Zeger,
    /// "Longitudinal Data Analysis Using Generalized Linear Models" (1986), with the correction for few clusters of
    /// A. C. Cameron and D. L. Miller, "A Practitioner's Guide to Cluster-Robust Inference" (2015).
    pub(super) fn standard_error(&self) -> Option<(f64, u64)> {
        let runs = self.runs();
        if runs < 2 {
            return None;
        }
        let mean = self.excess();
        let deviation = |run: &OfRun| run.excess as f64 / 1000.0 - run.n as f64 * mean;
        let squares: f64 = self.runs.values().map(|run| deviation(run).powi(2)).sum();
        let correction = runs as f64 / (runs - 1) as f64;
        Some(((correction * squares).sqrt() / self.n as f64, runs))
    }

    fn share(&self, sum: f64) -> f64 {
        if self.n == 0 { 0.0 } else { sum / self.n as f64 }
    }
}

fn signed(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
