//! `whytrace demo`: a history to look around in, in a home of its own.

use clap::Args;
use serde::Serialize;
use whytrace::config::{Config, Settings, default_demo_home};
use whytrace::demo::{Highlights, Recipe};
use whytrace::maintenance::Importer;
use whytrace::model::Timestamp;
use whytrace::recorder::Role;
use whytrace::scorecard::counted;
use whytrace::service::Service;
use whytrace::store::index::{Filter, Scope};

use super::reach::Reach;
use super::{Ending, answer, output, progress};

/// Write the history of a pipeline that does not exist, to look around in.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Demo {
    /// How many runs
    #[arg(long, value_name = "N", default_value_t = 240,
        value_parser = clap::value_parser!(u32).range(i64::from(Recipe::FEWEST_RUNS)..=i64::from(Recipe::MOST_RUNS)))]
    runs: u32,
    /// Another history for each number
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// When the history ends, as RFC 3339 [default: now]
    #[arg(long, value_name = "TIME")]
    until: Option<Timestamp>,
    /// Write it into a home that holds other runs
    #[arg(long)]
    into_existing: bool,
    /// Say the result as JSON
    #[arg(long)]
    json: bool,
}

const EXAMPLES: &str = "Examples:
  whytrace demo                       240 runs, in a home of their own; says what to try next
  whytrace demo --home /tmp/demo      in that folder
  whytrace demo --runs 2000 --seed 7  another and longer history

Without --home or WHYTRACE_HOME the home is whytrace-demo, beside the one that is used otherwise,
with the embedded database in it. The same history is written once, however often it is asked
for. To be rid of it, delete the folder.";

/// What was done, as JSON.
#[derive(Debug, Serialize)]
struct Done {
    home: String,
    database: String,
    seed: u64,
    runs: u32,
    until: Timestamp,
    imported: u64,
    already_there: u64,
    refused: Vec<String>,
    #[serde(flatten)]
    highlights: Highlights,
    next: Vec<Next>,
}

/// A command to try.
#[derive(Debug, Serialize)]
struct Next {
    command: String,
    shows: String,
}

impl Demo {
    /// Gives the demo a home of its own, and in it a database and documents of its own, unless somebody named one.
    pub(super) fn settle(flags: &mut Settings, environment: &Settings) {
        if flags.home.is_some() || environment.home.is_some() {
            return;
        }
        let Some(home) = default_demo_home() else { return };
        let names_file = environment.config.is_some() || flags.config.is_some();
        let names_another = environment.database_url.is_some() || names_file;
        if flags.database_url.is_none() && names_another {
            // What the environment or a file names is the database of real runs.
            flags.database_url = Some(format!("sqlite:{}", home.join("whytrace.db").display()).into());
        }
        if flags.documents.is_none() && (environment.documents.is_some() || names_file) {
            flags.documents = Some(home.display().to_string());
        }
        flags.home = Some(home);
    }

    pub(super) async fn run(self, config: &Config, reach: &Reach) -> anyhow::Result<Ending> {
        answer::before_a_change(config).await?;
        let service = Service::open(config, Role::Command)?;
        let written = self.write(config, &service, reach).await;
        service.close().await;
        let Some(done) = written? else { return Ok(Ending::Trouble) };
        if self.json {
            output::json(&done)?;
        } else {
            done.say()?;
        }
        for refused in &done.refused {
            eprintln!("refused: {refused}");
        }
        Ok(if done.refused.is_empty() { Ending::Done } else { Ending::Trouble })
    }

    /// Writes what is not there yet; nothing into a home that holds other runs, unless that is wished.
    async fn write(&self, config: &Config, service: &Service, reach: &Reach) -> anyhow::Result<Option<Done>> {
        let recorder = service.intake.recorder();
        let recipe = Recipe {
            seed: self.seed,
            runs: self.runs,
            until: self.until.unwrap_or_else(|| recorder.clock().now()),
        };
        let recipe = begun(service, recipe).await?;
        let index = &recorder.stores().index;
        let held = index.count(&Filter::default()).await?;
        let own = index.with_prefix(&recipe.prefix(), &Scope::All, recipe.runs).await?.len() as u64;
        if held > own && !self.into_existing {
            eprintln!(
                "whytrace: {} holds {}; name an empty folder with --home, or say --into-existing",
                config.home.display(),
                counted(usize::try_from(held - own).unwrap_or(usize::MAX), "other run")
            );
            return Ok(None);
        }
        let mut importer = Importer::new(recorder.stores().clone(), service.redactor.clone());
        let bar = progress::bar(recipe.runs.into(), "writing");
        for run in recipe.tell(config.quality) {
            let run = run?;
            if index.is_deleted(&run.trace_id).await? {
                // Somebody has had enough of this one.
                bar.inc(1);
                continue;
            }
            importer.take(run.trace_id.as_str(), serde_json::to_value(&run)?).await;
            bar.inc(1);
        }
        let imported = importer.finish().await?;
        bar.finish_and_clear();
        let highlights = recipe.highlights()?;
        Ok(Some(Done {
            home: config.home.display().to_string(),
            database: config.database.describe(),
            seed: recipe.seed,
            runs: recipe.runs,
            until: recipe.until,
            imported: imported.imported,
            already_there: imported.known,
            refused: imported.refused,
            next: next(&highlights, reach),
            highlights,
        }))
    }
}

impl Done {
    fn say(&self) -> anyhow::Result<()> {
        let Self { runs, home, until, .. } = self;
        let told = match (self.imported, self.already_there) {
            (0, _) => format!("{runs} runs were already there, in {home}"),
            (imported, 0) => format!("{imported} runs are written to {home}"),
            (imported, _) => format!("{imported} runs were missing and are written to {home}"),
        };
        let end = until.to_chrono().format("%Y-%m-%d");
        output::line(&format!("{told}."))?;
        let days = Recipe::DAYS;
        output::line(&format!(
            "They tell {days} days, up to {end}, of a research pipeline that does not exist."
        ))?;
        output::line("\nTry next:")?;
        for Next { command, shows } in &self.next {
            output::line(&format!("\n  # {shows}\n  {command}"))?;
        }
        Ok(())
    }
}

/// The recipe of a history that has been begun, which ends when it ended then.
async fn begun(service: &Service, recipe: Recipe) -> anyhow::Result<Recipe> {
    let first = service.query.trace(recipe.trace_id(1)?.as_str(), &Scope::All).await;
    let until = match first {
        Ok(loaded) => Recipe::end_of(&loaded.trace),
        Err(whytrace::Error::UnknownTrace { .. }) => None,
        Err(error) => return Err(error.into()),
    };
    Ok(Recipe { until: until.unwrap_or(recipe.until), ..recipe })
}

fn next(highlights: &Highlights, reach: &Reach) -> Vec<Next> {
    let Highlights { before, after, .. } = highlights;
    let to_try: [(&[&str], String); 7] = [
        (&["show", "last", "--verbose"], "the latest run: what it decided, and why".to_owned()),
        (&["list", "--status", "failed"], "runs that broke, each with its error".to_owned()),
        (
            &["compare", before.as_str(), after.as_str()],
            format!(
                "one question before and after a release: where they part first ({})",
                highlights.divergent_decision
            ),
        ),
        (
            &["flags"],
            format!("what asks for attention by itself, such as the domain {}", highlights.weak_domain),
        ),
        (
            &["patterns"],
            format!("principles that keep failing: {} is getting worse", highlights.failing_principle),
        ),
        (&["summary", "--group-by", "domain"], "the same runs added up, domain by domain".to_owned()),
        (&["serve"], "an MCP server over these runs, for an agent to ask".to_owned()),
    ];
    to_try.into_iter().map(|(words, shows)| Next { command: reach.command(words), shows }).collect()
}
