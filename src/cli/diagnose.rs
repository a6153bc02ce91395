//! `whytrace diagnose`: what most likely went wrong in one run.

use clap::Args;
use serde_json::{Map, Value};
use whytrace::config::Config;
use whytrace::diagnose::{Against, StageLine, Suspect};
use whytrace::query::{Basis, Diagnosed, Query};
use whytrace::scorecard::Tone;
use whytrace::service::Service;
use whytrace::store::index::Scope;
use whytrace::view::saying::{id, name};
use whytrace::view::{Extent, diagnosis};

use super::reach::shell_word;
use super::screen::pager::Sink;
use super::screen::text::wrap;
use super::screen::{Screen, Showing};
use super::{Ending, answer, output, show};

/// Say what most likely went wrong in a run, and why that is suspected.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  whytrace diagnose last-failed
  whytrace diagnose trc_20260213 --against trc_20260212
  whytrace diagnose last --json | jq '.suspects[0]'

Fixed rules add up points for decisions and stages; the reasons stand below each, with what they
count. Without --against, the run is held against the likest one that went well: asked the same, or
else with the same intent.")]
pub(super) struct Diagnose {
    /// A trace id or the beginning of one, `last`, `last:PROJECT` or `last-failed`
    trace: String,
    /// The run that is the measure
    #[arg(long, value_name = "TRACE")]
    against: Option<String>,
    /// How many suspects to show
    #[arg(long, value_name = "COUNT", default_value_t = 5)]
    suspects: usize,
    /// Say it as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    showing: Showing,
}

impl Diagnose {
    pub(super) async fn run(self, config: &Config) -> anyhow::Result<Ending> {
        let query = Query::new(Service::stores(config));
        for run in std::iter::once(&self.trace).chain(&self.against) {
            if let Err(error) = query.resolve(run, &Scope::All).await {
                return answer::of_run(error, run, &query, config).await;
            }
        }
        let diagnosed = query.diagnose(&self.trace, self.against.as_deref(), &Scope::All).await?;
        show::note(&diagnosed.run);
        if self.json {
            output::json(&as_json(&diagnosed))?;
            return Ok(Ending::Done);
        }
        let screen = self.showing.screen();
        let mut sink = Sink::of(&screen);
        sink.lines(page(&diagnosed, self.suspects, &screen))?;
        sink.finish()?;
        Ok(Ending::Done)
    }
}

fn as_json(diagnosed: &Diagnosed) -> Map<String, Value> {
    let found = &diagnosed.diagnosis;
    let mut fields = Map::new();
    fields.insert("trace_id".to_owned(), id(&found.trace_id).into());
    fields.insert("run".to_owned(), diagnosis::run(found, Extent::Whole));
    let suspects = found.suspects.iter().map(|one| diagnosis::suspect(one, Extent::Whole));
    fields.insert("suspects".to_owned(), suspects.collect());
    fields.insert("suspect_count".to_owned(), found.suspect_count.into());
    if let Some(against) = &found.against {
        fields.insert("against".to_owned(), diagnosis::against(against, basis(diagnosed).0));
    }
    fields.insert("stages".to_owned(), found.skeleton.iter().map(diagnosis::stage).collect());
    fields
}

fn page(diagnosed: &Diagnosed, most: usize, screen: &Screen) -> Vec<String> {
    let found = &diagnosed.diagnosis;
    let mut lines = answer::heading(screen, &format!("{}: {}", id(&found.trace_id), found.outcome_told()));
    let intent = found.intent.as_ref().map(|intent| format!(", intent {}", name(intent))).unwrap_or_default();
    let about = format!("project {}{intent}; {}", name(&found.project), found.size_told());
    lines.extend(wrap(&about, screen.columns()));
    lines.push(String::new());
    match found.nothing_told() {
        Some(told) => lines.extend(wrap(told, screen.columns())),
        None => lines.extend(answer::heading(screen, "Suspects, likeliest first")),
    }
    for (suspect, place) in found.suspects.iter().take(most).zip(1..) {
        lines.extend(suspect_lines(suspect, place, screen));
    }
    let more = found.suspect_count.saturating_sub(most);
    if more > 0 {
        lines.push(format!("  {more} more, of fewer points (--suspects)"));
    }
    lines.push(String::new());
    match &found.against {
        Some(against) => lines.extend(against_lines(diagnosed, against, screen)),
        None if diagnosed.database_away.is_some() => {
            lines.extend(wrap("No comparison and no habits: the database is away.", screen.columns()));
        }
        None => lines.extend(wrap("No comparable run of this project went well.", screen.columns())),
    }
    lines.push(String::new());
    lines.extend(answer::heading(screen, "Stages, with their decisions"));
    lines.extend(found.skeleton.iter().flat_map(|line| stage_lines(line, screen)));
    if !found.suspects.is_empty() {
        let all = format!("All of it: whytrace show {} --verbose", shell_word(&id(&found.trace_id)));
        lines.push(String::new());
        lines.extend(wrap(&all, screen.columns()).iter().map(|line| screen.paint.label(line)));
    }
    lines
}

fn suspect_lines(suspect: &Suspect, place: usize, screen: &Screen) -> Vec<String> {
    let title = format!("{} ({} points)", suspect.title(), suspect.score);
    let mut lines = screen.behind(&format!("  {place}. "), &title, Tone::Notice);
    for reason in suspect.reasons() {
        lines.extend(screen.behind("     - ", &reason, Tone::Plain));
    }
    if let Some(basis) = suspect.basis() {
        lines.extend(screen.behind("     ", &basis, Tone::Label));
    }
    lines
}

fn against_lines(diagnosed: &Diagnosed, against: &Against, screen: &Screen) -> Vec<String> {
    let title =
        format!("Against {} ({}{})", id(&against.trace_id), against.outcome.told(), basis(diagnosed).1);
    let mut lines = answer::heading(screen, &title);
    lines.extend(screen.behind("  ", &against.told(), Tone::Plain));
    if let Some(first) = against.first_told() {
        lines.extend(screen.behind("  first unlike it: ", &first, Tone::Plain));
    }
    if let Some(missing) = against.missing_told() {
        lines.extend(screen.behind("  only there:      ", &missing, Tone::Plain));
    }
    lines
}

fn stage_lines(line: &StageLine, screen: &Screen) -> Vec<String> {
    let tone = if line.error.is_some() { Tone::Bad } else { Tone::Plain };
    screen.behind("  ", &line.told(), tone)
}

/// Why the run is the measure: in data, and in words.
fn basis(diagnosed: &Diagnosed) -> (&'static str, &'static str) {
    match diagnosed.basis {
        Some(Basis::Query) => ("same_query", ", same query"),
        Some(Basis::Intent) => ("same_intent", ", same intent"),
        Some(Basis::Named) | None => ("named", ""),
    }
}
