//! Opening either database: connections, their rules, migrations, and what errors mean.
//!
//! SQLite has one writing connection a process, behind a lock of the operating system around each write
//! transaction (its own busy handler is unfair), and a few read-only ones. Postgres has a pool whose connections
//! are rolled back before each use. Nothing outside this module and [`Session`] knows which one it is.

mod held_lock;
mod postgres;
mod sqlite;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use sqlx::migrate::{MigrateError, Migrator};
use tokio::sync::Semaphore;

pub(crate) use held_lock::HeldLock;

use super::session::Session;
use crate::error::{Error, Result};

/// Which database, and where.
#[derive(Clone)]
pub enum DatabaseTarget {
    /// A file of the embedded database.
    Sqlite(PathBuf),
    /// A Postgres server, by URL, and the schema that holds everything of ours.
    Postgres {
        /// `postgres://user:password@host:port/database`.
        url: String,
        /// `whytrace` by default.
        schema: String,
    },
}

impl std::fmt::Debug for DatabaseTarget {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.describe())
    }
}

impl DatabaseTarget {
    /// What it is, for people: without user and password.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Self::Sqlite(path) => format!("sqlite {}", path.display()),
            Self::Postgres { url, schema } => {
                let rest = url.split_once("://").map_or(url.as_str(), |(_, rest)| rest);
                let (before, query) = rest.split_once('?').unwrap_or((rest, ""));
                // A password with a `?` in it, or one with an `@` among the options, makes it unclear where the
                // place is; any part of it could be the password's.
                let place = match before.rsplit_once('@') {
                    _ if query.contains('@') => "at an unclear place",
                    Some((_, place)) => place,
                    None => before,
                };
                format!("postgres {place} schema {schema}")
            }
        }
    }
}

/// A database that may come and go. Connections are made when they are needed.
#[derive(Debug)]
pub struct Database {
    kind: Kind,
    /// Room for the locks that are held while something is done elsewhere.
    held: Arc<Semaphore>,
}

#[derive(Debug)]
enum Kind {
    Sqlite(sqlite::SqliteDatabase),
    Postgres(postgres::PostgresDatabase),
}

/// How many connections there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Connections {
    /// In use now.
    pub in_use: u32,
    /// Open, and free for the next who needs one.
    pub idle: u32,
}

impl Connections {
    fn of<D: sqlx::Database>(pool: &sqlx::Pool<D>) -> Self {
        let idle = u32::try_from(pool.num_idle()).unwrap_or(u32::MAX);
        Self { in_use: pool.size().saturating_sub(idle), idle }
    }
}

/// What happens inside a write transaction.
type Work<T> = Box<dyn for<'s> FnOnce(&'s mut Session) -> BoxFuture<'s, sqlx::Result<T>> + Send>;

/// How long a statement may take before the connection is given up.
const STATEMENT_BOUND: Duration = Duration::from_secs(8);

/// How long a reading question may take.
pub(super) const READ_BOUND: Duration = Duration::from_secs(30);

impl Database {
    /// Names the database; nothing is opened yet, so this works while it is away.
    #[must_use]
    pub fn new(target: &DatabaseTarget) -> Self {
        let kind = match target {
            DatabaseTarget::Sqlite(path) => Kind::Sqlite(sqlite::SqliteDatabase::new(path.clone())),
            DatabaseTarget::Postgres { url, schema } => {
                Kind::Postgres(postgres::PostgresDatabase::new(url.clone(), schema.clone()))
            }
        };
        Self { kind, held: held_lock::room() }
    }

    /// Whether a commit is on disk when it returns, as against only after the next durable one.
    pub(crate) fn commits_are_durable(&self) -> bool {
        matches!(self.kind, Kind::Postgres(_))
    }

    /// A session for reading.
    pub(crate) async fn reader(&self) -> Result<Session> {
        match &self.kind {
            Kind::Sqlite(database) => database.reader().await,
            Kind::Postgres(database) => database.reader().await,
        }
    }

    /// Runs `work` in one write transaction, in a task of its own that no caller can drop half-way.
    ///
    /// Everything commits or nothing does. After an error the connection is closed.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the database cannot be reached, is not writable, or takes too long.
    pub(crate) async fn write<T, W>(self: &Arc<Self>, durable: bool, work: W) -> Result<T>
    where
        T: Send + 'static,
        W: for<'s> FnOnce(&'s mut Session) -> BoxFuture<'s, sqlx::Result<T>> + Send + 'static,
    {
        let database = Arc::clone(self);
        let work: Work<T> = Box::new(work);
        let task = tokio::spawn(async move { database.write_here(durable, work).await });
        task.await.unwrap_or_else(|error| Err(unavailable(error.to_string())))
    }

    fn write_here<T: Send + 'static>(&self, durable: bool, work: Work<T>) -> BoxFuture<'_, Result<T>> {
        match &self.kind {
            Kind::Sqlite(sqlite) => Box::pin(sqlite.write(durable, work)),
            Kind::Postgres(postgres) => Box::pin(postgres.write(work)),
        }
    }

    /// Gives space back and leaves nothing of what was deleted, as far as the database can; says whether that is all.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when it cannot be reached or is not writable.
    pub(crate) async fn compact(&self) -> Result<bool> {
        match &self.kind {
            Kind::Sqlite(database) => database.compact().await,
            Kind::Postgres(database) => database.compact().await.map(|()| true),
        }
    }

    /// How many connections its pool has: of the embedded database those that read.
    #[must_use]
    pub fn connections(&self) -> Connections {
        match &self.kind {
            Kind::Sqlite(database) => database.connections(),
            Kind::Postgres(database) => database.connections(),
        }
    }

    /// The bytes of the embedded database's write-ahead log; `None` of one that keeps its own.
    pub async fn wal_bytes(&self) -> Option<u64> {
        match &self.kind {
            Kind::Sqlite(database) => Some(database.wal_bytes().await),
            Kind::Postgres(_) => None,
        }
    }

    /// Closes all connections.
    pub async fn close(&self) {
        match &self.kind {
            Kind::Sqlite(database) => database.close().await,
            Kind::Postgres(database) => database.close().await,
        }
    }
}

fn unavailable(reason: String) -> Error {
    Error::Unavailable { what: "the database", reason }
}

/// Turns a driver's error into ours. Every one of them means that the database did not do what was asked.
pub(crate) fn database_error(error: &sqlx::Error) -> Error {
    unavailable(error.to_string())
}

/// Whether running the same transaction again can help: serialization failures, deadlocks, lock time-outs.
fn is_worth_repeating(error: &sqlx::Error) -> bool {
    let error = match error {
        sqlx::Error::Migrate(error) => match error.as_ref() {
            MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => error,
            _ => return false,
        },
        error => error,
    };
    let code = error.as_database_error().and_then(|error| error.code().map(std::borrow::Cow::into_owned));
    matches!(code.as_deref(), Some("40001" | "40P01" | "55P03" | "5" | "261" | "517" | "6"))
}

/// What lies where our tables belong.
struct Found {
    /// Whether there is a place for tables at all.
    exists: bool,
    /// How many tables.
    tables: i64,
    /// Versions and names of the migrations that were applied, oldest first; `None` when nothing keeps them.
    applied: Option<Vec<(i64, String)>>,
}

/// Whether migrations have to run on what was found in `place`.
///
/// # Errors
/// When it is somebody else's, or of a newer version than this program knows.
fn needs_migration(found: &Found, migrations: &Migrator, place: &str) -> sqlx::Result<bool> {
    let refused = |reason: String| Err(sqlx::Error::Configuration(reason.into()));
    let is_ours = match found.applied.as_deref() {
        None => found.tables == 0,
        // Whoever made the first table has not come to the others.
        Some([]) => found.tables == 1,
        Some([(_, first), ..]) => migrations.iter().next().is_some_and(|ours| ours.description == *first),
    };
    if !is_ours {
        return refused(format!("{place} holds tables and was not made by whytrace: name another"));
    }
    let newest = migrations.iter().map(|migration| migration.version).max();
    let known = found.applied.iter().flatten().map(|(version, _)| *version).max();
    if known > newest {
        return refused("it was made by a newer whytrace: update this one".to_owned());
    }
    Ok(known != newest)
}
