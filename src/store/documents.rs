//! The documents of runs, their summaries, and the calibration files of projects, in a folder or an object store.
//!
//! The layout is the same everywhere: `projects/{project}/_traces/{trace}.json`, beside it `{trace}_summary.md`, and
//! per project `_calibration_flags.json` and `_calibration_alerts.md`. Names are derived so that no id can leave the
//! root or meet another ([`file_stem`](crate::gate::filename::file_stem)).
//!
//! Documents only grow: writing one reads what is there, adds the events at hand, and replaces exactly what was read,
//! as a whole. Two processes that write the same run lose nothing of each other's, on one machine or on two. How a
//! store sees to that is known to the [`shelf`] alone.

mod keeping;
mod local;
mod place;
mod remote;
mod shelf;
mod target;
mod turns;
mod writing;

use std::sync::Arc;

use futures::stream::{self, Stream, StreamExt as _, TryStreamExt as _};
use object_store::path::Path;

pub use place::{Place, ProjectFile};
pub use shelf::Writers;
pub use target::{DocumentsTarget, Options, TargetError};
pub use writing::ProjectTexts;

use self::local::Local;
use self::remote::Remote;
use self::shelf::{Held, Shelf};
use crate::error::{Error, Result};
use crate::model::document::{self, Integrity};
use crate::model::{QualityRules, Trace, TraceId};
use crate::store::disk;
use crate::store::index::Index;

/// How many texts are read at the same time where many are: over a network each one takes its time.
const READS: usize = 16;

/// The documents of an installation.
#[derive(Clone, Debug)]
pub struct Documents {
    shelf: Shelf,
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
    /// Where it lies: a path, or a URL.
    pub address: String,
    /// Where its summary for people lies.
    pub summary_address: String,
    /// Whether anything was new; otherwise the document was left as it was.
    pub changed: bool,
}

impl Documents {
    /// Documents at a target; nothing is touched yet, so this works while it is away.
    #[must_use]
    pub fn new(target: &DocumentsTarget, rules: QualityRules) -> Self {
        let shelf = match target {
            DocumentsTarget::Folder(root) => Shelf::Local(Local::new(root)),
            DocumentsTarget::Bucket(bucket) => Shelf::Remote(Remote::new(bucket.clone())),
        };
        Self { shelf, rules }
    }

    /// The same documents, whose writers are kept apart by locks of that index's database where their store cannot do it.
    #[must_use]
    pub fn sharing(self, index: &Index) -> Self {
        let shelf = match self.shelf {
            Shelf::Remote(remote) => Shelf::Remote(remote.sharing(Arc::clone(index.database()))),
            local @ Shelf::Local(_) => local,
        };
        Self { shelf, ..self }
    }

    /// Reads the document of a run whose project is known.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the store cannot be read, [`Error::Corrupt`] when the document cannot.
    pub async fn read(&self, project: &str, trace_id: &TraceId) -> Result<Option<Found>> {
        self.read_place(&Place::of(project, trace_id)).await
    }

    /// Finds the document of a run in whichever project it lies: one look a project, whatever else is stored.
    ///
    /// # Errors
    /// As [`Documents::read`].
    pub async fn find(&self, trace_id: &TraceId) -> Result<Option<Found>> {
        let name = place::file_name(trace_id);
        let of_project = |project: Path| Place(place::traces_of(&project).join(name.as_str()));
        let mut found = stream::iter(self.projects().await?)
            .map(|project| async { self.read_place(&of_project(project)).await })
            .buffer_unordered(READS);
        while let Some(found) = found.try_next().await? {
            if let Some(found) = found.filter(|found| found.trace.trace_id == *trace_id) {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// Removes a run's files.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the store is not writable.
    pub async fn delete(&self, project: &str, trace_id: &TraceId) -> Result<()> {
        let place = Place::of(project, trace_id);
        let claim = self.shelf.claim(trace_id.as_str()).await?;
        self.shelf.remove(&place.summary()).await?;
        self.shelf.remove(&place.0).await?;
        drop(claim);
        Ok(())
    }

    /// All places of documents, in order.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the store cannot be read.
    pub async fn places(&self) -> Result<Vec<Place>> {
        let folders = self.projects().await?.into_iter().map(|project| place::traces_of(&project));
        let mut listed = stream::iter(folders)
            .map(|folder| async move { self.shelf.files(&folder).await })
            .buffer_unordered(READS);
        let mut places = Vec::new();
        while let Some(files) = listed.try_next().await? {
            places.extend(files.into_iter().filter(Place::is_document).map(Place));
        }
        places.sort_by(|a, b| a.as_str().cmp(b.as_str()));
        Ok(places)
    }

    /// Reads whatever document lies at a place.
    ///
    /// # Errors
    /// As [`Documents::read`].
    pub async fn read_place(&self, place: &Place) -> Result<Option<Found>> {
        let held = self.shelf.get(&place.0).await?;
        held.map(|held| self.parsed(place, &held)).transpose()
    }

    /// Reads the documents at these places, several at a time, and gives them in the order of the places.
    pub fn read_places<'a>(
        &'a self,
        places: &'a [Place],
    ) -> impl Stream<Item = (&'a Place, Result<Option<Found>>)> + Send + 'a {
        stream::iter(places)
            .map(move |place| async move { (place, self.read_place(place).await) })
            .buffered(READS)
    }

    /// Reads one of the calibration files of each project.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the store cannot be read.
    pub async fn project_files(&self, file: ProjectFile) -> Result<Vec<String>> {
        let paths =
            self.projects().await?.into_iter().map(|project| place::traces_of(&project).join(file.name()));
        let texts: Vec<Option<String>> = stream::iter(paths)
            .map(|path| async move {
                let held = self.shelf.get(&path).await?;
                held.map(|held| text(path.as_ref(), held.bytes)).transpose()
            })
            .buffered(READS)
            .try_collect()
            .await?;
        Ok(texts.into_iter().flatten().collect())
    }

    /// Makes the connection to an object store, so that the first run that ends does not wait for it, and says in the
    /// log what is wrong with it.
    pub async fn prepare(&self) {
        let Shelf::Remote(remote) = &self.shelf else { return };
        if let Err(error) = remote.writers().await {
            let place = self.shelf.address(&Path::default());
            tracing::warn!("documents cannot be put to {place} now and follow later: {error}");
        }
    }

    /// Whether the store can be written, and how its writers are kept apart.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when it cannot.
    pub async fn probe(&self) -> Result<Writers> {
        self.shelf.probe().await
    }

    /// Where a run's document lies, whether or not it is written yet: a path, or a URL.
    #[must_use]
    pub fn address(&self, project: &str, trace_id: &TraceId) -> String {
        self.address_of(&Place::of(project, trace_id))
    }

    /// Where whatever is at a place lies.
    #[must_use]
    pub fn address_of(&self, place: &Place) -> String {
        self.shelf.address(&place.0)
    }

    /// Whether documents lie in an object store, where somebody else may be writing at any moment.
    #[must_use]
    pub fn is_remote(&self) -> bool {
        matches!(self.shelf, Shelf::Remote(_))
    }

    fn parsed(&self, place: &Place, held: &Held) -> Result<Found> {
        let text = text(place.as_str(), held.bytes.clone())?;
        let loaded = document::read(&text, &self.rules).map_err(|error| Error::Corrupt {
            place: place.as_str().to_owned(),
            reason: error.to_string(),
        })?;
        Ok(Found { trace: loaded.trace, integrity: loaded.integrity })
    }

    async fn projects(&self) -> Result<Vec<Path>> {
        self.shelf.folders(&Path::from(place::PROJECTS)).await
    }
}

fn text(path: &str, bytes: Vec<u8>) -> Result<String> {
    String::from_utf8(bytes)
        .map_err(|_| Error::Corrupt { place: path.to_owned(), reason: "it is not UTF-8".to_owned() })
}

/// A path beside one, for what lies there and cannot be read.
fn aside(path: &Path) -> Path {
    Path::from(format!("{path}.unreadable-{}", disk::unique_suffix()))
}
