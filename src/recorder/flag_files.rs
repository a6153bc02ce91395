//! The calibration files of a project, written from the flag records.

use crate::calibration::alerts_markdown;
use crate::error::{Error, Result};
use crate::store::Stores;
use crate::store::documents::ProjectFile;
use crate::store::index::Scope;

/// Replaces `_calibration_flags.json` and `_calibration_alerts.md` of a project by what its flags say now. Without
/// flags there is nothing to write.
pub(super) async fn write(stores: &Stores, project: &str) -> Result<()> {
    write_if(stores, project, |flags| flags > 0).await
}

/// The same where flags may have gone, so that the files still name them.
pub(super) async fn write_also_empty(stores: &Stores, project: &str) -> Result<()> {
    let has_files = stores.documents.has_project_files(project).await?;
    write_if(stores, project, |flags| flags > 0 || has_files).await
}

async fn write_if(stores: &Stores, project: &str, is_needed: impl Fn(usize) -> bool) -> Result<()> {
    let lock = stores.documents.lock_project_files(project).await?;
    let flags = stores.index.flags(&Scope::Projects(vec![project.to_owned()])).await?;
    if !is_needed(flags.len()) {
        return Ok(());
    }
    let mut records = serde_json::to_string_pretty(&flags).map_err(|error| Error::Corrupt {
        place: format!("the flags of {project}"),
        reason: error.to_string(),
    })?;
    records.push('\n');
    stores.documents.write_project_file(project, ProjectFile::Flags, records).await?;
    stores.documents.write_project_file(project, ProjectFile::Alerts, alerts_markdown(&flags)).await?;
    drop(lock);
    Ok(())
}
