//! `whytrace compare`: two runs side by side.

mod decisions;
mod figures;
mod group;

use clap::Args;
use serde_json::{Map, Value};
use whytrace::config::Config;
use whytrace::diff::{ComparedRun, Comparison, Divergence, Entry, FirstDifference};
use whytrace::query::{Compared, GroupCompared, Query};
use whytrace::scorecard::{Tone, counted, gate_tone, gate_word, score_text};
use whytrace::service::Service;
use whytrace::store::index::Scope;
use whytrace::view::saying::{id, name};
use whytrace::view::{Extent, comparison};

use self::decisions::decision_lines;
use self::figures::figures;
use super::screen::pager::Sink;
use super::screen::text::{width, wrap};
use super::screen::{Screen, Showing};
use super::{Ending, answer, output};

/// What the runs are called on the screen, as in the columns and on the command line.
const NAMES: [&str; 2] = ["A", "B"];

/// Hold run B against run A.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  whytrace compare trc_20260212 last
  whytrace compare last:cobot last-failed --same
  whytrace compare A B --json | jq .first_divergence
  whytrace compare passed last-failed  where it left the way of those that passed

Every change is from A to B: begin with the run that is the measure, such as the good one.")]
pub(super) struct Compare {
    /// The measure: a trace id or the beginning of one, `last`, `last:PROJECT` or `last-failed`; or `passed`, the
    /// newest runs that passed, of B's project and query or intent, or `passed:INTENT`
    a: String,
    /// Held against it
    b: String,
    /// Also the decisions made alike
    #[arg(long)]
    same: bool,
    /// Say it as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    showing: Showing,
}

impl Compare {
    pub(super) async fn run(self, config: &Config) -> anyhow::Result<Ending> {
        let query = Query::new(Service::stores(config));
        let is_group = query.is_group(&self.a, &Scope::All).await?;
        for run in [&self.a, &self.b].into_iter().skip(usize::from(is_group)) {
            if let Err(error) = query.resolve(run, &Scope::All).await {
                return answer::of_run(error, run, &query, config).await;
            }
        }
        let compared = match query.hold_against(&self.a, &self.b, &Scope::All).await? {
            Compared::Run(compared) => compared,
            Compared::Group(compared) => return self.tell_group(&compared),
        };
        if self.json {
            output::json(&as_json(&compared, self.same))?;
            return Ok(Ending::Done);
        }
        let screen = self.showing.screen();
        let mut sink = Sink::of(&screen);
        sink.lines(page(&compared, self.same, &screen))?;
        sink.finish()?;
        Ok(Ending::Done)
    }

    fn tell_group(&self, compared: &GroupCompared) -> anyhow::Result<Ending> {
        if self.json {
            output::json(&group::as_json(compared))?;
            return Ok(Ending::Done);
        }
        let screen = self.showing.screen();
        let mut sink = Sink::of(&screen);
        sink.lines(group::page(compared, &screen))?;
        sink.finish()?;
        Ok(Ending::Done)
    }
}

fn as_json(compared: &Comparison, with_same: bool) -> Map<String, Value> {
    let mut fields = Map::new();
    fields.insert("trace_id_a".to_owned(), id(&compared.a.trace_id).into());
    fields.insert("trace_id_b".to_owned(), id(&compared.b.trace_id).into());
    for (name, value) in comparison::figures(compared) {
        if !value.is_null() {
            fields.insert(name.to_owned(), value);
        }
    }
    fields.insert("same".to_owned(), compared.counts.same.into());
    let stages = compared.stages.iter().map(|stage| comparison::stage(stage, Extent::Whole));
    fields.insert("stages".to_owned(), stages.collect());
    let decisions = compared.decisions.iter().filter(|one| with_same || Entry::Decision(one).differs());
    let decisions = decisions.map(|one| comparison::decision(one, Extent::Whole));
    fields.insert("decisions".to_owned(), decisions.collect());
    let stretches = compared.stretches().iter().map(|one| comparison::stretch(one, Extent::Whole));
    fields.insert("stretches".to_owned(), stretches.collect());
    fields
}

fn page(compared: &Comparison, with_same: bool, screen: &Screen) -> Vec<String> {
    let columns = screen.columns();
    let quality = &compared.quality;
    let mut lines = answer::heading(screen, "B against A");
    lines.extend(run_lines(
        "A",
        &compared.a,
        quality.a_given.map_or(quality.a, |given| Some(given.score)),
        screen,
    ));
    lines.extend(run_lines(
        "B",
        &compared.b,
        quality.b_given.map_or(quality.b, |given| Some(given.score)),
        screen,
    ));
    for caveat in &compared.comparable {
        lines.extend(
            wrap(&format!("Note: {}", caveat.told(NAMES)), columns)
                .iter()
                .map(|line| screen.paint.text(Tone::Notice, line)),
        );
    }
    lines.push(String::new());
    match &compared.first_divergence {
        Some(divergence) => lines.extend(divergence_lines(divergence, screen)),
        None => lines.extend(answer::heading(screen, "No divergence: both decided alike throughout")),
    }
    lines.extend(compared.first_difference.iter().flat_map(|first| first_difference(first, screen)));
    lines.push(String::new());
    lines.extend(figures(compared, screen));
    lines.extend(gap_lines(compared, screen));
    lines.push(String::new());
    lines.extend(decision_lines(compared, with_same, screen));
    lines
}

fn run_lines(letter: &str, run: &ComparedRun, score: Option<f64>, screen: &Screen) -> Vec<String> {
    let columns = screen.columns().saturating_sub(5);
    let verdict = if run.passed.is_some() { gate_word(run.passed) } else { "" };
    let score = score.map(|score| format!("  {}", score_text(score))).unwrap_or_default();
    let plain = format!("{}{score}  ", run.status.replace('_', " "));
    let result = format!("{plain}{}", screen.paint.text(gate_tone(run.passed), verdict));
    let id = screen.fitted(&run.trace_id, columns);
    let letter = screen.paint.label(letter);
    let mut lines = if width(&id) + 2 + width(&plain) + verdict.len() <= columns {
        vec![format!("  {letter}  {id}  {}", result.trim_end())]
    } else {
        vec![format!("  {letter}  {id}"), format!("     {}", result.trim_end())]
    };
    if let Some(error) = &run.error {
        lines.extend(screen.behind("     ", &format!("error: {error}"), Tone::Bad));
    }
    lines
}

fn divergence_lines(divergence: &Divergence, screen: &Screen) -> Vec<String> {
    let columns = screen.columns();
    let title = format!(
        "First divergence, after {} alike: {} / {}",
        counted(divergence.agreed_before, "decision"),
        name(&divergence.stage),
        name(&divergence.decision)
    );
    let mut lines = answer::heading(screen, &title);
    let reason = wrap(&divergence.reason.told(NAMES), columns.saturating_sub(2));
    lines.extend(reason.iter().map(|line| format!("  {line}")));
    for (letter, choice) in [("A", &divergence.a), ("B", &divergence.b)] {
        let Some(choice) = choice else { continue };
        let is_there = choice.stage == divergence.stage && choice.decision == divergence.decision;
        let place = if is_there {
            String::new()
        } else {
            format!("{} / {}: ", name(&choice.stage), name(&choice.decision))
        };
        let confidence = choice.confidence.map(|confidence| format!(", confidence {confidence:.2}"));
        let inputs = choice.inputs.as_ref().map(|inputs| format!(" {inputs}")).unwrap_or_default();
        let text = format!("{place}{}{inputs}{}", choice.what, confidence.unwrap_or_default());
        lines.extend(screen.behind(&format!("  {letter}  "), &text, Tone::Plain));
        if choice.why.chars().any(char::is_alphanumeric) {
            lines.extend(screen.behind("     why: ", &choice.why, Tone::Plain));
        }
    }
    lines
}

fn first_difference(first: &FirstDifference, screen: &Screen) -> Vec<String> {
    let text = format!("{}: {} / {}", first.told(), name(&first.stage), name(&first.decision));
    screen.behind("  Before that, ", &text, Tone::Label)
}

fn gap_lines(compared: &Comparison, screen: &Screen) -> Vec<String> {
    let gaps = &compared.gaps;
    [
        ("  Gaps of A only: ", &gaps.only_a, Tone::Good),
        ("  Gaps of B only: ", &gaps.only_b, Tone::Bad),
        ("  Gaps of both:   ", &gaps.both, Tone::Notice),
    ]
    .into_iter()
    .filter(|(_, gaps, _)| !gaps.is_empty())
    .flat_map(|(lead, gaps, tone)| {
        let gaps: Vec<String> = gaps.iter().map(|gap| name(gap)).collect();
        screen.behind(lead, &gaps.join(", "), tone)
    })
    .collect()
}
