//! The calibration files of a project, written from the flag records.

use crate::calibration::alerts_markdown;
use crate::error::{Error, Result};
use crate::store::Stores;
use crate::store::documents::ProjectTexts;
use crate::store::index::Scope;

/// Replaces `_calibration_flags.json` and `_calibration_alerts.md` of a project by what its flags say now.
pub(super) async fn write(stores: &Stores, project: &str) -> Result<()> {
    let texts = || async {
        let flags = stores.index.flags(&Scope::Projects(vec![project.to_owned()])).await?;
        if flags.is_empty() {
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
