//! Secrets known by their shape: the table of rules.
//!
//! Each rule has a hint, a small pattern without which it cannot match. All hints are looked for at
//! once, and only the rules whose hint was there are compiled and run. Patterns are over bytes and
//! ASCII; the regex engine is linear in the text. Specific rules stand before general ones, since the
//! first one names what several find.

use std::sync::{LazyLock, OnceLock};

use regex::bytes::{Regex, RegexBuilder, RegexSet, RegexSetBuilder};

use super::Secret;
use super::shape::{is_random, is_standin};

/// Cache of one automaton, in bytes, so that dozens of them stay within a few megabytes.
const CACHE_BYTES: usize = 512 * 1024;

/// One kind of secret. The secret is the first group of the pattern, or the whole match.
struct Rule {
    name: &'static str,
    hint: &'static str,
    pattern: &'static str,
    accepts: fn(&[u8]) -> bool,
}

/// A rule whose hint is its pattern: short, or with a start that is rare by itself.
const fn token(name: &'static str, pattern: &'static str) -> Rule {
    Rule { name, hint: pattern, pattern, accepts: always }
}

const fn rule(
    name: &'static str,
    hint: &'static str,
    pattern: &'static str,
    accepts: fn(&[u8]) -> bool,
) -> Rule {
    Rule { name, hint, pattern, accepts }
}

const RULES: [Rule; 55] = [
    // A key whose end is missing is taken as far as it looks like one.
    rule(
        "private_key",
        "PRIVATE KEY",
        r"-----BEGIN [A-Z0-9 ]{0,30}PRIVATE KEY(?: BLOCK)?-----(?:(?:-{0,4}[^-\xff])*-----END [A-Z0-9 ]{0,30}PRIVATE KEY(?: BLOCK)?-----|[A-Za-z0-9+/=\s\\]*)",
        always,
    ),
    token("age_key", r"AGE-SECRET-KEY-1[A-Z0-9]{50,}"),
    token("jwt", r"eyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]*(?:\.[\w-]+){0,2}"),
    // Clouds
    token("aws_access_key", r"(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}\b"),
    rule(
        "aws_secret_key",
        "(?i:aws|amazon)|AKIA|ASIA",
        r"(?:(?i:aws|amazon)|AKIA|ASIA)[^\n\xff]{0,80}?[^A-Za-z0-9/+\xff]([A-Za-z0-9/+]{40})(?:[^A-Za-z0-9/+=]|$)",
        is_random,
    ),
    token("google_api_key", r"AIza[\w-]{35}"),
    token("google_oauth", r"ya29\.[\w-]{20,}|GOCSPX-[\w-]{20,}|1//0[\w-]{30,}"),
    rule("azure_key", "(?i)key=", r"(?i)(?:account|sharedaccess)key=([A-Za-z0-9+/]{40,}=*)", always),
    rule("azure_sas", "sig=", r"[?&;]sig=([A-Za-z0-9%+/_-]{30,}=*)", always),
    rule("azure_client_secret", r"\dQ~", r"[\w~.-]{3}\dQ~[\w~.-]{31,34}", always),
    token("digitalocean", r"do[opr]_v1_[0-9a-f]{64}"),
    token("vault", r"hv[sbr]\.[\w-]{20,}"),
    token("doppler", r"dp\.(?:pt|st|ct|sa|scim|audit)\.[A-Za-z0-9]{40,}"),
    token("databricks", r"dapi[0-9a-f]{32}"),
    token("planetscale", r"pscale_[a-z]{2,8}_[\w.-]{30,}"),
    token("supabase", r"sbp_[0-9a-f]{40}|sb_secret_[\w-]{20,}"),
    // Code and packages
    // Ours, which an agent may come across in its own configuration.
    token("whytrace", r"wht_[\w-]{43}"),
    token("github", r"gh[pousr]_[A-Za-z0-9]{30,}|github_pat_\w{22,}"),
    token("gitlab", r"gl(?:pat|dt|rt|cbt|ptt|ft|imt|agent|oas|soat|ffct)-[\w-]{20,}(?:\.[\w-]+)*"),
    token("npm", r"npm_[A-Za-z0-9]{30,}"),
    token("pypi", r"pypi-[\w-]{40,}"),
    token("crates", r"cio[A-Za-z0-9]{32}\b"),
    token("rubygems", r"rubygems_[0-9a-f]{40,}"),
    token("docker", r"dckr_[a-z]{3}_[\w-]{20,}"),
    token("postman", r"PMAK-[0-9a-f]{24}-[0-9a-f]{34}"),
    token("netlify", r"nfp_[A-Za-z0-9]{36,}"),
    // Models
    token("anthropic", r"sk-ant-[\w-]{20,}"),
    // OpenAI, and those who took up its form: `sk-`, perhaps more words, then what is random.
    rule("openai", r"sk-[\w-]{20}", r"sk-[\w-]{20,}", has_digits),
    token("huggingface", r"hf_[A-Za-z0-9]{30,}|api_org_[A-Za-z0-9]{30,}"),
    token("groq", r"gsk_[A-Za-z0-9]{40,}"),
    token("xai", r"xai-[A-Za-z0-9]{40,}"),
    token("perplexity", r"pplx-[A-Za-z0-9]{32,}"),
    token("replicate", r"r8_[A-Za-z0-9]{30,}"),
    token("tavily", r"tvly-[\w-]{20,}"),
    token("langsmith", r"lsv2_[a-z]{2}_[0-9a-f]{32}\w*"),
    token("pinecone", r"pcsk_\w{30,}"),
    token("firecrawl", r"fc-[0-9a-f]{32}\b"),
    // Messages and payments
    token("slack", r"xox[abeoprs]-[\w-]{10,}|xapp-[\w-]{20,}"),
    rule(
        "slack_webhook",
        "hooks",
        r"hooks\.slack\.com/(?:services|workflows|triggers)/([\w/+-]{20,})",
        always,
    ),
    rule("discord_webhook", "webhooks/", r"discord(?:app)?\.com/api/webhooks/\d+/([\w-]{40,})", always),
    rule("discord", r"\.[\w-]{6}\.[\w-]{27}", r"[MNO][\w-]{23,27}\.[\w-]{6}\.[\w-]{27,}", always),
    rule("telegram", r"\d:[\w-]{35}", r"\d{8,10}:[\w-]{35}\b", is_bot_token),
    token("stripe", r"[sr]k_(?:live|test)_[A-Za-z0-9]{10,}|whsec_[A-Za-z0-9+/=]{20,}"),
    token("sendgrid", r"SG\.[\w-]{16,}\.[\w-]{16,}"),
    token("twilio", r"SK[0-9a-f]{32}\b"),
    rule("mailchimp", r"-us\d", r"[0-9a-f]{32}-us\d{1,2}\b", always),
    token("shopify", r"shp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}"),
    // Work
    token("atlassian", r"ATATT3[\w=-]{50,}"),
    token("linear_or_notion", r"lin_(?:api|oauth)_[A-Za-z0-9]{32,}|ntn_[A-Za-z0-9]{40,}"),
    token("monitoring", r"gl(?:c|sa)_[\w+/=]{32,}|NRAK-[A-Z0-9]{20,}|sntry[su]_[\w+/=-]{40,}"),
    // Whoever issued it
    rule("url_password", "://", r#"://[^\s/?#:@"'<>\xff]*:([^\s/?#"'<>\xff]+)@"#, is_given),
    rule("dsn_password", r"@(?:tcp|unix)\(", r#"[\w.-]+:([^\s"'/@\xff]+)@(?:tcp|unix)\("#, is_given),
    rule("bearer", r"(?i)bearer\s", r"(?i)bearer\s+([\w.~+/-]{16,}=*)", has_digit),
    rule("basic", r"(?i)basic\s", r"(?i)basic\s+([A-Za-z0-9+/]{8,}={0,2})", is_basic_credentials),
    rule("cookie", "(?i)cookie:", r#"(?i)(?:set-)?cookie:[ \t]*([\w.-]+=[^\r\n"'\xff]{6,})"#, always),
];

static HINTS: LazyLock<RegexSet> = LazyLock::new(|| compile_set(RULES.iter().map(|rule| rule.hint)));
static PATTERNS: [OnceLock<Regex>; RULES.len()] = [const { OnceLock::new() }; RULES.len()];

/// What the rules find in a text whose marks are masked.
pub(super) fn find(masked: &[u8]) -> Vec<Secret> {
    let mut found = Vec::new();
    let hinted = HINTS.matches(masked);
    for (rank, (rule, pattern)) in RULES.iter().zip(&PATTERNS).enumerate() {
        if !hinted.matched(rank) {
            continue;
        }
        let pattern = pattern.get_or_init(|| compile(rule.pattern));
        for captures in pattern.captures_iter(masked) {
            let Some(whole) = captures.get(0) else { continue };
            let secret = captures.get(1).unwrap_or(whole);
            if begins_at(masked, whole.start()) && (rule.accepts)(secret.as_bytes()) {
                found.push(Secret { range: secret.range(), rule: rule.name, rank });
            }
        }
    }
    found
}

/// How many rules there are, which is the rank of what is found in other ways.
pub(super) const COUNT: usize = RULES.len();

/// A pattern over bytes and ASCII.
#[expect(clippy::expect_used, reason = "patterns are constants, and a test compiles each of them")]
pub(super) fn compile(pattern: &str) -> Regex {
    RegexBuilder::new(pattern)
        .unicode(false)
        .dfa_size_limit(CACHE_BYTES)
        .build()
        .expect("a constant pattern is valid")
}

/// A pattern over text.
#[expect(clippy::expect_used, reason = "patterns are constants, and a test compiles each of them")]
pub(super) fn compile_text(pattern: &str) -> regex::Regex {
    regex::Regex::new(pattern).expect("a constant pattern is valid")
}

#[expect(clippy::expect_used, reason = "patterns are constants, and a test compiles each of them")]
fn compile_set<'a>(patterns: impl Iterator<Item = &'a str>) -> RegexSet {
    RegexSetBuilder::new(patterns).unicode(false).build().expect("constant patterns are valid")
}

/// Whether something begins here rather than going on: not after a letter or digit, unless that is the
/// end of an escape such as `\n` or `%3D`.
fn begins_at(masked: &[u8], at: usize) -> bool {
    match masked.get(..at) {
        Some([.., b'%', a, b]) if a.is_ascii_hexdigit() && b.is_ascii_hexdigit() => true,
        Some([.., b'\\', b'n' | b'r' | b't']) => true,
        Some([.., before]) => {
            !before.is_ascii_alphanumeric() || masked.get(at).is_some_and(|b| !b.is_ascii_alphanumeric())
        }
        _ => true,
    }
}

fn always(_: &[u8]) -> bool {
    true
}

fn has_digit(secret: &[u8]) -> bool {
    secret.iter().any(u8::is_ascii_digit)
}

fn has_digits(secret: &[u8]) -> bool {
    secret.iter().filter(|byte| byte.is_ascii_digit()).count() >= 3
}

fn is_given(secret: &[u8]) -> bool {
    !is_standin(secret)
}

fn is_bot_token(secret: &[u8]) -> bool {
    secret.split(|byte| *byte == b':').next_back().is_some_and(is_random)
}

/// Whether this is base64 of `user:password`, and not a word after "basic".
fn is_basic_credentials(secret: &[u8]) -> bool {
    let mut decoded = Vec::with_capacity(secret.len());
    let (mut bits, mut count) = (0u32, 0);
    for byte in secret.iter().take_while(|byte| **byte != b'=') {
        let digit = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            _ => 63,
        };
        bits = bits << 6 | u32::from(digit);
        count += 6;
        if count >= 8 {
            count -= 8;
            decoded.extend(u8::try_from(bits >> count & 0xff));
        }
    }
    decoded.contains(&b':')
        && std::str::from_utf8(&decoded).is_ok_and(|text| !text.contains(char::is_control))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_and_hint_compiles_and_every_name_fits_into_a_mark() {
        assert!(HINTS.len() == RULES.len());
        for rule in RULES {
            compile(rule.pattern);
            assert!(rule.name.len() <= 32 && rule.name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'));
        }
    }

    #[test]
    fn basic_credentials_are_told_from_words() {
        assert!(is_basic_credentials(b"dXNlcjpwYXNzd29yZA=="));
        assert!(!is_basic_credentials(b"authentication"));
        assert!(!is_basic_credentials(b"understanding"));
    }

    #[test]
    fn a_token_begins_after_punctuation_or_an_escape() {
        let key = format!("{}{}", "AK", "IAQ3EGRIXCJQ4TOUPA");
        for (before, finds) in
            [("", true), ("=", true), ("\\n", true), ("%3D", true), ("_", true), ("x", false)]
        {
            assert_eq!(!find(format!("{before}{key}").as_bytes()).is_empty(), finds, "{before}");
        }
    }

    #[test]
    fn a_private_key_without_its_end_is_taken_as_far_as_it_goes() {
        let begin = format!("-----BEGIN {} KEY-----", "PRIVATE");
        let text = format!("{begin}\nMIIEabc+/=\n-----BEGIN nothing");
        let found = find(text.as_bytes());
        assert_eq!(found[0].range, 0..begin.len() + 12);
    }
}
