//! The shared database: a pool whose connections are rolled back before each use.

use std::str::FromStr as _;
use std::sync::{Mutex as StdMutex, PoisonError};
use std::time::{Duration, Instant};

use futures::FutureExt as _;
use sqlx::migrate::Migrator;
use sqlx::pool::PoolOptions;
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _, Executor as _, PgConnection, Postgres};
use tokio::sync::{Mutex, OnceCell};

use super::{
    Found, STATEMENT_BOUND, Session, Work, database_error, is_worth_repeating, needs_migration, unavailable,
};
use crate::error::{Error, Result};

static MIGRATIONS: Migrator = sqlx::migrate!("migrations/postgres");

/// How long making a connection may take, migrations at the first one included.
const CONNECT_BOUND: Duration = Duration::from_secs(8);

/// How long a connection of the pool may take.
const ACQUIRE_BOUND: Duration = Duration::from_secs(2);

/// How long a reading question waits for the first answer of a server: somebody waits for it in turn, while what is
/// recorded is safe in the journal meanwhile.
const READER_BOUND: Duration = Duration::from_secs(3);

#[derive(Debug)]
pub(super) struct PostgresDatabase {
    url: Secret,
    schema: String,
    pool: OnceCell<sqlx::Pool<Postgres>>,
    outage: StdMutex<Option<Outage>>,
    probe: Mutex<()>,
}

/// The last try failed.
#[derive(Clone, Debug)]
struct Outage {
    reason: String,
    /// Until when a reading question believes it without trying. That is as long as the failed try took, so that a
    /// question of many parts waits once for a server that does not answer, and one that refuses can come back at any
    /// moment.
    believed_until: Instant,
}

/// A text that never shows in logs.
struct Secret(String);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[hidden]")
    }
}

impl PostgresDatabase {
    pub(super) fn new(url: String, schema: String) -> Self {
        Self {
            url: Secret(url),
            schema,
            pool: OnceCell::new(),
            outage: StdMutex::default(),
            probe: Mutex::default(),
        }
    }

    /// A connection for a reading question.
    pub(super) async fn reader(&self) -> Result<Session> {
        match self.outage() {
            Some(outage) if Instant::now() < outage.believed_until => Err(unavailable(outage.reason)),
            _ => self.session(READER_BOUND).await,
        }
    }

    /// A connection from the pool, where the server's first answer is waited for so long. While it is known to be away
    /// only one caller at a time tries again, and the others are told at once.
    async fn session(&self, patience: Duration) -> Result<Session> {
        let _probing = match self.outage() {
            None => None,
            Some(outage) => match self.probe.try_lock() {
                Ok(probing) => Some(probing),
                Err(_) => return Err(unavailable(outage.reason)),
            },
        };
        let begun = Instant::now();
        let session = self.connect(patience).await;
        let outage = session.as_ref().err().map(|error| Outage {
            reason: match error {
                Error::Unavailable { reason, .. } => reason.clone(),
                other => other.to_string(),
            },
            believed_until: Instant::now() + begun.elapsed().min(READER_BOUND),
        });
        *self.outage.lock().unwrap_or_else(PoisonError::into_inner) = outage;
        session
    }

    fn outage(&self) -> Option<Outage> {
        self.outage.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn connect(&self, patience: Duration) -> Result<Session> {
        let connecting = async {
            let pool = self.pool.get_or_try_init(|| self.open(patience)).await?;
            pool.acquire().await.map(Session::Postgres).map_err(|error| database_error(&error))
        };
        tokio::time::timeout(CONNECT_BOUND, connecting)
            .await
            .unwrap_or_else(|_| Err(database_error(&silence(CONNECT_BOUND))))
    }

    pub(super) async fn write<T: Send>(&self, work: Work<T>) -> Result<T> {
        let mut session = self.session(CONNECT_BOUND).await?;
        let transaction = async {
            session.run("begin").await?;
            let value = work(&mut session).await?;
            session.run("commit").await?;
            Ok(value)
        };
        match within(STATEMENT_BOUND, transaction).await {
            Ok(value) => Ok(value),
            Err(error) => {
                session.discard().await;
                Err(database_error(&error))
            }
        }
    }

    /// Has the places of deleted rows cleared for new ones. Its own process does that too, when it finds the time.
    pub(super) async fn compact(&self) -> Result<()> {
        let mut session = self.session(CONNECT_BOUND).await?;
        let vacuum = async {
            // It takes as long as the tables are large.
            session.run("set statement_timeout = 0").await?;
            session
                .run("vacuum traces, tags, stages, decisions, alternatives, principle_scores, evidence, events, conflicts, flags")
                .await
        };
        let done = vacuum.await;
        // Not for the pool any more, with that setting.
        session.discard().await;
        done.map_err(|error| database_error(&error))
    }

    pub(super) async fn close(&self) {
        if let Some(pool) = self.pool.get() {
            pool.close().await;
        }
    }

    async fn open(&self, patience: Duration) -> Result<sqlx::Pool<Postgres>> {
        let options = PgConnectOptions::from_str(&self.url.0)
            .map_err(|error| unavailable(format!("its URL cannot be used: {error}")))?
            .application_name("whytrace")
            .disable_statement_logging();
        let mut attempts = 0;
        loop {
            let prepared = within(STATEMENT_BOUND, prepare(&options, &self.schema, patience).boxed());
            match prepared.await {
                Ok(()) => break,
                Err(error) if is_worth_repeating(&error) && attempts < 3 => attempts += 1,
                Err(error) => return Err(database_error(&error)),
            }
        }
        let options = options.options([
            ("search_path", quoted(&self.schema).as_str()),
            ("statement_timeout", "5s"),
            ("lock_timeout", "2s"),
            ("idle_in_transaction_session_timeout", "10s"),
            ("synchronous_commit", "on"),
            ("timezone", "UTC"),
            // The rollback below is mostly one of nothing, of which it would warn each time.
            ("client_min_messages", "error"),
        ]);
        Ok(PoolOptions::new()
            .max_connections(8)
            .min_connections(0)
            .acquire_timeout(ACQUIRE_BOUND)
            .idle_timeout(Duration::from_secs(600))
            .max_lifetime(Duration::from_secs(1_800))
            // A connection given back by a dropped future may still be inside a transaction (sqlx 0.9.0).
            .test_before_acquire(false)
            .before_acquire(|connection: &mut PgConnection, _| {
                Box::pin(async move { connection.execute("rollback").await.map(|_| true) })
            })
            .connect_lazy_with(options))
    }
}

/// Makes the schema if it is missing, refuses one that is not ours, and brings it up to date.
async fn prepare(options: &PgConnectOptions, schema: &str, patience: Duration) -> sqlx::Result<()> {
    // Only the first answer is waited for so short: migrations are not broken off for a reading question.
    let first_answer = async {
        let mut connection = options.connect().await?;
        let found = look(&mut connection, schema).await?;
        Ok((connection, found))
    };
    let (mut connection, found) = within(patience, first_answer).await?;
    let done = prepare_on(&mut connection, schema, &found).await;
    // The connection served only this; what closing it says does not matter.
    let _ = connection.close().await;
    done
}

async fn prepare_on(connection: &mut PgConnection, schema: &str, found: &Found) -> sqlx::Result<()> {
    if !needs_migration(found, &MIGRATIONS, &format!("the schema {schema:?}"))? {
        return Ok(());
    }
    let quoted = quoted(schema);
    // `create schema if not exists` fails when two do it at once; the second one then finds it there.
    let create = format!("create schema if not exists {quoted}");
    if let Err(error) = connection.execute(sqlx::AssertSqlSafe(create)).await {
        let exists: bool = sqlx::query_scalar(
            "select exists (select from information_schema.schemata where schema_name = $1)",
        )
        .bind(schema)
        .fetch_one(&mut *connection)
        .await?;
        if !exists {
            return Err(error);
        }
    }
    MIGRATIONS.run_direct(None, connection, false).await?;
    Ok(())
}

/// Turns a fresh connection to the schema, and says what lies there.
async fn look(connection: &mut PgConnection, schema: &str) -> sqlx::Result<Found> {
    let set_path = format!("set search_path to {}; set lock_timeout = '5s'", quoted(schema));
    connection.execute(sqlx::AssertSqlSafe(set_path)).await?;
    let (tables, migrated): (i64, bool) = sqlx::query_as(
        "select count(*), coalesce(bool_or(table_name = '_sqlx_migrations'), false) \
         from information_schema.tables where table_schema = $1",
    )
    .bind(schema)
    .fetch_one(&mut *connection)
    .await?;
    let applied = if migrated {
        let rows = sqlx::query_as("select version, description from _sqlx_migrations order by version");
        Some(rows.fetch_all(connection).await?)
    } else {
        None
    };
    Ok(Found { tables, applied })
}

/// The work, as far as it ends in time.
async fn within<T>(bound: Duration, work: impl Future<Output = sqlx::Result<T>>) -> sqlx::Result<T> {
    tokio::time::timeout(bound, work).await.unwrap_or_else(|_| Err(silence(bound)))
}

fn silence(bound: Duration) -> sqlx::Error {
    let said = format!("no answer within {} s", bound.as_secs());
    std::io::Error::new(std::io::ErrorKind::TimedOut, said).into()
}

/// A name as it stands in SQL text.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
