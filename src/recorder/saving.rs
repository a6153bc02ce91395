//! Bringing events to journal and index at once, and what may be said of them then.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::Instant;

use super::writer::Job;
use super::{PATIENCE, Recorder, SaveState, Saved, WAITS_IN_VAIN};
use crate::error::{Error, Result};
use crate::model::{EventBody, TraceId};
use crate::store::Sealed;
use crate::store::index::Standing;
use crate::store::journal::Position;
use crate::store::live::{Glimpse, Live};

/// How long a write may take before it is given up.
const WRITE_BOUND: Duration = Duration::from_millis(1_800);

/// Which stores a write waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Waits {
    /// For one, and then [`PATIENCE`] for the other.
    ForBoth,
    /// For the journal; for the database where the journal does not have it.
    ForJournal,
}

impl Recorder {
    /// Waits until the database holds what is asked for, if it has not been waited for in vain lately. A wait in vain
    /// does not count as one: others may be recording without end.
    pub(super) async fn wait_for_the_database(&self, holds: impl Fn(&Live) -> bool) {
        let live = &self.inner.stores.live;
        let held = async {
            while !holds(live) {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        // What it does not hold by then is told as pending.
        let _ = tokio::time::timeout(patience(&self.inner.database_waits), held).await;
    }

    /// Where events of a run are that were recorded before.
    pub(super) fn state_of_known(&self, trace_id: &TraceId) -> SaveState {
        if self.inner.stores.live.is_pending(trace_id) { SaveState::Pending } else { SaveState::Saved }
    }

    /// Brings events to journal and index at once.
    pub(super) async fn save(
        &self,
        trace_id: &TraceId,
        events: Vec<Arc<Sealed>>,
        waits: Waits,
    ) -> Result<(Saved, Vec<Standing>)> {
        let inner = &self.inner;
        let live = &inner.stores.live;
        if let Some(project) = events.iter().find_map(|event| match &event.body {
            EventBody::Start(start) => Some(start.project.clone()),
            _ => None,
        }) {
            live.meet(trace_id, Glimpse { project: Some(project), ..Glimpse::default() });
        }
        live.set_out(trace_id, &events);
        live.remember(trace_id, &events, true);

        let positions: Arc<OnceLock<Vec<Position>>> = Arc::default();
        let (first, mut database) = oneshot::channel();
        let job = Job {
            trace_id: trace_id.clone(),
            events: events.clone(),
            positions: Arc::clone(&positions),
            first: Some(first),
            finally: None,
            failures: 0,
        };
        // The writer ends only with the process.
        let _ = inner.jobs.send(job);
        let mut journal = self.append(&events, positions);

        let begun = Instant::now();
        let mut limit = begun + WRITE_BOUND;
        let mut journal_says: Option<Result<(), String>> = None;
        let mut database_says: Option<Result<Vec<Standing>, String>> = None;
        let mut waits_for_a_document = false;
        while journal_says.is_none() || database_says.is_none() {
            tokio::select! {
                said = &mut journal, if journal_says.is_none() => {
                    let said = said.unwrap_or_else(|error| Err(error.to_string()));
                    if said.is_ok() {
                        let more = if waits == Waits::ForBoth { patience(&inner.database_waits) } else { Duration::ZERO };
                        limit = limit.min(Instant::now() + more);
                    }
                    journal_says = Some(said);
                }
                said = &mut database, if database_says.is_none() => {
                    let said = said.unwrap_or_else(|error| {
                        Err(Error::Unavailable { what: "the database", reason: error.to_string() })
                    });
                    if said.is_ok() {
                        limit = limit.min(Instant::now() + patience(&inner.journal_waits));
                    }
                    waits_for_a_document =
                        matches!(&said, Err(Error::Unavailable { what, .. }) if *what == super::late::WHAT);
                    database_says = Some(said.map_err(|error| error.to_string()));
                }
                () = tokio::time::sleep_until(limit) => break,
            }
        }
        note_wait(&inner.journal_waits, journal_says.is_some());
        // Who did not wait for it has not waited in vain, nor who waits for a document that it is to be shown.
        if !waits_for_a_document && (waits == Waits::ForBoth || database_says.is_some()) {
            note_wait(&inner.database_waits, matches!(database_says, Some(Ok(_))));
        }
        let verdict = self.verdict(journal_says, database_says).await;
        if verdict.is_ok() {
            live.arrive(trace_id, &events);
        } else {
            live.retract(trace_id, &events);
        }
        verdict
    }

    /// Appends to the journal in a task of its own: one that is not waited for any more still tells where it is.
    fn append(
        &self,
        events: &[Arc<Sealed>],
        positions: Arc<OnceLock<Vec<Position>>>,
    ) -> tokio::task::JoinHandle<Result<(), String>> {
        let journal = self.inner.journal.clone();
        let records: Vec<Vec<u8>> = events.iter().map(|event| event.json().as_bytes().to_vec()).collect();
        tokio::spawn(async move {
            let Some(journal) = journal else { return Err("it is switched off".to_owned()) };
            let written = journal.append(records).await.map_err(|error| error.to_string())?;
            // Set once; nobody else does.
            let _ = positions.set(written);
            Ok(())
        })
    }

    async fn verdict(
        &self,
        journal: Option<Result<(), String>>,
        database: Option<Result<Vec<Standing>, String>>,
    ) -> Result<(Saved, Vec<Standing>)> {
        let inner = &self.inner;
        let journal_state = match &journal {
            Some(Ok(())) => SaveState::Saved,
            Some(Err(_)) => SaveState::Failed,
            None => SaveState::Pending,
        };
        let reason = |journal: Option<Result<(), String>>, database: &str| {
            let journal = match journal {
                Some(Err(reason)) => reason,
                Some(Ok(())) => "saved".to_owned(),
                None => "no answer in time".to_owned(),
            };
            format!(
                "journal: {journal}; database: {database}; nothing is acknowledged, retry with the same id"
            )
        };
        match database {
            Some(Ok(standings)) => {
                if journal_state != SaveState::Saved && !inner.stores.index.commits_are_durable() {
                    // The commit trusted the journal to be the durable step; it was not.
                    inner.stores.index.make_durable().await?;
                }
                Ok((Saved { journal: journal_state, database: SaveState::Saved, document: None }, standings))
            }
            other => {
                let said = other.and_then(Result::err).unwrap_or_else(|| "no answer in time".to_owned());
                if journal_state != SaveState::Saved || inner.options.require_database {
                    return Err(Error::Unavailable { what: "every store", reason: reason(journal, &said) });
                }
                Ok((
                    Saved { journal: journal_state, database: SaveState::Pending, document: None },
                    Vec::new(),
                ))
            }
        }
    }
}

fn patience(in_vain: &AtomicU32) -> Duration {
    if in_vain.load(Ordering::Relaxed) >= WAITS_IN_VAIN { Duration::ZERO } else { PATIENCE }
}

fn note_wait(waits: &AtomicU32, answered: bool) {
    if answered {
        waits.store(0, Ordering::Relaxed);
    } else {
        waits.fetch_add(1, Ordering::Relaxed);
    }
}
