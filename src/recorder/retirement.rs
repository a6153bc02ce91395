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
        for held in held {
            if let (Some(journal), Some(positions)) = (journal, held.positions.get()) {
                journal.release(positions);
            }
            if let Some(finally) = held.finally {
                // Whoever adopted the journal may be gone; another will adopt it.
                let _ = finally.send(());
            }
        }
        if let Some(journal) = journal {
            journal.retire_if_idle().await;
        }
    }
}
