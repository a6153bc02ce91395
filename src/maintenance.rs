//! Looking after the stores by hand: import and export, indexing again, deleting and redacting, and the doctor.
//!
//! The recorder keeps the stores in agreement by itself for what it records; this is for documents that come from
//! elsewhere, for a database that was lost, for what is not to be kept any longer, and for the question whether
//! anything is wrong.

mod backup;
mod doctor;
mod export;
mod import;
mod leftovers;
mod prune;
mod redact;
mod restore;

pub use backup::{Manifest, Step, backup};
pub use doctor::{Finding, Report, Severity, examine, mend};
pub use export::exported;
pub use import::{Imported, Importer};
pub use leftovers::{clear, gather};
pub use prune::{Extent, extent, prune};
pub use redact::{Redacted, redact};
pub use restore::{Restored, restore};

use std::collections::BTreeSet;
use std::pin::pin;

use futures::StreamExt as _;
use serde::Serialize;

use crate::calibration::Flag;
use crate::error::{Error, Result};
use crate::model::TraceId;
use crate::store::Stores;
use crate::store::documents::{Place, ProjectFile};
use crate::store::index::{Checking, Ended, Scope};

/// How many runs go into the index together.
const AT_ONCE: usize = 100;

/// What indexing again did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Reindexed {
    /// Runs that are indexed now.
    pub runs: u64,
    /// Their decisions.
    pub decisions: u64,
    /// Documents that cannot be read: where, and why.
    pub unreadable: Vec<String>,
}

/// How far indexing has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// So many more documents are read and in the database.
    Read(u64),
    /// So many more runs are checked for what their flags say. That follows when all documents are read.
    Checked(u64),
}

/// Indexes the documents at these places again, and the flags as the projects' files remember them. `tick` is
/// told how it goes.
///
/// # Errors
/// [`Error::Unavailable`] when database or documents are away. What was indexed before stays.
pub async fn reindex(stores: &Stores, places: &[Place], mut tick: impl FnMut(Progress)) -> Result<Reindexed> {
    let Indexed { done, ended, projects } = index_documents(stores, places, &mut tick).await?;
    stores.index.rebuild_sums().await?;
    restore_flags(stores).await?;
    stores.index.rebuild_flags(&ended, |Checking { checked }| tick(Progress::Checked(checked))).await?;
    for project in projects {
        crate::recorder::write_flag_files(stores, &project).await?;
    }
    Ok(done)
}

/// What came of indexing documents.
struct Indexed {
    done: Reindexed,
    /// Runs that ended for good.
    ended: Vec<Ended>,
    projects: BTreeSet<String>,
}

/// Indexes the documents at these places, and leaves flags alone.
async fn index_documents(
    stores: &Stores,
    places: &[Place],
    tick: &mut impl FnMut(Progress),
) -> Result<Indexed> {
    // Where there is no document, nothing else would notice.
    stores.index.probe().await?;
    let mut done = Reindexed::default();
    let mut ended = Vec::new();
    let mut projects = BTreeSet::new();
    // What looks at the newest rows goes by the order in which they were written. Ids that are made here begin with the
    // time; of others there is no order before they are read.
    let mut places = places.to_vec();
    places.sort_by_cached_key(|place| place.as_str().rsplit('/').next().map(str::to_owned));
    for chunk in places.chunks(AT_ONCE) {
        let mut traces = Vec::with_capacity(chunk.len());
        let mut reading = pin!(stores.documents.read_places(chunk));
        while let Some((place, read)) = reading.next().await {
            match read {
                Ok(Some(found)) => traces.push((found.trace, stores.documents.address_of(place))),
                Ok(None) => {}
                Err(Error::Corrupt { place, reason }) => done.unreadable.push(format!("{place}: {reason}")),
                Err(error) => return Err(error),
            }
        }
        done.decisions += traces.iter().map(|(trace, _)| trace.decisions().count() as u64).sum::<u64>();
        ended.extend(traces.iter().filter_map(|(trace, _)| Ended::again(trace, stores.index.rules())));
        projects.extend(traces.iter().map(|(trace, _)| trace.project.clone()));
        done.runs += stores.index.import(traces).await?;
        tick(Progress::Read(chunk.len() as u64));
    }
    Ok(Indexed { done, ended, projects })
}

/// Puts flags back as the projects' files remember them, so that what people decided about them is kept.
async fn restore_flags(stores: &Stores) -> Result<()> {
    let mut flags: Vec<Flag> = Vec::new();
    for text in stores.documents.project_files(ProjectFile::Flags).await? {
        match serde_json::from_str::<Vec<Flag>>(&text) {
            Ok(of_project) => flags.extend(of_project),
            Err(error) => tracing::warn!("flags of a project cannot be read and are built anew: {error}"),
        }
    }
    if flags.is_empty() { Ok(()) } else { stores.index.restore_flags(flags).await }
}

/// Whether the index knows the document of a run in this revision, or a later one.
async fn is_indexed(stores: &Stores, trace_id: &TraceId, revision: u64) -> Result<bool> {
    let sighting = stores.index.sighting(trace_id.as_str(), &Scope::All).await?;
    Ok(sighting.is_some_and(|sighting| sighting.document_revision >= revision))
}
