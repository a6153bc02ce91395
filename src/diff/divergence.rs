//! Where two runs parted.
//!
//! A divergence is an action that the runs did not share: another choice, the same with other inputs, or a decision that
//! only one of them made. Other words for the same, other options or another confidence behind the same choice, or the
//! same choices in another order, part no runs; the first of these is named only where the runs did the same
//! throughout. Where one of them stands before the divergence, it is named beside it, as the first difference.
//!
//! "First" is by the order in which each run decided, across its stages. The first divergent decision of a and
//! that of b are found apart; the one with fewer shared decisions before it wins. Where both stand after equally
//! many, they are alternatives to each other at one point, and both are named.

use schemars::JsonSchema;
use serde::Serialize;

use super::aligned::{Aligned, Placed};
use super::decisions::{ChangeKind, DecisionDifference, InputDifference};
use super::reason::Reason;
use super::sameness;
use super::side::Side;
use crate::model::Status;
use crate::shown::excerpt;

/// The first decision that the runs made differently.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[schemars(inline)]
pub struct Divergence {
    /// The stage: a's, where it is a divergence of a.
    pub stage: String,
    /// The decision's key: a's, where it is a divergence of a.
    pub decision: String,
    /// Why it is one.
    #[schemars(with = "String")]
    pub reason: Reason,
    /// How many decisions before it both runs made, alike or in other words.
    pub agreed_before: usize,
    /// What it was given that differs, the first few fields.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inputs: Vec<InputDifference>,
    /// What a did there, if it did anything.
    pub a: Option<DivergentChoice>,
    /// What b did there, if it did anything.
    pub b: Option<DivergentChoice>,
}

/// What one run chose where the runs parted.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[schemars(inline)]
pub struct DivergentChoice {
    /// The decision's name within its run.
    pub decision_id: String,
    /// Its stage.
    pub stage: String,
    /// Its key.
    pub decision: String,
    /// What was chosen, shortened.
    pub what: String,
    /// What it was given, shortened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inputs: Option<String>,
    /// Why, in the decider's words, shortened.
    pub why: String,
    /// How sure the decider was, 0 to 1.
    pub confidence: Option<f64>,
}

/// The first difference of any kind, where it stands before the divergence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(inline)]
pub struct FirstDifference {
    /// The stage.
    pub stage: String,
    /// The decision's key.
    pub decision: String,
    /// In what: `words`, `confidence`, `options`, `order`.
    pub of: &'static str,
    /// How many decisions before it both runs made alike.
    pub agreed_before: usize,
    /// The decision of a, by its name in a.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub a: Option<String>,
    /// The decision of b, by its name in b.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub b: Option<String>,
}

impl FirstDifference {
    /// In what it is one: `in other words`.
    #[must_use]
    pub fn told(&self) -> &'static str {
        match self.of {
            "words" => "in other words",
            "confidence" => "with another confidence",
            "options" => "with other options",
            _ => "in another order",
        }
    }
}

/// A decision of either run or of both, with how it differs.
pub(super) type Compared<'t> = (Aligned<'t>, DecisionDifference);

/// The first divergence; `statuses` are those of a and b, and tell why one of them may have nothing more to say.
pub(super) fn first(decisions: &[Compared<'_>], statuses: (Status, Status)) -> Option<Divergence> {
    let told = |diverges: fn(&DecisionDifference) -> bool| {
        Some(Divergence::of(&First::of(decisions, diverges)?, statuses))
    };
    told(DecisionDifference::is_of_action)
        .or_else(|| told(DecisionDifference::is_of_choice))
        .or_else(|| told(differs))
}

/// The first difference of any kind, where it is none of action and stands before one that is.
pub(super) fn before(decisions: &[Compared<'_>], divergence: &Divergence) -> Option<FirstDifference> {
    let first = First::of(decisions, differs)?;
    let (aligned, difference) = first.leading().compared;
    let is_before = first.leading().agreed < divergence.agreed_before;
    let id = |placed: Option<Placed<'_>>| placed.map(|placed| placed.decision.decision_id.to_string());
    (is_before && !difference.is_of_action()).then(|| FirstDifference {
        stage: difference.stage.clone(),
        decision: difference.decision.clone(),
        of: match difference {
            _ if difference.is_of_choice() => "words",
            _ if difference.confidence_changed => "confidence",
            _ if difference.kind == ChangeKind::Changed => "options",
            _ => "order",
        },
        agreed_before: first.leading().agreed,
        a: id(first.a.map_or(aligned, |a| &a.compared.0).a),
        b: id(first.b.map_or(aligned, |b| &b.compared.0).b),
    })
}

fn differs(difference: &DecisionDifference) -> bool {
    difference.kind != ChangeKind::Same || difference.moved
}

/// Where the runs differ first: at a decision of one of them, or at one of each where neither stands before the other.
struct First<'c, 't> {
    a: Option<Candidate<'c, 't>>,
    b: Option<Candidate<'c, 't>>,
    either: Candidate<'c, 't>,
}

impl<'c, 't> First<'c, 't> {
    fn of(decisions: &'c [Compared<'t>], diverges: fn(&DecisionDifference) -> bool) -> Option<Self> {
        let of_a = first_of_run(decisions, |aligned| aligned.a, diverges);
        let of_b = first_of_run(decisions, |aligned| aligned.b, diverges);
        let (a, b) = match (of_a, of_b) {
            (Some(a), Some(b)) if a.agreed < b.agreed => (Some(a), None),
            (Some(a), Some(b)) if b.agreed < a.agreed => (None, Some(b)),
            (Some(a), Some(b)) if std::ptr::eq(a.compared, b.compared) => (Some(a), None),
            // One is in both runs, the other stands before it in the only run that it is in.
            (Some(a), Some(b)) if a.is_shared() && !b.is_shared() => (None, Some(b)),
            (Some(a), Some(b)) if b.is_shared() && !a.is_shared() => (Some(a), None),
            either => either,
        };
        Some(Self { a, b, either: a.or(b)? })
    }

    fn leading(&self) -> &Candidate<'c, 't> {
        &self.either
    }
}

impl Divergence {
    fn of(first: &First<'_, '_>, statuses: (Status, Status)) -> Self {
        let leading = first.leading();
        let (aligned, difference) = leading.compared;
        let reason = match (first.a, first.b) {
            (Some(_), Some(_)) => Reason::Apart,
            _ => reason(difference, leading.other_ended, statuses),
        };
        Self {
            stage: difference.stage.clone(),
            decision: difference.decision.clone(),
            agreed_before: leading.agreed,
            inputs: if reason == Reason::Apart { Vec::new() } else { difference.inputs.clone() },
            reason,
            a: choice(first.a.map_or(aligned, |a| &a.compared.0), |aligned| aligned.a),
            b: choice(first.b.map_or(aligned, |b| &b.compared.0), |aligned| aligned.b),
        }
    }
}

/// The first divergent decision of one run.
#[derive(Clone, Copy)]
struct Candidate<'c, 't> {
    compared: &'c Compared<'t>,
    /// Decisions before it that both runs made, without divergence.
    agreed: usize,
    /// Whether the other run did nothing that this one did not do before.
    other_ended: bool,
}

impl Candidate<'_, '_> {
    fn is_shared(&self) -> bool {
        is_shared(&self.compared.0)
    }
}

fn first_of_run<'c, 't>(
    decisions: &'c [Compared<'t>],
    side: impl Fn(&Aligned<'t>) -> Option<Placed<'t>>,
    diverges: impl Fn(&DecisionDifference) -> bool,
) -> Option<Candidate<'c, 't>> {
    let mut run: Vec<(usize, &Compared<'t>)> =
        decisions.iter().filter_map(|compared| Some((side(&compared.0)?.place, compared))).collect();
    run.sort_unstable_by_key(|(place, _)| *place);
    let reached = run.iter().position(|(_, (_, difference))| diverges(difference))?;
    let (before, from_here) = run.split_at(reached);
    let agreed = before.iter().filter(|(_, (aligned, _))| is_shared(aligned)).count();
    let (_, compared) = from_here.first()?;
    let counts = |(aligned, _): &&Compared<'t>| !aligned.is_speech || std::ptr::eq(aligned, &compared.0);
    let is_alone = |compared: &Compared<'t>| !is_shared(&compared.0);
    let from_here_alone = from_here.iter().map(|(_, compared)| *compared).filter(counts).all(is_alone);
    let other_alone = decisions.iter().filter(counts).any(|(aligned, _)| side(aligned).is_none());
    Some(Candidate { compared, agreed, other_ended: from_here_alone && !other_alone })
}

fn is_shared(aligned: &Aligned<'_>) -> bool {
    aligned.a.is_some() && aligned.b.is_some()
}

fn reason(difference: &DecisionDifference, other_ended: bool, (a, b): (Status, Status)) -> Reason {
    let only = |side, other| if other_ended { Reason::Ended(side, other) } else { Reason::Only(side) };
    match difference.kind {
        ChangeKind::OnlyA => only(Side::A, b),
        ChangeKind::OnlyB => only(Side::B, a),
        _ if difference.what_changed => match (difference.taken_up.first(), difference.dropped.first()) {
            (Some(option), _) => Reason::Took(Side::B, option.clone()),
            (None, Some(option)) => Reason::Took(Side::A, option.clone()),
            (None, None) if difference.words_only => Reason::Words,
            (None, None) => Reason::Choice,
        },
        _ if difference.words_only => Reason::Words,
        _ if !difference.inputs.is_empty() => Reason::Inputs(difference.inputs.clone()),
        _ if difference.confidence_changed => Reason::Confidence,
        ChangeKind::Changed => Reason::Options,
        ChangeKind::Same => Reason::Order,
    }
}

fn choice<'t>(
    aligned: &Aligned<'t>,
    side: impl Fn(&Aligned<'t>) -> Option<Placed<'t>>,
) -> Option<DivergentChoice> {
    let Placed { stage, decision, .. } = side(aligned)?;
    let inputs = sameness::inputs(decision);
    Some(DivergentChoice {
        decision_id: decision.decision_id.to_string(),
        stage: stage.to_owned(),
        decision: decision.key.clone(),
        what: excerpt(&decision.what, 300),
        inputs: inputs.map(|inputs| excerpt(&inputs.to_string(), 200)),
        why: excerpt(&decision.why, 300),
        confidence: decision.confidence.map(f64::from),
    })
}
