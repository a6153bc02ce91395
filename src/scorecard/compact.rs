//! The scorecard: a run in five lines of 59 columns.

use super::amounts::{UNKNOWN, money_text};
use super::lines::fitted;
use super::wording::{evidence_flow, quality_text, seconds_text};
use crate::model::{Quality, Status, Trace};
use crate::shown::one_line;

const WIDTH: usize = 59;

/// The run in five lines between two rules, none wider than 59 characters, without a line end at the end.
///
/// What is not known is `-`; gaps are `none` only where principles were scored. A run that is not complete has a
/// first line that says so, with the beginning of its error. An id that does not fit is cut to a prefix, which
/// the reading tools accept.
#[must_use]
pub fn compact(trace: &Trace) -> String {
    let quality = format!("Quality: {}", quality_text(&trace.quality));
    let duration = format!("Duration: {}", seconds_text(trace.run.duration_seconds));
    let cost = trace.cost.cost_usd.map_or_else(|| UNKNOWN.to_owned(), money_text);
    let evidence = format!("Evidence: {}", evidence_flow(trace.evidence_totals()));

    let mut lines = vec![format!("{:-<WIDTH$}", "-- Trace Summary ")];
    lines.extend(status_line(trace));
    lines.push(two_columns(&quality, 26, &duration));
    lines.push(two_columns(&format!("Cost: {cost}"), 27, &evidence));
    lines.push(format!("Gaps: {}", gaps_text(&trace.quality, WIDTH - 6)));
    lines.push(format!("Trace: {}", fitted(trace.trace_id.as_str(), WIDTH - 7)));
    lines.push("-".repeat(WIDTH));
    lines.join("\n")
}

fn status_line(trace: &Trace) -> Option<String> {
    let status = trace.status();
    let error = trace.run.error.as_ref().map(|error| format!(": {error}")).unwrap_or_default();
    (status != Status::Complete).then(|| fitted(&format!("Status: {status}{error}"), WIDTH))
}

/// The second text begins at column `at`, or two spaces behind the first where that is longer.
fn two_columns(first: &str, at: usize, second: &str) -> String {
    let space = at.saturating_sub(first.chars().count()).max(2);
    let line = format!("{first}{:space$}{second}", "");
    if line.chars().count() <= WIDTH { line } else { fitted(&line, WIDTH) }
}

/// As many gaps as fit, and how many there are besides.
fn gaps_text(quality: &Quality, columns: usize) -> String {
    let gaps: Vec<String> = quality.gap_principles.iter().map(|id| one_line(id)).collect();
    let Some(first) = gaps.first() else {
        return if quality.principle_scores.is_empty() { UNKNOWN } else { "none" }.to_owned();
    };
    let more = |count: usize| if count > 0 { format!(" +{count} more") } else { String::new() };
    let most = gaps.len().min(columns);
    (1..=most)
        .rev()
        .map(|count| {
            let named: Vec<&str> = gaps.iter().take(count).map(String::as_str).collect();
            format!("{}{}", named.join(", "), more(gaps.len() - count))
        })
        .find(|text| text.chars().count() <= columns)
        .unwrap_or_else(|| {
            let more = more(gaps.len() - 1);
            format!("{}{more}", fitted(first, columns - more.chars().count()))
        })
}
