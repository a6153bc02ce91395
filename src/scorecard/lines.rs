//! Lines of plain text that keep to their width, and in what tone each part of them is said.
//!
//! Plain text knows no tones; a terminal shows them as colours.

use unicode_segmentation::UnicodeSegmentation as _;

use crate::shown::one_line;

/// What a page is written on.
#[derive(Clone, Copy, Debug)]
pub struct Paper {
    /// The most columns of a line.
    pub columns: usize,
    /// How many columns a text takes.
    pub width: fn(&str) -> usize,
}

/// How a part of a line is meant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tone {
    /// As it is.
    #[default]
    Plain,
    /// It says what the lines below it are about.
    Heading,
    /// It says what stands behind it.
    Label,
    /// It is as one would wish.
    Good,
    /// It is not.
    Bad,
    /// It should be noticed.
    Notice,
}

/// A line, in parts of different tone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Line {
    /// The parts, from left to right.
    pub parts: Vec<(Tone, String)>,
}

impl Paper {
    /// A page that every program can show: 80 columns, one for each character.
    pub(super) const PLAIN: Self = Self { columns: 80, width: characters };

    /// The same paper, of at most so many columns.
    pub(super) fn at_most(self, columns: usize) -> Self {
        Self { columns: self.columns.min(columns), ..self }
    }

    /// The text on one line of at most `columns` columns; what does not fit is replaced by `...`.
    pub(super) fn fitted(self, text: &str, columns: usize) -> String {
        let line = one_line(text);
        if (self.width)(&line) <= columns {
            return line;
        }
        let dots = columns.min(3);
        let mut room = columns - dots;
        let letters = self.letters(&line, room);
        let kept: String = letters.into_iter().take_while(|letter| self.takes(letter, &mut room)).collect();
        format!("{}{:.<dots$}", kept.trim_end(), "")
    }

    /// A rule with a title in it.
    pub(super) fn rule(self, title: &str) -> Line {
        let title = format!("-- {} ", self.fitted(title, self.columns.saturating_sub(6)));
        let rest = self.columns.saturating_sub((self.width)(&title));
        Line::of(Tone::Heading, format!("{title}{:-<rest$}", ""))
    }

    /// Breaks a text at its spaces into lines of at most `columns` columns, and inside a word where the word alone is
    /// too long. Gives at least one line.
    pub fn wrapped(self, text: &str, columns: usize) -> Vec<String> {
        let mut lines = vec![];
        let (mut line, mut room) = (String::new(), columns);
        for word in text.split(' ') {
            let width = (self.width)(word);
            if !line.is_empty() && width + 1 > room {
                lines.push(std::mem::take(&mut line));
                room = columns;
            } else if !line.is_empty() {
                line.push(' ');
                room -= 1;
            }
            for letter in self.letters(word, columns) {
                if !self.takes(letter, &mut room) {
                    lines.push(std::mem::take(&mut line));
                    room = columns;
                    self.takes(letter, &mut room);
                }
                line.push_str(letter);
            }
        }
        lines.push(line);
        lines
    }

    /// The graphemes of a text; one that no line holds, by its characters.
    fn letters(self, text: &str, columns: usize) -> Vec<&str> {
        let of_grapheme = |grapheme| {
            if (self.width)(grapheme) <= columns {
                vec![grapheme]
            } else {
                grapheme.split("").filter(|letter| !letter.is_empty()).collect()
            }
        };
        text.graphemes(true).flat_map(of_grapheme).collect()
    }

    /// Takes the room of a letter, if there is as much.
    fn takes(self, letter: &str, room: &mut usize) -> bool {
        let left = room.checked_sub((self.width)(letter));
        *room = left.unwrap_or(*room);
        left.is_some()
    }
}

impl Line {
    /// A line in one tone.
    pub(super) fn of(tone: Tone, text: impl Into<String>) -> Self {
        Self { parts: vec![(tone, text.into())] }
    }

    /// The line without its tones.
    #[must_use]
    pub fn text(&self) -> String {
        self.parts.iter().map(|(_, text)| text.as_str()).collect()
    }
}

/// Lines without their tones, without a line end at the end.
pub(super) fn plain(lines: &[Line]) -> String {
    lines.iter().map(Line::text).collect::<Vec<_>>().join("\n")
}

/// A text on one line of at most `columns` characters; what does not fit is replaced by `...`.
pub(crate) fn fitted(text: &str, columns: usize) -> String {
    Paper::PLAIN.fitted(text, columns)
}

fn characters(text: &str) -> usize {
    text.chars().count()
}

/// A page, written from top to bottom. Whatever is put on it is made safe to show.
#[derive(Debug)]
pub(super) struct Page {
    paper: Paper,
    lines: Vec<Line>,
}

impl Page {
    /// An empty page.
    pub(super) fn on(paper: Paper) -> Self {
        Self { paper, lines: Vec::new() }
    }

    /// A heading: a rule with a title in it, after an empty line.
    pub(super) fn heading(&mut self, title: &str) {
        if !self.lines.is_empty() {
            self.lines.push(Line::default());
        }
        self.lines.push(self.paper.rule(title));
    }

    /// A text behind `lead`, broken into lines that all begin where the first does.
    pub(super) fn text(&mut self, lead: &str, text: &str) {
        self.toned((Tone::Label, lead), (Tone::Plain, text));
    }

    /// The same in tones of their own.
    pub(super) fn toned(&mut self, (lead_tone, lead): (Tone, &str), (tone, text): (Tone, &str)) {
        let indent = (self.paper.width)(lead);
        let columns = self.paper.columns.saturating_sub(indent).max(20);
        let mut lead = lead.to_owned();
        for line in self.paper.wrapped(&one_line(text), columns) {
            let parts = if line.trim_end().is_empty() {
                vec![(lead_tone, lead.trim_end().to_owned())]
            } else {
                vec![(lead_tone, lead), (tone, line.trim_end().to_owned())]
            };
            self.lines.push(Line { parts });
            lead = " ".repeat(indent);
        }
    }

    /// The text behind `lead` where there is something to say, else nothing.
    pub(super) fn text_if(&mut self, lead: &str, text: Option<&str>) {
        self.toned_if(lead, Tone::Plain, text);
    }

    /// The same in a tone.
    pub(super) fn toned_if(&mut self, lead: &str, tone: Tone, text: Option<&str>) {
        if let Some(text) = text.filter(|text| !text.trim().is_empty()) {
            self.toned((Tone::Label, lead), (tone, text));
        }
    }

    /// The lines of the page.
    pub(super) fn finish(self) -> Vec<Line> {
        self.lines
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_word_longer_than_the_line_is_broken_and_the_next_one_follows_it() {
        assert_eq!(Paper::PLAIN.wrapped("ab abcdefghij kl", 4), ["ab", "abcd", "efgh", "ij", "kl"]);
        assert_eq!(Paper::PLAIN.wrapped("", 4), [""]);
    }

    #[test]
    fn a_text_is_cut_to_its_columns_dots_included() {
        assert_eq!(fitted("abcdefgh", 8), "abcdefgh");
        assert_eq!(fitted("abcd fgh i", 8), "abcd...");
        assert_eq!(fitted("abc", 2), "..");
    }

    /// Every letter above ASCII takes two columns, as those of East Asia do.
    fn wide(text: &str) -> usize {
        text.chars().map(|c| if c.is_ascii() { 1 } else { 2 }).sum()
    }

    #[test]
    fn letters_of_two_columns_are_counted_as_two() {
        let paper = Paper { columns: 8, width: wide };
        assert_eq!(paper.fitted("東京都の空", 8), "東京...");
        assert_eq!(paper.wrapped("東京都 の空", 5), ["東京", "都", "の空"]);
        assert_eq!(Paper { columns: 12, ..paper }.rule("東京都").text(), "-- 東京都 --");
    }

    proptest! {
        #[test]
        fn no_line_is_wider_than_the_page_and_no_letter_is_lost(lead in " {0,12}", text in any::<String>()) {
            let mut page = Page::on(Paper::PLAIN);
            page.text(&lead, &text);
            let text_of_page = plain(&page.finish());
            prop_assert!(text_of_page.lines().all(|line| line.chars().count() <= Paper::PLAIN.columns));
            let letters = |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
            prop_assert_eq!(letters(&text_of_page), letters(&one_line(&text)));
        }
    }
}
