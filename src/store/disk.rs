//! What the operating systems ask of a program that wants its files whole after a crash: locks, rename, flush.
//!
//! - **Flush.** A new or renamed file is durable once its folder is flushed too; Windows has no such call and
//!   needs none. On macOS `std` asks the drive itself (`F_FULLFSYNC`), so `sync_data` means the same everywhere.
//! - **Locks** belong to an open file and end with it, however its process ends. Between Unix processes they are
//!   advice; on Windows they are mandatory: nobody else can even read a locked file, so whoever holds a lock
//!   reads through the same handle.
//! - **Rename** replaces its target at once, except that Windows refuses while another program has it open.
//!
//! Everything here blocks: async code calls it from a thread of its own. It knows nothing of what is stored.

mod lock;

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::{self, Write};
use std::path::Path;
use std::thread;
use std::time::Duration;

pub use lock::{FileLock, LockedFile, lock_file, lock_file_within};

/// Makes a folder and its missing parents, each readable by this user alone, and flushes them.
///
/// A folder that exists is left as it is.
///
/// # Errors
/// If a folder cannot be made, or something else stands in its place.
pub fn create_private_dir(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    let parent = parent_of(path);
    create_private_dir(parent)?;
    match private_folder().create(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
        Err(error) => Err(error),
        Ok(()) => sync_dir(parent),
    }
}

/// Replaces a file by one that holds `bytes`: after a crash there is the old content or the new, never a mixture.
///
/// The new file is readable by this user alone, and durable when this returns.
///
/// # Errors
/// If any step fails; the old file is then as it was, unless the last step, flushing the folder, failed.
pub fn write_atomically(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let temporary = parent_of(path).join(format!(".{}.tmp", unique_suffix()));
    let mut file = private().create_new(true).open(&temporary)?;
    let written = file.write_all(bytes).and_then(|()| file.sync_all());
    drop(file);
    if let Err(error) = written.and_then(|()| rename(&temporary, path)) {
        // The temporary file is of no use to anybody; the error that matters is the first.
        let _ = fs::remove_file(&temporary);
        return Err(error);
    }
    sync_dir(parent_of(path))
}

/// Makes the names in a folder durable: what was created, renamed or removed there.
///
/// # Errors
/// If the folder cannot be opened or flushed. File systems that cannot flush a folder are taken to need no flush.
pub fn sync_dir(path: &Path) -> io::Result<()> {
    if cfg!(windows) {
        return Ok(());
    }
    match File::open(path)?.sync_all() {
        Err(error) if error.kind() == io::ErrorKind::InvalidInput => Ok(()),
        done => done,
    }
}

/// Renames a file over whatever has the new name; durable after [`sync_dir`].
///
/// # Errors
/// If the rename fails; on Windows, if the target stays open elsewhere for more than about a second.
pub fn rename(from: &Path, to: &Path) -> io::Result<()> {
    let mut waits = if cfg!(windows) { 0..10 } else { 0..0 };
    loop {
        match fs::rename(from, to) {
            // A virus scanner or an indexer holds the target for a moment.
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => match waits.next() {
                Some(turn) => thread::sleep(Duration::from_millis(20 * (turn + 1))),
                None => return Err(error),
            },
            done => return done,
        }
    }
}

/// Sixteen hexadecimal digits that no other call, in any process, gives again.
#[must_use]
pub fn unique_suffix() -> String {
    format!("{:016x}", RandomState::new().build_hasher().finish())
}

fn private_folder() -> DirBuilder {
    let mut builder = DirBuilder::new();
    builder.recursive(false);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
}

/// Options for a file that this user alone may read and write.
#[must_use]
pub fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

fn parent_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if parent.as_os_str().is_empty() => Path::new("."),
        Some(parent) => parent,
        None => path,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replaced_file_holds_the_new_bytes_and_leaves_nothing_beside_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("document.json");
        write_atomically(&path, b"old").unwrap();
        write_atomically(&path, b"new").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_replacement_that_fails_leaves_the_old_file_and_nothing_beside_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("document.json");
        fs::create_dir_all(path.join("in the way")).unwrap();
        write_atomically(&path, b"new").unwrap_err();
        assert!(path.join("in the way").is_dir());
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn what_is_made_is_readable_by_its_user_alone() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("a/b");
        create_private_dir(&folder).unwrap();
        create_private_dir(&folder).unwrap();
        write_atomically(&folder.join("file"), b"secret").unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&dir.path().join("a")), 0o700);
        assert_eq!(mode(&folder), 0o700);
        assert_eq!(mode(&folder.join("file")), 0o600);
    }

    #[test]
    fn a_folder_cannot_be_made_where_a_file_stands() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("taken");
        fs::write(&path, b"").unwrap();
        create_private_dir(&path).unwrap_err();
        create_private_dir(&path.join("below")).unwrap_err();
    }

    #[test]
    fn unique_suffixes_differ() {
        assert_ne!(unique_suffix(), unique_suffix());
    }
}
