//! Text of known width: cut, padded and broken by the columns that it takes on a terminal.
//!
//! All text that comes in was written by others: it is made safe to show, on one line, here.

use unicode_segmentation::UnicodeSegmentation as _;
use whytrace::scorecard::Paper;
use whytrace::shown::one_line;

/// What stands for what was cut.
const CUT: char = '…';

/// How many columns a text takes that is safe to show.
pub(crate) fn width(text: &str) -> usize {
    console::measure_text_width(text)
}

/// The text on one line of at most `columns` columns; where something is cut, it ends in `…`.
pub(crate) fn fit(text: &str, columns: usize) -> String {
    let line = one_line(text);
    if width(&line) <= columns {
        return line;
    }
    let Some(mut room) = columns.checked_sub(1) else { return String::new() };
    let fits = |grapheme: &&str| match room.checked_sub(width(grapheme)) {
        Some(left) => {
            room = left;
            true
        }
        None => false,
    };
    let mut kept: String = line.graphemes(true).take_while(fits).collect();
    kept.truncate(kept.trim_end().len());
    kept.push(CUT);
    kept
}

/// Spaces that fill a text of this width up.
pub(crate) fn fill(text: &str, columns: usize) -> String {
    " ".repeat(columns.saturating_sub(width(text)))
}

/// Breaks a text at its spaces into lines of at most `columns` columns; a word that is longer is broken itself.
pub(crate) fn wrap(text: &str, columns: usize) -> Vec<String> {
    let columns = columns.max(8);
    Paper { columns, width }.wrapped(&one_line(text), columns)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_cut_says_so_and_wide_letters_count_as_two() {
        assert_eq!(fit("abcdef", 6), "abcdef");
        assert_eq!(fit("abcdef", 5), "abcd…");
        assert_eq!(fit("ab cdef", 4), "ab…");
        assert_eq!(fit("東京都の空", 6), "東京…");
        assert_eq!(fit("a\tb\nc \u{1b}[31md\u{202e}", 20), "a b c d");
        assert_eq!(fit("abc", 0), "");
    }

    #[test]
    fn a_text_is_broken_at_its_spaces_and_long_words_within() {
        assert_eq!(wrap("one two three four", 9), ["one two", "three", "four"]);
        assert_eq!(wrap("abcdefghijkl mn", 8), ["abcdefgh", "ijkl mn"]);
        assert_eq!(wrap("", 8), [""]);
    }

    proptest! {
        #[test]
        fn nothing_is_wider_than_it_may_be(text in any::<String>(), columns in 8_usize..60) {
            prop_assert!(width(&fit(&text, columns)) <= columns);
            for line in wrap(&text, columns) {
                prop_assert!(width(&line) <= columns, "{line:?}");
            }
        }
    }
}
