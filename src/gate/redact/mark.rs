//! The marks that stand where secrets stood.

use std::borrow::Cow;
use std::sync::LazyLock;

use regex::Regex;
use serde_json::{Map, Value};

use super::super::value::insert_free;
use super::rules::compile_text;

/// Stands for every byte of a mark while secrets are looked for. UTF-8 never has it, so that no rule
/// can match it but by a class that names it.
pub(super) const MASK: u8 = 0xff;

/// What every mark begins with.
const OPENING: &str = "[REDACTED:";

/// Rule names have no digits, so that little could be hidden in what only looks like a mark.
static MARK: LazyLock<Regex> = LazyLock::new(|| compile_text(r"\[REDACTED:([a-z_]{1,32}):[0-9a-f]{8}\]"));

/// The mark of a rule for the secret with this tag of eight hex digits.
pub(super) fn mark(rule: &str, tag: &str) -> String {
    format!("{OPENING}{rule}:{tag}]")
}

/// The bytes of a text with all marks masked, at their places.
pub(super) fn masked(text: &str) -> Cow<'_, [u8]> {
    if !text.contains(OPENING) {
        return Cow::Borrowed(text.as_bytes());
    }
    let mut bytes = text.as_bytes().to_vec();
    for mark in MARK.find_iter(text) {
        if let Some(mark) = bytes.get_mut(mark.range()) {
            mark.fill(MASK);
        }
    }
    Cow::Owned(bytes)
}

/// Where marks stand in a text.
pub(super) fn marks(text: &str) -> impl Iterator<Item = std::ops::Range<usize>> {
    MARK.find_iter(text).map(|mark| mark.range())
}

/// The text with every mark reduced to its rule, `[REDACTED:rule]`, so that contents can be compared
/// across installations.
pub fn reduce_marks(text: &str) -> Cow<'_, str> {
    if text.contains(OPENING) { MARK.replace_all(text, "[REDACTED:$1]") } else { Cow::Borrowed(text) }
}

/// The value with [`reduce_marks`] applied to all keys and strings; borrowed where there are none.
pub fn reduce_marks_in(value: &Value) -> Cow<'_, Value> {
    if has_mark(value) { Cow::Owned(reduced(value)) } else { Cow::Borrowed(value) }
}

fn has_mark(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains(OPENING),
        Value::Array(items) => items.iter().any(has_mark),
        Value::Object(map) => map.iter().any(|(key, item)| key.contains(OPENING) || has_mark(item)),
        _ => false,
    }
}

fn reduced(value: &Value) -> Value {
    match value {
        Value::String(text) => Value::String(reduce_marks(text).into_owned()),
        Value::Array(items) => Value::Array(items.iter().map(reduced).collect()),
        Value::Object(map) => {
            let mut to = Map::with_capacity(map.len());
            for (key, item) in map {
                insert_free(&mut to, reduce_marks(key).into_owned(), "_", reduced(item));
            }
            Value::Object(to)
        }
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn marks_are_reduced_to_their_rule() {
        assert_eq!(reduce_marks("a [REDACTED:jwt:0123abcd], b"), "a [REDACTED:jwt], b");
        assert!(matches!(reduce_marks("a [REDACTED:jwt]"), Cow::Borrowed(_)));
        let value = json!({"k [REDACTED:pem:00000000]": ["[REDACTED:jwt:0123abcd]", 1]});
        assert_eq!(*reduce_marks_in(&value), json!({"k [REDACTED:pem]": ["[REDACTED:jwt]", 1]}));
    }

    #[test]
    fn two_marks_as_keys_stay_two_keys() {
        let value = json!({"[REDACTED:jwt:00000000]": 1, "[REDACTED:jwt:00000001]": 2});
        assert_eq!(*reduce_marks_in(&value), json!({"[REDACTED:jwt]": 1, "[REDACTED:jwt]_": 2}));
    }

    #[test]
    fn masking_keeps_every_other_byte_in_its_place() {
        let masked = masked("a[REDACTED:jwt:0123abcd]b[REDACTED:9]");
        assert_eq!(masked.len(), 37);
        assert_eq!(masked.iter().filter(|byte| **byte == MASK).count(), 23);
        assert!(masked.ends_with(b"b[REDACTED:9]"));
    }
}
