//! What happened in a run so far, as far as advice needs it.

use std::collections::{HashMap, HashSet, VecDeque};
use std::hash::{BuildHasher as _, RandomState};

use chrono::TimeDelta;
use indexmap::IndexMap;

use super::{Advice, FLOOD, FLOOD_SECONDS, OPEN_MINUTES, THIN_WHY_CHARS, UNSURE_BELOW, is_poor};
use crate::model::Timestamp;
use crate::statistics::Fared;

/// Decisions of one run that are remembered, the first ones: one that repeats itself does so early.
const REMEMBERED: usize = 200;
/// Open stages that are remembered.
const STAGES: usize = 64;

/// A decision that is being recorded, as far as advice is about it.
#[derive(Clone, Copy, Debug)]
pub struct Sketch<'d> {
    /// Its name within the run.
    pub decision_id: &'d str,
    /// Its stage.
    pub stage: &'d str,
    /// Its key.
    pub decision: &'d str,
    /// What was chosen.
    pub what: &'d str,
    /// Why.
    pub why: &'d str,
    /// What it was based on, in some written form; empty where nothing was given.
    pub inputs: &'d str,
    /// How sure the decider was.
    pub confidence: Option<f64>,
    /// Whether options not taken were given.
    pub has_alternatives: bool,
}

/// The course of one run, as one process has seen it.
#[derive(Debug, Default)]
pub struct Course {
    /// Which decision was the first to decide what, by the hash of that.
    first: HashMap<u64, String>,
    hasher: RandomState,
    /// When the last ones were made.
    times: VecDeque<Timestamp>,
    /// Stages that were begun and not ended, with the time of the last thing that happened in each.
    open: IndexMap<String, Timestamp>,
    /// What was said already.
    said: HashSet<u64>,
}

impl Course {
    /// A stage was begun.
    pub fn stage_began(&mut self, stage: &str, at: Timestamp) {
        if self.open.len() < STAGES || self.open.contains_key(stage) {
            self.open.insert(stage.to_owned(), at);
        }
    }

    /// A stage was ended.
    pub fn stage_ended(&mut self, stage: &str) {
        self.open.shift_remove(stage);
    }

    /// Takes note of a decision, and says the one thing that is most worth saying of it, if anything is.
    pub fn decided(
        &mut self,
        decision: &Sketch<'_>,
        at: Timestamp,
        fared: Option<Fared>,
        intent: Option<&str>,
    ) -> Option<Advice> {
        let repeated = self.remember(decision);
        let is_flood = self.is_flood(at);
        if let Some(last) = self.open.get_mut(decision.stage) {
            *last = at;
        }
        let forgotten = self.forgotten(decision.stage, at);
        let candidates = [
            repeated.map(|of| Advice::Repeats { of }),
            fared
                .filter(is_poor)
                .map(|fared| Advice::PoorRecord { fared, intent: intent.map(str::to_owned) }),
            (decision.confidence.is_some_and(|confidence| confidence < UNSURE_BELOW)
                && !decision.has_alternatives)
                .then_some(Advice::UnsureAlone),
            is_flood.then_some(Advice::Flood),
            forgotten,
            (decision.why.trim().chars().count() < THIN_WHY_CHARS).then_some(Advice::ThinWhy),
            (!decision.has_alternatives).then_some(Advice::NoAlternatives),
            decision.confidence.is_none().then_some(Advice::NoConfidence),
        ];
        candidates.into_iter().flatten().find(|advice| self.is_new(advice, decision))
    }

    /// The name of an earlier decision that is the same.
    fn remember(&mut self, decision: &Sketch<'_>) -> Option<String> {
        let of = (decision.stage, decision.decision, decision.what.trim(), decision.inputs);
        let hash = self.hasher.hash_one(of);
        let first = self.first.get(&hash).cloned();
        if first.is_none() && self.first.len() < REMEMBERED {
            self.first.insert(hash, decision.decision_id.to_owned());
        }
        first
    }

    fn is_flood(&mut self, at: Timestamp) -> bool {
        self.times.push_back(at);
        if self.times.len() > FLOOD {
            self.times.pop_front();
        }
        let since = at.plus(-TimeDelta::seconds(FLOOD_SECONDS));
        self.times.len() == FLOOD && self.times.front().is_some_and(|first| *first >= since)
    }

    /// Another stage in which nothing has happened for long, the first of them.
    fn forgotten(&self, current: &str, at: Timestamp) -> Option<Advice> {
        let before = at.plus(-TimeDelta::minutes(OPEN_MINUTES));
        let (stage, last) = self.open.iter().find(|(stage, last)| *stage != current && **last <= before)?;
        let minutes = (at.micros() - last.micros()) / 60_000_000;
        Some(Advice::StageOpen { stage: stage.clone(), minutes })
    }

    /// Whether this was not said before; from now on it was.
    fn is_new(&mut self, advice: &Advice, decision: &Sketch<'_>) -> bool {
        let kind = std::mem::discriminant(advice);
        let hash = match advice {
            Advice::Repeats { of } => self.hasher.hash_one((kind, of)),
            Advice::PoorRecord { .. } => {
                self.hasher.hash_one((kind, decision.decision, decision.what.trim()))
            }
            Advice::StageOpen { stage, .. } => self.hasher.hash_one((kind, stage)),
            _ => self.hasher.hash_one(kind),
        };
        self.said.len() < REMEMBERED && self.said.insert(hash)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statistics::Verdicts;

    fn at(seconds: i64) -> Timestamp {
        let start: Timestamp = "2026-02-13T14:30:22Z".parse().unwrap();
        start.plus(TimeDelta::seconds(seconds))
    }

    const GOOD: Sketch<'static> = Sketch {
        decision_id: "d1",
        stage: "collection",
        decision: "source_selection",
        what: "arxiv",
        why: "the question is about methods of this year",
        inputs: "",
        confidence: Some(0.8),
        has_alternatives: true,
    };

    fn advice(course: &mut Course, decision: &Sketch<'_>, seconds: i64) -> Option<Advice> {
        course.decided(decision, at(seconds), None, None)
    }

    #[test]
    fn a_decision_that_lacks_nothing_gets_no_advice() {
        assert_eq!(advice(&mut Course::default(), &GOOD, 0), None);
    }

    #[test]
    fn what_is_missing_is_said_one_thing_at_a_time_and_once_in_a_run() {
        let mut course = Course::default();
        let mut said = Vec::new();
        for n in 0..5 {
            let what = n.to_string();
            let bare =
                Sketch { what: &what, why: "recent", confidence: None, has_alternatives: false, ..GOOD };
            said.push(advice(&mut course, &bare, n));
        }
        let expected =
            [Some(Advice::ThinWhy), Some(Advice::NoAlternatives), Some(Advice::NoConfidence), None, None];
        assert_eq!(said, expected);
    }

    #[test]
    fn the_same_choice_on_the_same_inputs_repeats_the_first() {
        let mut course = Course::default();
        assert_eq!(advice(&mut course, &GOOD, 0), None);
        assert_eq!(advice(&mut course, &Sketch { inputs: "{\"page\":2}", ..GOOD }, 1), None);
        assert_eq!(
            advice(&mut course, &Sketch { decision_id: "d3", what: " arxiv", ..GOOD }, 2),
            Some(Advice::Repeats { of: "d1".to_owned() })
        );
        assert_eq!(advice(&mut course, &GOOD, 3), None, "it was said");
    }

    #[test]
    fn an_option_with_a_poor_record_is_told_once_for_each() {
        let mut course = Course::default();
        let (own, others) = (Verdicts { judged: 9, passed: 2 }, Verdicts { judged: 24, passed: 20 });
        let fared = Some(Fared { own, others });
        let said = course.decided(&GOOD, at(0), fared, Some("validating")).unwrap();
        insta::assert_snapshot!(said, @r#"This option failed the gate in 7 of 9 earlier runs for intent "validating"; others failed in 4 of 24."#);
        let elsewhere = Sketch { inputs: "other", ..GOOD };
        assert_eq!(course.decided(&elsewhere, at(1), fared, Some("validating")), None);
        let other = Sketch { what: "bing", ..GOOD };
        assert!(course.decided(&other, at(2), fared, None).is_some());
    }

    #[test]
    fn forty_decisions_in_two_minutes_are_too_many_and_in_three_are_not() {
        let mut slow = Course::default();
        let mut quick = Course::default();
        for n in 0..40 {
            let what = n.to_string();
            let decision = Sketch { what: &what, ..GOOD };
            assert_eq!(advice(&mut slow, &decision, n * 5), None);
            assert_eq!(advice(&mut quick, &decision, n * 3), (n == 39).then_some(Advice::Flood));
        }
    }

    #[test]
    fn a_stage_in_which_nothing_happens_is_told_of_while_another_is_at_work() {
        let mut course = Course::default();
        course.stage_began("collection", at(0));
        course.stage_began("synthesis", at(0));
        assert_eq!(advice(&mut course, &GOOD, 1_500), None, "something happens in it");
        course.stage_ended("synthesis");
        let other = Sketch { stage: "writing", ..GOOD };
        assert_eq!(advice(&mut course, &other, 3_000), None, "not for long");
        let later = Sketch { stage: "writing", what: "short", ..GOOD };
        let open = Advice::StageOpen { stage: "collection".to_owned(), minutes: 35 };
        assert_eq!(advice(&mut course, &later, 3_600), Some(open));
    }

    #[test]
    fn doubt_without_alternatives_comes_before_what_is_missing() {
        let doubt = Sketch { confidence: Some(0.5), has_alternatives: false, why: "", ..GOOD };
        assert_eq!(advice(&mut Course::default(), &doubt, 0), Some(Advice::UnsureAlone));
    }
}
