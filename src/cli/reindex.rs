//! `whytrace reindex`: the database again from the documents.

use clap::Args;
use whytrace::config::Config;
use whytrace::maintenance::{self, Progress, Reindexed};
use whytrace::recorder::Role;
use whytrace::service::Service;

use super::{Ending, answer, output, progress};

/// Build the database again from the documents.
#[derive(Debug, Args)]
pub(super) struct Reindex {
    /// Say the result as JSON
    #[arg(long)]
    json: bool,
}

impl Reindex {
    pub(super) async fn run(self, config: &Config) -> anyhow::Result<Ending> {
        answer::before_a_change(config).await?;
        let service = Service::open(config, Role::Command)?;
        let stores = service.intake.recorder().stores();
        let places = stores.documents.places().await?;
        let bar = progress::bar(places.len() as u64, "indexing");
        let flags = progress::spinner("checking for flags");
        let done: Reindexed = maintenance::reindex(stores, &places, |progress| match progress {
            Progress::Read(count) => bar.inc(count),
            Progress::Checked(count) => {
                bar.finish_and_clear();
                flags.inc(count);
            }
        })
        .await?;
        bar.finish_and_clear();
        flags.finish_and_clear();
        service.close().await;
        if self.json {
            output::json(&done)?;
        } else {
            output::line(&format!("{} runs indexed, {} decisions.", done.runs, done.decisions))?;
        }
        for problem in &done.unreadable {
            eprintln!("not readable: {problem}");
        }
        Ok(if done.unreadable.is_empty() { Ending::Done } else { Ending::Trouble })
    }
}
