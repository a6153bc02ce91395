//! What two runs scored, cost and took, side by side.

use schemars::JsonSchema;
use serde::Serialize;

use crate::model::{Quality, QualityRules, Stage, Trace};
use crate::shown::excerpt;

/// A measure of both runs, such as seconds or US dollars. What is not known is absent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, JsonSchema)]
#[schemars(inline)]
pub struct Measure {
    /// Of a.
    pub a: Option<f64>,
    /// Of b.
    pub b: Option<f64>,
    /// b - a, where both are known.
    pub delta: Option<f64>,
}

/// A count of both runs, such as tokens. What is not known is absent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(inline)]
pub struct Count {
    /// Of a.
    pub a: Option<i64>,
    /// Of b.
    pub b: Option<i64>,
    /// b - a, where both are known.
    pub delta: Option<i64>,
}

/// The overall scores on one scale.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, JsonSchema)]
#[schemars(inline)]
pub struct QualityMeasure {
    /// The scale of a, b and delta, from 0: the runs' own where they share one, else the configured one.
    pub scale_max: f64,
    /// Of a.
    pub a: Option<f64>,
    /// Of b.
    pub b: Option<f64>,
    /// b - a, where both are known.
    pub delta: Option<f64>,
    /// a's score as it was given, where the scales differ.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub a_given: Option<GivenScore>,
    /// b's score as it was given, where the scales differ.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub b_given: Option<GivenScore>,
}

/// A score on the scale on which it was given.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, JsonSchema)]
#[schemars(inline)]
pub struct GivenScore {
    /// The score.
    pub score: f64,
    /// The highest score possible.
    pub scale_max: f64,
}

/// In which of the runs something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum Presence {
    /// In both.
    Both,
    /// In a only.
    OnlyA,
    /// In b only.
    OnlyB,
}

/// One stage in both runs.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[schemars(inline)]
pub struct StageDifference {
    /// The stage.
    pub stage: String,
    /// Which of the runs went through it.
    pub presence: Presence,
    /// Seconds spent in it.
    pub duration_seconds: Measure,
    /// Decisions made in it.
    pub decisions: Count,
    /// What went wrong in it in a, shortened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub a_error: Option<String>,
    /// What went wrong in it in b, shortened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub b_error: Option<String>,
}

/// The principles below the gap limit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(inline)]
pub struct Gaps {
    /// Gaps of a that b does not have.
    pub only_a: Vec<String>,
    /// Gaps of b that a does not have.
    pub only_b: Vec<String>,
    /// Gaps of both.
    pub both: Vec<String>,
}

impl Measure {
    pub(super) fn of(a: Option<f64>, b: Option<f64>) -> Self {
        Self { a, b, delta: a.zip(b).map(|(a, b)| b - a) }
    }
}

impl Count {
    pub(super) fn of(a: Option<i64>, b: Option<i64>) -> Self {
        // The lowest number has no negative, and a difference must have one.
        let delta = a.zip(b).map(|(a, b)| b.saturating_sub(a).max(-i64::MAX));
        Self { a, b, delta }
    }
}

impl QualityMeasure {
    pub(super) fn of(a: &Quality, b: &Quality, rules: &QualityRules) -> Self {
        let scale =
            |quality: &Quality| quality.scale_max.filter(|scale| *scale > 0.0).unwrap_or(rules.scale_max);
        let (scale_a, scale_b) = (scale(a), scale(b));
        let given =
            |quality: &Quality, scale_max: f64| quality.score.map(|score| GivenScore { score, scale_max });
        // A run without a score takes part in no conversion.
        let differ = a.score.is_some() && b.score.is_some() && scale_a.total_cmp(&scale_b).is_ne();
        if differ {
            let on_common = |quality: &Quality| quality.score.map(|score| quality.rescaled(score, rules));
            let Measure { a: score_a, b: score_b, delta } = Measure::of(on_common(a), on_common(b));
            return Self {
                scale_max: rules.scale_max,
                a: score_a,
                b: score_b,
                delta,
                a_given: given(a, scale_a),
                b_given: given(b, scale_b),
            };
        }
        let Measure { a: score_a, b: score_b, delta } = Measure::of(a.score, b.score);
        let scale_max = if a.score.is_some() { scale_a } else { scale_b };
        Self { scale_max, a: score_a, b: score_b, delta, a_given: None, b_given: None }
    }
}

impl Gaps {
    pub(super) fn of(a: &Quality, b: &Quality) -> Self {
        let (of_a, of_b) = (&a.gap_principles, &b.gap_principles);
        let (both, only_a) = of_a.iter().cloned().partition(|id| of_b.contains(id));
        let only_b = of_b.iter().filter(|id| !of_a.contains(id)).cloned().collect();
        Self { only_a, only_b, both }
    }
}

/// The stages of a in its order, then those that only b has.
pub(super) fn stages(a: &Trace, b: &Trace) -> Vec<StageDifference> {
    let of_a = a.stages.iter().map(|(name, stage)| stage_difference(name, Some(stage), b.stages.get(name)));
    let new = b.stages.iter().filter(|(name, _)| !a.stages.contains_key(*name));
    of_a.chain(new.map(|(name, stage)| stage_difference(name, None, Some(stage)))).collect()
}

fn stage_difference(name: &str, a: Option<&Stage>, b: Option<&Stage>) -> StageDifference {
    let seconds = |stage: Option<&Stage>| stage.and_then(|stage| stage.duration_seconds);
    let decisions = |stage: Option<&Stage>| stage.and_then(|stage| i64::try_from(stage.decisions.len()).ok());
    let error = |stage: Option<&Stage>| Some(excerpt(stage?.error.as_deref()?, 200));
    StageDifference {
        stage: name.to_owned(),
        presence: match (a, b) {
            (Some(_), None) => Presence::OnlyA,
            (None, Some(_)) => Presence::OnlyB,
            _ => Presence::Both,
        },
        duration_seconds: Measure::of(seconds(a), seconds(b)),
        decisions: Count::of(decisions(a), decisions(b)),
        a_error: error(a),
        b_error: error(b),
    }
}
