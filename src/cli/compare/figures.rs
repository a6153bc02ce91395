//! What two runs scored, took and used, in columns; the change in the tone of what one would wish.

use whytrace::diff::{Comparison, Count, Measure, StageDifference};
use whytrace::scorecard::{Tone, count_text, duration_text, money_text, score_text};
use whytrace::view::saying::name;

use crate::cli::screen::Screen;
use crate::cli::screen::table::{Cell, Column, Layout};

/// Whether more of something is better.
#[derive(Clone, Copy)]
enum Wish {
    More,
    Less,
    Either,
}

/// Both runs' figures in columns, those that are known of neither left out.
pub(super) fn figures(compared: &Comparison, screen: &Screen) -> Vec<String> {
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
    let layout = Layout::of(&columns, &rows, screen.width.map(|_| screen.columns().saturating_sub(2)));
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
