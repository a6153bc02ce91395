//! What two runs decided differently, decision by decision.
//!
//! What counts is what was said when the decision was made; corrections, reasons, results and outcomes do not make
//! two decisions different. `what` is compared as it stands, without white space at its ends; options without
//! regard to case and white space.

use std::collections::{HashMap, HashSet};

use schemars::JsonSchema;
use serde::Serialize;

use super::align::{Token, align};
use crate::model::{Decision, Trace};
use crate::shown::{excerpt, one_line};

/// Confidences this close are equal.
const ROUNDING: f64 = 1e-9;
/// Characters of a text that a comparison shows.
const SHOWN_CHARS: usize = 200;

/// How a decision differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum ChangeKind {
    /// Both runs chose the same, as confidently, among the same options.
    Same,
    /// Choice, confidence or options differ.
    Changed,
    /// Only a made it.
    OnlyA,
    /// Only b made it.
    OnlyB,
}

/// One decision of either run or of both.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[schemars(inline)]
pub struct DecisionDifference {
    /// How it differs.
    pub kind: ChangeKind,
    /// Its stage.
    pub stage: String,
    /// Its key.
    pub decision: String,
    /// What a chose.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub a: Option<Choice>,
    /// What b chose.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub b: Option<Choice>,
    /// Whether both made it and chose differently.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub what_changed: bool,
    /// Whether the confidence differs, or was stated in one run only.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub confidence_changed: bool,
    /// The confidence of b minus that of a.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confidence_delta: Option<f64>,
    /// Options that a had not taken and b chose.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub taken_up: Vec<String>,
    /// Options that a chose and b considered and did not take.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dropped: Vec<String>,
    /// Further options that only a considered.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub considered_only_a: Vec<String>,
    /// Further options that only b considered.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub considered_only_b: Vec<String>,
    /// Whether the runs made it at different points among the decisions of the stage that they share.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub moved: bool,
}

/// A choice as one run made it.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[schemars(inline)]
pub struct Choice {
    /// The decision's name within its run.
    pub decision_id: String,
    /// What was chosen, shortened; where both choices begin alike, from shortly before they part.
    pub what: String,
    /// How sure the decider was, 0 to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confidence: Option<f64>,
    /// What went wrong when it was carried out, shortened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// How many decisions differ in which way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(inline)]
pub struct DecisionCounts {
    /// The same in both.
    pub same: usize,
    /// In both, and different.
    pub changed: usize,
    /// In a only.
    pub only_a: usize,
    /// In b only.
    pub only_b: usize,
}

/// A decision of either run or of both, before it is described.
#[derive(Clone, Copy, Debug)]
pub(super) struct Aligned<'t> {
    pub(super) stage: &'t str,
    pub(super) a: Option<Placed<'t>>,
    pub(super) b: Option<Placed<'t>>,
    pub(super) moved: bool,
}

/// A decision and its place in its run's order.
#[derive(Clone, Copy, Debug)]
pub(super) struct Placed<'t> {
    pub(super) decision: &'t Decision,
    pub(super) place: usize,
}

/// Every decision of both runs, once: stage by stage (those of a, then those that only b has), within a stage in
/// the order of a, with what only b decided where b decided it.
pub(super) fn aligned<'t>(a: &'t Trace, b: &'t Trace) -> Vec<Aligned<'t>> {
    let (of_a, of_b) = (placed(a), placed(b));
    let of_stage =
        |run: &HashMap<&str, Vec<Placed<'t>>>, name: &str| run.get(name).cloned().unwrap_or_default();
    let new = b.stages.keys().filter(|name| !a.stages.contains_key(*name));
    let mut all = Vec::new();
    for name in a.stages.keys().chain(new) {
        merge(name, &of_stage(&of_a, name), &of_stage(&of_b, name), &mut all);
    }
    all
}

/// The decisions of each stage, with their places in the order of time.
fn placed(trace: &Trace) -> HashMap<&str, Vec<Placed<'_>>> {
    let mut by_time: Vec<(usize, (&str, &Decision))> = trace.decisions().enumerate().collect();
    by_time.sort_by_key(|(_, (_, decision))| decision.timestamp);
    let mut places: Vec<_> = by_time.into_iter().enumerate().collect();
    places.sort_by_key(|(_, (index, _))| *index);
    let mut stages: HashMap<&str, Vec<Placed<'_>>> = HashMap::new();
    for (place, (_, (stage, decision))) in places {
        stages.entry(stage).or_default().push(Placed { decision, place });
    }
    stages
}

fn merge<'t>(stage: &'t str, a: &[Placed<'t>], b: &[Placed<'t>], all: &mut Vec<Aligned<'t>>) {
    let tokens = |side: &[Placed<'t>]| -> Vec<Token<'t>> {
        side.iter()
            .map(|placed| Token { key: &placed.decision.key, what: placed.decision.what.trim() })
            .collect()
    };
    let pairs = align(&tokens(a), &tokens(b));
    let partnered: HashSet<usize> = pairs.iter().map(|pair| pair.b).collect();
    let mut only_b = b.iter().enumerate().filter(|(place, _)| !partnered.contains(place)).peekable();
    let mut pairs = pairs.into_iter().peekable();
    for (place, decision) in a.iter().enumerate() {
        let Some(pair) = pairs.next_if(|pair| pair.a == place) else {
            all.push(Aligned { stage, a: Some(*decision), b: None, moved: false });
            continue;
        };
        while !pair.moved
            && let Some((_, new)) = only_b.next_if(|(place, _)| *place < pair.b)
        {
            all.push(Aligned { stage, a: None, b: Some(*new), moved: false });
        }
        all.push(Aligned { stage, a: Some(*decision), b: b.get(pair.b).copied(), moved: pair.moved });
    }
    all.extend(only_b.map(|(_, new)| Aligned { stage, a: None, b: Some(*new), moved: false }));
}

impl DecisionDifference {
    pub(super) fn of(aligned: &Aligned<'_>) -> Self {
        let (a, b) = (aligned.a.map(|a| a.decision), aligned.b.map(|b| b.decision));
        let (what_a, what_b) = shown_whats(a, b);
        let mut difference = Self {
            kind: ChangeKind::Same,
            stage: aligned.stage.to_owned(),
            decision: a.or(b).map(|decision| decision.key.clone()).unwrap_or_default(),
            a: a.map(|a| Choice::of(a, what_a)),
            b: b.map(|b| Choice::of(b, what_b)),
            what_changed: false,
            confidence_changed: false,
            confidence_delta: None,
            taken_up: Vec::new(),
            dropped: Vec::new(),
            considered_only_a: Vec::new(),
            considered_only_b: Vec::new(),
            moved: aligned.moved,
        };
        match (a, b) {
            (Some(a), Some(b)) => difference.compare(a, b),
            (Some(_), None) => difference.kind = ChangeKind::OnlyA,
            (None, _) => difference.kind = ChangeKind::OnlyB,
        }
        difference
    }

    fn compare(&mut self, a: &Decision, b: &Decision) {
        self.what_changed = a.what.trim() != b.what.trim();
        let confidences = a.confidence.zip(b.confidence).map(|(a, b)| b.get() - a.get());
        self.confidence_delta = confidences.filter(|delta| delta.abs() > ROUNDING);
        self.confidence_changed =
            self.confidence_delta.is_some() || a.confidence.is_some() != b.confidence.is_some();
        (self.taken_up, self.considered_only_a) = given_up(a, b);
        (self.dropped, self.considered_only_b) = given_up(b, a);
        let options = [&self.taken_up, &self.dropped, &self.considered_only_a, &self.considered_only_b];
        if self.what_changed || self.confidence_changed || options.iter().any(|list| !list.is_empty()) {
            self.kind = ChangeKind::Changed;
        }
    }
}

impl DecisionCounts {
    pub(super) fn of(decisions: &[DecisionDifference]) -> Self {
        let mut counts = Self::default();
        for decision in decisions {
            let count = match decision.kind {
                ChangeKind::Same => &mut counts.same,
                ChangeKind::Changed => &mut counts.changed,
                ChangeKind::OnlyA => &mut counts.only_a,
                ChangeKind::OnlyB => &mut counts.only_b,
            };
            *count += 1;
        }
        counts
    }
}

impl Choice {
    fn of(decision: &Decision, what: String) -> Self {
        Self {
            decision_id: decision.decision_id.to_string(),
            what,
            confidence: decision.confidence.map(f64::from),
            error: decision.error.as_deref().map(|error| excerpt(error, SHOWN_CHARS)),
        }
    }
}

/// The options that `decision` did not take: those that `other` chose instead, and those that it did not consider.
fn given_up(decision: &Decision, other: &Decision) -> (Vec<String>, Vec<String>) {
    let (chosen, chosen_by_other) = (folded(&decision.what), folded(&other.what));
    let considered: HashSet<String> =
        other.alternatives_considered.iter().map(|alternative| folded(&alternative.option)).collect();
    let (mut taken_up, mut not_considered) = (Vec::new(), Vec::new());
    let mut seen = HashSet::new();
    for alternative in &decision.alternatives_considered {
        let option = folded(&alternative.option);
        if names(&chosen_by_other, &option) && !names(&chosen, &option) {
            if seen.insert(option) {
                taken_up.push(excerpt(&alternative.option, SHOWN_CHARS));
            }
        } else if !considered.contains(&option) && seen.insert(option) {
            not_considered.push(excerpt(&alternative.option, SHOWN_CHARS));
        }
    }
    (taken_up, not_considered)
}

/// Whether a choice is the option, or names it as whole words: `exa (primary), reddit` names `reddit`.
fn names(choice: &str, option: &str) -> bool {
    let is_word = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    choice == option
        || option.chars().count() > 2
            && choice.match_indices(option).any(|(start, found)| {
                let (before, rest) = choice.split_at(start);
                let after = rest.strip_prefix(found).unwrap_or_default();
                !is_word(before.chars().next_back()) && !is_word(after.chars().next())
            })
}

fn folded(text: &str) -> String {
    one_line(text).to_lowercase()
}

/// The texts of both choices, shortened. Long ones that begin alike are shown from where they part.
fn shown_whats(a: Option<&Decision>, b: Option<&Decision>) -> (String, String) {
    let text = |decision: Option<&Decision>| decision.map(|d| one_line(&d.what)).unwrap_or_default();
    let (a, b) = (text(a), text(b));
    let alike = a.chars().zip(b.chars()).take_while(|(a, b)| a == b).count();
    let skipped = if a != b && alike > SHOWN_CHARS * 3 / 4 { alike - SHOWN_CHARS / 4 } else { 0 };
    let from = |text: &str| {
        let rest: String = text.chars().skip(skipped).collect();
        if skipped > 0 { format!("...{}", excerpt(&rest, SHOWN_CHARS)) } else { excerpt(&rest, SHOWN_CHARS) }
    };
    (from(&a), from(&b))
}
