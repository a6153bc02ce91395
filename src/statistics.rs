//! What many runs say together: summaries, groups and patterns of principles.
//!
//! Everything here is a pure accumulator over [`RunFacts`], one small row a run. The index streams such rows
//! out of a database and leaves the arithmetic to this module, so that both databases, and the tests, share
//! one. No accumulator depends on the order of its runs, and two summaries merge into what one would have been.
//! [`confidence`] does the same over decisions.
//!
//! Failed and abandoned runs are never hidden: each figure names the statuses it covers, where "finished"
//! means complete, failed or incomplete. A figure that no run supports is absent, never zero.
//!
//! Start at [`Summary`]; [`proportion`](mod@proportion) and [`Sample`] hold the definitions of the figures.

mod associations;
pub mod confidence;
mod facts;
mod fisher;
mod group;
mod options;
mod patterns;
pub mod proportion;
mod report;
mod sample;
mod student;
mod sum;
mod summary;
mod tally;

pub use associations::{
    Association, AssociationsReport, Feature, Made, PrincipleAssociations, RunFeatures, associations,
};
pub use confidence::{
    ConfidenceBy, ConfidenceGroup, ConfidenceReport, GroupedConfidence, Leaning, Observations, Observed,
    Thousandths, Verdict,
};
pub use facts::RunFacts;
pub use fisher::{LogFactorials, Table};
pub use group::{GroupBy, GroupReport, GroupedReport, GroupedSummary, UnknownGrouping};
pub use options::{Fared, OptionRecord, Outcome, Side, Use, Verdicts, fared};
pub use patterns::{GapCount, Pattern, PatternsReport, Trend, patterns};
pub use proportion::{difference, wilson};
pub use report::{
    CostReport, DecisionsReport, DurationReport, GateReport, QualityReport, StatusCounts, SummaryReport,
    TokensReport,
};
pub use sample::{Sample, Sorted, quantile};
pub use sum::{ExactSum, millionths};
pub use summary::Summary;
pub use tally::{PrincipleTallies, PrincipleTally};

/// A count as answers carry it.
fn count(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

#[cfg(test)]
pub(crate) mod testing;
