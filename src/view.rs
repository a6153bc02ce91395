//! What is stored, as the data that answers carry: the tools' structured content, and what the terminal gives with
//! `--json`.
//!
//! One function a noun gives its fields, so that the same thing has the same name wherever it is read. How much of a
//! text or a list is given is the [`Extent`]: models pay for every character, scripts want all of it. Stored text
//! goes through [`saying`]. Nothing here reads a store, knows a protocol, or measures an answer as a whole.

pub mod comparison;
pub mod confidence;
pub mod decision;
pub mod diagnosis;
pub mod flag;
pub mod moment;
pub mod option;
pub mod overview;
pub mod pattern;
pub mod run;
pub mod saying;
pub mod summary;
pub mod window;

/// How much of what is long is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// The beginning, with what was left out counted.
    Brief,
    /// All of it.
    Whole,
}

impl Extent {
    /// The most that is given of something of which `brief` is enough for a model.
    fn most(self, brief: usize) -> usize {
        match self {
            Self::Brief => brief,
            Self::Whole => usize::MAX,
        }
    }
}
