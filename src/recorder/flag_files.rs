//! The calibration files of a project, written from the flag records.

use std::collections::BTreeSet;

use tokio::sync::mpsc;

use crate::calibration::alerts_markdown;
use crate::error::{Error, Result};
use crate::store::Stores;
use crate::store::documents::ProjectTexts;
use crate::store::index::Scope;

/// Starts the task that writes the files of projects whose names it is sent, on the side: nobody's run waits for them.
pub(super) fn keep(stores: Stores) -> mpsc::UnboundedSender<String> {
    let (projects, mut queue) = mpsc::unbounded_channel::<String>();
    tokio::spawn(async move {
        while let Some(project) = queue.recv().await {
            // Many runs of a project may have ended meanwhile.
            let mut due = BTreeSet::from([project]);
            while let Ok(project) = queue.try_recv() {
                due.insert(project);
            }
            for project in due {
                if let Err(error) = write(&stores, &project).await {
                    tracing::debug!("the calibration files of {project} wait for the next flag: {error}");
                }
            }
        }
    });
    projects
}

/// Replaces `_calibration_flags.json` and `_calibration_alerts.md` of a project by what its flags say now. Without
/// flags there is nothing to write.
pub(super) async fn write(stores: &Stores, project: &str) -> Result<()> {
    write_or(stores, project, false).await
}

/// The same where flags may have gone, so that the files still name them.
pub(super) async fn write_also_empty(stores: &Stores, project: &str) -> Result<()> {
    let has_files = stores.documents.has_project_files(project).await?;
    write_or(stores, project, has_files).await
}

async fn write_or(stores: &Stores, project: &str, also_empty: bool) -> Result<()> {
    let texts = || async {
        let flags = stores.index.flags(&Scope::Projects(vec![project.to_owned()])).await?;
        if flags.is_empty() && !also_empty {
            return Ok(None);
        }
        let mut records = serde_json::to_string_pretty(&flags).map_err(|error| Error::Corrupt {
            place: format!("the flags of {project}"),
            reason: error.to_string(),
        })?;
        records.push('\n');
        Ok(Some(ProjectTexts { flags: records, alerts: alerts_markdown(&flags) }))
    };
    stores.documents.write_project_files(project, texts).await
}
