//! What happens in the run of a number: when, which release ran it, what was asked, how it ended.
//!
//! What is planted is planted by number and date, not by chance, so that it is there whatever the seed.

use chrono::TimeDelta;

use super::Recipe;
use super::questions::{self, Question};
use super::random::Random;
use crate::model::Timestamp;

/// How many days before the end the last release came.
const RELEASE_DAYS: i64 = 10;

/// How many days before the end the release before it came.
const EARLIER_RELEASE_DAYS: i64 = 29;

/// Every so many runs the canary question is asked, first in the run of this number.
const CANARY: (u32, u32) = (20, 7);

/// The longest that a run takes, in minutes: the last one has ended when the history has.
const LONGEST_MINUTES: i64 = 20;

/// One run before it is told.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    /// Its place in the history, from 1.
    pub number: u32,
    /// When it begins.
    pub started_at: Timestamp,
    /// Which release of the pipeline runs it.
    pub release: Release,
    /// What is asked.
    pub question: Question,
    /// Whether it is the question that is asked again and again, to see what a release changes.
    pub is_canary: bool,
    /// How it ends.
    pub fate: Fate,
    /// The chances of everything that is left open.
    pub random: Random,
}

/// A release of the pipeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Release {
    /// The first one.
    V2_2,
    /// A newer model.
    V2_3,
    /// The one that makes one decision differently.
    V2_4,
}

/// How a run ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It is judged.
    Judged,
    /// Its sources stay away while it collects.
    SourcesFailed,
    /// The model fails while it writes.
    ModelFailed,
    /// Somebody cancels it after the collection.
    Cancelled,
    /// Nothing is heard of it after its first stage.
    Abandoned,
}

impl Plan {
    /// The run of this number.
    pub(super) fn of(recipe: &Recipe, number: u32) -> Self {
        let mut random = Random::new(recipe.seed, number.into());
        let is_canary = is_canary(number);
        let started_at = started_at(recipe, number).plus(TimeDelta::seconds(random.between(0, 59)));
        let question = if is_canary { questions::canary() } else { questions::ask(number, &mut random) };
        Self {
            number,
            started_at,
            release: Release::at(recipe, started_at),
            question,
            is_canary,
            fate: if is_canary { Fate::Judged } else { Fate::of(number) },
            random,
        }
    }

    /// The chances behind its choices: those of canaries are alike, as the same question on the same sources gives
    /// the same decisions.
    pub(super) fn choices(&self) -> Random {
        if self.is_canary { Random::new(0, 0) } else { self.random.clone() }
    }

    /// Whether it was run by the release that makes one decision differently.
    pub(super) fn is_regressed(&self) -> bool {
        self.release == Release::V2_4
    }
}

impl Release {
    fn at(recipe: &Recipe, moment: Timestamp) -> Self {
        let days_before_end = |days| recipe.until.plus(-TimeDelta::days(days));
        if moment >= days_before_end(RELEASE_DAYS) {
            Self::V2_4
        } else if moment >= days_before_end(EARLIER_RELEASE_DAYS) {
            Self::V2_3
        } else {
            Self::V2_2
        }
    }

    /// Its version.
    pub(super) fn version(self) -> &'static str {
        match self {
            Self::V2_2 => "2.2.1",
            Self::V2_3 => "2.3.0",
            Self::V2_4 => "2.4.0",
        }
    }

    /// The model that it writes with.
    pub(super) fn model(self) -> &'static str {
        match self {
            Self::V2_2 => "atlas-medium-1",
            Self::V2_3 | Self::V2_4 => "atlas-medium-2",
        }
    }
}

impl Fate {
    /// About one run in ten does not get as far as the gate.
    fn of(number: u32) -> Self {
        match (number % 31, number % 43, number % 71) {
            (12, _, _) => Self::SourcesFailed,
            (25, _, _) => Self::ModelFailed,
            (_, 18, _) => Self::Abandoned,
            (_, _, 40) => Self::Cancelled,
            _ => Self::Judged,
        }
    }
}

/// The numbers of the last canaries before and after the release.
pub(super) fn canaries(recipe: &Recipe) -> (u32, u32) {
    let is_after = |number: &u32| Plan::of(recipe, *number).is_regressed();
    let last = |after: bool| {
        (1..=recipe.runs).rev().filter(|number| is_canary(*number)).find(|number| is_after(number) == after)
    };
    (last(false).unwrap_or(1), last(true).unwrap_or(recipe.runs))
}

fn is_canary(number: u32) -> bool {
    number % CANARY.0 == CANARY.1
}

/// Runs begin at even distances, the last one early enough to end.
fn started_at(recipe: &Recipe, number: u32) -> Timestamp {
    let span = TimeDelta::days(Recipe::DAYS) - TimeDelta::minutes(LONGEST_MINUTES);
    let before_end = span * i32::try_from(recipe.runs.saturating_sub(number)).unwrap_or(i32::MAX)
        / i32::try_from(recipe.runs).unwrap_or(i32::MAX);
    recipe.until.plus(-TimeDelta::minutes(LONGEST_MINUTES)).plus(-before_end)
}
