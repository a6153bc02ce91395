//! Taking events in: each once, in one transaction with the rows that follow from it.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use super::projection::{self, Bookkeeping};
use super::row::{Known, known, reshapes, touch};
use super::sums::Changes;
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

impl Index {
    /// Records events of any number of runs in one transaction.
    ///
    /// With `durable` the commit is on disk when this returns; without, [`Index::make_durable`] has to follow.
    /// Repeating a call is harmless.
    ///
    /// # Errors
    /// [`crate::Error::Unavailable`]: nothing of it is recorded.
    pub async fn record(&self, batches: Vec<Batch>, durable: bool) -> Result<Vec<TraceOutcome>> {
        let mut batches: Vec<(usize, Batch)> = batches.into_iter().enumerate().collect();
        // One order for all processes, so that two of them never wait for each other in a circle. Batches of one run
        // keep theirs.
        batches.sort_by(|(_, a), (_, b)| a.trace_id.cmp(&b.trace_id));
        let rules = (self.rules, self.calibration);
        let mut outcomes = self
            .database
            .write(durable, move |session| {
                Box::pin(async move {
                    let mut ids: Vec<TraceId> =
                        batches.iter().map(|(_, batch)| batch.trace_id.clone()).collect();
                    ids.dedup();
                    lock(session, &ids).await?;
                    let mut known = known(session, &ids).await?;
                    let deleted = deleted(session, &ids).await?;
                    let mut outcomes: Vec<(usize, TraceOutcome)> = Vec::with_capacity(batches.len());
                    let mut checks: Vec<(usize, Check)> = Vec::new();
                    let mut sums = Changes::default();
                    let mut before: Option<&TraceId> = None;
                    for (place, batch) in &batches {
                        let id = &batch.trace_id;
                        if before == Some(id) {
                            known.extend(self::known(session, std::slice::from_ref(id)).await?);
                        }
                        let outcome = if deleted.contains(id.as_str()) {
                            let standings = vec![Standing::Deleted; batch.events.len()];
                            TraceOutcome::Recorded { standings, finished: None, announcements: Vec::new() }
                        } else {
                            let (outcome, check) =
                                record_run(session, batch, known.get(id.as_str()), &rules.0, &mut sums)
                                    .await?;
                            checks.extend(check.map(|check| (outcomes.len(), check)));
                            outcome
                        };
                        outcomes.push((*place, outcome));
                        before = Some(id);
                    }
                    sums.write(session).await?;
                    calibrate(session, checks, &mut outcomes, &rules).await?;
                    Ok(outcomes)
                })
            })
            .await?;
        outcomes.sort_by_key(|(place, _)| *place);
        Ok(outcomes.into_iter().map(|(_, outcome)| outcome).collect())
    }
}

/// Keeps other processes from recording the same runs until the transaction ends: of a run without a row there is
/// nothing else to lock, and two halves of it that do not see each other would never be put together.
pub(super) async fn lock(session: &mut Session, ids: &[TraceId]) -> sqlx::Result<()> {
    if !session.is_postgres() || ids.is_empty() {
        return Ok(());
    }
    let mut sql = Sql::new("select count(pg_advisory_xact_lock(hashtextextended(id, 0))) from (values ");
    sql.rows(ids.iter().map(|id| vec![id.as_str().into()])).push(") as runs (id)");
    session.fetch_one::<(i64,)>(sql).await?;
    Ok(())
}

async fn deleted(session: &mut Session, ids: &[TraceId]) -> sqlx::Result<BTreeSet<String>> {
    let mut sql = Sql::new("select trace_id from tombstones where trace_id in ");
    sql.list(ids.iter().map(TraceId::as_str));
    Ok(session.fetch::<(String,)>(sql).await?.into_iter().map(|row| row.0).collect())
}

async fn record_run(
    session: &mut Session,
    batch: &Batch,
    known: Option<&Known>,
    rules: &QualityRules,
    sums: &mut Changes,
) -> sqlx::Result<(TraceOutcome, Option<Check>)> {
    let revision = known.map_or(0, |known| u64::try_from(known.document_revision).unwrap_or(0));
    let at_hand = batch.document.as_ref().map_or(0, |document| document.metadata.revision);
    if at_hand < revision {
        return Ok((TraceOutcome::NeedsDocument { revision }, None));
    }
    let (standings, fresh) = take_in(session, batch, known).await?;
    // A document that was written while the database was away holds what the rows do not say yet.
    let is_behind = at_hand > revision || is_unchecked(batch)?;
    if fresh.is_empty() && !is_behind {
        return Ok((TraceOutcome::Recorded { standings, finished: None, announcements: Vec::new() }, None));
    }
    let known_status = known.and_then(|known| known.status.parse::<Status>().ok());
    let ends =
        fresh.iter().any(|event| matches!(event.body, EventBody::Finish(_) | EventBody::Abandon { .. }));
    let was_finished = known_status.is_some_and(Status::is_finished) || batch.document.is_some();
    let starts = fresh.iter().any(|event| matches!(event.body, EventBody::Start(_)));
    let reshapes = known.is_some_and(|known| fresh.iter().any(|event| reshapes(&event.body, known)));
    let mut finished = None;
    let mut check = None;
    if ends || was_finished || starts || reshapes {
        // Events of a run whose start has not come yet wait for it.
        if let Some(trace) = read_run(session, batch, &fresh, known, rules).await? {
            let books = books(session, known, &fresh, batch, revision.max(at_hand)).await?;
            sums.extend(projection::write(session, &trace, &books, rules).await?);
            let was_open = known_status.is_none_or(|status| !status.is_finished());
            check = to_check(session, batch, &trace, was_open).await?;
            finished = (trace.status().is_finished() || batch.document.is_some()).then(|| Box::new(trace));
        }
    } else if let Some(known) = known {
        touch(session, known.clone(), &fresh).await?;
    }
    Ok((TraceOutcome::Recorded { standings, finished, announcements: Vec::new() }, check))
}

/// A run that has ended and that calibration has not looked at yet.
struct Check {
    trace: Trace,
    finish: Event,
    /// Whether somebody has said since whether it needs a look.
    is_marked: bool,
}

/// Whether a batch brings a finish of which the document at hand does not know what calibration found.
fn is_unchecked(batch: &Batch) -> sqlx::Result<bool> {
    let Some(document) = &batch.document else { return Ok(false) };
    let is_held = |event: &Arc<Sealed>| {
        matches!(event.body, EventBody::Finish(_))
            && document.metadata.events.get(&event.event_id) == Some(&event.content_hash)
    };
    Ok(batch.events.iter().any(is_held) && !flags::is_calibrated(document)?)
}

/// What of a run calibration has to look at. Its finish comes with the batch, unless it waited for the start.
async fn to_check(
    session: &mut Session,
    batch: &Batch,
    trace: &Trace,
    was_open: bool,
) -> sqlx::Result<Option<Check>> {
    let Some(hash) = trace.metadata.events.get(&EventId::finish()) else { return Ok(None) };
    if flags::is_calibrated(trace)? {
        return Ok(None);
    }
    let is_finish =
        |event: &&Event| matches!(event.body, EventBody::Finish(_)) && event.content_hash == *hash;
    let in_batch = batch.events.iter().map(|event| event.event()).find(is_finish);
    let stored = match in_batch {
        None if was_open => events::of(session, &batch.trace_id).await?,
        _ => Vec::new(),
    };
    let Some(finish) = in_batch.or_else(|| stored.iter().find(is_finish)) else { return Ok(None) };
    let marks = |event: &Event| {
        matches!(&event.body, EventBody::Review(review) if review.flagged_for_review.is_some())
            && event.order() > finish.order()
    };
    let is_marked = batch.events.iter().any(|event| marks(event.event())) || stored.iter().any(marks);
    Ok(Some(Check { trace: trace.clone(), finish: finish.clone(), is_marked }))
}

/// Checks the runs that ended, in the order in which they did: each is compared with those before it.
async fn calibrate(
    session: &mut Session,
    mut checks: Vec<(usize, Check)>,
    outcomes: &mut [(usize, TraceOutcome)],
    (rules, calibration): &(QualityRules, CalibrationRules),
) -> sqlx::Result<()> {
    if checks.is_empty() {
        return Ok(());
    }
    let projects = checks.iter().map(|(_, check)| check.trace.project.as_str());
    flags::lock(session, projects, calibration.flag_scope).await?;
    checks.sort_by(|(_, a), (_, b)| {
        (a.trace.run.completed_at, &a.trace.trace_id).cmp(&(b.trace.run.completed_at, &b.trace.trace_id))
    });
    for (place, check) in checks {
        let Check { trace, finish, is_marked } = check;
        let calibrated = flags::calibrate(session, trace, &finish, is_marked, rules, calibration).await?;
        if let Some((_, TraceOutcome::Recorded { finished, announcements, .. })) = outcomes.get_mut(place) {
            *announcements = calibrated.announcements;
            *finished = Some(Box::new(calibrated.trace));
        }
    }
    Ok(())
}

/// Inserts what is new and says of each event what it is.
async fn take_in(
    session: &mut Session,
    batch: &Batch,
    known: Option<&Known>,
) -> sqlx::Result<(Vec<Standing>, Vec<Arc<Sealed>>)> {
    let mut candidates: Vec<Arc<Sealed>> = Vec::new();
    let mut names: HashSet<&EventId> = HashSet::new();
    for event in &batch.events {
        let held = batch
            .document
            .as_ref()
            .is_some_and(|document| document.metadata.events.contains_key(&event.event_id));
        if !held && !is_moot(event, known) && names.insert(&event.event_id) {
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
    let mut unseen: HashSet<&EventId> = fresh.iter().map(|event| &event.event_id).collect();
    for event in &batch.events {
        let held = batch.document.as_ref().and_then(|document| document.metadata.events.get(&event.event_id));
        let standing = if is_moot(event, known) {
            Standing::Moot
        } else if unseen.remove(&event.event_id) {
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
    let (event_count, event_bytes, last_known) = match known {
        Some(known) => (
            known.event_count.saturating_add(whole(fresh.len())),
            known.event_bytes.saturating_add(events::bytes(fresh)),
            Some(Timestamp::new(known.last_event_at)),
        ),
        None => {
            let held = batch.document.as_ref().map_or(0, |document| document.metadata.events.len());
            let (stored, bytes) = events::stored(session, &batch.trace_id).await?;
            // Those that waited for the start may have come later than it was recorded.
            let waited = usize::try_from(stored).is_ok_and(|stored| stored > fresh.len());
            let last = if waited { events::latest(session, &batch.trace_id).await? } else { None };
            (stored.saturating_add(whole(held)), bytes, last)
        }
    };
    // Those that a document held before the rows did are no repetitions.
    let heard = if fresh.is_empty() { &batch.events } else { fresh };
    let last = heard.iter().filter(|event| event.body.is_activity()).map(|event| event.recorded_at).max();
    Ok(Bookkeeping {
        event_count,
        event_bytes,
        last_event_at: last.max(last_known),
        document_revision: revision,
        had_rows: known.is_some_and(|known| known.projected) || batch.document.is_some(),
        is_new: known.is_none(),
    })
}
