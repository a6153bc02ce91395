//! Which runs matter to the check of one run.
//!
//! A window reaches from a moment that it does not include to the run itself: `(after, ended_at]`, in the
//! order of ([`RunFacts::ended_at`], trace id). The window of a repeated gap includes the run, all others
//! stop before it. Runs that end later never count, whenever the check is made.
//!
//! Where the flag was resolved, the window of what it accuses begins no earlier than that, so that only runs
//! that ended later count: the gaps of the principle, the scores of the intent or domain, the run that failed
//! its gate. What they are compared with (the overall mean, the run that passed before, the pass rate) is the
//! ordinary baseline.

use std::collections::HashMap;

use chrono::TimeDelta;

use super::{CalibrationRules, Flag, FlagKey, FlagKind, FlagScope};
use crate::model::{Timestamp, TraceId};
use crate::statistics::RunFacts;

/// The windows of one run; what is absent or empty need not be asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Windows {
    /// The project to which all windows are confined; absent where they cover the installation.
    pub scope: Option<String>,
    /// The run that is checked: windows end with it.
    pub trace_id: TraceId,
    /// Its end.
    pub until: Timestamp,
    /// One for each gap principle of the run; includes the run.
    pub gaps: Vec<SubjectWindow>,
    /// Of the run's intent, without the run.
    pub intent: Option<SubjectWindow>,
    /// Of the run's domain, without the run.
    pub domain: Option<SubjectWindow>,
    /// Of all runs in scope, without the run; absent when neither intent nor domain is asked.
    pub overall_after: Option<Timestamp>,
    /// Of the verdicts of the run's project, without the run; absent when the run did not fail its gate. The
    /// previous run with a verdict is sought without a limit in time, the pass rate is that of the runs after
    /// this.
    pub verdicts_after: Option<Timestamp>,
}

/// A subject and the moment after which its runs count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubjectWindow {
    /// The principle, intent or domain.
    pub subject: String,
    /// Runs count that ended later than this.
    pub after: Timestamp,
}

/// When flags were last resolved, by what they are about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Resolutions(HashMap<FlagKey, Timestamp>);

/// A century: who configures more means "all", and a moment before the calendar's beginning could not be
/// expressed.
const LONGEST_DAYS: u32 = 36_500;

/// So many days, or a century where that is less.
pub(super) fn longest(days: u32) -> TimeDelta {
    TimeDelta::days(days.min(LONGEST_DAYS).into())
}

impl Windows {
    /// The windows of `run`; `None` while it is open. `resolutions` needs to know the flags of the run's
    /// project.
    #[must_use]
    pub fn of(run: &RunFacts, resolutions: &Resolutions, rules: &CalibrationRules) -> Option<Self> {
        let until = run.ended_at()?;
        let days = |days: u32| until.plus(-longest(days));
        let baseline_after = days(rules.baseline_days);
        let window = |kind, subject: &String, after: Timestamp| {
            let after = match resolutions.get(kind, subject, &run.project) {
                Some(resolved_at) if resolved_at >= until => return None,
                Some(resolved_at) => after.max(resolved_at),
                None => after,
            };
            Some(SubjectWindow { subject: subject.clone(), after })
        };
        let gap_after = days(rules.gap_window_days);
        let gaps =
            run.gaps.iter().filter_map(|gap| window(FlagKind::RepeatedPrincipleFailure, gap, gap_after));
        let disparity = |kind, subject: &Option<String>| window(kind, subject.as_ref()?, baseline_after);
        let intent = disparity(FlagKind::IntentQualityDisparity, &run.intent);
        let domain = disparity(FlagKind::DomainQualityDisparity, &run.domain);
        let failed = run.passed == Some(false)
            && window(FlagKind::QualityGateRegression, &run.project, baseline_after).is_some();
        Some(Self {
            scope: (rules.flag_scope == FlagScope::Project).then(|| run.project.clone()),
            trace_id: run.trace_id.clone(),
            until,
            gaps: gaps.collect(),
            overall_after: (intent.is_some() || domain.is_some()).then_some(baseline_after),
            intent,
            domain,
            verdicts_after: failed.then_some(baseline_after),
        })
    }

    /// Whether a run is in scope and came before the one that is checked; its own id never does.
    #[must_use]
    pub fn precedes(&self, other: &RunFacts) -> bool {
        other.ended_at().is_some_and(|at| (at, &other.trace_id) < (self.until, &self.trace_id))
            && other.trace_id != self.trace_id
            && self.scope.as_ref().is_none_or(|project| *project == other.project)
    }
}

impl FromIterator<(FlagKey, Timestamp)> for Resolutions {
    fn from_iter<I: IntoIterator<Item = (FlagKey, Timestamp)>>(resolved: I) -> Self {
        Self(resolved.into_iter().collect())
    }
}

impl Resolutions {
    /// The resolutions that flags remember, those of flags that opened again since included.
    pub fn of<'a>(flags: impl IntoIterator<Item = &'a Flag>) -> Self {
        flags.into_iter().filter_map(|flag| Some((flag.key(), flag.counted_after?))).collect()
    }

    /// When the flag was last resolved.
    #[must_use]
    pub fn get(&self, kind: FlagKind, subject: &str, project: &str) -> Option<Timestamp> {
        if self.0.is_empty() {
            return None;
        }
        let key = FlagKey { kind, subject: subject.to_owned(), project: project.to_owned() };
        self.0.get(&key).copied()
    }
}
