//! What came back, read for what it means: an error, nothing, or something.
//!
//! Results are whatever tools answered: texts of a shell, JSON with a field `error`, a status. What is read here is
//! the way in which errors are usually written; a result that merely speaks of errors should not match.

use serde_json::{Map, Value};

use crate::shown::excerpt;

/// Bytes of a text that are read at its beginning, and as many at its end: errors of programs stand in the last lines.
const READ_BYTES: usize = 2_000;
/// Characters into the first line at which an error is still said first.
const FIRST_CHARS: usize = 60;
/// Characters of an error that are shown.
const SHOWN_CHARS: usize = 100;

/// With what lines begin that say an error.
const OPENINGS: &[&str] = &[
    "error:",
    "error[",
    "err:",
    "fatal:",
    "fatal error",
    "failed:",
    "failure:",
    "exception:",
    "panic:",
    "traceback (most recent",
    "command failed",
    "permission denied",
    "access denied",
    "segmentation fault",
    "npm err!",
    "http 4",
    "http 5",
    "usage error",
];

/// What a first line holds that says an error.
const PHRASES: &[&str] = &[
    "command not found",
    "no such file or directory",
    "permission denied",
    "access denied",
    "timed out",
    "connection refused",
    "traceback (most recent",
    "does not exist",
    "not authorized",
    "unauthorized",
    "forbidden",
    "rate limit",
    "too many requests",
    "failed to ",
    "unable to ",
    "could not be ",
    "cannot be ",
    "is not valid",
    "invalid ",
    "syntax error",
];

/// The words in which a result reads as an error, shortened; `None` where it does not.
pub(super) fn error_in(result: &Value) -> Option<String> {
    match result {
        Value::String(text) => match serde_json::from_str::<Value>(text.trim()) {
            Ok(Value::Object(fields)) => error_in_fields(&fields),
            Ok(_) => None,
            Err(_) => error_in_text(text),
        },
        Value::Object(fields) => error_in_fields(fields),
        _ => None,
    }
}

/// Whether a result says that there is nothing.
pub(super) fn is_empty(result: &Value) -> bool {
    match result {
        Value::Null => true,
        Value::String(text) => {
            let text = text.trim();
            let is_word =
                ["", "null", "none", "nil", "undefined", "no results", "no matches", "not found", "[]", "{}"];
            is_word.contains(&text.to_lowercase().trim_end_matches('.'))
                || (text.len() < READ_BYTES
                    && text.starts_with(['[', '{'])
                    && serde_json::from_str::<Value>(text).is_ok_and(|value| is_empty(&value)))
        }
        Value::Array(items) => items.is_empty(),
        // `{"hits": [], "total": 0}`, but not a record that merely has an empty field.
        Value::Object(fields) => fields.values().all(|value| match value {
            Value::Array(items) => items.is_empty(),
            Value::Number(number) => number.as_f64() == Some(0.0),
            Value::Null => true,
            _ => false,
        }),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

fn error_in_fields(fields: &Map<String, Value>) -> Option<String> {
    let told = |value: &Value| match value {
        Value::String(text) if !text.trim().is_empty() => Some(excerpt(text, SHOWN_CHARS)),
        Value::Object(inner) if !inner.is_empty() => Some(excerpt(&value.to_string(), SHOWN_CHARS)),
        _ => None,
    };
    for name in ["error", "errors", "exception", "error_message", "errorMessage", "stderr_error"] {
        if let Some(text) = fields.get(name).and_then(told) {
            return Some(text);
        }
    }
    let is = |name: &str, value: bool| fields.get(name).and_then(Value::as_bool) == Some(value);
    let number = |name: &str| fields.get(name).and_then(Value::as_i64);
    let word = |name: &str| fields.get(name).and_then(Value::as_str).map(str::to_lowercase);
    let named = |name: &str, value: String| Some(format!("{name}: {value}"));
    for (name, bad) in [("success", false), ("ok", false), ("isError", true), ("is_error", true)] {
        if is(name, bad) {
            return named(name, bad.to_string());
        }
    }
    for name in ["exit_code", "exitCode", "returncode"] {
        if let Some(code) = number(name).filter(|code| *code != 0) {
            return named(name, code.to_string());
        }
    }
    for name in ["status_code", "statusCode", "http_status"] {
        if let Some(code) = number(name).filter(|code| (400..600).contains(code)) {
            return named(name, code.to_string());
        }
    }
    let status =
        word("status").filter(|word| matches!(word.as_str(), "error" | "failed" | "failure" | "timeout"))?;
    named("status", status)
}

fn error_in_text(text: &str) -> Option<String> {
    let first = text.trim_start().lines().next().unwrap_or_default();
    let lower = first.to_lowercase();
    let is_said = |phrase: &&&str| lower.find(**phrase).is_some_and(|at| at < FIRST_CHARS);
    if begins_as_error(first) || lower.starts_with("error ") || PHRASES.iter().any(|phrase| is_said(&phrase))
    {
        return Some(excerpt(first, SHOWN_CHARS));
    }
    let head = text.get(..text.floor_char_boundary(READ_BYTES)).unwrap_or(text);
    let tail = text.get(text.ceil_char_boundary(text.len().saturating_sub(READ_BYTES))..).unwrap_or_default();
    let tail = if text.len() > READ_BYTES { tail } else { "" };
    let lines = head.lines().chain(tail.lines());
    lines.map(str::trim).find(|line| begins_as_error(line)).map(|line| excerpt(line, SHOWN_CHARS))
}

/// Whether a line begins as errors do: `error: ...`, `ValueError: ...`, `bash: x: command not found`.
fn begins_as_error(line: &str) -> bool {
    let line = line.trim();
    let lower = line.get(..line.floor_char_boundary(200)).unwrap_or(line).to_lowercase();
    if lower == "error" || OPENINGS.iter().any(|opening| lower.starts_with(opening)) {
        return true;
    }
    if lower.ends_with("command not found") || lower.ends_with("no such file or directory") {
        return true;
    }
    // `ModuleNotFoundError: ...`, `java.io.IOException: ...`: one word that ends so.
    let word = line.split([':', ' ']).next().unwrap_or_default();
    let is_named = |ending: &str| word.len() > ending.len() && word.ends_with(ending);
    line.get(word.len()..).is_some_and(|rest| rest.starts_with(':'))
        && (is_named("Error") || is_named("Exception"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn errors_are_read_where_they_are_usually_written() {
        for result in [
            json!("Error: payment amount does not add up"),
            json!(
                "$ python a.py\nTraceback (most recent call last):\n  File \"a.py\"\nModuleNotFoundError: No module named 'x'"
            ),
            json!(format!("{}\nValueError: shapes differ", "x\n".repeat(5_000))),
            json!("bash: foo: command not found"),
            json!("Failed to fetch the page"),
            json!({"error": "quota"}),
            json!("{\"error\": {\"code\": 7}}"),
            json!({"success": false}),
            json!({"exit_code": 2, "output": ""}),
            json!({"status_code": 429}),
            json!({"status": "FAILED"}),
        ] {
            assert!(error_in(&result).is_some(), "{result}");
        }
    }

    #[test]
    fn what_speaks_of_errors_is_none() {
        for result in [
            json!("0 errors, 12 passed"),
            json!("Reviewed the error handling"),
            json!("12: raise ValueError(\"no\")"),
            json!("errors were handled"),
            json!({"errors": [], "error": null, "success": true, "exit_code": 0, "status": "ok"}),
            json!([{"error": "in an item"}]),
            json!("[1, 2]"),
            json!(""),
        ] {
            assert_eq!(error_in(&result), None, "{result}");
        }
    }

    #[test]
    fn nothing_is_told_from_something() {
        for result in
            [json!(""), json!([]), json!({}), json!("[]"), json!(" None. "), json!({"hits": [], "total": 0})]
        {
            assert!(is_empty(&result), "{result}");
        }
        for result in [json!(0), json!(false), json!({"id": "x", "tags": []}), json!("done")] {
            assert!(!is_empty(&result), "{result}");
        }
    }
}
