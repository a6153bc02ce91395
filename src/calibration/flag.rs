//! The lasting record of a finding: one per kind, subject and project, with a life of its own.
//!
//! ```text
//!            finding                    acknowledge
//!   (none) ----------> open  <--------------------------> acknowledged   silent
//!                       ^ |              reopen
//!   finding of a later  | | resolve / snooze
//!   run, or once the    | v
//!   snooze has run out  resolved, snoozed                                silent
//! ```
//!
//! Each review sets its state from any other. [`Flag::observe`] takes a finding, [`Flag::review`] what
//! somebody decided. Both are pure: the record goes in, the record comes out.

use std::collections::HashSet;

use chrono::TimeDelta;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Alert, AlertKind, Announcement, CalibrationRules, Finding, FindingBaseline, FiringRun, FlagAction,
    FlagKey, FlagKind, FlagState, NAMED_RUNS, Severity,
};
use crate::model::{Timestamp, TraceId};

/// How many alerts a flag remembers; older ones are counted.
const KEPT_ALERTS: usize = 50;

/// A flag, as it is stored and shown.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Flag {
    /// Its name, from kind, subject and project; see [`FlagKey::id`].
    pub id: String,
    /// The kind: `repeated_principle_failure`, `intent_quality_disparity`, `domain_quality_disparity`,
    /// `quality_gate_regression` or `confidence_miscalibrated`.
    #[schemars(with = "String")]
    pub kind: FlagKind,
    /// The principle, intent, domain or project; `decision:KEY` or `agent:NAME` for confidence.
    pub subject: String,
    /// The project.
    pub project: String,
    /// Where it stands.
    #[serde(flatten)]
    #[schemars(with = "StateFields")]
    pub state: FlagState,
    /// `warning` or `note`, by the latest finding.
    #[schemars(with = "String")]
    pub severity: Severity,
    /// The latest finding in one sentence.
    pub message: String,
    /// Runs behind the latest finding.
    pub n: i64,
    /// What they were compared with.
    pub baseline: FindingBaseline,
    /// The runs counted in `n`, the latest first, at most 20.
    #[schemars(with = "Vec<String>")]
    pub trace_ids: Vec<TraceId>,
    /// How many runs fired it, each counted once.
    pub fired: i64,
    /// The latest of them, the latest last, at most 20: what makes a repeated finding harmless.
    pub fired_by: Vec<FiringRun>,
    /// The end of the first run that fired it.
    #[schemars(with = "String")]
    pub first_seen: Timestamp,
    /// The end of the last run that fired it.
    #[schemars(with = "String")]
    pub last_seen: Timestamp,
    /// When it was last announced.
    #[schemars(with = "String")]
    pub last_announced: Timestamp,
    /// When it was last resolved, kept when it opens again: runs that ended before that no longer count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub counted_after: Option<Timestamp>,
    /// Its alerts, newest last, at most 50.
    pub alerts: Vec<Alert>,
    /// How many older alerts were let go.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub alerts_let_go: i64,
}

/// The fields that [`FlagState`] adds to a flag, for its schema.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "describes the JSON of another type")]
struct StateFields {
    /// `open`, `acknowledged`, `snoozed` or `resolved`.
    state: String,
    /// Until when it is snoozed.
    snoozed_until: Option<String>,
    /// When it was resolved.
    resolved_at: Option<String>,
}

impl Flag {
    /// Takes in what the check of a run found. `existing` is the flag of the finding's key, `at` the end of
    /// the run, `now` the time of day.
    ///
    /// A finding counts once for each run, however often it is handed in; one of a run that ended before the
    /// resolution, or long before the latest 20 that fired, changes nothing. Whoever builds flags from old
    /// runs hands in `at` for `now`, run by run in their order, and prints nothing: that gives the alerts of
    /// the time.
    #[must_use]
    pub fn observe(
        existing: Option<Self>,
        finding: &Finding,
        at: Timestamp,
        now: Timestamp,
        rules: &CalibrationRules,
    ) -> (Self, Announcement) {
        let Some(mut flag) = existing else {
            let mut flag = Self::open(finding, at, now);
            flag.announce(AlertKind::Opened, &finding.message, now);
            return (flag, Announcement::Opened);
        };
        let firing = FiringRun { at, trace_id: finding.trace_id.clone() };
        if flag.counted_after.is_some_and(|resolved_at| at <= resolved_at) || !flag.is_news(&firing) {
            return (flag, Announcement::Silent);
        }
        flag.take(finding, firing);
        let announcement = match flag.state {
            FlagState::Acknowledged => Announcement::Silent,
            FlagState::Snoozed { until } if now < until => Announcement::Silent,
            FlagState::Snoozed { .. } | FlagState::Resolved { .. } => Announcement::Reopened,
            FlagState::Open => {
                let again = TimeDelta::hours(rules.announce_every_hours.into());
                Announcement::StillOpen { announce: now >= flag.last_announced.plus(again) }
            }
        };
        if announcement == Announcement::Reopened {
            flag.state = FlagState::Open;
            flag.announce(AlertKind::Reopened, &finding.message, now);
        } else if announcement.is_announced() {
            flag.announce(AlertKind::StillOpen, &finding.message, now);
        }
        (flag, announcement)
    }

    /// Does what somebody decided, from whatever state, and says whether that changed anything. Repeating it
    /// is harmless: a flag that is resolved already keeps the time of its resolution.
    pub fn review(&mut self, action: FlagAction, now: Timestamp) -> bool {
        let state = match (action, self.state) {
            (FlagAction::Acknowledge, _) => FlagState::Acknowledged,
            (FlagAction::Snooze { until }, _) => FlagState::Snoozed { until },
            (FlagAction::Resolve, resolved @ FlagState::Resolved { .. }) => resolved,
            (FlagAction::Resolve, _) => FlagState::Resolved { at: now },
            (FlagAction::Reopen, _) => FlagState::Open,
        };
        if state == self.state {
            return false;
        }
        match (self.state, state) {
            (_, FlagState::Resolved { at }) => self.counted_after = Some(at),
            (FlagState::Resolved { .. }, FlagState::Open) => self.counted_after = None,
            _ => {}
        }
        self.state = state;
        true
    }

    /// What it is about.
    #[must_use]
    pub fn key(&self) -> FlagKey {
        FlagKey { kind: self.kind, subject: self.subject.clone(), project: self.project.clone() }
    }

    /// Takes runs out that are deleted: the flag names them no more. `None` when no run that fired it is left, and
    /// nothing of it is worth keeping. Its figures stay those of the time.
    #[must_use]
    pub fn without(mut self, gone: &HashSet<TraceId>) -> Option<Self> {
        let before = self.fired_by.len();
        self.fired_by.retain(|firing| !gone.contains(&firing.trace_id));
        let fewer = i64::try_from(before - self.fired_by.len()).unwrap_or(i64::MAX);
        self.fired = self.fired.saturating_sub(fewer);
        self.trace_ids.retain(|trace_id| !gone.contains(trace_id));
        self.baseline.previous_trace_id = self.baseline.previous_trace_id.filter(|id| !gone.contains(id));
        (!self.fired_by.is_empty()).then_some(self)
    }

    fn open(finding: &Finding, at: Timestamp, now: Timestamp) -> Self {
        Self {
            id: finding.key().id(),
            kind: finding.kind,
            subject: finding.subject.clone(),
            project: finding.project.clone(),
            state: FlagState::Open,
            severity: finding.severity,
            message: finding.message.clone(),
            n: finding.n,
            baseline: finding.baseline.clone(),
            trace_ids: finding.trace_ids.clone(),
            fired: 1,
            fired_by: vec![FiringRun { at, trace_id: finding.trace_id.clone() }],
            first_seen: at,
            last_seen: at,
            last_announced: now,
            counted_after: None,
            alerts: Vec::new(),
            alerts_let_go: 0,
        }
    }

    /// Whether the run has not fired the flag before. One older than all that are remembered might have: it
    /// is not news either.
    fn is_news(&self, firing: &FiringRun) -> bool {
        let forgotten =
            self.fired_by.len() >= NAMED_RUNS && self.fired_by.first().is_some_and(|oldest| firing < oldest);
        !forgotten && self.fired_by.iter().all(|known| known.trace_id != firing.trace_id)
    }

    /// Counts the run; the figures are those of the run that ended last, also when an earlier one comes in
    /// later.
    fn take(&mut self, finding: &Finding, firing: FiringRun) {
        self.fired = self.fired.saturating_add(1);
        self.first_seen = self.first_seen.min(firing.at);
        self.last_seen = self.last_seen.max(firing.at);
        let place = self.fired_by.partition_point(|known| *known < firing);
        if place == self.fired_by.len() {
            self.severity = finding.severity;
            self.message.clone_from(&finding.message);
            self.n = finding.n;
            self.baseline = finding.baseline.clone();
            self.trace_ids.clone_from(&finding.trace_ids);
        }
        self.fired_by.insert(place, firing);
        let excess = self.fired_by.len().saturating_sub(NAMED_RUNS);
        self.fired_by.drain(..excess);
    }

    fn announce(&mut self, kind: AlertKind, message: &str, now: Timestamp) {
        self.last_announced = now;
        self.alerts.push(Alert { at: now, kind, message: message.to_owned() });
        let excess = self.alerts.len().saturating_sub(KEPT_ALERTS);
        self.alerts.drain(..excess);
        self.alerts_let_go = self.alerts_let_go.saturating_add(i64::try_from(excess).unwrap_or(i64::MAX));
    }
}

fn is_zero(count: &i64) -> bool {
    *count == 0
}
