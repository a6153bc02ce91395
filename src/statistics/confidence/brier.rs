//! How far off stated confidence is, as one figure and as what it is made of.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::sums::Sums;

/// The Brier score and its parts: `score = reliability - resolution + uncertainty + within_bins`.
///
/// With a confidence `f` and an outcome `o` of 0 or 1, the score is the mean of `(f - o)²`: G. W. Brier,
/// "Verification of Forecasts Expressed in Terms of Probability" (1950). The first three parts are those of A. H.
/// Murphy, "A New Vector Partition of the Probability Score" (1973), over the fixed bins. They add up only where
/// all confidences of a bin are the same; the rest is the two components of D. B. Stephenson, C. A. S. Coelho and I.
/// T. Jolliffe, "Two Extra Components in the Brier Score Decomposition" (2008), here as one number.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BrierReport {
    /// The score: 0 is perfect, always saying 0.5 gives 0.25, the worst is 1.
    pub score: f64,
    /// How far the bins' observed rates lie from their mean confidence: the mean of the squares. 0 is best.
    pub reliability: f64,
    /// How far the bins' observed rates lie from the rate of all: the mean of the squares. What confidence tells
    /// apart; more is better, and none of it may be more than `uncertainty`.
    pub resolution: f64,
    /// What the outcomes leave open for one who knows only the rate of all, `r (1 - r)`.
    pub uncertainty: f64,
    /// Variance of confidence within bins, less twice its covariance with the outcomes there. Seldom large.
    pub within_bins: f64,
}

impl BrierReport {
    /// The score over decisions that add up to `all`, with these fixed bins; `None` without any.
    pub(super) fn of(all: &Sums, fixed: &BTreeMap<usize, Sums>) -> Option<Self> {
        if all.n == 0 {
            return None;
        }
        let (n, rate) = (all.n as f64, all.rate());
        let mean = |sum: f64| sum / n;
        let of_bins = |of: &dyn Fn(&Sums) -> f64| fixed.values().map(of).sum::<f64>();
        Some(Self {
            // Of whole numbers: Σ (f - o)² = Σ f² - 2 Σ f o + Σ o, as o is 0 or 1.
            score: mean(all.squares as f64 / 1e6 - 2.0 * all.stated_right as f64 / 1e3 + all.right as f64),
            reliability: mean(of_bins(&|bin| bin.n as f64 * bin.excess().powi(2))),
            resolution: mean(of_bins(&|bin| bin.n as f64 * (bin.rate() - rate).powi(2))),
            uncertainty: rate * (1.0 - rate),
            within_bins: mean(of_bins(&within)),
        })
    }
}

/// Over one bin: `Σ (f - f̄)² - 2 Σ (f - f̄)(o - ō)`.
fn within(bin: &Sums) -> f64 {
    let stated = bin.stated as f64 / 1e3;
    let variance = bin.squares as f64 / 1e6 - stated * bin.mean_confidence();
    let covariance = bin.stated_right as f64 / 1e3 - stated * bin.rate();
    variance - 2.0 * covariance
}

/// The expected calibration error: how far the bins' observed rates lie from their mean confidence, each bin with
/// the weight of its decisions. 0 is perfect; few decisions give more than 0 also where confidence is.
///
/// Source: M. P. Naeini, G. F. Cooper and M. Hauskrecht, "Obtaining Well Calibrated Probabilities Using Bayesian
/// Binning" (2015), over the fixed bins.
pub(super) fn expected_calibration_error(all: &Sums, fixed: &BTreeMap<usize, Sums>) -> Option<f64> {
    let error: u64 = fixed.values().map(|bin| bin.excess_thousandths().unsigned_abs()).sum();
    (all.n > 0).then(|| error as f64 / 1000.0 / all.n as f64)
}
