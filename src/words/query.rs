//! What a query asks for: how what somebody typed is read, and which texts it finds.
//!
//! [`SearchQuery::matches`] says it for a list of words; the databases have to agree. Start at [`SearchQuery::parse`].

use super::{is_single_cjk, words};

/// Most terms of a query, and most words of a phrase.
pub const QUERY_TERMS: usize = 32;

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
