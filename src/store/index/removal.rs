//! Whole runs out: deletion, and which runs have had their time.

use std::collections::{BTreeMap, HashSet};

use chrono::{DateTime, Utc};

use super::sums::{self, Changes};
use super::{Filter, Index, flags, search};
use crate::error::{Error, Result};
use crate::model::{Timestamp, TraceId};
use crate::store::session::Session;
use crate::store::sql::Sql;

/// A finished run that may go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expired {
    /// The run.
    pub trace_id: TraceId,
    /// Its project.
    pub project: String,
    /// When it ended.
    pub ended_at: Timestamp,
    /// How many decisions it recorded.
    pub decisions: u64,
}

#[derive(sqlx::FromRow)]
struct ExpiredRow {
    trace_id: String,
    project: String,
    ended_at: DateTime<Utc>,
    decision_count: i64,
}

impl Index {
    /// Removes runs with everything that belongs to them, takes them out of the flags, and leaves tombstones, so that
    /// nothing brings them back; in one transaction.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the database is away.
    pub async fn delete(&self, runs: &[TraceId], at: Timestamp) -> Result<()> {
        self.remove(runs.to_vec(), None, at).await.map(drop)
    }

    /// The same for those of the runs that have ended and meet the filter in that very transaction, whatever they did when
    /// they were looked for. Gives those.
    ///
    /// # Errors
    /// As [`Index::delete`].
    pub async fn delete_expired(
        &self,
        runs: &[TraceId],
        filter: &Filter,
        at: Timestamp,
    ) -> Result<Vec<TraceId>> {
        let mut sql = Sql::new("select t.trace_id from traces t");
        filter.push(&mut sql, self.is_postgres());
        sql.push(" and t.ended_at is not null and t.trace_id in ").list(runs.iter().map(TraceId::as_str));
        self.remove(runs.to_vec(), Some(sql), at).await
    }

    /// Removes those of the runs that the question, asked under their locks, still names; all where there is none.
    async fn remove(
        &self,
        mut runs: Vec<TraceId>,
        still: Option<Sql>,
        at: Timestamp,
    ) -> Result<Vec<TraceId>> {
        // The order in which all processes take runs, so that two of them never wait for each other in a circle.
        runs.sort();
        let flag_scope = self.calibration.flag_scope;
        self.database
            .write(true, move |session| {
                Box::pin(async move {
                    super::record::lock(session, &runs).await?;
                    if let Some(sql) = still {
                        let named: Vec<(String,)> = session.fetch(sql).await?;
                        let named: HashSet<String> = named.into_iter().map(|(id,)| id).collect();
                        runs.retain(|run| named.contains(run.as_str()));
                    }
                    let mut projects: BTreeMap<String, HashSet<TraceId>> = BTreeMap::new();
                    let mut changes = Changes::default();
                    for run in &runs {
                        if let Some(project) = remove(session, run, at, &mut changes).await? {
                            projects.entry(project).or_default().insert(run.clone());
                        }
                    }
                    changes.write(session).await?;
                    flags::lock(session, projects.keys().map(String::as_str), flag_scope).await?;
                    for (project, gone) in projects {
                        flags::take_out(session, &project, &gone).await?;
                    }
                    Ok(runs)
                })
            })
            .await
    }

    /// Finished runs that meet the filter, those that ended first before others, behind a moment and id: at most
    /// `limit`.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the database is away.
    pub async fn expired(
        &self,
        filter: &Filter,
        behind: Option<(Timestamp, &TraceId)>,
        limit: u32,
    ) -> Result<Vec<Expired>> {
        let mut sql = Sql::new("select t.trace_id, t.project, t.ended_at, t.decision_count from traces t");
        filter.push(&mut sql, self.is_postgres());
        sql.push(" and t.ended_at is not null");
        if let Some((at, trace_id)) = behind {
            sql.push(" and (t.ended_at, t.trace_id) > (").arg(at).push(", ").arg(trace_id.as_str()).push(")");
        }
        sql.push(" order by t.ended_at, t.trace_id limit ").arg(i64::from(limit));
        let rows: Vec<ExpiredRow> = self.read(async |session| session.fetch(sql).await).await?;
        rows.into_iter()
            .map(|row| {
                Ok(Expired {
                    trace_id: row.trace_id.parse().map_err(|error: crate::model::IdError| {
                        Error::Corrupt {
                            place: format!("the row of trace {:?}", row.trace_id),
                            reason: error.to_string(),
                        }
                    })?,
                    project: row.project,
                    ended_at: Timestamp::new(row.ended_at),
                    decisions: u64::try_from(row.decision_count).unwrap_or(0),
                })
            })
            .collect()
    }

    /// Whether it is this process's turn, among all on this database, to do something until then.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the database is away.
    pub async fn take_turn(&self, what: &'static str, now: Timestamp, until: Timestamp) -> Result<bool> {
        self.database
            .write(false, move |session| {
                Box::pin(async move {
                    let sql = Sql::new(
                        "insert into meta (key, value) values ($1, $2) on conflict (key) do update set value = excluded.value \
                         where meta.value <= $3 returning key",
                    );
                    let sql = sql.bind(format!("turn: {what}")).bind(until.to_string()).bind(now.to_string());
                    Ok(session.fetch_optional::<(String,)>(sql).await?.is_some())
                })
            })
            .await
    }

    /// Gives back the space of what was deleted, and overwrites what is left of it in the database's files; says
    /// whether all of it is gone.
    ///
    /// SQLite writes the whole file anew, for which it needs as much space again meanwhile, and others wait to write.
    /// It is not all gone where somebody is reading: the log still holds what they read. Postgres is asked to vacuum
    /// the tables, so that new rows take the place of the deleted ones; its files stay as large as they are.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the database is away or its disk is full.
    pub async fn compact(&self) -> Result<bool> {
        self.database.compact().await
    }

    /// Gives some of the space back that deleted rows took in the file of SQLite, without making others wait for long.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the database is away.
    pub async fn shrink(&self) -> Result<()> {
        if self.is_postgres() {
            return Ok(());
        }
        self.database
            .write(true, |session| {
                Box::pin(async move { session.run("pragma incremental_vacuum(2000)").await })
            })
            .await
    }
}

/// Removes the rows of a run; gives its project, if there was one.
async fn remove(
    session: &mut Session,
    trace_id: &TraceId,
    at: Timestamp,
    changes: &mut Changes,
) -> sqlx::Result<Option<String>> {
    let id = trace_id.as_str();
    let sql = Sql::new(
        "insert into tombstones (trace_id, deleted_at) values ($1, $2) on conflict (trace_id) do nothing",
    );
    session.execute(sql.bind(id).bind(at)).await?;
    let sql = Sql::new("select project from traces where trace_id = $1").bind(id);
    let project: Option<(String,)> = session.fetch_optional(sql).await?;
    sums::added(session, [id]).await?.values().for_each(|added| changes.take_out(added));
    if !session.is_postgres() {
        let words = "delete from trace_words where rowid in (select row_id from traces where trace_id = $1)";
        session.execute(Sql::new(words).bind(id)).await?;
    }
    search::delete_decision_words(session, &[id.to_owned()]).await?;
    for text in [
        "delete from tags where trace_id = $1",
        "delete from stages where trace_id = $1",
        "delete from decisions where trace_id = $1",
        "delete from alternatives where trace_id = $1",
        "delete from principle_scores where trace_id = $1",
        "delete from evidence where trace_id = $1",
        "delete from events where trace_id = $1",
        "delete from conflicts where trace_id = $1",
        "delete from traces where trace_id = $1",
    ] {
        session.execute(Sql::new(text).bind(id)).await?;
    }
    Ok(project.map(|(project,)| project))
}
