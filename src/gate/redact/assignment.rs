//! Secrets known by the name in front of them: `password=...`, `"api_key": "..."`, `--token ...`.
//!
//! A pattern finds the end of a telling name and what assigns; the rest of the name, the value and
//! whether it is one are worked out by hand, each byte looked at a bounded number of times. Values in
//! quotes, in JSON within a text (`\"`), in URLs, headers, connection strings and shells are known.

use std::ops::Range;
use std::sync::LazyLock;

use regex::bytes::Regex;

use super::mark::MASK;
use super::names::{Telling, telling};
use super::shape::{Form, is_secret};
use super::{Secret, rules};

/// Longest name, in bytes; of a longer one the end counts.
const NAME_BYTES: usize = 64;

/// The last word of a telling name (the first group), and what assigns: `=`, `:` and their kin, or for
/// a flag of a command just blanks.
static HEAD: LazyLock<Regex> = LazyLock::new(|| {
    rules::compile(
        r#"(?i)((?:passwords?|passwd|passphrase|passcode|pwd|pass|secrets?|token|authorization|auth|credentials?|creds|cookies?|bearer|jwt|otp|sas|hash|keys?|sig|signature|session|sessionid)\d{0,3})(?:\\{0,3}["'\]]{0,2}[ \t]{0,8}(?::=|=>|==?|:)[ \t]{0,8}|[ \t]{1,4})"#,
    )
});

const SCHEMES: [&[u8]; 6] = [b"bearer ", b"basic ", b"token ", b"apikey ", b"digest ", b"negotiate "];

/// Adds the values of telling names in a text whose marks are masked.
pub(super) fn find(masked: &[u8], found: &mut Vec<Secret>) {
    let mut run = 0..0;
    for captures in HEAD.captures_iter(masked) {
        let (Some(head), Some(word)) = (captures.get(0), captures.get(1)) else { continue };
        let name = name_ending_at(masked, word.end());
        let Some(telling) = telling(name) else { continue };
        let assigns = masked.get(word.end()..head.end()).unwrap_or_default();
        let Some(form) = form(name, assigns) else { continue };

        let at = if name.to_ascii_lowercase().ends_with("authorization") {
            after_scheme(masked, head.end())
        } else {
            head.end()
        };
        if is_placeholder(masked, at) {
            continue;
        }
        let (range, form) = match quoted(masked, at) {
            Some(range) => {
                let inner = after_scheme(masked, range.start).min(range.end);
                (inner..range.end, Form::Quoted)
            }
            None => {
                // Where a run ends does not depend on where in it one begins.
                if !(run.start <= at && at < run.end) {
                    run = at..run_end(masked, at);
                }
                (at..trimmed_end(masked, at, run.end), form)
            }
        };
        if masked.get(range.clone()).is_some_and(|value| is_value(value, telling, form)) {
            found.push(Secret { range, rule: "assignment", rank: rules::COUNT });
        }
    }
}

fn is_value(value: &[u8], telling: Telling, form: Form) -> bool {
    !value.contains(&MASK) && is_secret(value, telling, form)
}

/// The whole name of which the last word ends here.
fn name_ending_at(masked: &[u8], end: usize) -> &str {
    let before = masked.get(end.saturating_sub(NAME_BYTES)..end).unwrap_or_default();
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || b"_-.".contains(byte);
    let start = before.iter().rposition(|byte| !is_name(byte)).map_or(0, |at| at + 1);
    before.get(start..).and_then(|name| std::str::from_utf8(name).ok()).unwrap_or_default()
}

/// How the value stands if it is not quoted; `None` where nothing is assigned.
fn form(name: &str, assigns: &[u8]) -> Option<Form> {
    let has_blank = assigns.iter().any(|byte| b" \t".contains(byte));
    match assigns.trim_ascii() {
        [] if name.starts_with("--") => Some(Form::Tight),
        [] => None,
        [.., b'='] if !has_blank => Some(Form::Tight),
        _ => Some(Form::Loose),
    }
}

fn after_scheme(masked: &[u8], at: usize) -> usize {
    let rest = masked.get(at..).unwrap_or_default();
    let is_here =
        |scheme: &&&[u8]| rest.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme));
    at + SCHEMES.iter().find(is_here).map_or(0, |scheme| scheme.len())
}

/// What stands between the quotes that open here and close on the same line. Quotes may be escaped, as
/// in JSON within a string; then so is the one that closes.
fn quoted(masked: &[u8], at: usize) -> Option<Range<usize>> {
    let rest = masked.get(at..)?;
    let escapes = rest.iter().take(4).take_while(|byte| **byte == b'\\').count();
    let quote = *rest.get(escapes).filter(|byte| b"\"'`".contains(byte))?;
    let start = at + escapes + 1;
    let mut backslashes = 0;
    for (offset, byte) in masked.get(start..)?.iter().enumerate() {
        match *byte {
            b'\n' | MASK => return None,
            b'\\' => backslashes += 1,
            byte if byte == quote && (escapes > 0 || backslashes % 2 == 0) => {
                let end = start + offset - backslashes.min(escapes);
                return Some(start..end);
            }
            _ => backslashes = 0,
        }
    }
    None
}

/// Whether here stands `<your key>` or `{password}`: words in brackets, to be replaced by the reader.
fn is_placeholder(masked: &[u8], at: usize) -> bool {
    let rest = masked.get(at..).unwrap_or_default();
    let (close, inner) = match rest.split_first() {
        Some((b'<', inner)) => (b'>', inner),
        Some((b'{', inner)) => (b'}', inner),
        _ => return false,
    };
    let words =
        inner.iter().take(NAME_BYTES).take_while(|b| b.is_ascii_alphabetic() || b" _-.".contains(b)).count();
    words > 0 && inner.get(words) == Some(&close)
}

/// The end of the unquoted run from here: at white space, a quote, a mark or a bracket that opens, and
/// at punctuation where the text around the value goes on.
fn run_end(masked: &[u8], start: usize) -> usize {
    let rest = masked.get(start..).unwrap_or_default();
    let length = rest.iter().enumerate().position(|(offset, byte)| match *byte {
        b' ' | b'\t' | b'\r' | b'\n' | b'"' | b'\'' | b'`' | MASK => true,
        b'\\' => rest.get(offset + 1).is_none_or(|next| b"\"'nrt\\".contains(next)),
        b',' | b';' | b'&' | b')' | b']' | b'}' | b'|' | b'>' | b'<' => {
            goes_on(rest.get(offset + 1..).unwrap_or_default())
        }
        _ => false,
    });
    start + length.unwrap_or(rest.len())
}

/// Whether after punctuation comes an end, more punctuation, or the next name that is assigned to.
fn goes_on(rest: &[u8]) -> bool {
    let Some(first) = rest.first() else { return true };
    if first.is_ascii_whitespace() || b"\"'`,;&)]}|<>/\\.".contains(first) || *first == MASK {
        return true;
    }
    let name =
        rest.iter().take(NAME_BYTES).take_while(|b| b.is_ascii_alphanumeric() || b"_-. ".contains(b)).count();
    name > 0 && rest.get(name).is_some_and(|byte| b"=:".contains(byte))
}

/// The end of the value without the full stop or comma of the sentence it stands in. A call or an index
/// keeps its bracket, by which it is known as code.
fn trimmed_end(masked: &[u8], start: usize, end: usize) -> usize {
    let value = masked.get(start..end).unwrap_or_default();
    if let Some(bracket) = value.iter().position(|byte| b"([".contains(byte)) {
        let name = value.get(..bracket).unwrap_or_default();
        if !name.is_empty() && name.iter().all(|byte| byte.is_ascii_alphanumeric() || b"_.:".contains(byte)) {
            return start + bracket + 1;
        }
    }
    start + value.iter().rposition(|byte| !b".,:;".contains(byte)).map_or(0, |last| last + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(text: &str) -> Vec<&str> {
        let mut found = Vec::new();
        find(text.as_bytes(), &mut found);
        found.into_iter().map(|secret| &text[secret.range]).collect()
    }

    #[test]
    fn values_are_found_in_every_way_of_assigning() {
        for (text, value) in [
            ("password=hunter2", "hunter2"),
            ("DB_PASSWORD=swordfish next", "swordfish"),
            ("password: hunter2.", "hunter2"),
            ("Server=db;User=a;Password=p4ss;Port=1", "p4ss"),
            ("Password=P@ss,w0rd);Port=1", "P@ss,w0rd"),
            ("?access_token=abc123def&x=1", "abc123def"),
            ("{\"api_key\": \"k-1\", \"x\": 1}", "k-1"),
            ("{\\\"password\\\": \\\"hun ter\\\", \\\"x\\\": 1}", "hun ter"),
            ("client_secret: 'it is \\' so'", "it is \\' so"),
            ("config['secret'] = \"x y\"", "x y"),
            ("run --password swordfish --port 1", "swordfish"),
            ("run --api-key=abcdef", "abcdef"),
            ("Authorization: ApiKey abc123def", "abc123def"),
            ("\"Authorization\": \"Bearer abc\"", "abc"),
            ("password := hunter2", "hunter2"),
            ("p\u{e4}ssword=x token=tok\u{e9}n123", "tok\u{e9}n123"),
        ] {
            assert_eq!(values(text), [value], "{text}");
        }
    }

    #[test]
    fn code_prose_and_standins_are_no_values() {
        for text in [
            "password = get_password()",
            "token=os.environ['TOKEN']",
            "secret = self.config.secret",
            "api_key=api_key",
            "password: String,",
            "password: must be at least long",
            "the token is abc123def",
            "token: a unit of text",
            "password=${PW}",
            "password={password}, secret=<your own secret>",
            "--token-count 4",
            "max_token=4096",
            "password=",
            "\"password\": \"\"",
        ] {
            assert_eq!(values(text), Vec::<&str>::new(), "{text}");
        }
    }
}
