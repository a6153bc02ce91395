//! Deleting runs everywhere.

use std::collections::{BTreeMap, HashSet};

use futures::stream::{self, StreamExt as _, TryStreamExt as _};

use super::{Recorder, flag_files};
use crate::error::{Error, Result};
use crate::model::TraceId;
use crate::store::documents::Documents;
use crate::store::index::{Filter, Scope};

/// How many documents are removed at the same time: over a network each one takes its time.
const AT_ONCE: usize = 8;

impl Recorder {
    /// Deletes a run everywhere, and sees to it that nothing brings it back. Says whether there was one.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when a store cannot be changed now.
    pub async fn delete(&self, trace_id: &TraceId) -> Result<bool> {
        let stores = self.stores();
        let project = match stores.load(trace_id, &Scope::All).await {
            Ok(found) => found.map(|found| found.trace.project),
            // Its document need not be readable to go.
            Err(Error::Corrupt { .. }) => self.look_for_project(trace_id).await?,
            Err(error) => return Err(error),
        };
        match &project {
            Some(project) => self.delete_all(&[(trace_id.clone(), project.clone())]).await?,
            None => stores.index.delete(std::slice::from_ref(trace_id), self.clock().now()).await?,
        }
        stores.live.drop_run(trace_id);
        Ok(project.is_some())
    }

    /// Deletes runs of these projects everywhere, and writes the calibration files of the projects without them.
    ///
    /// The documents go first: whoever is interrupted finds the runs again, and does it again. They go once more when
    /// the database says that the runs are deleted: until then anybody may have written them anew.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when a store cannot be changed now; some of the runs may be gone then.
    pub async fn delete_all(&self, runs: &[(TraceId, String)]) -> Result<()> {
        let stores = self.stores();
        delete_documents(&stores.documents, runs).await?;
        let ids: Vec<TraceId> = runs.iter().map(|(trace_id, _)| trace_id.clone()).collect();
        stores.index.delete(&ids, self.clock().now()).await?;
        self.delete_files(runs).await
    }

    /// Deletes those of the runs that have ended and meet the filter at that very moment, as [`Recorder::delete_all`]
    /// does; a run that was reopened, or that somebody flagged, since it was looked for stays. Says how many are gone.
    ///
    /// Here the database goes first, because it alone can say that; documents that cannot be removed then are found by
    /// the doctor.
    ///
    /// # Errors
    /// As [`Recorder::delete_all`].
    pub async fn delete_expired(&self, runs: &[(TraceId, String)], filter: &Filter) -> Result<u64> {
        let ids: Vec<TraceId> = runs.iter().map(|(trace_id, _)| trace_id.clone()).collect();
        let gone = self.stores().index.delete_expired(&ids, filter, self.clock().now()).await?;
        let gone: HashSet<TraceId> = gone.into_iter().collect();
        let runs: Vec<_> = runs.iter().filter(|(trace_id, _)| gone.contains(trace_id)).cloned().collect();
        self.delete_files(&runs).await.map_err(|error| match error {
            Error::Unavailable { what, reason } => Error::Unavailable {
                what,
                reason: format!(
                    "{reason}; the runs are deleted, and `whytrace doctor --fix` removes their documents"
                ),
            },
            other => other,
        })?;
        Ok(runs.len() as u64)
    }

    /// Removes what the document store holds of runs that the database has deleted.
    async fn delete_files(&self, runs: &[(TraceId, String)]) -> Result<()> {
        let stores = self.stores();
        delete_documents(&stores.documents, runs).await?;
        let mut projects: BTreeMap<&str, HashSet<&TraceId>> = BTreeMap::new();
        for (trace_id, project) in runs {
            stores.live.drop_run(trace_id);
            projects.entry(project).or_default().insert(trace_id);
        }
        for (project, gone) in projects {
            stores.documents.delete_set_aside(project, &gone).await?;
            flag_files::write_also_empty(stores, project).await?;
        }
        Ok(())
    }

    async fn look_for_project(&self, trace_id: &TraceId) -> Result<Option<String>> {
        let sighting = self.stores().index.sighting(trace_id.as_str(), &Scope::All).await?;
        Ok(sighting.map(|sighting| sighting.project))
    }
}

async fn delete_documents(documents: &Documents, runs: &[(TraceId, String)]) -> Result<()> {
    stream::iter(runs)
        .map(Ok)
        .try_for_each_concurrent(AT_ONCE, async |(trace_id, project)| {
            documents.delete(project, trace_id).await
        })
        .await
}
