//! Conditions that nothing can meet, found before anybody looks for it.
//!
//! What is wrong is found here, for runs and for decisions alike. What the conditions are called, and so in which words
//! that is said, is for those who take them: a tool has arguments, a terminal has options.

use super::{DecisionFilter, Filter};
use crate::model::Timestamp;
use crate::words::{SearchQuery, choice};

/// Why nothing can meet some conditions.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Contradiction {
    /// A bound of the score is no finite number.
    EndlessScore,
    /// A bound of confidence is not between 0 and 1.
    NoShare {
        /// The bound: `confidence_min` or `confidence_max`.
        bound: &'static str,
        /// What was said.
        value: f64,
    },
    /// A lower bound is above the upper one.
    Crossed {
        /// What they bound: `score` or `confidence`.
        of: &'static str,
        /// The lower bound.
        min: f64,
        /// The upper bound.
        max: f64,
    },
    /// A time does not begin before it ends.
    Backwards {
        /// Its beginning.
        since: Timestamp,
        /// Its end.
        until: Timestamp,
    },
    /// The text has no word.
    WordlessText,
    /// The option has no word.
    WordlessOption,
    /// Nothing was asked for, where something has to be.
    Nothing,
}

impl Filter {
    /// Why no run can meet the conditions, where that is so.
    #[must_use]
    pub fn contradiction(&self) -> Option<Contradiction> {
        let bounds = [self.score_min, self.score_max];
        if !bounds.into_iter().flatten().all(f64::is_finite) {
            return Some(Contradiction::EndlessScore);
        }
        crossed("score", self.score_min, self.score_max)
            .or_else(|| backwards(self.since, self.until))
            .or_else(|| wordless(self.text.as_ref()))
    }
}

impl DecisionFilter {
    /// Why no decision can meet the conditions, where that is so, or why they are none. `option` is what a record was
    /// asked for of, if it was.
    #[must_use]
    pub fn contradiction(&self, option: Option<&str>) -> Option<Contradiction> {
        let bounds = [("confidence_min", self.confidence_min), ("confidence_max", self.confidence_max)];
        for (bound, value) in bounds {
            if let Some(value) = value.filter(|value| !(0.0..=1.0).contains(value)) {
                return Some(Contradiction::NoShare { bound, value });
            }
        }
        crossed("confidence", self.confidence_min, self.confidence_max)
            .or_else(|| backwards(self.since, self.until))
            .or_else(|| wordless(self.text.as_ref()))
            .or_else(|| match option {
                Some(option) => choice(option).is_empty().then_some(Contradiction::WordlessOption),
                None => self.is_empty().then_some(Contradiction::Nothing),
            })
    }
}

fn crossed(of: &'static str, min: Option<f64>, max: Option<f64>) -> Option<Contradiction> {
    let (min, max) = min.zip(max)?;
    (min > max).then_some(Contradiction::Crossed { of, min, max })
}

fn backwards(since: Option<Timestamp>, until: Option<Timestamp>) -> Option<Contradiction> {
    let (since, until) = since.zip(until)?;
    (since >= until).then_some(Contradiction::Backwards { since, until })
}

fn wordless(text: Option<&SearchQuery>) -> Option<Contradiction> {
    text.is_some_and(SearchQuery::is_empty).then_some(Contradiction::WordlessText)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_on_runs_that_nothing_can_meet_are_found() {
        let plain = Filter { score_max: Some(1.0), ..Filter::default() };
        let since: Option<Timestamp> = Some("2026-02-13T00:00:00Z".parse().unwrap());
        assert_eq!(Filter { since, ..plain.clone() }.contradiction(), None);
        let score_min = |min| Filter { score_min: Some(min), ..plain.clone() }.contradiction();
        assert_eq!(score_min(2.0), Some(Contradiction::Crossed { of: "score", min: 2.0, max: 1.0 }));
        assert_eq!(score_min(f64::NAN), Some(Contradiction::EndlessScore));
        let backwards = Filter { since, until: since, ..plain.clone() }.contradiction();
        assert!(matches!(backwards, Some(Contradiction::Backwards { .. })));
        let wordless = Filter { text: Some(SearchQuery::parse("...")), ..plain };
        assert_eq!(wordless.contradiction(), Some(Contradiction::WordlessText));
    }

    #[test]
    fn a_search_for_decisions_needs_a_condition_or_an_option_with_words() {
        let none = DecisionFilter::default();
        assert_eq!(none.contradiction(None), Some(Contradiction::Nothing));
        assert_eq!(none.contradiction(Some("exa")), None);
        assert_eq!(none.contradiction(Some("...")), Some(Contradiction::WordlessOption));
        let unsure = DecisionFilter { confidence_max: Some(1.5), ..none };
        let expected = Contradiction::NoShare { bound: "confidence_max", value: 1.5 };
        assert_eq!(unsure.contradiction(None), Some(expected));
    }
}
