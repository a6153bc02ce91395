//! What stated confidence was worth, as answers carry it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::bins::{equal_mass, fixed, fixed_bins};
use super::brier::expected_calibration_error;
use super::sums::Sums;
use super::{Bin, BrierReport, Leaning, Observations};
use crate::statistics::count;

/// Stated confidence against what came of it. What no decision supports is absent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ConfidenceReport {
    /// Decisions that stated a confidence and whose outcome is known.
    pub n: i64,
    /// Runs that they come from.
    pub runs: i64,
    /// Those of `n` that were judged by their own outcome; the others by the gate of their run.
    pub own_outcomes: i64,
    /// Decisions that stated a confidence and whose outcome is not known: in none of the figures.
    pub without_outcome: i64,
    /// Fewer decisions than this allow no verdict.
    pub min_n: i64,
    /// Mean confidence against the share that proved right.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leaning: Option<Leaning>,
    /// The expected calibration error, 0..=1, over the fixed bins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ece: Option<f64>,
    /// The Brier score and its parts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub brier: Option<BrierReport>,
    /// Bins of equal width that hold something, the lowest first.
    pub bins: Vec<Bin>,
    /// Bins of about as many decisions each, the lowest first.
    pub equal_mass_bins: Vec<Bin>,
}

impl ConfidenceReport {
    /// How many decisions a verdict needs, where nobody says otherwise.
    pub const MIN_N: u64 = 20;

    /// What the observations say.
    #[must_use]
    pub fn of(observations: &Observations, min_n: u64) -> Self {
        let all = Sums::of(observations.counts());
        let fixed = fixed(observations);
        Self {
            n: count(all.n),
            runs: count(all.runs()),
            own_outcomes: count(all.own),
            without_outcome: count(observations.without_outcome()),
            min_n: count(min_n),
            leaning: Leaning::of(&all, min_n),
            ece: expected_calibration_error(&all, &fixed),
            brier: BrierReport::of(&all, &fixed),
            bins: fixed_bins(&fixed),
            equal_mass_bins: equal_mass(observations),
        }
    }
}
