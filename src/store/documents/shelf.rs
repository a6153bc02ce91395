//! The one seam under [`Documents`](super::Documents): texts under paths, in a folder or in a bucket.
//!
//! Whoever rewrites a text claims its name, reads what is there, and replaces exactly that. In a folder the claim keeps
//! others away; in a bucket nobody is kept away, and whoever comes second is told so ([`Replaced::Overtaken`]) and
//! starts again from what is there now. Both ways no writer undoes what another has done.
//!
//! Paths are below the root; what a text means is not known here.

use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt as _, UpdateVersion};

use super::local::Local;
use super::remote::Remote;
use crate::error::Result;
use crate::store::database::HeldLock;
use crate::store::disk::LockedFile;

/// A place for texts.
#[derive(Clone, Debug)]
pub(super) enum Shelf {
    /// A folder of this machine.
    Local(Local),
    /// A bucket of an object store.
    Remote(Remote),
}

/// A text as it was found.
#[derive(Clone, Debug)]
pub(super) struct Held {
    pub bytes: Vec<u8>,
    pub version: Version,
}

/// What lies at a path: what a writer has read, and means to replace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Version {
    /// Nothing.
    Absent,
    /// A text that the store names so.
    Present(UpdateVersion),
}

/// What became of a replacement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Replaced {
    /// It is there, and is this version.
    Done(Version),
    /// Something else has come to lie there than what was to be replaced.
    Overtaken,
}

/// What keeps other writers of a name away, until it is dropped.
#[derive(Debug)]
pub(super) enum Claim {
    /// Nothing does, and nothing need: the store checks conditions.
    Open,
    /// A lock of this machine.
    File(#[expect(dead_code, reason = "it is held, not looked at")] LockedFile),
    /// A lock of the database.
    Database(HeldLock),
}

impl Claim {
    /// Replaces something as long as nobody else can have come to claim it.
    pub(super) async fn within<T>(&self, replacing: impl Future<Output = Result<T>>) -> Result<T> {
        match self {
            Self::Open | Self::File(_) => replacing.await,
            Self::Database(lock) => lock.within(replacing).await,
        }
    }
}

/// How a store keeps writers apart, for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Writers {
    /// By locks of this machine's files; it is a folder.
    Locked,
    /// By conditions that the store checks: any number of machines may write.
    Conditional,
    /// By locks, because the store ignores conditions: of the database where that is Postgres, or else of this machine's
    /// files. A put that was given up and arrives late is kept apart by neither.
    Unconditional,
}

impl Shelf {
    /// Where a path lies, as a person would find it.
    pub(super) fn address(&self, path: &Path) -> String {
        match self {
            Self::Local(local) => local.address(path),
            Self::Remote(remote) => remote.address(path),
        }
    }

    pub(super) async fn get(&self, path: &Path) -> Result<Option<Held>> {
        match self {
            Self::Local(local) => local.get(path).await,
            Self::Remote(remote) => remote.get(path).await,
        }
    }

    /// What lies at a path, without reading it.
    pub(super) async fn meta(&self, path: &Path) -> Result<Option<ObjectMeta>> {
        match self {
            Self::Local(local) => local.meta(path).await,
            Self::Remote(remote) => remote.meta(path).await,
        }
    }

    /// Keeps other writers of a name away, as far as this store needs it.
    pub(super) async fn claim(&self, name: &str) -> Result<Claim> {
        match self {
            Self::Local(local) => local.claim(name).await,
            Self::Remote(remote) => remote.claim(name).await,
        }
    }

    /// Puts a text where this version lies. To be called under the claim of its name.
    pub(super) async fn replace(&self, path: &Path, text: String, version: &Version) -> Result<Replaced> {
        match self {
            Self::Local(local) => local.replace(path, text).await,
            Self::Remote(remote) => remote.replace(path, text, version).await,
        }
    }

    /// Moves what cannot be read out of the way of a replacement, and says what is there then.
    pub(super) async fn set_aside(&self, path: &Path, held: Held, aside: &Path) -> Result<Version> {
        match self {
            Self::Local(local) => local.set_aside(path, aside).await,
            Self::Remote(remote) => remote.set_aside(held, aside).await,
        }
    }

    pub(super) async fn remove(&self, path: &Path) -> Result<()> {
        match self {
            Self::Local(local) => local.remove(path).await,
            Self::Remote(remote) => remote.remove(path).await,
        }
    }

    /// All paths below one.
    pub(super) async fn files(&self, below: &Path) -> Result<Vec<Path>> {
        match self {
            Self::Local(local) => local.files(below).await,
            Self::Remote(remote) => remote.files(below).await,
        }
    }

    /// Removes the files directly in a folder whose names are meant, those included that a writer has not finished.
    pub(super) async fn sweep(
        &self,
        folder: &Path,
        is_meant: impl Fn(&str) -> bool + Send + 'static,
    ) -> Result<()> {
        match self {
            Self::Local(local) => local.sweep(folder, is_meant).await,
            Self::Remote(remote) => {
                for path in remote.files(folder).await? {
                    if path.filename().is_some_and(&is_meant) {
                        remote.remove(&path).await?;
                    }
                }
                Ok(())
            }
        }
    }

    /// The folders directly in one.
    pub(super) async fn folders(&self, within: &Path) -> Result<Vec<Path>> {
        match self {
            Self::Local(local) => local.folders(within).await,
            Self::Remote(remote) => remote.folders(within).await,
        }
    }

    /// Whether texts can be put here, and how writers are kept apart.
    pub(super) async fn probe(&self) -> Result<Writers> {
        match self {
            Self::Local(local) => local.probe().await,
            Self::Remote(remote) => remote.probe().await,
        }
    }
}

/// Removes one text; it may be gone already.
pub(super) async fn remove(store: &dyn ObjectStore, path: &Path) -> object_store::Result<()> {
    match store.delete(path).await {
        Err(object_store::Error::NotFound { .. }) => Ok(()),
        removed => removed,
    }
}

impl Version {
    /// Whether both are one text: by the store's own count of versions where it has one, else by the mark of the content.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Present(one), Self::Present(other)) => match (&one.version, &other.version) {
                (Some(one), Some(other)) => one == other,
                _ => one.e_tag == other.e_tag,
            },
            _ => self == other,
        }
    }

    pub(super) fn of(meta: &ObjectMeta) -> Self {
        Self::Present(UpdateVersion { e_tag: meta.e_tag.clone(), version: meta.version.clone() })
    }
}
