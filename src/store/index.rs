//! What the database does: it takes events, keeps one row a run with everything that belongs to it, and answers.
//!
//! Rows of a finished run are a projection of its trace, written whole by one function ([`projection`]), whether
//! the run came in event by event, was imported, or is indexed again. Of an open run the database holds its
//! events and its row in `traces`; stages, decisions and the rest follow when it ends. That keeps one way from
//! events to rows instead of two that could drift apart.

mod choices;
mod confidence;
mod contradiction;
mod copy;
mod decisions;
mod events;
mod facts;
mod features;
mod filter;
mod flags;
mod growth;
mod habits;
mod lookup;
mod outcomes;
mod page;
mod principles;
mod projection;
mod record;
mod redaction;
mod removal;
mod row;
mod search;
mod sums;
mod tokens;
mod total;
mod upkeep;
mod usual;

use std::sync::Arc;

pub use choices::Choice;
pub use confidence::{ConfidenceFilter, ConfidenceReach, StatedConfidence};
pub use contradiction::Contradiction;
pub use copy::KeptRow;
pub use decisions::{
    CHOICES_WINDOW, DecisionCursor, DecisionFilter, DecisionHit, DecisionOverview, DecisionPage, OptionUse,
    OptionUses, RECORD_WINDOW, SEARCH_WINDOW,
};
pub use events::Documented;
pub use filter::{Filter, Gate, Scope};
pub use flags::{Checking, Ended};
pub use growth::Growth;
pub use habits::Comparable;
pub use lookup::Sighting;
pub use outcomes::ChoiceOutcome;
pub use page::{Cursor, Page, Sort, TraceLine, ValueOf};
pub use record::{Batch, Standing, TraceOutcome};
pub use removal::Expired;
pub use sums::Apart;
pub use tokens::{KeptToken, Permission, Permissions, Token, TokenHash, UnknownPermission};
pub use usual::Group;

use super::database::{Connections, Database, DatabaseTarget, database_error};
use super::session::Session;
use crate::calibration::CalibrationRules;
use crate::error::Result;
use crate::model::QualityRules;

/// The projection of all runs in a database.
#[derive(Clone, Debug)]
pub struct Index {
    database: Arc<Database>,
    rules: QualityRules,
    calibration: CalibrationRules,
}

impl Index {
    /// An index in that database, which is opened when it is first needed.
    #[must_use]
    pub fn new(target: &DatabaseTarget, rules: QualityRules) -> Self {
        Self { database: Arc::new(Database::new(target)), rules, calibration: CalibrationRules::default() }
    }

    /// The same index with other rules for calibration flags.
    #[must_use]
    pub fn with_calibration(self, calibration: CalibrationRules) -> Self {
        Self { calibration, ..self }
    }

    /// The quality rules by which scores are rescaled.
    #[must_use]
    pub fn rules(&self) -> &QualityRules {
        &self.rules
    }

    /// Whether this is Postgres, for the few statements that differ.
    fn is_postgres(&self) -> bool {
        self.database.commits_are_durable()
    }

    /// Whether the database answers.
    ///
    /// # Errors
    /// [`crate::Error::Unavailable`] with the reason when it does not.
    pub async fn probe(&self) -> Result<()> {
        self.read(async |session| session.run("select 1").await).await
    }

    /// Whether what was recorded is on disk once [`Index::record`] returns, whatever `durable` said.
    #[must_use]
    pub fn commits_are_durable(&self) -> bool {
        self.database.commits_are_durable()
    }

    /// Puts everything committed so far on disk.
    ///
    /// # Errors
    /// [`crate::Error::Unavailable`] when the database is away.
    pub async fn make_durable(&self) -> Result<()> {
        if self.commits_are_durable() {
            return Ok(());
        }
        // A commit with full synchronisation puts all commits before it on disk too.
        self.database
            .write(true, |session| {
                Box::pin(async move {
                    session
                        .run("insert into meta (key, value) values ('durable', '1') on conflict (key) do update set value = value + 1")
                        .await
                })
            })
            .await
    }

    /// The database that it lies in.
    pub(super) fn database(&self) -> &Arc<Database> {
        &self.database
    }

    /// How many connections the database's pool has.
    #[must_use]
    pub fn connections(&self) -> Connections {
        self.database.connections()
    }

    /// The bytes of the embedded database's write-ahead log; `None` of one that keeps its own.
    pub async fn wal_bytes(&self) -> Option<u64> {
        self.database.wal_bytes().await
    }

    /// Closes all connections.
    pub async fn close(&self) {
        self.database.close().await;
    }

    /// Runs `look` on a reading session.
    async fn read<T>(&self, look: impl AsyncFnOnce(&mut Session) -> sqlx::Result<T>) -> Result<T> {
        let mut session = self.database.reader().await?;
        let bounded = tokio::time::timeout(super::database::READ_BOUND, look(&mut session)).await;
        match bounded {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(error)) => {
                session.discard().await;
                Err(database_error(&error))
            }
            Err(_) => {
                session.discard().await;
                Err(crate::Error::Unavailable {
                    what: "the database",
                    reason: "it takes too long".to_owned(),
                })
            }
        }
    }
}
