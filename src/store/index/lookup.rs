//! Finding runs by what somebody remembers of them, and runs that need something done.

use std::collections::HashSet;

use chrono::{DateTime, Utc};

use super::{Filter, Index, Scope};
use crate::error::Result;
use crate::model::{Status, Timestamp, TraceId};
use crate::store::sql::Sql;

/// What the index knows of a run before anything else is read.
#[derive(Clone, Debug, PartialEq)]
pub struct Sighting {
    /// The run.
    pub trace_id: TraceId,
    /// Its project.
    pub project: String,
    /// Where it stands.
    pub status: Status,
    /// The revision of its document, 0 while it has none.
    pub document_revision: u64,
    /// How many events were recorded.
    pub event_count: u64,
    /// Their size in bytes.
    pub event_bytes: u64,
    /// When the agent was last heard of.
    pub last_event_at: Timestamp,
}

#[derive(sqlx::FromRow)]
struct SightingRow {
    trace_id: String,
    project: String,
    status: String,
    document_revision: i64,
    event_count: i64,
    event_bytes: i64,
    last_event_at: DateTime<Utc>,
}

/// How many ids one statement names: well below what either database takes.
pub(super) const ASKED_AT_ONCE: usize = 500;

const SIGHTING: &str = "select t.trace_id, t.project, t.status, t.document_revision, t.event_count, t.event_bytes, t.last_event_at from traces t";

impl Index {
    /// What is known of the run of exactly this id, within the scope.
    ///
    /// # Errors
    /// [`crate::Error::Unavailable`] when the database is away.
    pub async fn sighting(&self, id: &str, scope: &Scope) -> Result<Option<Sighting>> {
        let mut sql = Sql::new(SIGHTING);
        Filter { scope: scope.clone(), ..Filter::default() }.push(&mut sql, false);
        sql.push(" and t.trace_id = ").arg(id);
        Ok(self.sightings(sql).await?.pop())
    }

    /// Runs whose ids begin with `prefix`, in the order of their ids.
    ///
    /// # Errors
    /// As [`Index::sighting`].
    pub async fn with_prefix(&self, prefix: &str, scope: &Scope, limit: u32) -> Result<Vec<Sighting>> {
        let mut sql = Sql::new(SIGHTING);
        Filter { scope: scope.clone(), ..Filter::default() }.push(&mut sql, false);
        sql.push(" and t.trace_id >= ").arg(prefix);
        if let Some(behind) = behind(prefix) {
            sql.push(" and t.trace_id < ").arg(behind);
        }
        sql.push(" order by t.trace_id limit ").arg(i64::from(limit));
        self.sightings(sql).await
    }

    /// Which of these runs are in scope.
    ///
    /// # Errors
    /// As [`Index::sighting`].
    pub async fn those_in(
        &self,
        scope: &Scope,
        ids: impl IntoIterator<Item = &str>,
    ) -> Result<HashSet<String>> {
        let ids: Vec<&str> = ids.into_iter().collect();
        let mut found = HashSet::new();
        for ids in ids.chunks(ASKED_AT_ONCE) {
            let mut sql = Sql::new("select t.trace_id from traces t");
            Filter { scope: scope.clone(), ..Filter::default() }.push(&mut sql, false);
            sql.push(" and t.trace_id in ").list(ids.iter().copied());
            let rows: Vec<(String,)> = self.read(async |session| session.fetch(sql).await).await?;
            found.extend(rows.into_iter().map(|(id,)| id));
        }
        Ok(found)
    }

    /// The runs that started last.
    ///
    /// # Errors
    /// As [`Index::sighting`].
    pub async fn latest(&self, filter: &Filter, limit: u32) -> Result<Vec<Sighting>> {
        let postgres = self.is_postgres();
        let mut sql = Sql::new(SIGHTING);
        filter.push(&mut sql, postgres);
        sql.push(" order by t.started_at desc, t.trace_id limit ").arg(i64::from(limit));
        self.sightings(sql).await
    }

    /// Ids of the runs that are parts of this one, earliest first.
    ///
    /// # Errors
    /// As [`Index::sighting`].
    pub async fn children(&self, parent: &TraceId, scope: &Scope) -> Result<Vec<TraceId>> {
        let mut sql = Sql::new(SIGHTING);
        let filter =
            Filter { scope: scope.clone(), parent: Some(parent.as_str().to_owned()), ..Filter::default() };
        filter.push(&mut sql, false);
        sql.push(" order by t.started_at, t.trace_id limit 1000");
        Ok(self.sightings(sql).await?.into_iter().map(|sighting| sighting.trace_id).collect())
    }

    /// Open runs of which nothing was heard since `before`, longest silence first.
    ///
    /// # Errors
    /// As [`Index::sighting`].
    pub async fn silent(&self, before: Timestamp, limit: u32) -> Result<Vec<Sighting>> {
        let mut sql = Sql::new(SIGHTING);
        sql.push(" where t.status = 'in_progress' and t.last_event_at < ").arg(before);
        sql.push(" order by t.last_event_at, t.trace_id limit ").arg(i64::from(limit));
        self.sightings(sql).await
    }

    /// Ended runs with events that no document holds yet.
    ///
    /// # Errors
    /// As [`Index::sighting`].
    pub async fn undocumented(&self, limit: u32) -> Result<Vec<Sighting>> {
        let mut sql = Sql::new(SIGHTING);
        sql.push(
            " where t.status <> 'in_progress' and exists (select 1 from events e where e.trace_id = t.trace_id) \
             order by t.trace_id limit ",
        )
        .arg(i64::from(limit));
        self.sightings(sql).await
    }

    /// Runs of which events are stored but no start, with the number of events.
    ///
    /// # Errors
    /// As [`Index::sighting`].
    pub async fn unstarted(&self, limit: u32) -> Result<Vec<(String, u64)>> {
        let sql = Sql::new(
            "select e.trace_id, count(*) from events e \
             where not exists (select 1 from traces t where t.trace_id = e.trace_id) \
             group by e.trace_id order by e.trace_id limit $1",
        )
        .bind(i64::from(limit));
        let rows: Vec<(String, i64)> = self.read(async |session| session.fetch(sql).await).await?;
        Ok(rows.into_iter().map(|(id, count)| (id, u64::try_from(count).unwrap_or(0))).collect())
    }

    /// Events that were kept aside because their names were taken: trace, event, and when they came.
    ///
    /// # Errors
    /// As [`Index::sighting`].
    pub async fn conflicts(&self, limit: u32) -> Result<Vec<(String, String, Timestamp)>> {
        let sql = Sql::new(
            "select trace_id, event_id, recorded_at from conflicts order by recorded_at desc, trace_id, event_id limit $1",
        )
        .bind(i64::from(limit));
        let rows: Vec<(String, String, DateTime<Utc>)> =
            self.read(async |session| session.fetch(sql).await).await?;
        Ok(rows.into_iter().map(|(trace, event, at)| (trace, event, Timestamp::new(at))).collect())
    }

    async fn sightings(&self, sql: Sql) -> Result<Vec<Sighting>> {
        let rows: Vec<SightingRow> = self.read(async |session| session.fetch(sql).await).await?;
        rows.into_iter()
            .map(|row| {
                let corrupt = |reason: String| crate::Error::Corrupt {
                    place: format!("the row of trace {}", row.trace_id),
                    reason,
                };
                let count = |count: i64| u64::try_from(count).unwrap_or(0);
                Ok(Sighting {
                    status: row
                        .status
                        .parse()
                        .map_err(|error: crate::model::UnknownStatus| corrupt(error.to_string()))?,
                    document_revision: count(row.document_revision),
                    event_count: count(row.event_count),
                    event_bytes: count(row.event_bytes),
                    last_event_at: Timestamp::new(row.last_event_at),
                    project: row.project.clone(),
                    trace_id: row
                        .trace_id
                        .parse()
                        .map_err(|error: crate::model::IdError| corrupt(error.to_string()))?,
                })
            })
            .collect()
    }
}

/// The first text that sorts behind all that begin with `prefix`, if there is one. Both databases sort texts by their
/// bytes, and so by their characters.
pub(super) fn behind(prefix: &str) -> Option<String> {
    let mut chars: Vec<char> = prefix.chars().collect();
    while let Some(last) = chars.pop() {
        let next = (u32::from(last) + 1..=u32::from(char::MAX)).find_map(char::from_u32);
        if let Some(next) = next {
            chars.push(next);
            return Some(chars.into_iter().collect());
        }
    }
    None
}
