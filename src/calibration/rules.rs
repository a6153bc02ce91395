//! What counts as a finding: windows, limits and least numbers of runs, all configurable.

use serde::{Deserialize, Serialize};

/// The limits of the kinds of findings. Scores are on the configured scale.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CalibrationRules {
    /// Days over which a repeated gap is counted: 7.
    pub gap_window_days: u32,
    /// Runs with the gap, in that window and this run included, from which it counts as repeated: 3.
    pub gap_min_runs: u64,
    /// Days before a run over which means and pass rates are taken: 90.
    pub baseline_days: u32,
    /// How far the mean score of an intent or domain may lie below the overall mean: 0.5.
    pub disparity_limit: f64,
    /// Scored runs that the intent or domain needs: 5.
    pub disparity_min_runs: u64,
    /// Scored runs that the overall mean needs: 10.
    pub disparity_min_overall_runs: u64,
    /// A regression in a project whose pass rate was below this is but a note: 0.8.
    pub regression_note_below: f64,
    /// The expected calibration error of a key or an agent beyond which its confidence is off: 0.15.
    pub confidence_limit: f64,
    /// Decisions with a stated confidence and a known outcome that this needs: 50.
    pub confidence_min_decisions: u64,
    /// Standard errors by which it has to be off besides, so that chance does not do it: 4.5.
    pub confidence_standard_errors: f64,
    /// Hours between two announcements of a flag that stays open: 24.
    pub announce_every_hours: u32,
    /// Whose runs are compared with a run.
    pub flag_scope: FlagScope,
}

/// Whose runs the windows and baselines cover.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FlagScope {
    /// All runs of the installation.
    #[default]
    Installation,
    /// The runs of the run's own project, where not everybody may see every project.
    Project,
}

impl Default for CalibrationRules {
    fn default() -> Self {
        Self {
            gap_window_days: 7,
            gap_min_runs: 3,
            baseline_days: 90,
            disparity_limit: 0.5,
            disparity_min_runs: 5,
            disparity_min_overall_runs: 10,
            regression_note_below: 0.8,
            confidence_limit: 0.15,
            confidence_min_decisions: 50,
            confidence_standard_errors: 4.5,
            announce_every_hours: 24,
            flag_scope: FlagScope::Installation,
        }
    }
}
