//! How good a run was, by the caller's own principles, and which of them are gaps or strengths.

use serde::{Deserialize, Serialize};

use super::Unknown;

/// The verdict of the quality gate. All scores are on the run's own scale, `0..=scale_max`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Quality {
    /// The overall score.
    #[serde(default)]
    pub score: Option<f64>,
    /// The highest score possible.
    #[serde(default)]
    pub scale_max: Option<f64>,
    /// The lowest score that passes.
    #[serde(default)]
    pub threshold: Option<f64>,
    /// Whether the run passed.
    #[serde(default)]
    pub passed: Option<bool>,
    /// The score of each principle.
    #[serde(default)]
    pub principle_scores: Vec<PrincipleScore>,
    /// Principles below the gap limit.
    #[serde(default)]
    pub gap_principles: Vec<String>,
    /// Principles at or above the strength limit.
    #[serde(default)]
    pub strength_principles: Vec<String>,
    /// Fields of a newer version.
    #[serde(flatten)]
    pub unknown: Unknown,
}

/// What one criterion of quality scored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PrincipleScore {
    /// The principle, such as `META-12`.
    pub id: String,
    /// What it is called.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its score, on the run's scale.
    pub score: f64,
    /// What the judge said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub feedback: Option<String>,
    /// Fields of a newer version.
    #[serde(flatten)]
    pub unknown: Unknown,
}

/// Where a score passes, where it is a gap and where a strength: shares of the scale, configurable.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct QualityRules {
    /// The scale's end where a run does not say: 3 by default.
    pub scale_max: f64,
    /// The share of the scale at which a run passes: 2/3 by default.
    pub threshold_share: f64,
    /// The share below which a principle is a gap: 2/3 by default.
    pub gap_share: f64,
    /// The share from which a principle is a strength: 1 by default.
    pub strength_share: f64,
}

impl Default for QualityRules {
    fn default() -> Self {
        Self { scale_max: 3.0, threshold_share: 2.0 / 3.0, gap_share: 2.0 / 3.0, strength_share: 1.0 }
    }
}

/// Scores this close to a limit count as having reached it, so that 2.0 of 3.0 is two thirds.
const ROUNDING: f64 = 1e-9;

impl Quality {
    /// Whether anything at all is known about the run's quality.
    #[must_use]
    pub fn is_known(&self) -> bool {
        self.score.is_some() || self.passed.is_some() || !self.principle_scores.is_empty()
    }

    /// Fills in what follows from what was given: scale, threshold and verdict from the rules, gaps and
    /// strengths from the principles' scores. A principle that a given list names keeps that side.
    pub fn complete(&mut self, rules: &QualityRules) {
        if !self.is_known() && self.gap_principles.is_empty() && self.strength_principles.is_empty() {
            return;
        }
        let scale = *self.scale_max.get_or_insert(rules.scale_max);
        let threshold = *self.threshold.get_or_insert(scale * rules.threshold_share);
        if self.passed.is_none() {
            self.passed = self.score.map(|score| score >= threshold - ROUNDING);
        }
        for principle in &self.principle_scores {
            let named = self.gap_principles.contains(&principle.id)
                || self.strength_principles.contains(&principle.id);
            if named {
                continue;
            }
            if principle.score < scale * rules.gap_share - ROUNDING {
                self.gap_principles.push(principle.id.clone());
            } else if principle.score >= scale * rules.strength_share - ROUNDING {
                self.strength_principles.push(principle.id.clone());
            }
        }
    }

    /// A score of this run on the scale of `rules`, so that runs of different scales can be compared.
    #[must_use]
    pub fn rescaled(&self, score: f64, rules: &QualityRules) -> f64 {
        match self.scale_max {
            Some(scale) if scale > 0.0 => score / scale * rules.scale_max,
            _ => score,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn principle(id: &str, score: f64) -> PrincipleScore {
        PrincipleScore { id: id.into(), name: None, score, feedback: None, unknown: Unknown::new() }
    }

    #[test]
    fn two_of_three_passes_and_is_neither_gap_nor_strength() {
        let mut quality = Quality {
            score: Some(2.0),
            principle_scores: vec![principle("a", 1.9), principle("b", 2.0), principle("c", 3.0)],
            ..Quality::default()
        };
        quality.complete(&QualityRules::default());
        assert_eq!(quality.passed, Some(true));
        assert_eq!(quality.gap_principles, ["a"]);
        assert_eq!(quality.strength_principles, ["c"]);
    }

    #[test]
    fn a_principle_in_a_given_list_keeps_its_side() {
        let mut quality = Quality {
            principle_scores: vec![principle("a", 0.0), principle("b", 3.0)],
            gap_principles: vec!["b".into()],
            strength_principles: vec!["a".into()],
            ..Quality::default()
        };
        quality.complete(&QualityRules::default());
        assert_eq!(
            (quality.gap_principles, quality.strength_principles),
            (vec!["b".into()], vec!["a".into()])
        );
        assert_eq!(quality.passed, None, "no score, no verdict");
    }
}
