//! What the newest runs did, as far as it can be held against the principles that they failed.
//!
//! Rows of the index alone, no documents: the runs themselves, their stages and their decisions, three statements that
//! each read a bounded number of the newest runs.

use std::collections::HashMap;

use serde_json::Value;
use sqlx::types::Json;

use super::{Filter, Index};
use crate::error::Result;
use crate::statistics::{Made, RunFeatures};
use crate::store::session::Session;
use crate::store::sql::Sql;
use crate::words::choice;

/// Decisions that are read at most; what is beyond belongs to the oldest runs.
const MOST_DECISIONS: i64 = 10_000;

#[derive(sqlx::FromRow)]
struct RunRow {
    trace_id: String,
    decision_count: i64,
    principle_scores: Json<serde_json::Map<String, Value>>,
    gap_principles: Json<Vec<String>>,
    strength_principles: Json<Vec<String>>,
}

/// A decision of a run: key, choice, the beginning of what was decided where nothing was folded yet, and whether it has
/// alternatives and evidence.
type Decided = (String, Option<String>, Option<String>, i64, i64);

impl Index {
    /// What those of the `limit` newest finished runs that meet the filter did in which principles were judged, and how
    /// many runs were looked at: fewer where they have very many decisions.
    ///
    /// # Errors
    /// [`crate::Error::Unavailable`] when the database is away.
    pub async fn features(&self, filter: &Filter, limit: u32) -> Result<(Vec<RunFeatures>, u32)> {
        self.read(async |session| {
            let mut runs: Vec<RunFeatures> = Vec::new();
            let mut places: HashMap<String, usize> = HashMap::new();
            let mut sql = Sql::new(
                "select t.trace_id, t.decision_count, t.principle_scores, t.gap_principles, t.strength_principles from traces t",
            );
            push_newest(&mut sql, filter, session, limit);
            let (mut looked_at, mut decisions) = (0, 0);
            session
                .each(sql, |row: RunRow| {
                    let is_judged = !(row.principle_scores.0.is_empty()
                        && row.gap_principles.0.is_empty()
                        && row.strength_principles.0.is_empty());
                    decisions += if is_judged { row.decision_count } else { 0 };
                    if decisions > MOST_DECISIONS && looked_at > 0 {
                        return;
                    }
                    looked_at += 1;
                    if !is_judged {
                        return;
                    }
                    places.insert(row.trace_id, runs.len());
                    let scored = row.principle_scores.0.into_iter().map(|(principle, _)| principle);
                    let mut principles: Vec<String> = scored.collect();
                    principles.extend(row.gap_principles.0.iter().chain(&row.strength_principles.0).cloned());
                    let gaps = row.gap_principles.0;
                    runs.push(RunFeatures { principles, gaps, ..RunFeatures::default() });
                })
                .await?;
            let ids = || places.keys().map(String::as_str);
            let mut sql = packed("s.trace_id", &["s.stage"], session);
            sql.push(" from stages s where s.trace_id in ").list(ids()).push(" group by s.trace_id");
            for (trace_id, Json(stages)) in session.fetch::<(String, Json<Vec<(String,)>>)>(sql).await? {
                if let Some(run) = places.get(&trace_id).and_then(|place| runs.get_mut(*place)) {
                    run.stages.extend(stages.into_iter().map(|(stage,)| stage));
                }
            }
            let columns = [
                "d.decision",
                "d.choice",
                "case when d.choice is null then substr(d.what, 1, 800) end",
                "case when d.alternative_count > 0 then 1 else 0 end",
                "case when d.evidence_count > 0 then 1 else 0 end",
            ];
            let mut sql = packed("d.trace_id", &columns, session);
            sql.push(" from decisions d where d.trace_id in ").list(ids()).push(" group by d.trace_id");
            for (trace_id, Json(made)) in session.fetch::<(String, Json<Vec<Decided>>)>(sql).await? {
                if let Some(run) = places.get(&trace_id).and_then(|place| runs.get_mut(*place)) {
                    run.decisions.extend(made.into_iter().map(|(key, folded, what, alternatives, evidence)| Made {
                        key,
                        choice: folded.unwrap_or_else(|| choice(&what.unwrap_or_default())),
                        has_alternatives: alternatives > 0,
                        has_evidence: evidence > 0,
                    }));
                }
            }
            Ok((runs, looked_at))
        })
        .await
    }
}

/// The beginning of a statement that gives one row for each `of`, with its rows of columns as one JSON text: to hand ten
/// thousand rows from the driver's thread to this one takes longer than to read them.
fn packed(of: &'static str, columns: &[&'static str], session: &Session) -> Sql {
    let mut sql = Sql::new("select ");
    sql.push(of);
    sql.push(if session.is_postgres() {
        ", json_agg(json_build_array("
    } else {
        ", json_group_array(json_array("
    });
    for (place, column) in columns.iter().copied().enumerate() {
        sql.push(if place > 0 { ", " } else { "" }).push(column);
    }
    sql.push("))");
    sql
}

/// Restricts a statement over `traces t` to the newest runs that ended.
fn push_newest(sql: &mut Sql, filter: &Filter, session: &Session, limit: u32) {
    filter.push(sql, session.is_postgres());
    sql.push(" and t.ended_at is not null order by t.ended_at desc, t.trace_id desc limit ")
        .arg(i64::from(limit));
}
