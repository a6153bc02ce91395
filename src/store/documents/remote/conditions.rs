//! Whether a store checks the conditions that puts are sent with. Some that speak S3 ignore them.
//!
//! It is found out on one object of its own, which stays: no right to delete is needed, and any number of processes
//! may ask at the same time.

use object_store::path::Path;
use object_store::{Error as StoreError, PutMode, UpdateVersion};

use super::{Failed, Remote, failure};
use crate::error::Result;
use crate::store::documents::place::PROJECTS;
use crate::store::documents::shelf::Writers;

/// What the object says to whoever finds it.
const TEXT: &str = "whytrace tries here whether this store refuses a write whose condition does not hold.\n";

/// Asks the store to create what exists, and to replace what is something else. One that does either ignores conditions.
pub(super) async fn find_out(remote: &Remote) -> Result<Writers> {
    let never = UpdateVersion { e_tag: Some("\"0\"".to_owned()), version: Some("1".to_owned()) };
    let modes = [PutMode::Create, PutMode::Create, PutMode::Update(never)];
    for (number, mode) in modes.into_iter().enumerate() {
        match remote.put(&path(), TEXT.into(), mode).await {
            Err(Failed::Store(StoreError::AlreadyExists { .. } | StoreError::Precondition { .. })) => {}
            // The first of all processes creates it.
            Ok(_) if number == 0 => {}
            Ok(_) => return Ok(unconditional(remote, "does what it should refuse")),
            Err(Failed::Store(error)) if failure::means_not_implemented(&error) => {
                return Ok(unconditional(remote, "knows no conditional writes"));
            }
            Err(failed) => return Err(failed.into()),
        }
    }
    Ok(Writers::Conditional)
}

/// Puts the object again, as it is.
pub(super) async fn overwrite(remote: &Remote) -> Result<()> {
    Ok(remote.put(&path(), TEXT.into(), PutMode::Overwrite).await.map(|_| ())?)
}

fn unconditional(remote: &Remote, why: &str) -> Writers {
    let place = remote.inner.bucket.address("");
    tracing::warn!(
        "{place} {why}: those who write documents there are kept apart by locks of a Postgres that they share, or else \
         of this machine, and then no other may write there"
    );
    Writers::Unconditional
}

fn path() -> Path {
    Path::from(format!("{PROJECTS}/.conditional-writes"))
}
