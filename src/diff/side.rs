//! Which of the two runs a sentence is about.
//!
//! Sentences of a comparison are kept as what they say, and are put into words with the names that the runs go by
//! where they are read: `a` and `b` beside the fields of that name, which is what they are written as, `A` and `B` above
//! columns.

/// One of the runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The run that is the measure.
    A,
    /// The run that is held against it.
    B,
}

/// What the runs are called in data.
pub(super) const NAMES: [&str; 2] = ["a", "b"];

impl Side {
    /// The name of this run, then that of the other.
    pub(super) fn first(self, [a, b]: [&str; 2]) -> [&str; 2] {
        match self {
            Self::A => [a, b],
            Self::B => [b, a],
        }
    }
}
