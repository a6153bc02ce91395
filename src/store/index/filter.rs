//! Which runs a question is about.

use crate::model::{Status, Timestamp};
use crate::store::sql::Sql;
use crate::words::SearchQuery;

/// The projects that whoever asks may see. Every question about runs carries one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Scope {
    /// All of them.
    #[default]
    All,
    /// These alone.
    Projects(Vec<String>),
}

impl Scope {
    /// Whether runs of the project are in it.
    #[must_use]
    pub fn has(&self, project: &str) -> bool {
        match self {
            Self::All => true,
            Self::Projects(projects) => projects.iter().any(|own| own == project),
        }
    }
}

/// The verdict of the quality gate, as something to ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gate {
    /// Passed.
    Passed,
    /// Failed.
    Failed,
    /// No verdict.
    Unknown,
}

/// Conditions that a run meets all of. One that is `None` does not restrict.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Filter {
    /// What whoever asks may see.
    pub scope: Scope,
    /// The project.
    pub project: Option<String>,
    /// Projects that it is not.
    pub not_projects: Vec<String>,
    /// The intent.
    pub intent: Option<String>,
    /// The domain.
    pub domain: Option<String>,
    /// The type of report.
    pub report_type: Option<String>,
    /// Where the run stands.
    pub status: Option<Status>,
    /// The gate's verdict.
    pub gate: Option<Gate>,
    /// Lowest overall score, on the configured scale.
    pub score_min: Option<f64>,
    /// Highest overall score, on the configured scale.
    pub score_max: Option<f64>,
    /// Started at this moment or later.
    pub since: Option<Timestamp>,
    /// Started before this moment.
    pub until: Option<Timestamp>,
    /// Ended later than this moment.
    pub ended_after: Option<Timestamp>,
    /// Ended at this moment or before.
    pub ended_until: Option<Timestamp>,
    /// A principle that is a gap.
    pub gap: Option<String>,
    /// Whether it is flagged for review.
    pub flagged: Option<bool>,
    /// A tag.
    pub tag: Option<String>,
    /// Words of query, tags or error.
    pub text: Option<SearchQuery>,
    /// The run that it is a part of.
    pub parent: Option<String>,
}

impl Filter {
    /// Whether it restricts nothing but the scope.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self { scope: self.scope.clone(), ..Self::default() }
    }

    /// The same scope without any condition.
    #[must_use]
    pub fn without_conditions(&self) -> Self {
        Self { scope: self.scope.clone(), ..Self::default() }
    }

    /// Appends `where` and the conditions on `traces t`.
    pub(super) fn push(&self, sql: &mut Sql, postgres: bool) {
        sql.push(" where true");
        if let Scope::Projects(projects) = &self.scope {
            sql.push(" and t.project in ").list(projects.iter().map(String::as_str));
        }
        if !self.not_projects.is_empty() {
            sql.push(" and t.project not in ").list(self.not_projects.iter().map(String::as_str));
        }
        for (column, value) in [
            (" and t.project = ", &self.project),
            (" and t.intent = ", &self.intent),
            (" and t.domain = ", &self.domain),
            (" and t.report_type = ", &self.report_type),
            (" and t.parent_trace_id = ", &self.parent),
        ] {
            if let Some(value) = value {
                sql.push(column).arg(value);
            }
        }
        if let Some(status) = self.status {
            sql.push(" and t.status = ").arg(status.as_str());
        }
        match self.gate {
            Some(Gate::Passed) => drop(sql.push(" and t.quality_gate_passed = ").arg(true)),
            Some(Gate::Failed) => drop(sql.push(" and t.quality_gate_passed = ").arg(false)),
            Some(Gate::Unknown) => drop(sql.push(" and t.quality_gate_passed is null")),
            None => {}
        }
        if let Some(score) = self.score_min {
            sql.push(" and t.scaled_score >= ").arg(score);
        }
        if let Some(score) = self.score_max {
            sql.push(" and t.scaled_score <= ").arg(score);
        }
        if let Some(since) = self.since {
            sql.push(" and t.started_at >= ").arg(since);
        }
        if let Some(until) = self.until {
            sql.push(" and t.started_at < ").arg(until);
        }
        if let Some(after) = self.ended_after {
            sql.push(" and t.ended_at > ").arg(after);
        }
        if let Some(until) = self.ended_until {
            sql.push(" and t.ended_at <= ").arg(until);
        }
        if let Some(principle) = &self.gap {
            sql.push(" and exists (select 1 from principle_scores p where p.trace_id = t.trace_id and p.side = 'gap' and p.principle = ")
                .arg(principle)
                .push(")");
        }
        if let Some(flagged) = self.flagged {
            sql.push(" and t.flagged_for_review = ").arg(flagged);
        }
        if let Some(tag) = &self.tag {
            sql.push(" and exists (select 1 from tags g where g.trace_id = t.trace_id and g.tag = ")
                .arg(tag)
                .push(")");
        }
        if let Some(query) = self.text.as_ref().filter(|query| !query.terms.is_empty()) {
            sql.push(" and ");
            super::search::push_condition(sql, query, postgres);
        }
    }
}
