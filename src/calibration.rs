//! Automatic findings about runs that need attention, and the flags that remember them. They inform, and
//! never block.
//!
//! Pure: times come as arguments, and what a check must know of other runs comes as a [`Baseline`]. Four
//! steps:
//!
//! 1. [`Windows::of`] says which runs matter to a run that just finished: from when, until when, of whom.
//! 2. [`Baseline`] holds what those runs say. The index answers each window with a query, and [`Past`] from
//!    memory where many runs are checked; [`Baseline::from_runs`] is the plain reference over all runs.
//! 3. [`check`](check()) compares, and gives a [`Finding`] for each kind that applies. Stated confidence is checked
//!    beside it, over days of its own: [`confidence`].
//! 4. [`Flag::observe`] turns findings into the one lasting record per kind, subject and project, and says
//!    what to announce; [`Flag::review`] is what people do about it.
//!
//! The order of runs is that of ([`RunFacts::ended_at`](crate::statistics::RunFacts::ended_at), trace id),
//! here and in every query: of two runs that ended at the same microsecond, the one of the smaller id came
//! first. So each pair of runs is counted one way, whoever finished checking first.

mod alerts;
mod baseline;
mod check;
pub mod confidence;
mod finding;
mod flag;
mod key;
mod past;
mod rules;
mod state;
mod windows;

pub use alerts::{alerts_markdown, announcement_line};
pub use baseline::{Baseline, GapRuns, GateCounts, PreviousRun, Scores, SubjectScores};
pub use check::{check, is_flagged_for_review};
pub use finding::{Finding, FindingBaseline, Severity};
pub use flag::Flag;
pub use key::{FlagKey, FlagKind, UnknownFlagKind};
pub use past::Past;
pub use rules::{CalibrationRules, FlagScope};
pub use state::{Alert, AlertKind, Announcement, FiringRun, FlagAction, FlagState};
pub use windows::{Resolutions, SubjectWindow, Windows};

/// How many run ids a finding or a flag names: the most recent ones.
pub const NAMED_RUNS: usize = 20;

#[cfg(test)]
mod tests;
