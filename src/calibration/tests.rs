//! What fires, what does not, and how a flag lives.

mod boundaries;
mod confidence;
mod laws;
mod life;

use chrono::TimeDelta;

use super::*;
use crate::model::{Status, Timestamp, TraceId};
use crate::statistics::RunFacts;

/// The end of the runs under test, `days` days and `micros` microseconds later.
fn at(days: i64, micros: i64) -> Timestamp {
    let start: Timestamp = "2026-06-01T12:00:00Z".parse().unwrap();
    start.plus(TimeDelta::days(days)).plus(TimeDelta::microseconds(micros))
}

/// A complete run of project `p` that ended then.
fn run(id: &str, ended_at: Timestamp) -> RunFacts {
    let mut run = crate::statistics::testing::run(id, Status::Complete);
    run.completed_at = Some(ended_at);
    run
}

fn with_gap(mut run: RunFacts, principle: &str) -> RunFacts {
    run.principles = vec![principle.to_owned()];
    run.gaps = vec![principle.to_owned()];
    run
}

/// The findings of `run` among `others`, without any flags.
fn findings(run: &RunFacts, others: &[RunFacts]) -> Vec<Finding> {
    let rules = CalibrationRules::default();
    check(run, &Baseline::from_runs(run, others, &Resolutions::default(), &rules), &rules)
}
