//! The decisions of two runs in one list: each once, with its partner where it has one.

use std::collections::HashSet;

use super::align::{Token, align};
use super::renamed::Renamed;
use super::sameness::{self, Speech};
use crate::model::{Decision, Trace};

/// A decision of either run or of both, before it is described.
#[derive(Clone, Copy, Debug)]
pub(super) struct Aligned<'t> {
    pub(super) a: Option<Placed<'t>>,
    pub(super) b: Option<Placed<'t>>,
    pub(super) moved: bool,
    /// Whether it is something said rather than done.
    pub(super) is_speech: bool,
}

/// A decision, its stage, and its place in its run's order.
#[derive(Clone, Copy, Debug)]
pub(super) struct Placed<'t> {
    pub(super) stage: &'t str,
    pub(super) decision: &'t Decision,
    pub(super) place: usize,
}

/// Every decision of both runs, once: in the order of time of a, with what only b decided where b decided it.
pub(super) fn aligned<'t>(a: &'t Trace, b: &'t Trace) -> Vec<Aligned<'t>> {
    let renamed = Renamed::between(a, b);
    let (a, b) = (by_time(a), by_time(b));
    let speech = Speech::of(a.iter().chain(&b).map(|placed| placed.decision));
    let actions = |run: &[Placed<'t>]| -> Vec<String> {
        run.iter().map(|placed| sameness::action(placed.decision)).collect()
    };
    let (actions_a, actions_b) = (actions(&a), actions(&b));
    let pairs = align(&tokens(&a, &actions_a, &renamed), &tokens(&b, &actions_b, &renamed), |x, y| {
        let both = a.get(x).zip(b.get(y));
        both.map_or(0, |(x, y)| sameness::likeness(x.decision, y.decision))
    });
    let partnered: HashSet<usize> = pairs.iter().map(|pair| pair.b).collect();
    let mut only_b = b.iter().filter(|placed| !partnered.contains(&placed.place)).peekable();
    let mut pairs = pairs.into_iter().peekable();
    let mut all = Vec::with_capacity(a.len());
    for placed in &a {
        let is_speech = speech.has(&placed.decision.key);
        let Some(pair) = pairs.next_if(|pair| pair.a == placed.place) else {
            all.push(Aligned { a: Some(*placed), b: None, moved: false, is_speech });
            continue;
        };
        while !pair.moved
            && let Some(new) = only_b.next_if(|new| new.place < pair.b)
        {
            all.push(Aligned::only_b(*new, &speech));
        }
        all.push(Aligned { a: Some(*placed), b: b.get(pair.b).copied(), moved: pair.moved, is_speech });
    }
    all.extend(only_b.map(|new| Aligned::only_b(*new, &speech)));
    all
}

impl<'t> Aligned<'t> {
    fn only_b(new: Placed<'t>, speech: &Speech<'_>) -> Self {
        Self { a: None, b: Some(new), moved: false, is_speech: speech.has(&new.decision.key) }
    }
}

/// The decisions of a run in the order of time.
fn by_time(trace: &Trace) -> Vec<Placed<'_>> {
    let mut decisions: Vec<(&str, &Decision)> = trace.decisions().collect();
    decisions.sort_by_key(|(_, decision)| decision.timestamp);
    let decisions = decisions.into_iter().enumerate();
    decisions.map(|(place, (stage, decision))| Placed { stage, decision, place }).collect()
}

fn tokens<'t>(run: &[Placed<'t>], actions: &'t [String], renamed: &Renamed<'t>) -> Vec<Token<'t>> {
    let token = |(placed, action): (&Placed<'t>, &'t String)| Token {
        stage: renamed.name(placed.stage),
        key: &placed.decision.key,
        action,
        is_call: sameness::inputs(placed.decision).is_some(),
    };
    run.iter().zip(actions).map(token).collect()
}
