//! Secrets taken out before the first byte reaches a disk.
//!
//! A secret becomes a mark, `[REDACTED:rule:xxxxxxxx]`, whose eight hex digits come from an HMAC under
//! the installation's key: equal secrets can be told to be equal, and nobody without the key can test
//! a guess. Three things find secrets: [`rules`] by the shape that their issuer gave them,
//! [`assignment`] by the name in front of them in a text, [`names`] by the key above them in JSON.
//! Clean text is read once, by a small automaton that knows which rules could match at all.
//!
//! What is redacted stays as it is: marks are never looked into, and redacting twice is redacting once.

mod assignment;
#[cfg(test)]
mod corpus;
mod mark;
mod names;
mod phrase;
mod rules;
mod shape;

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use hmac::{Hmac, KeyInit, Mac};
use serde_json::Value;
use sha2::Sha256;

use super::canonical::hex;
use super::refusal::Refusal;
use super::value::insert_free;
pub use mark::{reduce_marks, reduce_marks_in};
use names::{Telling, telling};
pub use phrase::Phrase;

/// How often a text is looked through until nothing is found. What comes to light only after its
/// neighbour was taken out needs a second pass; more than that takes a text made for it.
const PASSES: usize = 16;

/// Takes secrets out of texts and JSON, with the key of one installation.
///
/// ```
/// use serde_json::json;
/// use whytrace::gate::Redactor;
///
/// let redactor = Redactor::new([7; 32]);
/// let (text, count) = redactor.text("login with password=hunter2 failed");
/// assert!(text.starts_with("login with password=[REDACTED:assignment:"));
/// assert_eq!(count, 1);
///
/// let mut value = json!({"api_key": "hunter2", "input_tokens": 2048});
/// assert_eq!(redactor.json(&mut value), 1);
/// assert_eq!(value["input_tokens"], 2048);
/// ```
#[derive(Clone)]
pub struct Redactor {
    hmac: Hmac<Sha256>,
}

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redactor").finish_non_exhaustive()
    }
}

impl Redactor {
    /// A redactor with the key that all processes of an installation share.
    pub fn new(key: [u8; 32]) -> Self {
        // HMAC pads a short key with zeros to the block of its hash, 64 bytes.
        let mut block = [0; 64];
        block.iter_mut().zip(key).for_each(|(to, from)| *to = from);
        Self { hmac: Hmac::new(&block.into()) }
    }

    /// The text with marks in place of its secrets, and how many there were.
    pub fn text<'a>(&self, text: &'a str) -> (Cow<'a, str>, u32) {
        self.named_text(text, None)
    }

    /// Puts marks in place of the secrets in all keys and strings, and says how many there were. A
    /// string, or a list of strings, under a [telling](names) key is taken out whole.
    pub fn json(&self, value: &mut Value) -> u32 {
        self.named_json(value, None)
    }

    fn named_json(&self, value: &mut Value, name: Option<Telling>) -> u32 {
        match value {
            Value::String(text) => match self.named_text(text, name) {
                (Cow::Owned(redacted), count) => {
                    *text = redacted;
                    count
                }
                (Cow::Borrowed(_), _) => 0,
            },
            Value::Array(items) => items.iter_mut().map(|item| self.named_json(item, name)).sum(),
            // What lies deeper has names of its own: a schema's `password: {type: ..}` is no secret.
            Value::Object(map) => {
                let mut count: u32 =
                    map.iter_mut().map(|(key, item)| self.named_json(item, telling(key))).sum();
                if map.keys().any(|key| self.text(key).1 > 0) {
                    for (key, item) in std::mem::take(map) {
                        let (redacted, found) = self.text(&key);
                        count += found;
                        insert_free(map, redacted.into_owned(), "_", item);
                    }
                }
                count
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => 0,
        }
    }

    fn named_text<'a>(&self, text: &'a str, name: Option<Telling>) -> (Cow<'a, str>, u32) {
        let mut text = Cow::Borrowed(text);
        let mut count = 0;
        for _ in 0..PASSES {
            let found = find(&text, name);
            if found.is_empty() {
                break;
            }
            count += u32::try_from(found.len()).unwrap_or(u32::MAX);
            text = Cow::Owned(self.marked(&text, &found));
        }
        (text, count)
    }

    fn marked(&self, text: &str, found: &[Secret]) -> String {
        let mut marked = String::with_capacity(text.len());
        let mut copied = 0;
        for secret in found {
            let (Some(before), Some(hidden)) =
                (text.get(copied..secret.range.start), text.get(secret.range.clone()))
            else {
                continue;
            };
            marked.push_str(before);
            marked.push_str(&mark::mark(secret.rule, &self.tag(hidden)));
            copied = secret.range.end;
        }
        marked.push_str(text.get(copied..).unwrap_or_default());
        marked
    }

    /// Eight hex digits that equal secrets share.
    fn tag(&self, secret: &str) -> String {
        let mac = self.hmac.clone().chain_update(secret.as_bytes()).finalize().into_bytes();
        hex(mac.get(..4).unwrap_or_default())
    }
}

/// A secret found in a text: the bytes to take out, and the rule that says why.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Secret {
    range: Range<usize>,
    rule: &'static str,
    /// The lower, the more specific.
    rank: usize,
}

/// The secrets of a text, in order, apart from each other and from all marks. Where two rules claim
/// overlapping bytes, all of them go, under the name of the rule that is more specific.
fn find(text: &str, name: Option<Telling>) -> Vec<Secret> {
    let masked = mark::masked(text);
    let mut found = rules::find(&masked);
    assignment::find(&masked, &mut found);
    if let Some(name) = name {
        found.extend(named(&masked, name));
    }
    found.sort_by_key(|secret| secret.range.start);
    let mut apart: Vec<Secret> = Vec::with_capacity(found.len());
    for secret in found {
        match apart.last_mut() {
            Some(last) if secret.range.start < last.range.end => {
                if secret.rank < last.rank {
                    (last.rule, last.rank) = (secret.rule, secret.rank);
                }
                last.range.end = last.range.end.max(secret.range.end);
            }
            _ => apart.push(secret),
        }
    }
    // Spans end where bytes of a certain kind end, which is never within a character; should one, it
    // is left out rather than half a character.
    apart.retain(|secret| !secret.range.is_empty() && text.get(secret.range.clone()).is_some());
    apart
}

/// Everything under a telling key that looks like its secret, apart from marks.
fn named(masked: &[u8], name: Telling) -> Vec<Secret> {
    let mut found = Vec::new();
    let mut start = 0;
    for piece in masked.split(|byte| *byte == mark::MASK) {
        let leading = piece.len() - piece.trim_ascii_start().len();
        let value = piece.trim_ascii();
        if shape::is_secret(value, name, shape::Form::Field) {
            let start = start + leading;
            found.push(Secret { range: start..start + value.len(), rule: "field", rank: rules::COUNT + 1 });
        }
        start += piece.len() + 1;
    }
    found
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn redactor() -> Redactor {
        Redactor::new([7; 32])
    }

    fn redacted(text: &str) -> String {
        redactor().text(text).0.into_owned()
    }

    #[test]
    fn every_planted_secret_is_found() {
        let planted = corpus::secrets();
        assert!(planted.len() >= 200, "{}", planted.len());
        let missed: Vec<_> = planted
            .iter()
            .filter(|planted| {
                let (text, count) = redactor().text(&planted.text).clone();
                count == 0 || text.contains(&planted.secret)
            })
            .collect();
        assert!(missed.is_empty(), "{} of {}: {missed:#?}", missed.len(), planted.len());
    }

    #[test]
    fn fewer_than_one_ordinary_field_in_200_is_altered() {
        let fields = corpus::ordinary_fields();
        assert_eq!(fields.len(), 10_000);
        let altered: Vec<_> = fields
            .iter()
            .filter(|field| {
                let mut value = (*field).clone();
                redactor().json(&mut value) > 0
            })
            .collect();
        assert!(altered.len() < 50, "{}: {:#?}", altered.len(), altered.iter().take(20).collect::<Vec<_>>());
    }

    #[test]
    fn a_mark_names_its_rule_and_is_the_same_for_the_same_secret_and_key() {
        let text = redacted("Bearer abcdef0123456789abcdef and password: \"abcdef0123456789abcdef\"");
        let tags: Vec<&str> = text
            .split(':')
            .filter_map(|part| part.get(..8))
            .filter(|t| t.bytes().all(|b| b.is_ascii_hexdigit()))
            .collect();
        assert_eq!(tags.len(), 2, "{text}");
        assert_eq!(tags[0], tags[1], "{text}");
        let other = Redactor::new([8; 32]);
        assert!(!other.text("password=hunter2").0.contains(&redacted("password=hunter2")));
    }

    #[test]
    fn the_key_is_not_printed() {
        assert_eq!(format!("{:?}", redactor()), "Redactor { .. }");
    }

    #[test]
    fn only_the_password_of_a_url_goes() {
        let text = redacted("use postgres://app:s3cr3t@db.example:5432/main?sslmode=require now");
        assert!(text.starts_with("use postgres://app:[REDACTED:url_password:"), "{text}");
        assert!(text.ends_with("]@db.example:5432/main?sslmode=require now"), "{text}");
    }

    #[test]
    fn json_is_redacted_in_keys_values_and_under_telling_names() {
        let github = format!("gh{}_{}", 'p', "aB3".repeat(12));
        let mut value = json!({
            "note": format!("with {github}"),
            &github: [1, {"deep": format!("x {github}")}],
            "password": "correct horse battery staple",
            "apiKey": ["one-2", "two-3"],
            "Authorization": "Basic whatever",
        });
        assert_eq!(redactor().json(&mut value), 7);
        let text = value.to_string();
        for secret in [github.as_str(), "horse", "one-2", "two-3", "whatever"] {
            assert!(!text.contains(secret), "{text}");
        }
    }

    #[test]
    fn harmless_fields_with_telling_names_are_kept() {
        let harmless = json!({
            "input_tokens": 1200, "max_tokens": "4096", "token_count": "17", "password": "", "secret": true,
            "token": null, "api_key": 7, "tokens": ["the", "cat"], "next_page_token": "CAUQAA2",
            "token_type": "Bearer", "password_policy": "at least 12 characters", "cookie_consent": "yes1234",
            "has_secret": "no", "token": "the", "public_key": "abc123", "password_hint": "a fish",
            "properties": {"password": {"type": "string", "description": "the password of the user"}},
            "authorization": "required", "api_key_env": "OPENAI_KEY_2", "secret_name": "prod/db1",
        });
        let mut value = harmless.clone();
        assert_eq!(redactor().json(&mut value), 0, "{value:#}");
        assert_eq!(value, harmless);
    }

    #[test]
    fn identifiers_hashes_and_paths_are_kept() {
        for text in [
            "run 550e8400-e29b-41d4-a716-446655440000 of trc_20260213_143022_a1b2c3d4",
            "commit da39a3ee5e6b4b0d3255bfef95601890afd80709 in key 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
            "traceparent 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "the word SGVsbG8gV29ybGQsIHRoaXMgaXMgYmFzZTY0 is base64",
            "/home/app/Projects/Report2/_traces/trc_20260213_143022_a1b2c3d4.json",
            "token = os.environ[\"API_TOKEN\"]; password = getpass(); secret: String, api_key=api_key",
            "api_key=${API_KEY} password=<your-password> token: *** secret=YOUR_SECRET_KEY",
            "Basic authentication and bearer tokens: the token is a word, the secret: patience",
            "https://example.org:8080/a@b?page=2 and mailto:a@b.example",
        ] {
            assert_eq!(redacted(text), text);
        }
    }

    #[test]
    fn marks_are_left_alone_wherever_they_stand() {
        let mark = "[REDACTED:jwt:0123abcd]";
        for text in [
            mark.to_owned(),
            format!("password={mark}"),
            format!("Bearer {mark}"),
            format!("https://u:{mark}@h/"),
        ] {
            assert_eq!(redactor().text(&text), (Cow::Borrowed(text.as_str()), 0));
        }
        let mut value = json!({"password": mark, mark: mark});
        assert_eq!(redactor().json(&mut value), 0);
    }

    fn pieces() -> impl Strategy<Value = String> {
        let mut pieces: Vec<String> =
            corpus::secrets().into_iter().step_by(5).map(|planted| planted.text).collect();
        for piece in [
            "password",
            "=",
            ":",
            " ",
            "\"",
            "\\",
            "\\\"",
            "'",
            "token",
            "secret: ",
            "key",
            "[REDACTED:jwt:0123abcd]",
            "://",
            "@",
            "hunter2",
            "Bearer ",
            "\u{e9}",
            "\n",
            ",",
            "AKIA",
            "aws",
            "Cookie: a=",
            ";",
            "&",
            "-----",
        ] {
            pieces.push(piece.to_owned());
        }
        prop::collection::vec(prop::sample::select(pieces), 0..8).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]

        #[test]
        fn redacting_twice_is_redacting_once(text in prop_oneof![4 => pieces(), 1 => any::<String>()]) {
            let once = redacted(&text);
            let (twice, count) = redactor().text(&once).clone();
            prop_assert_eq!(&twice, &once);
            prop_assert_eq!(count, 0);

            let mut value = json!({"password": text, "token": text, "note": text, &text: 1});
            redactor().json(&mut value);
            let once = value.clone();
            prop_assert_eq!(redactor().json(&mut value), 0);
            prop_assert_eq!(value, once);
        }

        #[test]
        fn text_without_secrets_is_borrowed(text in "[a-z ]{0,80}") {
            prop_assert!(matches!(redactor().text(&text).0, Cow::Borrowed(_)));
        }
    }
}
