//! Answering a flag: acknowledge, snooze, resolve, reopen.

use clap::error::ErrorKind;
use clap::{Args, Subcommand};
use whytrace::Error;
use whytrace::calibration::Flag;
use whytrace::config::Config;
use whytrace::gate::request::{FlagAction, ReviewRequest};
use whytrace::query::Query;
use whytrace::recorder::Role;
use whytrace::service::Service;
use whytrace::store::index::Scope;

use super::{as_json, short_id, state_text};
use crate::cli::{Ending, answer, output, usage};

/// What is done with a flag. Doing it again is harmless.
#[derive(Debug, Subcommand)]
pub(super) enum Order {
    /// You know of it: it is silent, and still counts
    Acknowledge(Named),
    /// It is silent until a time
    Snooze {
        #[command(flatten)]
        named: Named,
        /// RFC 3339, a date, or from now: 12h, 7d
        #[arg(long, value_name = "WHEN", default_value = "7d")]
        until: String,
    },
    /// Its cause is gone: only runs that finish later count
    Resolve(Named),
    /// It counts again
    Reopen(Named),
}

#[derive(Debug, Args)]
pub(super) struct Named {
    /// The flag's id, its last part, or its beginning
    flag: String,
    /// Say the flag as JSON
    #[arg(long)]
    json: bool,
}

impl Order {
    pub(super) async fn give(&self, config: &Config) -> anyhow::Result<Ending> {
        let (named, flag_action, snooze_until) = match self {
            Self::Acknowledge(named) => (named, FlagAction::Acknowledge, None),
            Self::Snooze { named, until } => (named, FlagAction::Snooze, Some(until.clone())),
            Self::Resolve(named) => (named, FlagAction::Resolve, None),
            Self::Reopen(named) => (named, FlagAction::Reopen, None),
        };
        let query = Query::new(Service::stores(config));
        let flags =
            query.flags(&Scope::All).await.map_err(|error| answer::needing_database(error, config))?;
        let Some(flag_id) = named.among(&flags) else { return Ok(Ending::Trouble) };
        let service = Service::open(config, Role::Command)?;
        let request = ReviewRequest {
            flag_id: Some(flag_id),
            flag_action: Some(flag_action),
            snooze_until,
            ..ReviewRequest::default()
        };
        let done = service.intake.review(request, &Scope::All).await;
        service.close().await;
        let done = done.map_err(|error| match error {
            Error::Refused(refusal) => usage(ErrorKind::ValueValidation, refusal.to_string()),
            other => answer::needing_database(other, config),
        })?;
        let Some(flag) = done.flag else { return Ok(Ending::Trouble) };
        if named.json {
            output::json(&as_json(&flag))?;
        } else {
            output::line(&format!("{} is {}.", flag.id, state_text(&flag)))?;
        }
        Ok(Ending::Done)
    }
}

impl Named {
    /// The id that is meant; says so where it is none or several.
    fn among(&self, flags: &[Flag]) -> Option<String> {
        let exact = flags.iter().find(|flag| flag.id == self.flag || short_id(flag) == self.flag);
        if let Some(exact) = exact {
            return Some(exact.id.clone());
        }
        let meant: Vec<&Flag> = flags.iter().filter(|flag| flag.id.starts_with(&self.flag)).collect();
        if let [only] = meant.as_slice() {
            return Some(only.id.clone());
        }
        let some = if meant.is_empty() { flags.iter().collect() } else { meant.clone() };
        let fault = if meant.is_empty() { "no flag called" } else { "several flags whose ids begin with" };
        eprintln!("whytrace: {fault} {:?}", self.flag);
        if some.is_empty() {
            eprintln!("No flag was ever raised here.");
        } else {
            eprintln!("Some that exist:");
        }
        for flag in some.iter().take(5) {
            eprintln!("  {}", flag.id);
        }
        None
    }
}
