//! Where in a text the words of a query stand, as a short excerpt around them.

use super::{SearchQuery, Term, words};
use crate::shown::one_line;

/// An excerpt, in parts that are or are not what was looked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Marked {
    /// Whether the part is a match, and its text, on one line and safe to show.
    pub parts: Vec<(bool, String)>,
}

/// A stretch of letters and digits, or of what stands between two.
struct Run<'t> {
    text: &'t str,
    is_match: bool,
}

impl Marked {
    /// At most about `max_chars` characters around the first match; `None` where no term of the query occurs.
    ///
    /// ```
    /// use whytrace::words::{Marked, SearchQuery};
    ///
    /// let excerpt = Marked::of("It covers Robotics.", &SearchQuery::parse("robot*"), 80).unwrap();
    /// assert_eq!(excerpt.in_stars(), "It covers **Robotics**.");
    /// ```
    #[must_use]
    pub fn of(text: &str, query: &SearchQuery, max_chars: usize) -> Option<Self> {
        let line = one_line(text);
        let mut runs = runs(&line);
        mark(&mut runs, query);
        let first = runs.iter().position(|run| run.is_match)?;
        let length = |run: &Run<'_>| run.text.chars().count();
        let mut begin = first;
        let mut before = 0;
        while let Some(previous) = begin.checked_sub(1).and_then(|at| runs.get(at)) {
            before += length(previous);
            if before > max_chars / 3 {
                break;
            }
            begin -= 1;
        }
        let mut marked = Self::default();
        if begin > 0 {
            marked.push(false, "…");
        }
        let mut room = max_chars;
        for run in runs.iter().skip(begin) {
            let kept: String = run.text.chars().take(room).collect();
            let is_whole = kept.len() == run.text.len();
            room -= kept.chars().count();
            if !kept.is_empty() {
                marked.push(run.is_match, &kept);
            }
            if !is_whole {
                marked.push(false, "…");
                break;
            }
        }
        Some(marked)
    }

    /// As plain text, with `**` around each match.
    #[must_use]
    pub fn in_stars(&self) -> String {
        let parts = self.parts.iter();
        parts.map(|(is_match, text)| if *is_match { format!("**{text}**") } else { text.clone() }).collect()
    }

    fn push(&mut self, is_match: bool, text: &str) {
        match self.parts.last_mut() {
            Some((was_match, before)) if *was_match == is_match && !is_match => before.push_str(text),
            _ => self.parts.push((is_match, text.to_owned())),
        }
    }
}

fn runs(line: &str) -> Vec<Run<'_>> {
    let is_word = |c: char| c.is_alphanumeric() || unicode_normalization::char::is_combining_mark(c);
    let mut runs = Vec::new();
    let mut rest = line;
    while let Some(first) = rest.chars().next() {
        let end = rest.find(|c| is_word(c) != is_word(first)).unwrap_or(rest.len());
        let (text, after) = rest.split_at(end);
        runs.push(Run { text, is_match: false });
        rest = after;
    }
    runs
}

/// Marks the runs that hold a match. A run of characters that are not parted by blanks is marked as a whole.
fn mark(runs: &mut [Run<'_>], query: &SearchQuery) {
    let placed: Vec<(String, usize)> = runs
        .iter()
        .enumerate()
        .flat_map(|(place, run)| words(run.text).into_iter().map(move |word| (word, place)))
        .collect();
    let mut hits: Vec<usize> = Vec::new();
    for term in &query.terms {
        match term {
            Term::Word(word) => {
                hits.extend(placed.iter().filter(|(own, _)| own == word).map(|(_, place)| place))
            }
            Term::Prefix(start) => {
                hits.extend(placed.iter().filter(|(own, _)| own.starts_with(start)).map(|(_, place)| place));
            }
            Term::Phrase(phrase) => {
                let found = placed
                    .windows(phrase.len().max(1))
                    .filter(|window| window.iter().map(|(word, _)| word).eq(phrase.iter()));
                hits.extend(found.flatten().map(|(_, place)| place));
            }
        }
    }
    for place in hits {
        if let Some(run) = runs.get_mut(place) {
            run.is_match = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn stars(text: &str, query: &str, max: usize) -> Option<String> {
        Marked::of(text, &SearchQuery::parse(query), max).map(|marked| marked.in_stars())
    }

    #[test]
    fn words_phrases_and_beginnings_are_marked() {
        assert_eq!(stars("Exa, then exa again", "EXA", 80).unwrap(), "**Exa**, then **exa** again");
        assert_eq!(
            stars("a source_selection", "\"source selection\"", 80).unwrap(),
            "a **source**_**selection**"
        );
        assert_eq!(stars("the selection of a source", "\"source selection\"", 80), None);
        assert_eq!(stars("nothing", "other", 80), None);
    }

    #[test]
    fn a_long_text_is_shown_around_its_first_match() {
        let text = format!("{}needle {}", "before ".repeat(40), "after ".repeat(40));
        let shown = stars(&text, "needle", 30).unwrap();
        assert_eq!(shown, "… before **needle** after after aft…");
    }

    proptest! {
        #[test]
        fn what_matches_has_a_mark_and_an_excerpt_is_bounded(text in any::<String>(), typed in any::<String>()) {
            let query = SearchQuery::parse(&typed);
            if let Some(marked) = Marked::of(&text, &query, 40) {
                prop_assert!(marked.parts.iter().any(|(is_match, _)| *is_match));
                let shown: usize = marked.parts.iter().map(|(_, text)| text.chars().count()).sum();
                prop_assert!(shown <= 42, "{}", shown);
            }
        }
    }
}
