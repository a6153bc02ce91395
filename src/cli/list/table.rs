//! How runs stand in rows: which columns there are, and what becomes of those that do not fit.

use whytrace::scorecard::{Tone, count_text, duration_text, gate_tone, gate_word, money_text, score_text};
use whytrace::store::index::TraceLine;
use whytrace::view::saying::{id, name, score};

use crate::cli::screen::Screen;
use crate::cli::screen::table::{Cell, Column, Layout};
use crate::cli::screen::text::fit;

/// How runs stand in rows.
#[derive(Debug)]
pub(super) struct Table {
    layout: Layout,
}

/// The place of the query among the columns.
const QUERY: usize = 12;

fn columns(screen: &Screen) -> [Column; 13] {
    let query = screen.width.map_or(24, |width| (width / 4).max(24));
    [
        Column::new("RUN", 0).between(28, 48),
        Column::new("RESULT", 1).whole(),
        Column::new("SCORE", 2).numbers(),
        Column::new("STARTED (UTC)", 8).whole(),
        Column::new("TIME", 5).numbers(),
        Column::new("COST", 9).numbers(),
        Column::new("DECISIONS", 12).numbers(),
        Column::new("PROJECT", 4).between(10, 20),
        Column::new("INTENT", 10).between(10, 16),
        Column::new("DOMAIN", 11).between(10, 16),
        Column::new("FLAG", 6).whole(),
        Column::new("GAPS", 7).between(8, 24),
        Column::new("QUERY", 3).between(query, 100),
    ]
}

impl Table {
    pub(super) fn of(lines: &[TraceLine], screen: &Screen, is_of_one_project: bool) -> Self {
        let rows: Vec<Vec<Cell>> = lines
            .iter()
            .map(|line| {
                let mut cells = cells(line);
                // What is asked for need not be said in every row.
                if is_of_one_project && let Some(project) = cells.get_mut(7) {
                    *project = Cell::default();
                }
                cells
            })
            .collect();
        Self { layout: Layout::of(&columns(screen), &rows, screen.width) }
    }

    /// The headings.
    pub(super) fn head(&self, screen: &Screen) -> String {
        self.layout.head(screen.paint)
    }

    /// The lines of a run: its row, and below it the query and the error where they are not in it.
    pub(super) fn lines(&self, run: &TraceLine, screen: &Screen) -> Vec<String> {
        let mut lines = vec![self.layout.row(&cells(run), screen.paint)];
        let columns = screen.width.unwrap_or(200).saturating_sub(2);
        if self.layout.width(QUERY).is_none() {
            let query = fit(&run.query, columns);
            if !query.is_empty() {
                lines.push(format!("  {}", screen.paint.label(&query)));
            }
        }
        if let Some(error) = &run.error {
            lines.push(format!(
                "  {}",
                screen.paint.text(Tone::Bad, &fit(&format!("error: {error}"), columns))
            ));
        }
        lines
    }
}

fn cells(run: &TraceLine) -> Vec<Cell> {
    let known = |text: Option<String>| Cell::new(text.unwrap_or_default());
    let tone = gate_tone(run.passed);
    let scale = run.scale_max.filter(|scale| scale.fract() == 0.0);
    let score = match (run.score, scale) {
        (Some(score), Some(scale)) => Some(format!("{}/{scale}", score_text(score))),
        _ => score(run.score, run.scale_max),
    };
    vec![
        Cell::new(id(&run.trace_id)),
        result(run),
        known(score).in_tone(tone),
        Cell::new(run.started_at.to_chrono().format("%Y-%m-%d %H:%M").to_string()).in_tone(Tone::Label),
        known(run.duration_seconds.map(duration_text)),
        known(run.cost_usd.map(money_text)),
        Cell::new(count_text(run.decisions)),
        Cell::new(name(&run.project)),
        known(run.intent.as_deref().map(name)),
        known(run.domain.as_deref().map(name)),
        Cell::new(if run.flagged { "flag" } else { "" }).in_tone(Tone::Notice),
        Cell::new(run.gaps.iter().map(|gap| name(gap)).collect::<Vec<_>>().join(" ")).in_tone(Tone::Bad),
        Cell::new(&run.query),
    ]
}

/// What came of a run in one word: the verdict where it is complete, else where it stands.
fn result(run: &TraceLine) -> Cell {
    match run.status.as_str() {
        "complete" if run.passed.is_some() => Cell::new(gate_word(run.passed)).in_tone(gate_tone(run.passed)),
        "complete" => Cell::new("complete"),
        "failed" => Cell::new("failed").in_tone(Tone::Bad),
        other => Cell::new(other.replace('_', " ")).in_tone(Tone::Notice),
    }
}
