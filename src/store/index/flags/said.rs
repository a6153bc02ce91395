//! What the check of a run's confidence asks of the database: the sums that are kept by days.

use std::collections::{BTreeMap, HashMap};

use chrono::NaiveDate;

use super::baseline::ids;
use crate::calibration::confidence::{ConfidenceWindow, Said, day_end, is_off, utc_day};
use crate::calibration::{CalibrationRules, NAMED_RUNS};
use crate::model::{Timestamp, TraceId};
use crate::statistics::confidence::KeptSums;
use crate::store::index::sums::confidence;
use crate::store::session::Session;
use crate::store::sql::Sql;

/// Decisions that are looked at first for the latest runs of a key, and how much more each time that is not enough.
const FIRST_LOOK: i64 = 200;
const FURTHER: i64 = 8;

/// What the subjects of a window said. The rows of its run are written already.
pub(super) async fn said(
    session: &mut Session,
    window: &ConfidenceWindow,
    rules: &CalibrationRules,
) -> sqlx::Result<Vec<Said>> {
    if window.subjects.is_empty() {
        return Ok(Vec::new());
    }
    let last = utc_day(window.until);
    let mut firsts: BTreeMap<NaiveDate, Vec<&str>> = BTreeMap::new();
    for (subject, first) in &window.subjects {
        firsts.entry(*first).or_default().push(subject);
    }
    let mut sums: HashMap<String, KeptSums> = HashMap::new();
    for (first, subjects) in firsts {
        sums.extend(confidence::sums(session, &window.project, &subjects, (first, last)).await?);
    }
    // Sums are kept by whole days. Runs that ended later that day are known where runs come in out of order; to take
    // them out only lowers the sums, so that they are read for subjects alone of whom there is enough.
    let least = i64::try_from(rules.confidence_min_decisions).unwrap_or(i64::MAX);
    let is_enough = |subject: &&String| sums.get(*subject).is_some_and(|sums| sums.decisions >= least);
    let enough: Vec<&String> = window.subjects.iter().map(|(subject, _)| subject).filter(is_enough).collect();
    let later = match enough.as_slice() {
        [] => HashMap::new(),
        enough => confidence::stated_by(session, |sql| later_that_day(sql, window, enough)).await?,
    };
    let mut said = Vec::with_capacity(window.subjects.len());
    for (subject, first) in &window.subjects {
        let mut sums = sums.get(subject).copied().unwrap_or_default();
        let of_later = later.values().filter_map(|added| added.confidence().of_subject(subject));
        of_later.for_each(|added| sums.take_out(added));
        let recent =
            if is_off(&sums, rules) { recent(session, window, subject, *first).await? } else { Vec::new() };
        said.push(Said { subject: subject.clone(), sums, recent });
    }
    Ok(said)
}

fn later_that_day(sql: &mut Sql, window: &ConfidenceWindow, subjects: &[&String]) {
    sql.push(" and t.project = ").arg(&window.project);
    sql.push(" and (t.ended_at, t.trace_id) > (").arg(window.until);
    sql.push(", ").arg(window.trace_id.as_str()).push(") and t.ended_at < ");
    sql.arg(day_end(utc_day(window.until)));
    let of = |kind: &'static str| subjects.iter().filter_map(move |subject| subject.strip_prefix(kind));
    // An agent's sums are of all decisions of its runs, a key's of its own alone.
    sql.push(" and (t.agent_name in ").list(of("agent:"));
    sql.push(" or d.decision in ").list(of("decision:")).push(")");
}

/// The latest runs of a subject up to the run, the latest first, at most [`NAMED_RUNS`].
async fn recent(
    session: &mut Session,
    window: &ConfidenceWindow,
    subject: &str,
    first: NaiveDate,
) -> sqlx::Result<Vec<TraceId>> {
    let from = day_end(first.pred_opt().unwrap_or(first));
    let Some(("decision", key)) = subject.split_once(':') else {
        let agent = subject.strip_prefix("agent:").unwrap_or(subject);
        return ids(session, of_agent(window, agent, from)).await;
    };
    let mut limit = FIRST_LOOK;
    loop {
        let found = ids(session, of_key(window, key, from, limit)).await?;
        let is_all = found.len() < usize::try_from(limit).unwrap_or(usize::MAX);
        let mut runs = found;
        runs.dedup();
        if is_all || runs.len() >= NAMED_RUNS {
            runs.truncate(NAMED_RUNS);
            return Ok(runs);
        }
        limit = limit.saturating_mul(FURTHER);
    }
}

fn of_agent(window: &ConfidenceWindow, agent: &str, from: Timestamp) -> Sql {
    let mut sql = Sql::new("select t.trace_id from traces t where t.agent_name = ");
    sql.arg(agent).push(" and t.project = ").arg(&window.project).push(" and t.ended_at >= ").arg(from);
    push_until(&mut sql, window);
    sql.push(
        " and exists (select 1 from decisions d where d.trace_id = t.trace_id and d.confidence is not null \
         and coalesce(d.outcome_correct, t.quality_gate_passed) is not null) \
         order by t.ended_at desc, t.trace_id desc limit ",
    );
    sql.arg(i64::try_from(NAMED_RUNS).unwrap_or(i64::MAX));
    sql
}

/// The run of each decision, so that a run comes as often as it has decisions of the key.
fn of_key(window: &ConfidenceWindow, key: &str, from: Timestamp, limit: i64) -> Sql {
    let mut sql = Sql::new("select t.trace_id from decisions d cross join traces t where d.decision = ");
    sql.arg(key).push(" and d.project = ").arg(&window.project);
    sql.push(" and d.ended_at >= ").arg(from).push(" and d.ended_at <= ").arg(window.until);
    sql.push(
        " and d.confidence is not null and t.trace_id = d.trace_id \
         and coalesce(d.outcome_correct, t.quality_gate_passed) is not null",
    );
    push_until(&mut sql, window);
    sql.push(" order by d.ended_at desc, d.trace_id desc limit ").arg(limit);
    sql
}

fn push_until(sql: &mut Sql, window: &ConfidenceWindow) {
    sql.push(" and (t.ended_at, t.trace_id) <= (").arg(window.until);
    sql.push(", ").arg(window.trace_id.as_str()).push(")");
}
