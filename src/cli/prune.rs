//! `whytrace prune`: finished runs that are old enough, everywhere, for good.

use std::io::IsTerminal as _;

use clap::Args;
use clap::builder::PossibleValuesParser;
use clap::error::ErrorKind;
use serde::Serialize;
use whytrace::config::Config;
use whytrace::maintenance::{self, Extent};
use whytrace::model::{Clock as _, Status, SystemClock, Timestamp};
use whytrace::recorder::Role;
use whytrace::scorecard::{count_text, counted};
use whytrace::service::Service;
use whytrace::store::index::Filter;
use whytrace::view::moment::moment;

use super::delete::{is_agreed, left_behind};
use super::filter::About;
use super::{Ending, answer, output, progress, usage};

/// Delete finished runs that are old enough.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  whytrace prune --older-than 180d --dry-run       how much that would be
  whytrace prune --older-than 90d --project cobot --keep-flagged
  whytrace prune --yes                             what `retention_days` says, as from cron

Runs that are open stay; a server closes them when they have been silent for long. Deleted runs
leave their ids behind, so that neither import nor reindex brings them back. At the end the file
of the embedded database is written anew, so that nothing of them is left there; on Postgres the
tables are vacuumed, and its files stay as large as they are.")]
pub(super) struct Prune {
    /// Which ended before this long ago: 180d, 26w, or a date [default: what retention_days says]
    #[arg(long, value_name = "AGE", value_parser = past)]
    older_than: Option<Timestamp>,
    #[command(flatten)]
    about: About,
    /// In this state
    #[arg(long, value_name = "STATE", value_parser = PossibleValuesParser::new(["complete", "failed", "incomplete"]))]
    status: Option<String>,
    /// With this tag
    #[arg(long, value_name = "TAG")]
    tag: Option<String>,
    /// Keep those that are flagged for review
    #[arg(long)]
    keep_flagged: bool,
    /// Say how much it would be, and delete nothing
    #[arg(long)]
    dry_run: bool,
    /// Do not ask; needed where nobody can be asked
    #[arg(long, short)]
    yes: bool,
    /// Leave the file of the embedded database as it is; what was deleted may be readable in it
    #[arg(long)]
    quick: bool,
    /// Say the result as JSON
    #[arg(long)]
    json: bool,
}

/// What was found, and done.
#[derive(Debug, Serialize)]
struct Done {
    dry_run: bool,
    /// What meets the conditions.
    #[serde(flatten)]
    extent: Extent,
    /// Runs that are gone now.
    deleted: u64,
    /// What may still hold something of them, in sentences.
    left_behind: Vec<String>,
}

impl Prune {
    pub(super) async fn run(self, config: &Config) -> anyhow::Result<Ending> {
        if !self.yes && !self.dry_run && !std::io::stdin().is_terminal() {
            let why =
                "nobody can be asked here whether to delete for good; say --yes or --dry-run".to_owned();
            usage(ErrorKind::MissingRequiredArgument, why);
        }
        let filters = self.filters(config);
        answer::before_a_change(config).await?;
        let done = if self.dry_run {
            Some(self.look(config, &filters).await?)
        } else {
            let service = Service::open(config, Role::Command)?;
            let done = self.prune(&service, config, &filters).await;
            service.close().await;
            done?
        };
        let Some(done) = done else {
            eprintln!("Nothing was deleted.");
            return Ok(Ending::Trouble);
        };
        if self.json {
            output::json(&done)?;
        } else if self.dry_run {
            output::line(&format!("{} would be deleted.", said(&done.extent)))?;
        } else {
            output::line(&format!("{} deleted.", runs(done.deleted)))?;
            left_behind(&done.left_behind);
        }
        Ok(Ending::Done)
    }

    async fn look(&self, config: &Config, filters: &[Filter]) -> anyhow::Result<Done> {
        let counting = progress::spinner("looking at runs");
        let stores = Service::stores(config);
        let extent = maintenance::extent(&stores, filters, |count| counting.inc(count)).await?;
        counting.finish_and_clear();
        Ok(Done { dry_run: self.dry_run, extent, deleted: 0, left_behind: Vec::new() })
    }

    /// `None` where somebody thought better of it.
    async fn prune(
        &self,
        service: &Service,
        config: &Config,
        filters: &[Filter],
    ) -> anyhow::Result<Option<Done>> {
        let mut done = self.look(config, filters).await?;
        if done.extent.runs == 0 {
            return Ok(Some(done));
        }
        if !self.yes {
            eprintln!("{}.", said(&done.extent));
            if !is_agreed("Delete them everywhere, for good?")? {
                return Ok(None);
            }
        }
        let recorder = service.intake.recorder();
        let bar = progress::bar(done.extent.runs, "deleting");
        done.deleted = maintenance::prune(recorder, filters, |count| bar.inc(count)).await?;
        bar.finish_and_clear();
        if !self.quick {
            done.left_behind = maintenance::clear(recorder, &[]).await?;
        }
        Ok(Some(done))
    }

    /// What is to go: what the options say, or else what the configuration does.
    fn filters(&self, config: &Config) -> Vec<Filter> {
        let narrowed = |filter: Filter| Filter {
            status: self.status.as_ref().and_then(|status| status.parse::<Status>().ok()),
            tag: self.tag.clone(),
            flagged: self.keep_flagged.then_some(false),
            intent: self.about.intent.clone(),
            domain: self.about.domain.clone(),
            ..filter
        };
        if let Some(older_than) = self.older_than {
            let project = self.about.project.clone();
            return vec![narrowed(Filter { project, ended_until: Some(older_than), ..Filter::default() })];
        }
        if !config.retention.is_limited() {
            let why = "say --older-than, or set retention_days".to_owned();
            usage(ErrorKind::MissingRequiredArgument, why);
        }
        let expired = config.retention.expired(SystemClock::default().now()).into_iter();
        let of_project = |filter: Filter| match (&self.about.project, &filter.project) {
            (None, _) => Some(filter),
            (Some(asked), Some(project)) => (asked == project).then_some(filter),
            (Some(asked), None) => {
                let is_other = filter.not_projects.contains(asked);
                (!is_other).then(|| Filter { project: Some(asked.clone()), ..filter })
            }
        };
        expired.filter_map(of_project).map(narrowed).collect()
    }
}

fn past(text: &str) -> Result<Timestamp, String> {
    let now = SystemClock::default().now();
    let at = moment(text, now).ok_or("say 180d, 26w, 2026-02-13, or 2026-02-13T14:30:22Z")?;
    if at > now { Err("that is still to come".to_owned()) } else { Ok(at) }
}

fn runs(count: u64) -> String {
    counted(usize::try_from(count).unwrap_or(usize::MAX), "run")
}

/// How much it is, in words.
fn said(extent: &Extent) -> String {
    let decisions = counted(usize::try_from(extent.decisions).unwrap_or(usize::MAX), "decision");
    format!("{} with {decisions}, {} of documents", runs(extent.runs), bytes(extent.document_bytes))
}

/// A size as people read it.
fn bytes(bytes: u64) -> String {
    match bytes {
        0..10_000 => format!("{} bytes", count_text(i64::try_from(bytes).unwrap_or(i64::MAX))),
        10_000..10_000_000 => format!("{} kB", count_text(i64::try_from(bytes / 1_000).unwrap_or(i64::MAX))),
        _ => format!("{} MB", count_text(i64::try_from(bytes / 1_000_000).unwrap_or(i64::MAX))),
    }
}
