//! Where two runs parted.
//!
//! A divergence is a decision that the runs made differently: another choice, or a decision that only one of them
//! made. Other options or another confidence behind the same choice, or the same choices in another order, part no
//! runs; the first of these is named only where the runs chose the same throughout.
//!
//! "First" is by the order in which each run decided, across its stages. The first divergent decision of a and
//! that of b are found apart; the one with fewer agreeing decisions before it wins. Where both stand after equally
//! many, they are alternatives to each other at one point, and both are named.

use schemars::JsonSchema;
use serde::Serialize;

use super::decisions::{Aligned, ChangeKind, DecisionDifference, Placed};
use super::reason::Reason;
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
    /// How many decisions before it the runs made alike.
    pub agreed_before: usize,
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
    /// Why, in the decider's words, shortened.
    pub why: String,
    /// How sure the decider was, 0 to 1.
    pub confidence: Option<f64>,
}

/// A decision of either run or of both, with how it differs.
pub(super) type Compared<'t> = (Aligned<'t>, DecisionDifference);

/// The first divergence; `statuses` are those of a and b, and tell why one of them may have nothing more to say.
pub(super) fn first(decisions: &[Compared<'_>], statuses: (Status, Status)) -> Option<Divergence> {
    first_that(decisions, statuses, |difference| {
        difference.what_changed || matches!(difference.kind, ChangeKind::OnlyA | ChangeKind::OnlyB)
    })
    .or_else(|| {
        first_that(decisions, statuses, |difference| difference.kind != ChangeKind::Same || difference.moved)
    })
}

fn first_that(
    decisions: &[Compared<'_>],
    statuses: (Status, Status),
    diverges: impl Fn(&DecisionDifference) -> bool,
) -> Option<Divergence> {
    let of_a = first_of_run(decisions, |aligned| aligned.a, &diverges);
    let of_b = first_of_run(decisions, |aligned| aligned.b, &diverges);
    let (a, b) = match (of_a, of_b) {
        (Some(a), Some(b)) if a.agreed < b.agreed => (Some(a), None),
        (Some(a), Some(b)) if b.agreed < a.agreed => (None, Some(b)),
        (Some(a), Some(b)) if std::ptr::eq(a.compared, b.compared) => (Some(a), None),
        // One is in both runs, the other stands before it in the only run that it is in.
        (Some(a), Some(b)) if a.is_shared() && !b.is_shared() => (None, Some(b)),
        (Some(a), Some(b)) if b.is_shared() && !a.is_shared() => (Some(a), None),
        either => either,
    };
    let leading = a.or(b)?;
    let (aligned, difference) = leading.compared;
    let reason = match (a, b) {
        (Some(_), Some(_)) => Reason::Apart,
        _ => reason(difference, leading.other_ended, statuses),
    };
    Some(Divergence {
        stage: difference.stage.clone(),
        decision: difference.decision.clone(),
        reason,
        agreed_before: leading.agreed,
        a: choice(a.map_or(aligned, |a| &a.compared.0), |aligned| aligned.a),
        b: choice(b.map_or(aligned, |b| &b.compared.0), |aligned| aligned.b),
    })
}

/// The first divergent decision of one run.
#[derive(Clone, Copy)]
struct Candidate<'c, 't> {
    compared: &'c Compared<'t>,
    /// Decisions before it on which the runs agree.
    agreed: usize,
    /// Whether the other run made no decision but the agreed ones.
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
    let agreed = run.iter().take_while(|(_, (_, difference))| !diverges(difference)).count();
    let (_, compared) = run.get(agreed)?;
    let from_here_alone = run.iter().skip(agreed).all(|(_, (aligned, _))| !is_shared(aligned));
    let other_ended = from_here_alone && run.len() == decisions.len();
    Some(Candidate { compared, agreed, other_ended })
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
            (None, None) => Reason::Choice,
        },
        _ if difference.confidence_changed => Reason::Confidence,
        ChangeKind::Changed => Reason::Options,
        ChangeKind::Same => Reason::Order,
    }
}

fn choice<'t>(
    aligned: &Aligned<'t>,
    side: impl Fn(&Aligned<'t>) -> Option<Placed<'t>>,
) -> Option<DivergentChoice> {
    let decision = side(aligned)?.decision;
    Some(DivergentChoice {
        decision_id: decision.decision_id.to_string(),
        stage: aligned.stage.to_owned(),
        decision: decision.key.clone(),
        what: excerpt(&decision.what, 300),
        why: excerpt(&decision.why, 300),
        confidence: decision.confidence.map(f64::from),
    })
}
