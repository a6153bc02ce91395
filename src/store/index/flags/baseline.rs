//! What the check of one run asks of the database: the rows of the runs that ended before it.

use crate::calibration::{
    Baseline, GapRuns, GateCounts, NAMED_RUNS, PreviousRun, Scores, SubjectScores, SubjectWindow, Windows,
};
use crate::model::{Timestamp, TraceId};
use crate::statistics::RunFacts;
use crate::store::session::Session;
use crate::store::sql::Sql;

pub(super) async fn baseline(
    session: &mut Session,
    run: &RunFacts,
    windows: &Windows,
) -> sqlx::Result<Baseline> {
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
    let previous = previous_verdict(session, sql, project).await?;
    let mut sql = Sql::new("select count(*), count(case when t.quality_gate_passed then 1 end)");
    push_before(&mut sql, Some(after), windows);
    sql.push(" and t.project = ").arg(project).push(" and t.quality_gate_passed is not null");
    let (judged, passed): (i64, i64) = session.fetch_one(sql).await?;
    Ok((previous, GateCounts { judged: count(judged), passed: count(passed) }))
}

/// The last verdict of a project among the runs up to and with a moment.
pub(super) async fn verdict_until(
    session: &mut Session,
    project: &str,
    until: Timestamp,
) -> sqlx::Result<Option<PreviousRun>> {
    let mut sql = Sql::new("select t.trace_id, t.quality_gate_passed from traces t where t.ended_at <= ");
    sql.arg(until);
    previous_verdict(session, sql, project).await
}

async fn previous_verdict(
    session: &mut Session,
    mut sql: Sql,
    project: &str,
) -> sqlx::Result<Option<PreviousRun>> {
    sql.push(" and t.project = ").arg(project).push(" and t.quality_gate_passed is not null");
    sql.push(" order by t.ended_at desc, t.trace_id desc limit 1");
    let previous: Option<(String, bool)> = session.fetch_optional(sql).await?;
    previous.map(|(id, passed)| Ok(PreviousRun { trace_id: parse_id(&id)?, passed })).transpose()
}

pub(super) async fn ids(session: &mut Session, sql: Sql) -> sqlx::Result<Vec<TraceId>> {
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
