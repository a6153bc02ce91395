//! `whytrace redact`: a text taken out of a run, everywhere.

use std::io::{IsTerminal as _, Read as _};
use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;
use clap::error::ErrorKind;
use serde::Serialize;
use whytrace::config::Config;
use whytrace::maintenance::{self, Redacted};
use whytrace::model::TraceId;
use whytrace::recorder::Role;
use whytrace::scorecard::counted;
use whytrace::service::Service;

use super::delete::{is_agreed, left_behind};
use super::{Ending, answer, output, usage};

/// Take a text out of a run.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  whytrace redact trc_20260213_143022_a1b2c3d4 --yes < secret.txt
  whytrace redact trc_20260213_143022_a1b2c3d4 --file secret.txt
  whytrace redact trc_20260213_143022_a1b2c3d4 'Ada Lovelace' --yes

From a file or standard input the text stays out of the shell's history. A mark,
[REDACTED:manual:xxxxxxxx], takes its place in document, summary, events, rows, search and
calibration flags, also where it is part of a key, or of JSON inside a text. The run must have
ended, and no id may hold the text. What was said in other words, or encoded, stays. At the end
the file of the embedded database is written anew. Backups and exports are for you to find.")]
pub(super) struct Redact {
    /// The exact trace id
    trace: TraceId,
    /// The text; read from standard input without it
    #[arg(conflicts_with = "file")]
    text: Option<String>,
    /// A file that holds the text
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// Do not ask; needed where nobody can be asked
    #[arg(long, short)]
    yes: bool,
    /// Leave the file of the embedded database as it is; the text may be readable in it
    #[arg(long)]
    quick: bool,
    /// Say the result as JSON
    #[arg(long)]
    json: bool,
}

/// What was done.
#[derive(Debug, Serialize)]
struct Done {
    trace_id: TraceId,
    #[serde(flatten)]
    redacted: Redacted,
    /// What may still hold the text, in sentences.
    left_behind: Vec<String>,
}

impl Redact {
    pub(super) async fn run(self, config: &Config) -> anyhow::Result<Ending> {
        let can_ask = std::io::stdin().is_terminal() && (self.text.is_some() || self.file.is_some());
        if !self.yes && !can_ask {
            let why = "nobody can be asked here whether to take it out for good; say --yes".to_owned();
            usage(ErrorKind::MissingRequiredArgument, why);
        }
        let text = self.given()?;
        answer::before_a_change(config).await?;
        let service = Service::open(config, Role::Command)?;
        let done = self.redact(&service, &Service::marker(config)?.phrase(&text)?).await;
        service.close().await;
        let Some(done) = done? else {
            eprintln!("Nothing was changed.");
            return Ok(Ending::Trouble);
        };
        let is_found = done.redacted.places > 0;
        if self.json {
            output::json(&done)?;
        } else {
            if is_found {
                let places = counted(usize::try_from(done.redacted.places).unwrap_or(usize::MAX), "place");
                output::line(&format!("Taken out in {places}; {} stands there now.", done.redacted.mark))?;
            } else {
                eprintln!("The text does not stand in the run.");
            }
            if done.redacted.numbers > 0 {
                eprintln!("{} numbers are written with it, and stay.", done.redacted.numbers);
            }
            left_behind(&done.left_behind);
        }
        Ok(if is_found { Ending::Done } else { Ending::Trouble })
    }

    async fn redact(
        &self,
        service: &Service,
        phrase: &whytrace::gate::Phrase,
    ) -> anyhow::Result<Option<Done>> {
        if !self.yes && !is_agreed(&format!("Take the text out of {} for good?", self.trace))? {
            return Ok(None);
        }
        let recorder = service.intake.recorder();
        let redacted = maintenance::redact(recorder, &self.trace, phrase).await?;
        let left_behind =
            if self.quick { Vec::new() } else { maintenance::clear(recorder, phrase.forms()).await? };
        Ok(Some(Done { trace_id: self.trace.clone(), redacted, left_behind }))
    }

    /// The text, without the line end that an editor or `echo` puts behind it.
    fn given(&self) -> anyhow::Result<String> {
        let text = match (&self.text, &self.file) {
            (Some(text), _) => return Ok(text.clone()),
            (None, Some(path)) => {
                std::fs::read_to_string(path).with_context(|| path.display().to_string())?
            }
            (None, None) => {
                let mut text = String::new();
                std::io::stdin().read_to_string(&mut text)?;
                text
            }
        };
        let text = text.strip_suffix('\n').unwrap_or(&text);
        Ok(text.strip_suffix('\r').unwrap_or(text).to_owned())
    }
}
