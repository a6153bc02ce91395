//! Text made safe to show to people and to models.
//!
//! Stored text is kept as it was sent; views pass it through [`shown`], so that it can neither drive a
//! terminal, nor reorder what stands around it, nor carry words that nobody sees. What is dropped:
//! control characters, ANSI escape sequences whole, bidirectional controls, zero-width and other
//! invisible characters, the tag block, private use. Line ends of every kind become `\n`. An emoji
//! keeps the joiners and variation selectors inside it. Knows nothing of where the text came from.

use std::borrow::Cow;
use std::ops::RangeInclusive;

use unicode_segmentation::UnicodeSegmentation;

const ESCAPE: char = '\u{1b}';
const JOINER: char = '\u{200d}';
const EMOJI_STYLE: char = '\u{fe0f}';

/// The text without anything that is not seen as it is read.
///
/// ```
/// use whytrace::shown::shown;
///
/// assert_eq!(shown("\u{1b}[31mred\u{1b}[0m and \u{202e}plain"), "red and plain");
/// ```
pub fn shown(text: &str) -> Cow<'_, str> {
    if text.chars().all(|c| matches!(c, ' '..='~' | '\n' | '\t') || is_visible(c)) {
        return Cow::Borrowed(text);
    }
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let after = rest.get(c.len_utf8()..).unwrap_or_default();
        rest = match c {
            ESCAPE | '\u{80}'..='\u{9f}' if c != '\u{85}' => after_escape(c, after),
            _ => after,
        };
        if let Some(c) = line_end(c) {
            // CR LF is one line end: the LF that follows brings it.
            if !(c == '\r' && after.starts_with('\n')) {
                kept.push('\n');
            }
        } else if is_visible(c) || belongs_to_emoji(c, kept.chars().next_back(), after.chars().next()) {
            kept.push(c);
        }
    }
    Cow::Owned(kept)
}

/// [`shown`] on one line: every run of white space becomes one space, none at the ends.
pub fn one_line(text: &str) -> String {
    shown(text).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// [`one_line`] cut to at most `max_chars` characters, never within a grapheme unless one alone is
/// longer; what was cut is counted: `the first words…[+120 chars]`.
pub fn excerpt(text: &str, max_chars: usize) -> String {
    let line = one_line(text);
    let total = line.chars().count();
    if total <= max_chars {
        return line;
    }
    let mut chars = 0;
    let mut kept: String = line
        .graphemes(true)
        .take_while(|grapheme| {
            chars += grapheme.chars().count();
            chars <= max_chars
        })
        .collect();
    if kept.is_empty() {
        kept = line.chars().take(max_chars).collect();
    }
    let cut = total - kept.chars().count();
    format!("{kept}…[+{cut} chars]")
}

/// [`excerpt`] in quotation marks that it cannot close.
///
/// ```
/// assert_eq!(whytrace::shown::quoted("the \"best\" one", 20), "\"the 'best' one\"");
/// ```
pub fn quoted(text: &str, max_chars: usize) -> String {
    format!("\"{}\"", excerpt(text, max_chars).replace('"', "'"))
}

/// Whether a character may be shown wherever it stands.
pub(crate) fn is_visible(c: char) -> bool {
    match c {
        '\n' | '\t' => true,
        _ if c.is_control() || is_ignorable(c) => false,
        // Line and paragraph separator, interlinear annotation, private use.
        '\u{2028}' | '\u{2029}' | '\u{fff9}'..='\u{fffb}' => false,
        '\u{e000}'..='\u{f8ff}' | '\u{f0000}'..='\u{10ffff}' => false,
        // Noncharacters.
        '\u{fdd0}'..='\u{fdef}' => false,
        _ => u32::from(c) & 0xfffe != 0xfffe,
    }
}

/// Unicode's Default_Ignorable_Code_Point: what takes no room and is not seen, bidirectional controls,
/// fillers, variation selectors and tags among it, with the format characters of shorthand added.
pub(crate) fn is_ignorable(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
        | '\u{fff0}'..='\u{fff8}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0000}'..='\u{e0fff}')
}

/// What ends a line, as itself.
fn line_end(c: char) -> Option<char> {
    matches!(c, '\r' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}').then_some(c)
}

/// Whether a joiner or selector stands inside an emoji: the selector after one, the joiner between two.
fn belongs_to_emoji(c: char, before: Option<char>, after: Option<char>) -> bool {
    match c {
        EMOJI_STYLE => before.is_some_and(is_emoji),
        JOINER => before.is_some_and(|c| c == EMOJI_STYLE || is_emoji(c)) && after.is_some_and(is_emoji),
        _ => false,
    }
}

/// Roughly the characters that emoji sequences are made of; keycaps (`1`, selector, U+20E3) lose their
/// selector and are still read.
fn is_emoji(c: char) -> bool {
    matches!(c,
        '\u{a9}' | '\u{ae}' | '\u{203c}' | '\u{2049}' | '\u{2122}' | '\u{2139}' | '\u{2190}'..='\u{21ff}'
        | '\u{2300}'..='\u{23ff}' | '\u{25a0}'..='\u{27bf}' | '\u{2900}'..='\u{297f}'
        | '\u{2b00}'..='\u{2bff}' | '\u{1f000}'..='\u{1faff}')
}

/// What follows the escape sequence that `introducer` (ESC or a C1 control) begins; `after` itself
/// where no whole sequence follows, so that an unfinished one hides nothing.
///
/// The sequences of ECMA-48. A control string ends at the first control character of any kind, so
/// every byte is looked at a bounded number of times.
fn after_escape(introducer: char, after: &str) -> &str {
    let kind = match introducer {
        ESCAPE => after.chars().next(),
        // ESC and `@` to `_` stand for the C1 controls.
        c1 => char::from_u32(u32::from(c1) - 0x40),
    };
    let body = if introducer == ESCAPE { after.get(1..).unwrap_or_default() } else { after };
    let whole = match kind {
        Some('[') => {
            skip_final(skip(skip(body, '\u{30}'..='\u{3f}'), '\u{20}'..='\u{2f}'), '\u{40}'..='\u{7e}')
        }
        Some('P' | 'X' | ']' | '^' | '_') => {
            let end = body.trim_start_matches(|c: char| !c.is_control());
            ["\u{7}", "\u{1b}\\", "\u{9c}"].iter().find_map(|terminator| end.strip_prefix(terminator))
        }
        Some('\u{40}'..='\u{5f}') => Some(body),
        // ESC, intermediate characters, one final character.
        _ => skip_final(skip(after, '\u{20}'..='\u{2f}'), '\u{30}'..='\u{7e}'),
    };
    whole.unwrap_or(after)
}

fn skip(text: &str, these: RangeInclusive<char>) -> &str {
    text.trim_start_matches(|c| these.contains(&c))
}

fn skip_final(text: &str, finals: RangeInclusive<char>) -> Option<&str> {
    text.strip_prefix(|c| finals.contains(&c))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ordinary_text_is_borrowed() {
        for text in ["", "plain\n\ttext", "Gr\u{fc}\u{df}e, \u{6771}\u{4eac}, \u{1f680}", "\u{2400}"] {
            assert!(matches!(shown(text), Cow::Borrowed(same) if same == text));
        }
    }

    #[test]
    fn ansi_sequences_go_whole() {
        for (text, expected) in [
            ("\u{1b}[1;31mred\u{1b}[0m", "red"),
            ("\u{9b}2Jcleared", "cleared"),
            ("\u{1b}]0;title\u{7}x", "x"),
            ("\u{1b}]8;;https://a.example\u{1b}\\link\u{1b}]8;;\u{1b}\\", "link"),
            ("\u{9d}0;title\u{9c}x", "x"),
            ("\u{1b}Pq#0\u{1b}\\x", "x"),
            ("\u{1b}(Bx", "x"),
            ("\u{1b}cx", "x"),
        ] {
            assert_eq!(shown(text), expected, "{text:?}");
        }
    }

    #[test]
    fn an_unfinished_sequence_hides_nothing_that_follows() {
        assert_eq!(shown("\u{1b}]0;not a title\nnext"), "]0;not a title\nnext");
        assert_eq!(shown("a\u{1b}[31"), "a[31");
        assert_eq!(shown("a\u{1b}"), "a");
    }

    #[test]
    fn invisible_and_reordering_characters_go() {
        let hidden = "\u{0}\u{8}\u{7f}\u{ad}\u{200b}\u{200c}\u{200e}\u{202e}\u{2066}\u{2060}\u{feff}\u{3164}\
                      \u{e0041}\u{e007f}\u{e000}\u{f8ff}\u{100000}\u{fe00}\u{e0100}\u{fff9}\u{ffff}\u{61c}";
        for c in hidden.chars() {
            assert_eq!(shown(&format!("a{c}b")), "ab", "U+{:04X}", u32::from(c));
        }
    }

    #[test]
    fn every_line_end_becomes_a_newline() {
        assert_eq!(shown("a\r\nb\rc\u{b}d\u{c}e\u{85}f\u{2028}g\u{2029}h"), "a\nb\nc\nd\ne\nf\ng\nh");
    }

    #[test]
    fn emoji_keep_what_joins_them() {
        let rainbow_flag = "\u{1f3f3}\u{fe0f}\u{200d}\u{1f308}";
        let family = "\u{1f469}\u{1f3fd}\u{200d}\u{1f680} \u{2764}\u{fe0f}";
        assert_eq!(shown(rainbow_flag), rainbow_flag);
        assert_eq!(shown(family), family);
        assert_eq!(shown("a\u{200d}\u{1f680}\u{200d}b\u{fe0f}"), "a\u{1f680}b");
    }

    #[test]
    fn an_excerpt_is_one_line_and_counts_what_it_leaves_out() {
        assert_eq!(excerpt("  a\n\n b\tc ", 10), "a b c");
        assert_eq!(excerpt("abcdefghij", 4), "abcd…[+6 chars]");
        assert_eq!(excerpt("ab\u{1f469}\u{200d}\u{1f680}cd", 4), "ab…[+5 chars]");
        assert_eq!(excerpt("a\u{301}\u{302}\u{303}b", 2), "a\u{301}…[+3 chars]");
    }

    fn hostile() -> impl Strategy<Value = String> {
        let odd = prop::sample::select(vec![
            "\u{1b}",
            "[",
            "]",
            "31m",
            "\u{9b}",
            "\u{9d}",
            "\u{7}",
            "\\",
            "\u{200d}",
            "\u{fe0f}",
            "\u{1f680}",
            "\u{202e}",
            "\r",
            "\n",
            "\u{85}",
            "\u{e0041}",
            "a",
            " ",
            "\u{301}",
            "\u{e000}",
        ]);
        prop_oneof![any::<String>(), prop::collection::vec(odd, 0..40).prop_map(|parts| parts.concat())]
    }

    proptest! {
        #[test]
        fn shown_text_is_stable_and_holds_nothing_forbidden(text in hostile()) {
            let once = shown(&text).into_owned();
            prop_assert!(once.chars().all(|c| is_visible(c) || c == JOINER || c == EMOJI_STYLE), "{:?}", once);
            prop_assert_eq!(shown(&once), once.as_str());
        }

        #[test]
        fn an_excerpt_is_bounded_and_on_one_line(text in hostile(), max in 0usize..50) {
            let excerpt = excerpt(&text, max);
            prop_assert!(!excerpt.contains(['\n', '\t', '\r']));
            prop_assert!(excerpt.chars().count() <= max + "…[+ chars]".chars().count() + 20);
        }
    }
}
