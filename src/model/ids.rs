//! Names by which things are found again: of traces, decisions and events.
//!
//! A caller may bring its own; then it is 1 to 128 bytes of text in NFC without control characters (the gate
//! normalises and says so). The ids made here are drawn from the entropy that is passed in.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::Timestamp;

/// The longest id, in bytes.
pub(super) const MAX_ID_BYTES: usize = 128;

/// Says why a text is no id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// The text is empty or blank.
    #[error("an id must not be empty")]
    Empty,
    /// The text is longer than [`MAX_ID_BYTES`].
    #[error("an id has at most {MAX_ID_BYTES} bytes, this one has {0}")]
    TooLong(usize),
    /// The text holds a control character.
    #[error("an id must not contain control characters")]
    Control,
}

fn check(text: &str) -> Result<(), IdError> {
    if text.trim().is_empty() {
        Err(IdError::Empty)
    } else if text.len() > MAX_ID_BYTES {
        Err(IdError::TooLong(text.len()))
    } else if text.chars().any(char::is_control) {
        Err(IdError::Control)
    } else {
        Ok(())
    }
}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The id as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = IdError;
            fn try_from(text: String) -> Result<Self, IdError> {
                check(&text).map(|()| Self(text))
            }
        }

        impl FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                text.to_owned().try_into()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

id! {
    /// The name of one run, unique in an installation: `trc_YYYYMMDD_HHMMSS_xxxxxxxx`, or the caller's own.
    TraceId
}
id! {
    /// The name of one decision, unique within its trace.
    DecisionId
}
id! {
    /// The name of one event, unique within its trace; the key that makes a repeated request harmless.
    ///
    /// The event of a decision carries the decision's id; a run's start and finish are called `start` and `finish`.
    EventId
}

impl TraceId {
    /// Makes an id from the moment of the start (UTC, to the second) and 32 random bits.
    #[must_use]
    pub fn generate(at: Timestamp, entropy: u32) -> Self {
        Self(format!("trc_{}_{entropy:08x}", at.to_chrono().format("%Y%m%d_%H%M%S")))
    }
}

impl DecisionId {
    /// Makes an id from the process that records and a mark that no other of its events has, so that no two
    /// processes and no two events of one share it.
    #[must_use]
    pub fn generate(origin: &str, mark: &str) -> Self {
        Self(format!("dec_{origin}_{mark}"))
    }
}

impl EventId {
    /// Makes an id as [`DecisionId::generate`] does.
    #[must_use]
    pub fn generate(origin: &str, mark: &str) -> Self {
        Self(format!("evt_{origin}_{mark}"))
    }

    /// The id of every run's first event.
    #[must_use]
    pub fn start() -> Self {
        Self("start".to_owned())
    }

    /// The id of every run's finish.
    #[must_use]
    pub fn finish() -> Self {
        Self("finish".to_owned())
    }
}

impl From<DecisionId> for EventId {
    fn from(id: DecisionId) -> Self {
        Self(id.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_generated_trace_id_has_the_documented_shape() {
        let at = "2026-02-13T14:30:22.123456Z".parse().unwrap();
        assert_eq!(TraceId::generate(at, 0xa1b2_c3d4).as_str(), "trc_20260213_143022_a1b2c3d4");
    }

    #[test]
    fn what_is_no_id_is_refused_with_the_reason() {
        assert_eq!("  ".parse::<TraceId>(), Err(IdError::Empty));
        assert_eq!("a\nb".parse::<TraceId>(), Err(IdError::Control));
        assert_eq!("x".repeat(129).parse::<TraceId>(), Err(IdError::TooLong(129)));
    }
}
