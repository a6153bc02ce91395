//! Whole runs in and out: import, indexing again, deletion.

use super::Index;
use super::projection::{self, Bookkeeping};
use crate::error::Result;
use crate::model::{Timestamp, Trace, TraceId};
use crate::store::sql::Sql;

impl Index {
    /// Puts runs into the index as their documents tell them, each with the document's path, in one transaction. Deleted runs stay deleted.
    /// Gives how many were taken.
    ///
    /// # Errors
    /// [`crate::Error::Unavailable`] when the database is away.
    pub async fn import(&self, traces: Vec<(Trace, String)>) -> Result<u64> {
        let rules = self.rules;
        self.database
            .write(true, move |session| {
                Box::pin(async move {
                    let mut taken = 0;
                    for (trace, path) in &traces {
                        let id = trace.trace_id.as_str();
                        let sql = Sql::new("select trace_id from tombstones where trace_id = $1").bind(id);
                        if session.fetch_optional::<(String,)>(sql).await?.is_some() {
                            continue;
                        }
                        let sql =
                            Sql::new("select document_revision from traces where trace_id = $1").bind(id);
                        let known = session.fetch_optional::<(i64,)>(sql).await?;
                        let books = Bookkeeping {
                            event_count: i64::try_from(trace.metadata.events.len()).unwrap_or(i64::MAX),
                            event_bytes: 0,
                            last_event_at: None,
                            document_revision: trace.metadata.revision,
                            had_rows: known.is_some(),
                            is_new: known.is_none(),
                        };
                        projection::write(session, trace, &books, &rules).await?;
                        let sql = Sql::new("update traces set trace_file_path = $1 where trace_id = $2")
                            .bind(path)
                            .bind(id);
                        session.execute(sql).await?;
                        taken += 1;
                    }
                    Ok(taken)
                })
            })
            .await
    }

    /// Removes a run with everything that belongs to it and leaves a tombstone, so that nothing brings it back.
    ///
    /// # Errors
    /// [`crate::Error::Unavailable`] when the database is away.
    pub async fn delete(&self, trace_id: &TraceId, at: Timestamp) -> Result<()> {
        let trace_id = trace_id.clone();
        self.database
            .write(true, move |session| {
                Box::pin(async move {
                    let id = trace_id.as_str();
                    let sql = Sql::new(
                        "insert into tombstones (trace_id, deleted_at) values ($1, $2) on conflict (trace_id) do nothing",
                    )
                    .bind(id)
                    .bind(at);
                    session.execute(sql).await?;
                    if !session.is_postgres() {
                        let words =
                            "delete from trace_words where rowid in (select row_id from traces where trace_id = $1)";
                        session.execute(Sql::new(words).bind(id)).await?;
                    }
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
                    Ok(())
                })
            })
            .await
    }

    /// Whether a run was deleted.
    ///
    /// # Errors
    /// [`crate::Error::Unavailable`] when the database is away.
    pub async fn is_deleted(&self, trace_id: &TraceId) -> Result<bool> {
        let sql = Sql::new("select trace_id from tombstones where trace_id = $1").bind(trace_id.as_str());
        self.read(async |session| Ok(session.fetch_optional::<(String,)>(sql).await?.is_some())).await
    }
}
