//! How large an answer may be.
//!
//! A model pays for an answer by tokens, and no tokenizer is the right one for all. So an answer is measured over
//! both of its parts as they travel, as the larger of a quarter of the bytes and a third of the characters, which
//! errs on the safe side for English, for JSON and for scripts of many bytes alike.

use std::io;

use serde_json::Value;

use crate::mcp::tool::Answer;

/// Tokens of an answer where nobody says otherwise.
const DEFAULT: usize = 4_000;
/// The smallest budget: a head, one item and the call that continues.
pub(super) const LEAST: usize = 300;
/// The largest budget.
pub(super) const MOST: usize = 20_000;

/// The budget that is asked for, brought into its range.
pub(super) fn budget(asked: Option<i64>) -> usize {
    asked.map_or(DEFAULT, |asked| usize::try_from(asked).unwrap_or(0).clamp(LEAST, MOST))
}

/// What an answer costs, in tokens.
pub(super) fn tokens(answer: &Answer) -> usize {
    let size = Size::of_text(&answer.text).plus(Size::of_json(&answer.structured));
    size.bytes.div_ceil(4).max(size.chars.div_ceil(3))
}

/// The size of something on its way to a model.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Size {
    /// In UTF-8.
    bytes: usize,
    /// Unicode scalar values.
    chars: usize,
}

impl Size {
    /// The most that `tokens` tokens hold.
    pub(super) fn of_tokens(tokens: usize) -> Self {
        Self { bytes: tokens * 4, chars: tokens * 3 }
    }

    /// `count` characters of one byte.
    pub(super) fn of_ascii(count: usize) -> Self {
        Self { bytes: count, chars: count }
    }

    /// A text within a JSON string, without its quotes.
    pub(super) fn of_text(text: &str) -> Self {
        let escapes = text.bytes().filter(|byte| matches!(byte, b'"' | b'\\' | b'\n' | b'\t')).count();
        Self { bytes: text.len() + escapes, chars: text.chars().count() + escapes }
    }

    /// A value as compact JSON.
    pub(super) fn of_json(value: &Value) -> Self {
        let mut counter = Counter(Self::default());
        // Neither the counter nor a `Value` can fail.
        let _ = serde_json::to_writer(&mut counter, value);
        counter.0
    }

    pub(super) fn plus(self, other: Self) -> Self {
        Self { bytes: self.bytes + other.bytes, chars: self.chars + other.chars }
    }

    /// What is left of it without `other`, nothing where that is larger.
    pub(super) fn minus(self, other: Self) -> Self {
        Self { bytes: self.bytes.saturating_sub(other.bytes), chars: self.chars.saturating_sub(other.chars) }
    }

    /// Whether it is within `limit` by both measures.
    pub(super) fn is_within(self, limit: Self) -> bool {
        self.bytes <= limit.bytes && self.chars <= limit.chars
    }
}

struct Counter(Size);

impl io::Write for Counter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.bytes += bytes.len();
        // Every character has one byte that does not continue another.
        self.0.chars += bytes.iter().filter(|byte| **byte & 0xc0 != 0x80).count();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_budget_is_brought_into_its_range() {
        let budgets = [None, Some(-1), Some(1_000), Some(i64::MAX)].map(budget);
        assert_eq!(budgets, [4_000, 300, 1_000, 20_000]);
    }

    #[test]
    fn an_answer_costs_what_the_dearer_measure_says() {
        let answer = |text: &str| Answer { text: text.to_owned(), structured: json!({}) };
        assert_eq!(tokens(&answer("abcd")), 2, "six characters");
        assert_eq!(tokens(&answer("\u{1f680}\u{1f680}")), 3, "ten bytes");
    }

    proptest! {
        #[test]
        fn sizes_are_those_of_the_text_as_json(text in "[ -~\n\t\u{e9}\u{6771}\u{1f680}]{0,60}") {
            let json = serde_json::to_string(&text).unwrap();
            let of_json = Size::of_json(&Value::String(text.clone()));
            prop_assert_eq!(of_json, Size { bytes: json.len(), chars: json.chars().count() });
            prop_assert_eq!(Size::of_text(&text).plus(Size::of_ascii(2)), of_json);
        }
    }
}
