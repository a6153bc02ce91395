//! What a run came to, for people and models: five lines, a page, or a document.
//!
//! - [`compact()`] is what `trace_finish` answers with: quality, time, money, evidence, gaps.
//! - [`verbose()`] is the page behind it: every score, stage and decision in 80 columns of plain text.
//! - [`markdown()`] is the document that lies beside the run's JSON.
//!
//! Pure functions of a [`Trace`](crate::model::Trace): no IO, no clock, so an open run has no duration here. What
//! nobody stated is shown as `-`, never guessed. All text of a run is untrusted: it is shown on one line without
//! control or invisible characters, and in Markdown it can form neither structure nor links.
//!
//! [`duration_text`] and its siblings are the one way in which amounts are written, here and in comparisons.

mod amounts;
mod compact;
mod lines;
mod markdown;
mod verbose;
mod wording;

pub use amounts::{count_text, duration_text, money_text, score_text};
pub use compact::compact;
pub(crate) use lines::fitted;
pub use markdown::markdown;
pub use verbose::verbose;
pub(crate) use wording::{counted, gate_word};

#[cfg(test)]
mod tests;
