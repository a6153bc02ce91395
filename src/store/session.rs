//! One connection to either database, and the only places where a statement meets a driver.
//!
//! Transactions are opened and closed by plain statements: the driver's own transaction guard keeps a count that
//! stays wrong after a full disk (SQLite), and gives a connection back with its transaction open when a future is
//! dropped (Postgres). A session that met an error inside a transaction is closed, never reused.

use futures::TryStreamExt;
use sqlx::pool::PoolConnection;
use sqlx::postgres::PgRow;
use sqlx::sqlite::{SqliteConnection, SqliteRow};
use sqlx::{AssertSqlSafe, FromRow, Postgres, Sqlite};

use super::sql::{Arg, Sql};

/// A row type that reads from both databases.
pub(crate) trait Row:
    for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin
{
}
impl<T> Row for T where T: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow> + Send + Unpin {}

/// A connection in use.
#[derive(Debug)]
pub(crate) enum Session {
    /// The process's one writing connection to SQLite.
    SqliteWriter(Box<SqliteConnection>),
    /// A reading connection to SQLite.
    SqliteReader(PoolConnection<Sqlite>),
    /// A connection to Postgres.
    Postgres {
        /// The connection, which goes back to its pool when this is dropped.
        connection: PoolConnection<Postgres>,
        /// Whether the server still knows a statement of this session in the next one. Behind a pooler it may be
        /// another server process that answers then.
        keeps_statements: bool,
    },
}

/// Prepares the statement for one driver and binds its arguments.
macro_rules! prepared {
    ($query:expr, $args:expr, $repeats:expr) => {{
        let mut query = $query.persistent($repeats);
        for arg in $args {
            query = match arg {
                Arg::Text(value) => query.bind(value),
                Arg::Int(value) => query.bind(value),
                Arg::Float(value) => query.bind(value),
                Arg::Bool(value) => query.bind(value),
                Arg::Time(value) => query.bind(value),
                Arg::Json(value) => query.bind(value.map(sqlx::types::Json)),
            };
        }
        query
    }};
}

/// Runs one body on whichever connection it is. The text is assembled from constants and placeholders (`Sql`).
macro_rules! on_either {
    ($session:expr, $connection:ident => $body:expr) => {
        match $session {
            Session::SqliteWriter($connection) => {
                let $connection = &mut **$connection;
                $body
            }
            Session::SqliteReader($connection) => {
                let $connection = &mut **$connection;
                $body
            }
            Session::Postgres { connection: $connection, .. } => {
                let $connection = &mut **$connection;
                $body
            }
        }
    };
}

impl Session {
    /// Whether this is Postgres, for the few statements that differ.
    pub(crate) fn is_postgres(&self) -> bool {
        matches!(self, Self::Postgres { .. })
    }

    /// The parts of a statement for this connection: text, arguments, and whether to keep it prepared.
    fn parts(&self, sql: Sql) -> (String, Vec<Arg>, bool) {
        let (text, args, repeats) = sql.into_parts(self.is_postgres());
        (text, args, repeats && !matches!(self, Self::Postgres { keeps_statements: false, .. }))
    }

    /// Runs a statement and gives the number of rows it touched.
    pub(crate) async fn execute(&mut self, sql: Sql) -> sqlx::Result<u64> {
        let (text, args, repeats) = self.parts(sql);
        on_either!(self, connection => {
            prepared!(sqlx::query(AssertSqlSafe(text)), args, repeats)
                .execute(connection).await.map(|done| done.rows_affected())
        })
    }

    /// Runs constant statements without arguments, such as `begin`.
    pub(crate) async fn run(&mut self, text: &'static str) -> sqlx::Result<()> {
        use sqlx::Executor as _;
        on_either!(self, connection => connection.execute(text).await.map(|_| ()))
    }

    /// Runs statements without arguments that are assembled from constants and quoted names.
    pub(crate) async fn run_assembled(&mut self, text: String) -> sqlx::Result<()> {
        use sqlx::Executor as _;
        on_either!(self, connection => connection.execute(AssertSqlSafe(text)).await.map(|_| ()))
    }

    /// Reads all rows.
    pub(crate) async fn fetch<T: Row>(&mut self, sql: Sql) -> sqlx::Result<Vec<T>> {
        let (text, args, repeats) = self.parts(sql);
        on_either!(self, connection => {
            prepared!(sqlx::query_as(AssertSqlSafe(text)), args, repeats).fetch_all(connection).await
        })
    }

    /// Reads the first row, if there is one.
    pub(crate) async fn fetch_optional<T: Row>(&mut self, sql: Sql) -> sqlx::Result<Option<T>> {
        let (text, args, repeats) = self.parts(sql);
        on_either!(self, connection => {
            prepared!(sqlx::query_as(AssertSqlSafe(text)), args, repeats).fetch_optional(connection).await
        })
    }

    /// Reads the one row of a statement that always gives one.
    pub(crate) async fn fetch_one<T: Row>(&mut self, sql: Sql) -> sqlx::Result<T> {
        self.fetch_optional(sql).await?.ok_or(sqlx::Error::RowNotFound)
    }

    /// Reads rows one by one, so that a million of them need no memory.
    pub(crate) async fn each<T: Row>(&mut self, sql: Sql, mut see: impl FnMut(T)) -> sqlx::Result<()> {
        let (text, args, repeats) = self.parts(sql);
        on_either!(self, connection => {
            let mut rows = prepared!(sqlx::query_as(AssertSqlSafe(text)), args, repeats).fetch(connection);
            while let Some(row) = rows.try_next().await? {
                see(row);
            }
            Ok(())
        })
    }

    /// Closes the connection for good.
    pub(crate) async fn discard(self) {
        use sqlx::Connection as _;
        // What closing says does not matter: the connection is not used again either way.
        let _ = match self {
            Self::SqliteWriter(connection) => connection.close().await,
            Self::SqliteReader(connection) => connection.close().await,
            Self::Postgres { mut connection, .. } => {
                connection.close_on_drop();
                drop(connection);
                Ok(())
            }
        };
    }
}
