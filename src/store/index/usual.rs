//! The runs that a run is held against as a group: the newest that passed, with their stages and what they chose.
//!
//! Rows of the index alone, no documents, in three statements over at most fifty runs.

use std::collections::HashMap;

use super::{Filter, Index};
use crate::diff::UsualRun;
use crate::error::Result;
use crate::model::TraceId;
use crate::store::session::Session;
use crate::store::sql::Sql;
use crate::words::{choice, query_hash};

/// Decisions of a group that are read at most; what is beyond belongs to its oldest runs.
const MOST_DECISIONS: i64 = 20_000;

#[derive(sqlx::FromRow)]
struct RunRow {
    trace_id: String,
    duration_seconds: Option<f64>,
    synthesis_cost_usd: Option<f64>,
    decision_count: i64,
}

#[derive(sqlx::FromRow)]
struct StageRow {
    trace_id: String,
    stage: String,
    duration_seconds: Option<f64>,
}

#[derive(sqlx::FromRow)]
struct DecisionRow {
    trace_id: String,
    stage: String,
    decision: String,
    choice: Option<String>,
    /// Where nothing was folded yet.
    what: Option<String>,
}

/// Which runs make up a group: the newest that meet the filter and have ended, but not the run itself.
pub struct Group<'g> {
    /// What they have in common.
    pub filter: &'g Filter,
    /// Only those that answer this query.
    pub query: Option<&'g str>,
    /// The run that is held against them.
    pub without: &'g TraceId,
    /// How many at most.
    pub limit: u32,
}

impl Index {
    /// The runs of a group, without those whose decisions are too many to be read.
    ///
    /// # Errors
    /// [`crate::Error::Unavailable`] when the database is away.
    pub async fn usual_runs(&self, group: &Group<'_>) -> Result<Vec<UsualRun>> {
        self.read(async |session| {
            let mut runs: Vec<UsualRun> = Vec::new();
            let mut places: HashMap<String, usize> = HashMap::new();
            let mut sql = Sql::new(
                "select t.trace_id, t.duration_seconds, t.synthesis_cost_usd, t.decision_count from traces t",
            );
            group.push(&mut sql, session);
            let rows: Vec<RunRow> = session.fetch(sql).await?;
            let mut decisions = 0;
            for row in rows {
                decisions += row.decision_count;
                if decisions > MOST_DECISIONS {
                    break;
                }
                places.insert(row.trace_id, runs.len());
                runs.push(UsualRun {
                    duration_seconds: row.duration_seconds,
                    cost_usd: row.synthesis_cost_usd,
                    decisions: u64::try_from(row.decision_count).unwrap_or(0),
                    ..UsualRun::default()
                });
            }
            let mut sql =
                Sql::new("select s.trace_id, s.stage, s.duration_seconds from stages s where s.trace_id in ");
            sql.list(places.keys().map(String::as_str)).push(" order by s.trace_id, s.position");
            session
                .each(sql, |row: StageRow| {
                    if let Some(run) = places.get(&row.trace_id).and_then(|place| runs.get_mut(*place)) {
                        run.stages.push((row.stage, row.duration_seconds));
                    }
                })
                .await?;
            let mut sql = Sql::new(
                "select d.trace_id, d.stage, d.decision, d.choice, case when d.choice is null then substr(d.what, 1, 800) end as what \
                 from decisions d where d.trace_id in ",
            );
            sql.list(places.keys().map(String::as_str));
            sql.push(" order by d.trace_id, d.decided_at, d.position");
            session
                .each(sql, |row: DecisionRow| {
                    if let Some(run) = places.get(&row.trace_id).and_then(|place| runs.get_mut(*place)) {
                        let choice = row.choice.unwrap_or_else(|| choice(&row.what.unwrap_or_default()));
                        run.choices.push((row.stage, row.decision, choice));
                    }
                })
                .await?;
            Ok(runs)
        })
        .await
    }
}

impl Group<'_> {
    fn push(&self, sql: &mut Sql, session: &Session) {
        self.filter.push(sql, session.is_postgres());
        if let Some(query) = self.query {
            sql.push(" and t.query_hash = ").arg(query_hash(query));
        }
        sql.push(" and t.trace_id <> ").arg(self.without.as_str());
        sql.push(" and t.ended_at is not null order by t.started_at desc, t.trace_id limit ");
        sql.arg(i64::from(self.limit));
    }
}
