//! Where a run left the way that a group of runs usually goes.
//!
//! A place is a stage and a key, and how often they occurred before in the run: the second `lookup / search` of one run
//! is held against the second of the others. The usual way is, of each place, how many runs of the group have it and what
//! most of them chose there. What few of them did is a departure, and what most did and the run did not is missing. The
//! figures of the run stand beside the group's median and its 10th and 90th percentiles.
//!
//! What is chosen is compared by its words; what is only said, such as replies to a user, is left out. Where the group has no common choice at a place (sentences, say), none is
//! unusual there.

use std::collections::{BTreeMap, HashMap};

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Serialize;

use super::quoted;
use super::sameness::Speech;
use crate::model::Trace;
use crate::scorecard::{duration_text, money_text};
use crate::shown::excerpt;
use crate::statistics::Sample;
use crate::words::choice;

/// Fewer runs are no group: what one in four does is neither usual nor unusual.
pub const LEAST_RUNS: usize = 5;
/// At most this share of the group is few.
const FEW: f64 = 0.2;
/// At least this share of the group is most.
const MOST: f64 = 0.8;
/// So many turns of one stage and key are told apart.
const TURNS: usize = 20;
/// Departures and missing places that are told.
const TOLD: usize = 10;

/// One run of a group.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct UsualRun {
    /// Seconds from beginning to end.
    pub duration_seconds: Option<f64>,
    /// US dollars.
    pub cost_usd: Option<f64>,
    /// How many decisions it made.
    pub decisions: u64,
    /// Its stages, with the seconds spent in each.
    pub stages: Vec<(String, Option<f64>)>,
    /// What it decided, in its order: stage, key, and what was chosen, folded to words.
    pub choices: Vec<(String, String, String)>,
}

/// A run held against a group.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Departure {
    /// How many runs the group has.
    pub runs: usize,
    /// What few of the group did, in the run's order: the first few.
    pub departures: Vec<Unusual>,
    /// How many there are in all.
    pub departures_in_all: usize,
    /// What most of the group have and the run lacks, the most usual first: the first few.
    pub missing: Vec<Missing>,
    /// How many there are in all.
    pub missing_in_all: usize,
    /// Decisions, duration, cost, and the duration of each stage.
    pub measures: Vec<Measured>,
}

/// A decision that few of the group made, or made so.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[schemars(inline)]
pub struct Unusual {
    /// Its place in the run, from 1.
    pub number: usize,
    /// Its name in the run.
    pub decision_id: String,
    /// Its stage.
    pub stage: String,
    /// Its key.
    pub decision: String,
    /// The how manieth of its stage and key, from 1.
    pub turn: usize,
    /// What was chosen, shortened.
    pub what: String,
    /// Runs of the group that made such a decision at all.
    pub made_by: usize,
    /// Those that chose the same.
    pub chosen_by: usize,
    /// What most of them chose, folded to words and shortened; absent where they have no common choice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usual: Option<String>,
    /// Runs that chose that.
    pub usual_by: usize,
}

/// A decision that most of the group made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(inline)]
pub struct Missing {
    /// Its stage.
    pub stage: String,
    /// Its key.
    pub decision: String,
    /// The how manieth of its stage and key, from 1.
    pub turn: usize,
    /// Runs of the group that made it.
    pub made_by: usize,
}

/// A figure of the run beside the group's.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[schemars(inline)]
pub struct Measured {
    /// `decisions`, `duration_seconds`, `cost_usd`, or the stage whose seconds these are.
    pub of: String,
    /// Whether it is a stage.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub is_stage: bool,
    /// Of the run; absent where it is not known.
    pub run: Option<f64>,
    /// Runs of the group of which it is known.
    pub n: u64,
    /// Their median.
    pub median: f64,
    /// Their 10th percentile.
    pub p10: f64,
    /// Their 90th percentile.
    pub p90: f64,
}

/// What a group has at one place.
#[derive(Default)]
struct Place {
    made_by: usize,
    choices: BTreeMap<String, usize>,
}

/// Holds a run against a group.
#[must_use]
pub fn departure(run: &Trace, group: &[UsualRun]) -> Departure {
    let usual = usual(group);
    let few = |count: usize| is_few(count, group.len());
    let most = |count: usize| count as f64 >= MOST * group.len() as f64;
    let mut own: HashMap<(&str, &str), usize> = HashMap::new();
    let mut by_time: Vec<_> = run.decisions().collect();
    by_time.sort_by_key(|(_, decision)| decision.timestamp);
    let speech = Speech::of(by_time.iter().map(|(_, decision)| *decision));
    let mut departures = Vec::new();
    for (place, (stage, decision)) in by_time.into_iter().enumerate() {
        let turn = own.entry((stage, &decision.key)).or_default();
        *turn += 1;
        let nothing = Place::default();
        let at = usual.get(&(stage, decision.key.as_str(), *turn)).unwrap_or(&nothing);
        let chosen_by = at.choices.get(&choice(&decision.what)).copied().unwrap_or(0);
        let common = at.choices.iter().max_by_key(|(choice, count)| (**count, std::cmp::Reverse(*choice)));
        let common = common.filter(|(_, count)| **count * 2 > at.made_by);
        let is_unusual = if few(at.made_by) { *turn <= TURNS } else { common.is_some() && few(chosen_by) };
        if is_unusual && !speech.has(&decision.key) {
            departures.push(Unusual {
                number: place + 1,
                decision_id: decision.decision_id.to_string(),
                stage: stage.to_owned(),
                decision: decision.key.clone(),
                turn: *turn,
                what: excerpt(&decision.what, 200),
                made_by: at.made_by,
                chosen_by,
                usual: common.map(|(choice, _)| excerpt(choice, 100)),
                usual_by: common.map_or(0, |(_, count)| *count),
            });
        }
    }
    let lacks =
        |(stage, key, turn): &(&str, &str, usize)| own.get(&(*stage, *key)).is_none_or(|own| own < turn);
    let mut missing: Vec<Missing> = usual
        .iter()
        .filter(|(place, at)| most(at.made_by) && lacks(place))
        .map(|((stage, key, turn), at)| Missing {
            stage: (*stage).to_owned(),
            decision: (*key).to_owned(),
            turn: *turn,
            made_by: at.made_by,
        })
        .collect();
    missing.sort_by_key(|one| std::cmp::Reverse(one.made_by));
    let (departures_in_all, missing_in_all) = (departures.len(), missing.len());
    departures.truncate(TOLD);
    missing.truncate(TOLD);
    Departure {
        runs: group.len(),
        departures,
        departures_in_all,
        missing,
        missing_in_all,
        measures: measures(run, group),
    }
}

impl Unusual {
    /// How unusual it is in a group of so many runs.
    #[must_use]
    pub fn told(&self, runs: usize) -> String {
        let again = again(self.turn);
        match &self.usual {
            Some(usual) if !is_few(self.made_by, runs) => format!(
                "{} of {runs} chose this{again}; usually {} ({} of {})",
                self.chosen_by,
                quoted(usual),
                self.usual_by,
                self.made_by
            ),
            _ => format!("{} of {runs} made this decision{again}", self.made_by),
        }
    }
}

impl Missing {
    /// How usual it is in a group of so many runs.
    #[must_use]
    pub fn told(&self, runs: usize) -> String {
        format!("{} of {runs} made this decision{}", self.made_by, again(self.turn))
    }
}

impl Measured {
    /// The figure beside the group's: `duration 4m 22s, usually 1m 23s (58.0s to 2m 10s)`.
    #[must_use]
    pub fn told(&self) -> String {
        let (name, text): (&str, fn(f64) -> String) = match self.of.as_str() {
            stage if self.is_stage => (stage, duration_text),
            "duration_seconds" => ("duration", duration_text),
            "cost_usd" => ("cost", money_text),
            other => (other, |count| format!("{count:.0}")),
        };
        let run = self.run.map_or_else(|| "-".to_owned(), text);
        format!("{name} {run}, usually {} ({} to {})", text(self.median), text(self.p10), text(self.p90))
    }
}

/// ` a 2nd time`, and nothing for the first.
fn again(turn: usize) -> String {
    let ending = match (turn % 100, turn % 10) {
        (11..=13, _) => "th",
        (_, 1) => "st",
        (_, 2) => "nd",
        (_, 3) => "rd",
        _ => "th",
    };
    if turn > 1 { format!(" a {turn}{ending} time") } else { String::new() }
}

fn is_few(count: usize, runs: usize) -> bool {
    count as f64 <= FEW * runs as f64
}

/// What the group does at each place, in the order in which the places are met.
fn usual(group: &[UsualRun]) -> IndexMap<(&str, &str, usize), Place> {
    let mut usual: IndexMap<(&str, &str, usize), Place> = IndexMap::new();
    for run in group {
        let mut turns: HashMap<(&str, &str), usize> = HashMap::new();
        for (stage, key, choice) in &run.choices {
            let turn = turns.entry((stage, key)).or_default();
            *turn += 1;
            if *turn <= TURNS {
                let place = usual.entry((stage, key, *turn)).or_default();
                place.made_by += 1;
                *place.choices.entry(choice.clone()).or_default() += 1;
            }
        }
    }
    usual
}

fn measures(run: &Trace, group: &[UsualRun]) -> Vec<Measured> {
    let count = run.decisions().count();
    let mut measures = Vec::new();
    let decisions = group.iter().map(|one| one.decisions as f64);
    measures.extend(Measured::of("decisions", false, Some(count as f64), decisions));
    let seconds = group.iter().filter_map(|one| one.duration_seconds);
    measures.extend(Measured::of("duration_seconds", false, run.run.duration_seconds, seconds));
    let dollars = group.iter().filter_map(|one| one.cost_usd);
    measures.extend(Measured::of("cost_usd", false, run.cost.cost_usd, dollars));
    for (name, stage) in &run.stages {
        let of_stage =
            |one: &UsualRun| one.stages.iter().find(|(stage, _)| stage == name).and_then(|(_, s)| *s);
        measures.extend(Measured::of(name, true, stage.duration_seconds, group.iter().filter_map(of_stage)));
    }
    measures
}

impl Measured {
    /// `None` where the group has too few such figures, or the run none.
    fn of(name: &str, is_stage: bool, run: Option<f64>, group: impl Iterator<Item = f64>) -> Option<Self> {
        let mut sample = Sample::default();
        group.for_each(|number| sample.add(number));
        let sorted = sample.sorted();
        let is_known = run.is_some() && sample.n() >= LEAST_RUNS as u64;
        is_known.then_some(())?;
        Some(Self {
            of: name.to_owned(),
            is_stage,
            run,
            n: sample.n(),
            median: sorted.quantile(0.5)?,
            p10: sorted.quantile(0.1)?,
            p90: sorted.quantile(0.9)?,
        })
    }

    /// Whether the run lies outside of what nine and one in ten of the group reach.
    #[must_use]
    pub fn is_unusual(&self) -> bool {
        self.run.is_some_and(|run| run < self.p10 || run > self.p90)
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::deciding;
    use super::*;

    fn usual_run(choices: &[(&str, &str, &str)]) -> UsualRun {
        let owned = |(stage, key, choice): &(&str, &str, &str)| {
            ((*stage).to_owned(), (*key).to_owned(), (*choice).to_owned())
        };
        UsualRun {
            decisions: choices.len() as u64,
            choices: choices.iter().map(owned).collect(),
            ..UsualRun::default()
        }
    }

    const NOTHING: serde_json::Value = serde_json::Value::Null;

    #[test]
    fn what_few_did_and_what_most_did_is_told_with_counts() {
        let mut group =
            vec![usual_run(&[("s", "plan", "wide"), ("s", "source", "exa"), ("t", "check", "yes")]); 9];
        group.push(usual_run(&[("s", "source", "google"), ("t", "check", "yes"), ("t", "retry", "once")]));
        let run = deciding(
            "b",
            &[
                ("s", "plan", "Wide!", NOTHING),
                ("s", "source", "google", NOTHING),
                ("t", "retry", "once", NOTHING),
            ],
        );
        let told = departure(&run, &group);
        let first = &told.departures[0];
        assert_eq!(
            (first.number, first.decision.as_str(), first.made_by, first.chosen_by),
            (2, "source", 10, 1)
        );
        assert_eq!((first.usual.as_deref(), first.usual_by), (Some("exa"), 9));
        assert_eq!((told.departures[1].decision.as_str(), told.departures[1].made_by), ("retry", 1));
        assert_eq!(
            told.missing,
            [Missing { stage: "t".into(), decision: "check".into(), turn: 1, made_by: 10 }]
        );
    }

    #[test]
    fn sentences_are_not_unusual_and_one_turn_more_of_a_loop_is() {
        let said = |n: usize| format!("sentence number {n}");
        let group: Vec<UsualRun> =
            (0..6).map(|n| usual_run(&[("r", "reply", &said(n)), ("l", "find", "find")])).collect();
        let run = deciding(
            "b",
            &[
                ("r", "reply", "another", NOTHING),
                ("l", "find", "find", NOTHING),
                ("l", "find", "find", NOTHING),
            ],
        );
        let told = departure(&run, &group);
        let places: Vec<_> = told.departures.iter().map(|one| (one.number, one.turn, one.made_by)).collect();
        assert_eq!(places, [(3, 2, 0)]);
        let decisions = &told.measures[0];
        assert_eq!((decisions.median, decisions.p90, decisions.is_unusual()), (2.0, 2.0, true));
    }
}
