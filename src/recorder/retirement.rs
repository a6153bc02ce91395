//! When the journal may let go of a record: when the database holds it and that commit is on disk.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use tokio::sync::oneshot;

use crate::store::index::Index;
use crate::store::journal::{Journal, Position};

/// Records that the database holds, waiting for proof that its commits are on disk.
#[derive(Debug, Default)]
pub(super) struct Retirement {
    held: Mutex<Vec<Held>>,
}

#[derive(Debug)]
struct Held {
    positions: Arc<OnceLock<Vec<Position>>>,
    finally: Option<oneshot::Sender<()>>,
}

impl Retirement {
    /// Notes that the database has committed what lies at these positions.
    pub(super) fn held(&self, positions: Arc<OnceLock<Vec<Position>>>, finally: Option<oneshot::Sender<()>>) {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).push(Held { positions, finally });
    }

    /// Whether the journal has been let go of everything that the database holds.
    pub(super) fn is_done(&self) -> bool {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).is_empty()
    }

    /// Lets the journal go of everything committed so far. Does nothing while the database cannot prove it.
    pub(super) async fn retire(&self, index: &Index, journal: Option<&Journal>) {
        let held = std::mem::take(&mut *self.held.lock().unwrap_or_else(PoisonError::into_inner));
        if held.is_empty() {
            return;
        }
        if let Err(error) = index.make_durable().await {
            tracing::debug!("journals are kept until the database answers: {error}");
            self.held.lock().unwrap_or_else(PoisonError::into_inner).extend(held);
            return;
        }
        let mut early = Vec::new();
        for held in held {
            // Whether the journal is done with it is asked first: after that, what it says does not change.
            let is_written = Arc::strong_count(&held.positions) == 1;
            match (journal, held.positions.get()) {
                (Some(journal), Some(positions)) => journal.release(positions),
                (Some(_), None) if !is_written => {
                    early.push(held);
                    continue;
                }
                _ => {}
            }
            if let Some(finally) = held.finally {
                // Whoever adopted the journal may be gone; another will adopt it.
                let _ = finally.send(());
            }
        }
        // The database was quicker than the journal, which still has to say where it put them.
        self.held.lock().unwrap_or_else(PoisonError::into_inner).extend(early);
        if let Some(journal) = journal {
            journal.retire_if_idle().await;
        }
    }
}
