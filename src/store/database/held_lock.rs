//! A lock by a name that the processes over one Postgres share, held while something is done elsewhere.

use std::sync::Arc;

use tokio::sync::oneshot;

use super::{Database, Kind, unavailable};
use crate::error::Result;
use crate::store::sql::Sql;

/// Held until this is dropped, and never longer than a transaction may take.
#[derive(Debug)]
pub(crate) struct HeldLock {
    /// Whoever waits for it hears that it is gone.
    _release: oneshot::Sender<()>,
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
        let holding = tokio::spawn(async move {
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
            return Ok(Some(HeldLock { _release: release }));
        }
        match holding.await {
            Ok(Err(error)) => Err(error),
            _ => Err(unavailable("it gave no lock".to_owned())),
        }
    }
}
