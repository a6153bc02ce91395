//! Summaries side by side, one for each value of a field.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{RunFacts, Summary, SummaryReport};

/// The field by which runs are grouped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GroupBy {
    /// The kind of question.
    Intent,
    /// The field it belongs to.
    Domain,
    /// The project.
    Project,
    /// The kind of report.
    ReportType,
    /// Where the run stands.
    Status,
    /// The day of its start, in UTC: `2026-02-13`.
    Day,
    /// The ISO 8601 week of its start, in UTC: `2026-W07`.
    Week,
    /// The agent's name.
    Agent,
    /// The model that did the main work.
    Model,
}

/// Adds up runs in groups.
#[derive(Clone, Debug)]
pub struct GroupedSummary {
    by: GroupBy,
    groups: BTreeMap<Option<String>, Summary>,
}

/// The groups, largest first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct GroupedReport {
    /// The field: intent, domain, project, `report_type`, status, day, week, agent or model.
    pub group_by: String,
    /// The groups by number of runs descending, then by name; the group of unknown value last among equals.
    pub groups: Vec<GroupReport>,
}

/// One group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct GroupReport {
    /// The value that its runs share; `(unknown)` for those that have none.
    pub group: String,
    /// Present and true for the runs that have no value.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unknown: bool,
    /// What its runs say together.
    pub summary: SummaryReport,
}

/// Says that a text names no field to group by.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("runs are grouped by one of intent, domain, project, report_type, status, day, week, agent, model")]
pub struct UnknownGrouping;

impl GroupBy {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Intent,
        Self::Domain,
        Self::Project,
        Self::ReportType,
        Self::Status,
        Self::Day,
        Self::Week,
        Self::Agent,
        Self::Model,
    ];

    /// The name in questions and answers.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Intent => "intent",
            Self::Domain => "domain",
            Self::Project => "project",
            Self::ReportType => "report_type",
            Self::Status => "status",
            Self::Day => "day",
            Self::Week => "week",
            Self::Agent => "agent",
            Self::Model => "model",
        }
    }

    /// The value of a run; absent when the run does not say.
    #[must_use]
    pub fn key(self, run: &RunFacts) -> Option<String> {
        let start = |format| run.started_at.to_chrono().format(format).to_string();
        match self {
            Self::Intent => run.intent.clone(),
            Self::Domain => run.domain.clone(),
            Self::Project => Some(run.project.clone()),
            Self::ReportType => run.report_type.clone(),
            Self::Status => Some(run.status.as_str().to_owned()),
            Self::Day => Some(start("%Y-%m-%d")),
            Self::Week => Some(start("%G-W%V")),
            Self::Agent => run.agent.clone(),
            Self::Model => run.model.clone(),
        }
    }
}

impl fmt::Display for GroupBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for GroupBy {
    type Err = UnknownGrouping;

    fn from_str(text: &str) -> Result<Self, UnknownGrouping> {
        Self::ALL.into_iter().find(|by| by.as_str() == text).ok_or(UnknownGrouping)
    }
}

impl GroupedSummary {
    /// Groups of no runs.
    #[must_use]
    pub fn new(by: GroupBy) -> Self {
        Self { by, groups: BTreeMap::new() }
    }

    /// Adds a run to its group.
    pub fn add(&mut self, run: &RunFacts) {
        self.groups.entry(self.by.key(run)).or_default().add(run);
    }

    /// Adds a finished summary to the group of `key`, for whoever keeps summaries by group already.
    pub fn add_summary(&mut self, key: Option<String>, summary: Summary) {
        self.groups.entry(key).or_default().merge(summary);
    }

    /// Adds the runs of other groups by the same field.
    pub fn merge(&mut self, other: Self) {
        for (key, summary) in other.groups {
            self.add_summary(key, summary);
        }
    }

    /// The groups, largest first.
    #[must_use]
    pub fn report(&self) -> GroupedReport {
        let mut groups: Vec<_> = self.groups.iter().collect();
        // The map's own order puts names in order, but the unknown before them.
        groups.sort_by_key(|(key, summary)| (std::cmp::Reverse(summary.runs()), key.is_none()));
        let report = |(key, summary): (&Option<String>, &Summary)| GroupReport {
            group: key.clone().unwrap_or_else(|| "(unknown)".to_owned()),
            unknown: key.is_none(),
            summary: summary.report(),
        };
        GroupedReport {
            group_by: self.by.as_str().to_owned(),
            groups: groups.into_iter().map(report).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::run;
    use super::*;
    use crate::model::Status;

    #[test]
    fn groups_come_by_size_then_name_and_the_unknown_is_named() {
        let mut grouped = GroupedSummary::new(GroupBy::Intent);
        for intent in [Some("b"), Some("a"), None, Some("c"), Some("c"), Some("(unknown)")] {
            let mut run = run("t", Status::Complete);
            run.intent = intent.map(str::to_owned);
            grouped.add(&run);
        }
        let report = grouped.report();
        let order: Vec<_> = report.groups.iter().map(|group| (group.group.as_str(), group.unknown)).collect();
        let known = |name| (name, false);
        assert_eq!(order, [known("c"), known("(unknown)"), known("a"), known("b"), ("(unknown)", true)]);
    }

    #[test]
    fn weeks_are_iso_weeks_also_at_the_turn_of_the_year() {
        let mut run = run("t", Status::InProgress);
        run.started_at = "2027-01-01T00:00:00Z".parse().unwrap();
        assert_eq!(GroupBy::Week.key(&run).as_deref(), Some("2026-W53"));
        assert_eq!(GroupBy::Day.key(&run).as_deref(), Some("2027-01-01"));
    }

    #[test]
    fn every_field_is_read_back_from_its_name() {
        for by in GroupBy::ALL {
            assert_eq!(by.as_str().parse(), Ok(by));
            assert_eq!(serde_json::to_value(by).unwrap(), by.as_str());
        }
        assert_eq!("mood".parse::<GroupBy>(), Err(UnknownGrouping));
    }
}
