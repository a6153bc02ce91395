//! The journals that others left: what lies there, and taking over those whose process is dead.
//!
//! Whether a process lives is asked of its files' locks alone. A file of other stores is never opened for more
//! than its header, nor locked; a file is removed only by [`AdoptedJournal::discard`].

use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read, Seek};
use std::path::{Path, PathBuf};

use tracing::warn;

use super::frame::{Kind, Walk};
use super::header::{self, Claim, EXTENSION, MAX_HEADER_BYTES, UNFINISHED_EXTENSION};
use crate::store::disk::LockedFile;

/// What lies in a journal folder, as seen from one installation's stores; each list is in order of names.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Survey {
    /// Journals of these stores whose process lives, this one's own included.
    pub live: Vec<PathBuf>,
    /// Journals of these stores whose process is gone; [`adopt`] takes them.
    pub adoptable: Vec<PathBuf>,
    /// Journals that are not for these stores, or too new for this version to read.
    pub foreign: Vec<ForeignJournal>,
    /// Files called journals whose header and name are both unreadable. Nobody adopts or removes them.
    pub damaged: Vec<PathBuf>,
}

/// A journal that is left alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForeignJournal {
    /// Where the file lies.
    pub path: PathBuf,
    /// The identity of the stores it belongs to, where its header could be read. Text of another
    /// installation, as it was found.
    pub stores: Option<String>,
    /// The version of its format, where that is newer than this version reads.
    pub newer_format: Option<u32>,
}

/// Says what lies in `dir`, and changes nothing. A folder that does not exist holds nothing.
///
/// Each lock is taken for a moment; an [`adopt`] in another process that meets it passes over the file until
/// its next round.
///
/// # Errors
/// If the folder or a file of these stores cannot be read.
pub fn survey(dir: &Path, stores: &str) -> io::Result<Survey> {
    let mut survey = Survey::default();
    for path in files_in(dir, EXTENSION)? {
        match claim(&path, stores) {
            Claim::Ours => match unless_removed(LockedFile::open(&path))? {
                Some(_) => survey.adoptable.push(path),
                None if path.exists() => survey.live.push(path),
                None => {}
            },
            Claim::Foreign(stores) => {
                survey.foreign.push(ForeignJournal { path, stores, newer_format: None });
            }
            Claim::Newer(format) => {
                survey.foreign.push(ForeignJournal { path, stores: None, newer_format: Some(format) });
            }
            Claim::Unknown => survey.damaged.push(path),
        }
    }
    Ok(survey)
}

/// The files in `dir` that hold one of these texts, whoever they belong to, unfinished ones included.
///
/// # Errors
/// If the folder or a file in it cannot be read, as on Windows one that a process has locked.
pub fn holding(dir: &Path, texts: &[String]) -> io::Result<Vec<PathBuf>> {
    let any: Vec<String> = texts.iter().map(|text| regex::escape(text)).collect();
    let any = regex::bytes::Regex::new(&any.join("|")).map_err(io::Error::other)?;
    let mut found = Vec::new();
    for extension in [EXTENSION, UNFINISHED_EXTENSION] {
        for path in files_in(dir, extension)? {
            match fs::read(&path) {
                Ok(bytes) if any.is_match(&bytes) => found.push(path),
                Ok(_) => {}
                // It is gone, and what it held with it.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
    }
    Ok(found)
}

/// Takes over the journals of these stores whose process is dead: each is locked, and no one else gets it.
///
/// In order of names, so that the segments of one process come in the order they were written. A file that
/// cannot be opened is passed over, and logged. Files that a process began and died before it published them
/// hold no records, and are removed.
///
/// # Errors
/// If the folder cannot be read.
pub fn adopt(dir: &Path, stores: &str) -> io::Result<Vec<AdoptedJournal>> {
    for path in files_in(dir, UNFINISHED_EXTENSION)? {
        if claim(&path, stores) == Claim::Ours
            && let Some(locked) = take(&path)
        {
            // What stays for now is tried again by the next adoption.
            let _ = fs::remove_file(locked.path());
        }
    }
    let ours = files_in(dir, EXTENSION)?.into_iter().filter(|path| claim(path, stores) == Claim::Ours);
    Ok(ours.filter_map(|path| take(&path)).map(|file| AdoptedJournal { file }).collect())
}

/// The records of a copy of a journal of these stores. It is read as it lies, without a lock: nobody writes to a copy.
///
/// # Errors
/// If the file cannot be read, or is no journal of these stores.
pub fn read(path: &Path, stores: &str) -> io::Result<JournalRecords> {
    if claim(path, stores) != Claim::Ours {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "it is no journal of these stores"));
    }
    Ok(JournalRecords { bytes: fs::read(path)?, walk: Walk::default() })
}

/// A dead process's journal, held by this one until dropped or discarded.
#[derive(Debug)]
pub struct AdoptedJournal {
    file: LockedFile,
}

impl AdoptedJournal {
    /// Where the file lies.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.file.path()
    }

    /// Reads the file, which may take as much memory as a segment has bytes, and finds its whole records.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn records(&self) -> io::Result<JournalRecords> {
        let mut bytes = Vec::new();
        let mut file = self.file.file();
        file.rewind()?;
        file.read_to_end(&mut bytes)?;
        Ok(JournalRecords { bytes, walk: Walk::default() })
    }

    /// Removes the file, once all its records are durable elsewhere.
    ///
    /// # Errors
    /// If it cannot be removed; it is then adopted again some time.
    pub fn discard(self) -> io::Result<()> {
        fs::remove_file(self.file.path())
    }
}

/// The whole records of a journal file, in the order they were appended.
pub struct JournalRecords {
    bytes: Vec<u8>,
    walk: Walk,
}

impl JournalRecords {
    /// How many damaged spans lay between the records up to here; all of them when the iteration has ended.
    ///
    /// A torn tail counts too, though it costs no record that was acknowledged.
    #[must_use]
    pub fn damaged_spans(&self) -> u64 {
        self.walk.damaged_spans()
    }
}

impl Iterator for JournalRecords {
    type Item = Vec<u8>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let (Kind::Record, payload) = self.walk.step(&self.bytes)? {
                return Some(payload.to_vec());
            }
        }
    }
}

impl fmt::Debug for JournalRecords {
    /// Shows no record: they are the callers' texts, and may be many.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JournalRecords").field("walk", &self.walk).finish_non_exhaustive()
    }
}

fn claim(path: &Path, stores: &str) -> Claim {
    let mut beginning = Vec::new();
    // What cannot be read, as a locked file on Windows, is judged by its name.
    let _ = File::open(path).and_then(|file| file.take(MAX_HEADER_BYTES as u64).read_to_end(&mut beginning));
    header::claim(path, &beginning, stores)
}

fn take(path: &Path) -> Option<LockedFile> {
    unless_removed(LockedFile::open(path)).unwrap_or_else(|error| {
        warn!(path = %path.display(), %error, "journal file cannot be adopted");
        None
    })
}

/// Another process may discard what it adopted at any time.
fn unless_removed(opened: io::Result<Option<LockedFile>>) -> io::Result<Option<LockedFile>> {
    opened.or_else(|error| if error.kind() == io::ErrorKind::NotFound { Ok(None) } else { Err(error) })
}

/// The regular files in `dir` with this ending, by name. Others, as a pipe, could block who opens them.
fn files_in(dir: &Path, extension: &str) -> io::Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut paths = Vec::new();
    for entry in entries {
        let entry = entry?;
        let path = entry.path();
        if path.extension().is_some_and(|found| found == extension) && entry.file_type()?.is_file() {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}
