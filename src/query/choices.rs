//! What a person may mean who has typed the beginning of a name: runs, projects, intents, domains, stages, keys.
//!
//! It comes while somebody types, so it comes soon or not at all: the questions are cheap, and a database that is away
//! or slow is not waited for. Then what this process has recorded lately is offered.

use std::time::Duration;

use indexmap::IndexSet;

use super::Query;
use crate::error::Result;
use crate::model::TraceId;
use crate::store::index::{Choice, Scope};

/// How long whoever types is kept waiting.
const PATIENCE: Duration = Duration::from_secs(1);

/// The most values among which those are looked for that hold what was typed elsewhere than at the beginning.
const MOST_VALUES: u32 = 1_000;

/// How many of the runs at hand are looked at.
const MOST_AT_HAND: usize = 1_000;

impl Query {
    /// Ids of runs in scope that begin like this, in order; the latest ones for an empty beginning. At most `limit`.
    pub async fn ids_like(&self, beginning: &str, scope: &Scope, limit: u32) -> Vec<TraceId> {
        let index = &self.stores.index;
        let found = if beginning.is_empty() {
            soon(index.latest_ids(projects(scope), limit)).await
        } else {
            soon(index.ids_like(beginning, projects(scope), limit)).await
        };
        found.unwrap_or_else(|| {
            let mut ids = self.at_hand(scope, MOST_AT_HAND);
            ids.retain(|id| id.as_str().starts_with(beginning));
            ids.truncate(limit as usize);
            ids
        })
    }

    /// The values of a field among the runs in scope: those that begin as typed, then those that begin so whatever the
    /// case, then those that hold it elsewhere. At most `limit`.
    pub async fn choices(&self, field: Choice, typed: &str, scope: &Scope, limit: u32) -> Vec<String> {
        let index = &self.stores.index;
        let found = match projects(scope) {
            Some(projects) => soon(index.choices_within(field, projects)).await,
            None => {
                let beginning = index.choices(field, typed, limit);
                let all = index.choices(field, "", MOST_VALUES);
                soon(Box::pin(async { Ok([beginning.await?, all.await?].concat()) })).await
            }
        };
        let mut values = found.unwrap_or_else(|| self.choices_at_hand(field, scope));
        values.sort();
        values.dedup();
        let folded = typed.to_lowercase();
        let mut ranked: Vec<(u8, String)> = values
            .into_iter()
            .filter_map(|value| {
                let rank = match value.to_lowercase().find(&folded)? {
                    0 if value.starts_with(typed) => 0,
                    0 => 1,
                    _ => 2,
                };
                Some((rank, value))
            })
            .collect();
        ranked.sort();
        ranked.into_iter().map(|(_, value)| value).take(limit as usize).collect()
    }

    /// The stages of a run, in its order; none where there is no such run.
    pub async fn stages_of(&self, id: &str, scope: &Scope) -> Vec<String> {
        let found = soon(Box::pin(self.trace(id, scope))).await;
        found.map(|found| found.trace.stages.keys().cloned().collect()).unwrap_or_default()
    }

    /// The keys of a run's decisions, stage by stage, or of those of one stage, in the order in which they were first
    /// used; none where there is no such run.
    pub async fn keys_of(&self, id: &str, stage: Option<&str>, scope: &Scope) -> Vec<String> {
        let Some(found) = soon(Box::pin(self.trace(id, scope))).await else { return Vec::new() };
        let of_stage = found.trace.decisions().filter(|(of, _)| stage.is_none_or(|stage| stage == *of));
        let keys: IndexSet<&String> = of_stage.map(|(_, decision)| &decision.key).collect();
        keys.into_iter().cloned().collect()
    }

    /// Runs that this process has recorded lately, the last first: what can be named with the database away.
    #[must_use]
    pub fn at_hand(&self, scope: &Scope, limit: usize) -> Vec<TraceId> {
        let live = &self.stores.live;
        let is_in_scope = |id: &TraceId| {
            *scope == Scope::All
                || live.glimpse(id).and_then(|glimpse| glimpse.project).is_some_and(|own| scope.has(&own))
        };
        live.recent(MOST_AT_HAND).into_iter().filter(is_in_scope).take(limit).collect()
    }

    fn choices_at_hand(&self, field: Choice, scope: &Scope) -> Vec<String> {
        let starts = self.stores.live.starts(MOST_AT_HAND).into_iter();
        let own = starts.filter(|start| scope.has(&start.project));
        own.filter_map(|start| match field {
            Choice::Project => Some(start.project),
            Choice::Intent => start.intent,
            Choice::Domain => start.domain,
        })
        .collect()
    }
}

/// The projects that a scope is limited to.
fn projects(scope: &Scope) -> Option<&[String]> {
    match scope {
        Scope::All => None,
        Scope::Projects(projects) => Some(projects),
    }
}

/// The answer, if it comes while somebody waits for it.
async fn soon<T>(answer: impl Future<Output = Result<T>>) -> Option<T> {
    tokio::time::timeout(PATIENCE, answer).await.ok()?.ok()
}
