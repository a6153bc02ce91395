//! A calibration flag.

use serde_json::{Value, json};

use super::Extent;
use super::saying::{data, id, known, moment, name, percent};
use crate::calibration::{Flag, FlagState};
use crate::model::Timestamp;
use crate::shown::excerpt;

/// Run ids that are enough for a model.
const RUNS: usize = 5;

/// The flag: state, numbers, and the runs behind it.
#[must_use]
pub fn fields(flag: &Flag, extent: Extent) -> Value {
    let (snoozed_until, resolved_at) = times(flag);
    known([
        ("flag_id", flag.id.as_str().into()),
        ("kind", flag.kind.as_str().into()),
        ("severity", flag.severity.as_str().into()),
        ("state", flag.state.as_str().into()),
        ("snoozed_until", snoozed_until.map(moment).into()),
        ("resolved_at", resolved_at.map(moment).into()),
        ("project", name(&flag.project).into()),
        ("subject", name(&flag.subject).into()),
        ("message", excerpt(&flag.message, extent.most(300)).into()),
        ("n", flag.n.into()),
        ("baseline", data(&json!(flag.baseline), 128)),
        ("fired", flag.fired.into()),
        ("first_seen", moment(flag.first_seen).into()),
        ("last_seen", moment(flag.last_seen).into()),
        ("trace_ids", runs(flag, extent).into()),
        ("trace_ids_total", flag.trace_ids.len().into()),
    ])
}

/// Until when it is snoozed, and when it was resolved.
#[must_use]
pub fn times(flag: &Flag) -> (Option<Timestamp>, Option<Timestamp>) {
    match flag.state {
        FlagState::Snoozed { until } => (Some(until), None),
        FlagState::Resolved { at } => (None, Some(at)),
        FlagState::Open | FlagState::Acknowledged => (None, None),
    }
}

/// The runs behind it, the latest first.
#[must_use]
pub fn runs(flag: &Flag, extent: Extent) -> Vec<String> {
    flag.trace_ids.iter().take(extent.most(RUNS)).map(|run| id(run.as_str())).collect()
}

/// The numbers that the finding was compared with, in words, each a part of its own.
#[must_use]
pub fn baseline(flag: &Flag) -> Vec<String> {
    let baseline = &flag.baseline;
    let mut parts = vec![format!("window {} days", baseline.window_days)];
    parts.extend(baseline.judged_runs.map(|runs| format!("judged runs {runs}")));
    parts.extend(baseline.subject_mean.map(|mean| format!("mean {mean:.2}")));
    parts.extend(
        baseline
            .overall_mean
            .map(|mean| format!("overall mean {mean:.2} of {}", baseline.overall_n.unwrap_or(0))),
    );
    parts.extend(
        baseline
            .verdicts
            .map(|verdicts| format!("passed before {} of {verdicts}", baseline.verdicts_passed.unwrap_or(0))),
    );
    parts.extend(baseline.decisions.map(|decisions| {
        let said = baseline.mean_confidence.unwrap_or_default();
        let right = baseline.observed_rate.unwrap_or_default();
        format!("{decisions} decisions that say {said:.2} and are right in {}", percent(right))
    }));
    parts.extend(baseline.ece.map(|ece| format!("calibration error {ece:.2}")));
    parts.extend(baseline.previous_trace_id.as_ref().map(|run| format!("previous run {}", id(run.as_str()))));
    parts
}
