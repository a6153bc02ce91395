//! The embedded database: WAL, one writer, an operating-system lock around each write.

use std::path::{Path, PathBuf};
use std::str::FromStr as _;
use std::time::Duration;

use futures::future::BoxFuture;
use sqlx::migrate::Migrator;
use sqlx::pool::PoolOptions;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteSynchronous};
use sqlx::{ConnectOptions as _, Executor as _, Sqlite};
use tokio::sync::{Mutex, MutexGuard, OnceCell};

use super::{
    Connections, Found, Session, Work, database_error, is_worth_repeating, needs_migration, unavailable,
};
use crate::error::Result;
use crate::store::disk;
use crate::store::sql::Sql;

static MIGRATIONS: Migrator = sqlx::migrate!("migrations/sqlite");

/// The oldest SQLite in which a race of checkpoints cannot damage the database.
const OLDEST_SAFE: (u32, u32, u32) = (3, 51, 3);

/// How long a write waits for other processes before it counts as failed.
const LOCK_BOUND: Duration = Duration::from_secs(10);

#[derive(Debug)]
pub(super) struct SqliteDatabase {
    path: PathBuf,
    write_lock: disk::FileLock,
    writer: Mutex<Option<Writer>>,
    readers: OnceCell<sqlx::Pool<Sqlite>>,
}

#[derive(Debug)]
struct Writer {
    session: Session,
    durable: bool,
}

/// Pages that a reading connection keeps, in KiB below zero: a question about thousands of rows comes back to the same
/// ones.
const READER_CACHE: &str = "-8000";

/// Rows that the driver reads ahead of whoever takes them. It reads in a thread of its own, and each time that it has to
/// wait costs as much as some rows do.
const READ_AHEAD: usize = 1_000;

impl SqliteDatabase {
    pub(super) fn new(path: PathBuf) -> Self {
        let write_lock = disk::FileLock::new(&beside(&path, ".write-lock"));
        Self { path, write_lock, writer: Mutex::new(None), readers: OnceCell::new() }
    }

    pub(super) async fn reader(&self) -> Result<Session> {
        let pool = self
            .readers
            .get_or_try_init(|| async {
                // The first look makes sure that there is something to read.
                let mut writer = self.writer.lock().await;
                if writer.is_none() {
                    *writer = Some(self.open_writer().await?);
                }
                drop(writer);
                let options = options(&self.path)
                    .read_only(true)
                    .pragma("query_only", "on")
                    .pragma("cache_size", READER_CACHE)
                    .row_buffer_size(READ_AHEAD);
                Ok::<_, crate::Error>(
                    PoolOptions::new()
                        .max_connections(4)
                        .min_connections(0)
                        .acquire_timeout(Duration::from_secs(5))
                        .connect_lazy_with(options),
                )
            })
            .await?;
        pool.acquire().await.map(Session::SqliteReader).map_err(|error| database_error(&error))
    }

    pub(super) async fn write<T: Send>(&self, durable: bool, work: Work<T>) -> Result<T> {
        let (mut place, mut writer, lock) = self.locked().await?;
        let done = transact(&mut writer, durable, work).await;
        drop(lock);
        match done {
            Ok(value) => {
                *place = Some(writer);
                Ok(value)
            }
            Err(error) => {
                // Whatever the driver believes about this connection now, nobody relies on it.
                writer.session.discard().await;
                Err(database_error(&error))
            }
        }
    }

    /// Writes the file anew, without what was deleted, and empties its log; says whether that could be emptied.
    pub(super) async fn compact(&self) -> Result<bool> {
        let (mut place, mut writer, lock) = self.locked().await?;
        let done = compacted(&mut writer.session).await;
        drop(lock);
        match done {
            Ok(is_empty) => {
                *place = Some(writer);
                Ok(is_empty)
            }
            Err(error) => {
                writer.session.discard().await;
                Err(database_error(&error))
            }
        }
    }

    /// The writing connection, with the lock that keeps all other writers away.
    async fn locked(&self) -> Result<(MutexGuard<'_, Option<Writer>>, Writer, disk::LockedFile)> {
        let mut place = self.writer.lock().await;
        let writer = match place.take() {
            Some(writer) => writer,
            None => self.open_writer().await?,
        };
        let lock = self.write_lock.clone();
        let locked = tokio::task::spawn_blocking(move || lock.lock_within(LOCK_BOUND)).await;
        match locked {
            Ok(Ok(Some(lock))) => Ok((place, writer, lock)),
            Ok(Ok(None)) => {
                *place = Some(writer);
                Err(unavailable("another process holds the write lock".to_owned()))
            }
            Ok(Err(error)) => {
                writer.session.discard().await;
                Err(unavailable(error.to_string()))
            }
            Err(error) => Err(unavailable(error.to_string())),
        }
    }

    pub(super) fn connections(&self) -> Connections {
        self.readers.get().map(Connections::of).unwrap_or_default()
    }

    /// The size of the write-ahead log, which is nothing where there is none.
    pub(super) async fn wal_bytes(&self) -> u64 {
        tokio::fs::metadata(beside(&self.path, "-wal")).await.map_or(0, |file| file.len())
    }

    pub(super) async fn close(&self) {
        if let Some(pool) = self.readers.get() {
            pool.close().await;
        }
        if let Some(writer) = self.writer.lock().await.take() {
            writer.session.discard().await;
        }
    }

    /// Opens and migrates under a lock of the operating system: neither the driver nor SQLite keeps two first
    /// starts apart.
    async fn open_writer(&self) -> Result<Writer> {
        if let Some(folder) = self.path.parent() {
            disk::create_private_dir(folder)
                .map_err(|error| unavailable(format!("{}: {error}", folder.display())))?;
        }
        let lock_path = beside(&self.path, ".start-lock");
        let lock = tokio::task::spawn_blocking(move || disk::lock_file_within(&lock_path, LOCK_BOUND))
            .await
            .map_err(|error| unavailable(error.to_string()))?
            .map_err(|error| unavailable(format!("{}: {error}", self.path.display())))?
            .ok_or_else(|| unavailable("another process is still opening it".to_owned()))?;
        let opened = open_and_migrate(&self.path).await;
        drop(lock);
        let connection = opened.map_err(|error| database_error(&error))?;
        Ok(Writer { session: Session::SqliteWriter(Box::new(connection)), durable: true })
    }
}

fn open_and_migrate(path: &Path) -> BoxFuture<'_, sqlx::Result<SqliteConnection>> {
    Box::pin(async move {
        let options = options(path)
            .create_if_missing(true)
            .synchronous(SqliteSynchronous::Full)
            .pragma("secure_delete", "fast");
        let mut connection = options.connect().await?;
        let version: String =
            sqlx::query_scalar("select sqlite_version()").fetch_one(&mut connection).await?;
        if parse_version(&version).is_none_or(|version| version < OLDEST_SAFE) {
            return Err(sqlx::Error::Configuration(
                format!("SQLite {version} can damage its write-ahead log; 3.51.3 or newer is needed").into(),
            ));
        }
        let found = look(&mut connection).await?;
        let behind = needs_migration(&found, &MIGRATIONS, "the file")?;
        if found.tables == 0 {
            // Only a new file takes it, or one that is written anew. So pages of deleted rows can be given
            // back without writing the file anew.
            connection.execute("pragma auto_vacuum = incremental").await?;
        }
        // Not before it is known to be ours: this writes.
        connection.execute("pragma journal_mode = wal").await?;
        if behind {
            MIGRATIONS.run_direct(None, &mut connection, false).await?;
        }
        Ok(connection)
    })
}

async fn look(connection: &mut SqliteConnection) -> sqlx::Result<Found> {
    let tables: Vec<String> = sqlx::query_scalar(
        "select name from sqlite_schema where type = 'table' and name <> 'sqlite_sequence'",
    )
    .fetch_all(&mut *connection)
    .await?;
    let applied = if tables.iter().any(|table| table == "_sqlx_migrations") {
        let rows = sqlx::query_as("select version, description from _sqlx_migrations order by version");
        Some(rows.fetch_all(connection).await?)
    } else {
        None
    };
    Ok(Found { exists: true, tables: i64::try_from(tables.len()).unwrap_or(i64::MAX), applied })
}

/// Rewrites words and tables, and empties the log.
async fn compacted(session: &mut Session) -> sqlx::Result<bool> {
    // Deleted words stay in an index of words until its parts are merged.
    session.run("insert into trace_words (trace_words) values ('optimize')").await?;
    session.run("insert into decision_words (decision_words) values ('optimize')").await?;
    session.run("pragma auto_vacuum = incremental").await?;
    session.run("vacuum").await?;
    let (busy, _, _): (i64, i64, i64) =
        session.fetch_one(Sql::new("pragma wal_checkpoint(truncate)")).await?;
    Ok(busy == 0)
}

async fn transact<T>(writer: &mut Writer, durable: bool, work: Work<T>) -> sqlx::Result<T> {
    if writer.durable != durable {
        writer
            .session
            .run(if durable { "pragma synchronous = full" } else { "pragma synchronous = normal" })
            .await?;
        writer.durable = durable;
    }
    let mut tries = 0;
    loop {
        match writer.session.run("begin immediate").await {
            // The lock keeps our own processes apart; a tool that somebody has open on the file may still be busy.
            Err(error) if is_worth_repeating(&error) && tries < 3 => tries += 1,
            other => break other?,
        }
    }
    let value = work(&mut writer.session).await?;
    writer.session.run("commit").await?;
    Ok(value)
}

fn options(path: &Path) -> SqliteConnectOptions {
    let options = SqliteConnectOptions::from_str("sqlite::memory:").unwrap_or_default();
    options
        .in_memory(false)
        .shared_cache(false)
        .filename(path)
        .busy_timeout(Duration::from_secs(5))
        .foreign_keys(true)
        .pragma("trusted_schema", "off")
        .pragma("cell_size_check", "on")
        .pragma("journal_size_limit", "67108864")
        .pragma("fullfsync", "on")
        .pragma("checkpoint_fullfsync", "on")
        .disable_statement_logging()
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

fn parse_version(text: &str) -> Option<(u32, u32, u32)> {
    let mut parts = text.split('.').map(|part| part.parse().ok());
    Some((parts.next()??, parts.next()??, parts.next()??))
}
