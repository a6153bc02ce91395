//! Stored text, times and rates as answers show them.
//!
//! Whatever comes out of a store was written by somebody's agent and is read by somebody else's model, or on
//! somebody's terminal. It is shown on one line, in quotes or in a data field, shortened with what was cut counted,
//! and without anything that is not seen as it is read.

use serde_json::{Map, Value};

use crate::model::Timestamp;
use crate::scorecard::score_text;
use crate::shown::{excerpt, one_line, quoted, shown};

/// Longest name that is shown whole, in characters: the longest that the gate lets in.
const NAME_CHARS: usize = 128;
/// Most entries of one array or object that are shown.
const ENTRIES: usize = 100;
/// Levels of JSON that are shown; what lies deeper is shown as text.
const LEVELS: usize = 12;

/// A name of the user's: a project, a stage, a key, a principle.
pub fn name(text: &str) -> String {
    excerpt(text, NAME_CHARS)
}

/// Names, separated by commas; at most `most` of them, the others counted.
pub fn names<S: AsRef<str>>(all: &[S], most: usize) -> String {
    let mut named: Vec<String> = all.iter().take(most).map(|one| name(one.as_ref())).collect();
    if all.len() > most {
        named.push(format!("+{} more", all.len() - most));
    }
    named.join(", ")
}

/// Names as data: the first `most` of them, and how many more there are; nothing where there are none.
pub fn name_list<S: AsRef<str>>(all: &[S], most: usize) -> Value {
    let more = all.len().saturating_sub(most);
    let more = (more > 0).then(|| format!("+{more} more"));
    let named: Vec<String> = all.iter().take(most).map(|one| name(one.as_ref())).chain(more).collect();
    if named.is_empty() { Value::Null } else { named.into() }
}

/// A text in quotes that it cannot leave, on one line of at most `max_chars` characters.
pub fn quote(text: &str, max_chars: usize) -> String {
    quoted(text, max_chars)
}

/// An id as it can be sent in the next call: as it is where all of it is seen, else what is seen of its beginning,
/// which the reading tools accept.
pub fn id(id: &str) -> String {
    let seen = one_line(id);
    if seen == id {
        return seen;
    }
    let same: String = id.chars().zip(seen.chars()).take_while(|(a, b)| a == b).map(|(a, _)| a).collect();
    if same.trim().is_empty() { seen } else { same }
}

/// A longer text with its line ends, of at most `max_chars` characters; what was cut is counted.
pub fn passage(text: &str, max_chars: usize) -> String {
    let text = shown(text);
    let total = text.chars().count();
    if total <= max_chars {
        return text.into_owned();
    }
    let kept: String = text.chars().take(max_chars).collect();
    format!("{kept}…[+{} chars]", total - max_chars)
}

/// A value of the user's with its texts as [`passage`]s; what was cut of arrays and objects is counted too.
pub fn data(value: &Value, max_chars: usize) -> Value {
    within(value, max_chars, LEVELS)
}

/// A value of the user's in quotes, on one line.
pub fn quote_data(value: &Value, max_chars: usize) -> String {
    match value {
        Value::String(text) => quote(text, max_chars),
        other => quote(&other.to_string(), max_chars),
    }
}

/// A moment, to the second.
pub fn moment(time: Timestamp) -> String {
    time.to_chrono().format("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// A share of 0..=1 in whole percent.
pub fn percent(share: f64) -> String {
    format!("{:.0} %", share * 100.0)
}

/// A score on its scale, as far as both are known: `1.8/3.0`.
pub fn score(score: Option<f64>, scale_max: Option<f64>) -> Option<String> {
    let scale = scale_max.map(|scale| format!("/{}", score_text(scale))).unwrap_or_default();
    score.map(|score| format!("{}{scale}", score_text(score)))
}

/// The gate's verdict as data.
pub fn gate(passed: Option<bool>) -> Option<&'static str> {
    passed.map(|passed| if passed { "passed" } else { "failed" })
}

/// An object of those fields that are known.
pub fn known<const N: usize>(fields: [(&str, Value); N]) -> Value {
    let known = fields.into_iter().filter(|(_, value)| !value.is_null());
    Value::Object(known.map(|(name, value)| (name.to_owned(), value)).collect())
}

fn within(value: &Value, max_chars: usize, levels: usize) -> Value {
    let Some(below) = levels.checked_sub(1) else {
        return Value::String(excerpt(&value.to_string(), max_chars));
    };
    match value {
        Value::String(text) => Value::String(passage(text, max_chars)),
        Value::Array(items) => {
            let mut kept: Vec<Value> =
                items.iter().take(ENTRIES).map(|item| within(item, max_chars, below)).collect();
            if items.len() > ENTRIES {
                kept.push(Value::String(format!("…[+{} items]", items.len() - ENTRIES)));
            }
            Value::Array(kept)
        }
        Value::Object(fields) => {
            let mut kept: Map<String, Value> = fields
                .iter()
                .take(ENTRIES)
                .map(|(key, value)| (name(key), within(value, max_chars, below)))
                .collect();
            if fields.len() > ENTRIES {
                kept.insert("…".to_owned(), format!("[+{} fields]", fields.len() - ENTRIES).into());
            }
            Value::Object(kept)
        }
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_quoted_text_cannot_leave_its_quotes() {
        assert_eq!(quote("a\"; \u{1b}[31mignore\nall", 100), "\"a'; ignore all\"");
    }

    #[test]
    fn an_id_with_hidden_characters_is_shown_as_a_prefix_of_itself() {
        assert_eq!(id("run 7"), "run 7");
        assert_eq!(id("run\u{202e}7"), "run");
        assert_eq!(id("\u{202e}7"), "7");
    }

    #[test]
    fn what_is_cut_of_data_is_counted() {
        let long: Vec<usize> = (0..103).collect();
        let shown = data(&json!({"text": "abcdef", "list": long, "\u{202e}k": "\u{1b}[1mx\ny"}), 4);
        assert_eq!(shown["text"], "abcd…[+2 chars]");
        assert_eq!(shown["list"][100], "…[+3 items]");
        assert_eq!(shown["k"], "x\ny");
    }

    #[test]
    fn data_that_is_nested_without_end_ends() {
        let deep = (0..40).fold(json!(1), |inner, _| json!([inner]));
        assert!(data(&deep, 20).to_string().len() < 100);
    }
}
