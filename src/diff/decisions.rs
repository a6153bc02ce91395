//! What two runs decided differently, decision by decision.
//!
//! What counts is what was said when the decision was made; corrections, reasons, results and outcomes do not make
//! two decisions different. `what` is compared as it stands, without white space at its ends; inputs by their fields;
//! options without regard to case and white space. Some differences are of words alone ([`super::sameness`]).

mod options;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use self::options::given_up;
use super::aligned::Aligned;
use super::sameness;
use super::side::Side;
use crate::model::Decision;
use crate::shown::{excerpt, one_line};

/// Confidences this close are equal.
const ROUNDING: f64 = 1e-9;
/// Characters of a text that a comparison shows.
const SHOWN_CHARS: usize = 200;
/// Characters of a value among inputs that it shows.
const INPUT_CHARS: usize = 80;
/// Fields of the inputs that it shows.
const INPUT_FIELDS: usize = 5;

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
    /// Its stage in b, where that is another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stage_b: Option<String>,
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
    /// What it was given that differs, the first few fields.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inputs: Vec<InputDifference>,
    /// Whether it is a difference of words alone: something said to somebody, or one action in another wording.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub words_only: bool,
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
    /// What it was given, shortened, where only one run made it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inputs: Option<String>,
    /// How sure the decider was, 0 to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confidence: Option<f64>,
    /// What went wrong when it was carried out, shortened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// A field of what a decision was given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(inline)]
pub struct InputDifference {
    /// The field; empty where the inputs are no object.
    pub field: String,
    /// Its value in a, as JSON, shortened; absent where a has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub a: Option<String>,
    /// Its value in b, as JSON, shortened; absent where b has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub b: Option<String>,
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
    /// Those of the three above that differ in words alone.
    #[serde(skip_serializing_if = "is_zero")]
    pub words_only: usize,
}

impl DecisionDifference {
    pub(super) fn of(aligned: &Aligned<'_>) -> Self {
        let (a, b) = (aligned.a.map(|a| a.decision), aligned.b.map(|b| b.decision));
        let (what_a, what_b) = shown_whats(a, b);
        let stages = (aligned.a.map(|a| a.stage), aligned.b.map(|b| b.stage));
        let is_shared = a.is_some() && b.is_some();
        let mut difference = Self {
            kind: ChangeKind::Same,
            stage: stages.0.or(stages.1).unwrap_or_default().to_owned(),
            stage_b: stages.1.filter(|b| stages.0.is_some_and(|a| a != *b)).map(str::to_owned),
            decision: a.or(b).map(|decision| decision.key.clone()).unwrap_or_default(),
            a: a.map(|a| Choice::of(a, what_a, !is_shared)),
            b: b.map(|b| Choice::of(b, what_b, !is_shared)),
            what_changed: false,
            inputs: Vec::new(),
            words_only: false,
            confidence_changed: false,
            confidence_delta: None,
            taken_up: Vec::new(),
            dropped: Vec::new(),
            considered_only_a: Vec::new(),
            considered_only_b: Vec::new(),
            moved: aligned.moved,
        };
        match (a, b) {
            (Some(a), Some(b)) => difference.compare(a, b, aligned.is_speech),
            (Some(_), None) => difference.kind = ChangeKind::OnlyA,
            (None, _) => difference.kind = ChangeKind::OnlyB,
        }
        difference.words_only |= !is_shared && aligned.is_speech;
        difference
    }

    /// Whether the runs did something else here: another choice, other inputs, or an action of one run alone.
    pub(super) fn is_of_action(&self) -> bool {
        !self.words_only && self.is_of_choice()
    }

    /// Whether another thing was chosen, given or said, or by one run alone.
    pub(super) fn is_of_choice(&self) -> bool {
        self.what_changed
            || !self.inputs.is_empty()
            || matches!(self.kind, ChangeKind::OnlyA | ChangeKind::OnlyB)
    }

    /// The run in which alone it broke.
    #[must_use]
    pub fn failed_in(&self) -> Option<Side> {
        let failed = |side: &Option<Choice>| side.as_ref().is_some_and(|choice| choice.error.is_some());
        match (failed(&self.a), failed(&self.b)) {
            (true, false) => Some(Side::A),
            (false, true) => Some(Side::B),
            _ => None,
        }
    }

    fn compare(&mut self, a: &Decision, b: &Decision, is_speech: bool) {
        self.what_changed = a.what.trim() != b.what.trim();
        let inputs = differing_inputs(a, b);
        let other_inputs = inputs
            .iter()
            .any(|(_, a, b)| !a.zip(*b).is_some_and(|(a, b)| sameness::is_same_in_other_words(a, b)))
            && !sameness::is_respelt(a, b);
        self.inputs = inputs.into_iter().take(INPUT_FIELDS).map(InputDifference::of).collect();
        self.words_only = (self.what_changed || !self.inputs.is_empty())
            && !other_inputs
            && (is_speech || !self.what_changed || sameness::is_reworded(a, b));
        let confidences = a.confidence.zip(b.confidence).map(|(a, b)| b.get() - a.get());
        self.confidence_delta = confidences.filter(|delta| delta.abs() > ROUNDING);
        self.confidence_changed =
            self.confidence_delta.is_some() || a.confidence.is_some() != b.confidence.is_some();
        (self.taken_up, self.considered_only_a) = given_up(a, b);
        (self.dropped, self.considered_only_b) = given_up(b, a);
        let options = [&self.taken_up, &self.dropped, &self.considered_only_a, &self.considered_only_b];
        if self.is_of_choice() || self.confidence_changed || options.iter().any(|list| !list.is_empty()) {
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
            counts.words_only += usize::from(decision.words_only);
        }
        counts
    }
}

impl InputDifference {
    fn of((field, a, b): (&str, Option<&Value>, Option<&Value>)) -> Self {
        let shown = |value: &Value| excerpt(&value.to_string(), INPUT_CHARS);
        Self { field: excerpt(field, INPUT_CHARS), a: a.map(shown), b: b.map(shown) }
    }
}

impl Choice {
    fn of(decision: &Decision, what: String, with_inputs: bool) -> Self {
        let inputs = sameness::inputs(decision).filter(|_| with_inputs);
        Self {
            decision_id: decision.decision_id.to_string(),
            what,
            inputs: inputs.map(|inputs| excerpt(&inputs.to_string(), INPUT_CHARS)),
            confidence: decision.confidence.map(f64::from),
            error: decision.error.as_deref().map(|error| excerpt(error, SHOWN_CHARS)),
        }
    }
}

/// The fields of the inputs that differ: those of a in its order, then those that only b has.
fn differing_inputs<'t>(
    a: &'t Decision,
    b: &'t Decision,
) -> Vec<(&'t str, Option<&'t Value>, Option<&'t Value>)> {
    match (sameness::inputs(a), sameness::inputs(b)) {
        (Some(Value::Object(a)), Some(Value::Object(b))) => {
            let of_a = a.iter().map(|(field, value)| (field.as_str(), Some(value), b.get(field)));
            let new = b.iter().filter(|(field, _)| !a.contains_key(*field));
            let of_b = new.map(|(field, value)| (field.as_str(), None, Some(value)));
            of_a.chain(of_b).filter(|(_, a, b)| !is_equal(*a, *b)).collect()
        }
        (a, b) if is_equal(a, b) => Vec::new(),
        (a, b) => vec![("", a, b)],
    }
}

/// Whether two values are equal; numbers are by what they are worth.
fn is_equal(a: Option<&Value>, b: Option<&Value>) -> bool {
    a == b || a.zip(b).is_some_and(|(a, b)| sameness::canonical(a) == sameness::canonical(b))
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

fn is_zero(count: &usize) -> bool {
    *count == 0
}
