//! The figures of a summary, as answers carry them.
//!
//! The names of the fields say which runs they cover: `_of_finished` are complete, failed and incomplete
//! runs, `_of_all` also those still open, with what they used so far. What no run supports is absent.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Sample, count};

/// What the runs say together.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SummaryReport {
    /// How many runs, of every status.
    pub runs: i64,
    /// How many of each status.
    pub by_status: StatusCounts,
    /// What the quality gate said of the finished runs.
    pub gate_of_finished: GateReport,
    /// The scores of the finished runs that have one, on the configured scale.
    pub quality_of_finished: QualityReport,
    /// How long complete and failed runs took; abandoned ones end when nobody looked.
    pub duration_of_complete_and_failed: DurationReport,
    /// What runs of every status cost.
    pub cost_of_all: CostReport,
    /// Tokens of runs of every status.
    pub tokens_of_all: TokensReport,
    /// Decisions of runs of every status.
    pub decisions_of_all: DecisionsReport,
}

/// Counts of runs by status.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StatusCounts {
    /// Still open.
    pub in_progress: i64,
    /// Came to their end.
    pub complete: i64,
    /// Abandoned or cancelled.
    pub incomplete: i64,
    /// Broke.
    pub failed: i64,
}

/// Verdicts of the quality gate; the three counts add up to the finished runs.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct GateReport {
    /// Runs that passed.
    pub passed: i64,
    /// Runs that did not.
    pub failed: i64,
    /// Runs without a verdict.
    pub unknown: i64,
    /// Passed among those with a verdict, 0..=1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pass_rate: Option<f64>,
    /// Lower end of the rate's 95 % Wilson interval.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pass_rate_low: Option<f64>,
    /// Upper end of the rate's 95 % Wilson interval.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pass_rate_high: Option<f64>,
}

/// Scores, on the configured scale.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct QualityReport {
    /// Runs with a score.
    pub n: i64,
    /// Their mean.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mean: Option<f64>,
    /// Their median.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub median: Option<f64>,
    /// A tenth of them score below this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p10: Option<f64>,
}

/// Durations, in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DurationReport {
    /// Runs with a duration.
    pub n: i64,
    /// Their mean.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mean_seconds: Option<f64>,
    /// Their median.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub median_seconds: Option<f64>,
    /// A twentieth of them takes longer than this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p95_seconds: Option<f64>,
}

/// Cost, in US dollars.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CostReport {
    /// Runs whose cost is known.
    pub n: i64,
    /// What they cost together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total_usd: Option<f64>,
    /// What one of them cost on average.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mean_usd: Option<f64>,
}

/// Tokens that models read and wrote.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TokensReport {
    /// Runs whose tokens read are known.
    pub input_n: i64,
    /// Tokens read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input_total: Option<i64>,
    /// Tokens read by one run on average.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input_mean: Option<f64>,
    /// Runs whose tokens written are known.
    pub output_n: i64,
    /// Tokens written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_total: Option<i64>,
    /// Tokens written by one run on average.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_mean: Option<f64>,
}

/// Decisions and how sure their deciders were.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DecisionsReport {
    /// How many there are.
    pub total: i64,
    /// How many state a confidence.
    pub with_confidence: i64,
    /// The mean of the stated confidences, 0..=1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mean_confidence: Option<f64>,
}

impl QualityReport {
    pub(super) fn of(scores: &Sample) -> Self {
        let sorted = scores.sorted();
        Self {
            n: count(scores.n()),
            mean: scores.mean(),
            median: sorted.quantile(0.5),
            p10: sorted.quantile(0.1),
        }
    }
}

impl DurationReport {
    pub(super) fn of(seconds: &Sample) -> Self {
        let sorted = seconds.sorted();
        Self {
            n: count(seconds.n()),
            mean_seconds: seconds.mean(),
            median_seconds: sorted.quantile(0.5),
            p95_seconds: sorted.quantile(0.95),
        }
    }
}
