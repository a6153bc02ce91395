//! The run at a glance: its stages with their times, decisions and errors.

use super::reply::error_in;
use crate::model::Trace;
use crate::shown::excerpt;

/// One stage.
#[derive(Clone, Debug, PartialEq)]
pub struct StageLine {
    /// Its name.
    pub stage: String,
    /// How often it was entered, where that was reported.
    pub entries: usize,
    /// Seconds in it.
    pub seconds: Option<f64>,
    /// Decisions in it.
    pub decisions: usize,
    /// Those with an error, or whose result reads as one.
    pub errors: usize,
    /// What went wrong in it, shortened.
    pub error: Option<String>,
    /// Whether it was still open, or was closed by the run's end alone.
    pub is_unfinished: bool,
}

/// The stages in the order in which they were first entered.
pub(super) fn skeleton(trace: &Trace) -> Vec<StageLine> {
    trace
        .stages
        .iter()
        .map(|(name, stage)| {
            let has_failed = |decision: &&crate::model::Decision| {
                decision.error.is_some()
                    || decision.result.as_ref().is_some_and(|result| error_in(result).is_some())
            };
            StageLine {
                stage: name.clone(),
                entries: stage.stays().len(),
                seconds: stage.duration_seconds,
                decisions: stage.decisions.len(),
                errors: stage.decisions.iter().filter(has_failed).count(),
                error: stage.error.as_deref().map(|error| excerpt(error, 100)),
                is_unfinished: stage.is_open() || stage.closed_by.as_deref() == Some("finish"),
            }
        })
        .collect()
}
