//! The same for each stage, key, intent, agent or model.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::bins::fixed;
use super::brier::expected_calibration_error;
use super::sums::Sums;
use super::{BrierReport, Leaning, Observations, Observed};
use crate::statistics::count;

/// The field by which decisions are grouped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ConfidenceBy {
    /// The stage in which they were made.
    Stage,
    /// Their key.
    Decision,
    /// The intent of their run.
    Intent,
    /// The agent of their run.
    Agent,
    /// The model of their run.
    Model,
}

/// Says that a text names no field to group by.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("confidence is grouped by one of stage, decision, intent, agent, model")]
pub struct UnknownConfidenceGrouping;

/// Observations in groups; `None` holds those that have no value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GroupedConfidence(BTreeMap<Option<String>, Observations>);

/// What the decisions of one group say together.
#[derive(Clone, Debug, PartialEq)]
pub struct ConfidenceGroup {
    /// The value that they share; `None` for those that have none.
    pub value: Option<String>,
    /// Decisions that stated a confidence and whose outcome is known.
    pub n: i64,
    /// Runs that they come from.
    pub runs: i64,
    /// Mean confidence against the share that proved right.
    pub leaning: Leaning,
    /// The expected calibration error, 0..=1.
    pub ece: f64,
    /// The Brier score and its parts.
    pub brier: BrierReport,
}

impl ConfidenceBy {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Stage, Self::Decision, Self::Intent, Self::Agent, Self::Model];

    /// The name in questions and answers.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Stage => "stage",
            Self::Decision => "decision",
            Self::Intent => "intent",
            Self::Agent => "agent",
            Self::Model => "model",
        }
    }
}

impl fmt::Display for ConfidenceBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for ConfidenceBy {
    type Err = UnknownConfidenceGrouping;

    fn from_str(text: &str) -> Result<Self, UnknownConfidenceGrouping> {
        Self::ALL.into_iter().find(|by| by.as_str() == text).ok_or(UnknownConfidenceGrouping)
    }
}

impl GroupedConfidence {
    /// Adds so many decisions to the group of a value.
    pub fn add(&mut self, value: Option<String>, observed: Observed, count: u64) {
        self.0.entry(value).or_default().add(observed, count);
    }

    /// Adds the observations of others.
    pub fn merge(&mut self, other: &Self) {
        for (value, observations) in &other.0 {
            self.0.entry(value.clone()).or_default().merge(observations);
        }
    }

    /// The groups of at least `min_n` decisions, and how many others there are. Their verdicts hold for all of them
    /// together (Bonferroni): of many groups without a fault some would else look off by chance. The surest and largest gaps come
    /// first, then the largest groups, then names; the group without a value last among equals.
    #[must_use]
    pub fn report(&self, min_n: u64) -> (Vec<ConfidenceGroup>, u64) {
        let mut groups: Vec<ConfidenceGroup> = self
            .0
            .iter()
            .filter(|(_, observations)| observations.n() >= min_n)
            .filter_map(|(value, observations)| ConfidenceGroup::of(value.as_ref(), observations, min_n))
            .collect();
        let looks = groups.len();
        for group in &mut groups {
            group.leaning.hold_for(looks, u64::try_from(group.runs).unwrap_or(0));
        }
        groups.sort_by(|a, b| {
            let surest = b.leaning.at_least().total_cmp(&a.leaning.at_least());
            let size = |group: &ConfidenceGroup| (Reverse(group.n), group.value.is_none());
            surest.then_with(|| size(a).cmp(&size(b)))
        });
        let left_out = self.0.len() - groups.len();
        (groups, left_out as u64)
    }
}

impl ConfidenceGroup {
    fn of(value: Option<&String>, observations: &Observations, min_n: u64) -> Option<Self> {
        let all = Sums::of(observations.counts());
        let fixed = fixed(observations);
        Some(Self {
            value: value.cloned(),
            n: count(all.n),
            runs: count(all.runs()),
            leaning: Leaning::of(&all, min_n)?,
            ece: expected_calibration_error(&all, &fixed)?,
            brier: BrierReport::of(&all, &fixed)?,
        })
    }
}
