//! A stand-in for `crate::shown`, with its signatures: text made safe to show.
//!
//! To be replaced in `scorecard.rs` by `pub(crate) use crate::shown;`, and then removed.

use std::borrow::Cow;

/// The text without control characters and the commonest invisible ones.
pub(crate) fn shown(text: &str) -> Cow<'_, str> {
    let unseen = |c: char| {
        (c.is_control() && c != '\n' && c != '\t')
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
                | '\u{feff}' | '\u{e0000}'..='\u{e0fff}')
    };
    if text.contains(unseen) {
        Cow::Owned(text.replace("\r\n", "\n").replace(unseen, ""))
    } else {
        Cow::Borrowed(text)
    }
}

/// [`shown`] on one line: every run of white space becomes one space, none at the ends.
pub(crate) fn one_line(text: &str) -> String {
    shown(text).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// [`one_line`] cut after `max_chars` characters; what was cut is counted.
pub(crate) fn excerpt(text: &str, max_chars: usize) -> String {
    let line = one_line(text);
    match line.char_indices().nth(max_chars) {
        None => line,
        Some((end, _)) => {
            let (kept, cut) = line.split_at(end);
            format!("{kept}…[+{} chars]", cut.chars().count())
        }
    }
}
