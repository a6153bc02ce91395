//! What the other runs say, as far as the check of one run needs it.

use super::{NAMED_RUNS, Resolutions, SubjectWindow, Windows};
use crate::calibration::CalibrationRules;
use crate::model::{Timestamp, TraceId};
use crate::statistics::{RunFacts, millionths};

/// The answers to the [`Windows`] of a run. Only finished runs are in it, whether they completed, failed or
/// were abandoned. What is absent was not asked, or there was no such run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Baseline {
    /// For each gap principle of the run: how often it was a gap lately, the run included.
    pub gaps: Vec<GapRuns>,
    /// Scores of all runs in scope, without the run.
    pub overall: Scores,
    /// Scores of the run's intent, without the run.
    pub intent: Option<SubjectScores>,
    /// Scores of the run's domain, without the run.
    pub domain: Option<SubjectScores>,
    /// The project's last run before this that has a verdict.
    pub previous: Option<PreviousRun>,
    /// The project's verdicts before the run.
    pub verdicts: GateCounts,
}

/// How often a principle failed in its window.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GapRuns {
    /// The principle.
    pub principle: String,
    /// Runs in which it was judged.
    pub runs: u64,
    /// Runs in which it was a gap.
    pub gap_runs: u64,
    /// The latter, the latest first: at most [`NAMED_RUNS`].
    pub recent: Vec<TraceId>,
}

/// How many runs have a score, and its mean on the configured scale, each rounded to a millionth.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Scores {
    /// Runs with a score.
    pub n: u64,
    /// The mean of the scores; of no meaning where `n` is 0.
    pub mean: f64,
}

/// The scores of one intent or domain.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SubjectScores {
    /// The intent or domain.
    pub subject: String,
    /// Its scores.
    pub scores: Scores,
    /// Its runs with a score, the latest first: at most [`NAMED_RUNS`].
    pub recent: Vec<TraceId>,
}

/// The run that the gate judged before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PreviousRun {
    /// The run.
    pub trace_id: TraceId,
    /// Whether it passed.
    pub passed: bool,
}

/// Verdicts of the quality gate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GateCounts {
    /// Runs with a verdict.
    pub judged: u64,
    /// Runs that passed.
    pub passed: u64,
}

impl Scores {
    /// What is known of `n` scores with that sum of [`millionths`].
    #[must_use]
    pub fn of_millionths(n: u64, sum: i64) -> Self {
        if n == 0 { Self::default() } else { Self { n, mean: sum as f64 / 1e6 / n as f64 } }
    }
}

impl Baseline {
    /// The baseline of `run` from all runs there are, slowly: the definition that an index has to equal.
    ///
    /// `all` comes in any order and may hold the run itself; `resolutions` as for [`Windows::of`]. A run that
    /// is still open has an empty baseline.
    #[must_use]
    pub fn from_runs(
        run: &RunFacts,
        all: &[RunFacts],
        resolutions: &Resolutions,
        rules: &CalibrationRules,
    ) -> Self {
        let Some(windows) = Windows::of(run, resolutions, rules) else { return Self::default() };
        let mut before: Vec<&RunFacts> = all.iter().filter(|other| windows.precedes(other)).collect();
        before.sort_by_key(|other| std::cmp::Reverse((other.ended_at(), &other.trace_id)));
        let ended_after =
            |after: Timestamp| move |other: &&RunFacts| other.ended_at().is_some_and(|at| at > after);
        let within = |after: Timestamp| before.iter().copied().filter(ended_after(after));

        let gaps = windows
            .gaps
            .iter()
            .map(|window| gap_runs(&window.subject, std::iter::once(run).chain(within(window.after))));
        let subject = |window: &SubjectWindow, value: fn(&RunFacts) -> Option<&String>| {
            let runs: Vec<&RunFacts> = within(window.after)
                .filter(|other| value(other) == Some(&window.subject) && other.score.is_some())
                .collect();
            SubjectScores {
                subject: window.subject.clone(),
                scores: scores(runs.iter().copied()),
                recent: runs.iter().take(NAMED_RUNS).map(|other| other.trace_id.clone()).collect(),
            }
        };
        let judged = |other: &&RunFacts| other.project == run.project && other.passed.is_some();
        Self {
            gaps: gaps.collect(),
            overall: windows.overall_after.map(|after| scores(within(after))).unwrap_or_default(),
            intent: windows.intent.as_ref().map(|window| subject(window, |other| other.intent.as_ref())),
            domain: windows.domain.as_ref().map(|window| subject(window, |other| other.domain.as_ref())),
            previous: windows.verdicts_after.and_then(|_| {
                let previous = before.iter().copied().find(judged)?;
                Some(PreviousRun { trace_id: previous.trace_id.clone(), passed: previous.passed? })
            }),
            verdicts: windows.verdicts_after.map_or_else(GateCounts::default, |after| {
                within(after).filter(judged).fold(GateCounts::default(), |counts, other| GateCounts {
                    judged: counts.judged + 1,
                    passed: counts.passed + u64::from(other.passed == Some(true)),
                })
            }),
        }
    }
}

fn gap_runs<'a>(principle: &String, runs: impl Iterator<Item = &'a RunFacts>) -> GapRuns {
    let mut counts = GapRuns { principle: principle.clone(), ..GapRuns::default() };
    for run in runs.filter(|run| run.principles.contains(principle)) {
        counts.runs += 1;
        if run.gaps.contains(principle) {
            counts.gap_runs += 1;
            if counts.recent.len() < NAMED_RUNS {
                counts.recent.push(run.trace_id.clone());
            }
        }
    }
    counts
}

fn scores<'a>(runs: impl Iterator<Item = &'a RunFacts>) -> Scores {
    let scores = runs.filter_map(|run| run.score);
    let (n, sum) = scores.fold((0, 0), |(n, sum), score| (n + 1, sum + millionths(score)));
    Scores::of_millionths(n, sum)
}
