//! What a reader has to know of how a run was read.

use serde_json::Value;

use super::sheet::Sheet;
use crate::shown::excerpt;
use crate::store::LoadedTrace;

/// Puts on the sheet what is out of the ordinary about the reading, if anything is.
pub(super) fn add(sheet: &mut Sheet<'_>, loaded: &LoadedTrace) {
    let mut notes = Vec::new();
    if loaded.edited {
        notes.push("the document was edited since it was written; this is what it says now".to_owned());
    }
    if let Some(reason) = &loaded.database_away {
        let reason = excerpt(reason, 120);
        notes.push(format!(
            "the database is away ({reason}): read from the document and from what this process recorded; child \
             runs are not known"
        ));
    }
    if loaded.trace.status().is_finished() && !loaded.trace.metadata.unplaced.is_empty() {
        let count = loaded.trace.metadata.unplaced.len();
        notes.push(format!("{count} recorded events found no place, such as results of unknown decisions"));
    }
    if !notes.is_empty() {
        let text: Vec<String> = notes.iter().map(|note| format!("Note: {note}")).collect();
        sheet.field("notes", notes.into_iter().map(Value::from).collect::<Vec<_>>(), text.join("\n"));
    }
}
