//! What a recorder is opened with: where things are, by which rules they are recorded, and what kind of process it is.

use std::path::PathBuf;
use std::time::Duration;

use super::Retention;
use crate::calibration::CalibrationRules;
use crate::model::QualityRules;
use crate::store::DatabaseTarget;
use crate::store::documents::DocumentsTarget;

/// Where things are, and by which rules they are recorded.
#[derive(Clone, Debug)]
pub struct RecorderOptions {
    /// The home folder: journal and locks.
    pub home: PathBuf,
    /// The database.
    pub database: DatabaseTarget,
    /// Where documents lie.
    pub documents: DocumentsTarget,
    /// The name of the installation whose stores these are.
    pub installation: String,
    /// The name of this process.
    pub process: String,
    /// What this process does beside recording.
    pub role: Role,
    /// Scales and thresholds.
    pub quality: QualityRules,
    /// When calibration flags fire.
    pub calibration: CalibrationRules,
    /// How long a run may be silent before it counts as abandoned.
    pub abandon_after: Duration,
    /// Refuse what the database does not take at once, instead of leaving it pending.
    pub require_database: bool,
    /// How long finished runs are kept.
    pub retention: Retention,
}

/// What kind of process records, which decides what it does on the side.
///
/// Each of them brings over the journals of dead processes and writes documents that were left unwritten: that completes
/// what was recorded. What changes runs because time has passed is left to those of which that is expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// A command of the terminal: it changes nothing that it was not asked to change.
    Command,
    /// A pipeline that records its own runs: it closes runs that have been silent for long, and deletes none.
    Pipeline,
    /// A server: it closes silent runs, and deletes those that [`Retention`] says are kept no longer.
    Server,
}

impl Role {
    /// Whether it closes runs that have been silent for long.
    pub(super) fn closes_silent_runs(self) -> bool {
        match self {
            Self::Command => false,
            Self::Pipeline | Self::Server => true,
        }
    }

    /// Whether it deletes runs whose time is up.
    pub(super) fn deletes_expired_runs(self) -> bool {
        match self {
            Self::Command | Self::Pipeline => false,
            Self::Server => true,
        }
    }
}

/// Names the stores that a journal belongs to: another database or another home is another identity.
#[must_use]
pub fn stores_identity(options: &RecorderOptions) -> String {
    let database = match &options.database {
        DatabaseTarget::Sqlite(path) => match path.strip_prefix(&options.home) {
            Ok(inside) => format!("sqlite {}", inside.display()),
            Err(_) => options.database.describe(),
        },
        DatabaseTarget::Postgres { .. } => options.database.describe(),
    };
    format!("{} {database}", options.installation)
}
