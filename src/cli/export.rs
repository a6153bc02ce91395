//! `whytrace export`: runs as documents, for another home or another program.

mod destination;

use clap::Args;
use clap::error::ErrorKind;
use serde::Serialize;
use whytrace::config::Config;
use whytrace::maintenance::exported;
use whytrace::query::Query;
use whytrace::service::Service;
use whytrace::store::index::{Cursor, Scope, Sort};

use super::filter::Filters;
use super::{Ending, answer, output, progress, usage};
use destination::Destination;

/// Runs that are asked for at once.
const PAGE: u32 = 500;

/// Write runs as documents, for another home or another program.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  whytrace export --to backup                   every run, below backup/projects
  whytrace export --to runs.jsonl --since 30d   JSON Lines: one document a line
  whytrace export last --to - | jq .quality     one run to standard output
  whytrace export --project cobot --to cobot && whytrace import cobot --home elsewhere

A file is there whole or not at all. In a folder, documents lie as in a home: `whytrace import`
takes them, and so does `whytrace reindex` where the folder is made a home.")]
pub(super) struct Export {
    /// Trace ids or beginnings of them, `last`, ...; without any, all runs that meet the conditions
    #[arg(value_name = "TRACE", conflicts_with_all = ["Filters", "About"])]
    traces: Vec<String>,
    /// A folder, a file ending in .jsonl, or - for JSON Lines on standard output
    #[arg(long, value_name = "WHERE")]
    to: String,
    /// Say the result as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    filters: Filters,
}

/// What was done.
#[derive(Debug, Default, Serialize)]
struct Done {
    exported: u64,
    to: String,
    failed: Vec<String>,
}

impl Export {
    pub(super) async fn run(self, config: &Config) -> anyhow::Result<Ending> {
        if self.to == "-" && self.json {
            usage(ErrorKind::ArgumentConflict, "--to - writes the documents to standard output".to_owned());
        }
        let query = Query::new(Service::stores(config));
        let mut writing = Writing {
            destination: Destination::open(&self.to, config.quality)?,
            done: Done { to: self.to.clone(), ..Done::default() },
        };
        if self.traces.is_empty() {
            self.all(&query, &mut writing, config).await?;
        } else {
            for trace in &self.traces {
                match query.resolve(trace, &Scope::All).await {
                    Ok(trace_id) => writing.write(&query, trace_id.as_str()).await?,
                    Err(error) => {
                        if answer::of_run(error, trace, &query, config).await? == Ending::Trouble {
                            return Ok(Ending::Trouble);
                        }
                    }
                }
            }
        }
        let Writing { destination, done } = writing;
        destination.finish()?;
        if self.json {
            output::json(&done)?;
        } else {
            let runs = if done.exported == 1 { "run" } else { "runs" };
            let said = format!("{} {runs} exported to {}.", done.exported, done.to);
            // Standard output is the documents' where they go there.
            if self.to == "-" { eprintln!("{said}") } else { output::line(&said)? }
        }
        for failed in &done.failed {
            eprintln!("not exported: {failed}");
        }
        Ok(if done.failed.is_empty() { Ending::Done } else { Ending::Trouble })
    }

    /// Every run that meets the conditions, the oldest first: runs that begin meanwhile come last.
    async fn all(&self, query: &Query, writing: &mut Writing, config: &Config) -> anyhow::Result<()> {
        let filter = self.filters.filter();
        let mut cursor: Option<Cursor> = None;
        let mut bar = None;
        loop {
            let listing = query.list(&filter, Sort::Oldest, PAGE, cursor.as_ref()).await;
            let listing = listing.map_err(|error| answer::needing_database(error, config))?;
            let bar = bar.get_or_insert_with(|| progress::bar(listing.total, "exporting"));
            for line in &listing.page.lines {
                writing.write(query, &line.trace_id).await?;
                bar.inc(1);
            }
            cursor = listing.page.next;
            if cursor.is_none() {
                bar.finish_and_clear();
                return Ok(());
            }
        }
    }
}

/// An export under way.
struct Writing {
    destination: Destination,
    done: Done,
}

impl Writing {
    /// Writes one run. One that cannot be read is noted, and the others go on; a destination that cannot be written
    /// ends it.
    async fn write(&mut self, query: &Query, trace_id: &str) -> anyhow::Result<()> {
        let read = async { exported(query.trace(trace_id, &Scope::All).await?) };
        match read.await {
            Ok(trace) => {
                self.destination.write(&trace)?;
                self.done.exported += 1;
            }
            // Deleted since it was listed.
            Err(whytrace::Error::UnknownTrace { .. }) => {}
            Err(error) => self.done.failed.push(format!("{trace_id}: {error}")),
        }
        Ok(())
    }
}
