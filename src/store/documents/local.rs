//! A folder of this machine: each text is written beside its place, flushed and renamed; files hold the locks that
//! keep its writers apart, in this process and in others.

use std::path::{Path as FilePath, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use futures::TryStreamExt as _;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt as _, PutPayload};
use sha2::{Digest as _, Sha256};

use super::place::PROJECTS;
use super::shelf::{self, Claim, Held, Replaced, Version, Writers};
use crate::error::{Error, Result};
use crate::store::disk;

/// How long a writer waits for another writer of the same name.
const LOCK_BOUND: Duration = Duration::from_secs(5);

/// How many locks all names share: few files, and rarely two names on one.
const LOCKS: u8 = 64;

/// What is unavailable when a folder is.
const WHAT: &str = "the documents folder";

/// The folder.
#[derive(Clone, Debug)]
pub(super) struct Local {
    root: PathBuf,
}

impl Local {
    /// Names the folder; nothing is touched yet, so this works while it is away.
    pub(super) fn new(root: &FilePath) -> Self {
        Self { root: root.to_owned() }
    }

    pub(super) fn address(&self, path: &Path) -> String {
        self.root.join(path.as_ref()).display().to_string()
    }

    pub(super) async fn get(&self, path: &Path) -> Result<Option<Held>> {
        if !self.root.exists() {
            return Ok(None);
        }
        let found = match self.store()?.get(path).await {
            Ok(found) => found,
            Err(object_store::Error::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(unavailable(&error)),
        };
        let version = Version::of(&found.meta);
        let bytes = found.bytes().await.map_err(|error| unavailable(&error))?;
        Ok(Some(Held { bytes: bytes.to_vec(), version }))
    }

    pub(super) async fn meta(&self, path: &Path) -> Result<Option<ObjectMeta>> {
        if !self.root.exists() {
            return Ok(None);
        }
        match self.store()?.head(path).await {
            Ok(meta) => Ok(Some(meta)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(unavailable(&error)),
        }
    }

    pub(super) async fn claim(&self, name: &str) -> Result<Claim> {
        lock(self.root.join("locks"), name).await
    }

    pub(super) async fn replace(&self, path: &Path, text: String) -> Result<Replaced> {
        let put = self.store()?.put(path, PutPayload::from(text.into_bytes())).await;
        put.map(|put| Replaced::Done(Version::Present(put.into()))).map_err(|error| unavailable(&error))
    }

    pub(super) async fn set_aside(&self, path: &Path, aside: &Path) -> Result<Version> {
        self.store()?.rename(path, aside).await.map_err(|error| unavailable(&error))?;
        Ok(Version::Absent)
    }

    pub(super) async fn remove(&self, path: &Path) -> Result<()> {
        shelf::remove(&*self.store()?, path).await.map_err(|error| unavailable(&error))
    }

    pub(super) async fn files(&self, below: &Path) -> Result<Vec<Path>> {
        let listing = self.store()?.list(Some(below)).map_ok(|found| found.location);
        listing.try_collect().await.map_err(|error| unavailable(&error))
    }

    /// By the file system itself: unfinished files are hidden from listings.
    pub(super) async fn sweep(
        &self,
        folder: &Path,
        is_meant: impl Fn(&str) -> bool + Send + 'static,
    ) -> Result<()> {
        let folder = self.root.join(folder.as_ref());
        let swept = tokio::task::spawn_blocking(move || {
            if !folder.exists() {
                return Ok(());
            }
            for entry in std::fs::read_dir(&folder)? {
                let entry = entry?;
                if entry.file_name().to_str().is_some_and(&is_meant) {
                    match std::fs::remove_file(entry.path()) {
                        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
                        _ => {}
                    }
                }
            }
            Ok(())
        })
        .await;
        let unavailable = |reason: String| Error::Unavailable { what: WHAT, reason };
        swept.map_err(|error| unavailable(error.to_string()))?.map_err(|error| unavailable(error.to_string()))
    }

    pub(super) async fn folders(&self, within: &Path) -> Result<Vec<Path>> {
        if !self.root.join(within.as_ref()).exists() {
            return Ok(Vec::new());
        }
        let listing = self.store()?.list_with_delimiter(Some(within)).await;
        listing.map(|listing| listing.common_prefixes).map_err(|error| unavailable(&error))
    }

    pub(super) async fn probe(&self) -> Result<Writers> {
        let path = Path::from(format!("{PROJECTS}/.probe-{}", disk::unique_suffix()));
        self.replace(&path, String::new()).await?;
        self.remove(&path).await?;
        Ok(Writers::Locked)
    }

    /// The store, opened anew: a folder that was away may be back.
    fn store(&self) -> Result<Arc<dyn ObjectStore>> {
        disk::create_private_dir(&self.root)
            .map_err(|error| Error::Unavailable { what: WHAT, reason: error.to_string() })?;
        let store = LocalFileSystem::new_with_prefix(&self.root)
            .map_err(|error| unavailable(&error))?
            .with_fsync(true);
        Ok(Arc::new(store))
    }
}

/// Takes the lock that a name has in a folder of locks.
pub(super) async fn lock(folder: PathBuf, name: &str) -> Result<Claim> {
    let digest = Sha256::digest(name.as_bytes());
    let number = digest.first().copied().unwrap_or(0) % LOCKS;
    let path = folder.join(format!("documents-{number}.lock"));
    let locked = tokio::task::spawn_blocking(move || {
        disk::create_private_dir(&folder)?;
        disk::lock_file_within(&path, LOCK_BOUND)
    })
    .await;
    let reason = match locked {
        Ok(Ok(Some(lock))) => return Ok(Claim::File(lock)),
        Ok(Ok(None)) => "another process is still writing".to_owned(),
        Ok(Err(error)) => error.to_string(),
        Err(error) => error.to_string(),
    };
    Err(Error::Unavailable { what: WHAT, reason })
}

fn unavailable(error: &object_store::Error) -> Error {
    Error::Unavailable { what: WHAT, reason: error.to_string() }
}
