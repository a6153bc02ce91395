//! Every change that a living journal makes to a disk, one method each, so that a test can let any one fail.

use std::io;
use std::path::{Path, PathBuf};

use crate::store::disk::{self, LockedFile};

/// The operations of a journal on its folder and files; as written here, those of the disk.
pub(super) trait Files: Send {
    /// Makes the folder if there is none.
    fn create_dir(&self, dir: &Path) -> io::Result<()> {
        disk::create_private_dir(dir)
    }

    /// Creates and locks a new file.
    fn create(&self, path: &Path) -> io::Result<LockedFile> {
        LockedFile::create(path)
    }

    /// Writes all of `bytes` at `offset`.
    fn write(&self, file: &LockedFile, offset: u64, bytes: &[u8]) -> io::Result<()> {
        file.write_all_at(offset, bytes)
    }

    /// Makes durable what was written to the file.
    fn flush(&self, file: &LockedFile) -> io::Result<()> {
        file.file().sync_data()
    }

    /// Gives the file another name.
    fn rename(&self, file: &mut LockedFile, to: PathBuf) -> io::Result<()> {
        file.rename(to)
    }

    /// Makes durable which names the folder holds.
    fn flush_dir(&self, dir: &Path) -> io::Result<()> {
        disk::sync_dir(dir)
    }

    /// Removes the file.
    fn remove(&self, file: &LockedFile) -> io::Result<()> {
        std::fs::remove_file(file.path())
    }
}

/// The disk itself.
#[derive(Debug)]
pub(super) struct Disk;

impl Files for Disk {}
