//! The shared database: a pool whose connections are rolled back before each use.

use std::str::FromStr as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::FutureExt as _;
use sqlx::migrate::Migrator;
use sqlx::pool::PoolOptions;
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _, Executor as _, PgConnection, Postgres};
use tokio::sync::{Mutex, OnceCell};

use super::{
    Found, STATEMENT_BOUND, Session, Work, database_error, is_worth_repeating, needs_migration, unavailable,
};
use crate::error::Result;

static MIGRATIONS: Migrator = sqlx::migrate!("migrations/postgres");

/// How long making a connection may take, migrations at the first one included.
const CONNECT_BOUND: Duration = Duration::from_secs(8);

/// How long a connection of the pool may take.
const ACQUIRE_BOUND: Duration = Duration::from_secs(2);

#[derive(Debug)]
pub(super) struct PostgresDatabase {
    url: Secret,
    schema: String,
    pool: OnceCell<sqlx::Pool<Postgres>>,
    is_away: AtomicBool,
    probe: Mutex<()>,
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
            is_away: AtomicBool::new(false),
            probe: Mutex::default(),
        }
    }

    /// A connection from the pool. While the server is known to be away only one caller at a time tries again, and
    /// the others are told at once.
    pub(super) async fn session(&self) -> Result<Session> {
        if !self.is_away.load(Ordering::Relaxed) {
            let session = self.connect().await;
            self.is_away.store(session.is_err(), Ordering::Relaxed);
            return session;
        }
        let Ok(_probing) = self.probe.try_lock() else {
            return Err(unavailable("it did not answer a moment ago".to_owned()));
        };
        let session = self.connect().await;
        self.is_away.store(session.is_err(), Ordering::Relaxed);
        session
    }

    async fn connect(&self) -> Result<Session> {
        let connecting = async {
            let pool = self.pool.get_or_try_init(|| self.open()).await?;
            pool.acquire().await.map(Session::Postgres).map_err(|error| database_error(&error))
        };
        tokio::time::timeout(CONNECT_BOUND, connecting)
            .await
            .unwrap_or_else(|_| Err(unavailable("it does not answer".to_owned())))
    }

    pub(super) async fn write<T: Send>(&self, work: Work<T>) -> Result<T> {
        let mut session = self.session().await?;
        let transaction = async {
            session.run("begin").await?;
            let value = work(&mut session).await?;
            session.run("commit").await?;
            Ok(value)
        };
        let done = tokio::time::timeout(STATEMENT_BOUND, transaction)
            .await
            .unwrap_or_else(|_| Err(sqlx::Error::Protocol("it takes too long".to_owned())));
        match done {
            Ok(value) => Ok(value),
            Err(error) => {
                session.discard().await;
                Err(database_error(&error))
            }
        }
    }

    pub(super) async fn close(&self) {
        if let Some(pool) = self.pool.get() {
            pool.close().await;
        }
    }

    async fn open(&self) -> Result<sqlx::Pool<Postgres>> {
        let options = PgConnectOptions::from_str(&self.url.0)
            .map_err(|error| unavailable(format!("its URL cannot be used: {error}")))?
            .application_name("whytrace")
            .disable_statement_logging();
        let mut attempts = 0;
        loop {
            let prepared = tokio::time::timeout(STATEMENT_BOUND, prepare(&options, &self.schema).boxed())
                .await
                .unwrap_or_else(|_| Err(sqlx::Error::Protocol("it takes too long to answer".to_owned())));
            match prepared {
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
async fn prepare(options: &PgConnectOptions, schema: &str) -> sqlx::Result<()> {
    let mut connection = options.connect().await?;
    let done = prepare_on(&mut connection, schema).await;
    // The connection served only this; what closing it says does not matter.
    let _ = connection.close().await;
    done
}

async fn prepare_on(connection: &mut PgConnection, schema: &str) -> sqlx::Result<()> {
    let quoted = quoted(schema);
    let set_path = format!("set search_path to {quoted}; set lock_timeout = '5s'");
    connection.execute(sqlx::AssertSqlSafe(set_path)).await?;
    let found = look(connection, schema).await?;
    if !needs_migration(&found, &MIGRATIONS, &format!("the schema {schema:?}"))? {
        return Ok(());
    }
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

async fn look(connection: &mut PgConnection, schema: &str) -> sqlx::Result<Found> {
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

/// A name as it stands in SQL text.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
