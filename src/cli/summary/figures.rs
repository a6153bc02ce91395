//! The figures of many runs: a line a figure, and a row a group.

use whytrace::scorecard::{Tone, count_text, counted, duration_text, money_text, score_text};
use whytrace::statistics::{GroupReport, GroupedReport, SummaryReport};
use whytrace::view::saying::{name, percent};
use whytrace::view::summary::{said, statuses};

use crate::cli::answer;
use crate::cli::screen::Screen;
use crate::cli::screen::bar::{bar, rate_tone};
use crate::cli::screen::table::{Cell, Column, Layout};

/// What the figures are, how they are meant, and what they say.
pub(super) fn figures(report: &SummaryReport) -> Vec<(&'static str, Tone, String)> {
    let (quality, duration) = (&report.quality_of_finished, &report.duration_of_complete_and_failed);
    let (cost, tokens, decisions) = (&report.cost_of_all, &report.tokens_of_all, &report.decisions_of_all);
    let gate = &report.gate_of_finished;
    let mut figures = vec![("Status", Tone::Plain, statuses(report))];
    let counts = format!(
        "{} passed, {} failed, {} without a verdict",
        count_text(gate.passed),
        count_text(gate.failed),
        count_text(gate.unknown)
    );
    match (gate.pass_rate, gate.pass_rate_low, gate.pass_rate_high) {
        (Some(rate), Some(low), Some(high)) => figures.push((
            "Gate",
            rate_tone(rate),
            format!(
                "{} {} pass ({:.0}–{} at 95 %): {counts}",
                bar(rate, 12),
                percent(rate),
                low * 100.0,
                percent(high)
            ),
        )),
        _ => figures.push(("Gate", Tone::Plain, counts)),
    }
    let mut add = |label, n: i64, covers: &str, parts: [Option<String>; 3]| {
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        if n > 0 && !parts.is_empty() {
            let n = count_text(n);
            figures.push((label, Tone::Plain, format!("{} (of {n} {covers})", parts.join(", "))));
        }
    };
    add(
        "Quality",
        quality.n,
        "finished",
        [
            said("mean", quality.mean, score_text),
            said("median", quality.median, score_text),
            said("lowest tenth below", quality.p10, score_text),
        ],
    );
    add(
        "Duration",
        duration.n,
        "complete or failed",
        [
            said("mean", duration.mean_seconds, duration_text),
            said("median", duration.median_seconds, duration_text),
            said("longest twentieth above", duration.p95_seconds, duration_text),
        ],
    );
    add(
        "Cost",
        cost.n,
        "runs",
        [said("total", cost.total_usd, money_text), said("mean", cost.mean_usd, money_text), None],
    );
    add(
        "Tokens",
        tokens.input_n.max(tokens.output_n),
        "runs",
        [said("in", tokens.input_total, count_text), said("out", tokens.output_total, count_text), None],
    );
    let confidence = decisions.mean_confidence.map(|mean| {
        format!(", mean confidence {mean:.2} where one is stated ({})", count_text(decisions.with_confidence))
    });
    if decisions.total > 0 {
        let text = format!("{}{}", count_text(decisions.total), confidence.unwrap_or_default());
        figures.push(("Decisions", Tone::Plain, text));
    }
    figures
}

pub(super) fn groups_table(groups: &GroupedReport, screen: &Screen) -> Vec<String> {
    const PASS: usize = 10;
    let columns = [
        Column::new("GROUP", 0).between(16, 40),
        Column::new("RUNS", 1).numbers(),
        Column::new("PASS", 2).numbers(),
        Column::new("", 6).whole(),
        Column::new("QUALITY", 3).numbers(),
        Column::new("MEDIAN", 7).numbers(),
        Column::new("TIME", 4).numbers(),
        Column::new("COST", 5).numbers(),
        Column::new("CONFIDENCE", 9).numbers(),
        Column::new("FAILED", 8).numbers(),
    ];
    let known = |text: Option<String>| Cell::new(text.unwrap_or_else(|| "-".to_owned()));
    let row = |group: &GroupReport| {
        let report = &group.summary;
        let rate = report.gate_of_finished.pass_rate;
        let tone = rate.map(rate_tone).unwrap_or_default();
        vec![
            Cell::new(name(&group.group)).in_tone(if group.unknown { Tone::Label } else { Tone::Plain }),
            Cell::new(count_text(report.runs)),
            known(rate.map(percent)),
            Cell::new(rate.map(|rate| bar(rate, PASS)).unwrap_or_default()).in_tone(tone),
            known(report.quality_of_finished.mean.map(score_text)),
            known(report.quality_of_finished.median.map(score_text)),
            known(report.duration_of_complete_and_failed.median_seconds.map(duration_text)),
            known(report.cost_of_all.total_usd.map(money_text)),
            known(report.decisions_of_all.mean_confidence.map(|mean| format!("{mean:.2}"))),
            Cell::new(count_text(report.by_status.failed)),
        ]
    };
    let rows: Vec<Vec<Cell>> = groups.groups.iter().map(row).collect();
    let layout = Layout::of(&columns, &rows, screen.width);
    let by = groups.group_by.replace('_', " ");
    let mut lines = answer::heading(screen, &format!("By {by}: {}", counted(rows.len(), "group")));
    lines.push(layout.head(screen.paint));
    lines.extend(rows.iter().map(|row| layout.row(row, screen.paint)));
    lines
}
