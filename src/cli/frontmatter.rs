//! `whytrace frontmatter`: the head of a report that says which run made it.

use clap::Args;
use whytrace::config::Config;
use whytrace::query::Query;
use whytrace::scorecard::FrontMatter;
use whytrace::service::Service;
use whytrace::store::index::Scope;

use super::{Ending, answer, output, show};

/// Print the front matter that links a report to its run.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  whytrace frontmatter last
  whytrace frontmatter last:cobot --json | jq -r .quality_gate

To put it on a report (not into the file that is being read):
  { whytrace frontmatter TRACE && cat report.md; } > report.tmp && mv report.tmp report.md")]
pub(super) struct Frontmatter {
    /// A trace id or the beginning of one, `last`, `last:PROJECT` or `last-failed`
    trace: String,
    /// The same fields as JSON
    #[arg(long)]
    json: bool,
}

impl Frontmatter {
    pub(super) async fn run(self, config: &Config) -> anyhow::Result<Ending> {
        let query = Query::new(Service::stores(config));
        let loaded = match query.trace(&self.trace, &Scope::All).await {
            Ok(loaded) => loaded,
            Err(error) => return answer::of_run(error, &self.trace, &query, config).await,
        };
        show::note(&loaded);
        let front_matter = FrontMatter::of(&loaded.trace);
        if self.json {
            output::json(&front_matter)?;
        } else {
            output::line(front_matter.yaml().trim_end())?;
        }
        Ok(Ending::Done)
    }
}
