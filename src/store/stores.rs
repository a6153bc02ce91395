//! Index, documents and what is at hand, read as one.

use std::sync::Arc;

use super::documents::{Documents, Found};
use super::index::{Index, Scope};
use super::live::Live;
use crate::error::{Error, Result};
use crate::model::document::Integrity;
use crate::model::{Event, Trace, TraceId, fold};

/// All places where a run may be.
#[derive(Clone, Debug)]
pub struct Stores {
    /// The database.
    pub index: Index,
    /// The files.
    pub documents: Documents,
    /// What this process has recorded and no document holds yet.
    pub live: Arc<Live>,
}

/// A run as it was read, and from where.
#[derive(Clone, Debug)]
pub struct LoadedTrace {
    /// The run, with its children when the database was there.
    pub trace: Trace,
    /// Whether its document was edited since it was written.
    pub edited: bool,
    /// Why the database could not be asked, if it could not.
    pub database_away: Option<String>,
}

impl Stores {
    /// Reads a run from wherever it is: its document, events in the database, and events at hand.
    ///
    /// With the database away, documents and events at hand answer alone.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when the document cannot be read; [`Error::Unavailable`] when nothing could be asked.
    pub async fn load(&self, trace_id: &TraceId, scope: &Scope) -> Result<Option<LoadedTrace>> {
        let mut live = self.live.events(trace_id);
        let (sighting, database_away) = match self.index.sighting(trace_id.as_str(), &Scope::All).await {
            Ok(sighting) => (sighting, None),
            Err(Error::Unavailable { reason, .. }) => (None, Some(reason)),
            Err(error) => return Err(error),
        };
        let project = sighting
            .as_ref()
            .map(|sighting| sighting.project.clone())
            .or_else(|| self.live.glimpse(trace_id).and_then(|glimpse| glimpse.project));
        // What is of another project is not looked into, lest a fault there be told.
        if project.as_ref().is_some_and(|project| !scope.has(project)) {
            return Ok(None);
        }
        // Whoever deletes a run in another process tells the database alone.
        if sighting.is_none()
            && database_away.is_none()
            && !live.is_empty()
            && !self.live.is_pending(trace_id)
            && self.index.is_deleted(trace_id).await?
        {
            self.live.drop_run(trace_id);
            live.clear();
        }
        let needs_document = sighting
            .as_ref()
            .is_none_or(|sighting| sighting.document_revision > 0 || sighting.status.is_finished());
        // Events first: one that a document takes over in between is then found there.
        let stored: Vec<Event> = match &sighting {
            Some(_) => self.index.events(trace_id).await?,
            None => Vec::new(),
        };
        let document = match (&project, needs_document) {
            (_, false) => Ok(None),
            (Some(project), true) => self.documents.read(project, trace_id).await,
            (None, true) => self.find_document(trace_id, scope).await,
        };
        let document = match document {
            // A run without a document yet is told by its events alone.
            Err(Error::Unavailable { .. })
                if sighting.as_ref().is_some_and(|known| known.document_revision == 0) =>
            {
                None
            }
            other => other?,
        };
        let edited = document.as_ref().is_some_and(|found| found.integrity == Integrity::Edited);
        let base = document.map(|found| found.trace);
        let Some(mut trace) = fold(base, stored.iter().chain(&live), self.index.rules()) else {
            return Ok(None);
        };
        if !scope.has(&trace.project) {
            return Ok(None);
        }
        if database_away.is_none() {
            trace.child_traces = self.index.children(trace_id, scope).await?;
        }
        Ok(Some(LoadedTrace { trace, edited, database_away }))
    }

    /// The document of a run whose project is not known, looked for within the scope alone.
    async fn find_document(&self, trace_id: &TraceId, scope: &Scope) -> Result<Option<Found>> {
        let Scope::Projects(projects) = scope else { return self.documents.find(trace_id).await };
        for project in projects {
            if let Some(found) = self.documents.read(project, trace_id).await? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }
}
