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

use std::borrow::Cow;
use std::mem;

pub use folded::{CHOICE_BYTES, choice, query_hash};
pub use marked::Marked;
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use crate::shown::is_ignorable;

/// Longest word in bytes; longer ones are cut, in texts and queries alike.
pub const WORD_BYTES: usize = 64;

/// Most terms of a query, and most words of a phrase.
pub const QUERY_TERMS: usize = 32;

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

/// What a text has to hold to be found.
///
/// All terms must match. Quotes mean a phrase; so do words written without a space between them, as in
/// `META-12`. The last term, outside quotes, may end in `*` and is a prefix then. Nothing else is an
/// operator: `AND`, `NOT`, `-x` or `a:b` are words like others.
///
/// ```
/// use whytrace::words::{SearchQuery, Term, words};
///
/// let query = SearchQuery::parse("\"source selection\" redd*");
/// assert!(query.matches(&words("why the source selection left out Reddit")));
/// assert!(!query.matches(&words("the selection of a source on Reddit")));
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SearchQuery {
    /// What is looked for, as typed from left to right.
    pub terms: Vec<Term>,
    /// Whether more was typed than is looked for, because of [`QUERY_TERMS`].
    pub is_cut: bool,
}

/// One thing that must occur in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Term {
    /// This word.
    Word(String),
    /// These words, two or more, one directly after the other.
    Phrase(Vec<String>),
    /// A word that begins like this. A single Han, kana or Hangul character outside quotes is one too:
    /// it is stored only as part of the pairs that it begins.
    Prefix(String),
}

impl SearchQuery {
    /// Reads a query; every text is one. A quote without a partner separates words like other
    /// punctuation.
    pub fn parse(text: &str) -> Self {
        let mut query = Self::default();
        let pieces: Vec<&str> = text.split(['"', '“', '”', '„']).collect();
        // Text between the first and second quote, the third and fourth ... is quoted.
        let quotes = pieces.len().saturating_sub(1);
        for (index, piece) in pieces.into_iter().enumerate() {
            if index % 2 == 1 && index < quotes {
                query.push_all(words(piece));
            } else {
                let is_last = index == quotes;
                query.push_unquoted(piece, is_last);
            }
        }
        query
    }

    /// Whether nothing is looked for, because nothing typed was a word. Such a query matches all texts.
    pub fn is_empty(&self) -> bool {
        self.terms.is_empty()
    }

    /// Whether a text with these words, as [`words`] cuts them, is found.
    pub fn matches(&self, words: &[String]) -> bool {
        self.terms.iter().all(|term| term.matches(words))
    }

    fn push_unquoted(&mut self, piece: &str, is_last: bool) {
        let chunks: Vec<&str> = piece.split_whitespace().collect();
        let last = chunks.len().saturating_sub(1);
        for (index, chunk) in chunks.into_iter().enumerate() {
            let mut words = words(chunk);
            if is_last && index == last && chunk.ends_with('*') {
                let prefix = words.pop();
                self.push_all(words);
                if let Some(prefix) = prefix {
                    self.push(Term::Prefix(prefix));
                }
            } else if let [word] = words.as_slice()
                && is_single_cjk(word)
            {
                self.push(Term::Prefix(word.clone()));
            } else {
                self.push_all(words);
            }
        }
    }

    fn push_all(&mut self, mut words: Vec<String>) {
        if words.len() > QUERY_TERMS {
            words.truncate(QUERY_TERMS);
            self.is_cut = true;
        }
        match words.len() {
            0 => {}
            1 => words.into_iter().for_each(|word| self.push(Term::Word(word))),
            _ => self.push(Term::Phrase(words)),
        }
    }

    fn push(&mut self, term: Term) {
        if self.terms.contains(&term) {
            return;
        }
        if self.terms.len() < QUERY_TERMS {
            self.terms.push(term);
        } else {
            self.is_cut = true;
        }
    }
}

impl Term {
    fn matches(&self, words: &[String]) -> bool {
        match self {
            Self::Word(word) => words.contains(word),
            Self::Phrase(phrase) => words.windows(phrase.len().max(1)).any(|window| window == phrase),
            Self::Prefix(prefix) => words.iter().any(|word| word.starts_with(prefix)),
        }
    }
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
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn word(word: &str) -> Term {
        Term::Word(word.to_owned())
    }

    fn phrase(words: &[&str]) -> Term {
        Term::Phrase(words.iter().map(|word| (*word).to_owned()).collect())
    }

    fn prefix(prefix: &str) -> Term {
        Term::Prefix(prefix.to_owned())
    }

    #[test]
    fn words_are_cut_at_everything_that_is_no_letter_or_digit() {
        assert_eq!(
            words("It's source_selection, v1.2-rc3!"),
            ["it", "s", "source", "selection", "v1", "2", "rc3"]
        );
        assert_eq!(words(" \u{301}\u{1f680} ... "), Vec::<String>::new());
    }

    #[test]
    fn spellings_of_one_word_are_the_same_word() {
        for twins in [
            ["Stra\u{df}e", "STRASSE"],
            ["\u{3bf}\u{3b4}\u{3cc}\u{3c2}", "\u{39f}\u{394}\u{38c}\u{3a3}"],
            ["caf\u{e9}", "CAFE\u{301}"],
            ["\u{fb01}le", "File"],
            ["\u{ff21}\u{ff22}", "ab"],
            ["co\u{ad}operate", "cooperate"],
            ["\u{ff76}\u{ff9e}", "\u{30ac}"],
        ] {
            assert_eq!(words(twins[0]), words(twins[1]), "{twins:?}");
        }
        assert_ne!(words("cafe"), words("caf\u{e9}"));
    }

    #[test]
    fn cjk_is_cut_into_pairs() {
        assert_eq!(words("東京都"), ["東京", "京都"]);
        assert_eq!(words("猫"), ["猫"]);
        assert_eq!(words("iPhoneは東京で"), ["iphone", "は東", "東京", "京で"]);
        assert_eq!(words("데이터 수집"), ["데이", "이터", "수집"]);
        assert_eq!(words("コーヒー"), ["コー", "ーヒ", "ヒー"]);
    }

    #[test]
    fn long_words_are_cut_at_a_character() {
        assert_eq!(words(&"x".repeat(100)), ["x".repeat(64)]);
        assert_eq!(words(&"\u{e9}a".repeat(40)), ["\u{e9}a".repeat(21)]);
        assert!(SearchQuery::parse(&"x".repeat(90)).matches(&words(&"x".repeat(100))));
    }

    #[test]
    fn a_query_has_words_phrases_and_one_prefix_at_its_end() {
        assert_eq!(SearchQuery::parse("Exa reddit").terms, [word("exa"), word("reddit")]);
        assert_eq!(SearchQuery::parse("\"a b\" c").terms, [phrase(&["a", "b"]), word("c")]);
        assert_eq!(SearchQuery::parse("“a b” “c”").terms, [phrase(&["a", "b"]), word("c")]);
        assert_eq!(SearchQuery::parse("META-12").terms, [phrase(&["meta", "12"])]);
        assert_eq!(SearchQuery::parse("a* b*").terms, [word("a"), prefix("b")]);
        assert_eq!(SearchQuery::parse("source_sel*").terms, [word("source"), prefix("sel")]);
        assert_eq!(SearchQuery::parse("\"a*\"").terms, [word("a")]);
        assert_eq!(SearchQuery::parse("a *").terms, [word("a")]);
        assert_eq!(SearchQuery::parse("猫 東京都").terms, [prefix("猫"), phrase(&["東京", "京都"])]);
    }

    #[test]
    fn nothing_else_is_an_operator() {
        let typed = "a AND NOT b OR NEAR(c) -d what:e ^f + (g | !h) <-> 'i' \\ %j_ ; --";
        assert!(SearchQuery::parse(typed).terms.iter().all(|term| !matches!(term, Term::Prefix(_))));
        assert!(SearchQuery::parse(typed).matches(&words(typed)));
        assert_eq!(SearchQuery::parse("5\" screen").terms, [word("5"), word("screen")]);
        assert!(SearchQuery::parse("\" * -- \"\"").is_empty());
    }

    #[test]
    fn a_query_has_at_most_32_terms_and_says_when_it_was_cut() {
        let typed: Vec<String> = (0..40).map(|n| format!("w{n}")).collect();
        let query = SearchQuery::parse(&typed.join(" "));
        assert_eq!((query.terms.len(), query.is_cut), (32, true));
        assert!(SearchQuery::parse(&format!("\"{}\"", typed.join(" "))).is_cut);
        assert!(!SearchQuery::parse(&"same ".repeat(50)).is_cut);
    }

    fn texts() -> impl Strategy<Value = String> {
        let piece = prop::sample::select(vec![
            "Exa",
            "source",
            "_",
            "-",
            " ",
            "  ",
            "\"",
            "*",
            "東京",
            "都",
            "カ\u{3099}",
            "\u{301}",
            "\u{df}",
            "\u{130}",
            "AND",
            "1",
            ".",
            "\u{200d}",
            "\u{fb03}",
            "데이터",
            "x",
            "\u{200b}",
        ]);
        prop_oneof![prop::collection::vec(piece, 0..16).prop_map(|parts| parts.concat()), any::<String>()]
    }

    proptest! {
        #[test]
        fn a_word_is_short_holds_only_letters_digits_and_marks_and_is_its_own_word(text in texts()) {
            for word in words(&text) {
                prop_assert!((1..=WORD_BYTES).contains(&word.len()));
                prop_assert!(word.chars().all(|c| c.is_alphanumeric() || is_combining_mark(c)), "{:?}", word);
                prop_assert_eq!(words(&word), [word]);
            }
        }

        #[test]
        fn texts_apart_are_cut_apart(a in texts(), b in texts()) {
            let together = words(&format!("{a} {b}"));
            prop_assert_eq!(together, [words(&a), words(&b)].concat());
        }

        #[test]
        fn every_text_is_found_by_itself_typed_or_quoted(text in texts()) {
            let cut = words(&text);
            prop_assert!(SearchQuery::parse(&text).matches(&cut), "{:?}", SearchQuery::parse(&text));
            let quoted = format!("\"{}\"", text.replace(['"', '“', '”', '„'], " "));
            prop_assert!(SearchQuery::parse(&quoted).matches(&cut));
        }

        #[test]
        fn every_prefix_of_a_word_finds_it(text in texts(), chars in 1usize..5) {
            for word in words(&text) {
                let start: String = word.chars().take(chars).collect();
                let query = SearchQuery::parse(&format!("{start}*"));
                prop_assert!(query.matches(&[word]));
            }
        }

        #[test]
        fn a_query_matches_no_less_with_more_text(text in texts(), more in texts(), typed in texts()) {
            let query = SearchQuery::parse(&typed);
            let (part, whole) = (words(&text), words(&format!("{text} {more}")));
            prop_assert!(!query.matches(&part) || query.matches(&whole));
        }
    }
}
