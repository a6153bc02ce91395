//! What is worth saying to an agent at the moment at which it records a decision.
//!
//! At most one line a decision, about that decision, and nothing twice in a run: advice that always comes is not
//! read. Pure: [`Course`] is told what happened in a run, and says what is worth saying of the next decision. How the
//! chosen option fared in earlier runs is looked up by whoever asks.

mod course;

use std::fmt;

pub use course::{Course, Sketch};

use crate::shown::quoted;
use crate::statistics::Fared;

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
                let Fared { own, others } = fared;
                let (failed, runs) = (own.failed(), own.judged);
                write!(f, "This option failed the gate in {failed} of {runs} earlier runs{intent}")?;
                match others.judged {
                    0 => write!(f, "."),
                    runs => write!(f, "; others failed in {} of {runs}.", others.failed()),
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

/// Whether how an option fared before, for the same decision and the same kind of run, is worth a warning: at least five
/// runs with a verdict, two thirds of them bad, and worse than the runs that decided otherwise, where there are any. A
/// lead for somebody about to decide, and no test.
fn is_poor(fared: &Fared) -> bool {
    let (own, others) = (fared.own, fared.others);
    // own.failed / own.judged > others.failed / others.judged, without the divisions.
    let is_worse = others.judged == 0 || own.failed() * others.judged > others.failed() * own.judged;
    own.judged >= LEAST_RUNS && own.failed() * 3 >= own.judged * 2 && is_worse
}

/// A name that somebody else may have given, in quotation marks that it cannot close.
fn name(name: &str) -> String {
    quoted(name, 60)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statistics::Verdicts;

    #[test]
    fn an_option_is_poor_when_it_failed_often_and_more_often_than_others() {
        let is_poor = |own: (u64, u64), others: (u64, u64)| {
            let of = |(passed, failed)| Verdicts { judged: passed + failed, passed };
            is_poor(&Fared { own: of(own), others: of(others) })
        };
        assert!(is_poor((2, 7), (0, 0)) && is_poor((2, 7), (20, 10)));
        assert!(!is_poor((0, 4), (9, 0)), "too few");
        assert!(!is_poor((4, 6), (9, 1)), "not often enough");
        assert!(!is_poor((2, 7), (1, 9)), "the question goes wrong whatever is chosen");
    }
}
