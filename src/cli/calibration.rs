//! `whytrace calibration`: whether stated confidence comes true.

use clap::builder::PossibleValuesParser;
use clap::{Args, ValueEnum};
use serde_json::{Map, Value};
use whytrace::config::Config;
use whytrace::model::{Clock as _, SystemClock};
use whytrace::query::{Confidence, Query};
use whytrace::scorecard::{Tone, count_text, counted};
use whytrace::service::Service;
use whytrace::statistics::confidence::Bin;
use whytrace::statistics::{ConfidenceBy, ConfidenceGroup, ConfidenceReport, Leaning, Verdict};
use whytrace::store::index::ConfidenceFilter;
use whytrace::view::confidence::{self, brier_text, range, sentence};
use whytrace::view::saying::{moment, name, percent};
use whytrace::view::window::described;

use super::filter::{About, window};
use super::screen::bar::marked;
use super::screen::pager::Sink;
use super::screen::table::{Cell, Column, Layout};
use super::screen::{Screen, Showing};
use super::{Ending, answer, output};

/// Columns of the diagram.
const DIAGRAM: usize = 20;

/// Say whether stated confidence comes true: how sure decisions were, and how often they proved right.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  whytrace calibration --project cobot
  whytrace calibration --by decision            which keys are off
  whytrace calibration --decision depth --days all

A decision is right if that was said of it (trace_review), else if its run passed the gate. The
interval is that of 95 % confidence, where the decisions that one gate judges count as one.
Over- or under-confidence is said only where the numbers show it.")]
pub(super) struct Calibration {
    #[command(flatten)]
    about: About,
    /// Of the runs of this agent
    #[arg(long, value_name = "NAME")]
    agent: Option<String>,
    /// Of the runs of this model
    #[arg(long, value_name = "NAME")]
    model: Option<String>,
    /// Made in this stage
    #[arg(long, value_name = "NAME")]
    stage: Option<String>,
    /// With this key
    #[arg(long, value_name = "KEY")]
    decision: Option<String>,
    /// Side by side for each of these
    #[arg(long, value_name = "FIELD", value_parser = PossibleValuesParser::new(ConfidenceBy::ALL.map(ConfidenceBy::as_str)))]
    by: Option<String>,
    /// In runs finished in the last so many days, or `all`
    #[arg(long, value_name = "DAYS", default_value = "90")]
    days: String,
    /// Judge nothing by fewer decisions
    #[arg(long, value_name = "COUNT", default_value_t = ConfidenceReport::MIN_N)]
    min_n: u64,
    /// Bins of equal width, or of about as many decisions each
    #[arg(long, value_enum, value_name = "HOW", default_value_t = Bins::Width)]
    bins: Bins,
    /// Say it as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    showing: Showing,
}

/// How decisions are put into bins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Bins {
    Width,
    Mass,
}

impl Calibration {
    pub(super) async fn run(self, config: &Config) -> anyhow::Result<Ending> {
        let days = window(&self.days);
        let by = self.by.as_ref().and_then(|by| by.parse().ok());
        let query = Query::new(Service::stores(config));
        let now = SystemClock::default().now();
        let found = query.confidence(&self.filter(), by, days, self.min_n.max(1), now).await;
        let found = found.map_err(|error| answer::needing_database(error, config))?;
        if self.json {
            output::json(&as_json(&found, by))?;
            return Ok(Ending::Done);
        }
        let screen = self.showing.screen();
        let mut sink = Sink::of(&screen);
        if found.report.n > 0 {
            sink.lines(self.page(&found, by, days, &screen))?;
        } else if found.without_filter.as_ref().is_some_and(|overview| overview.runs > 0) {
            sink.remark(format!("{}.", self.headline(&found.report, days)))?;
        }
        let fields = ["project", "intent", "domain"];
        answer::explain(&mut sink, found.without_filter.as_ref(), Some(&fields), &screen, config)?;
        sink.finish()?;
        Ok(Ending::Done)
    }

    fn filter(&self) -> ConfidenceFilter {
        ConfidenceFilter {
            runs: self.about.filter(),
            agent: self.agent.clone(),
            model: self.model.clone(),
            stage: self.stage.clone(),
            decision: self.decision.clone(),
        }
    }

    /// What the figures are of.
    fn headline(&self, report: &ConfidenceReport, days: Option<u32>) -> String {
        let About { project, intent, domain } = &self.about;
        let of = [
            ("project", project),
            ("intent", intent),
            ("domain", domain),
            ("agent", &self.agent),
            ("model", &self.model),
            ("stage", &self.stage),
            ("key", &self.decision),
        ];
        let of: Vec<String> = of
            .iter()
            .filter_map(|(field, value)| Some(format!("{field} {}", name(value.as_ref()?))))
            .collect();
        let of = if of.is_empty() { String::new() } else { format!(" with {}", of.join(", ")) };
        let window = described(days);
        if report.n == 0 {
            return format!("No decisions with a stated confidence and a known outcome{of} {window}");
        }
        format!("Confidence of {} in {}{of} {window}", decisions(report.n), runs(report.runs))
    }

    fn page(
        &self,
        found: &Confidence,
        by: Option<ConfidenceBy>,
        days: Option<u32>,
        screen: &Screen,
    ) -> Vec<String> {
        let report = &found.report;
        let mut lines = answer::heading(screen, &self.headline(report, days));
        if let Some(leaning) = &report.leaning {
            let said = format!("It {}.", sentence(leaning, report.n));
            lines.extend(screen.behind("", &said, tone(leaning)));
        }
        lines.extend(screen.behind("", &basis(found), Tone::Plain));
        lines.push(String::new());
        let bins = match self.bins {
            Bins::Width => &report.bins,
            Bins::Mass => &report.equal_mass_bins,
        };
        lines.extend(table(&BINS, &bins.iter().map(of_bin).collect::<Vec<_>>(), screen));
        lines.extend(screen.behind("", "Filled: how often they were right. │: what they said.", Tone::Label));
        if let Some(by) = by {
            lines.push(String::new());
            lines.extend(groups(found, by, screen));
        }
        if let (Some(ece), Some(brier)) = (report.ece, &report.brier) {
            lines.push(String::new());
            let errors = format!("Expected calibration error (ECE) {ece:.3}. {}.", brier_text(brier));
            lines.extend(screen.behind("", &errors, Tone::Plain));
        }
        lines
    }
}

fn as_json(found: &Confidence, by: Option<ConfidenceBy>) -> Map<String, Value> {
    let report = &found.report;
    let mut fields: Map<String, Value> =
        confidence::fields(report).into_iter().map(|(field, value)| (field.to_owned(), value)).collect();
    let mut put = |field: &str, value: Value| drop(fields.insert(field.to_owned(), value));
    put("min_n", report.min_n.into());
    if let Some(after) = found.after {
        put("after", moment(after).into());
    }
    if let Some(since) = found.read_since {
        put("read_since", moment(since).into());
    }
    put("bins", report.bins.iter().map(confidence::bin).collect());
    put("equal_mass_bins", report.equal_mass_bins.iter().map(confidence::bin).collect());
    if let Some(by) = by {
        put("group_by", by.as_str().into());
        put("groups", found.groups.iter().map(confidence::group).collect());
        put("left_out_by_min_n", found.left_out_by_min_n.into());
    }
    answer::explain_json(&mut fields, found.without_filter.as_ref());
    fields
}

/// By what the decisions were judged, and which were not read.
fn basis(found: &Confidence) -> String {
    let report = &found.report;
    let (own, gate) = (report.own_outcomes, report.n - report.own_outcomes);
    let mut text = match (own, gate) {
        (0, _) => "Right means that the run passed its gate.".to_owned(),
        (_, 0) => "Right is what was said of the decisions themselves.".to_owned(),
        _ => format!(
            "Right is what was said of {} themselves; of the other {} it means that the run passed its gate.",
            decisions(own),
            count_text(gate)
        ),
    };
    if report.without_outcome > 0 {
        text.push_str(&format!(" Nobody knows what came of {} more.", count_text(report.without_outcome)));
    }
    if let Some(since) = found.read_since {
        text.push_str(&format!(" Only the newest runs were read: those that ended since {}.", moment(since)));
    }
    text
}

const BINS: [Column; 6] = [
    Column::new("SAID", 0).whole(),
    Column::new("MEAN", 4).numbers(),
    Column::new("RIGHT", 1).numbers(),
    Column::new("", 2).whole(),
    Column::new("INTERVAL", 3).numbers(),
    Column::new("DECISIONS", 5).numbers(),
];

fn of_bin(bin: &Bin) -> Vec<Cell> {
    let is_off = bin.mean_confidence < bin.observed_low || bin.mean_confidence > bin.observed_high;
    let tone = if is_off { Tone::Bad } else { Tone::Good };
    vec![
        Cell::new(format!("{:.2}–{:.2}", bin.from, bin.to)),
        Cell::new(format!("{:.2}", bin.mean_confidence)),
        Cell::new(percent(bin.observed_rate)),
        Cell::new(marked(bin.observed_rate, bin.mean_confidence, DIAGRAM)).in_tone(tone),
        Cell::new(range(bin.observed_low, bin.observed_high)).in_tone(Tone::Label),
        Cell::new(format!("{} in {}", count_text(bin.n), runs(bin.runs))),
    ]
}

fn groups(found: &Confidence, by: ConfidenceBy, screen: &Screen) -> Vec<String> {
    let columns = [
        Column::new(if by == ConfidenceBy::Decision { "KEY" } else { "GROUP" }, 0).between(10, 32),
        Column::new("SAID", 1).numbers(),
        Column::new("RIGHT", 2).numbers(),
        Column::new("", 4).whole(),
        Column::new("VERDICT", 3).whole(),
        Column::new("ECE", 6).numbers(),
        Column::new("DECISIONS", 5).numbers(),
    ];
    let rows: Vec<Vec<Cell>> = found.groups.iter().map(of_group).collect();
    let mut lines = if rows.is_empty() { Vec::new() } else { table(&columns, &rows, screen) };
    if found.left_out_by_min_n > 0 {
        let more = count_text(i64::try_from(found.left_out_by_min_n).unwrap_or(i64::MAX));
        let least = found.report.min_n;
        lines.push(format!("{more} more with fewer than {least} decisions (--min-n)."));
    }
    lines
}

fn of_group(group: &ConfidenceGroup) -> Vec<Cell> {
    let leaning = &group.leaning;
    let verdict = match leaning.verdict {
        Verdict::OverConfident => format!("over by {:.2}", leaning.gap),
        Verdict::UnderConfident => format!("under by {:.2}", -leaning.gap),
        Verdict::Unclear => "not clear".to_owned(),
        Verdict::TooFew => "too few".to_owned(),
    };
    vec![
        Cell::new(confidence::value(group)),
        Cell::new(format!("{:.2}", leaning.mean_confidence)),
        Cell::new(percent(leaning.observed_rate)),
        Cell::new(marked(leaning.observed_rate, leaning.mean_confidence, DIAGRAM)).in_tone(tone(leaning)),
        Cell::new(verdict).in_tone(tone(leaning)),
        Cell::new(format!("{:.2}", group.ece)),
        Cell::new(format!("{} in {}", count_text(group.n), runs(group.runs))),
    ]
}

fn table(columns: &[Column], rows: &[Vec<Cell>], screen: &Screen) -> Vec<String> {
    let layout = Layout::of(columns, rows, screen.width);
    let rows = rows.iter().map(|row| layout.row(row, screen.paint));
    std::iter::once(layout.head(screen.paint)).chain(rows).collect()
}

fn tone(leaning: &Leaning) -> Tone {
    match leaning.verdict {
        Verdict::OverConfident | Verdict::UnderConfident => Tone::Bad,
        Verdict::Unclear => Tone::Good,
        Verdict::TooFew => Tone::Notice,
    }
}

fn decisions(count: i64) -> String {
    counted(usize::try_from(count).unwrap_or(0), "decision")
}

fn runs(count: i64) -> String {
    counted(usize::try_from(count).unwrap_or(0), "run")
}
