//! Many runs in a dozen figures.
//!
//! [`Summary`] takes runs in any order and merges with others; its [`SummaryReport`] says which runs each
//! figure covers.
//!
//! It keeps every score and duration, sixteen bytes a run, so that the quantiles are exact.

use super::proportion::{rate, wilson};
use super::sample::mean;
use super::{
    CostReport, DecisionsReport, DurationReport, ExactSum, GateReport, QualityReport, RunFacts, Sample,
    StatusCounts, SummaryReport, TokensReport, count,
};
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
        fn any_split_gives_the_same_report(
            runs in any_runs(),
            sides in prop::collection::vec(0..3_usize, 40),
        ) {
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
