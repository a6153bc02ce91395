//! A backup: a folder that holds everything from which the stores can be built again, on either database.
//!
//! ```text
//! manifest.json       what it is, with counts; written last: without it a backup is not whole
//! SHA256SUMS          of all other files, as `sha256sum -c` reads it
//! installation.json   the installation's name and key
//! journal/            records that the database may not have held yet
//! rows.jsonl          what the database alone holds: events of open runs, flags, tombstones, tokens
//! projects/           the documents, as they lie in a home
//! ```
//!
//! Servers go on writing meanwhile. A record goes from the journal to the database to a document, and the backup
//! takes them in that order: what had been acknowledged when it began is in at least one of them. What is in two is
//! known by its name when it comes back.

use std::fs;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};

use futures::StreamExt as _;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::leftovers;
use crate::error::{Error, Result};
use crate::model::Timestamp;
use crate::recorder::{Recorder, stores_identity};
use crate::store::documents::Place;
use crate::store::index::{Filter, KeptRow};
use crate::store::{disk, journal};

/// The version of the folder's layout.
pub(super) const FORMAT: u32 = 1;

pub(super) const MANIFEST: &str = "manifest.json";
pub(super) const SUMS: &str = "SHA256SUMS";
pub(super) const INSTALLATION: &str = "installation.json";
pub(super) const ROWS: &str = "rows.jsonl";
pub(super) const JOURNAL: &str = "journal";

/// How many documents are read at the same time.
const READ_AT_ONCE: usize = 8;

/// What a backup holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// The version of the folder's layout: 1.
    pub format: u32,
    /// The program that wrote it.
    pub generator: String,
    /// When it was begun: what was acknowledged by then is in it.
    pub begun_at: Option<Timestamp>,
    /// Whose stores they were.
    pub stores: String,
    /// Runs that the database knew, open ones included.
    pub runs: u64,
    /// Documents.
    pub documents: u64,
    /// Their bytes.
    pub document_bytes: u64,
    /// Events that no document held.
    pub events: u64,
    /// Events that were kept aside because their names were taken.
    pub conflicts: u64,
    /// Calibration flags.
    pub flags: u64,
    /// Runs that were deleted and stay so.
    pub tombstones: u64,
    /// Tokens of HTTP, as hashes.
    pub tokens: u64,
    /// Journal files.
    pub journals: u64,
    /// SHA-256 of `SHA256SUMS`.
    pub sums: String,
}

/// Writes a backup into a folder that is not there or empty. `tick` is told how many documents there are, and then of
/// each that is in it.
///
/// # Errors
/// [`Error::Unavailable`] when the folder is in use or cannot be written, or a store is away. What is there then has no
/// manifest.
pub async fn backup(recorder: &Recorder, to: &Path, mut tick: impl FnMut(Step)) -> Result<Manifest> {
    let options = recorder.options();
    let mut folder = Folder::begin(to)?;
    let mut manifest = Manifest {
        format: FORMAT,
        generator: concat!("whytrace ", env!("CARGO_PKG_VERSION")).to_owned(),
        begun_at: Some(recorder.clock().now()),
        stores: stores_identity(options),
        ..Manifest::default()
    };
    leftovers::gather(recorder).await;
    let stores = recorder.stores();
    folder.copy(&options.home.join(INSTALLATION), INSTALLATION)?;
    manifest.journals = folder.journals(&options.home.join("journal"), &manifest.stores)?;
    folder.rows(stores, &mut manifest).await?;
    manifest.runs = stores.index.count(&Filter::default()).await?;
    let places = stores.documents.places().await?;
    tick(Step::Documents(places.len() as u64));
    let reading = places.iter().map(async |place: &Place| (place, stores.documents.text(place).await));
    let mut texts = futures::stream::iter(reading).buffered(READ_AT_ONCE);
    while let Some((place, text)) = texts.next().await {
        // One that was deleted meanwhile is not missed.
        if let Some(text) = text? {
            manifest.documents += 1;
            manifest.document_bytes += text.len() as u64;
            folder.write(place.as_str(), text.as_bytes())?;
        }
        tick(Step::Document);
    }
    manifest.sums = folder.finish()?;
    let text = serde_json::to_vec_pretty(&manifest).map_err(|error| failed(to, error))?;
    disk::write_atomically(&to.join(MANIFEST), &text).map_err(|error| failed(to, error))?;
    Ok(manifest)
}

/// How far a backup has come, or a restore.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// There are so many documents.
    Documents(u64),
    /// One of them is done.
    Document,
}

/// The folder of a backup while it is written.
struct Folder {
    path: PathBuf,
    sums: String,
}

impl Folder {
    fn begin(path: &Path) -> Result<Self> {
        let is_used = match fs::read_dir(path) {
            Ok(mut entries) => entries.next().is_some(),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => false,
            Err(error) => return Err(failed(path, error)),
        };
        if is_used {
            return Err(failed(path, "it is not empty: name a folder that is not there yet"));
        }
        disk::create_private_dir(path).map_err(|error| failed(path, error))?;
        Ok(Self { path: path.to_owned(), sums: String::new() })
    }

    fn write(&mut self, name: &str, bytes: &[u8]) -> Result<()> {
        let path = self.path.join(name);
        let written = path.parent().map_or(Ok(()), disk::create_private_dir).and_then(|()| {
            let mut file = disk::private().create_new(true).open(&path)?;
            file.write_all(bytes)?;
            file.sync_all()
        });
        written.map_err(|error| failed(&path, error))?;
        self.note(name, &sum(bytes));
        Ok(())
    }

    fn note(&mut self, name: &str, sum: &str) {
        self.sums.push_str(&format!("{sum}  {name}\n"));
    }

    fn copy(&mut self, from: &Path, name: &str) -> Result<()> {
        let bytes = fs::read(from).map_err(|error| failed(from, error))?;
        self.write(name, &bytes)
    }

    /// Copies the journals of these stores, those of running processes included.
    fn journals(&mut self, from: &Path, stores: &str) -> Result<u64> {
        if !from.exists() {
            return Ok(0);
        }
        let survey = journal::survey(from, stores).map_err(|error| failed(from, error))?;
        let mut count = 0;
        for path in survey.live.iter().chain(&survey.adoptable) {
            let bytes = match fs::read(path) {
                Ok(bytes) => bytes,
                // What it held is in the database by now, which is copied next.
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
                Err(error) => return Err(failed(path, error)),
            };
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            self.write(&format!("{JOURNAL}/{name}"), &bytes)?;
            count += 1;
        }
        Ok(count)
    }

    /// Writes the rows that the database alone holds, and counts them.
    async fn rows(&mut self, stores: &crate::store::Stores, manifest: &mut Manifest) -> Result<()> {
        let path = self.path.join(ROWS);
        let file = disk::private().create_new(true).open(&path).map_err(|error| failed(&path, error))?;
        let mut out = BufWriter::new(file);
        let mut digest = Sha256::new();
        let mut fault: Option<std::io::Error> = None;
        stores
            .index
            .each_kept(|row| {
                let count = match &row {
                    KeptRow::Event { .. } => &mut manifest.events,
                    KeptRow::Conflict { .. } => &mut manifest.conflicts,
                    KeptRow::Flag { .. } => &mut manifest.flags,
                    KeptRow::Tombstone { .. } => &mut manifest.tombstones,
                    KeptRow::Token { .. } => &mut manifest.tokens,
                };
                *count += 1;
                let written = serde_json::to_string(&row).map_err(std::io::Error::other).and_then(|line| {
                    let line = format!("{line}\n");
                    digest.update(line.as_bytes());
                    out.write_all(line.as_bytes())
                });
                if let Err(error) = written {
                    fault.get_or_insert(error);
                }
            })
            .await?;
        let ended = out.into_inner().map_err(std::io::IntoInnerError::into_error);
        match fault.map_or(Ok(()), Err).and(ended).and_then(|file| file.sync_all()) {
            Ok(()) => {
                self.note(ROWS, &hex(&digest.finalize()));
                Ok(())
            }
            Err(error) => Err(failed(&path, error)),
        }
    }

    /// Writes the sums, and gives theirs.
    fn finish(self) -> Result<String> {
        let path = self.path.join(SUMS);
        disk::write_atomically(&path, self.sums.as_bytes()).map_err(|error| failed(&path, error))?;
        Ok(sum(self.sums.as_bytes()))
    }
}

/// SHA-256 in hex.
pub(super) fn sum(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(super) fn failed(path: &Path, reason: impl std::fmt::Display) -> Error {
    Error::Unavailable { what: "the backup", reason: format!("{}: {reason}", path.display()) }
}
