//! What the check of one run asks of the database about the runs that ended before it: sums, and the last of them.

use crate::calibration::{
    Baseline, GapRuns, GateCounts, NAMED_RUNS, PreviousRun, Scores, SubjectScores, SubjectWindow, Windows,
};
use crate::model::{Timestamp, TraceId};
use crate::statistics::RunFacts;
use crate::store::index::Filter;
use crate::store::index::sums::stretch::{End, Stretch, Totals};
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
        Some(after) => {
            scores(session, &Filter { ended_after: Some(after), ..in_scope(windows) }, windows).await?
        }
        None => Scores::default(),
    };
    let intent = match &windows.intent {
        Some(window) => {
            let filter = Filter { intent: Some(window.subject.clone()), ..in_scope(windows) };
            Some(subject_scores(session, filter, window, windows).await?)
        }
        None => None,
    };
    let domain = match &windows.domain {
        Some(window) => {
            let filter = Filter { domain: Some(window.subject.clone()), ..in_scope(windows) };
            Some(subject_scores(session, filter, window, windows).await?)
        }
        None => None,
    };
    let (previous, verdicts) = match windows.verdicts_after {
        Some(after) => verdicts(session, &run.project, after, windows).await?,
        None => (None, GateCounts::default()),
    };
    Ok(Baseline { gaps, overall, intent, domain, previous, verdicts })
}

async fn gap_runs(session: &mut Session, window: &SubjectWindow, windows: &Windows) -> sqlx::Result<GapRuns> {
    let principle = &window.subject;
    let filter = Filter { ended_after: Some(window.after), ..in_scope(windows) };
    let (runs, gap_runs) = match Stretch::new(&filter, End::With(windows.until, &windows.trace_id)) {
        Some(stretch) => stretch.gaps(session, principle).await?,
        None => return Err(not_kept()),
    };
    let mut sql =
        Sql::new("select p.trace_id from principle_scores p where p.side = 'gap' and p.principle = ");
    sql.arg(principle).push(" and p.ended_at > ").arg(window.after);
    sql.push(" and (p.ended_at, p.trace_id) <= (").arg(windows.until);
    sql.push(", ").arg(windows.trace_id.as_str()).push(")");
    if let Some(project) = &windows.scope {
        sql.push(" and p.project = ").arg(project);
    }
    sql.push(" order by p.ended_at desc, p.trace_id desc limit ").arg(named());
    let recent = ids(session, sql).await?;
    Ok(GapRuns { principle: principle.clone(), runs, gap_runs, recent })
}

/// A question about a flag that the kept sums do not answer is a fault of this program, and not "no runs".
fn not_kept() -> sqlx::Error {
    sqlx::Error::Protocol("no sums are kept of what a flag is about".to_owned())
}

fn in_scope(windows: &Windows) -> Filter {
    Filter { project: windows.scope.clone(), ..Filter::default() }
}

/// How the runs of a filter were judged that ended before the run of the windows.
async fn totals_before(session: &mut Session, filter: &Filter, windows: &Windows) -> sqlx::Result<Totals> {
    match Stretch::new(filter, End::Before(windows.until, &windows.trace_id)) {
        Some(stretch) => stretch.totals(session).await?.ok_or_else(not_kept),
        None => Err(not_kept()),
    }
}

async fn scores(session: &mut Session, filter: &Filter, windows: &Windows) -> sqlx::Result<Scores> {
    let totals = totals_before(session, filter, windows).await?;
    Ok(Scores::of_millionths(totals.scored, totals.millionths))
}

async fn subject_scores(
    session: &mut Session,
    filter: Filter,
    window: &SubjectWindow,
    windows: &Windows,
) -> sqlx::Result<SubjectScores> {
    let filter = Filter { ended_after: Some(window.after), ..filter };
    let scores = scores(session, &filter, windows).await?;
    let mut sql = Sql::new("select t.trace_id from traces t");
    filter.push(&mut sql, session.is_postgres());
    push_before(&mut sql, windows);
    sql.push(" and t.scaled_score is not null order by t.ended_at desc, t.trace_id desc limit ").arg(named());
    let recent = ids(session, sql).await?;
    Ok(SubjectScores { subject: window.subject.clone(), scores, recent })
}

/// Appends that runs ended before the run of the windows.
fn push_before(sql: &mut Sql, windows: &Windows) {
    sql.push(" and (t.ended_at, t.trace_id) < (").arg(windows.until);
    sql.push(", ").arg(windows.trace_id.as_str()).push(")");
}

async fn verdicts(
    session: &mut Session,
    project: &str,
    after: Timestamp,
    windows: &Windows,
) -> sqlx::Result<(Option<PreviousRun>, GateCounts)> {
    let mut sql = Sql::new("select t.trace_id, t.quality_gate_passed from traces t where true");
    push_before(&mut sql, windows);
    let previous = previous_verdict(session, sql, project).await?;
    let filter = Filter { project: Some(project.to_owned()), ended_after: Some(after), ..Filter::default() };
    let totals = totals_before(session, &filter, windows).await?;
    Ok((previous, GateCounts { judged: totals.judged, passed: totals.passed }))
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
