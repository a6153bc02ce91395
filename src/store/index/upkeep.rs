//! Whole runs in: import, and indexing again.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};

use super::projection::{self, Bookkeeping, Parts};
use super::sums::{self, Changes};
use super::{Index, Scope, events, record};
use crate::error::Result;
use crate::model::{QualityRules, Timestamp, Trace, TraceId, fold};
use crate::store::session::Session;
use crate::store::sql::Sql;

impl Index {
    /// Puts runs into the index as their documents tell them, each with the document's path, and events that
    /// these do not hold yet, in one transaction. Deleted runs stay deleted, and an older document does not take
    /// the place of a newer one. Gives how many were taken.
    ///
    /// # Errors
    /// [`crate::Error::Unavailable`] when the database is away.
    pub async fn import(&self, mut traces: Vec<(Trace, String)>) -> Result<u64> {
        // The order in which all processes take runs, so that two of them never wait for each other in a circle.
        traces.sort_by(|a, b| a.0.trace_id.cmp(&b.0.trace_id));
        let rules = self.rules;
        self.database
            .write(true, move |session| {
                Box::pin(async move {
                    let mut ids: Vec<TraceId> =
                        traces.iter().map(|(trace, _)| trace.trace_id.clone()).collect();
                    ids.dedup();
                    // Of a run without a row there is nothing else that would keep it from being deleted meanwhile.
                    record::lock(session, &ids).await?;
                    let (mut taken, mut sums) = (0, Changes::default());
                    let mut rest = traces;
                    while !rest.is_empty() {
                        // Of two documents of one run, the second is held against what the first has led to.
                        let mut ids = HashSet::new();
                        let (some, others): (Vec<_>, Vec<_>) =
                            rest.into_iter().partition(|(trace, _)| ids.insert(trace.trace_id.clone()));
                        let (some_taken, changes) = import_runs(session, some, &rules).await?;
                        taken += some_taken;
                        sums.extend(changes);
                        rest = others;
                    }
                    sums.write(session).await?;
                    Ok(taken)
                })
            })
            .await
    }

    /// How many decisions cannot be searched, because an older version wrote their rows: `whytrace reindex` writes
    /// them anew.
    ///
    /// # Errors
    /// [`crate::Error::Unavailable`] when the database is away.
    pub async fn unsearchable_decisions(&self, scope: &Scope) -> Result<u64> {
        let mut sql = Sql::new("select count(*) from decisions where choice is null");
        if let Scope::Projects(projects) = scope {
            // The sign keeps SQLite from going through all decisions of a project: the index of these few will do.
            sql.push(" and project || '' in ").list(projects.iter().map(String::as_str));
        }
        let (count,): (i64,) = self.read(async |session| session.fetch_one(sql).await).await?;
        Ok(u64::try_from(count).unwrap_or(0))
    }

    /// Whether a run was deleted.
    ///
    /// # Errors
    /// [`crate::Error::Unavailable`] when the database is away.
    pub async fn is_deleted(&self, trace_id: &TraceId) -> Result<bool> {
        let sql = Sql::new("select trace_id from tombstones where trace_id = $1").bind(trace_id.as_str());
        self.read(async |session| Ok(session.fetch_optional::<(String,)>(sql).await?.is_some())).await
    }
}

#[derive(sqlx::FromRow)]
struct Known {
    trace_id: String,
    document_revision: i64,
    event_bytes: i64,
    last_event_at: DateTime<Utc>,
}

/// Takes in runs, each once. Gives how many were taken, and what that changes in the kept sums.
async fn import_runs(
    session: &mut Session,
    traces: Vec<(Trace, String)>,
    rules: &QualityRules,
) -> sqlx::Result<(u64, Changes)> {
    let ids = || traces.iter().map(|(trace, _)| trace.trace_id.as_str());
    let mut sql = Sql::new(
        "select trace_id, document_revision, event_bytes, last_event_at from traces where trace_id in ",
    );
    sql.list(ids()).push(" order by trace_id");
    if session.is_postgres() {
        sql.push(" for update");
    }
    let known: Vec<Known> = session.fetch(sql).await?;
    let before = match known.as_slice() {
        [] => HashMap::new(),
        known => sums::added(session, known.iter().map(|row| row.trace_id.as_str())).await?,
    };
    let known: HashMap<String, Known> = known.into_iter().map(|row| (row.trace_id.clone(), row)).collect();
    let mut sql = Sql::new("select trace_id from tombstones where trace_id in ");
    sql.list(ids());
    let deleted = set(session.fetch(sql).await?);
    let mut sql = Sql::new("select distinct trace_id from events where trace_id in ");
    sql.list(ids());
    let has_events = set(session.fetch(sql).await?);

    let mut parts = Parts::default();
    let mut taken = 0;
    for (trace, path) in traces {
        let id = trace.trace_id.as_str();
        let known = known.get(id);
        let revision = trace.metadata.revision;
        let is_newer = |known: &Known| u64::try_from(known.document_revision).is_ok_and(|it| it > revision);
        if deleted.contains(id) || known.is_some_and(is_newer) {
            continue;
        }
        let trace = if has_events.contains(id) {
            let waiting = events::of(session, &trace.trace_id).await?;
            fold(Some(trace), &waiting, rules)
        } else {
            Some(trace)
        };
        let Some(trace) = trace else { continue };
        let books = Bookkeeping {
            event_count: i64::try_from(trace.metadata.events.len()).unwrap_or(i64::MAX),
            event_bytes: known.map_or(0, |known| known.event_bytes),
            last_event_at: known
                .map(|known| Timestamp::new(known.last_event_at))
                .max(Some(last_heard(&trace))),
            document_revision: revision,
            had_rows: known.is_some(),
            is_new: known.is_none(),
        };
        projection::write_head(session, &trace, &books, rules).await?;
        parts.add(&trace, &books, rules, before.get(trace.trace_id.as_str()));
        let sql = Sql::new("update traces set trace_file_path = $1 where trace_id = $2")
            .bind(path)
            .bind(trace.trace_id.as_str());
        session.execute(sql).await?;
        taken += 1;
    }
    Ok((taken, parts.write(session).await?))
}

fn set(rows: Vec<(String,)>) -> HashSet<String> {
    rows.into_iter().map(|(id,)| id).collect()
}

/// When the agent was last heard of, as far as the document says: it does not keep when each event arrived.
fn last_heard(trace: &Trace) -> Timestamp {
    let run = &trace.run;
    let stages = || trace.stages.values();
    let stays = stages().flat_map(|stage| &stage.entries).map(|stay| stay.started_at.max(stay.completed_at));
    let times = [Some(run.started_at), run.completed_at]
        .into_iter()
        .chain(stages().map(|stage| stage.started_at.max(stage.completed_at)))
        .chain(stays)
        .chain(stages().flat_map(|stage| &stage.prompts).map(|prompt| prompt.timestamp))
        .chain(trace.iterations.iter().map(|turn| turn.timestamp))
        .chain(trace.decisions().map(|(_, decision)| Some(decision.timestamp)));
    times.flatten().max().unwrap_or(run.started_at)
}
