//! `whytrace show`: one run, for people and for scripts.

use clap::Args;
use whytrace::config::Config;
use whytrace::query::Query;
use whytrace::scorecard;
use whytrace::service::Service;
use whytrace::store::LoadedTrace;
use whytrace::store::index::Scope;

use super::screen::Showing;
use super::screen::pager::Sink;
use super::{Ending, answer, output};

/// Show one run.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  whytrace show last\n  whytrace show last:cobot --verbose\n  whytrace show trc_20260213 --json | jq .quality"
)]
pub(super) struct Show {
    /// A trace id or the beginning of one, `last`, `last:PROJECT` or `last-failed`
    trace: String,
    /// Everything: stages, decisions, principles
    #[arg(long, conflicts_with_all = ["json", "markdown"])]
    verbose: bool,
    /// The document
    #[arg(long, conflicts_with = "markdown")]
    json: bool,
    /// The summary for people
    #[arg(long)]
    markdown: bool,
    #[command(flatten)]
    showing: Showing,
}

impl Show {
    pub(super) async fn run(self, config: &Config) -> anyhow::Result<Ending> {
        let query = Query::new(Service::stores(config));
        let loaded = match query.trace(&self.trace, &Scope::All).await {
            Ok(loaded) => loaded,
            Err(error) => return answer::of_run(error, &self.trace, &query, config).await,
        };
        note(&loaded);
        if self.json {
            output::json(&loaded.trace)?;
        } else if self.markdown {
            let mut sink = Sink::of(&self.showing.screen());
            sink.lines(scorecard::markdown(&loaded.trace).lines().map(str::to_owned))?;
            sink.finish()?;
        } else {
            scorecard(&loaded, self.verbose, self.showing)?;
        }
        Ok(Ending::Done)
    }
}

/// Says what is out of the ordinary about the reading.
pub(super) fn note(loaded: &LoadedTrace) {
    if loaded.edited {
        eprintln!("The document was edited since it was written.");
    }
    if let Some(reason) = &loaded.database_away {
        eprintln!("The database is away ({reason}); this is what the document says.");
    }
}

/// Shows the scorecard, or the page behind it.
pub(super) fn scorecard(loaded: &LoadedTrace, is_verbose: bool, showing: Showing) -> anyhow::Result<()> {
    let screen = showing.screen();
    let mut sink = Sink::of(&screen);
    let lines = if is_verbose {
        scorecard::verbose_lines(&loaded.trace, screen.paper())
    } else {
        scorecard::compact_lines(&loaded.trace, screen.paper())
    };
    sink.lines(lines.iter().map(|line| screen.paint.line(line)))?;
    sink.finish()
}
