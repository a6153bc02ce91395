//! An error of the pipeline's as a text that may be recorded, whatever its length.

use std::fmt::{self, Display, Write as _};

use crate::gate::limits::WHY_BYTES;

/// No word of a text that is cut is cut itself, up to this many bytes: half a secret would not be known for one.
const LONGEST_WORD: usize = 1_024;

/// What stands for the rest of a text that is too long.
const REST: char = '\u{2026}';

/// The text of an error: its beginning, where it is longer than the gate lets in. An error that cannot be written to
/// its end gives what it wrote so far, where `to_string` would panic.
pub(super) fn error_text(error: &(impl Display + ?Sized)) -> String {
    let mut bounded = Bounded(String::new());
    // Both kinds of failure, the error's own and the bound's, leave a text that says enough.
    let _ = write!(bounded, "{error}");
    bounded.0
}

/// A text with room for [`WHY_BYTES`].
struct Bounded(String);

impl fmt::Write for Bounded {
    fn write_str(&mut self, more: &str) -> fmt::Result {
        let room = WHY_BYTES - REST.len_utf8() - self.0.len().min(WHY_BYTES - REST.len_utf8());
        if more.len() <= room {
            self.0.push_str(more);
            return Ok(());
        }
        let end = (0..=room).rev().find(|&end| more.is_char_boundary(end)).unwrap_or_default();
        self.0.push_str(more.get(..end).unwrap_or_default());
        let before_last_word = self.0.rfind(char::is_whitespace);
        if let Some(end) = before_last_word.filter(|end| self.0.len() - end <= LONGEST_WORD) {
            self.0.truncate(end);
        }
        self.0.push(REST);
        Err(fmt::Error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_error_is_cut_between_characters_and_has_the_length_that_is_let_in() {
        for before in 0..4 {
            let text = error_text(&format!("{}{}", "x".repeat(before), "\u{1f680}".repeat(WHY_BYTES)));
            assert!(
                (WHY_BYTES - 6..=WHY_BYTES).contains(&text.len()) && text.ends_with(REST),
                "{}",
                text.len()
            );
        }
        assert_eq!(error_text("short"), "short");
    }

    #[test]
    fn a_word_that_does_not_fit_is_left_out_as_a_whole() {
        let text = error_text(&format!("{} Bearer {}", "x".repeat(WHY_BYTES - 30), "a1B2".repeat(10)));
        assert!(text.ends_with(&format!("x Bearer{REST}")), "{}", &text[text.len() - 40..]);
    }
}
