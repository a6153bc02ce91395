//! The shared database: a pool whose connections are rolled back before each use.
//!
//! [`preparation`] sees to the schema before it is first used, [`settings`] knows what sessions run under and whether
//! a pooler stands in between.

mod preparation;
mod settings;

use std::str::FromStr as _;
use std::sync::{Mutex as StdMutex, PoisonError};
use std::time::{Duration, Instant};

use sqlx::pool::PoolOptions;
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions as _, Executor as _, PgConnection, Postgres};
use tokio::sync::{Mutex, OnceCell};

use self::settings::{SessionSettings, Way, quoted};
use super::{Connections, STATEMENT_BOUND, Session, Work, database_error, is_worth_repeating, unavailable};
use crate::error::{Error, Result};

/// How long making a connection may take, migrations at the first one included.
const CONNECT_BOUND: Duration = Duration::from_secs(8);

/// How long a connection of the pool may take.
const ACQUIRE_BOUND: Duration = Duration::from_secs(2);

/// How long a reading question waits for the first answer of a server: somebody waits for it in turn, while what is
/// recorded is safe in the journal meanwhile.
const READER_BOUND: Duration = Duration::from_secs(3);

/// The tables that lose rows when runs are deleted.
const TABLES: [&str; 13] = [
    "traces",
    "tags",
    "stages",
    "decisions",
    "alternatives",
    "principle_scores",
    "evidence",
    "events",
    "conflicts",
    "flags",
    "confidence_days",
    "run_days",
    "principle_days",
];

#[derive(Debug)]
pub(super) struct PostgresDatabase {
    url: Secret,
    schema: String,
    opened: OnceCell<Opened>,
    outage: StdMutex<Option<Outage>>,
    probe: Mutex<()>,
}

/// The schema is seen to; connections are made when they are needed.
#[derive(Debug)]
struct Opened {
    pool: sqlx::Pool<Postgres>,
    way: Way,
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
            opened: OnceCell::new(),
            outage: StdMutex::default(),
            probe: Mutex::default(),
        }
    }

    /// A connection for a reading question.
    pub(super) async fn reader(&self) -> Result<Session> {
        match self.outage() {
            Some(outage) if Instant::now() < outage.believed_until => Err(unavailable(outage.reason)),
            _ => {
                let mut session = self.session(READER_BOUND).await?;
                if let Some(Way::Pooled { .. }) = self.opened.get().map(|opened| &opened.way)
                    && let Err(error) = within(STATEMENT_BOUND, self.begin(&mut session)).await
                {
                    session.discard().await;
                    return Err(database_error(&error));
                }
                Ok(session)
            }
        }
    }

    /// Begins a transaction, under the settings of all sessions.
    async fn begin(&self, session: &mut Session) -> sqlx::Result<()> {
        match self.opened.get().map(|opened| &opened.way) {
            Some(Way::Pooled { begin }) => session.run_assembled(begin.clone()).await,
            _ => session.run("begin").await,
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
            let opened = self.opened.get_or_try_init(|| self.open(patience)).await?;
            let connection = opened.pool.acquire().await.map_err(|error| database_error(&error))?;
            let keeps_statements = matches!(opened.way, Way::Direct);
            Ok(Session::Postgres { connection, keeps_statements })
        };
        tokio::time::timeout(CONNECT_BOUND, connecting)
            .await
            .unwrap_or_else(|_| Err(database_error(&silence(CONNECT_BOUND))))
    }

    pub(super) async fn write<T: Send>(&self, work: Work<T>) -> Result<T> {
        let mut session = self.session(CONNECT_BOUND).await?;
        let transaction = async {
            self.begin(&mut session).await?;
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
        let schema = quoted(&self.schema);
        let tables = TABLES.map(|table| format!("{schema}.{table}")).join(", ");
        let is_direct = self.opened.get().is_some_and(|opened| matches!(opened.way, Way::Direct));
        let vacuum = async {
            // It takes as long as the tables are large. Behind a pooler a session has no settings of ours, and whatever
            // one set would stay for others.
            if is_direct {
                session.run("set statement_timeout = 0").await?;
            }
            session.run_assembled(format!("vacuum {tables}")).await
        };
        let done = vacuum.await;
        // Not for the pool any more, with that setting.
        session.discard().await;
        done.map_err(|error| database_error(&error))
    }

    pub(super) fn connections(&self) -> Connections {
        self.opened.get().map(|opened| Connections::of(&opened.pool)).unwrap_or_default()
    }

    pub(super) async fn close(&self) {
        if let Some(opened) = self.opened.get() {
            opened.pool.close().await;
        }
    }

    async fn open(&self, patience: Duration) -> Result<Opened> {
        let options = PgConnectOptions::from_str(&self.url.0)
            .map_err(|error| unavailable(format!("its URL cannot be used: {error}")))?
            .application_name("whytrace")
            // All digits are what servers give by themselves since version 12, and poolers refuse to be asked.
            .extra_float_digits(None)
            .disable_statement_logging();
        let settings = SessionSettings::on(&self.schema);
        let mut attempts = 0;
        let way = loop {
            // In a task of its own: a migration goes on though whoever first asked does not wait for its end.
            let preparation =
                preparation::prepare(options.clone(), settings.clone(), self.schema.clone(), patience);
            match tokio::spawn(preparation).await {
                Ok(Ok(way)) => break way,
                Ok(Err(error)) if is_worth_repeating(&error) && attempts < 3 => attempts += 1,
                Ok(Err(error)) => return Err(database_error(&error)),
                Err(error) => return Err(unavailable(error.to_string())),
            }
        };
        let pool = PoolOptions::new()
            .max_connections(8)
            .min_connections(0)
            .acquire_timeout(ACQUIRE_BOUND)
            .idle_timeout(Duration::from_secs(600))
            .max_lifetime(Duration::from_secs(1_800))
            .test_before_acquire(false);
        // A connection given back by a dropped future may still be inside a transaction (sqlx 0.9.0).
        let pool = match &way {
            Way::Direct => pool
                .before_acquire(|connection, _| Box::pin(rolled_back(connection)))
                .connect_lazy_with(settings.with_connection(options)),
            // A transaction that stays open would keep a server process from everybody behind the pooler.
            Way::Pooled { .. } => pool
                .after_release(|connection, _| Box::pin(rolled_back(connection)))
                .connect_lazy_with(options),
        };
        Ok(Opened { pool, way })
    }
}

async fn rolled_back(connection: &mut PgConnection) -> sqlx::Result<bool> {
    connection.execute("rollback").await.map(|_| true)
}

/// The work, as far as it ends in time.
async fn within<T>(bound: Duration, work: impl Future<Output = sqlx::Result<T>>) -> sqlx::Result<T> {
    tokio::time::timeout(bound, work).await.unwrap_or_else(|_| Err(silence(bound)))
}

fn silence(bound: Duration) -> sqlx::Error {
    let said = format!("no answer within {} s", bound.as_secs());
    std::io::Error::new(std::io::ErrorKind::TimedOut, said).into()
}
