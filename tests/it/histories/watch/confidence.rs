//! Stated confidence: the window of a check by itself, and within it what the crate's own plain reference finds.

use chrono::{NaiveDate, TimeDelta};
use whytrace::calibration::Finding;
use whytrace::calibration::confidence::{
    ConfidenceWindow, check_confidence, day_end, said_from_runs, utc_day,
};
use whytrace::statistics::RunFacts;

use super::{Numbers, PlainNote, Watch, end};

const CONFIDENCE: &str = "confidence_miscalibrated";

impl Watch {
    /// The kind that is about stated confidence, over all runs as they stand at the time.
    pub(super) fn check_confidence(&mut self, run: &RunFacts) -> Vec<PlainNote> {
        let (_, confidence) = &self.told[&run.trace_id];
        let all: Vec<_> = self.told.values().cloned().collect();
        let last = utc_day(end(run));
        // From so many days before, and from so many days behind a resolution.
        let window = |before: i64, behind: i64| {
            let first = |subject: &String| {
                let flag = self.flags.get(&(CONFIDENCE, subject.clone(), run.project.clone()));
                let resolved = flag.and_then(|flag| flag.counted_after);
                let behind = resolved.map(|at| utc_day(at) + TimeDelta::days(behind));
                behind.into_iter().fold(last - TimeDelta::days(before), NaiveDate::max)
            };
            let subjects = confidence.subjects().map(|(subject, _)| (subject.clone(), first(subject)));
            ConfidenceWindow {
                project: run.project.clone(),
                trace_id: run.trace_id.clone(),
                until: end(run),
                subjects: subjects.filter(|(_, first)| *first <= last).collect(),
            }
        };
        let found = |window: &ConfidenceWindow| {
            check_confidence(run, confidence, &said_from_runs(window, &all, &self.rules), &self.rules)
        };
        let findings = found(&window(89, 1));
        for (what, other) in [
            ("it has 90 days", window(90, 1)),
            ("it begins behind the day of a resolution", window(89, 0)),
            ("it ends within a day", ConfidenceWindow { until: day_end(last), ..window(89, 1) }),
        ] {
            if found(&other) != findings {
                self.mattered.insert(what);
            }
        }
        let note = |finding: Finding| PlainNote {
            key: (CONFIDENCE, finding.subject.clone(), finding.project.clone()),
            severity: "warning",
            runs: finding.trace_ids.clone(),
            contributes: finding.contributes,
            numbers: Numbers::Said(Box::new(finding)),
        };
        findings.into_iter().map(note).collect()
    }
}
