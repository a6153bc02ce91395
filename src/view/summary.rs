//! The figures of many runs.

use serde_json::{Value, json};

use super::saying::name;
use crate::statistics::{GroupReport, SummaryReport};

/// All figures but the number of runs, which answers give beside them.
#[must_use]
pub fn figures(report: &SummaryReport) -> Value {
    let mut data = serde_json::to_value(report).unwrap_or_default();
    if let Some(data) = data.as_object_mut() {
        data.remove("runs");
    }
    data
}

/// One group: its value, null where the runs do not say, and its figures.
#[must_use]
pub fn group(group: &GroupReport) -> Value {
    json!({
        "group": if group.unknown { Value::Null } else { name(&group.group).into() },
        "summary": group.summary,
    })
}
