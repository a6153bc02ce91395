//! `whytrace list`: runs, one a line.

use clap::Args;
use clap::builder::PossibleValuesParser;
use serde_json::{Map, Value, json};
use whytrace::config::Config;
use whytrace::query::{Listing, Query};
use whytrace::scorecard::{
    Tone, count_text, counted, duration_text, gate_tone, gate_word, money_text, score_text,
};
use whytrace::service::Service;
use whytrace::store::index::{Cursor, Filter, Scope, Sort, TraceLine};
use whytrace::view::saying::{id, name, score};
use whytrace::view::{Extent, run};

use super::answer;
use super::filter::Filters;
use super::screen::pager::Sink;
use super::screen::table::{Cell, Column, Layout};
use super::screen::text::fit;
use super::screen::{Screen, Showing};
use super::{Ending, output};

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
            Some(after) if sort.is_ranked(&filter) => match after.parse() {
                Ok(count) => Some(Cursor::behind_hits(count)),
                Err(_) => anyhow::bail!("with --text, --after takes how many runs to pass over"),
            },
            Some(after) => {
                let behind = match query.resolve(after, &Scope::All).await {
                    Ok(trace_id) => query.cursor_behind_run(&trace_id, sort).await,
                    Err(error) => Err(error),
                };
                match behind {
                    Ok(Some(cursor)) => Some(cursor),
                    Ok(None) => anyhow::bail!("the database holds no run called {after:?}"),
                    Err(error @ whytrace::Error::Unavailable { .. }) => {
                        return Err(answer::needing_database(error, config));
                    }
                    Err(error) => return answer::of_run(error, after, &query, config).await,
                }
            }
            None => None,
        };
        let limit = if self.all { u32::MAX } else { self.limit };
        let listing = query.list(&filter, sort, limit.min(PAGE), cursor.as_ref()).await;
        let listing = listing.map_err(|error| answer::needing_database(error, config))?;
        let runs = Runs { query, filter, sort, left: limit, page: listing.page.clone().into() };
        if self.json {
            self.as_json(&listing, runs, config).await?;
        } else {
            self.as_table(&listing, runs, config).await?;
        }
        Ok(Ending::Done)
    }

    async fn as_json(&self, listing: &Listing, mut runs: Runs, config: &Config) -> anyhow::Result<()> {
        let mut rows: Vec<Value> = Vec::new();
        let mut last = None;
        while let Some(page) = runs.next(config).await? {
            rows.extend(page.iter().map(|line| run::line(line, Extent::Whole)));
            last = page.last().map(|line| line.trace_id.clone()).or(last);
        }
        let mut fields = Map::new();
        fields.insert("total".to_owned(), listing.total.into());
        let shown = rows.len();
        fields.insert("runs".to_owned(), rows.into());
        answer::explain_json(&mut fields, listing.without_filter.as_ref());
        if let Some(after) = self.next_after(&runs, last, shown) {
            let command = again(&after);
            fields.insert("next".to_owned(), json!({"after": after, "command": command}));
        }
        output::json(&fields)
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
                    sink.line(new.layout.head(screen.paint))?;
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
                let further = if self.after.is_some() { "further on, " } else { "" };
                let total = count_text(i64::try_from(total).unwrap_or(i64::MAX));
                let some = count_text(i64::try_from(some).unwrap_or(i64::MAX));
                sink.remark(format!("{further}{some} of {total} runs{of}."))?;
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
    Read(whytrace::store::index::Page),
    /// The next page begins here.
    At(Cursor),
    End,
}

impl From<whytrace::store::index::Page> for Pages {
    fn from(page: whytrace::store::index::Page) -> Self {
        Self::Read(page)
    }
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

/// How runs stand in rows.
#[derive(Debug)]
struct Table {
    layout: Layout,
}

/// The place of the query among the columns.
const QUERY: usize = 12;

fn columns(screen: &Screen) -> [Column; 13] {
    let query = screen.width.map_or(100, |width| (width / 4).max(24));
    [
        Column::new("RUN", 0).between(28, 48),
        Column::new("RESULT", 1).whole(),
        Column::new("SCORE", 2).numbers(),
        Column::new("STARTED (UTC)", 8).whole(),
        Column::new("TIME", 5).numbers(),
        Column::new("COST", 9).numbers(),
        Column::new("DECISIONS", 12).numbers(),
        Column::new("PROJECT", 4).between(10, 20),
        Column::new("INTENT", 10).between(10, 16),
        Column::new("DOMAIN", 11).between(10, 16),
        Column::new("FLAG", 6).whole(),
        Column::new("GAPS", 7).between(8, 24),
        Column::new("QUERY", 3).between(query, 100),
    ]
}

impl Table {
    fn of(lines: &[TraceLine], screen: &Screen, is_of_one_project: bool) -> Self {
        let rows: Vec<Vec<Cell>> = lines
            .iter()
            .map(|line| {
                let mut cells = cells(line);
                // What is asked for need not be said in every row.
                if is_of_one_project && let Some(project) = cells.get_mut(7) {
                    *project = Cell::default();
                }
                cells
            })
            .collect();
        Self { layout: Layout::of(&columns(screen), &rows, screen.width) }
    }

    /// The lines of a run: its row, and below it the query and the error where they are not in it.
    fn lines(&self, run: &TraceLine, screen: &Screen) -> Vec<String> {
        let mut lines = vec![self.layout.row(&cells(run), screen.paint)];
        let columns = screen.width.unwrap_or(200).saturating_sub(2);
        if self.layout.width(QUERY).is_none() {
            let query = fit(&run.query, columns);
            if !query.is_empty() {
                lines.push(format!("  {}", screen.paint.label(&query)));
            }
        }
        if let Some(error) = &run.error {
            lines.push(format!(
                "  {}",
                screen.paint.text(Tone::Bad, &fit(&format!("error: {error}"), columns))
            ));
        }
        lines
    }
}

fn cells(run: &TraceLine) -> Vec<Cell> {
    let known = |text: Option<String>| Cell::new(text.unwrap_or_default());
    let tone = gate_tone(run.passed);
    let scale = run.scale_max.filter(|scale| scale.fract() == 0.0);
    let score = match (run.score, scale) {
        (Some(score), Some(scale)) => Some(format!("{}/{scale}", score_text(score))),
        _ => score(run.score, run.scale_max),
    };
    vec![
        Cell::new(id(&run.trace_id)),
        result(run),
        known(score).in_tone(tone),
        Cell::new(run.started_at.to_chrono().format("%Y-%m-%d %H:%M").to_string()).in_tone(Tone::Label),
        known(run.duration_seconds.map(duration_text)),
        known(run.cost_usd.map(money_text)),
        Cell::new(count_text(run.decisions)),
        Cell::new(name(&run.project)),
        known(run.intent.as_deref().map(name)),
        known(run.domain.as_deref().map(name)),
        Cell::new(if run.flagged { "flag" } else { "" }).in_tone(Tone::Notice),
        Cell::new(run.gaps.iter().map(|gap| name(gap)).collect::<Vec<_>>().join(" ")).in_tone(Tone::Bad),
        Cell::new(&run.query),
    ]
}

/// What came of a run in one word: the verdict where it is complete, else where it stands.
fn result(run: &TraceLine) -> Cell {
    match run.status.as_str() {
        "complete" if run.passed.is_some() => Cell::new(gate_word(run.passed)).in_tone(gate_tone(run.passed)),
        "complete" => Cell::new("complete"),
        "failed" => Cell::new("failed").in_tone(Tone::Bad),
        other => Cell::new(other.replace('_', " ")).in_tone(Tone::Notice),
    }
}
