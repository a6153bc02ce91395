//! Names that tell of a secret.
//!
//! The last word of a name says what it names: `db_password` and `dbPassword` are passwords,
//! `password_policy` and `tokenCount` are not, `input_tokens` counts. How sure a name is decides how
//! much its value has to look like a secret, in [`shape`](super::shape).

/// How strongly a name tells of a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Telling {
    /// Names many harmless things too, as `key`: the value must look random.
    Perhaps,
    /// Names secrets, and now and then a word of language, as `token`: the value must not look like one.
    Likely,
    /// Names nothing else, as `password`.
    Surely,
}

/// Words that make a name sure, also at the end of a longer word, as in `dbpassword`.
const SURE: [&str; 14] = [
    "password",
    "passwords",
    "passwd",
    "passphrase",
    "passcode",
    "pwd",
    "secret",
    "secrets",
    "apikey",
    "apikeys",
    "secretkey",
    "privatekey",
    "accesskey",
    "authorization",
];

/// Words that make a following `key` sure.
const SURE_KEYS: [&str; 21] = [
    "access",
    "account",
    "admin",
    "api",
    "app",
    "auth",
    "client",
    "deploy",
    "encryption",
    "function",
    "hmac",
    "license",
    "master",
    "private",
    "secret",
    "service",
    "shared",
    "signing",
    "ssh",
    "storage",
    "webhook",
];

/// Words that make a following `key` harmless.
const HARMLESS_KEYS: [&str; 12] = [
    "cache",
    "decision",
    "dedup",
    "foreign",
    "idempotency",
    "object",
    "partition",
    "primary",
    "public",
    "routing",
    "row",
    "sort",
];

const LIKELY: [&str; 18] = [
    "accesstoken",
    "auth",
    "authtoken",
    "bearer",
    "cookie",
    "cookies",
    "credential",
    "credentials",
    "creds",
    "csrftoken",
    "idtoken",
    "jwt",
    "otp",
    "refreshtoken",
    "sas",
    "sessiontoken",
    "token",
    "xsrftoken",
];

/// Words that make a following `token` one of a language model, a page or a lock.
const HARMLESS_TOKENS: [&str; 24] = [
    "bos",
    "cancellation",
    "cls",
    "continuation",
    "continue",
    "cursor",
    "end",
    "eos",
    "first",
    "last",
    "mask",
    "next",
    "page",
    "pad",
    "pagination",
    "per",
    "prev",
    "previous",
    "sep",
    "special",
    "start",
    "stop",
    "sync",
    "unk",
];

const PERHAPS: [&str; 6] = ["key", "keys", "session", "sessionid", "sig", "signature"];

/// How strongly `name` tells of a secret; `None` where it does not.
pub(super) fn telling(name: &str) -> Option<Telling> {
    let words = words(name);
    let (last, before) = words.split_last()?;
    let last = last.trim_end_matches(|c: char| c.is_ascii_digit());
    let before = before.last().map(String::as_str).unwrap_or_default();
    if SURE.iter().any(|sure| last.ends_with(sure)) || (last == "hash" && before == "password") {
        return Some(Telling::Surely);
    }
    if matches!(last, "key" | "keys") {
        return match before {
            _ if SURE_KEYS.contains(&before) => Some(Telling::Surely),
            _ if HARMLESS_KEYS.contains(&before) => None,
            _ => Some(Telling::Perhaps),
        };
    }
    if LIKELY.contains(&last) {
        return (!(last == "token" && HARMLESS_TOKENS.contains(&before))).then_some(Telling::Likely);
    }
    // `DB_PASS`, but not `pass` alone, which is a verdict.
    if last == "pass" && !before.is_empty() {
        return Some(Telling::Likely);
    }
    PERHAPS.contains(&last).then_some(Telling::Perhaps)
}

/// The words of a name in lower case, cut at punctuation and where the case changes: `APIKey_2` is
/// `api key 2`.
fn words(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut chars = name.chars().peekable();
    let mut before = '_';
    while let Some(c) = chars.next() {
        let begins = c.is_uppercase()
            && (!before.is_uppercase() || chars.peek().is_some_and(|next| next.is_lowercase()));
        if c.is_alphanumeric() {
            match words.last_mut() {
                Some(word) if before.is_alphanumeric() && !begins => word.extend(c.to_lowercase()),
                _ => words.push(c.to_lowercase().collect()),
            }
        }
        before = c;
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_read_by_its_last_word() {
        for name in [
            "password",
            "DB_PASSWORD",
            "userPassword",
            "dbpassword",
            "password2",
            "client-secret",
            "x-api-key",
            "apiKey",
            "APIKey",
            "OPENAI_API_KEY",
            "AccountKey",
            "Proxy-Authorization",
            "aws_secret_access_key",
        ] {
            assert_eq!(telling(name), Some(Telling::Surely), "{name}");
        }
        for name in ["token", "accessToken", "Set-Cookie", "SLACK_BOT_TOKEN", "SMTP_PASS"] {
            assert_eq!(telling(name), Some(Telling::Likely), "{name}");
        }
        for name in ["key", "session", "map_key"] {
            assert_eq!(telling(name), Some(Telling::Perhaps), "{name}");
        }
        for name in [
            "",
            "input_tokens",
            "max_tokens",
            "tokenCount",
            "token_type",
            "tokens",
            "password_policy",
            "secret_name",
            "page_token",
            "public_key",
            "pass",
            "keyword",
            "monkey",
            "compass",
            "author",
        ] {
            assert_eq!(telling(name), None, "{name}");
        }
    }
}
