//! The rules at work: each looks at a run as a whole and says what it finds of a step or of a stage.
//!
//! A file holds the rules that go by the same facts. None knows of the others, and none decides what is suspected:
//! the sum does.

mod amounts;
mod claims;
mod comparison;
mod errors;
mod flow;
mod habit;
mod hindsight;
mod loops;
mod principles;

use indexmap::IndexMap;

pub(super) use self::loops::Loops;
use super::habits::Habits;
use super::likeness::Likeness;
use super::outcome::Outcome;
use super::rule::{Finding, Rule};
use super::steps::Step;
use crate::model::Trace;

/// What the rules go by.
pub(super) struct Case<'c, 't> {
    pub trace: &'t Trace,
    pub steps: &'c [Step<'t>],
    pub outcome: Outcome,
    pub likeness: Option<&'c Likeness<'t>>,
    pub habits: &'c Habits,
    pub loops: &'c Loops,
}

/// What was found of a run.
#[derive(Debug, Default)]
pub(super) struct Found<'t> {
    /// Of each step, by its place.
    pub of_steps: Vec<Vec<Finding>>,
    /// Of stages, by their names.
    pub of_stages: IndexMap<&'t str, Vec<Finding>>,
}

/// Lets every rule look at the run.
pub(super) fn find<'t>(case: &Case<'_, 't>) -> Found<'t> {
    let mut found = Found { of_steps: vec![Vec::new(); case.steps.len()], of_stages: IndexMap::new() };
    hindsight::look(case, &mut found);
    comparison::look(case, &mut found);
    errors::look(case, &mut found);
    claims::look(case, &mut found);
    loops::look(case, &mut found);
    habit::look(case, &mut found);
    amounts::look(case, &mut found);
    principles::look(case, &mut found);
    flow::look(case, &mut found);
    found
}

impl<'t> Found<'t> {
    fn step(&mut self, place: usize, rule: Rule, said: impl Into<String>) {
        if let Some(findings) = self.of_steps.get_mut(place) {
            findings.push(Finding::new(rule, said));
        }
    }

    fn stage(&mut self, name: &'t str, rule: Rule, said: impl Into<String>) {
        self.of_stages.entry(name).or_default().push(Finding::new(rule, said));
    }

    /// Whether the rule fired for the step.
    fn has(&self, place: usize, rule: Rule) -> bool {
        self.of_steps.get(place).is_some_and(|findings| findings.iter().any(|finding| finding.rule == rule))
    }
}
