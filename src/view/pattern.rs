//! How often a principle fails, and what goes together with it.

use serde_json::Value;

use super::Extent;
use super::saying::{id, known, moment, name, quote};
use crate::statistics::{Association, Feature, GapCount, Pattern, PrincipleAssociations, Trend};

/// Intents and domains that are enough for a model.
pub(crate) const NAMED: usize = 5;

/// What a window of time says about a principle; without `found` where nobody looked for what goes together with it.
#[must_use]
pub fn fields(pattern: &Pattern, found: Option<&PrincipleAssociations>, extent: Extent) -> Value {
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
        ("stands_out", found.map(|found| found.found.iter().map(association).collect::<Value>()).into()),
        (
            "more_stand_out",
            found.filter(|found| found.more > 0 || extent == Extent::Whole).map(|found| found.more).into(),
        ),
    ])
}

/// What goes together with a principle's failing, as a line: `source_selection "linkedin" chosen in 9 of 11 failing and
/// 2 of 30 other runs (12.3 times as often, p 0.004)`.
#[must_use]
pub fn association_line(association: &Association) -> String {
    let what = match &association.feature {
        Feature::Choice { decision, choice } => format!("{} {} chosen", name(decision), quote(choice, 60)),
        Feature::SkippedStage { stage } => format!("stage {} skipped", name(stage)),
        Feature::WithoutAlternatives { decision } => format!("{} without alternatives", name(decision)),
        Feature::WithoutEvidence { decision } => format!("{} without evidence", name(decision)),
        Feature::Decision { decision } => format!("{} decided", name(decision)),
        Feature::Stage { stage } => format!("stage {} entered", name(stage)),
    };
    let lift = association.lift.map(|lift| format!("{lift:.1} times as often, ")).unwrap_or_default();
    let p = match association.p_adjusted {
        p if p < 0.001 => "p < 0.001".to_owned(),
        p => format!("p {p:.3}"),
    };
    format!(
        "{what} in {} of {} failing and {} of {} other runs ({lift}{p})",
        association.failing_with, association.failing, association.other_with, association.other
    )
}

fn association(association: &Association) -> Value {
    let (kind, of, choice) = match &association.feature {
        Feature::Choice { decision, choice } => ("choice", decision, Some(choice)),
        Feature::SkippedStage { stage } => ("skipped_stage", stage, None),
        Feature::WithoutAlternatives { decision } => ("without_alternatives", decision, None),
        Feature::WithoutEvidence { decision } => ("without_evidence", decision, None),
        Feature::Decision { decision } => ("decision", decision, None),
        Feature::Stage { stage } => ("stage", stage, None),
    };
    known([
        ("kind", kind.into()),
        ("of", name(of).into()),
        ("choice", choice.map(|choice| name(choice)).into()),
        ("failing_with", association.failing_with.into()),
        ("failing", association.failing.into()),
        ("other_with", association.other_with.into()),
        ("other", association.other.into()),
        ("lift", association.lift.into()),
        ("p", association.p.into()),
        ("p_adjusted", association.p_adjusted.into()),
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
