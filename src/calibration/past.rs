//! What the runs so far say, kept in memory: the baselines of many runs that are checked one after the other.
//!
//! [`Baseline::from_runs`](super::Baseline::from_runs) defines the answers, and looks at every run for each; the
//! index asks the database for each. [`Past`] gives the same from windows that move along: a run is taken in once,
//! whatever it is asked afterwards costs a search in a window, and what has left its window is let go of.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use super::windows::longest;
use super::{
    Baseline, CalibrationRules, FlagScope, GapRuns, GateCounts, NAMED_RUNS, PreviousRun, Scores,
    SubjectScores, SubjectWindow, Windows,
};
use crate::model::{Timestamp, TraceId};
use crate::statistics::{RunFacts, millionths};

/// The runs that ended so far, as far as a later one may be held against them.
#[derive(Debug)]
pub struct Past {
    rules: CalibrationRules,
    /// By project where runs are compared within theirs, else all in one.
    scopes: HashMap<Option<String>, Scoped>,
    verdicts: HashMap<String, Verdicts>,
}

/// What is compared within one scope.
#[derive(Debug, Default)]
struct Scoped {
    principles: HashMap<String, Judged>,
    overall: Scored<()>,
    intents: HashMap<String, Scored<Arc<TraceId>>>,
    domains: HashMap<String, Scored<Arc<TraceId>>>,
}

/// The runs in which a principle was judged, and those in which it was a gap.
#[derive(Debug, Default)]
struct Judged {
    all: Window<()>,
    gaps: Window<Arc<TraceId>>,
}

/// Runs with a score, each with the sum of the scores before it, in millionths.
#[derive(Debug)]
struct Scored<Id> {
    runs: Window<(Id, i64)>,
    total: i64,
}

/// The verdicts of a project.
#[derive(Debug, Default)]
struct Verdicts {
    judged: Window<()>,
    passed: Window<()>,
    previous: Option<PreviousRun>,
}

/// Something of each run in a stretch of time, the earliest first.
#[derive(Debug)]
struct Window<T> {
    runs: VecDeque<(Timestamp, T)>,
}

impl Past {
    /// Nothing yet.
    #[must_use]
    pub fn new(rules: CalibrationRules) -> Self {
        Self { rules, scopes: HashMap::new(), verdicts: HashMap::new() }
    }

    /// From when on runs have to be taken in for the baseline of one that ended at `until`, but for the verdict
    /// that its project had before ([`Past::remember_verdict`]).
    #[must_use]
    pub fn begins(until: Timestamp, rules: &CalibrationRules) -> Timestamp {
        until.plus(-longest(rules.gap_window_days.max(rules.baseline_days)))
    }

    /// Takes in the last verdict of a project before all runs that are taken in.
    pub fn remember_verdict(&mut self, project: &str, previous: PreviousRun) {
        self.verdicts.entry(project.to_owned()).or_default().previous = Some(previous);
    }

    /// Takes in a run. They come in the order of their ends, and of their ids where these are the same; one that
    /// is open is passed over.
    pub fn add(&mut self, run: &RunFacts) {
        let Some(at) = run.ended_at() else { return };
        let id = Arc::new(run.trace_id.clone());
        let gap_after = at.plus(-longest(self.rules.gap_window_days));
        let after = at.plus(-longest(self.rules.baseline_days));
        let scope = (self.rules.flag_scope == FlagScope::Project).then(|| run.project.clone());
        let scoped = self.scopes.entry(scope).or_default();
        for principle in &run.principles {
            let judged = entry(&mut scoped.principles, principle);
            judged.all.push(at, (), gap_after);
            if run.gaps.contains(principle) {
                judged.gaps.push(at, Arc::clone(&id), gap_after);
            }
        }
        if let Some(score) = run.score {
            scoped.overall.push(at, (), score, after);
            if let Some(intent) = &run.intent {
                entry(&mut scoped.intents, intent).push(at, Arc::clone(&id), score, after);
            }
            if let Some(domain) = &run.domain {
                entry(&mut scoped.domains, domain).push(at, id, score, after);
            }
        }
        if let Some(passed) = run.passed {
            let verdicts = entry(&mut self.verdicts, &run.project);
            verdicts.judged.push(at, (), after);
            if passed {
                verdicts.passed.push(at, (), after);
            }
            verdicts.previous = Some(PreviousRun { trace_id: run.trace_id.clone(), passed });
        }
    }

    /// The answers to the windows of a run that ended after all that were taken in.
    #[must_use]
    pub fn baseline(&self, run: &RunFacts, windows: &Windows) -> Baseline {
        let nothing = Scoped::default();
        let scoped = self.scopes.get(&windows.scope).unwrap_or(&nothing);
        let gaps = windows.gaps.iter().map(|window| {
            gap_runs(run, window, scoped.principles.get(&window.subject).unwrap_or(&Judged::default()))
        });
        let subject = |window: &SubjectWindow, of: &HashMap<String, Scored<Arc<TraceId>>>| {
            of.get(&window.subject).map_or_else(
                || SubjectScores { subject: window.subject.clone(), ..SubjectScores::default() },
                |scored| SubjectScores {
                    subject: window.subject.clone(),
                    scores: scored.after(window.after),
                    recent: scored
                        .runs
                        .latest(window.after)
                        .map(|(id, _)| id.as_ref().clone())
                        .take(NAMED_RUNS)
                        .collect(),
                },
            )
        };
        let verdicts = self.verdicts.get(&run.project);
        Baseline {
            gaps: gaps.collect(),
            overall: windows.overall_after.map(|after| scoped.overall.after(after)).unwrap_or_default(),
            intent: windows.intent.as_ref().map(|window| subject(window, &scoped.intents)),
            domain: windows.domain.as_ref().map(|window| subject(window, &scoped.domains)),
            previous: windows.verdicts_after.and_then(|_| verdicts?.previous.clone()),
            verdicts: windows
                .verdicts_after
                .zip(verdicts)
                .map(|(after, verdicts)| GateCounts {
                    judged: verdicts.judged.count(after),
                    passed: verdicts.passed.count(after),
                })
                .unwrap_or_default(),
        }
    }
}

/// The entry of that name; the name is copied only where it is new.
fn entry<'m, T: Default>(map: &'m mut HashMap<String, T>, name: &String) -> &'m mut T {
    if !map.contains_key(name) {
        map.insert(name.clone(), T::default());
    }
    map.entry(name.clone()).or_default()
}

/// How often a principle failed, the run itself included.
fn gap_runs(run: &RunFacts, window: &SubjectWindow, judged: &Judged) -> GapRuns {
    let is_judged = run.principles.contains(&window.subject);
    let is_gap = is_judged && run.gaps.contains(&window.subject);
    let earlier = judged.gaps.latest(window.after).map(|id| id.as_ref().clone());
    GapRuns {
        principle: window.subject.clone(),
        runs: judged.all.count(window.after) + u64::from(is_judged),
        gap_runs: judged.gaps.count(window.after) + u64::from(is_gap),
        recent: is_gap.then(|| run.trace_id.clone()).into_iter().chain(earlier).take(NAMED_RUNS).collect(),
    }
}

impl<T> Window<T> {
    /// Takes in what comes last, and lets go of what ended at `until_gone` or before.
    fn push(&mut self, at: Timestamp, of_run: T, until_gone: Timestamp) {
        while self.runs.front().is_some_and(|(at, _)| *at <= until_gone) {
            self.runs.pop_front();
        }
        self.runs.push_back((at, of_run));
    }

    fn first_after(&self, after: Timestamp) -> usize {
        self.runs.partition_point(|(at, _)| *at <= after)
    }

    fn count(&self, after: Timestamp) -> u64 {
        (self.runs.len() - self.first_after(after)) as u64
    }

    /// Those after a moment, the latest first.
    fn latest(&self, after: Timestamp) -> impl Iterator<Item = &T> {
        self.runs.range(self.first_after(after)..).rev().map(|(_, of_run)| of_run)
    }
}

impl<T> Default for Window<T> {
    fn default() -> Self {
        Self { runs: VecDeque::new() }
    }
}

impl<Id> Scored<Id> {
    fn push(&mut self, at: Timestamp, id: Id, score: f64, until_gone: Timestamp) {
        self.runs.push(at, (id, self.total), until_gone);
        self.total += millionths(score);
    }

    fn after(&self, after: Timestamp) -> Scores {
        let first = self.runs.first_after(after);
        let n = self.runs.runs.len() - first;
        let Some((_, (_, before))) = self.runs.runs.get(first) else { return Scores::default() };
        Scores::of_millionths(n as u64, self.total - before)
    }
}

impl<Id> Default for Scored<Id> {
    fn default() -> Self {
        Self { runs: Window::default(), total: 0 }
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use proptest::prelude::*;

    use super::*;
    use crate::calibration::{FlagKey, FlagKind, Resolutions};
    use crate::statistics::testing::any_runs;

    /// Some flags of the runs, resolved at some moment within their time.
    fn resolutions(runs: &[RunFacts], every: usize, day: i64) -> Resolutions {
        let at = runs.first().map(|run| run.started_at.plus(TimeDelta::days(day)));
        let keys = runs.iter().step_by(every).flat_map(|run| {
            let of = |kind, subject: &String| FlagKey {
                kind,
                subject: subject.clone(),
                project: run.project.clone(),
            };
            let gaps = run.gaps.iter().map(move |gap| of(FlagKind::RepeatedPrincipleFailure, gap));
            let intent = run.intent.iter().map(move |it| of(FlagKind::IntentQualityDisparity, it));
            let domain = run.domain.iter().map(move |it| of(FlagKind::DomainQualityDisparity, it));
            gaps.chain(intent).chain(domain).chain([of(FlagKind::QualityGateRegression, &run.project)])
        });
        keys.filter_map(|key| Some((key, at?))).collect()
    }

    proptest! {
        #[test]
        fn a_baseline_from_windows_that_move_is_the_one_from_all_runs(
            runs in any_runs(),
            of_project in any::<bool>(),
            days in (1..10_u32, 1..20_u32),
            resolved in (1..6_usize, 0..30_i64),
        ) {
            let rules = CalibrationRules {
                flag_scope: if of_project { FlagScope::Project } else { FlagScope::Installation },
                gap_window_days: days.0,
                baseline_days: days.1,
                ..CalibrationRules::default()
            };
            let resolutions = resolutions(&runs, resolved.0, resolved.1);
            let mut finished: Vec<&RunFacts> = runs.iter().filter(|run| run.is_finished()).collect();
            finished.sort_by_key(|run| (run.ended_at(), &run.trace_id));
            let mut past = Past::new(rules);
            for run in finished {
                let windows = Windows::of(run, &resolutions, &rules).unwrap();
                let expected = Baseline::from_runs(run, &runs, &resolutions, &rules);
                prop_assert_eq!(past.baseline(run, &windows), expected);
                past.add(run);
            }
        }
    }

    #[test]
    fn what_has_left_its_window_is_let_go_of() {
        let rules = CalibrationRules::default();
        let mut past = Past::new(rules);
        for day in 0..1_000 {
            let mut run =
                crate::statistics::testing::run(&format!("trc_{day:04}"), crate::model::Status::Complete);
            run.completed_at = Some(run.started_at.plus(TimeDelta::days(day)));
            run.score = Some(1.1);
            run.passed = Some(true);
            run.principles = vec!["P".to_owned()];
            past.add(&run);
        }
        let scoped = &past.scopes[&None];
        assert_eq!(scoped.overall.runs.runs.len(), 90);
        assert_eq!(scoped.principles["P"].all.runs.len(), 7);
        assert_eq!(past.verdicts["p"].judged.runs.len(), 90);
    }
}
