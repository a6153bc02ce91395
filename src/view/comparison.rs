//! Two runs side by side.

use serde::Serialize;
use serde_json::Value;

use super::Extent;
use super::saying::{data, known, name};
use crate::diff::{Comparison, DecisionDifference, Entry, StageDifference, Stretch};
use crate::query::GroupName;

/// Everything but decisions and stages, with its names.
#[must_use]
pub fn figures(comparison: &Comparison) -> Vec<(&'static str, Value)> {
    vec![
        ("first_divergence", shown(&comparison.first_divergence, 300)),
        ("first_difference", shown(&comparison.first_difference, 300)),
        ("quality", shown(&comparison.quality, 300)),
        ("counts", shown(&comparison.counts, 300)),
        ("a", shown(&comparison.a, 300)),
        ("b", shown(&comparison.b, 300)),
        ("gaps", shown(&comparison.gaps, 300)),
        ("comparable", shown(&comparison.comparable, 300)),
        ("cost_usd", shown(&comparison.cost_usd, 300)),
        ("duration_seconds", shown(&comparison.duration_seconds, 300)),
        ("input_tokens", shown(&comparison.input_tokens, 300)),
        ("output_tokens", shown(&comparison.output_tokens, 300)),
        ("evidence_collected", shown(&comparison.evidence_collected, 300)),
        ("evidence_kept", shown(&comparison.evidence_kept, 300)),
        ("evidence_filtered", shown(&comparison.evidence_filtered, 300)),
    ]
}

/// One decision in both runs.
#[must_use]
pub fn decision(difference: &DecisionDifference, extent: Extent) -> Value {
    shown(difference, extent.most(300))
}

/// One decision, or what one run alone decided in a row.
#[must_use]
pub fn entry(entry: &Entry<'_>, extent: Extent) -> Value {
    match entry {
        Entry::Decision(difference) => decision(difference, extent),
        Entry::Stretch(one) => stretch(one, extent),
    }
}

/// What one run alone decided in a row.
#[must_use]
pub fn stretch(stretch: &Stretch, extent: Extent) -> Value {
    shown(stretch, extent.most(300))
}

/// One stage in both runs.
#[must_use]
pub fn stage(stage: &StageDifference, extent: Extent) -> Value {
    shown(stage, extent.most(200))
}

/// What the runs of a group have in common, and how many were read.
#[must_use]
pub fn group(group: &GroupName, runs: usize) -> Value {
    known([
        ("runs", runs.into()),
        ("project", name(&group.project).into()),
        ("intent", group.intent.as_deref().map(name).into()),
        ("same_query", group.same_query.then_some(true).into()),
    ])
}

/// A row of what a run that is held against a group has, lacks or measures.
#[must_use]
pub fn row(row: &impl Serialize) -> Value {
    shown(row, 200)
}

fn shown(value: &impl Serialize, max_chars: usize) -> Value {
    serde_json::to_value(value).map(|value| data(&value, max_chars)).unwrap_or_default()
}
