//! Calibration flags: the check of a run that has just ended, and the records that outlive it.
//!
//! The check asks the database for what [`Windows`] says and leaves the rest to [`check`]; it runs in the
//! transaction that records the finish, so that a finish that is repeated fires nothing again.

use std::sync::Arc;

use super::{Index, Scope, events};
use crate::calibration::{
    Baseline, CalibrationRules, Finding, Flag, FlagAction, FlagState, GapRuns, GateCounts, NAMED_RUNS,
    PreviousRun, Resolutions, Scores, SubjectScores, SubjectWindow, Windows, announcement_line, check,
    is_flagged_for_review,
};
use crate::error::Result;
use crate::model::{Event, EventBody, EventId, FlagNote, QualityRules, Timestamp, Trace, TraceId, fold};
use crate::statistics::RunFacts;
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

/// A run that was ended for good, as against being closed because nothing was heard of it: only such runs are checked.
#[derive(Clone, Debug)]
pub struct Ended {
    /// What the check looks at.
    pub run: RunFacts,
    /// What a check at that time has noted on it; `None` where there was none, or where others count by now.
    pub noted: Option<Vec<FlagNote>>,
}

impl Ended {
    /// The run of a document, as if it ended among the runs that are there now.
    #[must_use]
    pub fn anew(trace: &Trace, rules: &QualityRules) -> Option<Self> {
        fold::has_finish(trace).then(|| Self { run: RunFacts::of(trace, rules), noted: None })
    }

    /// The run of a document that was checked when it ended, if it was: what it found then is what it can find.
    #[must_use]
    pub fn again(trace: &Trace, rules: &QualityRules) -> Option<Self> {
        let is_noted = is_calibrated(trace).unwrap_or(false);
        let noted = is_noted.then(|| trace.calibration.flags.clone());
        Self::anew(trace, rules).map(|ended| Self { noted, ..ended })
    }

    fn may_find(&self, finding: &Finding) -> bool {
        let is_it = |note: &FlagNote| note.kind == finding.kind.as_str() && note.subject == finding.subject;
        self.noted.as_ref().is_none_or(|notes| notes.iter().any(is_it))
    }
}

/// Whether what a check found is noted on the run.
pub(super) fn is_calibrated(trace: &Trace) -> sqlx::Result<bool> {
    Ok(trace.metadata.events.contains_key(&calibration_id()?))
}

/// Checks a run whose rows are written, updates the flags, and notes on the run what was found. A mark for review
/// that somebody has set since the finish (`is_marked`) stays as it is.
pub(super) async fn calibrate(
    session: &mut Session,
    trace: Trace,
    finish: &Event,
    is_marked: bool,
    quality: &QualityRules,
    rules: &CalibrationRules,
) -> sqlx::Result<Calibrated> {
    let ended = Ended { run: RunFacts::of(&trace, quality), noted: None };
    let (findings, announcements) = observe(session, &ended, finish.recorded_at, rules).await?;
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
    ended: &Ended,
    now: Timestamp,
    rules: &CalibrationRules,
) -> sqlx::Result<(Vec<Finding>, Vec<String>)> {
    let run = &ended.run;
    let Some(ended_at) = run.ended_at() else { return Ok((Vec::new(), Vec::new())) };
    lock(session).await?;
    let flags = read_flags(session, &Scope::Projects(vec![run.project.clone()])).await?;
    let Some(windows) = Windows::of(run, &Resolutions::of(&flags), rules) else {
        return Ok((Vec::new(), Vec::new()));
    };
    let baseline = baseline(session, run, &windows).await?;
    let mut findings = check(run, &baseline, rules);
    findings.retain(|finding| ended.may_find(finding));
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

/// One change of flags at a time, so that two runs that end together do not both open the same flag.
async fn lock(session: &mut Session) -> sqlx::Result<()> {
    if session.is_postgres() {
        session.run("select pg_advisory_xact_lock(hashtext('whytrace flags'))").await?;
    }
    Ok(())
}

async fn baseline(session: &mut Session, run: &RunFacts, windows: &Windows) -> sqlx::Result<Baseline> {
    let mut gaps = Vec::with_capacity(windows.gaps.len());
    for window in &windows.gaps {
        gaps.push(gap_runs(session, window, windows).await?);
    }
    let overall = match windows.overall_after {
        Some(after) => scores(session, after, None, windows).await?,
        None => Scores::default(),
    };
    let intent = match &windows.intent {
        Some(window) => Some(subject_scores(session, " and t.intent = ", window, windows).await?),
        None => None,
    };
    let domain = match &windows.domain {
        Some(window) => Some(subject_scores(session, " and t.domain = ", window, windows).await?),
        None => None,
    };
    let (previous, verdicts) = match windows.verdicts_after {
        Some(after) => verdicts(session, &run.project, after, windows).await?,
        None => (None, GateCounts::default()),
    };
    Ok(Baseline { gaps, overall, intent, domain, previous, verdicts })
}

async fn gap_runs(session: &mut Session, window: &SubjectWindow, windows: &Windows) -> sqlx::Result<GapRuns> {
    let conditions = |sql: &mut Sql| {
        sql.push(" from principle_scores p where p.principle = ").arg(&window.subject);
        sql.push(" and p.ended_at > ").arg(window.after);
        sql.push(" and (p.ended_at, p.trace_id) <= (")
            .arg(windows.until)
            .push(", ")
            .arg(windows.trace_id.as_str());
        sql.push(")");
        if let Some(project) = &windows.scope {
            sql.push(" and p.project = ").arg(project);
        }
    };
    let mut sql = Sql::new("select count(*), count(case when p.side = 'gap' then 1 end)");
    conditions(&mut sql);
    let (runs, gap_runs): (i64, i64) = session.fetch_one(sql).await?;
    let mut sql = Sql::new("select p.trace_id");
    conditions(&mut sql);
    sql.push(" and p.side = 'gap' order by p.ended_at desc, p.trace_id desc limit ").arg(named());
    let recent = ids(session, sql).await?;
    Ok(GapRuns { principle: window.subject.clone(), runs: count(runs), gap_runs: count(gap_runs), recent })
}

/// Appends the runs that ended after `after` and before the run of the windows, within their scope.
fn push_before(sql: &mut Sql, after: Option<Timestamp>, windows: &Windows) {
    sql.push(" from traces t where (t.ended_at, t.trace_id) < (").arg(windows.until);
    sql.push(", ").arg(windows.trace_id.as_str()).push(")");
    if let Some(after) = after {
        sql.push(" and t.ended_at > ").arg(after);
    }
    if let Some(project) = &windows.scope {
        sql.push(" and t.project = ").arg(project);
    }
}

async fn scores(
    session: &mut Session,
    after: Timestamp,
    subject: Option<(&'static str, &str)>,
    windows: &Windows,
) -> sqlx::Result<Scores> {
    let mut sql = Sql::new("select count(*), avg(t.scaled_score)");
    push_before(&mut sql, Some(after), windows);
    sql.push(" and t.scaled_score is not null");
    if let Some((condition, subject)) = subject {
        sql.push(condition).arg(subject);
    }
    let (n, mean): (i64, Option<f64>) = session.fetch_one(sql).await?;
    Ok(Scores { n: count(n), mean: mean.unwrap_or(0.0) })
}

async fn subject_scores(
    session: &mut Session,
    condition: &'static str,
    window: &SubjectWindow,
    windows: &Windows,
) -> sqlx::Result<SubjectScores> {
    let scores = scores(session, window.after, Some((condition, &window.subject)), windows).await?;
    let mut sql = Sql::new("select t.trace_id");
    push_before(&mut sql, Some(window.after), windows);
    sql.push(" and t.scaled_score is not null").push(condition).arg(&window.subject);
    sql.push(" order by t.ended_at desc, t.trace_id desc limit ").arg(named());
    let recent = ids(session, sql).await?;
    Ok(SubjectScores { subject: window.subject.clone(), scores, recent })
}

async fn verdicts(
    session: &mut Session,
    project: &str,
    after: Timestamp,
    windows: &Windows,
) -> sqlx::Result<(Option<PreviousRun>, GateCounts)> {
    let mut sql = Sql::new("select t.trace_id, t.quality_gate_passed");
    push_before(&mut sql, None, windows);
    sql.push(" and t.project = ").arg(project).push(" and t.quality_gate_passed is not null");
    sql.push(" order by t.ended_at desc, t.trace_id desc limit 1");
    let previous: Option<(String, bool)> = session.fetch_optional(sql).await?;
    let mut sql = Sql::new("select count(*), count(case when t.quality_gate_passed then 1 end)");
    push_before(&mut sql, Some(after), windows);
    sql.push(" and t.project = ").arg(project).push(" and t.quality_gate_passed is not null");
    let (judged, passed): (i64, i64) = session.fetch_one(sql).await?;
    let previous = match previous {
        Some((id, passed)) => Some(PreviousRun { trace_id: parse_id(&id)?, passed }),
        None => None,
    };
    Ok((previous, GateCounts { judged: count(judged), passed: count(passed) }))
}

async fn ids(session: &mut Session, sql: Sql) -> sqlx::Result<Vec<TraceId>> {
    let rows: Vec<(String,)> = session.fetch(sql).await?;
    rows.iter().map(|(id,)| parse_id(id)).collect()
}

fn parse_id(id: &str) -> sqlx::Result<TraceId> {
    id.parse().map_err(|error: crate::model::IdError| sqlx::Error::Decode(error.into()))
}

fn named() -> i64 {
    i64::try_from(NAMED_RUNS).unwrap_or(i64::MAX)
}

fn count(count: i64) -> u64 {
    u64::try_from(count).unwrap_or(0)
}

async fn read_flags(session: &mut Session, scope: &Scope) -> sqlx::Result<Vec<Flag>> {
    let mut sql = Sql::new("select record from flags where true");
    if let Scope::Projects(projects) = scope {
        sql.push(" and project in ").list(projects.iter().map(String::as_str));
    }
    sql.push(" order by last_seen desc, flag_id");
    let records: Vec<(String,)> = session.fetch(sql).await?;
    records
        .iter()
        .map(|(record,)| serde_json::from_str(record).map_err(|error| sqlx::Error::Decode(error.into())))
        .collect()
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
        let (id, scope) = (id.to_owned(), scope.clone());
        self.database
            .write(true, move |session| {
                Box::pin(async move {
                    lock(session).await?;
                    let flag = read_flags(session, &scope).await?.into_iter().find(|flag| flag.id == id);
                    let Some(mut flag) = flag else { return Ok(None) };
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
        self.database
            .write(true, move |session| {
                Box::pin(async move {
                    lock(session).await?;
                    let known = read_flags(session, &Scope::All).await?;
                    for flag in flags.iter().filter(|flag| !known.iter().any(|known| known.id == flag.id)) {
                        write_flag(session, flag).await?;
                    }
                    Ok(())
                })
            })
            .await
    }

    /// Builds the flags that runs would have fired, in the order in which they ended, without announcing any. For runs
    /// that came as documents.
    ///
    /// # Errors
    /// [`crate::Error::Unavailable`] when the database is away.
    pub async fn rebuild_flags(&self, mut runs: Vec<Ended>) -> Result<()> {
        runs.sort_by(|Ended { run: a, .. }, Ended { run: b, .. }| {
            (a.ended_at(), &a.trace_id).cmp(&(b.ended_at(), &b.trace_id))
        });
        let rules = self.calibration;
        for chunk in runs.chunks(200) {
            let chunk = chunk.to_vec();
            self.database
                .write(true, move |session| {
                    Box::pin(async move {
                        for ended in &chunk {
                            if let Some(ended_at) = ended.run.ended_at() {
                                observe(session, ended, ended_at, &rules).await?;
                            }
                        }
                        Ok(())
                    })
                })
                .await?;
        }
        Ok(())
    }
}
