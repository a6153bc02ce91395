//! The figures of a summary in words.

use crate::scorecard::{count_text, counted, duration_text, money_text, score_text};
use crate::statistics::{GateReport, SummaryReport};
use crate::view::saying::percent;
use crate::view::summary::{said, statuses};

/// The whole summary, a line a figure; what no run supports is left out.
pub(super) fn figures(report: &SummaryReport) -> Vec<String> {
    let quality = &report.quality_of_finished;
    let duration = &report.duration_of_complete_and_failed;
    let (cost, tokens, decisions) = (&report.cost_of_all, &report.tokens_of_all, &report.decisions_of_all);
    let mut lines = vec![
        format!("Status: {}", statuses(report)),
        format!("Gate of finished runs: {}", gate(&report.gate_of_finished)),
    ];
    let mut add = |name: &str, n: i64, parts: Vec<Option<String>>| {
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        if n > 0 && !parts.is_empty() {
            lines.push(format!("{name}, n {}: {}", count_text(n), parts.join(", ")));
        }
    };
    add(
        "Quality of finished runs",
        quality.n,
        vec![
            said("mean", quality.mean, score_text),
            said("median", quality.median, score_text),
            said("p10", quality.p10, score_text),
        ],
    );
    add(
        "Duration of complete and failed runs",
        duration.n,
        vec![
            said("mean", duration.mean_seconds, duration_text),
            said("median", duration.median_seconds, duration_text),
            said("p95", duration.p95_seconds, duration_text),
        ],
    );
    add(
        "Cost of all runs",
        cost.n,
        vec![said("total", cost.total_usd, money_text), said("mean", cost.mean_usd, money_text)],
    );
    add(
        "Tokens of all runs",
        tokens.input_n.max(tokens.output_n),
        vec![said("in", tokens.input_total, count_text), said("out", tokens.output_total, count_text)],
    );
    add(
        "Decisions of all runs",
        decisions.total,
        vec![
            decisions.mean_confidence.map(|mean| format!("mean confidence {mean:.2}")),
            Some(format!("{} state one", count_text(decisions.with_confidence))),
        ],
    );
    lines
}

/// The summary in one line.
pub(super) fn brief(report: &SummaryReport) -> String {
    let quality = &report.quality_of_finished;
    let parts = [
        Some(format!("{} ({})", counted(usize::try_from(report.runs).unwrap_or(0), "run"), statuses(report))),
        Some(format!("gate {}", gate(&report.gate_of_finished))),
        said("quality mean", quality.mean, score_text),
        said("median", quality.median, score_text),
        said("median duration", report.duration_of_complete_and_failed.median_seconds, duration_text),
        said("cost", report.cost_of_all.total_usd, money_text),
        report.decisions_of_all.mean_confidence.map(|mean| format!("confidence {mean:.2}")),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

fn gate(gate: &GateReport) -> String {
    let counts = format!(
        "{} passed, {} failed, {} unknown",
        count_text(gate.passed),
        count_text(gate.failed),
        count_text(gate.unknown)
    );
    match (gate.pass_rate, gate.pass_rate_low, gate.pass_rate_high) {
        (Some(rate), Some(low), Some(high)) => {
            format!(
                "{counts}, pass rate {} (95 % interval {} to {})",
                percent(rate),
                percent(low),
                percent(high)
            )
        }
        _ => counts,
    }
}
