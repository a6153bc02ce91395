//! A run held against a group: `passed`, or `passed:INTENT`.
//!
//! The group is of the run's own project: the newest runs that passed, of the same query where there are enough of
//! them, else of the intent. A run that is called exactly like a group is a run: names of runs come first.

use super::Query;
use crate::diff::{Comparison, Departure, LEAST_RUNS, departure};
use crate::error::{Error, Result};
use crate::model::Trace;
use crate::scorecard::counted;
use crate::shown::{excerpt, quoted};
use crate::store::index::{Filter, Gate, Group, Scope};

/// What a group is called.
const PASSED: &str = "passed";
/// The newest runs of a group that a run is held against.
const NEWEST: u32 = 50;

/// Longest name that is shown whole, in characters.
const NAME_CHARS: usize = 128;

/// What a run was held against, and what came of it.
#[derive(Clone, Debug)]
pub enum Compared {
    /// Another run.
    Run(Box<Comparison>),
    /// A group of runs.
    Group(Box<GroupCompared>),
}

/// A run held against a group.
#[derive(Clone, Debug)]
pub struct GroupCompared {
    /// The run.
    pub run: Trace,
    /// What the runs of the group have in common.
    pub group: GroupName,
    /// Where the run left their way; absent where they are too few to have one.
    pub departure: Option<Departure>,
    /// How many runs the group has, as far as they were read.
    pub runs: usize,
}

impl GroupCompared {
    /// The group in words, made safe to show: `23 newest other runs of cobot that passed, with the same query`.
    #[must_use]
    pub fn group_text(&self) -> String {
        self.group.told(self.runs)
    }
}

/// Which runs a group is of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupName {
    /// What the caller called it.
    pub asked: String,
    /// Their project.
    pub project: String,
    /// Their intent, where that was a condition.
    pub intent: Option<String>,
    /// Whether they answer the same query.
    pub same_query: bool,
}

impl GroupName {
    /// So many runs of the group, in words.
    fn told(&self, runs: usize) -> String {
        let with = match &self.intent {
            _ if self.same_query => ", with the same query".to_owned(),
            Some(intent) => format!(", with intent {}", quoted(intent, NAME_CHARS)),
            None => String::new(),
        };
        let project = excerpt(&self.project, NAME_CHARS);
        format!("{} of {project} that passed{with}", counted(runs, "newest other run"))
    }
}

impl Query {
    /// Holds run b against run a, or against a group that `a` names.
    ///
    /// # Errors
    /// As [`Query::trace`], for either.
    pub async fn hold_against(&self, a: &str, b: &str, scope: &Scope) -> Result<Compared> {
        let Some(intent) = self.group(a, scope).await? else {
            return Ok(Compared::Run(Box::new(self.compare(a, b, scope).await?)));
        };
        let run = self.trace(b, scope).await?.trace;
        let intent = intent.or(run.run.intent.clone());
        let mut group = GroupName {
            asked: a.trim().to_owned(),
            project: run.project.clone(),
            intent: None,
            same_query: true,
        };
        let filter = Filter {
            scope: scope.clone(),
            project: Some(run.project.clone()),
            gate: Some(Gate::Passed),
            ..Filter::default()
        };
        let index = &self.stores.index;
        let mut runs = Vec::new();
        // Another intent than the run's own was asked for: then the query is not what they share.
        if intent == run.run.intent {
            runs = index.usual_runs(&group_of(&filter, Some(&run.run.query), &run)).await?;
        }
        if runs.len() < LEAST_RUNS {
            let filter = Filter { intent: intent.clone(), ..filter };
            group.intent = intent;
            group.same_query = false;
            runs = index.usual_runs(&group_of(&filter, None, &run)).await?;
        }
        let departure = (runs.len() >= LEAST_RUNS).then(|| departure(&run, &runs));
        Ok(Compared::Group(Box::new(GroupCompared { runs: runs.len(), run, group, departure })))
    }

    /// Whether this means a group and not a run.
    ///
    /// # Errors
    /// As [`Query::trace`].
    pub async fn is_group(&self, id: &str, scope: &Scope) -> Result<bool> {
        Ok(self.group(id, scope).await?.is_some())
    }

    /// The intent of the group that is meant, if any: `None` where a run is meant.
    async fn group(&self, id: &str, scope: &Scope) -> Result<Option<Option<String>>> {
        let id = id.trim();
        let intent = match id.strip_prefix(PASSED) {
            Some("") => None,
            Some(rest) if rest.starts_with(':') => Some(rest.trim_start_matches(':').trim().to_owned()),
            _ => return Ok(None),
        };
        let found = match self.stores.index.with_prefix(id, scope, 1).await {
            Ok(found) => found,
            Err(Error::Unavailable { .. }) => return Ok(None),
            Err(error) => return Err(error),
        };
        let is_run = found.iter().any(|sighting| sighting.trace_id.as_str() == id);
        Ok((!is_run).then_some(intent.filter(|intent| !intent.is_empty())))
    }
}

fn group_of<'g>(filter: &'g Filter, query: Option<&'g str>, run: &'g Trace) -> Group<'g> {
    Group { filter, query, without: &run.trace_id, limit: NEWEST }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_is_told_by_what_its_runs_share() {
        let group = GroupName {
            asked: "passed".to_owned(),
            project: "cobot".to_owned(),
            intent: Some("buying".to_owned()),
            same_query: false,
        };
        assert_eq!(group.told(7), "7 newest other runs of cobot that passed, with intent \"buying\"");
        let empty = GroupName { intent: Some(String::new()), ..group.clone() };
        assert_eq!(empty.told(1), "1 newest other run of cobot that passed, with intent \"\"");
        let any = GroupName { intent: None, ..group.clone() };
        assert_eq!(any.told(7), "7 newest other runs of cobot that passed");
        let same = GroupName { same_query: true, ..group };
        assert_eq!(same.told(7), "7 newest other runs of cobot that passed, with the same query");
    }
}
