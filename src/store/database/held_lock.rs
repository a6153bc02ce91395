//! A lock by a name that the processes over one Postgres share, held while something is done elsewhere.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Semaphore, oneshot};
use tokio::time::{Instant, timeout_at};

use super::{Database, Kind, unavailable};
use crate::error::Result;
use crate::store::sql::Sql;

/// How long a lock is good for: its transaction may take 8 s, of which the wait for it may have been 2.
const GOOD_FOR: Duration = Duration::from_secs(5);

/// How many are held at the same time: each one keeps a connection, and recording needs the others.
const AT_ONCE: usize = 3;

/// Room for the locks of one process.
pub(super) fn room() -> Arc<Semaphore> {
    Arc::new(Semaphore::new(AT_ONCE))
}

/// Held until this is dropped, or until its transaction has taken as long as one may.
#[derive(Debug)]
pub(crate) struct HeldLock {
    /// Whoever waits for it hears that it is gone, and is gone itself where the transaction has ended.
    release: oneshot::Sender<()>,
    until: Instant,
}

impl HeldLock {
    /// Does something as long as the lock holds.
    ///
    /// # Errors
    /// That of `work`, and [`crate::Error::Unavailable`] where the lock does not hold any more, or not until `work` is
    /// done: it is not begun then, or broken off.
    pub(crate) async fn within<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        let lost = || unavailable("its lock was held too long, and somebody else may have it".to_owned());
        if self.release.is_closed() || Instant::now() >= self.until {
            return Err(lost());
        }
        timeout_at(self.until, work).await.unwrap_or_else(|_| Err(lost()))
    }
}

impl Database {
    /// Takes the lock of a name; `None` on the embedded database, whose processes share a machine, and the locks of its
    /// files.
    ///
    /// # Errors
    /// [`crate::Error::Unavailable`] when the database is away, or others do not let go of it in time.
    pub(crate) async fn lock(self: &Arc<Self>, name: &str) -> Result<Option<HeldLock>> {
        if matches!(self.kind, Kind::Sqlite(_)) {
            return Ok(None);
        }
        let (locked, is_locked) = oneshot::channel();
        let (release, released) = oneshot::channel::<()>();
        let (database, name) = (Arc::clone(self), name.to_owned());
        let room = Arc::clone(&self.held);
        let holding = tokio::spawn(async move {
            let _place = room.acquire_owned().await.map_err(|_| unavailable("it is closed".to_owned()))?;
            let hold = database.write(false, move |session| {
                Box::pin(async move {
                    // Of the transaction, so that it is given back whatever stands between us and the server.
                    let sql = "select count(pg_advisory_xact_lock(hashtextextended($1, 0)))";
                    session.fetch_one::<(i64,)>(Sql::new(sql).bind(name.as_str())).await?;
                    // Who asked for it may have gone.
                    let _ = locked.send(());
                    let _ = released.await;
                    Ok(())
                })
            });
            hold.await
        });
        if is_locked.await.is_ok() {
            return Ok(Some(HeldLock { release, until: Instant::now() + GOOD_FOR }));
        }
        match holding.await {
            Ok(Err(error)) => Err(error),
            _ => Err(unavailable("it gave no lock".to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn done(lock: &HeldLock) -> Result<&'static str> {
        lock.within(async { Ok("done") }).await
    }

    #[tokio::test]
    async fn nothing_is_done_under_a_lock_that_holds_no_more() {
        let (release, transaction) = oneshot::channel();
        let lock = HeldLock { release, until: Instant::now() + GOOD_FOR };
        assert_eq!(done(&lock).await.unwrap(), "done");
        drop(transaction);
        assert!(done(&lock).await.is_err(), "the transaction has ended");

        let (release, _transaction) = oneshot::channel();
        let lock = HeldLock { release, until: Instant::now() };
        assert!(done(&lock).await.is_err(), "its time is over");
    }
}
