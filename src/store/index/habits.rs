//! What earlier runs of a project did: how decisions of a key were made, how long stages took, and which runs are
//! comparable with one.
//!
//! Each question is one statement, and reads a bounded number of the newest rows however many there are.

use std::collections::HashMap;

use super::Index;
use crate::diagnose::{Habits, PastDecision, PastRun};
use crate::error::Result;
use crate::model::Trace;
use crate::store::sql::Sql;
use crate::words::query_hash;

/// Keys of a run that are asked about, the most frequent ones.
const KEYS: usize = 20;
/// Decisions of each key, and runs with a stage, that make a habit: the newest.
const NEWEST: i64 = 200;
/// Stages of a run that are asked about.
const STAGES: usize = 50;
/// The newest runs among which comparable ones are looked for.
const LOOKED_AT: i64 = 2_000;
/// The most comparable runs with the same query, and with the same intent.
const WITH_QUERY: i64 = 200;
const WITH_INTENT: i64 = 50;
/// Decisions of comparable runs that are read, all together.
const DECISIONS: i64 = 20_000;

/// Why runs are comparable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparable {
    /// The same project was asked the same.
    Query,
    /// The same project was asked with the same intent.
    Intent,
}

#[derive(sqlx::FromRow)]
struct PastRow {
    trace_id: String,
    decision: String,
    choice: Option<String>,
    confidence: Option<f64>,
    alternative_count: i64,
    evidence_count: i64,
    quality_gate_passed: Option<bool>,
}

impl Index {
    /// What other runs of the project did, where they took the decisions and passed the stages of this one.
    ///
    /// # Errors
    /// [`crate::Error::Unavailable`] when the database is away.
    pub async fn habits(&self, run: &Trace) -> Result<Habits> {
        let past = match past_decisions(run) {
            Some(sql) => self.read(async |session| session.fetch::<PastRow>(sql).await).await?,
            None => Vec::new(),
        };
        let past: Vec<PastDecision> = past.into_iter().map(PastRow::into_decision).collect();
        let durations: Vec<(String, f64)> = if run.stages.is_empty() {
            Vec::new()
        } else {
            let sql = past_stages(run);
            self.read(async |session| session.fetch(sql).await).await?
        };
        Ok(Habits::of(&past, &durations))
    }

    /// The runs of the same project that went well and are comparable with this one, with their decisions, the newest
    /// first: those with the same query, or else those with the same intent.
    ///
    /// # Errors
    /// As [`Index::habits`].
    pub async fn comparable(&self, run: &Trace) -> Result<Option<(Comparable, Vec<PastRun>)>> {
        for by in [Comparable::Query, Comparable::Intent] {
            let Some(sql) = candidates(run, by) else { continue };
            let found: Vec<(String, i64)> = self.read(async |session| session.fetch(sql).await).await?;
            if !found.is_empty() {
                return Ok(Some((by, self.with_decisions(found).await?)));
            }
        }
        Ok(None)
    }

    async fn with_decisions(&self, found: Vec<(String, i64)>) -> Result<Vec<PastRun>> {
        let mut decisions = 0;
        let mut runs: Vec<PastRun> = Vec::new();
        for (trace_id, count) in found {
            decisions += count;
            if decisions > DECISIONS && !runs.is_empty() {
                break;
            }
            runs.push(PastRun { trace_id, choices: Vec::new() });
        }
        let places: HashMap<String, usize> =
            runs.iter().enumerate().map(|(place, run)| (run.trace_id.clone(), place)).collect();
        // A character more than counts, so that whatever is cut is seen to be longer.
        let mut sql = Sql::new(
            "select d.trace_id, d.decision, substr(d.what, 1, 101) from decisions d where d.trace_id in ",
        );
        sql.list(runs.iter().map(|run| run.trace_id.as_str()));
        sql.push(" order by d.trace_id, d.stage, d.position limit ").arg(DECISIONS);
        let rows: Vec<(String, String, String)> = self.read(async |session| session.fetch(sql).await).await?;
        for (trace_id, key, what) in rows {
            if let Some(run) = places.get(&trace_id).and_then(|place| runs.get_mut(*place)) {
                run.choices.push((key, what));
            }
        }
        Ok(runs)
    }
}

/// The newest decisions of each of the run's keys in the project's other runs.
fn past_decisions(run: &Trace) -> Option<Sql> {
    let mut counts: Vec<(&str, usize)> = Vec::new();
    let mut places: HashMap<&str, usize> = HashMap::new();
    for (_, decision) in run.decisions() {
        let place = *places.entry(&decision.key).or_insert_with(|| {
            counts.push((&decision.key, 0));
            counts.len() - 1
        });
        if let Some((_, count)) = counts.get_mut(place) {
            *count += 1;
        }
    }
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let mut sql: Option<Sql> = None;
    for (key, _) in counts.iter().take(KEYS) {
        let one = "select trace_id, decision, choice, confidence, alternative_count, evidence_count, \
                   quality_gate_passed from (select d.trace_id, d.decision, d.choice, d.confidence, \
                   d.alternative_count, d.evidence_count, d.quality_gate_passed from decisions d where d.decision = ";
        let sql = match &mut sql {
            Some(sql) => {
                sql.push(" union all ").push(one);
                sql
            }
            None => sql.insert(Sql::new(one)),
        };
        sql.arg(*key).push(" and d.project = ").arg(&run.project);
        sql.push(" and d.trace_id <> ").arg(run.trace_id.as_str());
        sql.push(" order by d.ended_at desc, d.row_id desc limit ").arg(NEWEST).push(") own");
    }
    sql
}

/// How long the newest runs of the project took in the stages of this one.
fn past_stages(run: &Trace) -> Sql {
    let mut sql = Sql::new(
        "select s.stage, s.duration_seconds from (select t.trace_id from traces t where t.ended_at is not null and t.project = ",
    );
    sql.arg(&run.project).push(" and t.trace_id <> ").arg(run.trace_id.as_str());
    sql.push(" order by t.ended_at desc, t.trace_id limit ").arg(NEWEST);
    sql.push(") own join stages s on s.trace_id = own.trace_id where s.duration_seconds is not null and s.stage in ");
    sql.list(run.stages.keys().take(STAGES).map(String::as_str));
    sql
}

/// Runs that went well and are comparable: their ids and numbers of decisions.
///
/// The newest are looked at whatever became of them, so that a long row of failures costs no more.
fn candidates(run: &Trace, by: Comparable) -> Option<Sql> {
    let mut sql = Sql::new(
        "select trace_id, decision_count from (select t.trace_id, t.decision_count, t.intent, t.status, t.error, \
         t.quality_gate_passed, t.started_at from traces t where t.project = ",
    );
    sql.arg(&run.project).push(" and t.trace_id <> ").arg(run.trace_id.as_str());
    if by == Comparable::Query {
        Some(&run.run.query).filter(|query| !query.trim().is_empty())?;
        sql.push(" and t.query_hash = ").arg(query_hash(&run.run.query));
    }
    sql.push(" order by t.started_at desc, t.trace_id limit ").arg(LOOKED_AT);
    sql.push(
        ") own where status = 'complete' and decision_count > 0 \
         and (quality_gate_passed or (quality_gate_passed is null and error is null))",
    );
    if by == Comparable::Intent {
        sql.push(" and intent = ").arg(run.run.intent.as_ref()?);
    }
    let most = if by == Comparable::Query { WITH_QUERY } else { WITH_INTENT };
    sql.push(" order by started_at desc, trace_id limit ").arg(most);
    Some(sql)
}

impl PastRow {
    fn into_decision(self) -> PastDecision {
        PastDecision {
            trace_id: self.trace_id,
            key: self.decision,
            choice: self.choice,
            confidence: self.confidence,
            has_alternatives: self.alternative_count > 0,
            has_evidence: self.evidence_count > 0,
            passed: self.quality_gate_passed,
        }
    }
}
