//! `whytrace flags`: what the automatic checks found, and answering it.

mod order;

use std::collections::BTreeMap;

use clap::builder::PossibleValuesParser;
use clap::{Args, ValueEnum};
use serde_json::{Map, Value, json};
use whytrace::calibration::{Flag, FlagKind, FlagState, Severity};
use whytrace::config::Config;
use whytrace::query::Query;
use whytrace::scorecard::{Tone, counted};
use whytrace::service::Service;
use whytrace::store::index::Scope;
use whytrace::view::saying::{id, moment, name};
use whytrace::view::{Extent, flag};

use self::order::Order;
use super::screen::pager::Sink;
use super::screen::text::wrap;
use super::screen::{Screen, Showing};
use super::{Ending, answer, output};

/// Runs that are named of a flag.
const RUNS: usize = 3;

/// Calibration flags: what needs attention.
#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Examples:
  whytrace flags
  whytrace flags --project cobot --state all
  whytrace flags acknowledge 3f2a9c01b7de
  whytrace flags snooze repeated_principle_failure.META-12 --until 14d"
)]
pub(super) struct Flags {
    #[command(subcommand)]
    order: Option<Order>,
    /// Of this project
    #[arg(long, value_name = "NAME")]
    project: Option<String>,
    /// In this state
    #[arg(long, value_enum, value_name = "STATE", default_value_t = Standing::Open)]
    state: Standing,
    /// Of this kind
    #[arg(long, value_name = "KIND", value_parser = PossibleValuesParser::new(FlagKind::ALL.map(FlagKind::as_str)))]
    kind: Option<String>,
    /// Say it as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    showing: Showing,
}

/// The state of a flag, as something to ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Standing {
    Open,
    Acknowledged,
    Snoozed,
    Resolved,
    All,
}

impl Flags {
    pub(super) async fn run(self, config: &Config) -> anyhow::Result<Ending> {
        match &self.order {
            Some(order) => order.give(config).await,
            None => self.list(config).await,
        }
    }

    async fn list(&self, config: &Config) -> anyhow::Result<Ending> {
        let query = Query::new(Service::stores(config));
        let flags =
            query.flags(&Scope::All).await.map_err(|error| answer::needing_database(error, config))?;
        let found: Vec<&Flag> = flags.iter().filter(|flag| self.asks_for(flag)).collect();
        if self.json {
            let mut fields = Map::new();
            fields.insert("total".to_owned(), found.len().into());
            fields.insert("flags".to_owned(), found.iter().map(|flag| as_json(flag)).collect());
            if found.is_empty() {
                fields.insert("without_filter".to_owned(), json!({"flags": flags.len()}));
            }
            output::json(&fields)?;
            return Ok(Ending::Done);
        }
        let screen = self.showing.screen();
        let mut sink = Sink::of(&screen);
        if found.is_empty() {
            sink.remark(format!("{}.", self.headline(0)))?;
            without_conditions(&mut sink, &flags, &screen)?;
        } else {
            sink.lines(answer::heading(&screen, &self.headline(found.len())))?;
        }
        for flag in found {
            sink.line("")?;
            sink.lines(lines(flag, &screen))?;
        }
        sink.finish()?;
        Ok(Ending::Done)
    }

    fn asks_for(&self, flag: &Flag) -> bool {
        let is_in_state = match self.state {
            Standing::Open => flag.state == FlagState::Open,
            Standing::Acknowledged => flag.state == FlagState::Acknowledged,
            Standing::Snoozed => matches!(flag.state, FlagState::Snoozed { .. }),
            Standing::Resolved => matches!(flag.state, FlagState::Resolved { .. }),
            Standing::All => true,
        };
        is_in_state
            && self.project.as_ref().is_none_or(|project| *project == flag.project)
            && self.kind.as_ref().is_none_or(|kind| kind == flag.kind.as_str())
    }

    fn headline(&self, found: usize) -> String {
        let state = match self.state {
            Standing::Open => "open ",
            Standing::Acknowledged => "acknowledged ",
            Standing::Snoozed => "snoozed ",
            Standing::Resolved => "resolved ",
            Standing::All => "",
        };
        let kind = self.kind.as_ref().map(|kind| format!(" of kind {kind}")).unwrap_or_default();
        let project = self.project.as_ref().map(|project| format!(" in project {}", name(project)));
        let project = project.unwrap_or_default();
        match found {
            0 => format!("No {state}calibration flags{kind}{project}"),
            some => format!("{}{kind}{project}", counted(some, &format!("{state}calibration flag"))),
        }
    }
}

fn as_json(flag: &Flag) -> Value {
    let mut value = flag::fields(flag, Extent::Whole);
    if let Some(fields) = value.as_object_mut() {
        fields.insert("next".to_owned(), json!({"command": review(flag)}));
    }
    value
}

/// The end of a flag's id, which names it alone.
fn short_id(flag: &Flag) -> &str {
    flag.id.rsplit('.').next().unwrap_or(&flag.id)
}

/// The command that answers a flag.
fn review(flag: &Flag) -> String {
    let order = if flag.state == FlagState::Open { "acknowledge" } else { "reopen" };
    format!("whytrace flags {order} {}", answer::word(short_id(flag)))
}

/// A flag: what was found, the numbers, the runs, and what to do.
fn lines(flag: &Flag, screen: &Screen) -> Vec<String> {
    let tone = if flag.severity == Severity::Warning { Tone::Bad } else { Tone::Notice };
    let columns = screen.columns();
    let title = format!("{}: {}", flag.severity.as_str(), flag.message);
    let mut lines: Vec<String> = Vec::new();
    for line in wrap(&title, columns) {
        let (severity, rest) =
            if lines.is_empty() { line.split_once(' ').unwrap_or((&line, "")) } else { ("", line.as_str()) };
        let space = if severity.is_empty() { "" } else { " " };
        lines.push(format!("{}{space}{}", screen.paint.text(tone, severity), screen.paint.heading(rest)));
    }
    let mut runs: Vec<String> = flag::runs(flag, Extent::Whole);
    let more = runs.len().saturating_sub(RUNS);
    runs.truncate(RUNS);
    if more > 0 {
        runs.push(format!("+{more} more"));
    }
    let project = format!("{}, {}", name(&flag.project), state_text(flag));
    let evidence = format!("n {}, {}", flag.n, flag::baseline(flag).join(", "));
    let seen = format!(
        "{} to {}, fired by {}",
        moment(flag.first_seen),
        moment(flag.last_seen),
        counted(usize::try_from(flag.fired).unwrap_or(0), "run")
    );
    let look = flag.trace_ids.first().map(|run| format!("whytrace show {}", answer::word(&id(run.as_str()))));
    for (label, text) in [
        ("project", Some(project)),
        ("numbers", Some(evidence)),
        ("seen", Some(seen)),
        ("runs", Some(runs.join(", ")).filter(|runs| !runs.is_empty())),
        ("look", look),
        ("answer", Some(review(flag))),
    ] {
        let Some(text) = text else { continue };
        lines.extend(screen.behind(&format!("  {label:<8} "), &text, Tone::Plain));
    }
    lines
}

fn state_text(flag: &Flag) -> String {
    let (until, at) = flag::times(flag);
    let until = until.map(|until| format!(" until {}", moment(until))).unwrap_or_default();
    let at = at.map(|at| format!(" since {}", moment(at))).unwrap_or_default();
    format!("{}{until}{at}", flag.state.as_str())
}

/// Says what flags there are at all.
fn without_conditions(sink: &mut Sink, flags: &[Flag], screen: &Screen) -> anyhow::Result<()> {
    if flags.is_empty() {
        return sink.remark("No flag was ever raised here; one is when finished runs keep failing alike.");
    }
    sink.remark(format!("Without these conditions there are {}:", counted(flags.len(), "flag")))?;
    let mut count = |option: &str, of: fn(&Flag) -> &str| {
        let mut counts: BTreeMap<String, u64> = BTreeMap::new();
        for flag in flags {
            *counts.entry(of(flag).to_owned()).or_default() += 1;
        }
        answer::choices(sink, option, &counts.into_iter().collect::<Vec<_>>(), screen)
    };
    count("state", |flag| flag.state.as_str())?;
    count("kind", |flag| flag.kind.as_str())?;
    count("project", |flag| &flag.project)
}
