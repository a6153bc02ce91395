//! What an empty answer says: how much there is without the conditions, and what could be asked for.

use serde_json::{Value, json};

use super::sheet::Sheet;
use crate::query::Overview;
use crate::view::overview;
use crate::view::saying::name;

/// Puts on the sheet what there is without the conditions.
pub(super) fn explain(sheet: &mut Sheet<'_>, overview: Option<&Overview>) {
    let Some(overview) = overview else { return };
    if overview.runs == 0 {
        sheet.field("without_filter", json!({"runs": 0}), "No runs are recorded yet; trace_start opens one");
        return;
    }
    let line = format!("Without the conditions there are {} runs. Values to ask for:", overview.runs);
    sheet.field("without_filter", json!({"runs": overview.runs}), line);
    let values: Vec<(Value, String)> =
        overview.values.iter().map(|(field, counts)| value_row(field, counts)).collect();
    sheet.list("values", "");
    sheet.items("values", values.into_iter());
}

/// Says how many recorded events the figures lack, if they lack any.
pub(super) fn pending(sheet: &mut Sheet<'_>, pending: usize) {
    if pending > 0 {
        let text =
            format!("Pending: {pending} recorded events are not in this answer yet; ask again in a moment");
        sheet.field("pending", pending, text);
    }
}

fn value_row(field: &str, counts: &[(String, u64)]) -> (Value, String) {
    let text: Vec<String> =
        counts.iter().map(|(value, count)| format!("{} ({count})", name(value))).collect();
    (overview::values(field, counts), format!("  {field}: {}", text.join(", ")))
}
