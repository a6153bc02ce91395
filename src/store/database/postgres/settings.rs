//! The settings that every session runs under, and how they reach the server.
//!
//! Directly connected, they come with the connection. A pooler in transaction mode, such as PgBouncer, gives each
//! transaction whichever server process is free, so there nothing lasts from one to the next, and the settings begin
//! each transaction. Which of the two it is shows when the first connection is made: nobody has to say it.

use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, Executor as _, PgConnection};

/// A setting that means nothing to the server and tells whether settings arrive.
const MARK: (&str, &str) = ("whytrace.direct", "yes");

/// What the server says to a setting that a pooler does not pass on.
const UNSUPPORTED_PARAMETER: &str = "08P01";

/// How settings reach the server.
#[derive(Clone, Debug)]
pub(super) enum Way {
    /// With the connection, once.
    Direct,
    /// With each transaction, by this text, which begins it.
    Pooled {
        /// `begin` and the settings.
        begin: String,
    },
}

/// What sessions on a schema run under.
#[derive(Clone, Debug)]
pub(super) struct SessionSettings {
    values: Vec<(&'static str, String)>,
}

impl SessionSettings {
    pub(super) fn on(schema: &str) -> Self {
        let values = [
            ("statement_timeout", "5s"),
            ("lock_timeout", "2s"),
            ("idle_in_transaction_session_timeout", "10s"),
            ("synchronous_commit", "on"),
            ("timezone", "UTC"),
            // A rollback is mostly one of nothing, of which it would warn each time.
            ("client_min_messages", "error"),
        ];
        let mut values: Vec<_> = values.map(|(name, value)| (name, value.to_owned())).into();
        values.push(("search_path", quoted(schema)));
        Self { values }
    }

    /// Settings for the rest of the transaction, as SQL.
    pub(super) fn for_transaction(&self) -> String {
        let set = |(name, value): &(&str, String)| match *name {
            // A list of names, each quoted already.
            "search_path" => format!("set local search_path to {value}"),
            name => format!("set local {name} to '{value}'"),
        };
        self.values.iter().map(set).collect::<Vec<_>>().join("; ")
    }

    /// Options of connections that bring the settings along.
    pub(super) fn with_connection(&self, options: PgConnectOptions) -> PgConnectOptions {
        options.options(self.values.iter().map(|(name, value)| (*name, value.as_str()))).options([MARK])
    }

    /// Makes a first connection, and finds out in which way settings reach the server on it.
    pub(super) async fn first_connection(
        &self,
        options: &PgConnectOptions,
    ) -> sqlx::Result<(PgConnection, Way)> {
        let pooled = || Way::Pooled { begin: format!("begin; {}", self.for_transaction()) };
        let mut connection = match self.with_connection(options.clone()).connect().await {
            Ok(connection) => connection,
            Err(error) if is_unsupported_parameter(&error) => {
                return Ok((options.connect().await?, pooled()));
            }
            Err(error) => return Err(error),
        };
        // As plain text: a prepared statement is what a pooler may not have.
        let question = format!("select coalesce(current_setting('{}', true), '') = '{}'", MARK.0, MARK.1);
        let row = connection.fetch_one(AssertSqlSafe(question)).await?;
        if sqlx::Row::try_get(&row, 0)? {
            return Ok((connection, Way::Direct));
        }
        // What closing it says does not matter: it is not used again.
        let _ = connection.close().await;
        Ok((options.connect().await?, pooled()))
    }
}

fn is_unsupported_parameter(error: &sqlx::Error) -> bool {
    error.as_database_error().is_some_and(|error| error.code().as_deref() == Some(UNSUPPORTED_PARAMETER))
}

/// A name as it stands in SQL text.
pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
