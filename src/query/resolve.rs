//! Forgiving ids: exact, a unique prefix, `last`, `last:PROJECT`, `last-failed`.

use crate::error::{Error, Result};
use crate::model::{Status, TraceId};
use crate::store::Stores;
use crate::store::index::{Filter, Gate, Scope, Sighting, Sort, TraceLine};

/// How many candidates an ambiguous prefix names.
const CANDIDATES: u32 = 5;

/// The id that is meant.
pub(super) async fn resolve(stores: &Stores, id: &str, scope: &Scope) -> Result<TraceId> {
    let id = id.trim();
    let unknown = || Error::UnknownTrace { id: id.to_owned() };
    if id == "last-failed" {
        return last_failed(stores, scope).await?.ok_or_else(unknown);
    }
    if let Some(filter) = latest(id, scope) {
        let found = stores.index.latest(&filter, 1).await?.pop();
        return found.map(|sighting| sighting.trace_id).ok_or_else(unknown);
    }
    let exact: Option<TraceId> = id.parse().ok();
    match stores.index.with_prefix(id, scope, CANDIDATES + 1).await {
        Ok(found) => choose(stores, id, exact, found, scope).await,
        // With the database away an exact id may still be found in a document or at hand.
        Err(Error::Unavailable { reason, .. }) if exact.is_some() => match exact {
            Some(exact) if is_readable(stores, &exact, scope).await? => Ok(exact),
            _ => Err(Error::Unavailable {
                what: "the database",
                reason: format!("{reason}; and no document or recent run is called exactly {id:?}"),
            }),
        },
        Err(error) => Err(error),
    }
}

async fn choose(
    stores: &Stores,
    id: &str,
    exact: Option<TraceId>,
    found: Vec<Sighting>,
    scope: &Scope,
) -> Result<TraceId> {
    if let Some(sighting) = found.iter().find(|sighting| sighting.trace_id.as_str() == id) {
        return Ok(sighting.trace_id.clone());
    }
    match found.as_slice() {
        [only] if !id.is_empty() => Ok(only.trace_id.clone()),
        [] => match exact {
            Some(exact) if is_readable(stores, &exact, scope).await? => Ok(exact),
            Some(exact) if *scope == Scope::All && stores.index.is_deleted(&exact).await? => {
                Err(Error::Deleted { trace_id: exact })
            }
            _ => Err(Error::UnknownTrace { id: id.to_owned() }),
        },
        several => Err(Error::Ambiguous {
            id: id.to_owned(),
            candidates: several
                .iter()
                .take(CANDIDATES as usize)
                .map(|one| one.trace_id.to_string())
                .collect(),
        }),
    }
}

async fn is_readable(stores: &Stores, id: &TraceId, scope: &Scope) -> Result<bool> {
    Ok(stores.load(id, scope).await?.is_some())
}

/// The newest run that broke, or that came to its end and failed the quality gate.
async fn last_failed(stores: &Stores, scope: &Scope) -> Result<Option<TraceId>> {
    let all = Filter { scope: scope.clone(), ..Filter::default() };
    let broke = Filter { status: Some(Status::Failed), ..all.clone() };
    let was_bad = Filter { gate: Some(Gate::Failed), ..all };
    let mut newest: Option<TraceLine> = None;
    for filter in [broke, was_bad] {
        let found = stores.index.list(&filter, Sort::Newest, 1, None).await?.lines.pop();
        newest = match (newest, found) {
            (Some(one), Some(other)) if one.started_at >= other.started_at => Some(one),
            (one, other) => other.or(one),
        };
    }
    Ok(newest.and_then(|line| line.trace_id.parse().ok()))
}

fn latest(id: &str, scope: &Scope) -> Option<Filter> {
    let filter = Filter { scope: scope.clone(), ..Filter::default() };
    match id {
        "last" => Some(filter),
        other => {
            let project = other.strip_prefix("last:")?;
            Some(Filter { project: Some(project.to_owned()), ..filter })
        }
    }
}

/// Ids that share the longest beginning with the one that was not found, then the most recent ones.
pub(super) async fn nearby(stores: &Stores, id: &str, scope: &Scope, limit: u32) -> Vec<TraceId> {
    let mut near: Vec<TraceId> = Vec::new();
    let mut prefix = id.trim();
    while near.is_empty() && prefix.len() > 4 {
        prefix = match prefix.char_indices().next_back() {
            Some((place, _)) => prefix.get(..place).unwrap_or_default(),
            None => break,
        };
        let Ok(found) = stores.index.with_prefix(prefix, scope, limit.div_ceil(2)).await else { break };
        near.extend(found.into_iter().map(|sighting| sighting.trace_id));
    }
    let filter = Filter { scope: scope.clone(), ..Filter::default() };
    let recent = stores.index.latest(&filter, limit).await.unwrap_or_default();
    for sighting in recent {
        if near.len() < limit as usize && !near.contains(&sighting.trace_id) {
            near.push(sighting.trace_id);
        }
    }
    near
}
