//! `whytrace show`: one run, for people and for scripts.

use clap::Args;
use whytrace::config::Config;
use whytrace::query::Query;
use whytrace::scorecard;
use whytrace::service::Service;
use whytrace::store::index::Scope;

use super::{Ending, output};

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
}

impl Show {
    pub(super) async fn run(self, config: &Config) -> anyhow::Result<Ending> {
        let query = Query::new(Service::stores(config));
        let loaded = match query.trace(&self.trace, &Scope::All).await {
            Ok(loaded) => loaded,
            Err(error @ (whytrace::Error::UnknownTrace { .. } | whytrace::Error::Ambiguous { .. })) => {
                eprintln!("whytrace: {error}");
                let nearby = query.nearby(&self.trace, &Scope::All, 5).await;
                if nearby.is_empty() {
                    eprintln!("There are no runs in {}.", config.home.display());
                } else {
                    eprintln!("Some that exist:");
                    for id in nearby {
                        eprintln!("  {id}");
                    }
                }
                return Ok(Ending::Trouble);
            }
            Err(error) => return Err(error.into()),
        };
        if loaded.edited {
            eprintln!("The document was edited since it was written.");
        }
        if let Some(reason) = &loaded.database_away {
            eprintln!("The database is away ({reason}); this is what the document says.");
        }
        if self.json {
            output::json(&loaded.trace)?;
        } else if self.markdown {
            output::line(&scorecard::markdown(&loaded.trace))?;
        } else if self.verbose {
            output::line(&scorecard::verbose(&loaded.trace))?;
        } else {
            output::line(&scorecard::compact(&loaded.trace))?;
        }
        Ok(Ending::Done)
    }
}
