//! The figures of many runs.

use serde_json::{Value, json};

use super::saying::name;
use crate::scorecard::count_text;
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

/// How many runs stand how, in words.
#[must_use]
pub fn statuses(report: &SummaryReport) -> String {
    let by = &report.by_status;
    let counts = [
        (by.complete, "complete"),
        (by.failed, "failed"),
        (by.incomplete, "incomplete"),
        (by.in_progress, "in progress"),
    ];
    let some = counts.into_iter().filter(|(count, _)| *count > 0);
    let some: Vec<String> = some.map(|(count, status)| format!("{} {status}", count_text(count))).collect();
    if some.is_empty() { "none".to_owned() } else { some.join(", ") }
}

/// A figure behind its name, where it is known.
pub fn said<T>(what: &str, figure: Option<T>, text: impl Fn(T) -> String) -> Option<String> {
    figure.map(|figure| format!("{what} {}", text(figure)))
}

/// One group: its value, null where the runs do not say, and its figures.
#[must_use]
pub fn group(group: &GroupReport) -> Value {
    json!({
        "group": if group.unknown { Value::Null } else { name(&group.group).into() },
        "summary": group.summary,
    })
}
