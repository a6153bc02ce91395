//! A suspect: a decision, a loop of them, or a stage, with the rules that fired and their sum.

use super::likeness::Counterpart;
use super::rule::{Finding, Rule};
use super::steps::Step;
use crate::shown::excerpt;

/// Characters of a choice, and of its inputs, that are shown.
const SHOWN_CHARS: usize = 120;

/// What may have gone wrong first.
#[derive(Clone, Debug, PartialEq)]
pub struct Suspect {
    /// Where it is.
    pub place: Place,
    /// The sum of its findings' points.
    pub score: f64,
    /// The rules that fired, in the order of the table.
    pub findings: Vec<Finding>,
    /// How the comparable run did the like, where that is known.
    pub counterpart: Option<Counterpart>,
}

/// Where a suspect is.
#[derive(Clone, Debug, PartialEq)]
pub enum Place {
    /// A decision.
    Decision {
        /// Its number in the run, from 1.
        number: usize,
        /// Its name.
        decision_id: String,
        /// Its stage.
        stage: String,
        /// Its key.
        key: String,
        /// What was chosen, shortened.
        what: String,
        /// What it was based on, shortened.
        inputs: Option<String>,
    },
    /// A stage.
    Stage {
        /// The number of its first decision, if it has one.
        number: Option<usize>,
        /// Its name.
        stage: String,
    },
}

impl Suspect {
    pub(super) fn decision(step: &Step<'_>, findings: Vec<Finding>) -> Self {
        let inputs = step.decision.inputs.as_ref().map(|inputs| excerpt(&inputs.to_string(), SHOWN_CHARS));
        let place = Place::Decision {
            number: step.number,
            decision_id: step.decision.decision_id.to_string(),
            stage: step.stage.to_owned(),
            key: step.key().to_owned(),
            what: excerpt(&step.decision.what, SHOWN_CHARS),
            inputs,
        };
        Self::at(place, findings)
    }

    pub(super) fn stage(number: Option<usize>, name: &str, findings: Vec<Finding>) -> Self {
        Self::at(Place::Stage { number, stage: name.to_owned() }, findings)
    }

    fn at(place: Place, mut findings: Vec<Finding>) -> Self {
        let order = |finding: &Finding| Rule::ALL.iter().position(|rule| *rule == finding.rule);
        findings.sort_by_key(order);
        let score = findings.iter().map(Finding::points).sum();
        Self { place, score, findings, counterpart: None }
    }

    /// The sum of what is a fault by itself.
    pub(super) fn faults(&self) -> f64 {
        let faults = self.findings.iter().filter(|finding| finding.rule.weight().is_fault);
        faults.map(Finding::points).sum()
    }

    /// Whether the rule fired.
    #[must_use]
    pub fn has(&self, rule: Rule) -> bool {
        self.findings.iter().any(|finding| finding.rule == rule)
    }

    /// The number of its decision, or of its stage's first.
    #[must_use]
    pub fn number(&self) -> Option<usize> {
        match &self.place {
            Place::Decision { number, .. } => Some(*number),
            Place::Stage { number, .. } => *number,
        }
    }
}

/// Most points first; of equal ones the earliest, and a decision before the stage that it opens.
pub(super) fn rank(suspects: &mut [Suspect]) {
    suspects.sort_by(|a, b| {
        let place = |suspect: &Suspect| {
            (suspect.number().unwrap_or(usize::MAX), matches!(suspect.place, Place::Stage { .. }))
        };
        b.score.total_cmp(&a.score).then_with(|| place(a).cmp(&place(b)))
    });
}
