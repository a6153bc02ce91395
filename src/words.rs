//! Words to search by: how texts are cut, and what a query asks for.
//!
//! Both databases store the words cut here and match whole words only, so that they give the same
//! hits. [`words`] cuts, [`SearchQuery::parse`] reads what somebody typed, and [`SearchQuery::matches`]
//! is what every index has to agree with. Knows neither SQL nor fields.
//!
//! Text is normalised to NFKC rather than NFC: a search should find `ﬁle` by `file`, and full-width
//! Latin or half-width kana by their usual forms. What that loses (`x²` is found by `x2`) nobody
//! searches for.

mod folded;
mod marked;
mod query;

use std::borrow::Cow;
use std::mem;

pub use folded::{CHOICE_BYTES, choice, query_hash};
pub use marked::Marked;
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

pub use query::{QUERY_TERMS, SearchQuery, Term};

use crate::shown::is_ignorable;

/// Longest word in bytes; longer ones are cut, in texts and queries alike.
pub const WORD_BYTES: usize = 64;

/// The words of a text, in order, each of letters, digits and combining marks only.
///
/// Case is folded, invisible characters within a word are passed over, and everything that is neither
/// letter nor digit separates. Han, kana and Hangul, which do not separate words by spaces (or attach
/// particles to them), are cut into overlapping pairs; one that stands alone is a word.
///
/// ```
/// use whytrace::words::words;
///
/// assert_eq!(words("Exa (primary), source_selection"), ["exa", "primary", "source", "selection"]);
/// assert_eq!(words("東京都"), ["東京", "京都"]);
/// ```
pub fn words(text: &str) -> Vec<String> {
    let mut cutter = Cutter::default();
    for c in folded(text).chars() {
        cutter.take(c);
    }
    cutter.finish()
}

/// Collects characters into words.
#[derive(Default)]
struct Cutter {
    words: Vec<String>,
    word: String,
    /// Characters of a CJK run, each with the marks on it.
    run: Vec<String>,
}

impl Cutter {
    fn take(&mut self, c: char) {
        if is_combining_mark(c) {
            // A mark goes to what it stands on; on nothing it is no word.
            if let Some(unit) = self.run.last_mut() {
                unit.push(c);
            } else if !self.word.is_empty() {
                self.word.push(c);
            }
        } else if is_cjk(c) {
            self.end_word();
            self.run.push(c.to_string());
        } else if c.is_alphanumeric() {
            self.end_run();
            self.word.push(c);
        } else {
            self.end_word();
            self.end_run();
        }
    }

    fn finish(mut self) -> Vec<String> {
        self.end_word();
        self.end_run();
        self.words
    }

    fn end_word(&mut self) {
        if !self.word.is_empty() {
            let word = mem::take(&mut self.word);
            self.words.push(cut(word));
        }
    }

    fn end_run(&mut self) {
        let run = mem::take(&mut self.run);
        if let [single] = run.as_slice() {
            self.words.push(cut(single.clone()));
        }
        self.words.extend(run.windows(2).map(|pair| cut(pair.concat())));
    }
}

fn cut(mut word: String) -> String {
    word.truncate(word.floor_char_boundary(WORD_BYTES));
    word
}

/// NFKC with case folded, so that all spellings of a word become one.
fn folded(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        return if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
            Cow::Owned(text.to_ascii_lowercase())
        } else {
            Cow::Borrowed(text)
        };
    }
    // Upper and then lower case folds more than lower case alone: ß and SS, σ and ς. Folding can
    // undo normalisation, so it is done again.
    let seen = text.chars().filter(|c| !is_passed_over(*c));
    Cow::Owned(seen.nfkc().flat_map(char::to_uppercase).flat_map(char::to_lowercase).nfkc().collect())
}

/// Characters that do not even separate. Zero-width space does: it is how Thai or Khmer marks words.
fn is_passed_over(c: char) -> bool {
    is_ignorable(c) && c != '\u{200b}'
}

fn is_single_cjk(word: &str) -> bool {
    let mut chars = word.chars();
    chars.next().is_some_and(is_cjk) && chars.all(is_combining_mark)
}

/// Han, Hiragana, Katakana and Hangul, letters only, after NFKC.
fn is_cjk(c: char) -> bool {
    c.is_alphanumeric()
        && matches!(c,
            '\u{1100}'..='\u{11ff}' | '\u{2e80}'..='\u{2fdf}' | '\u{3005}'..='\u{3007}'
            | '\u{3021}'..='\u{3029}' | '\u{3031}'..='\u{3035}' | '\u{3038}'..='\u{303c}'
            | '\u{3041}'..='\u{30ff}' | '\u{3130}'..='\u{318f}' | '\u{31f0}'..='\u{31ff}'
            | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{a960}'..='\u{a97f}'
            | '\u{ac00}'..='\u{d7ff}' | '\u{f900}'..='\u{faff}' | '\u{1aff0}'..='\u{1b16f}'
            | '\u{20000}'..='\u{3ffff}')
}

#[cfg(test)]
mod tests;
