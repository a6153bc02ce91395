//! What a secret looks like, given how sure the name before it is.

use super::names::Telling;

/// How a value stands beside its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// A whole JSON string under the name.
    Field,
    /// In quotes after the name.
    Quoted,
    /// Directly after `=`, as in a shell, a URL or a connection string.
    Tight,
    /// After a colon or a spaced `=`, where prose may follow.
    Loose,
}

/// Words that stand where a secret is meant, but none is given.
const STANDINS: [&[u8]; 28] = [
    b"any",
    b"bool",
    b"boolean",
    b"bytes",
    b"disabled",
    b"empty",
    b"enabled",
    b"false",
    b"hidden",
    b"invalid",
    b"masked",
    b"missing",
    b"n/a",
    b"nil",
    b"no",
    b"none",
    b"null",
    b"optional",
    b"redacted",
    b"required",
    b"secretstr",
    b"set",
    b"str",
    b"string",
    b"true",
    b"undefined",
    b"unset",
    b"yes",
];

/// Whether `value` is taken for the secret that its name tells of.
pub(super) fn is_secret(value: &[u8], name: Telling, form: Form) -> bool {
    let value = value.trim_ascii();
    if value.is_empty() || is_standin(value) {
        return false;
    }
    let is_spaced = value.iter().any(u8::is_ascii_whitespace);
    match (name, form) {
        (Telling::Surely, Form::Field | Form::Quoted) => true,
        (Telling::Surely, Form::Tight) => value.len() >= 3 && !is_code(value),
        (Telling::Surely, Form::Loose) => {
            let is_unlike_prose =
                value.iter().any(|byte| byte.is_ascii_digit() || b"!@#$%^&*+=~".contains(byte));
            value.len() >= 6 && (is_unlike_prose || value.len() >= 20) && !is_code(value)
        }
        (Telling::Likely, Form::Loose) => value.len() >= 12 && is_strong(value) && !is_code(value),
        (Telling::Likely, Form::Tight) => is_strong(value) && !is_code(value),
        (Telling::Likely, Form::Field | Form::Quoted) => {
            is_strong(value) && (!is_spaced || value.iter().any(|byte| b"=:".contains(byte)))
        }
        (Telling::Perhaps, _) => is_random(value),
    }
}

/// Letters with digits, or long.
pub(super) fn is_strong(value: &[u8]) -> bool {
    let has_digit = value.iter().any(u8::is_ascii_digit);
    let has_letter = value.iter().any(u8::is_ascii_alphabetic);
    has_letter && (has_digit && value.len() >= 6 || value.len() >= 20)
}

/// Drawn from letters of both cases and digits, as base62 and base64 are; no hex, no UUID, no path, no
/// words in camel case.
pub(super) fn is_random(value: &[u8]) -> bool {
    let classes: Vec<u8> = value
        .iter()
        .map(|byte| match byte {
            b'a'..=b'z' => 1,
            b'A'..=b'Z' => 2,
            b'0'..=b'9' => 3,
            b'_' | b'-' | b'+' | b'/' | b'=' | b'.' | b'~' => 4,
            _ => 0,
        })
        .collect();
    let changes = classes.windows(2).filter(|pair| pair.first() != pair.last()).count();
    (20..=512).contains(&value.len())
        && !classes.contains(&0)
        && [1, 2, 3].iter().all(|class| classes.contains(class))
        && classes.iter().filter(|class| **class == 4).count() * 8 <= value.len()
        // Of random base62 more than half of all neighbours differ in class, of words hardly any.
        && changes * 3 >= value.len()
}

/// Text that stands for a secret: a word like `none`, a variable, a run of one character.
pub(super) fn is_standin(value: &[u8]) -> bool {
    let value = value.trim_ascii();
    let is_variable = value.starts_with(b"$")
        || value.starts_with(b"{{")
        || (value.starts_with(b"<") && value.ends_with(b">"))
        || (value.starts_with(b"{") && value.ends_with(b"}"))
        || (value.len() > 2 && value.starts_with(b"%") && value.ends_with(b"%"));
    let is_constant_name =
        value.contains(&b'_') && value.iter().all(|byte| byte.is_ascii_uppercase() || *byte == b'_');
    let is_one_character = value.iter().all(|byte| value.first() == Some(byte))
        && (value.len() >= 3 || !value.iter().any(u8::is_ascii_alphanumeric));
    let lower = value.to_ascii_lowercase();
    is_variable || is_constant_name || is_one_character || STANDINS.contains(&lower.as_slice())
}

/// An expression in a program rather than a value: `config.secret`, `Self::KEY`, `api_key`.
fn is_code(value: &[u8]) -> bool {
    let is_name = value.iter().all(|byte| byte.is_ascii_alphabetic() || b"_.:".contains(byte));
    let is_call = value.ends_with(b"(") || value.ends_with(b"[");
    is_call || (is_name && value.iter().any(|byte| b"_.:".contains(byte)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn random_is_told_from_words_hashes_and_ids() {
        assert!(is_random(b"kJ8sP2mQx7Lw0ZtR5vNb"));
        for ordinary in [
            "SourceSelectionStage2Collection",
            "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
            "550e8400-e29b-41d4-a716-446655440000",
            "src/Gate/Redact2/Names.rs.Backup",
            "2026-02-13T14:30:22Z",
            "kJ8sP2mQ",
        ] {
            assert!(!is_random(ordinary.as_bytes()), "{ordinary}");
        }
    }

    #[test]
    fn standins_are_no_secrets() {
        for standin in
            ["None", "${TOKEN}", "<your key>", "****", "xxxxxx", "YOUR_API_KEY", "{{ secret }}", "%PW%", "-"]
        {
            assert!(is_standin(standin.as_bytes()), "{standin}");
        }
        assert!(!is_standin(b"hunter2"));
    }

    #[test]
    fn the_surer_the_name_the_less_it_takes() {
        assert!(is_secret(b"swordfish", Telling::Surely, Form::Tight));
        assert!(!is_secret(b"swordfish", Telling::Surely, Form::Loose));
        assert!(!is_secret(b"swordfish", Telling::Likely, Form::Field));
        assert!(is_secret(b"sw0rdfish", Telling::Likely, Form::Field));
        assert!(!is_secret(b"sw0rdfish", Telling::Perhaps, Form::Field));
    }
}
