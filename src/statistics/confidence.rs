//! Stated confidence against what came of it: is an agent right as often as it says?
//!
//! One observation is one decision that stated a confidence and whose outcome is known: its own
//! (`outcome.correct`) where somebody said it, else the verdict of its run's gate. [`Observations`] counts them;
//! the index hands in counts, and what they say together is a [`ConfidenceReport`].
//!
//! Two rules keep the figures honest. Decisions that are judged by the gate of one run share one outcome, so they
//! count as one wherever the question is how sure a figure is. And over- or under-confidence is said only where
//! the numbers leave no room for "neither". Confidence is taken to the nearest [thousandth](Thousandths), so that
//! every sum is of whole numbers and the same in any order.

mod bins;
mod brier;
mod groups;
mod kept;
mod leaning;
mod observations;
mod report;
mod sums;

pub use bins::{Bin, FIXED_BINS, fixed_bin};
pub use brier::BrierReport;
pub use groups::{ConfidenceBy, ConfidenceGroup, GroupedConfidence, UnknownConfidenceGrouping};
pub use kept::{KEPT_NUMBERS, KeptSums, RunConfidence};
pub use leaning::{Leaning, Verdict};
pub use observations::{Observations, Observed, Thousandths};
pub use report::ConfidenceReport;

#[cfg(test)]
mod tests;
