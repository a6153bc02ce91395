//! How long finished runs are kept, and letting go of those whose time is up.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::TimeDelta;

use super::{Recorder, RecorderOptions};
use crate::error::Result;
use crate::model::{Timestamp, TraceId};
use crate::store::index::Filter;

/// How many runs are deleted together.
const AT_ONCE: u32 = 50;

/// How many such batches one round deletes, so that nobody waits for long.
const BATCHES: u32 = 10;

/// How long a process has to itself: the next round is made after that, by whichever comes first.
const TURN: TimeDelta = TimeDelta::minutes(5);

/// For how many days after their end runs are kept; 0 days, or none, is for good.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Retention {
    /// Of all projects but those below.
    pub days: Option<f64>,
    /// Of single projects.
    pub days_by_project: BTreeMap<String, f64>,
}

impl Retention {
    /// Whether anything is let go of at all.
    #[must_use]
    pub fn is_limited(&self) -> bool {
        self.days.into_iter().chain(self.days_by_project.values().copied()).any(|days| days > 0.0)
    }

    /// The runs whose time is up: one filter for the projects that have days of their own each, and one for the rest.
    #[must_use]
    pub fn expired(&self, now: Timestamp) -> Vec<Filter> {
        let ended_until = |days: f64| (days > 0.0).then(|| now.plus(-span(days)));
        let own = self.days_by_project.iter().filter_map(|(project, days)| {
            let ended_until = Some(ended_until(*days)?);
            Some(Filter { project: Some(project.clone()), ended_until, ..Filter::default() })
        });
        let rest = self.days.and_then(ended_until).map(|at| Filter {
            ended_until: Some(at),
            not_projects: self.days_by_project.keys().cloned().collect(),
            ..Filter::default()
        });
        own.chain(rest).collect()
    }
}

fn span(days: f64) -> TimeDelta {
    // A century is for good, too.
    let span = Duration::from_secs_f64(days.min(36_500.0) * 86_400.0);
    TimeDelta::from_std(span).unwrap_or(TimeDelta::MAX)
}

impl Recorder {
    /// Deletes some of the runs whose time is up, if that is for this process, and no other has done so in the last
    /// minutes.
    pub(super) async fn let_go(&self) -> Result<()> {
        let RecorderOptions { role, retention, .. } = self.options();
        if !role.deletes_expired_runs() || !retention.is_limited() {
            return Ok(());
        }
        let now = self.clock().now();
        if !self.stores().index.take_turn("retention", now, now.plus(TURN)).await? {
            return Ok(());
        }
        let mut gone = 0;
        for filter in retention.expired(now) {
            for _ in 0..BATCHES {
                let expired = self.stores().index.expired(&filter, None, AT_ONCE).await?;
                if expired.is_empty() {
                    break;
                }
                let runs: Vec<(TraceId, String)> =
                    expired.into_iter().map(|run| (run.trace_id, run.project)).collect();
                gone += self.delete_expired(&runs, &filter).await?;
            }
        }
        if gone > 0 {
            tracing::info!("deleted {gone} runs that were older than they are kept");
            self.stores().index.shrink().await?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_project_with_days_of_its_own_is_not_among_the_rest() {
        let now: Timestamp = "2026-06-01T00:00:00Z".parse().unwrap();
        let days_by_project = [("short".to_owned(), 1.0), ("forever".to_owned(), 0.0)].into();
        let filters = Retention { days: Some(30.0), days_by_project }.expired(now);
        let at = |text: &str| Some(text.parse::<Timestamp>().unwrap());
        assert_eq!(
            filters,
            [
                Filter {
                    project: Some("short".to_owned()),
                    ended_until: at("2026-05-31T00:00:00Z"),
                    ..Filter::default()
                },
                Filter {
                    not_projects: vec!["forever".to_owned(), "short".to_owned()],
                    ended_until: at("2026-05-02T00:00:00Z"),
                    ..Filter::default()
                },
            ]
        );
        assert_eq!(Retention::default().expired(now), []);
        assert!(!Retention { days: Some(0.0), ..Retention::default() }.is_limited());
    }
}
