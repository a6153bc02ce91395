//! What is worth saying to an agent at the moment at which it records a decision.
//!
//! At most one line a decision, about that decision, and nothing twice in a run: advice that always comes is not
//! read. Pure: [`Course`] is told what happened in a run, and says what is worth saying of the next decision. How the
//! chosen option fared in earlier runs is looked up by whoever asks.

mod course;

use std::fmt;

pub use course::{Course, Sketch};

use crate::shown::excerpt;

/// Confidence below which a choice without alternatives is worth a word.
const UNSURE_BELOW: f64 = 0.6;
/// A reason of fewer characters says too little to judge the decision by later.
const THIN_WHY_CHARS: usize = 20;
/// So many decisions within two minutes are steps rather than choices.
const FLOOD: usize = 40;
const FLOOD_SECONDS: i64 = 120;
/// Minutes after which a stage that nobody works in any more has probably been forgotten.
const OPEN_MINUTES: i64 = 30;
/// Runs that have to have a verdict before an option's record is told.
const LEAST_RUNS: u64 = 5;

/// How an option fared where it was chosen before, for the same decision and the same kind of run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fared {
    /// Runs that chose it and passed the quality gate.
    pub passed: u64,
    /// Runs that chose it and did not.
    pub failed: u64,
    /// Runs that decided the same question otherwise, and passed.
    pub others_passed: u64,
    /// Runs that decided the same question otherwise, and did not.
    pub others_failed: u64,
}

impl Fared {
    /// Whether it is worth a warning: at least five runs with a verdict, two thirds of them bad, and worse than the
    /// runs that decided otherwise, where there are any. A lead for somebody about to decide, and no test.
    #[must_use]
    pub fn is_bad(self) -> bool {
        let runs = self.passed + self.failed;
        let others = self.others_passed + self.others_failed;
        // failed / runs > others_failed / others, without the divisions.
        let is_worse = others == 0 || self.failed * others > self.others_failed * runs;
        runs >= LEAST_RUNS && self.failed * 3 >= runs * 2 && is_worse
    }
}

/// One thing that is worth saying of a decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Advice {
    /// The run decided the same before.
    Repeats {
        /// That decision's name.
        of: String,
    },
    /// The option went wrong before.
    PoorRecord {
        /// How it fared.
        fared: Fared,
        /// Of which kind of run, where that is known.
        intent: Option<String>,
    },
    /// Little confidence, and nothing said of what else there was.
    UnsureAlone,
    /// So many decisions in a short time.
    Flood,
    /// A stage that was not ended.
    StageOpen {
        /// Its name.
        stage: String,
        /// For how long, in minutes.
        minutes: i64,
    },
    /// A reason that says little.
    ThinWhy,
    /// No alternatives.
    NoAlternatives,
    /// No confidence.
    NoConfidence,
}

impl fmt::Display for Advice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Repeats { of } => write!(
                f,
                "The same as decision {} of this run: if nothing has changed since, the result will not either.",
                name(of)
            ),
            Self::PoorRecord { fared, intent } => {
                let intent =
                    intent.as_ref().map(|intent| format!(" for intent {}", name(intent))).unwrap_or_default();
                let (failed, runs) = (fared.failed, fared.passed + fared.failed);
                write!(f, "This option failed the gate in {failed} of {runs} earlier runs{intent}")?;
                match fared.others_passed + fared.others_failed {
                    0 => write!(f, "."),
                    others => write!(f, "; others failed in {} of {others}.", fared.others_failed),
                }
            }
            Self::UnsureAlone => {
                write!(
                    f,
                    "You are unsure and name no alternative: what else could be done, and what would tell?"
                )
            }
            Self::Flood => write!(
                f,
                "{FLOOD} decisions in two minutes: record choices that could have gone otherwise, not steps."
            ),
            Self::StageOpen { stage, minutes } => write!(
                f,
                "Stage {} has been open for {minutes} min: end it (trace_record, stage_end) if it is done.",
                name(stage)
            ),
            Self::ThinWhy => {
                write!(f, "The why is thin: next time say what spoke for this choice and against the others.")
            }
            Self::NoAlternatives => {
                write!(f, "No alternatives were given: next time name the options not taken, and why not.")
            }
            Self::NoConfidence => write!(
                f,
                "No confidence was given: next time say 0..1 how sure you are, so that it can be checked later."
            ),
        }
    }
}

/// A name that somebody else may have given, in quotation marks that it cannot close.
fn name(name: &str) -> String {
    format!("\"{}\"", excerpt(name, 60).replace('"', "'"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_option_is_bad_when_it_failed_often_and_more_often_than_others() {
        let fared = |passed, failed, others_passed, others_failed| Fared {
            passed,
            failed,
            others_passed,
            others_failed,
        };
        assert!(fared(2, 7, 0, 0).is_bad() && fared(2, 7, 20, 10).is_bad());
        assert!(!fared(0, 4, 9, 0).is_bad(), "too few");
        assert!(!fared(4, 6, 9, 1).is_bad(), "not often enough");
        assert!(!fared(2, 7, 1, 9).is_bad(), "the question goes wrong whatever is chosen");
    }
}
