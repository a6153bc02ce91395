//! Lines of plain text that keep to their width, counted in characters.

use crate::shown::one_line;

/// The width of a page.
const PAGE: usize = 80;

/// A text on one line of at most `columns` characters; what does not fit is replaced by `...`.
pub(crate) fn fitted(text: &str, columns: usize) -> String {
    let line = one_line(text);
    if line.chars().count() <= columns {
        return line;
    }
    let dots = columns.min(3);
    let kept: String = line.chars().take(columns - dots).collect();
    format!("{}{:.<dots$}", kept.trim_end(), "")
}

/// A page of plain text, written from top to bottom. Whatever is put on it is made safe to show.
#[derive(Debug, Default)]
pub(super) struct Page {
    lines: Vec<String>,
}

impl Page {
    /// A heading: a rule with a title in it, after an empty line.
    pub(super) fn heading(&mut self, title: &str) {
        if !self.lines.is_empty() {
            self.lines.push(String::new());
        }
        self.lines.push(format!("{:-<PAGE$}", format!("-- {} ", fitted(title, PAGE - 6))));
    }

    /// A text behind `lead`, broken into lines that all begin where the first does.
    pub(super) fn text(&mut self, lead: &str, text: &str) {
        let indent = lead.chars().count();
        let mut lead = lead.to_owned();
        for line in broken(&one_line(text), PAGE.saturating_sub(indent).max(20)) {
            self.lines.push(format!("{lead}{line}").trim_end().to_owned());
            lead = " ".repeat(indent);
        }
    }

    /// The same where there is something to say, else nothing.
    pub(super) fn text_if(&mut self, lead: &str, text: Option<&str>) {
        if let Some(text) = text.filter(|text| !text.trim().is_empty()) {
            self.text(lead, text);
        }
    }

    /// The page, without a line end at its end.
    pub(super) fn finish(self) -> String {
        self.lines.join("\n")
    }
}

/// Breaks a text at its spaces, and inside a word where the word alone is too long. Gives at least one line.
fn broken(text: &str, columns: usize) -> Vec<String> {
    let mut lines = vec![];
    let (mut line, mut width) = (String::new(), 0);
    for word in text.split(' ') {
        let mut letters = word.chars().peekable();
        let length = word.chars().count();
        if width > 0 && width + 1 + length > columns {
            lines.push(std::mem::take(&mut line));
            width = 0;
        } else if width > 0 {
            line.push(' ');
            width += 1;
        }
        while letters.peek().is_some() {
            if width == columns {
                lines.push(std::mem::take(&mut line));
                width = 0;
            }
            line.extend(letters.next());
            width += 1;
        }
    }
    lines.push(line);
    lines
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_word_longer_than_the_line_is_broken_and_the_next_one_follows_it() {
        assert_eq!(broken("ab abcdefghij kl", 4), ["ab", "abcd", "efgh", "ij", "kl"]);
        assert_eq!(broken("", 4), [""]);
    }

    #[test]
    fn a_text_is_cut_to_its_columns_dots_included() {
        assert_eq!(fitted("abcdefgh", 8), "abcdefgh");
        assert_eq!(fitted("abcd fgh i", 8), "abcd...");
        assert_eq!(fitted("abc", 2), "..");
    }

    proptest! {
        #[test]
        fn no_line_is_wider_than_the_page_and_no_letter_is_lost(lead in " {0,12}", text in any::<String>()) {
            let mut page = Page::default();
            page.text(&lead, &text);
            let text_of_page = page.finish();
            prop_assert!(text_of_page.lines().all(|line| line.chars().count() <= PAGE));
            let letters = |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
            prop_assert_eq!(letters(&text_of_page), letters(&one_line(&text)));
        }
    }
}
