//! The calibration flags once more, by plain loops over the runs that had ended when each run ended.
//!
//! Written from the design's table, without the windows, baselines and checks of the crate; but see [`confidence`].
//! [`Watch`] lives through a history and holds what the flags have to be at its end.

mod confidence;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::TimeDelta;
use whytrace::calibration::{AlertKind, CalibrationRules, Finding, Flag, FlagKey, FlagScope, FlagState};
use whytrace::gate::request::FlagAction;
use whytrace::model::{FlagNote, Timestamp, TraceId};
use whytrace::statistics::RunFacts;
use whytrace::statistics::confidence::RunConfidence;

use super::plain::{end, mean, same};
use super::recording::{Happened, Told};

const REPEATED: &str = "repeated_principle_failure";
const INTENT: &str = "intent_quality_disparity";
const DOMAIN: &str = "domain_quality_disparity";
const REGRESSION: &str = "quality_gate_regression";

/// Kind, subject, project.
type Key = (&'static str, String, String);

/// What the flags of a history have to be.
#[derive(Default)]
pub(super) struct Watch {
    rules: CalibrationRules,
    pub flags: BTreeMap<Key, PlainFlag>,
    /// What each run has to have noted, by run.
    pub notes: HashMap<String, Vec<PlainNote>>,
    /// Which runs have to be marked for review.
    pub marked: HashMap<String, bool>,
    /// Announcements: when, and of what.
    pub announced: Vec<(Timestamp, Key)>,
    /// What of the window of confidence made a difference.
    pub mattered: BTreeSet<&'static str>,
    ended: Vec<RunFacts>,
    /// How runs stand, ended or not, and what they say of confidence.
    told: BTreeMap<TraceId, (RunFacts, RunConfidence)>,
}

/// A flag as it has to be.
#[derive(Clone, Debug)]
pub(super) struct PlainFlag {
    state: FlagState,
    latest: PlainNote,
    fired_by: Vec<(Timestamp, TraceId)>,
    announced_at: Timestamp,
    counted_after: Option<Timestamp>,
    alerts: Vec<(Timestamp, AlertKind)>,
}

/// What a run has to have found.
#[derive(Clone, Debug)]
pub(super) struct PlainNote {
    key: Key,
    severity: &'static str,
    runs: Vec<TraceId>,
    numbers: Numbers,
    contributes: bool,
}

#[derive(Clone, Debug)]
enum Numbers {
    Gaps { judged: usize },
    Means { own: f64, overall: f64, overall_n: usize },
    Verdicts { passed: usize, judged: usize, previous: TraceId },
    Said(Box<Finding>),
}

impl Watch {
    /// Lives through what happened to these runs. Of the rules, it takes the scope and the limits of confidence.
    pub(super) fn over(happened: &[Happened], runs: &[Told], rules: CalibrationRules) -> Self {
        let facts: HashMap<&str, &RunFacts> =
            runs.iter().map(|told| (told.facts.trace_id.as_str(), &told.facts)).collect();
        let mut watch = Self { rules, ..Self::default() };
        for happened in happened {
            match happened {
                Happened::Told(told) => {
                    let stands = (told.facts.clone(), told.confidence.clone());
                    watch.told.insert(told.trace.trace_id.clone(), stands);
                }
                Happened::Finished { run, now, flags } => {
                    watch.finish(facts[run.as_str()], *now);
                    if let Some(flags) = flags {
                        assert_notes(flags, &watch.notes[run], &format!("the answer to the end of {run}"));
                    }
                }
                Happened::Marked { run, flagged } => drop(watch.marked.insert(run.clone(), *flagged)),
                Happened::Decided { flag, action, state } => watch.decide(flag, *action, *state),
            }
        }
        for Told { trace, confidence, .. } in runs {
            assert_eq!(watch.told[&trace.trace_id].1, *confidence, "{} says in its document", trace.trace_id);
        }
        watch
    }

    fn finish(&mut self, run: &RunFacts, now: Timestamp) {
        let mut notes = self.check(run);
        notes.extend(self.check_confidence(run));
        let contributes = notes.iter().any(|note| note.contributes);
        self.marked.insert(run.trace_id.to_string(), contributes);
        for note in &notes {
            self.fire(note, run, now);
        }
        self.notes.insert(run.trace_id.to_string(), notes);
        self.ended.push(run.clone());
    }

    /// The four kinds, as the design's table has them.
    fn check(&self, run: &RunFacts) -> Vec<PlainNote> {
        let mut notes = Vec::new();
        let ended = end(run);
        // Of runs that ended at the same moment, the one of the smaller name came first.
        let mut before: Vec<&RunFacts> = self
            .ended
            .iter()
            .filter(|other| end(other) < ended || (end(other) == ended && other.trace_id < run.trace_id))
            .filter(|other| self.rules.flag_scope == FlagScope::Installation || other.project == run.project)
            .collect();
        before.sort_by_key(|other| (end(other), other.trace_id.clone()));
        before.reverse();
        let resolved = |kind: &'static str, subject: &str| {
            let flag = self.flags.get(&(kind, subject.to_owned(), run.project.clone()));
            flag.and_then(|flag| flag.counted_after)
        };
        let counts = |other: &RunFacts, days: i64, resolved: Option<Timestamp>| {
            end(other) > ended.plus(-TimeDelta::days(days)) && resolved.is_none_or(|at| end(other) > at)
        };
        let note = |kind, subject: &str, runs: Vec<TraceId>, numbers, contributes| PlainNote {
            key: (kind, subject.to_owned(), run.project.clone()),
            severity: "warning",
            runs,
            numbers,
            contributes,
        };

        for gap in &run.gaps {
            let resolved = resolved(REPEATED, gap);
            if resolved.is_some_and(|at| ended <= at) {
                continue;
            }
            let mut lately = vec![run];
            lately.extend(before.iter().copied().filter(|other| counts(other, 7, resolved)));
            let judged = lately.iter().filter(|other| other.principles.contains(gap)).count();
            let failed: Vec<TraceId> = lately
                .iter()
                .filter(|other| other.gaps.contains(gap))
                .map(|other| other.trace_id.clone())
                .collect();
            if failed.len() >= 3 {
                notes.push(note(REPEATED, gap, failed, Numbers::Gaps { judged }, true));
            }
        }

        let scored: Vec<&RunFacts> = before.iter().copied().filter(|other| counts(other, 90, None)).collect();
        let scored: Vec<&RunFacts> = scored.into_iter().filter(|other| other.score.is_some()).collect();
        let scores = |of: &[&RunFacts]| of.iter().filter_map(|other| other.score).collect::<Vec<f64>>();
        for (kind, subject, value) in [
            (INTENT, &run.intent, (|other| &other.intent) as fn(&RunFacts) -> &Option<String>),
            (DOMAIN, &run.domain, |other| &other.domain),
        ] {
            let Some(name) = subject else { continue };
            let resolved = resolved(kind, name);
            let own: Vec<&RunFacts> = scored
                .iter()
                .copied()
                .filter(|other| value(other) == subject && resolved.is_none_or(|at| end(other) > at))
                .collect();
            if own.len() < 5 || scored.len() < 10 || resolved.is_some_and(|at| ended <= at) {
                continue;
            }
            let (Some(mean_own), Some(overall)) = (mean(&scores(&own)), mean(&scores(&scored))) else {
                continue;
            };
            if overall - mean_own > 0.5 {
                let numbers = Numbers::Means { own: mean_own, overall, overall_n: scored.len() };
                let ids = own.iter().map(|other| other.trace_id.clone()).collect();
                let low = run.score.is_some_and(|score| score <= overall - 0.5);
                notes.push(note(kind, name, ids, numbers, low));
            }
        }

        let judged: Vec<&RunFacts> = before
            .iter()
            .copied()
            .filter(|other| other.project == run.project && other.passed.is_some())
            .collect();
        let is_news = resolved(REGRESSION, &run.project).is_none_or(|at| ended > at);
        if let Some(previous) = judged.first()
            && run.passed == Some(false)
            && previous.passed == Some(true)
            && is_news
        {
            let lately: Vec<&RunFacts> =
                judged.iter().copied().filter(|other| counts(other, 90, None)).collect();
            let passed = lately.iter().filter(|other| other.passed == Some(true)).count();
            let numbers =
                Numbers::Verdicts { passed, judged: lately.len(), previous: previous.trace_id.clone() };
            let mut note = note(REGRESSION, &run.project, vec![run.trace_id.clone()], numbers, true);
            if passed * 10 < lately.len() * 8 {
                note.severity = "note";
            }
            notes.push(note);
        }
        notes
    }

    fn fire(&mut self, note: &PlainNote, run: &RunFacts, now: Timestamp) {
        let firing = (end(run), run.trace_id.clone());
        let Some(flag) = self.flags.get_mut(&note.key) else {
            let flag = PlainFlag {
                state: FlagState::Open,
                latest: note.clone(),
                fired_by: vec![firing],
                announced_at: now,
                counted_after: None,
                alerts: vec![(now, AlertKind::Opened)],
            };
            self.flags.insert(note.key.clone(), flag);
            return self.announced.push((now, note.key.clone()));
        };
        if flag.fired_by.iter().all(|earlier| *earlier < firing) {
            flag.latest = note.clone();
        }
        flag.fired_by.push(firing);
        flag.fired_by.sort();
        let said = match flag.state {
            FlagState::Acknowledged => None,
            FlagState::Snoozed { until } if now < until => None,
            FlagState::Snoozed { .. } | FlagState::Resolved { .. } => Some(AlertKind::Reopened),
            FlagState::Open => {
                (now.seconds_since(flag.announced_at) >= 86_400.0).then_some(AlertKind::StillOpen)
            }
        };
        if let Some(kind) = said {
            flag.state = FlagState::Open;
            flag.announced_at = now;
            flag.alerts.push((now, kind));
            self.announced.push((now, note.key.clone()));
        }
    }

    fn decide(&mut self, id: &str, action: FlagAction, state: FlagState) {
        let flag = self.flags.iter_mut().find(|(key, _)| id_of(key) == id);
        let (_, flag) = flag.unwrap_or_else(|| panic!("{id} is a flag that should not be there"));
        match (action, flag.state, state) {
            (FlagAction::Acknowledge, _, FlagState::Acknowledged)
            | (FlagAction::Snooze, _, FlagState::Snoozed { .. }) => {}
            (FlagAction::Resolve, FlagState::Resolved { at }, FlagState::Resolved { at: again }) => {
                assert_eq!(at, again, "{id} keeps the time of its resolution");
            }
            (FlagAction::Resolve, _, FlagState::Resolved { at }) => flag.counted_after = Some(at),
            (FlagAction::Reopen, before, FlagState::Open) => {
                if matches!(before, FlagState::Resolved { .. }) {
                    flag.counted_after = None;
                }
            }
            other => panic!("{id}: {other:?}"),
        }
        flag.state = state;
    }

    /// Asserts that the flags are what they have to be.
    pub(super) fn assert_flags(&self, flags: &[Flag]) {
        let mut ids: Vec<&str> = flags.iter().map(|flag| flag.id.as_str()).collect();
        let mut plain: Vec<String> = self.flags.keys().map(id_of).collect();
        ids.sort_unstable();
        plain.sort();
        assert_eq!(ids, plain, "flags");
        let seen: Vec<_> = flags.iter().map(|flag| flag.last_seen).collect();
        assert!(seen.is_sorted_by(|a, b| a >= b), "the last seen come first");
        for flag in flags {
            let of = &flag.id;
            let plain = self.flags.iter().find(|(key, _)| id_of(key) == *of);
            let plain = plain.expect("compared before").1;
            assert_eq!(flag.state, plain.state, "{of}");
            assert_eq!(flag.counted_after, plain.counted_after, "{of}: counted after");
            assert_eq!(flag.severity.as_str(), plain.latest.severity, "{of}");
            assert_eq!(flag.fired, plain.fired_by.len() as i64, "{of}: fired");
            let fired_by: Vec<_> = flag.fired_by.iter().map(|run| (run.at, run.trace_id.clone())).collect();
            assert_eq!(fired_by, last(&plain.fired_by, 20), "{of}: fired by");
            assert_eq!(Some(flag.first_seen), plain.fired_by.first().map(|(at, _)| *at), "{of}: first seen");
            assert_eq!(Some(flag.last_seen), plain.fired_by.last().map(|(at, _)| *at), "{of}: last seen");
            let alerts: Vec<_> = flag.alerts.iter().map(|alert| (alert.at, alert.kind)).collect();
            let plain_alerts = last(&plain.alerts, 50);
            assert_eq!(alerts.len(), plain_alerts.len(), "{of}: alerts");
            for (said, plain) in alerts.iter().zip(&plain_alerts) {
                assert_eq!(said.1, plain.1, "{of}: an alert of {}", said.0);
                assert!(said.0.seconds_since(plain.0).abs() < 1.0, "{of}: an alert of {}", said.0);
            }
            assert_eq!(flag.alerts_let_go, plain.alerts.len() as i64 - plain_alerts.len() as i64, "{of}");
            assert_numbers(flag, &plain.latest);
        }
    }

    /// Asserts that each run has noted what it found, and is marked where it is part of it.
    pub(super) fn assert_noted(&self, runs: &[Told]) {
        for told in runs {
            let (id, calibration) = (told.trace.trace_id.as_str(), &told.trace.calibration);
            let nothing = Vec::new();
            assert_notes(&calibration.flags, self.notes.get(id).unwrap_or(&nothing), id);
            let marked = self.marked.get(id).copied().unwrap_or_default();
            assert_eq!(calibration.flagged_for_review, marked, "{id} is marked for review");
        }
    }
}

fn assert_notes(said: &[FlagNote], plain: &[PlainNote], of: &str) {
    let named: Vec<_> = said
        .iter()
        .map(|note| (note.kind.as_str(), note.subject.as_str(), note.severity.as_deref()))
        .collect();
    let plain_named: Vec<_> =
        plain.iter().map(|note| (note.key.0, note.key.1.as_str(), Some(note.severity))).collect();
    assert_eq!(named, plain_named, "{of}");
    for (note, plain) in said.iter().zip(plain) {
        if let Numbers::Said(finding) = &plain.numbers {
            assert_eq!(note.message, finding.message, "{of}");
        }
    }
}

fn assert_numbers(flag: &Flag, plain: &PlainNote) {
    let (of, baseline) = (&flag.id, &flag.baseline);
    let named: Vec<TraceId> = plain.runs.iter().take(20).cloned().collect();
    let n = match &plain.numbers {
        Numbers::Said(finding) => finding.n,
        _ => plain.runs.len() as i64,
    };
    assert_eq!((flag.n, &flag.trace_ids), (n, &named), "{of}: the runs behind it");
    match &plain.numbers {
        Numbers::Gaps { judged } => {
            assert_eq!((baseline.window_days, baseline.judged_runs), (7, Some(*judged as i64)), "{of}");
            let said = format!("times in the last 7 days ({} of {judged} runs)", plain.runs.len());
            assert!(flag.message.ends_with(&said), "{}", flag.message);
        }
        Numbers::Means { own, overall, overall_n } => {
            assert_eq!((baseline.window_days, baseline.overall_n), (90, Some(*overall_n as i64)), "{of}");
            same(baseline.subject_mean, Some(*own), of, "mean of the subject");
            same(baseline.overall_mean, Some(*overall), of, "overall mean");
        }
        Numbers::Verdicts { passed, judged, previous } => {
            let said = (baseline.window_days, baseline.verdicts, baseline.verdicts_passed);
            assert_eq!(said, (90, Some(*judged as i64), Some(*passed as i64)), "{of}");
            assert_eq!(baseline.previous_trace_id.as_ref(), Some(previous), "{of}");
        }
        Numbers::Said(finding) => {
            assert_eq!((&flag.baseline, &flag.message), (&finding.baseline, &finding.message), "{of}");
        }
    }
}

pub(super) fn id_of(key: &Key) -> String {
    flag_key(key).id()
}

fn flag_key(key: &Key) -> FlagKey {
    let kind = key.0.parse().expect("a kind");
    FlagKey { kind, subject: key.1.clone(), project: key.2.clone() }
}

/// The last `most` of a list.
fn last<T: Clone>(of: &[T], most: usize) -> Vec<T> {
    of[of.len().saturating_sub(most)..].to_vec()
}
