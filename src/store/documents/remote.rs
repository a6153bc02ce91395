//! A bucket of an object store, which several machines may write at once.
//!
//! Nothing is locked: a text is put on the condition that what lies in its place is still what the writer has read.
//! Stores that ignore such conditions are found out at the first write ([`conditions`]); there, locks keep writers
//! apart: those of the database where all share a Postgres, or else those of this machine's files.
//!
//! Every call ends within its bound. While the store is away, calls are refused at once for about as long as the last
//! one waited, so that a question of many parts waits once. Start at [`Remote::replace`].

mod conditions;
mod connection;
mod failure;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures::TryStreamExt as _;
use object_store::path::Path;
use object_store::{Error as StoreError, ObjectMeta, ObjectStore, ObjectStoreExt as _, PutMode, PutPayload};
use tokio::sync::OnceCell;

use super::local;
use super::shelf::{self, Claim, Held, Replaced, Version, Writers};
use super::target::Bucket;
use crate::error::{Error, Result};
use crate::store::database::Database;

/// What is unavailable when a bucket is.
pub(super) const WHAT: &str = "the document store";

/// How long one question may take, or each page of a listing.
const BOUND: Duration = Duration::from_secs(4);

/// How much longer it may take for each mebibyte that goes over the line.
const PER_MEBIBYTE: Duration = Duration::from_secs(1);

/// The longest that an outage is believed without asking again.
const BELIEVED: Duration = Duration::from_secs(3);

/// The bucket. Cheap to clone; all clones are one.
#[derive(Clone, Debug)]
pub(super) struct Remote {
    inner: Arc<Inner>,
    /// Whose locks keep writers apart, where the store does not.
    database: Option<Arc<Database>>,
}

#[derive(Debug)]
struct Inner {
    bucket: Bucket,
    store: OnceCell<Arc<dyn ObjectStore>>,
    writers: OnceCell<Writers>,
    outage: Mutex<Option<Outage>>,
}

/// The last question was in vain.
#[derive(Clone, Debug)]
struct Outage {
    reason: String,
    believed_until: Instant,
}

impl Remote {
    /// Names the bucket; nothing is asked yet, so this works while it is away.
    pub(super) fn new(bucket: Bucket) -> Self {
        let (store, writers, outage) = (OnceCell::new(), OnceCell::new(), Mutex::default());
        Self { inner: Arc::new(Inner { bucket, store, writers, outage }), database: None }
    }

    pub(super) fn sharing(self, database: Arc<Database>) -> Self {
        Self { database: Some(database), ..self }
    }

    pub(super) fn address(&self, path: &Path) -> String {
        self.inner.bucket.address(path.as_ref())
    }

    pub(super) async fn get(&self, path: &Path) -> Result<Option<Held>> {
        let store = self.store().await?;
        let found = match self.ask(BOUND, store.get(path)).await {
            Ok(found) => found,
            Err(Failed::Store(error)) if failure::means_nothing_there(&error) => return Ok(None),
            Err(failed) => return Err(failed.into()),
        };
        let (version, bound) = (Version::of(&found.meta), bound_for(found.meta.size));
        let bytes = self.ask(bound, found.bytes()).await?;
        Ok(Some(Held { bytes: bytes.to_vec(), version }))
    }

    pub(super) async fn meta(&self, path: &Path) -> Result<Option<ObjectMeta>> {
        let store = self.store().await?;
        match self.ask(BOUND, store.head(path)).await {
            Ok(meta) => Ok(Some(meta)),
            Err(Failed::Store(error)) if failure::means_nothing_there(&error) => Ok(None),
            Err(failed) => Err(failed.into()),
        }
    }

    /// Takes the lock of a name, where the store does not check conditions.
    pub(super) async fn claim(&self, name: &str) -> Result<Claim> {
        if self.writers().await? != Writers::Unconditional {
            return Ok(Claim::Open);
        }
        if let Some(database) = &self.database {
            let place = self.inner.bucket.address(name);
            if let Some(lock) = database.lock(&format!("whytrace documents {place}")).await? {
                return Ok(Claim::Database(lock));
            }
        }
        local::lock(self.inner.bucket.locks.clone(), name).await
    }

    /// Puts a text on the condition that this version lies there.
    pub(super) async fn replace(&self, path: &Path, text: String, version: &Version) -> Result<Replaced> {
        let mode = match (self.writers().await?, version) {
            (Writers::Conditional, Version::Absent) => PutMode::Create,
            (Writers::Conditional, Version::Present(version)) => PutMode::Update(version.clone()),
            _ => PutMode::Overwrite,
        };
        let text = text.into_bytes();
        match self.put(path, text.clone(), mode).await {
            Ok(version) => Ok(Replaced::Done(version)),
            // A put whose answer was lost is sent again, and then meets itself.
            Err(Failed::Store(StoreError::AlreadyExists { .. } | StoreError::Precondition { .. })) => {
                let found = self.get(path).await?.filter(|held| held.bytes == text);
                Ok(found.map_or(Replaced::Overtaken, |held| Replaced::Done(held.version)))
            }
            Err(failed) => Err(failed.into()),
        }
    }

    /// Keeps a copy; the text itself stays until it is replaced, so that nobody comes between.
    pub(super) async fn set_aside(&self, held: Held, aside: &Path) -> Result<Version> {
        self.put(aside, held.bytes, PutMode::Overwrite).await?;
        Ok(held.version)
    }

    pub(super) async fn remove(&self, path: &Path) -> Result<()> {
        let store = self.store().await?;
        Ok(self.ask(BOUND, shelf::remove(&*store, path)).await?)
    }

    pub(super) async fn files(&self, below: &Path) -> Result<Vec<Path>> {
        let store = self.store().await?;
        let mut listing = store.list(Some(below));
        let mut files = Vec::new();
        while let Some(found) = self.ask(BOUND, listing.try_next()).await? {
            files.push(found.location);
        }
        Ok(files)
    }

    pub(super) async fn folders(&self, within: &Path) -> Result<Vec<Path>> {
        let store = self.store().await?;
        let listing = self.ask(BOUND, store.list_with_delimiter(Some(within))).await?;
        Ok(listing.common_prefixes)
    }

    pub(super) async fn probe(&self) -> Result<Writers> {
        let writers = self.writers().await?;
        conditions::overwrite(self).await?;
        Ok(writers)
    }

    /// How writers are kept apart here; found out once a process.
    pub(super) async fn writers(&self) -> Result<Writers> {
        self.inner.writers.get_or_try_init(|| conditions::find_out(self)).await.copied()
    }

    async fn put(&self, path: &Path, bytes: Vec<u8>, mode: PutMode) -> Result<Version, Failed> {
        let store = self.store().await?;
        let bound = bound_for(bytes.len() as u64);
        let put = self.ask(bound, store.put_opts(path, PutPayload::from(bytes), mode.into())).await?;
        Ok(Version::Present(put.into()))
    }

    async fn store(&self) -> Result<Arc<dyn ObjectStore>> {
        let bucket = &self.inner.bucket;
        self.inner.store.get_or_try_init(|| connection::open(bucket.clone())).await.cloned()
    }

    /// What the store answers, within a bound; while it is known to be away, at once that it is.
    async fn ask<T>(
        &self,
        bound: Duration,
        question: impl Future<Output = object_store::Result<T>> + Send,
    ) -> Result<T, Failed> {
        if let Some(outage) = self.outage() {
            return Err(Failed::Away(outage));
        }
        let begun = Instant::now();
        let reason = match tokio::time::timeout(bound, question).await {
            Ok(Ok(answer)) => {
                self.note(None);
                return Ok(answer);
            }
            Ok(Err(error)) => match failure::outage(&error) {
                Some(reason) => reason,
                None => {
                    self.note(None);
                    return Err(match error {
                        StoreError::PermissionDenied { .. } | StoreError::Unauthenticated { .. } => {
                            Failed::Away(self.explained(failure::sentence(&error)))
                        }
                        error => Failed::Store(error),
                    });
                }
            },
            Err(_) => format!("no answer within {} s", bound.as_secs()),
        };
        let reason = self.explained(reason);
        let believed_until = Instant::now() + begun.elapsed().min(BELIEVED);
        self.note(Some(Outage { reason: reason.clone(), believed_until }));
        Err(Failed::Away(reason))
    }

    /// A reason, with what may be behind it where no credentials are configured.
    fn explained(&self, reason: String) -> String {
        match self.inner.bucket.missing_credentials() {
            Some(names) => format!(
                "{reason}; no credentials are configured, and those of a machine's role are had from its cloud alone: \
                 set {names}"
            ),
            None => reason,
        }
    }

    /// Why the store is away, as far as that is believed.
    fn outage(&self) -> Option<String> {
        let outage = self.inner.outage.lock().unwrap_or_else(PoisonError::into_inner);
        outage
            .as_ref()
            .filter(|outage| Instant::now() < outage.believed_until)
            .map(|outage| outage.reason.clone())
    }

    fn note(&self, outage: Option<Outage>) {
        *self.inner.outage.lock().unwrap_or_else(PoisonError::into_inner) = outage;
    }
}

/// Why there is no answer.
#[derive(Debug)]
enum Failed {
    /// The store is not there, or not for us.
    Away(String),
    /// The store said no.
    Store(StoreError),
    /// It was never asked.
    Before(Error),
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Self::Before(error)
    }
}

impl From<Failed> for Error {
    fn from(failed: Failed) -> Self {
        let reason = match failed {
            Failed::Away(reason) => reason,
            Failed::Store(error) => failure::sentence(&error),
            Failed::Before(error) => return error,
        };
        Self::Unavailable { what: WHAT, reason }
    }
}

fn bound_for(bytes: u64) -> Duration {
    let mebibytes = u32::try_from(bytes >> 20).unwrap_or(u32::MAX);
    BOUND + PER_MEBIBYTE.saturating_mul(mebibytes)
}
