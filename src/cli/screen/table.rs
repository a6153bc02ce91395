//! Columns that fit the screen: the less important ones go first, then long ones are shortened.
//!
//! Widths are settled from a first page of rows, so that a list of any length can be written as it is read.

use whytrace::scorecard::Tone;

use super::paint::Paint;
use super::text::{fill, fit, width};

/// Columns between two columns.
const SPACE: usize = 2;

/// One column, more important than those that follow it in rank.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Column {
    /// Its heading.
    pub(crate) title: &'static str,
    /// On which side its texts stand.
    pub(crate) align: Align,
    /// Where it stands among the others when not all fit; what is 0 is always shown.
    pub(crate) rank: u8,
    /// The width below which it is better left out.
    pub(crate) least: usize,
    /// The width beyond which it is cut on a screen, be there room or not.
    pub(crate) most: usize,
}

/// On which side texts stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Align {
    Left,
    Right,
}

/// A text in a table.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cell {
    text: String,
    tone: Tone,
}

/// Which columns are shown, and how wide.
#[derive(Debug)]
pub(crate) struct Layout {
    columns: Vec<Column>,
    /// `None` for those that are left out.
    widths: Vec<Option<usize>>,
}

impl Column {
    /// A column of texts of which none is cut to less than 6 columns.
    pub(crate) const fn new(title: &'static str, rank: u8) -> Self {
        Self { title, align: Align::Left, rank, least: 6, most: 24 }
    }

    /// The same between these widths.
    pub(crate) const fn between(self, least: usize, most: usize) -> Self {
        Self { least, most, ..self }
    }

    /// The same of numbers, which are never cut.
    pub(crate) const fn numbers(self) -> Self {
        Self { align: Align::Right, least: usize::MAX, most: usize::MAX, ..self }
    }

    /// The same of words that are never cut.
    pub(crate) const fn whole(self) -> Self {
        Self { least: usize::MAX, most: usize::MAX, ..self }
    }
}

impl Cell {
    /// A text of others, which is made safe to show.
    pub(crate) fn new(text: impl AsRef<str>) -> Self {
        Self { text: whytrace::shown::one_line(text.as_ref()), tone: Tone::Plain }
    }

    /// The same in a tone.
    pub(crate) fn in_tone(self, tone: Tone) -> Self {
        Self { tone, ..self }
    }
}

impl Layout {
    /// What of these columns fits the columns of a screen, for rows like these; without a screen, all of them, whole. A
    /// column that is empty in all rows is left out.
    pub(crate) fn of(columns: &[Column], rows: &[Vec<Cell>], screen: Option<usize>) -> Self {
        let natural: Vec<usize> = columns
            .iter()
            .enumerate()
            .map(|(place, column)| {
                let texts = rows.iter().filter_map(|row| row.get(place)).map(|cell| width(&cell.text));
                match texts.max().unwrap_or(0) {
                    0 => 0,
                    widest if screen.is_none() => widest.max(width(column.title)),
                    widest => widest.max(width(column.title)).min(column.most),
                }
            })
            .collect();
        let mut order: Vec<usize> =
            (0..columns.len()).filter(|place| natural.get(*place) > Some(&0)).collect();
        order.sort_by_key(|place| columns.get(*place).map(|column| column.rank));
        let mut layout = Self { columns: columns.to_vec(), widths: vec![None; columns.len()] };
        let mut room = screen.unwrap_or(usize::MAX / 2) + SPACE;
        let least = |place: usize| -> Option<(usize, bool)> {
            let (column, natural) = (columns.get(place)?, natural.get(place)?);
            Some((column.least.min(*natural), column.rank == 0))
        };
        for place in &order {
            let Some((least, is_needed)) = least(*place) else { continue };
            if is_needed || least + SPACE <= room {
                let given = least.min(room.saturating_sub(SPACE)).max(1);
                room = room.saturating_sub(given + SPACE);
                layout.set(*place, given);
            }
        }
        // What is left goes to those first that need little of it.
        order.sort_by_key(|place| natural.get(*place));
        for place in order {
            if let (Some(given), Some(natural)) = (layout.width(place), natural.get(place)) {
                let more = natural.saturating_sub(given).min(room);
                room -= more;
                layout.set(place, given + more);
            }
        }
        layout
    }

    /// How wide a column is, by its place; `None` where it is left out.
    pub(crate) fn width(&self, place: usize) -> Option<usize> {
        self.widths.get(place).copied().flatten()
    }

    /// The headings.
    pub(crate) fn head(&self, paint: Paint) -> String {
        let titles: Vec<Cell> =
            self.columns.iter().map(|column| Cell::new(column.title).in_tone(Tone::Label)).collect();
        self.row(&titles, paint)
    }

    /// A row, without white space at its end.
    pub(crate) fn row(&self, cells: &[Cell], paint: Paint) -> String {
        let mut line = String::new();
        let mut behind = 0;
        for ((column, columns), cell) in self.columns.iter().zip(&self.widths).zip(cells) {
            let Some(columns) = columns else { continue };
            let text = fit(&cell.text, *columns);
            let filling = fill(&text, *columns);
            if !text.is_empty() {
                let before = if column.align == Align::Right { filling.len() } else { 0 };
                line.push_str(&" ".repeat(behind + before));
                line.push_str(&paint.text(cell.tone, &text));
                behind = filling.len() - before + SPACE;
            } else {
                behind += columns + SPACE;
            }
        }
        line
    }

    fn set(&mut self, place: usize, columns: usize) {
        if let Some(width) = self.widths.get_mut(place) {
            *width = Some(columns);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: [Column; 4] = [
        Column::new("RUN", 0).between(8, 30),
        Column::new("SCORE", 1).numbers(),
        Column::new("PROJECT", 3),
        Column::new("QUERY", 2).between(10, 40),
    ];

    fn rows() -> Vec<Vec<Cell>> {
        [("run-1", "2.4", "cobot", "who builds cobots in 東京?"), ("run-22", "12.4", "", "why?")]
            .map(|(a, b, c, d)| [a, b, c, d].map(Cell::new).to_vec())
            .to_vec()
    }

    fn shown(columns: Option<usize>) -> String {
        let layout = Layout::of(&COLUMNS, &rows(), columns);
        let paint = Paint::new(false);
        let rows: Vec<String> = rows().iter().map(|row| layout.row(row, paint)).collect();
        format!("{}\n{}", layout.head(paint), rows.join("\n"))
    }

    #[test]
    fn a_table_keeps_to_the_screen_and_lets_the_least_important_go() {
        let widths = [None, Some(36), Some(28), Some(14), Some(4)];
        insta::assert_snapshot!(widths.map(shown).join("\n\n"), @r"
        RUN     SCORE  PROJECT  QUERY
        run-1     2.4  cobot    who builds cobots in 東京?
        run-22   12.4           why?

        RUN     SCORE  PROJECT  QUERY
        run-1     2.4  cobot    who builds…
        run-22   12.4           why?

        RUN     SCORE  QUERY
        run-1     2.4  who builds c…
        run-22   12.4  why?

        RUN     SCORE
        run-1     2.4
        run-22   12.4

        RUN
        run…
        run…
        ");
    }
}
