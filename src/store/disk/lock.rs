//! Exclusive locks of files, between processes as between the parts of one.

use std::fs::{File, TryLockError};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::{private, rename};

/// Takes the lock of a file, making the file if there is none, and does not wait: `None` if another holds it.
///
/// # Errors
/// If the file cannot be opened, or its file system knows no locks.
pub fn lock_file(path: &Path) -> io::Result<Option<LockedFile>> {
    LockedFile::try_lock(private().create(true).open(path)?, path)
}

/// Takes the lock of a file within a time, making the file if there is none: `None` if the time was up first.
///
/// For a lock that is taken often, keep a [`FileLock`].
///
/// # Errors
/// As [`lock_file`].
pub fn lock_file_within(path: &Path, patience: Duration) -> io::Result<Option<LockedFile>> {
    FileLock::new(path).lock_within(patience)
}

/// An open file whose exclusive lock is held until this is dropped, or its process ends.
#[derive(Debug)]
pub struct LockedFile {
    file: File,
    path: PathBuf,
}

impl LockedFile {
    /// Creates and locks a file that did not exist, readable by this user alone.
    ///
    /// # Errors
    /// If the file exists, cannot be created, or is locked by another at once.
    pub fn create(path: &Path) -> io::Result<Self> {
        let file = private().create_new(true).open(path)?;
        Self::try_lock(file, path)?.ok_or_else(|| io::ErrorKind::WouldBlock.into())
    }

    /// Opens a file for reading only and takes its lock: `None` if another holds it.
    ///
    /// # Errors
    /// As [`lock_file`], and if there is no such file.
    pub fn open(path: &Path) -> io::Result<Option<Self>> {
        let locked = Self::try_lock(File::open(path)?, path)?;
        // The holder before may have removed the file while this waited for nothing but the lock.
        Ok(locked.filter(|_| path.exists()))
    }

    /// Where the file lies.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The open file; the only handle through which Windows lets anybody read it.
    #[must_use]
    pub fn file(&self) -> &File {
        &self.file
    }

    /// Writes all of `bytes` at `offset`.
    ///
    /// # Errors
    /// If the write fails; part of the bytes may then be written.
    pub fn write_all_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let mut file = &self.file;
        file.seek(SeekFrom::Start(offset))?;
        file.write_all(bytes)
    }

    /// Renames the file; durable after [`super::sync_dir`].
    ///
    /// # Errors
    /// As [`rename`]; the file then keeps its name.
    pub fn rename(&mut self, to: PathBuf) -> io::Result<()> {
        rename(&self.path, &to)?;
        self.path = to;
        Ok(())
    }

    fn try_lock(file: File, path: &Path) -> io::Result<Option<Self>> {
        match file.try_lock() {
            Ok(()) => Ok(Some(Self { file, path: path.to_owned() })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }
}

/// A lock that processes take in turns, with a limit to the wait.
///
/// The wait is the kernel's own, in a thread, because polling starves under load: a holder that comes back at
/// once is always faster than a sleeper. A wait that is given up leaves its thread behind; the next wait takes
/// that thread over, so that there is at most one.
#[derive(Debug, Clone)]
pub struct FileLock {
    path: PathBuf,
    queue: Arc<Queue>,
}

impl FileLock {
    /// Names the lock; the file is made when the lock is first taken.
    #[must_use]
    pub fn new(path: &Path) -> Self {
        Self { path: path.to_owned(), queue: Arc::default() }
    }

    /// Takes the lock within `patience`: `None` if the time was up first.
    ///
    /// # Errors
    /// As [`lock_file`].
    pub fn lock_within(&self, patience: Duration) -> io::Result<Option<LockedFile>> {
        let deadline = Instant::now().checked_add(patience);
        if let Some(locked) = lock_file(&self.path)? {
            return Ok(Some(locked));
        }
        let mut state = self.queue.state();
        state.wanted += 1;
        loop {
            if let Some(answer) = state.answer.take() {
                state.wanted -= 1;
                return answer.map(Some);
            }
            let left = deadline.map_or(patience, |at| at.saturating_duration_since(Instant::now()));
            if left.is_zero() {
                state.wanted -= 1;
                return Ok(None);
            }
            if !state.waiting {
                if let Err(error) = self.spawn_wait() {
                    state.wanted -= 1;
                    return Err(error);
                }
                state.waiting = true;
            }
            state = self.queue.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn spawn_wait(&self) -> io::Result<()> {
        let (path, queue) = (self.path.clone(), Arc::clone(&self.queue));
        let wait = move || {
            let locked = private().create(true).open(&path).and_then(|file| {
                file.lock()?;
                Ok(LockedFile { file, path })
            });
            let mut state = queue.state();
            state.waiting = false;
            if state.wanted > 0 {
                state.answer = Some(locked);
                // All of them: one takes the lock, and one of the others starts the next wait.
                queue.changed.notify_all();
            }
        };
        thread::Builder::new().name("whytrace-lock".to_owned()).spawn(wait).map(drop)
    }
}

#[derive(Debug, Default)]
struct Queue {
    state: Mutex<QueueState>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct QueueState {
    /// Callers inside `lock_within`. With none, a lock that comes is given back at once.
    wanted: usize,
    /// Whether a thread waits for the lock.
    waiting: bool,
    answer: Option<io::Result<LockedFile>>,
}

impl Queue {
    fn state(&self) -> MutexGuard<'_, QueueState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(60);

    fn lock_path() -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("write.lock");
        (dir, path)
    }

    #[test]
    fn a_held_lock_is_refused_and_a_dropped_one_is_free() {
        let (_dir, path) = lock_path();
        let held = lock_file(&path).unwrap().unwrap();
        assert!(lock_file(&path).unwrap().is_none());
        assert!(lock_file_within(&path, Duration::from_millis(1)).unwrap().is_none());
        drop(held);
        assert!(lock_file_within(&path, LONG).unwrap().is_some());
    }

    #[test]
    fn a_wait_ends_when_the_holder_lets_go() {
        let (_dir, path) = lock_path();
        let lock = FileLock::new(&path);
        let held = lock.lock_within(LONG).unwrap().unwrap();
        let waiter = thread::spawn({
            let lock = lock.clone();
            move || lock.lock_within(LONG).unwrap().is_some()
        });
        while lock.queue.state().wanted == 0 {
            thread::yield_now();
        }
        drop(held);
        assert!(waiter.join().unwrap());
    }

    #[test]
    fn a_wait_given_up_does_not_keep_the_lock_when_it_comes() {
        let (_dir, path) = lock_path();
        let lock = FileLock::new(&path);
        let held = lock.lock_within(LONG).unwrap().unwrap();
        assert!(lock.lock_within(Duration::from_millis(1)).unwrap().is_none());
        assert!(lock.lock_within(Duration::from_millis(1)).unwrap().is_none());
        drop(held);
        assert!(lock_file_within(&path, LONG).unwrap().is_some());
    }

    #[test]
    fn threads_that_share_a_lock_never_hold_it_together() {
        let (_dir, path) = lock_path();
        let lock = FileLock::new(&path);
        let inside = Mutex::new(());
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..50 {
                        let _held = lock.lock_within(LONG).unwrap().unwrap();
                        let _alone = inside.try_lock().unwrap();
                    }
                });
            }
        });
    }

    #[test]
    fn a_removed_file_cannot_be_opened_by_its_lock() {
        let (_dir, path) = lock_path();
        assert_eq!(LockedFile::open(&path).unwrap_err().kind(), io::ErrorKind::NotFound);
        let held = LockedFile::create(&path).unwrap();
        assert!(LockedFile::open(&path).unwrap().is_none());
        LockedFile::create(&path).unwrap_err();
        drop(held);
        assert!(LockedFile::open(&path).unwrap().is_some());
    }
}
