//! What an empty answer says: how much there is without the conditions, and what could be asked for.

use serde_json::{Value, json};

use super::sheet::Sheet;
use crate::query::Overview;
use crate::store::index::DecisionOverview;
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
        overview.values.iter().map(|(field, counts)| value_row("runs", field, counts)).collect();
    sheet.list("values", "");
    sheet.items("values", values.into_iter());
}

/// Puts on the sheet what decisions there are without the conditions.
pub(super) fn explain_decisions(sheet: &mut Sheet<'_>, overview: &DecisionOverview) {
    let line = match overview.decisions {
        0 => "No decisions of ended runs are recorded yet".to_owned(),
        decisions => {
            let more_than = if overview.has_more { "more than " } else { "" };
            let of = overview.sample().map(|newest| format!(" of the newest {newest}")).unwrap_or_default();
            format!(
                "Without the conditions there are {more_than}{decisions} decisions. Values to ask for{of}:"
            )
        }
    };
    sheet.field("without_filter", overview::decisions(overview), line);
    let found = overview.values.iter().filter(|(_, counts)| !counts.is_empty());
    let values: Vec<(Value, String)> =
        found.map(|(field, counts)| value_row("decisions", field, counts)).collect();
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

fn value_row(counted: &str, field: &str, counts: &[(String, u64)]) -> (Value, String) {
    let text: Vec<String> =
        counts.iter().map(|(value, count)| format!("{} ({count})", name(value))).collect();
    (overview::values_of(counted, field, counts), format!("  {field}: {}", text.join(", ")))
}
