//! Calibration flags: the check of a run that has just ended, and the records that outlive it.
//!
//! The check asks the database for what [`Windows`] says and leaves the rest to [`check`]; it runs in the
//! transaction that records the finish, so that a finish that is repeated fires nothing again.

mod baseline;
mod lock;
mod replay;
mod said;

use std::collections::HashSet;
use std::sync::Arc;

pub(super) use lock::lock;
pub use replay::{Checking, Ended};

use super::{Index, Scope, events};
use crate::calibration::confidence::{ConfidenceWindow, check_confidence};
use crate::calibration::{
    CalibrationRules, Finding, Flag, FlagAction, FlagKind, FlagState, Resolutions, Windows,
    announcement_line, check, is_flagged_for_review,
};
use crate::error::Result;
use crate::model::{Event, EventBody, EventId, FlagNote, QualityRules, Timestamp, Trace, TraceId, fold};
use crate::statistics::RunFacts;
use crate::statistics::confidence::RunConfidence;
use crate::store::sealed::Sealed;
use crate::store::session::Session;
use crate::store::sql::Sql;

/// The name of the event that keeps what calibration found at a run's finish.
const CALIBRATION: &str = "calibration";

/// What a check led to.
pub(super) struct Calibrated {
    /// The run with its flags.
    pub trace: Trace,
    /// Lines to print.
    pub announcements: Vec<String>,
}

/// Whether what a check found is noted on the run.
pub(super) fn is_calibrated(trace: &Trace) -> sqlx::Result<bool> {
    Ok(trace.metadata.events.contains_key(&calibration_id()?))
}

/// Checks a run whose rows are written, under the [`lock()`] of its project's flags; updates the flags, and notes on the run what was found. A mark for review
/// that somebody has set since the finish (`is_marked`) stays as it is.
pub(super) async fn calibrate(
    session: &mut Session,
    trace: Trace,
    finish: &Event,
    is_marked: bool,
    quality: &QualityRules,
    rules: &CalibrationRules,
) -> sqlx::Result<Calibrated> {
    let run = (RunFacts::of(&trace, quality), RunConfidence::of(&trace));
    let (findings, announcements) = observe(session, &run, finish.recorded_at, rules).await?;
    let body = EventBody::Calibration {
        flags: findings.iter().map(FlagNote::from).collect(),
        flagged_for_review: is_flagged_for_review(&findings),
    };
    let event = Event {
        event_id: calibration_id()?,
        // Behind the finish, whatever else the process records meanwhile.
        recorded_at: finish.recorded_at,
        sequence: finish.sequence.saturating_add(1),
        occurred_at: None,
        content_hash: String::new(),
        redactions: 0,
        body,
        trace_id: finish.trace_id.clone(),
        origin: finish.origin.clone(),
    };
    let sealed = Sealed::new(event.clone()).map_err(|error| sqlx::Error::Encode(error.into()))?;
    events::insert(session, &[Arc::new(sealed)]).await?;
    let before = trace.clone();
    let mark = before.calibration.flagged_for_review;
    let mut trace = fold(Some(trace), [&event], quality).unwrap_or(before);
    if is_marked {
        trace.calibration.flagged_for_review = mark;
    }
    if trace.calibration.flagged_for_review {
        let sql = Sql::new("update traces set flagged_for_review = $1 where trace_id = $2")
            .bind(true)
            .bind(trace.trace_id.as_str());
        session.execute(sql).await?;
    }
    Ok(Calibrated { trace, announcements })
}

fn calibration_id() -> sqlx::Result<EventId> {
    CALIBRATION.parse().map_err(|error: crate::model::IdError| sqlx::Error::Encode(error.into()))
}

/// Checks a run against the rows that are there and lets the flags take in what was found.
async fn observe(
    session: &mut Session,
    (run, confidence): &(RunFacts, RunConfidence),
    now: Timestamp,
    rules: &CalibrationRules,
) -> sqlx::Result<(Vec<Finding>, Vec<String>)> {
    let Some(ended_at) = run.ended_at() else { return Ok((Vec::new(), Vec::new())) };
    let flags = read_flags(session, &Scope::Projects(vec![run.project.clone()])).await?;
    let resolutions = Resolutions::of(&flags);
    let Some(windows) = Windows::of(run, &resolutions, rules) else {
        return Ok((Vec::new(), Vec::new()));
    };
    let baseline = baseline::baseline(session, run, &windows).await?;
    let mut findings = check(run, &baseline, rules);
    if let Some(window) = ConfidenceWindow::of(run, confidence, &resolutions, rules) {
        let said = said::said(session, &window, rules).await?;
        findings.extend(check_confidence(run, confidence, &said, rules));
    }
    let mut announcements = Vec::new();
    for finding in &findings {
        let existing = flags.iter().find(|flag| flag.key() == finding.key()).cloned();
        let (flag, announcement) = Flag::observe(existing, finding, ended_at, now, rules);
        if announcement.is_announced() {
            announcements.push(announcement_line(&flag));
        }
        write_flag(session, &flag).await?;
    }
    Ok((findings, announcements))
}

pub(super) async fn read_flags(session: &mut Session, scope: &Scope) -> sqlx::Result<Vec<Flag>> {
    let mut sql = Sql::new("select record from flags where true");
    if let Scope::Projects(projects) = scope {
        sql.push(" and project in ").list(projects.iter().map(String::as_str));
    }
    // A newer version may know more kinds, and runs beside this one.
    sql.push(" and kind in ").list(FlagKind::ALL.map(FlagKind::as_str));
    sql.push(" order by last_seen desc, flag_id");
    let records: Vec<(String,)> = session.fetch(sql).await?;
    records
        .iter()
        .map(|(record,)| serde_json::from_str(record).map_err(|error| sqlx::Error::Decode(error.into())))
        .collect()
}

/// Takes deleted runs out of the flags of their project, under their lock; a flag that none is left of goes.
pub(super) async fn take_out(
    session: &mut Session,
    project: &str,
    gone: &HashSet<TraceId>,
) -> sqlx::Result<()> {
    for flag in read_flags(session, &Scope::Projects(vec![project.to_owned()])).await? {
        let id = flag.id.clone();
        match flag.clone().without(gone) {
            Some(kept) if kept == flag => {}
            Some(kept) => write_flag(session, &kept).await?,
            None => {
                session.execute(Sql::new("delete from flags where flag_id = $1").bind(id)).await?;
            }
        }
    }
    Ok(())
}

async fn find(session: &mut Session, id: &str, scope: &Scope) -> sqlx::Result<Option<Flag>> {
    Ok(read_flags(session, scope).await?.into_iter().find(|flag| flag.id == id))
}

pub(super) async fn write_flag(session: &mut Session, flag: &Flag) -> sqlx::Result<()> {
    let record = serde_json::to_string(flag).map_err(|error| sqlx::Error::Encode(error.into()))?;
    let sql = Sql::new(
        "insert into flags (flag_id, project, kind, subject, state, last_seen, record) values ($1, $2, $3, $4, $5, $6, $7) \
         on conflict (flag_id) do update set state = excluded.state, last_seen = excluded.last_seen, record = excluded.record",
    )
    .bind(&flag.id)
    .bind(&flag.project)
    .bind(flag.kind.as_str())
    .bind(&flag.subject)
    .bind(flag.state.as_str())
    .bind(flag.last_seen)
    .bind(record);
    session.execute(sql).await?;
    Ok(())
}

impl Index {
    /// All flags of the projects in scope, the last seen first.
    ///
    /// # Errors
    /// [`crate::Error::Unavailable`] when the database is away.
    pub async fn flags(&self, scope: &Scope) -> Result<Vec<Flag>> {
        self.read(async |session| read_flags(session, scope).await).await
    }

    /// How many flags are open, in all projects.
    ///
    /// # Errors
    /// [`crate::Error::Unavailable`] when the database is away.
    pub async fn open_flags(&self) -> Result<u64> {
        let open = Sql::new("select count(*) from flags where state = $1").bind(FlagState::Open.as_str());
        let (open,): (i64,) = self.read(async |session| session.fetch_one(open).await).await?;
        Ok(u64::try_from(open).unwrap_or(0))
    }

    /// Does to a flag what somebody decided; `None` when there is no such flag in scope.
    ///
    /// # Errors
    /// [`crate::Error::Unavailable`] when the database is away.
    pub async fn review_flag(
        &self,
        id: &str,
        action: FlagAction,
        now: Timestamp,
        scope: &Scope,
    ) -> Result<Option<Flag>> {
        let (id, scope, flag_scope) = (id.to_owned(), scope.clone(), self.calibration.flag_scope);
        self.database
            .write(true, move |session| {
                Box::pin(async move {
                    let Some(flag) = find(session, &id, &scope).await? else { return Ok(None) };
                    lock(session, [flag.project.as_str()], flag_scope).await?;
                    // As it is now that nobody else changes it.
                    let Some(mut flag) = find(session, &id, &scope).await? else { return Ok(None) };
                    if flag.review(action, now) {
                        write_flag(session, &flag).await?;
                    }
                    Ok(Some(flag))
                })
            })
            .await
    }

    /// Puts back flags as a project's file remembers them, unless the index knows them.
    ///
    /// # Errors
    /// [`crate::Error::Unavailable`] when the database is away.
    pub async fn restore_flags(&self, flags: Vec<Flag>) -> Result<()> {
        let flag_scope = self.calibration.flag_scope;
        self.database
            .write(true, move |session| {
                Box::pin(async move {
                    lock(session, flags.iter().map(|flag| flag.project.as_str()), flag_scope).await?;
                    let known = read_flags(session, &Scope::All).await?;
                    for flag in flags.iter().filter(|flag| !known.iter().any(|known| known.id == flag.id)) {
                        write_flag(session, flag).await?;
                    }
                    Ok(())
                })
            })
            .await
    }
}
