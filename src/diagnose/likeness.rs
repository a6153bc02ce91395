//! What two runs have in common, step by step, and where one of them left the way of the other.
//!
//! Steps are the same when they have the same key and the same inputs or, without inputs, chose the same; the first
//! of one run goes with the first of the other. Where the runs were asked different things their inputs differ
//! anyhow: there only choices without inputs are compared. Order does not matter: agents look things up now earlier, now later. Speech has
//! no part in it.

use std::collections::{HashMap, HashSet, VecDeque};

use super::difference::{Difference, differences, distance};
use super::outcome::Outcome;
use super::steps::{Step, steps};
use crate::model::Trace;
use crate::shown::excerpt;
use crate::words::words;

/// Steps of the other run that are tried as the counterpart of one.
const TRIED: usize = 40;
/// Fields that are named of two steps' inputs.
const NAMED_FIELDS: usize = 3;
/// Stages and steps that are named.
const NAMED: usize = 3;
/// Characters of a choice by which runs are compared that have not been read whole.
pub const CHOICE_CHARS: usize = 100;
/// Characters of a choice that are shown.
const SHOWN_CHARS: usize = 80;

/// A comparable run, and what the run has in common with it.
#[derive(Clone, Debug)]
pub(super) struct Likeness<'t> {
    good: &'t Trace,
    /// Whether both runs were asked the same, so that their inputs can be compared.
    is_same_query: bool,
    theirs: Vec<Step<'t>>,
    /// For each step of the run, whether the other has one like it or, asked otherwise, of its kind; unknown of
    /// speech.
    shared: Vec<Option<bool>>,
    /// Steps of the other run that this one has none like.
    left: Vec<usize>,
}

/// What is unlike the comparable run.
#[derive(Clone, Debug, PartialEq)]
pub struct Against {
    /// The comparable run.
    pub trace_id: String,
    /// How it ended.
    pub outcome: Outcome,
    /// Whether it was asked the same. If not, only choices without inputs are compared.
    pub is_same_query: bool,
    /// Steps that the runs share.
    pub shared: usize,
    /// Steps of this run that can be compared: all but speech.
    pub comparable: usize,
    /// Such steps of the other.
    pub comparable_there: usize,
    /// The first step of this run that the other has none like.
    pub first_divergence: Option<Divergence>,
    /// What the other did and this run did not, those that change something first; the first few of them.
    pub missing: Vec<Missing>,
    /// How many there are.
    pub missing_count: usize,
    /// Stages that only the other has.
    pub stages_missing: Vec<String>,
    /// Stages that only this run has.
    pub stages_added: Vec<String>,
    /// Decisions, seconds and US dollars, here and there.
    pub decisions: (usize, usize),
    /// Seconds from beginning to end.
    pub seconds: (Option<f64>, Option<f64>),
    /// What it cost.
    pub cost_usd: (Option<f64>, Option<f64>),
}

/// The first step by which a run left the way of the other.
#[derive(Clone, Debug, PartialEq)]
pub struct Divergence {
    /// The step's number in this run.
    pub number: usize,
    /// The decision's name.
    pub decision_id: String,
    /// Its stage.
    pub stage: String,
    /// Its key.
    pub key: String,
    /// What was chosen, shortened.
    pub what: String,
    /// How the other run did the like, where it did.
    pub counterpart: Option<Counterpart>,
}

/// The step of the other run that is most like one of this.
#[derive(Clone, Debug, PartialEq)]
pub struct Counterpart {
    /// Its number in the other run.
    pub number: usize,
    /// What was chosen there, shortened.
    pub what: String,
    /// The first fields of the inputs that differ.
    pub fields: Vec<Difference>,
    /// How many differ.
    pub field_count: usize,
}

/// A step of the other run that this one has none like.
#[derive(Clone, Debug, PartialEq)]
pub struct Missing {
    /// Its number in the other run.
    pub number: usize,
    /// The decision's name there.
    pub decision_id: String,
    /// Its key.
    pub key: String,
    /// What was chosen, shortened.
    pub what: String,
}

/// An earlier run by its decisions, each a key and a choice.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PastRun {
    /// The run.
    pub trace_id: String,
    /// Keys and choices, of which no more than [`CHOICE_CHARS`] characters count.
    pub choices: Vec<(String, String)>,
}

/// How much two runs have in common: twice the shared steps over all that can be compared, 0 to 1.
///
/// That is the coefficient of L. R. Dice, "Measures of the Amount of Ecologic Association Between Species" (1945).
#[must_use]
pub fn likeness(run: &Trace, other: &Trace) -> f64 {
    let ours = steps(run);
    let likeness = Likeness::of(run, &ours, other);
    let shared = likeness.shared.iter().filter(|shared| **shared == Some(true)).count();
    let there = likeness.theirs.iter().filter(|step| step.kind.is_some()).count();
    let all = likeness.shared.iter().flatten().count() + there;
    if all == 0 { 0.0 } else { 2.0 * shared as f64 / all as f64 }
}

/// Of some runs, told by the keys and choices of their decisions, those that have most in common with this one: at
/// most `most`, the likest first, of equals in the order given.
///
/// The choices may be cut, to the same number of characters in all of them.
#[must_use]
pub fn nearest(run: &Trace, others: &[PastRun], most: usize) -> Vec<String> {
    let mut own: HashMap<(&str, &str), usize> = HashMap::new();
    for (_, decision) in run.decisions() {
        *own.entry((&decision.key, cut(&decision.what))).or_default() += 1;
    }
    let count: usize = own.values().sum();
    let score = |other: &PastRun| {
        let mut left = own.clone();
        let shared =
            other.choices.iter().filter(|(key, what)| match left.get_mut(&(key.as_str(), cut(what))) {
                Some(count) if *count > 0 => {
                    *count -= 1;
                    true
                }
                _ => false,
            });
        2.0 * shared.count() as f64 / (count + other.choices.len()).max(1) as f64
    };
    let mut scored: Vec<(f64, &PastRun)> = others.iter().map(|other| (score(other), other)).collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0));
    scored.into_iter().take(most).map(|(_, other)| other.trace_id.clone()).collect()
}

fn cut(what: &str) -> &str {
    what.char_indices().nth(CHOICE_CHARS).and_then(|(end, _)| what.get(..end)).unwrap_or(what)
}

impl<'t> Likeness<'t> {
    /// Holds the steps of a run against another run.
    pub(super) fn of(run: &Trace, ours: &[Step<'_>], good: &'t Trace) -> Self {
        let is_same_query = words(&run.run.query) == words(&good.run.query);
        let theirs = steps(good);
        let (shared, left) = if is_same_query { paired(ours, &theirs) } else { of_a_kind(ours, &theirs) };
        Self { good, is_same_query, theirs, shared, left }
    }

    /// What makes the run unlike the other.
    pub(super) fn against(&self, run: &Trace, ours: &[Step<'_>]) -> Against {
        let mut steps = ours.iter().enumerate();
        let first = steps.find(|(place, step)| self.is_shared(*place, step) == Some(false));
        let first_divergence = first.map(|(_, step)| Divergence {
            number: step.number,
            decision_id: step.decision.decision_id.to_string(),
            stage: step.stage.to_owned(),
            key: step.key().to_owned(),
            what: excerpt(&step.decision.what, SHOWN_CHARS),
            counterpart: self.counterpart(step),
        });
        let (missing, missing_count) = self.missing(ours);
        let (shared, comparable, comparable_there) = self.counts(ours);
        Against {
            trace_id: self.good.trace_id.to_string(),
            outcome: Outcome::of(self.good),
            is_same_query: self.is_same_query,
            shared,
            comparable,
            comparable_there,
            first_divergence,
            missing,
            missing_count,
            stages_missing: stages_missing(self.good, run),
            stages_added: stages_missing(run, self.good),
            decisions: (ours.len(), self.theirs.len()),
            seconds: (run.run.duration_seconds, self.good.run.duration_seconds),
            cost_usd: (run.cost.cost_usd, self.good.cost.cost_usd),
        }
    }

    /// Whether the other run has a step like this one; unknown where they cannot be compared.
    pub(super) fn is_shared(&self, place: usize, step: &Step<'_>) -> Option<bool> {
        if self.compares(step) { self.shared.get(place).copied().flatten() } else { None }
    }

    /// Whether both runs were asked the same, so that inputs can be compared.
    pub(super) fn is_same_query(&self) -> bool {
        self.is_same_query
    }

    fn compares(&self, step: &Step<'_>) -> bool {
        step.identity.is_some() && (self.is_same_query || !step.has_inputs())
    }

    /// The step of the same key that the run has none like, whose inputs differ least; the earliest of several.
    pub(super) fn counterpart(&self, step: &Step<'_>) -> Option<Counterpart> {
        if !self.compares(step) {
            return None;
        }
        let inputs = step.decision.inputs.as_ref();
        let alike = self
            .left_steps()
            .filter(|other| other.key() == step.key() && other.identity.is_some())
            .take(TRIED);
        let nearest = alike.min_by_key(|other| match (inputs, &other.decision.inputs) {
            (Some(here), Some(there)) => distance(here, there),
            (None, None) => 0,
            _ => usize::MAX,
        })?;
        let (fields, field_count) = match (inputs, &nearest.decision.inputs) {
            (Some(here), Some(there)) => differences(here, there, NAMED_FIELDS),
            _ => (Vec::new(), 0),
        };
        let what = excerpt(&nearest.decision.what, SHOWN_CHARS);
        Some(Counterpart { number: nearest.number, what, fields, field_count })
    }

    /// The stage of this name in the other run.
    pub(super) fn stage(&self, name: &str) -> Option<&crate::model::Stage> {
        self.good.stages.get(name)
    }

    /// What the run has none like, without what it did in another way: as many of a key as it has of its own.
    fn missing(&self, ours: &[Step<'_>]) -> (Vec<Missing>, usize) {
        let mut other_ways: HashMap<&str, usize> = HashMap::new();
        for (step, _) in ours.iter().zip(&self.shared).filter(|(_, shared)| **shared == Some(false)) {
            *other_ways.entry(step.key()).or_default() += 1;
        }
        let mut missing: Vec<&Step<'_>> = Vec::new();
        for step in self.left_steps() {
            match other_ways.get_mut(step.key()) {
                Some(count) if *count > 0 => *count -= 1,
                _ => missing.push(step),
            }
        }
        missing.sort_by_key(|step| step.changing_verb.is_none());
        let named = missing.iter().take(NAMED).map(|step| Missing {
            number: step.number,
            decision_id: step.decision.decision_id.to_string(),
            key: step.key().to_owned(),
            what: excerpt(&step.decision.what, SHOWN_CHARS),
        });
        (named.collect(), missing.len())
    }

    fn left_steps(&self) -> impl Iterator<Item = &Step<'t>> {
        self.left.iter().filter_map(|place| self.theirs.get(*place))
    }

    /// Steps that are shared, that can be compared here, and there.
    fn counts(&self, ours: &[Step<'_>]) -> (usize, usize, usize) {
        let known = ours.iter().enumerate().filter_map(|(place, step)| self.is_shared(place, step));
        let (shared, here) =
            known.fold((0, 0), |(shared, here), is_shared| (shared + usize::from(is_shared), here + 1));
        (shared, here, self.theirs.iter().filter(|step| self.compares(step)).count())
    }
}

/// For each step whether one of the other run goes with it, which then goes with no other; and what is left there.
fn paired(ours: &[Step<'_>], theirs: &[Step<'_>]) -> (Vec<Option<bool>>, Vec<usize>) {
    let mut waiting: HashMap<u64, VecDeque<usize>> = HashMap::new();
    for (place, step) in theirs.iter().enumerate() {
        if let Some(identity) = step.identity {
            waiting.entry(identity).or_default().push_back(place);
        }
    }
    let mut take = |identity: u64| waiting.get_mut(&identity).and_then(VecDeque::pop_front).is_some();
    let shared = ours.iter().map(|step| step.identity.map(&mut take)).collect();
    let mut left: Vec<usize> = waiting.into_values().flatten().collect();
    left.sort_unstable();
    (shared, left)
}

/// For each step whether the other run has any of its kind, and what is there of kinds that this run has not: of
/// another question the same may be needed more often.
fn of_a_kind(ours: &[Step<'_>], theirs: &[Step<'_>]) -> (Vec<Option<bool>>, Vec<usize>) {
    let kinds = |steps: &[Step<'_>]| -> HashSet<u64> { steps.iter().filter_map(|step| step.kind).collect() };
    let (here, there) = (kinds(ours), kinds(theirs));
    let shared = ours.iter().map(|step| step.kind.map(|kind| there.contains(&kind))).collect();
    let is_left = |step: &Step<'_>| step.kind.is_some_and(|kind| !here.contains(&kind));
    let left = theirs.iter().enumerate().filter(|(_, step)| is_left(step)).map(|(place, _)| place).collect();
    (shared, left)
}

/// The stages of one run that another has not.
fn stages_missing(one: &Trace, other: &Trace) -> Vec<String> {
    let known: HashSet<&str> = other.stages.keys().map(String::as_str).collect();
    one.stages.keys().filter(|name| !known.contains(name.as_str())).cloned().collect()
}
