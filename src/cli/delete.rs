//! `whytrace delete`: runs, everywhere, for good.

use std::io::IsTerminal as _;

use clap::Args;
use clap::error::ErrorKind;
use serde::Serialize;
use whytrace::config::Config;
use whytrace::maintenance;
use whytrace::model::TraceId;
use whytrace::recorder::Role;
use whytrace::service::Service;
use whytrace::shown::{excerpt, one_line};
use whytrace::store::index::Scope;

use super::{Ending, answer, output, usage};

/// Delete runs.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  whytrace delete trc_20260213_143022_a1b2c3d4
  whytrace list --tag demo --all --json | jq -r '.runs[].trace_id' | xargs whytrace delete --yes

A deleted run is gone from journal, documents and database, and does not come back by import or
reindex. At the end the file of the embedded database is written anew, so that nothing of it is
left there: that takes about a second for 100 MB, and as much space again meanwhile.")]
pub(super) struct Delete {
    /// Exact trace ids
    #[arg(required = true, value_name = "TRACE")]
    traces: Vec<TraceId>,
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

/// What was done.
#[derive(Debug, Default, Serialize)]
struct Done {
    /// Runs that are gone now.
    deleted: Vec<TraceId>,
    /// Ids that no run had, and none can have from now on.
    unknown: Vec<TraceId>,
    /// What may still hold something of them, in sentences.
    left_behind: Vec<String>,
}

impl Delete {
    pub(super) async fn run(self, config: &Config) -> anyhow::Result<Ending> {
        if !self.yes && !std::io::stdin().is_terminal() {
            let why = "nobody can be asked here whether to delete for good; say --yes".to_owned();
            usage(ErrorKind::MissingRequiredArgument, why);
        }
        answer::before_a_change(config).await?;
        let service = Service::open(config, Role::Command)?;
        let done = self.delete(&service).await;
        service.close().await;
        let Some(done) = done? else {
            eprintln!("Nothing was deleted.");
            return Ok(Ending::Trouble);
        };
        if self.json {
            output::json(&done)?;
        } else {
            for trace_id in &done.deleted {
                eprintln!("Deleted {trace_id}.");
            }
            for trace_id in &done.unknown {
                eprintln!("There was no trace called {:?}; now there cannot be one.", trace_id.as_str());
            }
            left_behind(&done.left_behind);
        }
        Ok(if done.unknown.is_empty() { Ending::Done } else { Ending::Trouble })
    }

    /// Deletes them one by one; `None` where somebody thought better of it.
    async fn delete(&self, service: &Service) -> anyhow::Result<Option<Done>> {
        if !self.yes && !self.is_meant(service).await? {
            return Ok(None);
        }
        let mut done = Done::default();
        maintenance::gather(service.intake.recorder()).await;
        for trace_id in &self.traces {
            let existed = service.intake.recorder().delete(trace_id).await?;
            let which = if existed { &mut done.deleted } else { &mut done.unknown };
            which.push(trace_id.clone());
        }
        if !self.quick && !done.deleted.is_empty() {
            let ids: Vec<String> = done.deleted.iter().map(|id| json_text(id.as_str())).collect();
            done.left_behind = maintenance::clear(service.intake.recorder(), &ids).await?;
        }
        Ok(Some(done))
    }

    /// Asks on the terminal, telling what the runs are.
    async fn is_meant(&self, service: &Service) -> anyhow::Result<bool> {
        for trace_id in &self.traces {
            match service.query.trace(trace_id.as_str(), &Scope::All).await {
                Ok(loaded) => eprintln!(
                    "  {trace_id}  {}  {}",
                    excerpt(&loaded.trace.project, 30),
                    excerpt(&loaded.trace.run.query, 60)
                ),
                Err(error) => eprintln!("  {trace_id}  ({error})"),
            }
        }
        let these = if self.traces.len() == 1 { "this run" } else { "these runs" };
        is_agreed(&format!("Delete {these} everywhere, for good?"))
    }
}

/// Asks on the terminal.
pub(super) fn is_agreed(question: &str) -> anyhow::Result<bool> {
    eprint!("{question} [y/N] ");
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer)?;
    Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
}

/// Says what may still hold something of what is gone.
pub(super) fn left_behind(sentences: &[String]) {
    for sentence in sentences {
        eprintln!("Still held: {}", one_line(sentence));
    }
}

/// A text as it stands in JSON, without the quotes.
fn json_text(text: &str) -> String {
    serde_json::Value::from(text).to_string().trim_matches('"').to_owned()
}
