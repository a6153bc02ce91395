//! What a caller is told about what it recorded.

use serde::{Deserialize, Serialize};

use crate::model::{FlagNote, Trace, TraceId};
use crate::store::index::Standing;

/// Where a record is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SaveState {
    /// On disk there; in the database also visible to other processes.
    Saved,
    /// Not there yet; it follows by itself.
    Pending,
    /// It could not be written there.
    Failed,
}

/// Where a record is, store by store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Saved {
    /// In this process's journal.
    pub journal: SaveState,
    /// In the database.
    pub database: SaveState,
    /// In the run's document; only when the run ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub document: Option<SaveState>,
}

/// The answer to a write. An answer without an error means that the record is on disk in at least one store.
#[derive(Clone, Debug)]
pub struct Ack {
    /// The run.
    pub trace_id: TraceId,
    /// Where the record is; `None` when recording is switched off.
    pub saved: Option<Saved>,
    /// What became of each event, in order.
    pub standings: Vec<Standing>,
    /// Whether the run could not be looked up: it is taken on trust until the database is back.
    pub unverified: bool,
    /// Whether the run had ended before.
    pub late: bool,
    /// How many secrets were redacted.
    pub redactions: u32,
}

impl Ack {
    /// The answer when recording is switched off: nothing was done.
    #[must_use]
    pub fn off(trace_id: TraceId) -> Self {
        Self { trace_id, saved: None, standings: Vec::new(), unverified: false, late: false, redactions: 0 }
    }

    /// Whether everything had been recorded before.
    #[must_use]
    pub fn is_duplicate(&self) -> bool {
        !self.standings.is_empty() && self.standings.iter().all(|standing| *standing == Standing::Duplicate)
    }
}

/// The answer to a finish.
#[derive(Clone, Debug)]
pub struct Finished {
    /// As for every write.
    pub ack: Ack,
    /// The run as it stands; `None` when recording is switched off or its start is not known here.
    pub trace: Option<Box<Trace>>,
    /// The calibration flags that the run fired; `None` while they are still to be computed.
    pub flags: Option<Vec<FlagNote>>,
    /// Where the run's document lies, if it is written: a path, or a URL.
    pub document: Option<String>,
    /// Where its summary for people lies, if it is written.
    pub summary: Option<String>,
}
