//! Taking events in: each once, in one transaction with the rows that follow from it.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use super::projection::{self, Bookkeeping};
use super::{Index, events, flags};
use crate::calibration::CalibrationRules;
use crate::error::Result;
use crate::model::{Event, EventBody, EventId, QualityRules, Status, Timestamp, Trace, TraceId, fold};
use crate::store::sealed::Sealed;
use crate::store::session::Session;
use crate::store::sql::Sql;

/// Events of one run that are recorded together, in order.
#[derive(Clone, Debug)]
pub struct Batch {
    /// The run.
    pub trace_id: TraceId,
    /// Its events.
    pub events: Vec<Arc<Sealed>>,
    /// The run's document, which a run needs that has one: it alone knows which events it holds.
    pub document: Option<Box<Trace>>,
}

/// What became of the events of one run.
#[derive(Clone, Debug)]
pub enum TraceOutcome {
    /// They are recorded, each as its standing says.
    Recorded {
        /// One for each event, in order.
        standings: Vec<Standing>,
        /// The run as it stands now, when its document has to be written.
        finished: Option<Box<Trace>>,
        /// Lines about calibration flags that opened, for whoever watches standard error.
        announcements: Vec<String>,
    },
    /// Nothing happened: the run has a document of this revision or a later one, which must come with the batch.
    NeedsDocument {
        /// The revision that the index knows.
        revision: u64,
    },
}

/// What became of one event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It is recorded.
    New,
    /// It was recorded before, with the same content.
    Duplicate,
    /// Its name was taken by other content; this one is kept aside.
    Conflict,
    /// Its run was deleted.
    Deleted,
    /// It closes a silent run that is no longer silent.
    Moot,
}

/// What the row of a run says before a batch.
#[derive(Clone, Debug, sqlx::FromRow)]
struct Known {
    trace_id: String,
    status: String,
    document_revision: i64,
    projected: bool,
    event_count: i64,
    event_bytes: i64,
    last_event_at: chrono::DateTime<chrono::Utc>,
}

impl Index {
    /// Records events of any number of runs in one transaction.
    ///
    /// With `durable` the commit is on disk when this returns; without, [`Index::make_durable`] has to follow.
    /// Repeating a call is harmless.
    ///
    /// # Errors
    /// [`crate::Error::Unavailable`]: nothing of it is recorded.
    pub async fn record(&self, mut batches: Vec<Batch>, durable: bool) -> Result<Vec<TraceOutcome>> {
        let order: Vec<TraceId> = batches.iter().map(|batch| batch.trace_id.clone()).collect();
        // One order for all processes, so that two of them never wait for each other in a circle.
        batches.sort_by(|a, b| a.trace_id.cmp(&b.trace_id));
        let rules = (self.rules, self.calibration);
        let mut outcomes = self
            .database
            .write(durable, move |session| {
                Box::pin(async move {
                    let ids: Vec<TraceId> = batches.iter().map(|batch| batch.trace_id.clone()).collect();
                    let deleted = deleted(session, &ids).await?;
                    let known = known(session, &ids).await?;
                    let mut outcomes = HashMap::new();
                    for batch in &batches {
                        let outcome = if deleted.contains(batch.trace_id.as_str()) {
                            let standings = vec![Standing::Deleted; batch.events.len()];
                            TraceOutcome::Recorded { standings, finished: None, announcements: Vec::new() }
                        } else {
                            record_run(session, batch, known.get(batch.trace_id.as_str()), &rules).await?
                        };
                        outcomes.insert(batch.trace_id.clone(), outcome);
                    }
                    Ok(outcomes)
                })
            })
            .await?;
        Ok(order
            .iter()
            .map(|id| {
                outcomes.remove(id).unwrap_or(TraceOutcome::Recorded {
                    standings: Vec::new(),
                    finished: None,
                    announcements: Vec::new(),
                })
            })
            .collect())
    }
}

async fn deleted(session: &mut Session, ids: &[TraceId]) -> sqlx::Result<BTreeSet<String>> {
    let mut sql = Sql::new("select trace_id from tombstones where trace_id in ");
    sql.list(ids.iter().map(TraceId::as_str));
    Ok(session.fetch::<(String,)>(sql).await?.into_iter().map(|row| row.0).collect())
}

async fn known(session: &mut Session, ids: &[TraceId]) -> sqlx::Result<HashMap<String, Known>> {
    let mut sql = Sql::new(
        "select trace_id, status, document_revision, projected, event_count, event_bytes, last_event_at \
         from traces where trace_id in ",
    );
    sql.list(ids.iter().map(TraceId::as_str)).push(" order by trace_id");
    if session.is_postgres() {
        sql.push(" for update");
    }
    Ok(session.fetch::<Known>(sql).await?.into_iter().map(|row| (row.trace_id.clone(), row)).collect())
}

async fn record_run(
    session: &mut Session,
    batch: &Batch,
    known: Option<&Known>,
    (rules, calibration): &(QualityRules, CalibrationRules),
) -> sqlx::Result<TraceOutcome> {
    let revision = known.map_or(0, |known| u64::try_from(known.document_revision).unwrap_or(0));
    let at_hand = batch.document.as_ref().map_or(0, |document| document.metadata.revision);
    if at_hand < revision {
        return Ok(TraceOutcome::NeedsDocument { revision });
    }
    let (standings, fresh) = take_in(session, batch, known).await?;
    if fresh.is_empty() {
        return Ok(TraceOutcome::Recorded { standings, finished: None, announcements: Vec::new() });
    }
    let known_status = known.and_then(|known| known.status.parse::<Status>().ok());
    let ends =
        fresh.iter().any(|event| matches!(event.body, EventBody::Finish(_) | EventBody::Abandon { .. }));
    let was_finished = known_status.is_some_and(Status::is_finished) || batch.document.is_some();
    let starts = fresh.iter().any(|event| matches!(event.body, EventBody::Start(_)));
    let mut finished = None;
    let mut announcements = Vec::new();
    if ends || was_finished || starts {
        // Events of a run whose start has not come yet wait for it.
        if let Some(trace) = read_run(session, batch, &fresh, known, rules).await? {
            let books = books(session, known, &fresh, batch, revision).await?;
            projection::write(session, &trace, &books, rules).await?;
            let finish = fresh.iter().find(|event| matches!(event.body, EventBody::Finish(_)));
            let trace = match finish {
                Some(finish) => {
                    let calibrated = flags::calibrate(session, trace, finish, rules, calibration).await?;
                    announcements = calibrated.announcements;
                    calibrated.trace
                }
                None => trace,
            };
            finished = (trace.status().is_finished() || batch.document.is_some()).then(|| Box::new(trace));
        }
    } else if known.is_some() {
        touch(session, batch, &fresh).await?;
    }
    Ok(TraceOutcome::Recorded { standings, finished, announcements })
}

/// Inserts what is new and says of each event what it is.
async fn take_in(
    session: &mut Session,
    batch: &Batch,
    known: Option<&Known>,
) -> sqlx::Result<(Vec<Standing>, Vec<Arc<Sealed>>)> {
    let mut candidates: Vec<Arc<Sealed>> = Vec::new();
    for event in &batch.events {
        let held = batch
            .document
            .as_ref()
            .is_some_and(|document| document.metadata.events.contains_key(&event.event_id));
        if !held && !is_moot(event, known) && !candidates.iter().any(|other| other.event_id == event.event_id)
        {
            candidates.push(Arc::clone(event));
        }
    }
    let inserted = events::insert(session, &candidates).await?;
    let missing: Vec<&EventId> =
        candidates.iter().map(|event| &event.event_id).filter(|id| !inserted.contains(id.as_str())).collect();
    let mut hashes = events::hashes(session, &batch.trace_id, &missing).await?;
    let fresh: Vec<Arc<Sealed>> =
        candidates.iter().filter(|event| inserted.contains(event.event_id.as_str())).cloned().collect();

    let mut standings = Vec::with_capacity(batch.events.len());
    let mut conflicts = Vec::new();
    for event in &batch.events {
        let held = batch.document.as_ref().and_then(|document| document.metadata.events.get(&event.event_id));
        let standing = if is_moot(event, known) {
            Standing::Moot
        } else if fresh.iter().any(|other| Arc::ptr_eq(other, event)) {
            hashes.insert(event.event_id.as_str().to_owned(), event.content_hash.clone());
            Standing::New
        } else if held.or_else(|| hashes.get(event.event_id.as_str())) == Some(&event.content_hash) {
            Standing::Duplicate
        } else {
            conflicts.push(Arc::clone(event));
            Standing::Conflict
        };
        standings.push(standing);
    }
    events::keep_aside(session, &conflicts).await?;
    Ok((standings, fresh))
}

/// Closing a silent run is one conditional update: moot when the run has ended or was heard of since.
fn is_moot(event: &Event, known: Option<&Known>) -> bool {
    matches!(event.body, EventBody::Abandon { .. })
        && known.is_none_or(|known| {
            known.status != Status::InProgress.as_str()
                || Some(Timestamp::new(known.last_event_at)) != event.occurred_at
        })
}

/// The run as all its events tell it. The events in hand are enough when there are no others.
async fn read_run(
    session: &mut Session,
    batch: &Batch,
    fresh: &[Arc<Sealed>],
    known: Option<&Known>,
    rules: &QualityRules,
) -> sqlx::Result<Option<Trace>> {
    let base = batch.document.as_deref().cloned();
    if known.is_none() && base.is_none() && !has_strays(session, batch, fresh).await? {
        return Ok(fold(None, fresh.iter().map(|event| event.event()), rules));
    }
    let events = events::of(session, &batch.trace_id).await?;
    Ok(fold(base, &events, rules))
}

/// Whether a run without a row has events that came before its start.
async fn has_strays(session: &mut Session, batch: &Batch, fresh: &[Arc<Sealed>]) -> sqlx::Result<bool> {
    let (stored, _) = events::stored(session, &batch.trace_id).await?;
    Ok(usize::try_from(stored).unwrap_or(usize::MAX) > fresh.len())
}

async fn books(
    session: &mut Session,
    known: Option<&Known>,
    fresh: &[Arc<Sealed>],
    batch: &Batch,
    revision: u64,
) -> sqlx::Result<Bookkeeping> {
    let whole = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
    let (event_count, event_bytes) = match known {
        Some(known) => (
            known.event_count.saturating_add(whole(fresh.len())),
            known.event_bytes.saturating_add(events::bytes(fresh)),
        ),
        None => {
            let held = batch.document.as_ref().map_or(0, |document| document.metadata.events.len());
            let (stored, bytes) = events::stored(session, &batch.trace_id).await?;
            (stored.saturating_add(whole(held)), bytes)
        }
    };
    let last = fresh.iter().filter(|event| event.body.is_activity()).map(|event| event.recorded_at).max();
    let last_known = known.map(|known| Timestamp::new(known.last_event_at));
    Ok(Bookkeeping {
        event_count,
        event_bytes,
        last_event_at: last.max(last_known),
        document_revision: revision,
        had_rows: known.is_some_and(|known| known.projected) || batch.document.is_some(),
        is_new: known.is_none(),
    })
}

/// Counts further events of an open run on its row.
async fn touch(session: &mut Session, batch: &Batch, fresh: &[Arc<Sealed>]) -> sqlx::Result<()> {
    let decisions: Vec<_> = fresh
        .iter()
        .filter_map(|event| match &event.body {
            EventBody::Decision(decision) => Some(decision),
            _ => None,
        })
        .collect();
    let confidences: Vec<f64> = decisions
        .iter()
        .filter_map(|decision| decision.confidence)
        .map(crate::model::Confidence::get)
        .collect();
    let last = fresh.iter().filter(|event| event.body.is_activity()).map(|event| event.recorded_at).max();
    let count = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
    let sql = Sql::new(
        "update traces set event_count = event_count + $1, event_bytes = event_bytes + $2, \
         decision_count = decision_count + $3, confidence_count = confidence_count + $4, \
         confidence_sum = confidence_sum + $5, \
         last_event_at = case when $6 > last_event_at then $6 else last_event_at end, \
         updated_at = case when $6 > updated_at then $6 else updated_at end \
         where trace_id = $7",
    )
    .bind(count(fresh.len()))
    .bind(events::bytes(fresh))
    .bind(count(decisions.len()))
    .bind(count(confidences.len()))
    .bind(confidences.iter().sum::<f64>())
    .bind(last)
    .bind(batch.trace_id.as_str());
    session.execute(sql).await?;
    Ok(())
}
