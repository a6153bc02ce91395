//! `whytrace compare`: two runs side by side.

use clap::Args;
use serde_json::{Map, Value};
use whytrace::config::Config;
use whytrace::diff::{
    ChangeKind, Choice, ComparedRun, Comparison, Count, DecisionDifference, Divergence, Measure,
    StageDifference,
};
use whytrace::query::Query;
use whytrace::scorecard::{
    Tone, count_text, counted, duration_text, gate_tone, gate_word, money_text, score_text,
};
use whytrace::service::Service;
use whytrace::store::index::Scope;
use whytrace::view::saying::{id, name};
use whytrace::view::{Extent, comparison};

use super::screen::pager::Sink;
use super::screen::table::{Cell, Column, Layout};
use super::screen::text::{fit, width, wrap};
use super::screen::{Screen, Showing};
use super::{Ending, answer, output};

/// Hold run B against run A.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  whytrace compare trc_20260212 last
  whytrace compare last:cobot last-failed --same
  whytrace compare A B --json | jq .first_divergence

Every change is from A to B: begin with the run that is the measure, such as the good one.")]
pub(super) struct Compare {
    /// The measure: a trace id or the beginning of one, `last`, `last:PROJECT` or `last-failed`
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
        for run in [&self.a, &self.b] {
            if let Err(error) = query.resolve(run, &Scope::All).await {
                return answer::of_run(error, run, &query, config).await;
            }
        }
        let compared = query.compare(&self.a, &self.b, &Scope::All).await?;
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
    let decisions = compared.decisions.iter().filter(|one| with_same || differs(one));
    let decisions = decisions.map(|one| comparison::decision(one, Extent::Whole));
    fields.insert("decisions".to_owned(), decisions.collect());
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
            wrap(&format!("Note: {caveat}"), columns)
                .iter()
                .map(|line| screen.paint.text(Tone::Notice, line)),
        );
    }
    lines.push(String::new());
    match &compared.first_divergence {
        Some(divergence) => lines.extend(divergence_lines(divergence, screen)),
        None => lines.push(screen.paint.heading("No divergence: both decided alike throughout")),
    }
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
    let id = fit(&run.trace_id, columns);
    let letter = screen.paint.label(letter);
    let mut lines = if width(&id) + 2 + width(&plain) + verdict.len() <= columns {
        vec![format!("  {letter}  {id}  {}", result.trim_end())]
    } else {
        vec![format!("  {letter}  {id}"), format!("     {}", result.trim_end())]
    };
    if let Some(error) = &run.error {
        lines.extend(behind("     ", &format!("error: {error}"), Tone::Bad, screen));
    }
    lines
}

fn divergence_lines(divergence: &Divergence, screen: &Screen) -> Vec<String> {
    let columns = screen.columns();
    let title = format!(
        "First divergence, after {} alike: {} / {}",
        counted(usize::try_from(divergence.agreed_before).unwrap_or(0), "decision"),
        name(&divergence.stage),
        name(&divergence.decision)
    );
    let mut lines = answer::heading(screen, &title);
    let reason = wrap(&divergence.reason, columns.saturating_sub(2));
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
        let text = format!("{place}{}{}", choice.what, confidence.unwrap_or_default());
        lines.extend(behind(&format!("  {letter}  "), &text, Tone::Plain, screen));
        if !choice.why.is_empty() {
            lines.extend(behind("     why: ", &choice.why, Tone::Plain, screen));
        }
    }
    lines
}

/// Whether more of something is better.
#[derive(Clone, Copy)]
enum Wish {
    More,
    Less,
    Either,
}

/// Both runs' figures in columns, those that are known of neither left out.
fn figures(compared: &Comparison, screen: &Screen) -> Vec<String> {
    let quality = &compared.quality;
    let on = format!("Quality of {}", quality.scale_max);
    let quality = Measure { a: quality.a, b: quality.b, delta: quality.delta };
    let mut rows: Vec<Vec<Cell>> = Vec::new();
    rows.extend(measure(on, &quality, Wish::More, score_text));
    rows.extend(measure("Duration", &compared.duration_seconds, Wish::Less, duration_text));
    rows.extend(compared.stages.iter().map(stage));
    rows.extend(measure("Cost", &compared.cost_usd, Wish::Less, money_text));
    rows.extend(count("Tokens in", &compared.input_tokens, Wish::Less));
    rows.extend(count("Tokens out", &compared.output_tokens, Wish::Less));
    rows.extend(count("Collected", &compared.evidence_collected, Wish::Either));
    rows.extend(count("Kept", &compared.evidence_kept, Wish::Either));
    rows.extend(count("Filtered out", &compared.evidence_filtered, Wish::Either));
    let columns = [
        Column::new("", 0).between(12, 30),
        Column::new("A", 1).numbers(),
        Column::new("B", 2).numbers(),
        Column::new("CHANGE", 3).numbers(),
        Column::new("", 4).whole(),
    ];
    for row in &mut rows {
        row.resize(columns.len(), Cell::default());
    }
    let layout = Layout::of(&columns, &rows, Some(screen.columns().saturating_sub(2)));
    let mut lines = vec![format!("  {}", layout.head(screen.paint))];
    lines.extend(rows.iter().map(|row| format!("  {}", layout.row(row, screen.paint))));
    lines
}

/// A stage: how long it took, and whether it failed in one of the runs.
fn stage(stage: &StageDifference) -> Vec<Cell> {
    let label = format!("· {}", name(&stage.stage));
    let mut row = measure(&label, &stage.duration_seconds, Wish::Less, duration_text).unwrap_or_else(|| {
        let side = |count: Option<i64>| Cell::new(if count.is_some() { "yes" } else { "-" });
        vec![Cell::new(&label), side(stage.decisions.a), side(stage.decisions.b), Cell::default()]
    });
    let fault = match (&stage.a_error, &stage.b_error) {
        (Some(_), None) => Cell::new("failed in A").in_tone(Tone::Good),
        (None, Some(_)) => Cell::new("failed in B").in_tone(Tone::Bad),
        (Some(_), Some(_)) => Cell::new("failed in both").in_tone(Tone::Bad),
        (None, None) => Cell::default(),
    };
    row.push(fault);
    row
}

fn measure(
    label: impl AsRef<str>,
    measure: &Measure,
    wish: Wish,
    text: impl Fn(f64) -> String,
) -> Option<Vec<Cell>> {
    let side = |side: Option<f64>| Cell::new(side.map_or_else(|| "-".to_owned(), &text));
    let change = measure.delta.map_or_else(Cell::default, |delta| {
        let sign = if delta > 0.0 { "+" } else { "" };
        let said = if delta == 0.0 { "=".to_owned() } else { format!("{sign}{}", text(delta)) };
        Cell::new(said).in_tone(tone(delta.partial_cmp(&0.0), wish))
    });
    (measure.a.is_some() || measure.b.is_some())
        .then(|| vec![Cell::new(label), side(measure.a), side(measure.b), change])
}

fn count(label: &str, count: &Count, wish: Wish) -> Option<Vec<Cell>> {
    let side = |side: Option<i64>| Cell::new(side.map_or_else(|| "-".to_owned(), count_text));
    let change = count.delta.map_or_else(Cell::default, |delta| {
        let sign = if delta > 0 { "+" } else { "" };
        let said = if delta == 0 { "=".to_owned() } else { format!("{sign}{}", count_text(delta)) };
        Cell::new(said).in_tone(tone(Some(delta.cmp(&0)), wish))
    });
    (count.a.is_some() || count.b.is_some())
        .then(|| vec![Cell::new(label), side(count.a), side(count.b), change])
}

/// How a change is meant.
fn tone(change: Option<std::cmp::Ordering>, wish: Wish) -> Tone {
    use std::cmp::Ordering::{Greater, Less};
    match (change, wish) {
        (Some(Greater), Wish::More) | (Some(Less), Wish::Less) => Tone::Good,
        (Some(Less), Wish::More) | (Some(Greater), Wish::Less) => Tone::Bad,
        _ => Tone::Plain,
    }
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
        behind(lead, &gaps.join(", "), tone, screen)
    })
    .collect()
}

fn decision_lines(compared: &Comparison, with_same: bool, screen: &Screen) -> Vec<String> {
    let counts = &compared.counts;
    let title = format!(
        "Decisions: {} same, {} changed (~), {} only in A (-), {} only in B (+)",
        counts.same, counts.changed, counts.only_a, counts.only_b
    );
    let mut lines = answer::heading(screen, &title);
    for difference in compared.decisions.iter().filter(|one| with_same || differs(one)) {
        lines.extend(decision(difference, screen));
    }
    lines
}

/// A decision that differs, or broke in one run alone.
fn differs(difference: &DecisionDifference) -> bool {
    difference.kind != ChangeKind::Same || has_failed(&difference.a) != has_failed(&difference.b)
}

fn has_failed(side: &Option<Choice>) -> bool {
    side.as_ref().is_some_and(|choice| choice.error.is_some())
}

fn decision(difference: &DecisionDifference, screen: &Screen) -> Vec<String> {
    let (sign, tone) = match difference.kind {
        ChangeKind::OnlyA => ('-', Tone::Bad),
        ChangeKind::OnlyB => ('+', Tone::Good),
        ChangeKind::Changed => ('~', Tone::Notice),
        ChangeKind::Same => ('=', Tone::Label),
    };
    let place = format!("{} / {}", name(&difference.stage), name(&difference.decision));
    let place = fit(&place, screen.columns().saturating_sub(4));
    let mut lines = vec![format!("  {} {place}", screen.paint.text(tone, &sign.to_string()))];
    let is_one_line = !difference.what_changed && difference.a.is_some() && difference.b.is_some();
    let sides = [("A", &difference.a), ("B", &difference.b)];
    for (letter, side) in sides.into_iter().filter(|(letter, _)| !is_one_line || *letter == "A") {
        let Some(choice) = side else { continue };
        let letter = if is_one_line { " " } else { letter };
        let confidence =
            choice.confidence.map(|confidence| format!(" ({confidence:.2})")).unwrap_or_default();
        let lead = format!("    {letter} ");
        let text = format!("{}{}", choice.what, if is_one_line { String::new() } else { confidence });
        lines.extend(behind(&lead, &text, Tone::Plain, screen));
        if let Some(error) = &choice.error {
            lines.extend(behind("      ", &format!("error: {error}"), Tone::Bad, screen));
        }
    }
    if is_one_line && difference.confidence_changed {
        let confidence = |side: &Option<Choice>| {
            let confidence = side.as_ref().and_then(|choice| choice.confidence);
            confidence.map_or_else(|| "-".to_owned(), |confidence| format!("{confidence:.2}"))
        };
        let text = format!("confidence {} -> {}", confidence(&difference.a), confidence(&difference.b));
        lines.extend(behind("      ", &text, Tone::Plain, screen));
    }
    for (told, options) in [
        ("B took what A passed over", &difference.taken_up),
        ("B passed over what A took", &difference.dropped),
        ("only A weighed", &difference.considered_only_a),
        ("only B weighed", &difference.considered_only_b),
    ] {
        if !options.is_empty() {
            let options: Vec<String> = options.iter().map(|option| name(option)).collect();
            lines.extend(behind("      ", &format!("{told}: {}", options.join(", ")), Tone::Label, screen));
        }
    }
    if is_one_line && let Some(error) = difference.b.as_ref().and_then(|choice| choice.error.as_ref()) {
        lines.extend(behind("      ", &format!("error in B: {error}"), Tone::Bad, screen));
    }
    lines
}

/// A text behind a label, broken into lines that begin where the first does.
fn behind(lead: &str, text: &str, tone: Tone, screen: &Screen) -> Vec<String> {
    let indent = lead.chars().count();
    let mut lead = screen.paint.label(lead);
    let lines = wrap(text, screen.columns().saturating_sub(indent));
    lines
        .into_iter()
        .map(|line| {
            let line = format!("{lead}{}", screen.paint.text(tone, &line));
            lead = " ".repeat(indent);
            line
        })
        .collect()
}
