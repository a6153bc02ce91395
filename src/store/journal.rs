//! A journal: records on disk before anything else is done with them, and found again whatever happens to the
//! process.
//!
//! It knows nothing of what a record means. Each process writes files of its own ("segments") and holds their
//! locks while it lives; when it is gone, any process of the same stores [`adopt`]s them. Start at
//! [`Journal::append`].
//!
//! What holds:
//! - a record that was answered with its [`Position`] is flushed to disk, and stays there until released;
//! - damage to a file, a torn tail included, costs only the records it touches;
//! - a file is never written again after a failure, never truncated, and removed only when nobody needs it;
//! - an append that cannot be written fails at once, and the next one tries anew.
//!
//! Appends after an error may be found by an adoption all the same, and records appended twice are found twice:
//! what replays records must know them by an id.

mod adoption;
mod files;
mod frame;
mod header;
mod segment;
mod worker;
mod writer;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;

use tokio::sync::{Semaphore, mpsc, oneshot, watch};

pub use adoption::{AdoptedJournal, ForeignJournal, JournalRecords, Survey, adopt, holding, read, survey};
use files::{Disk, Files};
use worker::{Append, Job};
use writer::Writer;

/// The most bytes that one record may have.
pub const MAX_RECORD_BYTES: usize = frame::MAX_PAYLOAD_BYTES;

/// Where a journal lies, whose it is, and how much it takes.
#[derive(Debug, Clone)]
pub struct JournalOptions {
    /// The folder of the files, shared by all processes of an installation; made if there is none.
    pub dir: PathBuf,
    /// The identity of the stores that the records belong to, 1 to 1024 bytes; who has another never touches
    /// the files.
    pub stores: String,
    /// The name of this process, which begins the names of its files: 1 to 64 of `A-Z a-z 0-9 _ -`.
    pub process: String,
    /// The size at which a segment is full, in bytes. Default 16 MiB.
    pub segment_bytes: u64,
    /// How many bytes may wait to be written before appends wait for room. Default 8 MiB.
    pub queue_bytes: u32,
}

impl JournalOptions {
    /// Options with the default sizes.
    pub fn new(dir: impl Into<PathBuf>, stores: impl Into<String>, process: impl Into<String>) -> Self {
        Self {
            dir: dir.into(),
            stores: stores.into(),
            process: process.into(),
            segment_bytes: 16 << 20,
            queue_bytes: 8 << 20,
        }
    }

    fn check(&self) -> Result<(), JournalError> {
        let in_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
        if !(1..=64).contains(&self.process.len()) || !self.process.bytes().all(in_name) {
            return Err(JournalError::InvalidProcess(self.process.clone()));
        }
        if !(1..=1024).contains(&self.stores.len()) {
            return Err(JournalError::InvalidStores(self.stores.len()));
        }
        Ok(())
    }
}

/// Why a journal did not do what was asked.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum JournalError {
    /// The disk failed, or is full. The journal is unhealthy until a later append succeeds.
    #[error("cannot write the journal in {dir}: {source}", dir = dir.display())]
    Write {
        /// The folder of the journal.
        dir: PathBuf,
        /// What the disk said.
        source: Arc<io::Error>,
    },
    /// A record has more than [`MAX_RECORD_BYTES`].
    #[error("record of {0} bytes is over the journal's limit of {MAX_RECORD_BYTES} bytes")]
    TooLarge(usize),
    /// The journal was closed.
    #[error("journal is closed")]
    Closed,
    /// The name of the process cannot be part of a file's name.
    #[error("process name {0:?} is not 1 to 64 of A-Z a-z 0-9 _ -")]
    InvalidProcess(String),
    /// The identity of the stores is empty or too long.
    #[error("identity of the stores has {0} bytes, not 1 to 1024")]
    InvalidStores(usize),
}

/// Where a record lies, for as long as its journal is open; good for [`Journal::release`] alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    segment: u64,
    index: u32,
}

/// How a journal is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct JournalStats {
    /// Whether the last attempt to write succeeded; see [`Journal::is_healthy`].
    pub healthy: bool,
    /// How many files are held.
    pub segments: usize,
    /// Their size, in bytes, space reserved included.
    pub bytes: u64,
    /// How many records are on disk and not released.
    pub outstanding: usize,
    /// How many of those were never claimed: their append was dropped before its answer, so nobody can release
    /// them. They keep their file until the process ends, and are then adopted.
    pub unclaimed: usize,
}

/// A journal of this process; clones share it.
///
/// When the last clone is gone what is queued is still written, and the files are left as by [`close`].
///
/// [`close`]: Journal::close
#[derive(Debug, Clone)]
pub struct Journal {
    jobs: mpsc::UnboundedSender<Job>,
    /// Bounds what waits in `jobs`, in bytes.
    room: Arc<Semaphore>,
    queue_bytes: u32,
    stats: watch::Receiver<JournalStats>,
}

impl Journal {
    /// Opens a journal; its first file is made with the first record.
    ///
    /// Succeeds also if the folder cannot be made: the journal is unhealthy then, and tries again with each
    /// append.
    ///
    /// # Errors
    /// [`JournalError::InvalidProcess`] and [`JournalError::InvalidStores`] for options out of range, and
    /// [`JournalError::Write`] if no thread can be started.
    pub fn open(options: JournalOptions) -> Result<Self, JournalError> {
        Self::open_on(Box::new(Disk), options)
    }

    fn open_on(files: Box<dyn Files>, options: JournalOptions) -> Result<Self, JournalError> {
        options.check()?;
        let (dir, queue_bytes) = (options.dir.clone(), options.queue_bytes);
        let writer = Writer::new(files, options);
        let (jobs, queue) = mpsc::unbounded_channel();
        let (publisher, stats) = watch::channel(writer.stats());
        thread::Builder::new()
            .name("whytrace-journal".to_owned())
            .spawn(move || worker::run(writer, queue, &publisher))
            .map_err(|error| JournalError::Write { dir, source: Arc::new(error) })?;
        Ok(Self { jobs, room: Arc::new(Semaphore::new(queue_bytes as usize)), queue_bytes, stats })
    }

    /// Puts records on disk, in order, and says where each lies; answers when they are flushed.
    ///
    /// Waits for room while more than `queue_bytes` are queued. Appends that wait together are flushed
    /// together. Dropping the future harms nothing: once queued the records are written, but as nobody learns
    /// their positions they keep their file until the process ends, so await it where no cancellation reaches.
    ///
    /// # Errors
    /// [`JournalError::Write`] if the disk fails or is full: the caller must take none of the records for
    /// durable. [`JournalError::TooLarge`] and [`JournalError::Closed`], when nothing was written.
    pub async fn append(&self, records: Vec<Vec<u8>>) -> Result<Vec<Position>, JournalError> {
        if let Some(record) = records.iter().find(|record| record.len() > MAX_RECORD_BYTES) {
            return Err(JournalError::TooLarge(record.len()));
        }
        if records.is_empty() {
            return Ok(Vec::new());
        }
        let bytes: usize = records.iter().map(|record| frame::OVERHEAD + record.len()).sum();
        // More than the whole queue has room for waits until it is empty.
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX).min(self.queue_bytes);
        let closed = JournalError::Closed;
        let Ok(room) = Arc::clone(&self.room).acquire_many_owned(bytes).await else { return Err(closed) };
        let (reply, answer) = oneshot::channel();
        self.jobs.send(Job::Append(Append { records, reply, room })).map_err(|_| JournalError::Closed)?;
        answer.await.unwrap_or(Err(closed))
    }

    /// Says that these records are no longer needed; never waits, and again is harmless.
    ///
    /// A full segment whose records are all released is removed. Release a record only when what replaces it
    /// is itself known to be on disk.
    pub fn release(&self, positions: &[Position]) {
        // Of a closed journal, whose files are left for adoption, there is nothing to release.
        let _ = self.jobs.send(Job::Release(positions.to_vec()));
    }

    /// Whether records can be written, as far as is known: false from a failure until an append succeeds, and
    /// once closed.
    #[must_use]
    pub fn is_healthy(&self) -> bool {
        self.stats().healthy
    }

    /// Tries whether a journal that failed can be written again, and says whether it is healthy now.
    ///
    /// For whoever has nothing to append: without it a failure would be believed until the next record comes.
    pub async fn try_again(&self) -> bool {
        if !self.is_healthy() {
            let (reply, answer) = oneshot::channel();
            let _ = self.jobs.send(Job::TryAgain(reply));
            // Of a closed journal nothing comes back.
            let _ = answer.await;
        }
        self.is_healthy()
    }

    /// How the journal is.
    #[must_use]
    pub fn stats(&self) -> JournalStats {
        let last = *self.stats.borrow();
        JournalStats { healthy: last.healthy && !self.jobs.is_closed(), ..last }
    }

    /// Gives back the disk space of the file in use if none of its records is needed; says whether it did.
    ///
    /// The next append makes a new one. Answers behind all that was appended and released before.
    pub async fn retire_if_idle(&self) -> bool {
        let (reply, answer) = oneshot::channel();
        // Of a journal that is closed nothing is in use.
        let _ = self.jobs.send(Job::RetireIfIdle(reply));
        answer.await.unwrap_or(false)
    }

    /// Has the next append begin a new file, so that the one in use goes as soon as none of its records is needed:
    /// what was released does not lie on disk for as long as others follow it.
    pub fn renew(&self) {
        // Of a journal that is closed nothing is in use.
        let _ = self.jobs.send(Job::Renew);
    }

    /// Ends the journal, for all its clones, when what was appended before is written.
    ///
    /// Files that nobody needs are removed, others are unlocked and left for adoption.
    pub async fn close(self) {
        let (reply, answer) = oneshot::channel();
        let _ = self.jobs.send(Job::Close(reply));
        // An error means that it was closed already.
        let _ = answer.await;
    }
}

#[cfg(test)]
mod faults;
#[cfg(test)]
mod tests;
