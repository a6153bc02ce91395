//! `whytrace list`: runs, one a line, as many as one likes: they are read and written page by page.

mod table;

use clap::Args;
use clap::builder::PossibleValuesParser;
use clap::error::ErrorKind;
use serde_json::{Map, Value, json};
use whytrace::Error;
use whytrace::config::Config;
use whytrace::query::{Listing, Query};
use whytrace::scorecard::{count_text, counted};
use whytrace::service::Service;
use whytrace::store::index::{Cursor, Filter, Page, Scope, Sort, TraceLine};
use whytrace::view::saying::id;
use whytrace::view::{Extent, run};

use self::table::Table;
use super::answer;
use super::filter::Filters;
use super::screen::Showing;
use super::screen::pager::Sink;
use super::{Ending, output, usage};

/// Runs that are read at once.
const PAGE: u32 = 500;

/// List runs.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  whytrace list --project cobot --gate failed --since 7d
  whytrace list --sort score_low --limit 10
  whytrace list --text '\"rate limit\"' --all
  whytrace list --json | jq -r '.runs[].trace_id'")]
pub(super) struct List {
    /// In this order
    #[arg(long, value_name = "ORDER", default_value = "newest",
        value_parser = PossibleValuesParser::new(Sort::ALL.map(Sort::as_str)))]
    sort: String,
    /// At most so many
    #[arg(long, value_name = "COUNT", default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,
    /// All of them
    #[arg(long, conflicts_with = "limit")]
    all: bool,
    /// Go on behind this run; with --text, behind so many
    #[arg(long, value_name = "RUN")]
    after: Option<String>,
    /// Say it as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    showing: Showing,
    // Last, because its heading would go on over what follows.
    #[command(flatten)]
    filters: Filters,
}

impl List {
    pub(super) async fn run(self, config: &Config) -> anyhow::Result<Ending> {
        let filter = self.filters.filter();
        let query = Query::new(Service::stores(config));
        let sort = self.sort();
        let cursor = match &self.after {
            None => None,
            Some(after) if sort.is_ranked(&filter) => Some(behind_hits(after)),
            Some(after) => match behind_run(after, sort, &query).await {
                Ok(cursor) => Some(cursor),
                Err(error) => return answer::of_run(error, after, &query, config).await,
            },
        };
        let limit = if self.all { u32::MAX } else { self.limit };
        let listing = query.list(&filter, sort, limit.min(PAGE), cursor.as_ref()).await;
        let mut listing = listing.map_err(|error| answer::needing_database(error, config))?;
        let page = Pages::Read(std::mem::take(&mut listing.page));
        let runs = Runs { query, filter, sort, left: limit, page };
        if self.json {
            self.as_json(&listing, runs, config).await?;
        } else {
            self.as_table(&listing, runs, config).await?;
        }
        Ok(Ending::Done)
    }

    /// Writes each run on a line of its own, as it is read.
    async fn as_json(&self, listing: &Listing, mut runs: Runs, config: &Config) -> anyhow::Result<()> {
        output::line(&format!("{{\"total\": {}, \"runs\": [", listing.total))?;
        let mut shown = 0;
        let mut last = None;
        let mut held: Option<String> = None;
        while let Some(page) = runs.next(config).await? {
            for line in &page {
                if let Some(before) = held.replace(run::line(line, Extent::Whole).to_string()) {
                    output::line(&format!("{before},"))?;
                }
            }
            shown += page.len();
            last = page.last().map(|line| line.trace_id.clone()).or(last);
        }
        if let Some(before) = held {
            output::line(&before)?;
        }
        let mut fields = Map::new();
        answer::explain_json(&mut fields, listing.without_filter.as_ref());
        if let Some(after) = self.next_after(&runs, last, shown) {
            let command = again(&after);
            fields.insert("next".to_owned(), json!({"after": after, "command": command}));
        }
        let rest = Value::Object(fields).to_string();
        let separator = if rest == "{}" { "" } else { ", " };
        output::line(&format!("]{separator}{}", rest.trim_start_matches('{')))
    }

    async fn as_table(&self, listing: &Listing, mut runs: Runs, config: &Config) -> anyhow::Result<()> {
        let screen = self.showing.screen();
        let mut sink = Sink::of(&screen);
        let mut shown = 0;
        let mut last = None;
        let mut table = None;
        while let Some(page) = runs.next(config).await? {
            let table = match &table {
                Some(table) => table,
                None => {
                    let new = Table::of(&page, &screen, self.filters.project().is_some());
                    sink.line(new.head(&screen))?;
                    table.insert(new)
                }
            };
            for line in &page {
                sink.lines(table.lines(line, &screen))?;
            }
            shown += page.len();
            last = page.last().map(|line| line.trace_id.clone()).or(last);
            if !sink.is_open() {
                return Ok(());
            }
        }
        let of = self.filters.with();
        let total = usize::try_from(listing.total).unwrap_or(usize::MAX);
        match (shown, total) {
            (_, 0) if self.filters.described().is_none() => {}
            (_, 0) => sink.remark(format!("No runs{of}."))?,
            (all, total) if all == total => sink.remark(format!("{}{of}.", counted(total, "run")))?,
            (some, total) => {
                let further = if self.after.is_some() { ", further on" } else { "" };
                let total = count_text(i64::try_from(total).unwrap_or(i64::MAX));
                let some = count_text(i64::try_from(some).unwrap_or(i64::MAX));
                sink.remark(format!("{some} of {total} runs{of}{further}."))?;
            }
        }
        if let Some(after) = self.next_after(&runs, last, shown) {
            sink.remark(format!("Next: {}", again(&after)))?;
        }
        answer::explain(&mut sink, listing.without_filter.as_ref(), None, &screen, config)?;
        sink.finish()
    }

    fn sort(&self) -> Sort {
        Sort::ALL.into_iter().find(|sort| sort.as_str() == self.sort).unwrap_or_default()
    }

    /// What `--after` says for the runs behind those that were shown, if there are any.
    fn next_after(&self, runs: &Runs, last: Option<String>, shown: usize) -> Option<String> {
        if !runs.are_more() {
            return None;
        }
        if runs.sort.is_ranked(&runs.filter) {
            let before = self.after.as_ref().and_then(|after| after.parse::<usize>().ok()).unwrap_or(0);
            return Some((before + shown).to_string());
        }
        last.map(|last| id(&last))
    }
}

/// Behind the run that `after` names.
async fn behind_run(after: &str, sort: Sort, query: &Query) -> Result<Cursor, Error> {
    let trace_id = query.resolve(after, &Scope::All).await?;
    let cursor = query.cursor_behind_run(&trace_id, sort).await?;
    cursor.ok_or_else(|| Error::UnknownTrace { id: after.to_owned() })
}

/// Behind so many hits as `after` says.
fn behind_hits(after: &str) -> Cursor {
    match after.parse() {
        Ok(count) => Cursor::behind_hits(count),
        Err(_) => {
            let message = "with --text, --after takes how many runs to pass over".to_owned();
            usage(ErrorKind::ValueValidation, message)
        }
    }
}

/// The command that goes on behind a run.
fn again(after: &str) -> String {
    answer::again(std::env::args(), "--after", after)
}

/// Runs as they are read, page after page.
struct Runs {
    query: Query,
    filter: Filter,
    sort: Sort,
    left: u32,
    page: Pages,
}

/// Where reading stands.
enum Pages {
    /// This page is read and was not given yet.
    Read(Page),
    /// The next page begins here.
    At(Cursor),
    End,
}

impl Runs {
    /// The next runs, as long as there are any and more are wanted.
    async fn next(&mut self, config: &Config) -> anyhow::Result<Option<Vec<TraceLine>>> {
        let page = match std::mem::replace(&mut self.page, Pages::End) {
            Pages::Read(page) => page,
            Pages::At(cursor) if self.left == 0 => {
                self.page = Pages::At(cursor);
                return Ok(None);
            }
            Pages::At(cursor) => {
                let limit = self.left.min(PAGE);
                let page = self.query.page(&self.filter, self.sort, limit, Some(&cursor)).await;
                page.map_err(|error| answer::needing_database(error, config))?
            }
            Pages::End => return Ok(None),
        };
        self.left = self.left.saturating_sub(u32::try_from(page.lines.len()).unwrap_or(u32::MAX));
        self.page = page.next.map_or(Pages::End, Pages::At);
        Ok((!page.lines.is_empty()).then_some(page.lines))
    }

    /// Whether there are runs behind those that were given.
    fn are_more(&self) -> bool {
        matches!(self.page, Pages::At(_))
    }
}
