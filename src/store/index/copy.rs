//! What the database alone holds, row by row, for a backup and back again: events that no document holds yet, those
//! that were kept aside, flags, tombstones, tokens. Everything else follows from documents.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::Index;
use crate::error::Result;
use crate::model::Timestamp;
use crate::store::database::database_error;
use crate::store::session::Session;
use crate::store::sql::Sql;

/// How many events are read at a time.
const PAGE: i64 = 2_000;

/// One such row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "row", rename_all = "snake_case")]
#[expect(missing_docs, reason = "the columns of the tables, as the migrations describe them")]
pub enum KeptRow {
    /// An event, as its JSON.
    Event { body: String },
    /// An event whose name was taken.
    Conflict {
        trace_id: String,
        event_id: String,
        content_hash: String,
        recorded_at: Timestamp,
        body: String,
    },
    /// A flag.
    Flag {
        flag_id: String,
        project: String,
        kind: String,
        subject: String,
        state: String,
        last_seen: Timestamp,
        record: String,
    },
    /// A run that was deleted.
    Tombstone { trace_id: String, deleted_at: Timestamp },
    /// A token of HTTP, as its hash.
    Token {
        token_id: String,
        hash: String,
        name: String,
        scopes: String,
        projects: Option<String>,
        created_at: Timestamp,
        revoked_at: Option<Timestamp>,
        #[serde(default)]
        expires_at: Option<Timestamp>,
    },
}

type Time = DateTime<Utc>;

impl Index {
    /// Shows all such rows as they are at one moment, whatever is recorded meanwhile.
    ///
    /// # Errors
    /// [`crate::Error::Unavailable`] when the database is away.
    pub async fn each_kept(&self, mut see: impl FnMut(KeptRow)) -> Result<()> {
        let mut session = self.database.reader().await?;
        let done = async {
            let begin = "begin isolation level repeatable read read only";
            session.run(if session.is_postgres() { begin } else { "begin" }).await?;
            each(&mut session, &mut see).await?;
            session.run("commit").await
        };
        if let Err(error) = done.await {
            session.discard().await;
            return Err(database_error(&error));
        }
        Ok(())
    }

    /// Puts such rows back, but for events, which are recorded again. What is there already stays.
    ///
    /// # Errors
    /// [`crate::Error::Unavailable`] when the database is away.
    pub async fn put_back(&self, rows: Vec<KeptRow>) -> Result<()> {
        self.database
            .write(true, move |session| {
                Box::pin(async move {
                    for row in rows {
                        if let Some(sql) = insertion(row) {
                            session.execute(sql).await?;
                        }
                    }
                    Ok(())
                })
            })
            .await
    }

    /// Whether the database holds no run, and the memory of none.
    ///
    /// # Errors
    /// [`crate::Error::Unavailable`] when the database is away.
    pub async fn is_blank(&self) -> Result<bool> {
        let sql = Sql::new(
            "select cast(exists (select 1 from traces) as integer) + cast(exists (select 1 from events) as integer) \
             + cast(exists (select 1 from tombstones) as integer) + cast(exists (select 1 from flags) as integer) \
             + cast(exists (select 1 from tokens) as integer) > 0",
        );
        let (is_used,): (bool,) = self.read(async |session| session.fetch_one(sql).await).await?;
        Ok(!is_used)
    }
}

async fn each(session: &mut Session, see: &mut impl FnMut(KeptRow)) -> sqlx::Result<()> {
    let mut behind = (String::new(), String::new());
    loop {
        let sql = Sql::new(
            "select trace_id, event_id, body from events where (trace_id, event_id) > ($1, $2) \
             order by trace_id, event_id limit $3",
        )
        .bind(&behind.0)
        .bind(&behind.1)
        .bind(PAGE);
        let page: Vec<(String, String, String)> = session.fetch(sql).await?;
        let Some((trace_id, event_id, _)) = page.last() else { break };
        behind = (trace_id.clone(), event_id.clone());
        page.into_iter().for_each(|(_, _, body)| see(KeptRow::Event { body }));
    }
    let sql = Sql::new(
        "select trace_id, event_id, content_hash, recorded_at, body from conflicts \
         order by trace_id, event_id, content_hash",
    );
    let conflict = |(trace_id, event_id, content_hash, at, body): (String, String, String, Time, String)| {
        KeptRow::Conflict { trace_id, event_id, content_hash, recorded_at: Timestamp::new(at), body }
    };
    session.each(sql, |row| see(conflict(row))).await?;
    let sql = Sql::new(
        "select flag_id, project, kind, subject, state, last_seen, record from flags order by flag_id",
    );
    type Flag = (String, String, String, String, String, Time, String);
    let flag = |(flag_id, project, kind, subject, state, at, record): Flag| KeptRow::Flag {
        flag_id,
        project,
        kind,
        subject,
        state,
        last_seen: Timestamp::new(at),
        record,
    };
    session.each(sql, |row| see(flag(row))).await?;
    let sql = Sql::new("select trace_id, deleted_at from tombstones order by trace_id");
    let tombstone =
        |(trace_id, at): (String, Time)| KeptRow::Tombstone { trace_id, deleted_at: Timestamp::new(at) };
    session.each(sql, |row| see(tombstone(row))).await?;
    let sql = Sql::new(
        "select token_id, hash, name, scopes, projects, created_at, revoked_at, expires_at from tokens order by token_id",
    );
    type Token = (String, String, String, String, Option<String>, Time, Option<Time>, Option<Time>);
    let token = |(token_id, hash, name, scopes, projects, created, revoked, expires): Token| KeptRow::Token {
        token_id,
        hash,
        name,
        scopes,
        projects,
        created_at: Timestamp::new(created),
        revoked_at: revoked.map(Timestamp::new),
        expires_at: expires.map(Timestamp::new),
    };
    session.each(sql, |row| see(token(row))).await
}

fn insertion(row: KeptRow) -> Option<Sql> {
    Some(match row {
        KeptRow::Event { .. } => return None,
        KeptRow::Conflict { trace_id, event_id, content_hash, recorded_at, body } => Sql::new(
            "insert into conflicts (trace_id, event_id, content_hash, recorded_at, body) values ($1, $2, $3, $4, $5) \
             on conflict do nothing",
        )
        .bind(trace_id)
        .bind(event_id)
        .bind(content_hash)
        .bind(recorded_at)
        .bind(body),
        KeptRow::Flag { flag_id, project, kind, subject, state, last_seen, record } => Sql::new(
            "insert into flags (flag_id, project, kind, subject, state, last_seen, record) \
             values ($1, $2, $3, $4, $5, $6, $7) on conflict do nothing",
        )
        .bind(flag_id)
        .bind(project)
        .bind(kind)
        .bind(subject)
        .bind(state)
        .bind(last_seen)
        .bind(record),
        KeptRow::Tombstone { trace_id, deleted_at } => Sql::new(
            "insert into tombstones (trace_id, deleted_at) values ($1, $2) on conflict do nothing",
        )
        .bind(trace_id)
        .bind(deleted_at),
        KeptRow::Token { token_id, hash, name, scopes, projects, created_at, revoked_at, expires_at } => Sql::new(
            "insert into tokens (token_id, hash, name, scopes, projects, created_at, revoked_at, expires_at) \
             values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict do nothing",
        )
        .bind(token_id)
        .bind(hash)
        .bind(name)
        .bind(scopes)
        .bind(projects)
        .bind(created_at)
        .bind(revoked_at)
        .bind(expires_at),
    })
}
