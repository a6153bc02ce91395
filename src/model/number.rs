//! Numbers that are checked once and then trusted.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How sure the decider said it was: a finite number in `0..=1`.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Confidence(f64);

/// Says that a number lies outside its range.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[error("{0} is not in the range 0..=1")]
pub struct OutOfRange(pub f64);

impl Confidence {
    /// The number itself, in `0..=1`.
    #[must_use]
    pub fn get(self) -> f64 {
        self.0
    }
}

impl TryFrom<f64> for Confidence {
    type Error = OutOfRange;

    fn try_from(value: f64) -> Result<Self, OutOfRange> {
        // Adding zero turns -0 into 0, so that equal confidences are written alike.
        if (0.0..=1.0).contains(&value) { Ok(Self(value + 0.0)) } else { Err(OutOfRange(value)) }
    }
}

impl From<Confidence> for f64 {
    fn from(confidence: Confidence) -> Self {
        confidence.0
    }
}

impl fmt::Display for Confidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.2}", self.0)
    }
}
