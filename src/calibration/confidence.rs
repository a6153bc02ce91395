//! The check of stated confidence: whether a key or an agent is right as often as it says.
//!
//! The subjects of a run are the keys of its decisions and its agent, within its project. What a subject said and
//! what came of it is kept by UTC day ([`KeptSums`]), so the window is one of days: that of the run's end and those
//! before it, 90 in all. Of that day, only runs count that ended before the run, and the run. After a resolution,
//! the days behind its own count.
//!
//! [`ConfidenceWindow`] says which days matter, [`said_from_runs`] is the plain reference over all runs, [`PastConfidence`]
//! the same from memory, and the index adds up the kept sums. [`check_confidence`] turns the sums into findings.

mod past;

pub use past::PastConfidence;

use chrono::{DateTime, NaiveDate, TimeDelta};

use super::check::{count, days, name};
use super::windows::longest;
use super::{CalibrationRules, Finding, FindingBaseline, FlagKind, NAMED_RUNS, Resolutions, Severity};
use crate::model::{Timestamp, TraceId};
use crate::statistics::RunFacts;
use crate::statistics::confidence::{KeptSums, RunConfidence};

/// The days that matter to the check of a run, for each of its subjects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfidenceWindow {
    /// The run's project.
    pub project: String,
    /// The run that is checked: the window ends with it.
    pub trace_id: TraceId,
    /// Its end.
    pub until: Timestamp,
    /// The subjects, and the first day that counts.
    pub subjects: Vec<(String, NaiveDate)>,
}

/// What a subject said in its window, and what came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// The subject.
    pub subject: String,
    /// Its decisions, those of the run included.
    pub sums: KeptSums,
    /// Its runs, the latest first: at most [`NAMED_RUNS`]. Empty where the sums show nothing.
    pub recent: Vec<TraceId>,
}

/// The UTC day of a moment.
#[must_use]
pub fn utc_day(at: Timestamp) -> NaiveDate {
    at.to_chrono().date_naive()
}

/// The first moment behind a day.
#[must_use]
pub fn day_end(day: NaiveDate) -> Timestamp {
    let next = day.succ_opt().unwrap_or(day).and_time(chrono::NaiveTime::MIN);
    Timestamp::new(DateTime::from_naive_utc_and_offset(next, chrono::Utc))
}

impl ConfidenceWindow {
    /// The window of a run that stated `confidence`; `None` while it is open.
    #[must_use]
    pub fn of(
        run: &RunFacts,
        confidence: &RunConfidence,
        resolutions: &Resolutions,
        rules: &CalibrationRules,
    ) -> Option<Self> {
        let until = run.ended_at()?;
        let last = utc_day(until);
        let first = utc_day(until.plus(-longest(rules.baseline_days.max(1)) + TimeDelta::days(1)));
        let subjects = confidence.subjects().filter_map(|(subject, _)| {
            let resolved = resolutions.get(FlagKind::ConfidenceMiscalibrated, subject, &run.project);
            let first = resolved.map_or(first, |at| first.max(utc_day(at).succ_opt().unwrap_or(first)));
            (first <= last).then(|| (subject.clone(), first))
        });
        Some(Self {
            project: run.project.clone(),
            trace_id: run.trace_id.clone(),
            until,
            subjects: subjects.collect(),
        })
    }
}

/// What the subjects of a window said, from all runs there are, slowly: the definition that an index has to equal.
#[must_use]
pub fn said_from_runs(
    window: &ConfidenceWindow,
    all: &[(RunFacts, RunConfidence)],
    rules: &CalibrationRules,
) -> Vec<Said> {
    let mut ended: Vec<(Timestamp, &RunFacts, &RunConfidence)> = all
        .iter()
        .filter_map(|(run, confidence)| Some((run.ended_at()?, run, confidence)))
        .filter(|(at, run, _)| {
            run.project == window.project && (*at, &run.trace_id) <= (window.until, &window.trace_id)
        })
        .collect();
    ended.sort_by_key(|(at, run, _)| std::cmp::Reverse((*at, &run.trace_id)));
    let said = |(subject, first): &(String, NaiveDate)| {
        let (mut sums, mut recent) = (KeptSums::default(), Vec::new());
        for (_, run, confidence) in ended.iter().filter(|(at, _, _)| utc_day(*at) >= *first) {
            let Some(of_run) = confidence.of_subject(subject) else { continue };
            sums.add(of_run);
            recent.push(run.trace_id.clone());
        }
        Said::new(subject.clone(), sums, rules, || recent.into_iter())
    };
    window.subjects.iter().map(said).collect()
}

impl Said {
    /// The sums of a subject; its runs are asked for, the latest first, where the sums show something.
    pub fn new<I: Iterator<Item = TraceId>>(
        subject: String,
        sums: KeptSums,
        rules: &CalibrationRules,
        recent: impl FnOnce() -> I,
    ) -> Self {
        let recent = if is_off(&sums, rules) { recent().take(NAMED_RUNS).collect() } else { Vec::new() };
        Self { subject, sums, recent }
    }
}

/// Whether confidence is off: by more than the limit, of enough decisions, and by more than chance does.
///
/// The limit alone would not do. With 50 decisions in ten bins, perfect confidence has an expected calibration error
/// of 0.1 to 0.15 already, and more where decisions share the verdicts of a few runs. So one of the differences
/// behind it also has to be many standard errors from 0, under the variance that perfect confidence would have.
/// These are many because a subject has up to eleven differences and is looked at with each of its runs.
#[must_use]
pub fn is_off(sums: &KeptSums, rules: &CalibrationRules) -> bool {
    sums.decisions >= count(rules.confidence_min_decisions.max(1))
        && sums.ece() > rules.confidence_limit
        && sums.standard_errors() >= rules.confidence_standard_errors
}

/// What is worth noting of the confidence that a run stated, in the order of its subjects.
#[must_use]
pub fn check_confidence(
    run: &RunFacts,
    confidence: &RunConfidence,
    said: &[Said],
    rules: &CalibrationRules,
) -> Vec<Finding> {
    if !run.is_finished() {
        return Vec::new();
    }
    said.iter()
        .filter(|said| is_off(&said.sums, rules))
        .map(|said| finding(run, confidence, said, rules))
        .collect()
}

fn finding(run: &RunFacts, confidence: &RunConfidence, said: &Said, rules: &CalibrationRules) -> Finding {
    let sums = &said.sums;
    let (stated, rate, ece) = (sums.mean_confidence(), sums.observed_rate(), sums.ece());
    let who = match said.subject.split_once(':') {
        Some(("decision", key)) => format!("Decision {}", name(key)),
        Some(("agent", agent)) => format!("Agent {}", name(agent)),
        _ => name(&said.subject),
    };
    let message = format!(
        "{who} says {stated:.2} on average and is right in {:.0} %: calibration error {ece:.2} ({} decisions in {} \
         runs, {})",
        rate * 100.0,
        sums.decisions,
        sums.runs,
        days(rules.baseline_days)
    );
    let own = confidence.of_subject(&said.subject);
    Finding {
        kind: FlagKind::ConfidenceMiscalibrated,
        subject: said.subject.clone(),
        project: run.project.clone(),
        severity: Severity::Warning,
        trace_id: run.trace_id.clone(),
        n: sums.runs,
        baseline: FindingBaseline {
            window_days: rules.baseline_days.into(),
            decisions: Some(sums.decisions),
            mean_confidence: Some(stated),
            observed_rate: Some(rate),
            ece: Some(ece),
            ..FindingBaseline::default()
        },
        message,
        trace_ids: said.recent.clone(),
        contributes: own.is_some_and(|own| own.ece() > rules.confidence_limit),
    }
}
