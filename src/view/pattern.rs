//! How often a principle fails.

use serde_json::Value;

use super::Extent;
use super::saying::{id, known, moment, name};
use crate::statistics::{GapCount, Pattern, Trend};

/// Intents and domains that are enough for a model.
pub(crate) const NAMED: usize = 5;

/// What a window of time says about a principle.
#[must_use]
pub fn fields(pattern: &Pattern, extent: Extent) -> Value {
    known([
        ("principle", name(&pattern.principle).into()),
        ("gap_runs", pattern.gap_runs.into()),
        ("runs", pattern.runs.into()),
        ("fail_rate", pattern.fail_rate.into()),
        ("fail_rate_low", pattern.fail_rate_low.into()),
        ("fail_rate_high", pattern.fail_rate_high.into()),
        ("trend", pattern.trend.map(Trend::as_str).into()),
        ("gap_runs_before", pattern.gap_runs_before.into()),
        ("runs_before", pattern.runs_before.into()),
        ("last_seen", pattern.last_seen.map(moment).into()),
        ("last_trace_id", pattern.last_trace_id.as_ref().map(|last| id(last.as_str())).into()),
        ("by_intent", counts(&pattern.by_intent, extent)),
        ("by_domain", counts(&pattern.by_domain, extent)),
    ])
}

fn counts(counts: &[GapCount], extent: Extent) -> Value {
    let row = |count: &GapCount| {
        known([
            ("value", count.value.as_deref().map(name).into()),
            ("gap_runs", count.gap_runs.into()),
            ("runs", count.runs.into()),
        ])
    };
    let most = extent.most(NAMED);
    let more = counts.len().saturating_sub(most);
    let more = (more > 0).then(|| Value::from(format!("+{more} more")));
    counts.iter().take(most).map(row).chain(more).collect()
}
