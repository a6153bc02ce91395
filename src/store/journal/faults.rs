//! The journal on a disk that fails: each operation in turn, and then the power.
//!
//! [`FaultyDisk`] does the work on real files and remembers how to undo whatever was not flushed. A flush that
//! fails leaves its file's unflushed bytes undone for good, as Linux does, whatever flush succeeds later.

use std::collections::BTreeSet;
use std::fs::{self, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use tempfile::TempDir;

use super::files::{Disk, Files};
use super::writer::Writer;
use super::{JournalOptions, Position, adopt};
use crate::store::disk::LockedFile;

const STORES: &str = "installation-1";

#[test]
fn whichever_operation_fails_what_was_answered_survives_a_power_cut() {
    let mut failed = 1;
    while run(failed..failed + 1).operations >= failed {
        failed += 1;
    }
    assert!(failed > 30, "only {failed} operations were tried");
}

#[test]
fn whenever_the_disk_starts_to_fail_what_was_answered_survives_a_power_cut() {
    let whole = run(0..0);
    assert_eq!(whole.refused, 0);
    for first in 1..=whole.operations {
        assert!(run(first..usize::MAX).refused > 0, "nothing was refused from {first} on");
    }
}

#[test]
fn a_disk_that_fails_for_a_while_is_written_again() {
    for first in 1..60 {
        let outcome = run(first..first + 8);
        assert!(outcome.answered_last, "still refused after a fault at {first}");
    }
}

struct Outcome {
    operations: usize,
    refused: usize,
    answered_last: bool,
}

/// Commits and releases records while the operations of these numbers fail, cuts the power, and looks for what
/// was answered and not released.
fn run(failing: Range<usize>) -> Outcome {
    let dir = TempDir::new().unwrap();
    let disk = FaultyDisk::default();
    disk.state().failing = failing.clone();
    let options =
        JournalOptions { segment_bytes: 400, ..JournalOptions::new(dir.path().join("journal"), STORES, "p") };
    let folder = options.dir.clone();
    let mut writer = Writer::new(Box::new(disk.clone()), options);

    let mut held: Vec<(Position, Vec<u8>)> = Vec::new();
    let (mut refused, mut answered_last) = (0, false);
    for turn in 0..24_usize {
        let records: Vec<_> =
            (0..=turn % 5).map(|n| format!("turn {turn} record {n} {:60}", "").into_bytes()).collect();
        let positions = writer.commit(&records.iter().map(Vec::as_slice).collect::<Vec<_>>());
        answered_last = positions.is_ok();
        refused += usize::from(positions.is_err());
        held.extend(positions.into_iter().flatten().zip(records));
        if turn % 3 == 0 {
            let released: Vec<_> = held.drain(..held.len() / 2).map(|(position, _)| position).collect();
            writer.release(&released);
        }
    }
    assert_eq!(writer.stats().outstanding, held.len());
    let operations = disk.cut_power();
    drop(writer);

    let adopted = adopt(&folder, STORES).unwrap_or_default();
    let found: BTreeSet<_> = adopted.iter().flat_map(|journal| journal.records().unwrap()).collect();
    for (_, record) in held {
        assert!(found.contains(&record), "lost {} with {failing:?}", String::from_utf8_lossy(&record));
    }
    Outcome { operations, refused, answered_last }
}

#[derive(Clone, Default)]
struct FaultyDisk(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    operations: usize,
    failing: Range<usize>,
    /// What a power cut takes back, oldest first.
    unflushed: Vec<Undo>,
}

enum Undo {
    Write { path: PathBuf, length: u64, offset: u64, old: Vec<u8>, lost: bool },
    Rename { from: PathBuf, to: PathBuf },
}

impl FaultyDisk {
    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    /// Counts an operation, and fails it if it is its turn.
    fn count(&self) -> io::Result<()> {
        let mut state = self.state();
        state.operations += 1;
        if state.failing.contains(&state.operations) {
            return Err(io::Error::other("injected"));
        }
        Ok(())
    }

    /// Takes back what was not flushed; returns how many operations there were.
    fn cut_power(&self) -> usize {
        let mut state = self.state();
        for undo in state.unflushed.drain(..).rev() {
            match undo {
                Undo::Write { path, length, offset, old, .. } => {
                    // A file that was removed has nothing to take back.
                    if let Ok(mut file) = OpenOptions::new().write(true).open(path) {
                        file.set_len(length).unwrap();
                        file.seek(SeekFrom::Start(offset)).unwrap();
                        file.write_all(&old).unwrap();
                    }
                }
                Undo::Rename { from, to } => {
                    let _ = fs::rename(to, from);
                }
            }
        }
        state.operations
    }
}

impl Files for FaultyDisk {
    fn create_dir(&self, dir: &Path) -> io::Result<()> {
        self.count()?;
        Disk.create_dir(dir)
    }

    fn create(&self, path: &Path) -> io::Result<LockedFile> {
        self.count()?;
        Disk.create(path)
    }

    fn write(&self, file: &LockedFile, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let mut old = Vec::new();
        let mut reader = file.file();
        reader.seek(SeekFrom::Start(offset))?;
        reader.take(bytes.len() as u64).read_to_end(&mut old)?;
        let (path, length) = (file.path().to_owned(), file.file().metadata()?.len());
        self.state().unflushed.push(Undo::Write { path, length, offset, old, lost: false });
        if let Err(error) = self.count() {
            // As a disk that fills up in the middle.
            Disk.write(file, offset, &bytes[..bytes.len() / 2])?;
            return Err(error);
        }
        Disk.write(file, offset, bytes)
    }

    fn flush(&self, file: &LockedFile) -> io::Result<()> {
        let counted = self.count();
        let mut state = self.state();
        for undo in &mut state.unflushed {
            if let Undo::Write { path, lost, .. } = undo
                && path == file.path()
            {
                *lost |= counted.is_err();
            }
        }
        state.unflushed.retain(|undo| match undo {
            Undo::Write { path, lost, .. } => path != file.path() || *lost,
            Undo::Rename { .. } => true,
        });
        counted
    }

    fn rename(&self, file: &mut LockedFile, to: PathBuf) -> io::Result<()> {
        self.count()?;
        let from = file.path().to_owned();
        Disk.rename(file, to.clone())?;
        let mut state = self.state();
        for undo in &mut state.unflushed {
            if let Undo::Write { path, .. } = undo
                && *path == from
            {
                path.clone_from(&to);
            }
        }
        state.unflushed.push(Undo::Rename { from, to });
        Ok(())
    }

    fn flush_dir(&self, _dir: &Path) -> io::Result<()> {
        self.count()?;
        self.state().unflushed.retain(|undo| !matches!(undo, Undo::Rename { .. }));
        Ok(())
    }

    fn remove(&self, file: &LockedFile) -> io::Result<()> {
        self.count()?;
        Disk.remove(file)
    }
}
