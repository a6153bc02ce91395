//! What keeping an installation asks of its documents: changing one by hand, removing what is left of a run, and taking
//! and putting back copies word for word.

use std::collections::HashSet;

use object_store::path::Path;

use super::place::{self, Place, ProjectFile};
use super::shelf::{Replaced, Version};
use super::turns::Turns;
use super::{Documents, Written, text};
use crate::error::Result;
use crate::gate::filename::file_stem;
use crate::model::{Trace, TraceId, document};
use crate::scorecard;

impl Documents {
    /// Replaces the document of a run by what `change` makes of it, as its next revision; `None` where there is none.
    /// Where another writer came between, `change` is asked again.
    ///
    /// # Errors
    /// As [`Documents::save`], [`Error::Corrupt`](crate::Error::Corrupt) when the document cannot be read, and what
    /// `change` says.
    pub async fn rewrite(
        &self,
        project: &str,
        trace_id: &TraceId,
        change: impl Fn(Trace) -> Result<Trace> + Send,
    ) -> Result<Option<Written>> {
        let place = Place::of(project, trace_id);
        let mut turns = Turns::default();
        loop {
            let claim = self.shelf.claim(trace_id.as_str()).await?;
            let Some(held) = self.shelf.get(&place.0).await? else { return Ok(None) };
            let trace = self.parsed(&place, &held)?.trace;
            let revision = trace.metadata.revision;
            let written = self.replace(&claim, &place, &change(trace)?, revision, &held.version).await?;
            if let Some(written) = written {
                return Ok(Some(written));
            }
            drop(claim);
            turns.another().await?;
        }
    }

    /// Removes what may lie beside the documents of runs of a project: what was set aside because it could not be
    /// read, and what a writer left that was ended in the middle.
    ///
    /// # Errors
    /// [`Error::Unavailable`](crate::Error::Unavailable) when the store is not writable.
    pub async fn delete_set_aside(&self, project: &str, runs: &HashSet<&TraceId>) -> Result<()> {
        let stems: HashSet<String> = runs.iter().map(|trace_id| file_stem(trace_id.as_str())).collect();
        let is_meant = move |name: &str| {
            [".json.unreadable-", ".json#", "_summary.md#"]
                .iter()
                .any(|rest| name.split_once(rest).is_some_and(|(stem, _)| stems.contains(stem)))
        };
        self.shelf.sweep(&place::folder(project), is_meant).await
    }

    /// How many bytes the document of a run has; 0 where there is none.
    ///
    /// # Errors
    /// [`Error::Unavailable`](crate::Error::Unavailable) when the store cannot be read.
    pub async fn bytes(&self, project: &str, trace_id: &TraceId) -> Result<u64> {
        let meta = self.shelf.meta(&Place::of(project, trace_id).0).await?;
        Ok(meta.map_or(0, |meta| meta.size))
    }

    /// The text of whatever document lies at a place, as it stands.
    ///
    /// # Errors
    /// [`Error::Unavailable`](crate::Error::Unavailable) when the store cannot be read,
    /// [`Error::Corrupt`](crate::Error::Corrupt) when it is not UTF-8.
    pub async fn text(&self, place: &Place) -> Result<Option<String>> {
        let held = self.shelf.get(&place.0).await?;
        held.map(|held| text(place.as_str(), held.bytes)).transpose()
    }

    /// Puts a document where a backup found it, word for word, with its summary, whatever lies there.
    ///
    /// # Errors
    /// [`Error::Unavailable`](crate::Error::Unavailable) when the store is not writable.
    pub async fn put_back(&self, at: &str, text: String) -> Result<Place> {
        let place = Place(Path::from(at));
        if let Ok(loaded) = document::read(&text, &self.rules) {
            self.overwrite(&place.summary(), scorecard::markdown(&loaded.trace)).await?;
        }
        self.overwrite(&place.0, text).await?;
        Ok(place)
    }

    /// Whether a project has calibration files.
    ///
    /// # Errors
    /// [`Error::Unavailable`](crate::Error::Unavailable) when the store cannot be read.
    pub async fn has_project_files(&self, project: &str) -> Result<bool> {
        let flags = place::folder(project).join(ProjectFile::Flags.name());
        Ok(self.shelf.meta(&flags).await?.is_some())
    }

    async fn overwrite(&self, path: &Path, text: String) -> Result<()> {
        let mut turns = Turns::default();
        loop {
            let version = self.shelf.meta(path).await?.map_or(Version::Absent, |meta| Version::of(&meta));
            if self.shelf.replace(path, text.clone(), &version).await? != Replaced::Overtaken {
                return Ok(());
            }
            turns.another().await?;
        }
    }
}
