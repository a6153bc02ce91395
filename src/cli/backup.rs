//! `whytrace backup` and `whytrace restore`: everything into a folder, and back.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use serde::Serialize;
use whytrace::config::Config;
use whytrace::maintenance::{self, Manifest, Restored, Step};
use whytrace::model::SystemClock;
use whytrace::recorder::Role;
use whytrace::scorecard::counted;
use whytrace::service::Service;

use super::{Ending, answer, output, progress};

/// Copy everything into a folder.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  whytrace backup /backups/2026-02-13
  whytrace restore /backups/2026-02-13 --home /somewhere/new
  (cd /backups/2026-02-13 && sha256sum --check --quiet SHA256SUMS)

Servers may go on writing: what they had acknowledged when the backup began is in it. It holds
documents, what the database alone holds (events of open runs, flags, the memory of deleted runs,
hashes of tokens), journals of this home, and the installation's key: keep it as secret as the
home. Not in it: config.toml, and journals on other machines, whose records the database has
unless it is away. It is the same on Postgres; pg_dump serves as well for the database alone.")]
pub(super) struct Backup {
    /// A folder that is not there yet, or empty
    to: PathBuf,
    /// Say the result as JSON
    #[arg(long)]
    json: bool,
}

/// Restore a backup into an empty home.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  whytrace restore /backups/2026-02-13 --home /somewhere/new
  whytrace restore /backups/2026-02-13 --home ./new --database-url postgres://me@db/runs

The home may hold a config.toml and nothing else, and the database no runs. It need not be of the
kind that the backup was made of. Every file is held against its sum first.")]
pub(super) struct Restore {
    /// The folder of the backup
    from: PathBuf,
    /// Say the result as JSON
    #[arg(long)]
    json: bool,
}

/// What was written, and where.
#[derive(Debug, Serialize)]
struct Written {
    to: String,
    #[serde(flatten)]
    manifest: Manifest,
}

impl Backup {
    pub(super) async fn run(self, config: &Config) -> anyhow::Result<Ending> {
        answer::before_a_change(config).await?;
        let service = Service::open(config, Role::Command)?;
        let bar = progress::bar(0, "copying");
        let done = maintenance::backup(service.intake.recorder(), &self.to, |step| show(&bar, step)).await;
        bar.finish_and_clear();
        service.close().await;
        let manifest = done?;
        let to = self.to.display().to_string();
        if self.json {
            output::json(&Written { to, manifest })?;
        } else {
            output::line(&format!(
                "{} and {} that no document holds yet are in {to}.",
                counted(count(manifest.documents), "document"),
                counted(count(manifest.events), "event"),
            ))?;
            eprintln!("The installation's key is in it: keep it as secret as {}.", config.home.display());
        }
        Ok(Ending::Done)
    }
}

impl Restore {
    pub(super) async fn run(self, config: &Config) -> anyhow::Result<Ending> {
        let bar = progress::bar(0, "restoring");
        let options = |installation: &_| Service::options_for(config, installation);
        let clock = Arc::new(SystemClock::default());
        let done: Restored =
            maintenance::restore(&self.from, &config.home, options, clock, |step| show(&bar, step)).await?;
        bar.finish_and_clear();
        if self.json {
            output::json(&done)?;
        } else {
            output::line(&format!(
                "{} with {} restored into {}.",
                counted(count(done.runs), "run"),
                counted(count(done.decisions), "decision"),
                config.home.display()
            ))?;
        }
        for problem in &done.unreadable {
            eprintln!("not readable: {problem}");
        }
        Ok(if done.unreadable.is_empty() { Ending::Done } else { Ending::Trouble })
    }
}

fn show(bar: &indicatif::ProgressBar, step: Step) {
    match step {
        Step::Documents(count) => bar.set_length(count),
        Step::Document => bar.inc(1),
    }
}

fn count(count: u64) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}
