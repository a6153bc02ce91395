//! `whytrace summary`: what many runs say together, or what one came to.

mod figures;

use clap::Args;
use clap::builder::PossibleValuesParser;
use clap::error::ErrorKind;
use serde_json::{Map, Value};
use whytrace::config::Config;
use whytrace::query::{Aggregate, Query};
use whytrace::scorecard::{Tone, counted};
use whytrace::service::Service;
use whytrace::statistics::GroupBy;
use whytrace::store::LoadedTrace;
use whytrace::store::index::Scope;
use whytrace::view::saying::id;
use whytrace::view::{Extent, run, summary};

use self::figures::{figures, groups_table};
use super::filter::Filters;
use super::screen::pager::Sink;
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

fn runs_text(runs: i64) -> String {
    counted(usize::try_from(runs).unwrap_or(0), "run")
}
