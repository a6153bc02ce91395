//! The URIs of runs: `trace://{trace_id}` and `trace://{trace_id}/summary`.

use std::fmt;

use crate::model::TraceId;

const SCHEME: &str = "trace://";

/// A run in one form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TraceUri {
    pub(crate) trace_id: TraceId,
    pub(crate) part: Part,
}

/// The forms of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// JSON.
    Document,
    /// Markdown.
    Summary,
}

impl TraceUri {
    /// Reads a URI. A slash at the end is forgiven, because some clients' URI libraries add one.
    pub(crate) fn parse(uri: &str) -> Option<Self> {
        let rest = uri.strip_prefix(SCHEME)?;
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        let (id, part) = match rest.split_once('/') {
            Some((id, "summary")) => (id, Part::Summary),
            Some(_) => return None,
            None => (rest, Part::Document),
        };
        Some(Self { trace_id: decoded(id)?.try_into().ok()?, part })
    }
}

impl fmt::Display for TraceUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{SCHEME}{}", encoded(self.trace_id.as_str()))?;
        match self.part {
            Part::Document => Ok(()),
            Part::Summary => f.write_str("/summary"),
        }
    }
}

/// The text with every byte but the unreserved characters of RFC 3986 percent-encoded.
pub(super) fn encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                char::from(byte).to_string()
            }
            _ => format!("%{byte:02X}"),
        })
        .collect()
}

/// The text behind a percent-encoding; `None` where it is not one of UTF-8.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
            bytes.push(digit(rest.next()?)? * 16 + digit(rest.next()?)?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_id_that_looks_like_a_path_stays_one_segment() {
        let uri = TraceUri { trace_id: "../a b/summary?%".parse().unwrap(), part: Part::Summary };
        assert_eq!(uri.to_string(), "trace://..%2Fa%20b%2Fsummary%3F%25/summary");
    }

    #[test]
    fn what_names_no_run_is_no_uri() {
        for text in [
            "",
            "trace://",
            "file:///etc/passwd",
            "trace://a/other",
            "trace://a%2",
            "trace://%ff",
            "trace://%0A",
        ] {
            assert_eq!(TraceUri::parse(text), None, "{text}");
        }
        assert!(TraceUri::parse("trace://a/").is_some());
    }

    proptest! {
        #[test]
        fn a_uri_is_read_as_it_was_written(id in "[^\\p{C}]{1,20}", summary: bool) {
            prop_assume!(!id.trim().is_empty());
            let Ok(trace_id) = id.parse() else { return Ok(()) };
            let part = if summary { Part::Summary } else { Part::Document };
            let uri = TraceUri { trace_id, part };
            prop_assert_eq!(TraceUri::parse(&uri.to_string()), Some(uri));
        }
    }
}
