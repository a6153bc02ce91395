//! The documents of runs, their summaries, and the calibration files of projects, in an object store.
//!
//! Today that is a local folder; the layout is the same everywhere:
//! `projects/{project}/_traces/{trace}.json`, beside it `{trace}_summary.md`, and per project
//! `_calibration_flags.json` and `_calibration_alerts.md`. Names are derived so that no id can leave the root or
//! meet another ([`file_stem`]).
//!
//! Documents only grow: writing one reads what is there under the run's lock, adds the events at hand, and replaces
//! it as a whole. Two processes that write the same run lose nothing of each other's.

use std::collections::HashSet;
use std::path::{Path as FilePath, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use futures::TryStreamExt as _;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt as _, PutPayload};
use sha2::{Digest as _, Sha256};

use super::disk;
use crate::error::{Error, Result};
use crate::gate::filename::file_stem;
use crate::model::document::{self, Integrity};
use crate::model::{Event, QualityRules, Trace, TraceId, fold};

/// The program that signs documents.
const GENERATOR: &str = concat!("whytrace ", env!("CARGO_PKG_VERSION"));

/// How long a writer waits for another writer of the same run.
const LOCK_BOUND: Duration = Duration::from_secs(5);

/// How many locks runs and projects share: few files, and rarely two on one.
const LOCKS: u8 = 64;

/// The documents of an installation.
#[derive(Clone, Debug)]
pub struct Documents {
    root: PathBuf,
    locks: PathBuf,
    rules: QualityRules,
}

/// A document as it was found.
#[derive(Clone, Debug)]
pub struct Found {
    /// The run.
    pub trace: Trace,
    /// Whether its content is what was written.
    pub integrity: Integrity,
}

/// A document as it was written.
#[derive(Clone, Debug)]
pub struct Written {
    /// The run.
    pub trace: Trace,
    /// Where it lies.
    pub path: PathBuf,
    /// Where its summary for people lies.
    pub summary_path: PathBuf,
    /// Whether anything was new; otherwise the document was left as it was.
    pub changed: bool,
}

/// One place where a document may lie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place(Path);

impl Place {
    /// The place as a path below the root.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_ref()
    }
}

impl Documents {
    /// Documents below `home/projects`; nothing is touched yet, so this works while the folder is away.
    #[must_use]
    pub fn new(home: &FilePath, rules: QualityRules) -> Self {
        Self { root: home.to_owned(), locks: home.join("locks"), rules }
    }

    /// Reads the document of a run whose project is known.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the store cannot be read, [`Error::Corrupt`] when the document cannot.
    pub async fn read(&self, project: &str, trace_id: &TraceId) -> Result<Option<Found>> {
        self.read_place(&place(project, trace_id)).await
    }

    /// Finds the document of a run in whichever project it lies.
    ///
    /// # Errors
    /// As [`Documents::read`].
    pub async fn find(&self, trace_id: &TraceId) -> Result<Option<Found>> {
        for project in self.projects().await? {
            let name = format!("{}.json", file_stem(trace_id.as_str()));
            let place = Place(project.join("_traces").join(name));
            if let Some(found) = self.read_place(&place).await?
                && found.trace.trace_id == *trace_id
            {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// Adds events to the document of a run, or begins it, and writes it with its summary. Events that it holds
    /// already are passed over; when nothing is new, nothing is written. `None` while the run's start is unknown.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the store is not writable or another writer is not done in time.
    pub async fn save<'e>(
        &self,
        project: &str,
        trace_id: &TraceId,
        events: impl IntoIterator<Item = &'e Event> + Send,
    ) -> Result<Option<Written>> {
        let events: Vec<&Event> = events.into_iter().collect();
        let place = place(project, trace_id);
        let lock = self.lock(trace_id.as_str()).await?;
        let base = self.base(&place).await?;
        let before = base.as_ref().map(|trace| (trace.metadata.events.len(), trace.metadata.revision));
        let written = match fold(base, events, &self.rules) {
            Some(trace) if before.is_some_and(|(held, _)| held == trace.metadata.events.len()) => {
                Ok(Some(self.unchanged(&place, trace)))
            }
            Some(trace) => {
                self.write(&place, &trace, before.map_or(0, |(_, revision)| revision)).await.map(Some)
            }
            None => Ok(None),
        };
        drop(lock);
        written
    }

    /// Takes a run that came as a document, unless one that holds as many events is there already.
    ///
    /// # Errors
    /// As [`Documents::save`].
    pub async fn import(&self, trace: &Trace) -> Result<Written> {
        let place = place(&trace.project, &trace.trace_id);
        let lock = self.lock(trace.trace_id.as_str()).await?;
        let written = match self.base(&place).await? {
            Some(base) if base.metadata.events.len() >= trace.metadata.events.len() => {
                Ok(self.unchanged(&place, base))
            }
            base => self.write(&place, trace, base.map_or(0, |base| base.metadata.revision)).await,
        };
        drop(lock);
        written
    }

    /// Replaces the document of a run by what `change` makes of it, as its next revision; `None` where there is none.
    ///
    /// # Errors
    /// As [`Documents::save`], [`Error::Corrupt`] when the document cannot be read, and what `change` says.
    pub async fn rewrite(
        &self,
        project: &str,
        trace_id: &TraceId,
        change: impl FnOnce(Trace) -> Result<Trace> + Send,
    ) -> Result<Option<Written>> {
        let place = place(project, trace_id);
        let lock = self.lock(trace_id.as_str()).await?;
        let written = match self.read_place(&place).await? {
            Some(found) => {
                let revision = found.trace.metadata.revision;
                self.write(&place, &change(found.trace)?, revision).await.map(Some)
            }
            None => Ok(None),
        };
        drop(lock);
        written
    }

    /// What lies at a place now; what cannot be read is set aside and counts as nothing.
    async fn base(&self, place: &Place) -> Result<Option<Trace>> {
        match self.read_place(place).await {
            Ok(found) => Ok(found.map(|found| found.trace)),
            Err(Error::Corrupt { place: named, reason }) => {
                self.set_aside(place).await?;
                tracing::warn!("the document {named} cannot be read ({reason}) and was set aside");
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    async fn write(&self, place: &Place, trace: &Trace, revision: u64) -> Result<Written> {
        let (trace, text) =
            document::write(trace, GENERATOR, revision.max(trace.metadata.revision) + 1).map_err(
                |error| Error::Corrupt { place: place.as_str().to_owned(), reason: error.to_string() },
            )?;
        self.put(place, text).await?;
        self.put(&summary_place(place), crate::scorecard::markdown(&trace)).await?;
        Ok(Written { changed: true, ..self.unchanged(place, trace) })
    }

    fn unchanged(&self, place: &Place, trace: Trace) -> Written {
        let summary_path = self.path_of(&summary_place(place));
        Written { trace, path: self.path_of(place), summary_path, changed: false }
    }

    /// Removes a run's files.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the store is not writable.
    pub async fn delete(&self, project: &str, trace_id: &TraceId) -> Result<()> {
        let place = place(project, trace_id);
        let lock = self.lock(trace_id.as_str()).await?;
        let store = self.store()?;
        for place in [summary_place(&place), place] {
            match store.delete(&place.0).await {
                Ok(()) | Err(object_store::Error::NotFound { .. }) => {}
                Err(error) => return Err(unavailable(&error)),
            }
        }
        drop(lock);
        Ok(())
    }

    /// Removes what was set aside of runs of a project because it could not be read.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the store is not writable.
    pub async fn delete_set_aside(&self, project: &str, runs: &HashSet<&TraceId>) -> Result<()> {
        let stems: HashSet<String> = runs.iter().map(|trace_id| file_stem(trace_id.as_str())).collect();
        let store = self.store()?;
        let mut listing = store.list(Some(&folder(project)));
        while let Some(meta) = listing.try_next().await.map_err(|error| unavailable(&error))? {
            let name = meta.location.filename().unwrap_or_default();
            let stem = name.split_once(".json.unreadable-").map(|(stem, _)| stem);
            if stem.is_some_and(|stem| stems.contains(stem)) {
                store.delete(&meta.location).await.map_err(|error| unavailable(&error))?;
            }
        }
        Ok(())
    }

    /// How many bytes the document of a run has; 0 where there is none.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the store cannot be read.
    pub async fn bytes(&self, project: &str, trace_id: &TraceId) -> Result<u64> {
        match self.store()?.head(&place(project, trace_id).0).await {
            Ok(meta) => Ok(meta.size),
            Err(object_store::Error::NotFound { .. }) => Ok(0),
            Err(error) => Err(unavailable(&error)),
        }
    }

    /// All places of documents, in order.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the store cannot be read.
    pub async fn places(&self) -> Result<Vec<Place>> {
        let mut places = Vec::new();
        for project in self.projects().await? {
            let folder = project.join("_traces");
            let mut listing = self.store()?.list(Some(&folder));
            while let Some(meta) = listing.try_next().await.map_err(|error| unavailable(&error))? {
                let name = meta.location.filename().unwrap_or_default();
                let is_document = meta.location.extension() == Some("json") && !name.starts_with('_');
                if is_document {
                    places.push(Place(meta.location));
                }
            }
        }
        places.sort_by(|a, b| a.as_str().cmp(b.as_str()));
        Ok(places)
    }

    /// Reads whatever document lies at a place.
    ///
    /// # Errors
    /// As [`Documents::read`].
    pub async fn read_place(&self, place: &Place) -> Result<Option<Found>> {
        if !self.root.exists() {
            return Ok(None);
        }
        let Some(text) = self.get(&place.0).await? else { return Ok(None) };
        let loaded = document::read(&text, &self.rules).map_err(|error| Error::Corrupt {
            place: place.as_str().to_owned(),
            reason: error.to_string(),
        })?;
        Ok(Some(Found { trace: loaded.trace, integrity: loaded.integrity }))
    }

    /// The text of whatever document lies at a place, as it stands.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the store cannot be read, [`Error::Corrupt`] when it is not UTF-8.
    pub async fn text(&self, place: &Place) -> Result<Option<String>> {
        if !self.root.exists() {
            return Ok(None);
        }
        self.get(&place.0).await
    }

    /// Puts a document where a backup found it, word for word, with its summary.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the store is not writable.
    pub async fn put_back(&self, at: &str, text: String) -> Result<Place> {
        let place = Place(Path::from(at));
        if let Ok(loaded) = document::read(&text, &self.rules) {
            self.put(&summary_place(&place), crate::scorecard::markdown(&loaded.trace)).await?;
        }
        self.put(&place, text).await?;
        Ok(place)
    }

    /// Keeps others from writing the calibration files of a project, until what it gives is dropped. Whoever reads the
    /// flags under it and then writes does not put older ones in the place of newer ones.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when another writer is not done in time.
    pub async fn lock_project_files(&self, project: &str) -> Result<disk::LockedFile> {
        self.lock(project).await
    }

    /// Replaces one of the calibration files of a project.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the store is not writable.
    pub async fn write_project_file(&self, project: &str, file: ProjectFile, text: String) -> Result<()> {
        let place = Place(folder(project).join(file.name()));
        self.put(&place, text).await
    }

    /// Whether a project has calibration files.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the store cannot be read.
    pub async fn has_project_files(&self, project: &str) -> Result<bool> {
        Ok(self.get(&folder(project).join(ProjectFile::Flags.name())).await?.is_some())
    }

    /// Reads one of the calibration files of each project.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the store cannot be read.
    pub async fn project_files(&self, file: ProjectFile) -> Result<Vec<String>> {
        let mut texts = Vec::new();
        for project in self.projects().await? {
            texts.extend(self.get(&project.join("_traces").join(file.name())).await?);
        }
        Ok(texts)
    }

    /// Whether the store can be written.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when it cannot.
    pub async fn probe(&self) -> Result<()> {
        let name = format!("projects/.probe-{}", disk::unique_suffix());
        let store = self.store()?;
        store
            .put(&Path::from(name.as_str()), PutPayload::from_static(b""))
            .await
            .map_err(|error| unavailable(&error))?;
        store.delete(&Path::from(name)).await.map_err(|error| unavailable(&error))
    }

    /// The path of a run's document, whether or not it is written yet.
    #[must_use]
    pub fn path(&self, project: &str, trace_id: &TraceId) -> PathBuf {
        self.path_of(&place(project, trace_id))
    }

    /// The path of whatever lies at a place.
    #[must_use]
    pub fn path_of(&self, place: &Place) -> PathBuf {
        self.root.join(place.as_str())
    }

    async fn projects(&self) -> Result<Vec<Path>> {
        if !self.root.join("projects").exists() {
            return Ok(Vec::new());
        }
        let listing = self
            .store()?
            .list_with_delimiter(Some(&Path::from("projects")))
            .await
            .map_err(|error| unavailable(&error))?;
        Ok(listing.common_prefixes)
    }

    async fn get(&self, path: &Path) -> Result<Option<String>> {
        let bytes = match self.store()?.get(path).await {
            Ok(found) => found.bytes().await.map_err(|error| unavailable(&error))?,
            Err(object_store::Error::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(unavailable(&error)),
        };
        String::from_utf8(bytes.to_vec())
            .map(Some)
            .map_err(|_| Error::Corrupt { place: path.to_string(), reason: "it is not UTF-8".to_owned() })
    }

    async fn put(&self, place: &Place, text: String) -> Result<()> {
        self.store()?
            .put(&place.0, PutPayload::from(text.into_bytes()))
            .await
            .map(|_| ())
            .map_err(|error| unavailable(&error))
    }

    async fn set_aside(&self, place: &Place) -> Result<()> {
        let aside = Path::from(format!("{}.unreadable-{}", place.as_str(), disk::unique_suffix()));
        self.store()?.rename(&place.0, &aside).await.map_err(|error| unavailable(&error))
    }

    /// The store, opened anew: a folder that was away may be back.
    fn store(&self) -> Result<Arc<dyn ObjectStore>> {
        disk::create_private_dir(&self.root).map_err(|error| Error::Unavailable {
            what: "the documents folder",
            reason: error.to_string(),
        })?;
        let store = LocalFileSystem::new_with_prefix(&self.root)
            .map_err(|error| unavailable(&error))?
            .with_fsync(true);
        Ok(Arc::new(store))
    }

    async fn lock(&self, name: &str) -> Result<disk::LockedFile> {
        let digest = Sha256::digest(name.as_bytes());
        let number = digest.first().copied().unwrap_or(0) % LOCKS;
        let (folder, path) = (self.locks.clone(), self.locks.join(format!("documents-{number}.lock")));
        let locked = tokio::task::spawn_blocking(move || {
            disk::create_private_dir(&folder)?;
            disk::lock_file_within(&path, LOCK_BOUND)
        })
        .await;
        let reason = match locked {
            Ok(Ok(Some(lock))) => return Ok(lock),
            Ok(Ok(None)) => "another process is still writing".to_owned(),
            Ok(Err(error)) => error.to_string(),
            Err(error) => error.to_string(),
        };
        Err(Error::Unavailable { what: "the documents folder", reason })
    }
}

/// A file that a project has one of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProjectFile {
    /// The flag records and their states.
    Flags,
    /// What was announced, for people.
    Alerts,
}

impl ProjectFile {
    fn name(self) -> &'static str {
        match self {
            Self::Flags => "_calibration_flags.json",
            Self::Alerts => "_calibration_alerts.md",
        }
    }
}

fn folder(project: &str) -> Path {
    Path::from("projects").join(file_stem(project)).join("_traces")
}

fn place(project: &str, trace_id: &TraceId) -> Place {
    Place(folder(project).join(format!("{}.json", file_stem(trace_id.as_str()))))
}

fn summary_place(place: &Place) -> Place {
    let path = place.as_str();
    Place(Path::from(format!("{}_summary.md", path.strip_suffix(".json").unwrap_or(path))))
}

fn unavailable(error: &object_store::Error) -> Error {
    Error::Unavailable { what: "the documents folder", reason: error.to_string() }
}
