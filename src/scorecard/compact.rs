//! The scorecard: a run in five lines of 59 columns.

use super::amounts::{UNKNOWN, money_text};
use super::lines::{Line, Paper, Tone, plain};
use super::wording::{evidence_flow, gate_tone, quality_text, seconds_text, status_tone};
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
    plain(&compact_lines(trace, Paper::PLAIN))
}

/// The lines of [`compact()`], each part in its tone. On paper of less than 59 columns, each fact has a line of its
/// own.
#[must_use]
pub fn compact_lines(trace: &Trace, paper: Paper) -> Vec<Line> {
    let paper = paper.at_most(WIDTH);
    let quality = Fact("Quality: ", gate_tone(trace.quality.passed), quality_text(&trace.quality));
    let duration = Fact("Duration: ", Tone::Plain, seconds_text(trace.run.duration_seconds));
    let cost = trace.cost.cost_usd.map_or_else(|| UNKNOWN.to_owned(), money_text);
    let cost = Fact("Cost: ", Tone::Plain, cost);
    let evidence = Fact("Evidence: ", Tone::Plain, evidence_flow(trace.evidence_totals()));
    let has_gaps = !trace.quality.gap_principles.is_empty();
    let gaps = gaps_text(&trace.quality, paper, paper.columns.saturating_sub(6));
    let gaps = Fact("Gaps: ", if has_gaps { Tone::Bad } else { Tone::Plain }, gaps);
    let id = paper.fitted(trace.trace_id.as_str(), paper.columns.saturating_sub(7));

    let mut lines = vec![paper.rule("Trace Summary")];
    lines.extend(status_line(trace, paper));
    lines.extend(two_columns(quality, 26, duration, paper));
    lines.extend(two_columns(cost, 27, evidence, paper));
    lines.push(gaps.line());
    lines.push(Fact("Trace: ", Tone::Plain, id).line());
    lines.push(Line::of(Tone::Heading, "-".repeat(paper.columns)));
    lines
}

/// What is said of a run, behind what it is.
struct Fact(&'static str, Tone, String);

impl Fact {
    fn line(self) -> Line {
        Line { parts: vec![(Tone::Label, self.0.to_owned()), (self.1, self.2)] }
    }
}

fn status_line(trace: &Trace, paper: Paper) -> Option<Line> {
    let status = trace.status();
    let error = trace.run.error.as_ref().map(|error| format!(": {error}")).unwrap_or_default();
    let text = paper.fitted(&format!("Status: {status}{error}"), paper.columns);
    (status != Status::Complete).then(|| Line::of(status_tone(status), text))
}

/// The second fact begins at column `at`, or two spaces behind the first where that is longer.
fn two_columns(first: Fact, at: usize, second: Fact, paper: Paper) -> Vec<Line> {
    if paper.columns < WIDTH {
        return vec![first.line(), second.line()];
    }
    let (mut line, second) = (first.line(), second.line());
    let space = at.saturating_sub((paper.width)(&line.text())).max(2);
    line.parts.push((Tone::Plain, " ".repeat(space)));
    line.parts.extend(second.parts);
    let text = line.text();
    if (paper.width)(&text) > WIDTH {
        line = Line::of(Tone::Plain, paper.fitted(&text, WIDTH));
    }
    vec![line]
}

/// As many gaps as fit, and how many there are besides.
fn gaps_text(quality: &Quality, paper: Paper, columns: usize) -> String {
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
        .find(|text| (paper.width)(text) <= columns)
        .unwrap_or_else(|| {
            let more = more(gaps.len() - 1);
            format!("{}{more}", paper.fitted(first, columns.saturating_sub(more.len())))
        })
}
