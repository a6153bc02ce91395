//! Many runs in a dozen figures.
//!
//! [`Summary`] takes runs in any order and merges with others; [`SummaryReport`] is what it then says. The names of the
//! report's fields say which runs they cover: `_of_finished` are complete, failed and incomplete runs, `_of_all` also
//! those still open, with what they used so far.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::proportion::{rate, wilson};
use super::sample::mean;
use super::{ExactSum, RunFacts, Sample, count};
use crate::model::Status;

/// Adds up runs.
///
/// ```
/// use whytrace::statistics::Summary;
/// let report = Summary::new().report();
/// assert_eq!((report.runs, report.quality_of_finished.mean), (0, None));
/// ```
#[derive(Clone, Debug, Default)]
pub struct Summary {
    in_progress: u64,
    complete: u64,
    incomplete: u64,
    failed: u64,
    passed: u64,
    not_passed: u64,
    quality: Sample,
    duration: Sample,
    cost: ExactSum,
    cost_runs: u64,
    input_tokens: Tokens,
    output_tokens: Tokens,
    decisions: u64,
    confidence: ExactSum,
    confidence_count: u64,
}

/// A sum of tokens over the runs that know theirs.
#[derive(Clone, Copy, Debug, Default)]
struct Tokens {
    runs: u64,
    total: i128,
}

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

impl Summary {
    /// A summary of no runs.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a run.
    pub fn add(&mut self, run: &RunFacts) {
        *match run.status {
            Status::InProgress => &mut self.in_progress,
            Status::Complete => &mut self.complete,
            Status::Incomplete => &mut self.incomplete,
            Status::Failed => &mut self.failed,
        } += 1;
        if run.is_finished() {
            match run.passed {
                Some(true) => self.passed += 1,
                Some(false) => self.not_passed += 1,
                None => {}
            }
            if let Some(score) = run.score {
                self.quality.add(score);
            }
        }
        if let (Status::Complete | Status::Failed, Some(seconds)) = (run.status, run.duration_seconds) {
            self.duration.add(seconds);
        }
        if let Some(cost) = run.cost_usd.filter(|cost| cost.is_finite()) {
            self.cost.add(cost);
            self.cost_runs += 1;
        }
        self.input_tokens.add(run.input_tokens);
        self.output_tokens.add(run.output_tokens);
        self.decisions += run.decisions;
        self.confidence.add(run.confidence_sum);
        self.confidence_count += run.confidence_count;
    }

    /// Adds the runs of another summary.
    pub fn merge(&mut self, other: Self) {
        self.in_progress += other.in_progress;
        self.complete += other.complete;
        self.incomplete += other.incomplete;
        self.failed += other.failed;
        self.passed += other.passed;
        self.not_passed += other.not_passed;
        self.quality.merge(other.quality);
        self.duration.merge(other.duration);
        self.cost.merge(&other.cost);
        self.cost_runs += other.cost_runs;
        self.input_tokens.merge(other.input_tokens);
        self.output_tokens.merge(other.output_tokens);
        self.decisions += other.decisions;
        self.confidence.merge(&other.confidence);
        self.confidence_count += other.confidence_count;
    }

    /// How many runs it holds.
    #[must_use]
    pub fn runs(&self) -> u64 {
        self.in_progress + self.finished()
    }

    /// What the runs say together.
    #[must_use]
    pub fn report(&self) -> SummaryReport {
        SummaryReport {
            runs: count(self.runs()),
            by_status: StatusCounts {
                in_progress: count(self.in_progress),
                complete: count(self.complete),
                incomplete: count(self.incomplete),
                failed: count(self.failed),
            },
            gate_of_finished: self.gate(),
            quality_of_finished: QualityReport::of(&self.quality),
            duration_of_complete_and_failed: DurationReport::of(&self.duration),
            cost_of_all: CostReport {
                n: count(self.cost_runs),
                total_usd: (self.cost_runs > 0).then(|| self.cost.value()),
                mean_usd: mean(&self.cost, self.cost_runs),
            },
            tokens_of_all: TokensReport {
                input_n: count(self.input_tokens.runs),
                input_total: self.input_tokens.total(),
                input_mean: self.input_tokens.mean(),
                output_n: count(self.output_tokens.runs),
                output_total: self.output_tokens.total(),
                output_mean: self.output_tokens.mean(),
            },
            decisions_of_all: DecisionsReport {
                total: count(self.decisions),
                with_confidence: count(self.confidence_count),
                mean_confidence: mean(&self.confidence, self.confidence_count),
            },
        }
    }

    fn finished(&self) -> u64 {
        self.complete + self.incomplete + self.failed
    }

    fn gate(&self) -> GateReport {
        let judged = self.passed + self.not_passed;
        let interval = (judged > 0).then(|| wilson(self.passed, judged));
        GateReport {
            passed: count(self.passed),
            failed: count(self.not_passed),
            unknown: count(self.finished() - judged),
            pass_rate: (judged > 0).then(|| rate(self.passed, judged)),
            pass_rate_low: interval.map(|(low, _)| low),
            pass_rate_high: interval.map(|(_, high)| high),
        }
    }
}

impl QualityReport {
    fn of(scores: &Sample) -> Self {
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
    fn of(seconds: &Sample) -> Self {
        let sorted = seconds.sorted();
        Self {
            n: count(seconds.n()),
            mean_seconds: seconds.mean(),
            median_seconds: sorted.quantile(0.5),
            p95_seconds: sorted.quantile(0.95),
        }
    }
}

impl Tokens {
    fn add(&mut self, tokens: Option<i64>) {
        if let Some(tokens) = tokens {
            self.runs += 1;
            self.total += i128::from(tokens);
        }
    }

    fn merge(&mut self, other: Self) {
        self.runs += other.runs;
        self.total += other.total;
    }

    fn total(self) -> Option<i64> {
        (self.runs > 0).then(|| i64::try_from(self.total).unwrap_or(i64::MAX))
    }

    fn mean(self) -> Option<f64> {
        (self.runs > 0).then(|| self.total as f64 / self.runs as f64)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::testing::{any_runs, run};
    use super::*;

    #[test]
    fn each_figure_covers_the_statuses_that_it_names() {
        let mut summary = Summary::new();
        for (status, seconds) in Status::ALL.into_iter().zip([1.0, 10.0, 100.0, 20.0]) {
            let mut run = run("t", status);
            (run.score, run.passed) = (Some(seconds / 10.0), Some(status == Status::Complete));
            (run.duration_seconds, run.cost_usd) = (Some(seconds), Some(0.5));
            summary.add(&run);
        }
        summary.add(&run("silent", Status::Failed));
        let report = summary.report();
        assert_eq!(report.runs, 5);
        assert_eq!(report.by_status, StatusCounts { in_progress: 1, complete: 1, incomplete: 1, failed: 2 });
        let gate = report.gate_of_finished;
        assert_eq!((gate.passed, gate.failed, gate.unknown, gate.pass_rate), (1, 2, 1, Some(1.0 / 3.0)));
        assert_eq!((report.quality_of_finished.n, report.quality_of_finished.median), (3, Some(2.0)));
        let duration = report.duration_of_complete_and_failed;
        assert_eq!((duration.n, duration.mean_seconds), (2, Some(15.0)), "the abandoned run is not timed");
        assert_eq!((report.cost_of_all.n, report.cost_of_all.total_usd), (4, Some(2.0)));
    }

    #[test]
    fn what_nobody_knows_is_absent_from_the_answer() {
        let json = serde_json::to_value(Summary::new().report()).unwrap();
        assert_eq!(json["gate_of_finished"], serde_json::json!({"passed": 0, "failed": 0, "unknown": 0}));
        assert_eq!(json["cost_of_all"], serde_json::json!({"n": 0}));
    }

    proptest! {
        #[test]
        fn any_split_gives_the_same_report(runs in any_runs(), sides in prop::collection::vec(0..3_usize, 40)) {
            let mut whole = Summary::new();
            let mut parts = [Summary::new(), Summary::new(), Summary::new()];
            for (run, side) in runs.iter().zip(sides) {
                whole.add(run);
                parts[side].add(run);
            }
            let [mut first, second, third] = parts;
            first.merge(third);
            first.merge(second);
            prop_assert_eq!(first.report(), whole.report());
        }
    }
}
