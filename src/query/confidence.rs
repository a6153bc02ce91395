//! What stated confidence was worth.

use chrono::TimeDelta;

use super::{Overview, Query};
use crate::error::Result;
use crate::model::Timestamp;
use crate::statistics::{ConfidenceBy, ConfidenceGroup, ConfidenceReport};
use crate::store::index::{ConfidenceFilter, ConfidenceReach};

/// Stated confidence against what came of it, over a window of time.
#[derive(Clone, Debug)]
pub struct Confidence {
    /// The figures.
    pub report: ConfidenceReport,
    /// The same by groups, when asked for: those with enough decisions, the surest gaps first.
    pub groups: Vec<ConfidenceGroup>,
    /// How many groups had too few.
    pub left_out_by_min_n: u64,
    /// The window: runs that ended later than this, all when absent.
    pub after: Option<Timestamp>,
    /// Where there are more runs than are read: the end of the last that was.
    pub read_since: Option<Timestamp>,
    /// Events that are recorded but not in these figures yet.
    pub pending: usize,
    /// Only when no decision was found: what there is without the filter.
    pub without_filter: Option<Overview>,
}

impl Query {
    /// Holds the confidence of decisions against what came of them, in runs of the last `days` days before `now`,
    /// or of all time. The newest 1,000 runs, or 10,000 decisions, are read at most.
    ///
    /// # Errors
    /// [`crate::Error::Unavailable`] when the database is away.
    pub async fn confidence(
        &self,
        filter: &ConfidenceFilter,
        by: Option<ConfidenceBy>,
        days: Option<u32>,
        min_n: u64,
        now: Timestamp,
    ) -> Result<Confidence> {
        let after = days.map(|days| now.plus(-TimeDelta::days(i64::from(days))));
        let mut window = filter.clone();
        window.runs.ended_after = after;
        let stated = self.stores.index.stated_confidence(&window, by, ConfidenceReach::default()).await?;
        let report = ConfidenceReport::of(&stated.all, min_n);
        let (groups, left_out_by_min_n) = stated.groups.report(min_n);
        let without_filter = if report.n == 0 { Some(self.overview(&filter.runs).await?) } else { None };
        Ok(Confidence {
            report,
            groups,
            left_out_by_min_n,
            after,
            read_since: stated.read_since,
            pending: self.pending_in(&filter.runs.scope),
            without_filter,
        })
    }
}
