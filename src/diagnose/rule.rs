//! The rules by which a decision or a stage becomes a suspect, and what each of them weighs.
//!
//! [`Rule::weight`] is the one table. Points are added up, so that anybody can do the sum again. They are halves and
//! wholes, chosen by hand and then tried on runs of real agents whose first wrong step is known: the order of
//! magnitude matters, the second digit does not. What a rule says of a certain decision, with its numbers, is a
//! [`Finding`].

/// A reason to look at a decision or a stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Rule {
    /// Somebody said later that the decision was wrong.
    SaidWrong,
    /// The run's record denies what is claimed.
    Contradicted,
    /// It has an error of its own.
    Error,
    /// The run's error is this one.
    BrokeTheRun,
    /// Its key says that it changes something.
    ChangesTheWorld,
    /// The comparable run that went well has none like it.
    NotInGoodRun,
    /// The comparable run that went well, which was asked something else, chose otherwise.
    OtherChoice,
    /// The comparable run that went well has the same.
    InGoodRun,
    /// Its agent took it back later.
    Corrected,
    /// Runs that chose the same failed more often than those that chose otherwise.
    BadOption,
    /// A failing principle names it.
    GapNamesIt,
    /// The same thing over and over, with the same result.
    Stuck,
    /// The same thing more than once.
    Repeated,
    /// A number of one name differs between two places of the run.
    NumbersDiffer,
    /// What came back reads as an error.
    ReadsAsError,
    /// Nothing came back.
    EmptyResult,
    /// Later decisions use what it gave, though that was wrong.
    BuiltUpon,
    /// Less sure than decisions of its key usually are.
    LowConfidence,
    /// No alternatives, where others of its key have them.
    NoAlternatives,
    /// No evidence, where others of its key have it.
    NoEvidence,
    /// It took much longer than usual.
    Slow,
    /// It cost much more than in the comparable run.
    Costly,
    /// The last thing that a run did which did not come to its end.
    LastBeforeTheEnd,
    /// It failed, and the next attempt at the same succeeded.
    Recovered,
}

/// What a rule weighs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Weight {
    /// The rule's name in answers.
    pub name: &'static str,
    /// Points for a suspect; negative where it speaks for it.
    pub points: f64,
    /// Why so many.
    pub reason: &'static str,
    /// Whether it is a fault by itself. What is not only decides which of several to look at first: a run that went
    /// well changes things, too.
    pub is_fault: bool,
}

/// A rule that fired.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// The rule.
    pub rule: Rule,
    /// What it saw, with the numbers that it went by.
    pub said: String,
}

impl Rule {
    /// All rules, in the order in which what they say is told.
    pub const ALL: [Self; 24] = [
        Self::SaidWrong,
        Self::Error,
        Self::BrokeTheRun,
        Self::Contradicted,
        Self::NotInGoodRun,
        Self::OtherChoice,
        Self::ChangesTheWorld,
        Self::Corrected,
        Self::BadOption,
        Self::GapNamesIt,
        Self::Stuck,
        Self::NumbersDiffer,
        Self::ReadsAsError,
        Self::EmptyResult,
        Self::BuiltUpon,
        Self::LowConfidence,
        Self::NoAlternatives,
        Self::NoEvidence,
        Self::Slow,
        Self::Costly,
        Self::Repeated,
        Self::LastBeforeTheEnd,
        Self::InGoodRun,
        Self::Recovered,
    ];

    /// The table: what each rule weighs, and why.
    #[must_use]
    pub fn weight(self) -> Weight {
        let (name, points, is_fault, reason) = match self {
            Self::SaidWrong => {
                ("said_wrong", 20.0, true, "somebody looked and said so: all other rules together guess")
            }
            Self::Error => ("error", 3.0, true, "the run itself says that this did not work"),
            Self::BrokeTheRun => ("broke_the_run", 2.0, true, "the run ended with the same words"),
            Self::Contradicted => {
                ("contradicted", 3.0, true, "a claim that the record denies misleads all that follows")
            }
            Self::ChangesTheWorld => (
                "changes_the_world",
                3.0,
                false,
                "what was read can be read again, what was changed stays changed; in 85 failing runs of an airline's \
                 agent this alone doubled how often the first suspect was the first wrong action",
            ),
            Self::NotInGoodRun => {
                ("not_in_good_run", 2.0, false, "of what both runs did, nothing can explain that one failed")
            }
            Self::OtherChoice => {
                ("other_choice", 1.0, false, "another question may need another choice, but of the same kind")
            }
            Self::InGoodRun => {
                ("in_good_run", -2.5, false, "the other run went well with it, whatever it changes")
            }
            Self::Corrected => ("corrected", 2.0, true, "its own agent no longer holds it"),
            Self::BadOption => (
                "bad_option",
                2.0,
                false,
                "its record is worse than that of the other options, which made it no mistake yet",
            ),
            Self::GapNamesIt => ("gap_names_it", 2.0, true, "whoever judged the run pointed at it"),
            Self::Stuck => {
                ("stuck", 2.0, true, "going on where nothing changes is a fault whatever it began with")
            }
            Self::NumbersDiffer => (
                "numbers_differ",
                1.0,
                true,
                "less than a contradiction: stages may count different things alike",
            ),
            Self::Repeated => ("repeated", 0.5, true, "agents repeat what did not give what they wanted"),
            Self::ReadsAsError => (
                "reads_as_error",
                1.0,
                true,
                "less than an error: tools also answer so when they were only tried",
            ),
            Self::EmptyResult => ("empty_result", 0.5, true, "nothing found is often an answer"),
            Self::BuiltUpon => {
                ("built_upon", 1.0, true, "what is used later does more harm than what is dropped")
            }
            Self::LowConfidence => ("low_confidence", 1.0, true, "the decider doubted it, and seldom does"),
            Self::NoAlternatives => {
                ("no_alternatives", 1.0, true, "others weighed something else before this")
            }
            Self::NoEvidence => ("no_evidence", 1.0, true, "others of its key rest on something"),
            Self::Slow => ("slow", 1.0, true, "retries, timeouts and wandering take time; so does hard work"),
            Self::Costly => ("costly", 1.0, true, "as for time"),
            Self::LastBeforeTheEnd => {
                ("last_before_the_end", 1.0, false, "where it stopped is where to begin")
            }
            Self::Recovered => ("recovered", -2.0, false, "the next attempt made up for it"),
        };
        Weight { name, points, reason, is_fault }
    }
}

impl Finding {
    pub(super) fn new(rule: Rule, said: impl Into<String>) -> Self {
        Self { rule, said: said.into() }
    }

    /// Its points.
    #[must_use]
    pub fn points(&self) -> f64 {
        self.rule.weight().points
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_rule_has_a_name_of_its_own_a_reason_and_points_in_halves() {
        let names: HashSet<&str> = Rule::ALL.iter().map(|rule| rule.weight().name).collect();
        assert_eq!(names.len(), Rule::ALL.len());
        for rule in Rule::ALL {
            let weight = rule.weight();
            assert!(!weight.reason.is_empty());
            assert!((weight.points * 2.0).fract() == 0.0 && weight.points != 0.0, "{}", weight.name);
        }
    }

    #[test]
    fn a_decision_that_was_said_to_be_wrong_outweighs_what_is_not_a_fault() {
        let harmless: f64 = Rule::ALL
            .iter()
            .map(|rule| rule.weight())
            .filter(|weight| !weight.is_fault)
            .map(|weight| weight.points)
            .sum();
        assert!(Rule::SaidWrong.weight().points > harmless);
    }
}
