//! Why the runs are said to have parted at a decision.

use std::fmt;

use serde::{Serialize, Serializer};

use super::quoted;
use super::side::{NAMES, Side};
use crate::model::Status;

/// Why a divergence is one; in data a sentence in which the runs are `a` and `b`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// Each made a decision of its own where the other made another.
    Apart,
    /// One run alone made it.
    Only(Side),
    /// One run alone made it, and the other, which is in this state, made none from there on.
    Ended(Side, Status),
    /// One run chose this option, which the other had considered.
    Took(Side, String),
    /// They chose differently.
    Choice,
    /// The first with another confidence, where all choices are the same.
    Confidence,
    /// The first with other options, where all choices are the same.
    Options,
    /// The first in another order, where all choices are the same.
    Order,
}

impl Reason {
    /// The reason as a sentence in which run a and run b go by these names.
    #[must_use]
    pub fn told(&self, names: [&str; 2]) -> String {
        let [a, b] = names;
        match self {
            Self::Apart => format!("at the same point, {a} and {b} made different decisions"),
            Self::Only(side) => {
                let [one, _] = side.first(names);
                format!("only {one} made this decision")
            }
            Self::Ended(side, status) => {
                let [one, other] = side.first(names);
                let state = match status {
                    Status::Complete => String::new(),
                    status => format!(" ({status})"),
                };
                format!("only {one} made this decision; {other}{state} made none from here on")
            }
            Self::Took(Side::A, option) => {
                format!("{a} chose {}, which {b} considered and did not take", quoted(option))
            }
            Self::Took(Side::B, option) => {
                format!("{b} chose {}, which {a} had considered and not taken", quoted(option))
            }
            Self::Choice => format!("{a} and {b} chose differently"),
            Self::Confidence => {
                "all choices are the same; this is the first with another confidence".to_owned()
            }
            Self::Options => "all choices are the same; this is the first with other options".to_owned(),
            Self::Order => "all choices are the same; this is the first in another order".to_owned(),
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.told(NAMES))
    }
}

impl Serialize for Reason {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
