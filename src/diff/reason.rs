//! Why the runs are said to have parted at a decision.

use std::fmt;

use serde::{Serialize, Serializer};

use super::decisions::InputDifference;
use super::quoted;
use super::side::{NAMES, Side};
use crate::model::Status;
use crate::shown::excerpt;

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
    /// They chose the same and gave it other inputs: these fields, the first few.
    Inputs(Vec<InputDifference>),
    /// The first in other words, where both did the same throughout.
    Words,
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
            Self::Inputs(inputs) => format!("the same with other inputs: {}", inputs_text(inputs, names)),
            Self::Words => "both did the same throughout; this is the first in other words".to_owned(),
            Self::Confidence => {
                "all choices are the same; this is the first with another confidence".to_owned()
            }
            Self::Options => "all choices are the same; this is the first with other options".to_owned(),
            Self::Order => "all choices are the same; this is the first in another order".to_owned(),
        }
    }
}

fn inputs_text(inputs: &[InputDifference], [a, b]: [&str; 2]) -> String {
    let value =
        |value: &Option<String>| value.as_deref().map_or_else(|| "none".to_owned(), |v| excerpt(v, 60));
    let field = |input: &InputDifference| {
        let name =
            if input.field.is_empty() { String::new() } else { format!("{} ", excerpt(&input.field, 40)) };
        format!("{name}{a} {}, {b} {}", value(&input.a), value(&input.b))
    };
    let fields: Vec<String> = inputs.iter().take(2).map(field).collect();
    let more = inputs.len().saturating_sub(fields.len());
    let more = if more > 0 { format!(" (+{more} more)") } else { String::new() };
    format!("{}{more}", fields.join("; "))
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
