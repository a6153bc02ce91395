//! `whytrace patterns`: which principles keep failing.

use clap::Args;
use serde_json::{Map, Value};
use whytrace::config::Config;
use whytrace::model::{Clock as _, SystemClock};
use whytrace::query::{Patterns as Found, Query};
use whytrace::scorecard::{Tone, counted};
use whytrace::service::Service;
use whytrace::statistics::{GapCount, Pattern, PatternsReport, PrincipleAssociations, Trend};
use whytrace::view::saying::{id, moment, name, percent};
use whytrace::view::window::described;
use whytrace::view::{Extent, pattern};

use super::filter::{About, window};
use super::screen::bar::bar;
use super::screen::pager::Sink;
use super::screen::table::{Cell, Column, Layout};
use super::screen::{Screen, Showing};
use super::{Ending, answer, output};

/// Say which principles keep failing.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  whytrace patterns --project cobot
  whytrace patterns --days all --min-runs 10
  whytrace list --gap META-12          the runs behind a principle

The interval is that of 95 % confidence; the surest failures come first. A trend is told against as many days
before, and only where the numbers show one.")]
pub(super) struct Patterns {
    #[command(flatten)]
    about: About,
    /// Finished in the last so many days, or `all`
    #[arg(long, value_name = "DAYS", default_value = "30")]
    days: String,
    /// Leave out principles judged in fewer runs
    #[arg(long, value_name = "COUNT", default_value_t = PatternsReport::MIN_RUNS)]
    min_runs: u64,
    /// Say it as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    showing: Showing,
}

impl Patterns {
    pub(super) async fn run(self, config: &Config) -> anyhow::Result<Ending> {
        let days = window(&self.days);
        let filter = self.about.filter();
        let query = Query::new(Service::stores(config));
        let now = SystemClock::default().now();
        let found = query.patterns(&filter, days, self.min_runs.max(1), now).await;
        let found = found.map_err(|error| answer::needing_database(error, config))?;
        if self.json {
            output::json(&as_json(&found))?;
            return Ok(Ending::Done);
        }
        let screen = self.showing.screen();
        let mut sink = Sink::of(&screen);
        if found.report.finished_runs > 0 {
            sink.lines(page(&found, &self.headline(&found.report, days), &screen))?;
        } else if found.without_filter.as_ref().is_some_and(|overview| overview.runs > 0) {
            sink.remark(format!("{}.", self.headline(&found.report, days)))?;
        }
        let fields = ["project", "intent", "domain"];
        answer::explain(&mut sink, found.without_filter.as_ref(), Some(&fields), &screen, config)?;
        sink.finish()?;
        Ok(Ending::Done)
    }

    fn headline(&self, report: &PatternsReport, days: Option<u32>) -> String {
        let About { project, intent, domain } = &self.about;
        let of = [("project", project), ("intent", intent), ("domain", domain)];
        let of: Vec<String> = of
            .iter()
            .filter_map(|(field, value)| Some(format!("{field} {}", name(value.as_ref()?))))
            .collect();
        let of = if of.is_empty() { String::new() } else { format!(" with {}", of.join(", ")) };
        let window = described(days);
        match usize::try_from(report.finished_runs).unwrap_or(0) {
            0 => format!("No finished runs{of} {window}"),
            runs => format!("Principles over {}{of} {window}", counted(runs, "finished run")),
        }
    }
}

fn as_json(found: &Found) -> Map<String, Value> {
    let report = &found.report;
    let mut fields = Map::new();
    fields.insert("finished_runs".to_owned(), report.finished_runs.into());
    if let Some(after) = found.after {
        fields.insert("after".to_owned(), moment(after).into());
    }
    if let Some(before) = report.finished_runs_before {
        fields.insert("finished_runs_before".to_owned(), before.into());
    }
    let fields_of =
        |one: &Pattern| pattern::fields(one, found.associations_of(&one.principle), Extent::Whole);
    fields.insert("patterns".to_owned(), report.patterns.iter().map(fields_of).collect());
    fields.insert("compared_runs".to_owned(), found.associations.runs.into());
    fields.insert("comparisons".to_owned(), found.associations.comparisons.into());
    fields.insert("left_out_by_min_runs".to_owned(), report.left_out_by_min_runs.into());
    answer::explain_json(&mut fields, found.without_filter.as_ref());
    fields
}

fn page(found: &Found, headline: &str, screen: &Screen) -> Vec<String> {
    let report = &found.report;
    let mut lines = answer::heading(screen, headline);
    if report.patterns.is_empty() {
        lines.push(format!("{}.", report.nothing_text()));
    } else {
        let columns = [
            Column::new("PRINCIPLE", 0).between(10, 32),
            Column::new("FAILED", 1).numbers(),
            Column::new("RATE", 2).numbers(),
            Column::new("", 5).whole(),
            Column::new("INTERVAL", 4).numbers(),
            Column::new("TREND", 3).whole(),
            Column::new("BEFORE", 6).numbers(),
            Column::new("LAST", 7).whole(),
            Column::new("LAST RUN", 8).between(28, 40),
        ];
        let rows: Vec<Vec<Cell>> = report.patterns.iter().map(cells).collect();
        let layout = Layout::of(&columns, &rows, screen.width);
        lines.push(layout.head(screen.paint));
        for (pattern, row) in report.patterns.iter().zip(&rows) {
            lines.push(layout.row(row, screen.paint));
            for (lead, places) in places(pattern) {
                lines.extend(screen.behind(&format!("    {lead:<8}"), &places, Tone::Label));
            }
            lines.extend(goes_with(found.associations_of(&pattern.principle), screen));
        }
        let compared = found.compared_text();
        lines.extend(compared.iter().flat_map(|text| screen.behind("", text, Tone::Label)));
    }
    if report.left_out_by_min_runs > 0 {
        lines.push(format!(
            "{} more judged in fewer than {} runs (--min-runs).",
            report.left_out_by_min_runs, report.min_runs
        ));
    }
    lines
}

/// What failing runs have more often, where that was looked for.
fn goes_with(found: Option<&PrincipleAssociations>, screen: &Screen) -> Vec<String> {
    let Some(found) = found else { return Vec::new() };
    let lead = "    goes with ";
    if found.found.is_empty() {
        return screen.behind(lead, "nothing that stands out", Tone::Label);
    }
    let lines = found.found.iter().map(pattern::association_line);
    let more = (found.more > 0).then(|| format!("{} more", found.more));
    lines.chain(more).flat_map(|line| screen.behind(lead, &line, Tone::Notice)).collect()
}

fn cells(pattern: &Pattern) -> Vec<Cell> {
    let interval = format!("{:.0}–{}", pattern.fail_rate_low * 100.0, percent(pattern.fail_rate_high));
    let before = match (pattern.gap_runs_before, pattern.runs_before) {
        (Some(gaps), Some(runs)) if runs > 0 => format!("{gaps}/{runs}"),
        _ => String::new(),
    };
    let trend = match pattern.trend {
        Some(Trend::Rising) => Cell::new("↑ rising").in_tone(Tone::Bad),
        Some(Trend::Falling) => Cell::new("↓ falling").in_tone(Tone::Good),
        Some(Trend::New) => Cell::new("new").in_tone(Tone::Notice),
        Some(Trend::Steady) => Cell::new("= steady"),
        None => Cell::default(),
    };
    let last = pattern.last_seen.map(|at| at.to_chrono().format("%Y-%m-%d").to_string());
    vec![
        Cell::new(name(&pattern.principle)),
        Cell::new(format!("{}/{}", pattern.gap_runs, pattern.runs)),
        Cell::new(percent(pattern.fail_rate)),
        Cell::new(bar(pattern.fail_rate, 10)).in_tone(if pattern.gap_runs > 0 {
            Tone::Bad
        } else {
            Tone::Label
        }),
        Cell::new(interval).in_tone(Tone::Label),
        trend,
        Cell::new(before),
        Cell::new(last.unwrap_or_default()),
        Cell::new(pattern.last_trace_id.as_ref().map(|run| id(run.as_str())).unwrap_or_default()),
    ]
}

/// Where it fails, as far as runs say where they belong.
fn places(pattern: &Pattern) -> Vec<(&'static str, String)> {
    let by = |field, counts: &[GapCount]| {
        let failing = counts.iter().filter(|count| count.gap_runs > 0);
        let named: Vec<String> = failing
            .filter_map(|count| {
                Some(format!("{} {}/{}", name(count.value.as_deref()?), count.gap_runs, count.runs))
            })
            .collect();
        (!named.is_empty()).then(|| (field, named.join(", ")))
    };
    [by("intent", &pattern.by_intent), by("domain", &pattern.by_domain)].into_iter().flatten().collect()
}
