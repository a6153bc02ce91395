//! How a recorder is, for those who watch over it.

use std::sync::atomic::Ordering;

use super::{Counts, Recorder, WAITS_IN_VAIN};
use crate::store::journal::{Journal, JournalStats};

impl Recorder {
    /// What was recorded so far, in numbers.
    #[must_use]
    pub fn counts(&self) -> &Counts {
        &self.inner.counts
    }

    /// How the journal is; `None` where there is none.
    #[must_use]
    pub fn journal(&self) -> Option<JournalStats> {
        self.inner.journal.as_ref().map(Journal::stats)
    }

    /// Tries whether a journal that failed can be written again, so that this is found out also while nobody records.
    pub async fn try_journal(&self) {
        if let Some(journal) = &self.inner.journal {
            journal.try_again().await;
        }
    }

    /// Whether writes have stopped waiting for the database, because it did not take what it was given in time.
    #[must_use]
    pub fn is_database_behind(&self) -> bool {
        self.inner.database_waits.load(Ordering::Relaxed) >= WAITS_IN_VAIN
            && self.inner.stores.live.pending() > 0
    }
}
