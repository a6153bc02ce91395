//! From a backup back to stores: into a home and a database that hold nothing yet.
//!
//! Every file is held against its sum before anything is written. Documents are put back word for word and indexed,
//! rows are put back, and what was on its way, in the journal or as an event of an open run, is recorded again. The
//! database need not be of the kind that the backup was made of.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Component, Path};
use std::sync::Arc;

use serde::Serialize;

use super::backup::{FORMAT, INSTALLATION, JOURNAL, MANIFEST, Manifest, ROWS, SUMS, Step, failed, sum};
use super::{Progress, index_documents};
use crate::error::{Error, Result};
use crate::model::Clock;
use crate::recorder::{Recorder, RecorderOptions, stores_identity};
use crate::store::index::KeptRow;
use crate::store::journal::{self, Journal, JournalOptions};
use crate::store::{Installation, disk};

/// How many rows or records are put back together.
const AT_ONCE: usize = 500;

/// What a restore brought back.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Restored {
    /// Runs with a document.
    pub runs: u64,
    /// Their decisions.
    pub decisions: u64,
    /// Events that no document held, those that are repetitions included.
    pub events: u64,
    /// Calibration flags.
    pub flags: u64,
    /// Documents that cannot be read: where, and why. They are back as they were.
    pub unreadable: Vec<String>,
}

/// Restores a backup into the home and the database that the options name; neither may hold anything yet. `options`
/// makes them once the installation is known.
///
/// # Errors
/// [`Error::Unavailable`] when home or database are in use, a file is not as its sum says, or a store is away. Once
/// files have been written the home is no longer empty: remove it before the next attempt.
pub async fn restore(
    from: &Path,
    home: &Path,
    options: impl FnOnce(&Installation) -> RecorderOptions,
    clock: Arc<dyn Clock>,
    mut tick: impl FnMut(Step),
) -> Result<Restored> {
    check_home(home)?;
    let (manifest, names) = check(from)?;
    let key = fs::read(from.join(INSTALLATION)).map_err(|error| failed(from, error))?;
    let installation: Installation = serde_json::from_slice(&key).map_err(|error| failed(from, error))?;
    let options = options(&installation);
    check_documents(&options).await?;
    check_database(&options).await?;
    disk::create_private_dir(home)
        .and_then(|()| disk::write_atomically(&home.join(INSTALLATION), &key))
        .map_err(|error| failed(home, error))?;

    let mut done = Restored::default();
    let journal = Journal::open(JournalOptions::new(
        home.join("journal"),
        stores_identity(&options),
        options.process.clone(),
    ))
    .map_err(|error| failed(home, error))?;
    // Nothing is released: the recorder that is opened next finds what was on its way as if its process had died.
    done.events += replay_journals(from, &names, &manifest, &journal).await?;

    let stores = crate::store::Stores {
        index: crate::store::index::Index::new(&options.database, options.quality)
            .with_calibration(options.calibration),
        documents: crate::store::documents::Documents::new(&options.documents, options.quality),
        live: Arc::default(),
    };
    put_rows_back(&from.join(ROWS), &stores.index, &journal, &mut done).await?;
    journal.close().await;
    let documents: Vec<&String> = names.iter().filter(|name| name.starts_with("projects/")).collect();
    tick(Step::Documents(documents.len() as u64));
    let mut places = Vec::with_capacity(documents.len());
    for name in documents {
        let path = from.join(name);
        let text = fs::read_to_string(&path).map_err(|error| failed(&path, error))?;
        places.push(stores.documents.put_back(name, text).await?);
    }
    let mut tell = |progress| {
        if let Progress::Read(count) = progress {
            (0..count).for_each(|_| tick(Step::Document));
        }
    };
    let indexed = index_documents(&stores, &places, &mut tell).await?;
    (done.runs, done.decisions) = (indexed.done.runs, indexed.done.decisions);
    done.unreadable = indexed.done.unreadable;
    for project in indexed.projects {
        crate::recorder::write_flag_files(&stores, &project).await?;
    }
    stores.index.close().await;

    let recorder = Recorder::open(options, clock)?;
    recorder.look_after().await;
    recorder.settled().await;
    recorder.close().await;
    Ok(done)
}

/// A configuration may lie there already, and nothing else.
fn check_home(home: &Path) -> Result<()> {
    let Ok(entries) = fs::read_dir(home) else { return Ok(()) };
    for entry in entries.flatten() {
        if entry.file_name() != "config.toml" {
            let reason = "it is not empty: a backup is restored into an empty home alone".to_owned();
            return Err(Error::Unavailable {
                what: "the home folder",
                reason: format!("{}: {reason}", home.display()),
            });
        }
    }
    Ok(())
}

async fn check_database(options: &RecorderOptions) -> Result<()> {
    let index = crate::store::index::Index::new(&options.database, options.quality);
    let is_blank = index.is_blank().await;
    index.close().await;
    if is_blank? {
        return Ok(());
    }
    let reason =
        format!("{} holds runs: a backup is restored into an empty one", options.database.describe());
    Err(Error::Unavailable { what: "the database", reason })
}

/// Documents of others are never replaced by older ones of a backup.
async fn check_documents(options: &RecorderOptions) -> Result<()> {
    let documents = crate::store::documents::Documents::new(&options.documents, options.quality);
    if documents.places().await?.is_empty() {
        return Ok(());
    }
    let reason = format!(
        "{} holds documents already: name another place (--documents, WHYTRACE_DOCUMENTS)",
        options.documents.describe()
    );
    Err(Error::Unavailable { what: "the document store", reason })
}

/// Holds every file against its sum; gives the manifest and the names of the files.
fn check(from: &Path) -> Result<(Manifest, Vec<String>)> {
    let manifest = fs::read(from.join(MANIFEST)).map_err(|error| {
        failed(&from.join(MANIFEST), format!("{error}; without it this is no whole backup"))
    })?;
    let manifest: Manifest =
        serde_json::from_slice(&manifest).map_err(|error| failed(&from.join(MANIFEST), error))?;
    if manifest.format != FORMAT {
        return Err(failed(from, format!("it is of layout {}, made by a newer whytrace", manifest.format)));
    }
    let sums = fs::read_to_string(from.join(SUMS)).map_err(|error| failed(&from.join(SUMS), error))?;
    if sum(sums.as_bytes()) != manifest.sums {
        return Err(failed(&from.join(SUMS), "it is not the one that the manifest knows"));
    }
    let mut names = Vec::new();
    for line in sums.lines() {
        let Some((expected, name)) = line.split_once("  ") else {
            return Err(failed(&from.join(SUMS), format!("no sum in {line:?}")));
        };
        let path = Path::new(name);
        if !path.components().all(|part| matches!(part, Component::Normal(_))) {
            return Err(failed(&from.join(SUMS), format!("{name:?} leads elsewhere")));
        }
        let bytes = fs::read(from.join(path)).map_err(|error| failed(&from.join(path), error))?;
        if sum(&bytes) != expected {
            return Err(failed(&from.join(path), "it is not what was written"));
        }
        names.push(name.to_owned());
    }
    Ok((manifest, names))
}

/// Appends the records of the backup's journals to the new one. One that is missing or cannot be read is an error: what
/// only it held would be gone.
async fn replay_journals(
    from: &Path,
    names: &[String],
    manifest: &Manifest,
    journal: &Journal,
) -> Result<u64> {
    let of_journals = Path::new(JOURNAL);
    let copies: Vec<&String> = names.iter().filter(|name| Path::new(name).starts_with(of_journals)).collect();
    if copies.len() as u64 != manifest.journals {
        let found = format!("{} journals are there, and {} were copied", copies.len(), manifest.journals);
        return Err(failed(&from.join(JOURNAL), found));
    }
    let mut count = 0;
    for name in copies {
        let path = from.join(name);
        let mut records = journal::read(&path, &manifest.stores).map_err(|error| failed(&path, error))?;
        loop {
            let some: Vec<Vec<u8>> = records.by_ref().take(AT_ONCE).collect();
            if some.is_empty() {
                break;
            }
            count += some.len() as u64;
            journal.append(some).await.map_err(|error| failed(&path, error))?;
        }
    }
    Ok(count)
}

/// Puts rows into the database, and events into the journal.
async fn put_rows_back(
    path: &Path,
    index: &crate::store::index::Index,
    journal: &Journal,
    done: &mut Restored,
) -> Result<()> {
    let file = fs::File::open(path).map_err(|error| failed(path, error))?;
    let (mut rows, mut events) = (Vec::new(), Vec::new());
    for line in BufReader::new(file).lines() {
        let line = line.map_err(|error| failed(path, error))?;
        let row: KeptRow = serde_json::from_str(&line).map_err(|error| failed(path, error))?;
        done.flags += u64::from(matches!(row, KeptRow::Flag { .. }));
        match row {
            KeptRow::Event { body } => events.push(body.into_bytes()),
            other => rows.push(other),
        }
        if events.len() >= AT_ONCE {
            done.events += events.len() as u64;
            let some = std::mem::take(&mut events);
            journal.append(some).await.map_err(|error| failed(path, error))?;
        }
        if rows.len() >= AT_ONCE {
            index.put_back(std::mem::take(&mut rows)).await?;
        }
    }
    done.events += events.len() as u64;
    journal.append(events).await.map_err(|error| failed(path, error))?;
    index.put_back(rows).await
}
