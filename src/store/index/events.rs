//! Whole events of runs that are open, or whose document is not saved yet.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::Index;
use crate::error::Result;
use crate::model::{Event, EventId, Timestamp, TraceId};
use crate::store::sealed::Sealed;
use crate::store::session::Session;
use crate::store::sql::{Sql, rows_at_once};

/// Inserts those whose names are free, and gives their names.
pub(super) async fn insert(session: &mut Session, events: &[Arc<Sealed>]) -> sqlx::Result<HashSet<String>> {
    let mut inserted = HashSet::new();
    for chunk in events.chunks(rows_at_once(5)) {
        let mut sql =
            Sql::new("insert into events (trace_id, event_id, recorded_at, content_hash, body) values ");
        let mut rows = Vec::with_capacity(chunk.len());
        for event in chunk {
            rows.push(vec![
                event.trace_id.as_str().into(),
                event.event_id.as_str().into(),
                event.recorded_at.into(),
                event.content_hash.as_str().into(),
                event.json().into(),
            ]);
        }
        sql.rows(rows).push(" on conflict (trace_id, event_id) do nothing returning event_id");
        inserted.extend(session.fetch::<(String,)>(sql).await?.into_iter().map(|row| row.0));
    }
    Ok(inserted)
}

/// The content hashes of those of `ids` that are stored.
pub(super) async fn hashes(
    session: &mut Session,
    trace_id: &TraceId,
    ids: &[&EventId],
) -> sqlx::Result<HashMap<String, String>> {
    let mut hashes = HashMap::new();
    for chunk in ids.chunks(1_000) {
        let mut sql =
            Sql::new("select event_id, content_hash from events where trace_id = $1 and event_id in ")
                .bind(trace_id.as_str());
        sql.list(chunk.iter().map(|id| id.as_str()));
        hashes.extend(session.fetch::<(String, String)>(sql).await?);
    }
    Ok(hashes)
}

/// Keeps events aside whose names were taken by other content.
pub(super) async fn keep_aside(session: &mut Session, events: &[Arc<Sealed>]) -> sqlx::Result<()> {
    for event in events {
        let sql = Sql::new(
            "insert into conflicts (trace_id, event_id, content_hash, recorded_at, body) values ($1, $2, $3, $4, $5) \
             on conflict (trace_id, event_id, content_hash) do nothing",
        )
        .bind(event.trace_id.as_str())
        .bind(event.event_id.as_str())
        .bind(event.content_hash.as_str())
        .bind(event.recorded_at)
        .bind(event.json());
        session.execute(sql).await?;
    }
    Ok(())
}

/// How many events of a run are stored, and their bytes of JSON.
pub(super) async fn stored(session: &mut Session, trace_id: &TraceId) -> sqlx::Result<(i64, i64)> {
    let sql = Sql::new(
        "select count(*), cast(coalesce(sum(octet_length(body)), 0) as bigint) from events where trace_id = $1",
    )
    .bind(trace_id.as_str());
    session.fetch_one(sql).await
}

/// When the last of the stored events of a run was recorded.
pub(super) async fn latest(session: &mut Session, trace_id: &TraceId) -> sqlx::Result<Option<Timestamp>> {
    let sql =
        Sql::new("select recorded_at from events where trace_id = $1 order by recorded_at desc limit 1")
            .bind(trace_id.as_str());
    let row: Option<(DateTime<Utc>,)> = session.fetch_optional(sql).await?;
    Ok(row.map(|(at,)| Timestamp::new(at)))
}

/// All stored events of a run, in the order in which they are folded.
pub(super) async fn of(session: &mut Session, trace_id: &TraceId) -> sqlx::Result<Vec<Event>> {
    let sql = Sql::new("select body from events where trace_id = $1").bind(trace_id.as_str());
    let bodies = session.fetch::<(String,)>(sql).await?;
    let events: serde_json::Result<Vec<Event>> =
        bodies.iter().map(|(body,)| serde_json::from_str(body)).collect();
    let mut events = events.map_err(|error| sqlx::Error::Decode(error.into()))?;
    events.sort_by(|a, b| a.order().cmp(&b.order()));
    Ok(events)
}

/// How many bytes of JSON they are.
pub(super) fn bytes(events: &[Arc<Sealed>]) -> i64 {
    i64::try_from(events.iter().map(|event| event.json().len()).sum::<usize>()).unwrap_or(i64::MAX)
}

impl Index {
    /// All events of a run that the database holds, in order: those that its document does not hold yet.
    ///
    /// # Errors
    /// [`crate::Error::Unavailable`] when the database is away.
    pub async fn events(&self, trace_id: &TraceId) -> Result<Vec<Event>> {
        self.read(async |session| of(session, trace_id).await).await
    }

    /// Notes that documents hold these events: their rows are no longer needed.
    ///
    /// # Errors
    /// [`crate::Error::Unavailable`] when the database is away.
    pub async fn documented(&self, held: Vec<Documented>, durable: bool) -> Result<()> {
        self.database
            .write(durable, move |session| {
                Box::pin(async move {
                    for document in held {
                        mark(session, &document).await?;
                    }
                    Ok(())
                })
            })
            .await
    }
}

impl Index {
    /// Notes that the document of a run is no longer there, so that later events are taken without it. They wait
    /// until it is back.
    ///
    /// # Errors
    /// [`crate::Error::Unavailable`] when the database is away.
    pub async fn document_is_gone(&self, trace_id: &TraceId) -> Result<()> {
        let trace_id = trace_id.clone();
        self.database
            .write(true, move |session| {
                Box::pin(async move {
                    let sql = Sql::new("update traces set document_revision = 0 where trace_id = $1")
                        .bind(trace_id.as_str());
                    session.execute(sql).await.map(|_| ())
                })
            })
            .await
    }
}

/// A document that was written, with the events it holds.
#[derive(Clone, Debug)]
pub struct Documented {
    /// The run.
    pub trace_id: TraceId,
    /// The document's revision.
    pub revision: u64,
    /// Where it lies.
    pub path: String,
    /// Its events.
    pub held: Vec<EventId>,
}

async fn mark(session: &mut Session, document: &Documented) -> sqlx::Result<()> {
    let revision = i64::try_from(document.revision).unwrap_or(i64::MAX);
    let id = document.trace_id.as_str();
    let sql = Sql::new(
        "update traces set document_revision = $1, trace_file_path = $2 where trace_id = $3 and document_revision < $1",
    )
    .bind(revision)
    .bind(&document.path)
    .bind(id);
    session.execute(sql).await?;
    let (stored, _) = stored(session, &document.trace_id).await?;
    if usize::try_from(stored).is_ok_and(|stored| stored == 0) {
        return Ok(());
    }
    for chunk in document.held.chunks(1_000) {
        let mut sql = Sql::new("delete from events where trace_id = $1 and event_id in ").bind(id);
        sql.list(chunk.iter().map(EventId::as_str));
        session.execute(sql).await?;
    }
    Ok(())
}
