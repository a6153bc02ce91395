//! `whytrace summary`: what many runs say together, or what one came to.

use clap::Args;
use clap::builder::PossibleValuesParser;
use clap::error::ErrorKind;
use serde_json::{Map, Value};
use whytrace::config::Config;
use whytrace::query::{Aggregate, Query};
use whytrace::scorecard::{Tone, count_text, counted, duration_text, money_text, score_text};
use whytrace::service::Service;
use whytrace::statistics::{GroupBy, GroupReport, GroupedReport, SummaryReport};
use whytrace::store::LoadedTrace;
use whytrace::store::index::Scope;
use whytrace::view::saying::{id, name, percent};
use whytrace::view::{Extent, run, summary};

use super::filter::Filters;
use super::screen::bar::{bar, rate_tone};
use super::screen::pager::Sink;
use super::screen::table::{Cell, Column, Layout};
use super::screen::text::wrap;
use super::screen::{Screen, Showing};
use super::{Ending, answer, output, show, usage};

/// Figures over many runs, or the scorecard of one.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  whytrace summary --project cobot --since 7d
  whytrace summary --group-by intent
  whytrace summary last --verbose
  whytrace summary --json | jq .summary.gate_of_finished.pass_rate")]
pub(super) struct Summary {
    /// One run, without conditions: a trace id or the beginning of one, `last`, `last:PROJECT` or `last-failed`
    trace: Option<String>,
    /// Also by the values of a field
    #[arg(long, value_name = "FIELD", value_parser = PossibleValuesParser::new(GroupBy::ALL.map(GroupBy::as_str)))]
    group_by: Option<String>,
    /// Of one run: every score, stage and decision
    #[arg(long, requires = "trace")]
    verbose: bool,
    /// Say it as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    showing: Showing,
    // Last, because its heading would go on over what follows.
    #[command(flatten)]
    filters: Filters,
}

impl Summary {
    pub(super) async fn run(self, config: &Config) -> anyhow::Result<Ending> {
        let filter = self.filters.filter();
        let query = Query::new(Service::stores(config));
        if let Some(trace) = &self.trace {
            if self.filters.described().is_some() || self.group_by.is_some() {
                let message = "one run stands alone: leave out the conditions and --group-by, or the run";
                usage(ErrorKind::ArgumentConflict, message.to_owned());
            }
            return match query.trace(trace, &Scope::All).await {
                Ok(loaded) => self.of_one(&loaded),
                Err(error) => answer::of_run(error, trace, &query, config).await,
            };
        }
        let group_by = self.group_by.as_ref().and_then(|by| by.parse().ok());
        let aggregate = query.aggregate(&filter, group_by).await;
        let aggregate = aggregate.map_err(|error| answer::needing_database(error, config))?;
        if self.json {
            output::json(&as_json(&aggregate))?;
            return Ok(Ending::Done);
        }
        let screen = self.showing.screen();
        let mut sink = Sink::of(&screen);
        if aggregate.summary.runs > 0 {
            sink.lines(page(&aggregate, &self.filters.with(), &screen))?;
        } else if self.filters.described().is_some() {
            sink.remark(format!("No runs{}.", self.filters.with()))?;
        }
        answer::explain(&mut sink, aggregate.without_filter.as_ref(), None, &screen, config)?;
        sink.finish()?;
        Ok(Ending::Done)
    }

    fn of_one(&self, loaded: &LoadedTrace) -> anyhow::Result<Ending> {
        show::note(loaded);
        if !self.json {
            show::scorecard(loaded, self.verbose, self.showing)?;
            return Ok(Ending::Done);
        }
        let trace = &loaded.trace;
        let mut fields = Map::new();
        let mut add = |name: &str, value: Value| fields.insert(name.to_owned(), value);
        add("trace_id", id(trace.trace_id.as_str()).into());
        add("scorecard", run::scorecard(trace, Extent::Whole));
        if self.verbose {
            let scores = &trace.quality.principle_scores;
            add(
                "principle_scores",
                scores.iter().map(|score| run::principle(score, Extent::Whole)).collect(),
            );
            let stages = trace.stages.iter().map(|(name, stage)| run::stage(name, stage, Extent::Whole));
            add("stages", stages.collect());
        }
        output::json(&fields)?;
        Ok(Ending::Done)
    }
}

fn as_json(aggregate: &Aggregate) -> Map<String, Value> {
    let mut fields = Map::new();
    fields.insert("runs".to_owned(), aggregate.summary.runs.into());
    if aggregate.summary.runs > 0 {
        fields.insert("summary".to_owned(), summary::figures(&aggregate.summary));
    }
    fields.insert("open_flags".to_owned(), aggregate.open_flags.into());
    if let Some(groups) = &aggregate.groups {
        fields.insert("group_by".to_owned(), groups.group_by.as_str().into());
        fields.insert("groups".to_owned(), groups.groups.iter().map(summary::group).collect());
    }
    answer::explain_json(&mut fields, aggregate.without_filter.as_ref());
    fields
}

/// The figures, and those of the groups below them.
fn page(aggregate: &Aggregate, with: &str, screen: &Screen) -> Vec<String> {
    let report = &aggregate.summary;
    let mut lines = answer::heading(screen, &format!("{}{with}", runs_text(report.runs)));
    for (label, tone, text) in figures(report) {
        let lead = format!("  {label:<10}");
        let mut lead = screen.paint.label(&lead);
        for line in wrap(&text, screen.columns().saturating_sub(12)) {
            // The bar alone is coloured: it is the first word.
            let line = match line.split_once(' ').filter(|_| tone != Tone::Plain && !lead.trim().is_empty()) {
                Some((bar, rest)) => format!("{} {rest}", screen.paint.text(tone, bar)),
                None => line,
            };
            lines.push(format!("{lead}{line}"));
            lead = " ".repeat(12);
        }
    }
    let flags = match aggregate.open_flags {
        0 => "none open".to_owned(),
        some => format!("{some} open: whytrace flags"),
    };
    let tone = if aggregate.open_flags > 0 { Tone::Notice } else { Tone::Plain };
    lines.push(format!("{}{}", screen.paint.label("  Flags     "), screen.paint.text(tone, &flags)));
    if let Some(groups) = &aggregate.groups {
        lines.push(String::new());
        lines.extend(groups_table(groups, screen));
    }
    lines
}

/// What the figures are, how they are meant, and what they say.
fn figures(report: &SummaryReport) -> Vec<(&'static str, Tone, String)> {
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

fn groups_table(groups: &GroupedReport, screen: &Screen) -> Vec<String> {
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

fn statuses(report: &SummaryReport) -> String {
    let by = &report.by_status;
    let counts = [
        (by.complete, "complete"),
        (by.failed, "failed"),
        (by.incomplete, "incomplete"),
        (by.in_progress, "in progress"),
    ];
    let some = counts.into_iter().filter(|(count, _)| *count > 0);
    some.map(|(count, status)| format!("{} {status}", count_text(count))).collect::<Vec<_>>().join(", ")
}

fn runs_text(runs: i64) -> String {
    counted(usize::try_from(runs).unwrap_or(0), "run")
}

fn said<T>(what: &str, figure: Option<T>, text: impl Fn(T) -> String) -> Option<String> {
    figure.map(|figure| format!("{what} {}", text(figure)))
}
