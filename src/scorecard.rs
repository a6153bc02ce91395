//! What a run came to, for people and models: five lines, a page, or a document.
//!
//! - [`compact()`] is what `trace_finish` answers with: quality, time, money, evidence, gaps.
//! - [`verbose()`] is the page behind it: every score, stage and decision in 80 columns of plain text.
//! - [`markdown()`] is the document that lies beside the run's JSON.
//! - [`FrontMatter`] is the head of a report that says which run made it.
//!
//! [`compact_lines`] and [`verbose_lines`] give the first two on other paper, with the tone of each part, for terminals.
//!
//! Pure functions of a [`Trace`](crate::model::Trace): no IO, no clock, so an open run has no duration here. What
//! nobody stated is shown as `-`, never guessed. All text of a run is untrusted: it is shown on one line without
//! control or invisible characters, and in Markdown it can form neither structure nor links.
//!
//! [`duration_text`] and its siblings are the one way in which amounts are written, here and in comparisons.

mod amounts;
mod compact;
mod frontmatter;
mod lines;
mod markdown;
mod verbose;
mod wording;

pub use amounts::{count_text, duration_text, money_text, score_text};
pub use compact::{compact, compact_lines};
pub use frontmatter::FrontMatter;
pub(crate) use lines::fitted;
pub use lines::{Line, Paper, Tone};
pub use markdown::markdown;
pub use verbose::{verbose, verbose_lines};
pub use wording::{counted, gate_tone, gate_word, status_tone};

#[cfg(test)]
mod tests;
