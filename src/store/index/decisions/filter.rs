//! Which decisions a question is about.

use crate::model::{Status, Timestamp};
use crate::store::index::search::Narrowing;
use crate::store::index::{Gate, Scope};
use crate::store::sql::Sql;
use crate::words::{SearchQuery, Term, words};

/// Conditions that a decision meets all of. One that is `None` or false does not restrict.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DecisionFilter {
    /// What whoever asks may see.
    pub scope: Scope,
    /// Words of what, why, result or options.
    pub text: Option<SearchQuery>,
    /// The project of its run.
    pub project: Option<String>,
    /// The intent of its run.
    pub intent: Option<String>,
    /// The domain of its run.
    pub domain: Option<String>,
    /// Its stage.
    pub stage: Option<String>,
    /// Its key.
    pub key: Option<String>,
    /// Lowest confidence, 0 to 1.
    pub confidence_min: Option<f64>,
    /// Highest confidence, 0 to 1.
    pub confidence_max: Option<f64>,
    /// Whether it names no alternative.
    pub without_alternatives: bool,
    /// Whether it names no evidence.
    pub without_evidence: bool,
    /// The verdict on its run.
    pub gate: Option<Gate>,
    /// Where its run stands.
    pub status: Option<Status>,
    /// Made at this moment or later.
    pub since: Option<Timestamp>,
    /// Made before this moment.
    pub until: Option<Timestamp>,
}

impl DecisionFilter {
    /// Whether it restricts nothing but the scope.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self { scope: self.scope.clone(), ..Self::default() }
    }

    /// What of it words can tell.
    pub(in crate::store::index) fn narrowing(&self) -> Narrowing<'_> {
        Narrowing {
            scope: &self.scope,
            project: self.project.as_deref(),
            key: self.key.as_deref(),
            intent: self.intent.as_deref(),
            text: self.text.as_ref(),
        }
    }

    /// The same filter for decisions that have the words of an option in one of their texts.
    pub(super) fn about_option(self, option: &str) -> Self {
        let mut words = words(option);
        let term = match words.len() {
            0 => None,
            1 => words.pop().map(Term::Word),
            _ => Some(Term::Phrase(words)),
        };
        let mut query = self.text.unwrap_or(SearchQuery { terms: Vec::new(), is_cut: false });
        query.terms.extend(term);
        Self { text: Some(query), ..self }
    }

    /// Appends `where` and all conditions but the text on `decisions d` and `traces t`, for the rows of a window.
    ///
    /// What indexes begin with is written so that no index is used for it: SQLite would go through all decisions of a
    /// project, and look only then whether each is in the window.
    pub(super) fn push(&self, sql: &mut Sql) {
        sql.push(" where true");
        if let Scope::Projects(projects) = &self.scope {
            sql.push(" and d.project || '' in ").list(projects.iter().map(String::as_str));
        }
        for (column, value) in [
            (" and d.project || '' = ", &self.project),
            (" and d.intent = ", &self.intent),
            (" and t.domain = ", &self.domain),
            (" and d.stage = ", &self.stage),
            (" and d.decision = ", &self.key),
        ] {
            if let Some(value) = value {
                sql.push(column).arg(value);
            }
        }
        if let Some(least) = self.confidence_min {
            sql.push(" and d.confidence >= ").arg(least);
        }
        if let Some(most) = self.confidence_max {
            sql.push(" and d.confidence <= ").arg(most);
        }
        if self.without_alternatives {
            sql.push(" and d.alternative_count = 0");
        }
        if self.without_evidence {
            sql.push(" and d.evidence_count = 0");
        }
        match self.gate {
            Some(Gate::Passed) => drop(sql.push(" and d.quality_gate_passed = ").arg(true)),
            Some(Gate::Failed) => drop(sql.push(" and d.quality_gate_passed = ").arg(false)),
            Some(Gate::Unknown) => drop(sql.push(" and d.quality_gate_passed is null")),
            None => {}
        }
        if let Some(status) = self.status {
            sql.push(" and t.status = ").arg(status.as_str());
        }
        if let Some(since) = self.since {
            sql.push(" and d.decided_at >= ").arg(since);
        }
        if let Some(until) = self.until {
            sql.push(" and d.decided_at < ").arg(until);
        }
    }
}
