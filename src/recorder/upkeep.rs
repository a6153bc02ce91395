//! What a process does on the side: lets journals go, adopts those of dead processes, closes silent runs, writes
//! documents that were left unwritten, lets go of runs whose time is up. Which of these it does is a matter of its
//! [`Role`](super::Role).

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use chrono::TimeDelta;
use tokio::sync::oneshot;

use super::scribe::{Errand, Task};
use super::writer::Job;
use super::{Recorder, stores_identity};
use crate::error::Result;
use crate::model::{Event, EventBody, EventId, TraceId};
use crate::store::Sealed;
use crate::store::index::Sighting;
use crate::store::journal::{self, AdoptedJournal};

/// How often the journal is told what it may let go of.
const RETIRE_EVERY: Duration = Duration::from_secs(1);

/// After how many such rounds the journal begins a new file, so that no released record stays for long.
const RENEW_AFTER: u32 = 60;

/// How often the rest is looked after.
const LOOK_EVERY: Duration = Duration::from_secs(30);

/// The most events that are handed on at once while a journal is replayed.
const REPLAY_AT_ONCE: usize = 1_000;

/// Starts both rounds; they end with the recorder.
pub(super) fn start(recorder: &Recorder) {
    let retiring = recorder.clone();
    tokio::spawn(async move {
        let mut rounds = 0_u32;
        while !is_over(&retiring, RETIRE_EVERY).await {
            rounds = (rounds + 1) % RENEW_AFTER;
            if let Some(journal) = retiring.inner.journal.as_ref().filter(|_| rounds == 0) {
                journal.renew();
            }
            let inner = &retiring.inner;
            inner.retirement.retire(&inner.stores.index, inner.journal.as_ref()).await;
        }
    });
    let documents = recorder.inner.stores.documents.clone();
    tokio::spawn(async move { documents.prepare().await });
    let looking = recorder.clone();
    tokio::spawn(async move {
        loop {
            looking.look_after().await;
            if let Err(error) = looking.let_go().await {
                tracing::debug!("runs whose time is up stay for now: {error}");
            }
            if is_over(&looking, LOOK_EVERY).await {
                return;
            }
        }
    });
}

/// Waits for the next round; says whether there is none.
async fn is_over(recorder: &Recorder, pause: Duration) -> bool {
    tokio::select! {
        () = recorder.inner.shutdown.cancelled() => true,
        () = tokio::time::sleep(pause) => false,
    }
}

impl Recorder {
    /// One round: adopt, close, write what was left. Deletes nothing: commands of maintenance go round too.
    pub async fn look_after(&self) {
        let _round = self.inner.looking.lock().await;
        let identity = stores_identity(&self.inner.options);
        let folder = self.inner.options.home.join("journal");
        let adopted = tokio::task::spawn_blocking(move || journal::adopt(&folder, &identity)).await;
        match adopted {
            Ok(Ok(journals)) => {
                for journal in journals {
                    let (recorder, unread) = (self.clone(), Unread::of(self));
                    self.inner.replays.spawn(async move { recorder.replay(journal, unread).await });
                }
            }
            Ok(Err(error)) => tracing::debug!("journals of other processes cannot be looked at: {error}"),
            Err(error) => tracing::debug!("journals of other processes cannot be looked at: {error}"),
        }
        if self.inner.options.role.closes_silent_runs()
            && let Err(error) = self.close_silent_runs().await
        {
            tracing::debug!("silent runs stay open for now: {error}");
        }
        if let Err(error) = self.write_what_was_left().await {
            tracing::debug!("unwritten documents wait: {error}");
        }
    }

    /// Brings the records of a dead process's journal to the index, and removes it when they are there for good.
    async fn replay(&self, journal: AdoptedJournal, unread: Unread) {
        let mut records = match journal.records() {
            Ok(records) => records,
            Err(error) => {
                tracing::warn!("the journal {} cannot be read now: {error}", journal.path().display());
                return;
            }
        };
        let mut waits = Vec::new();
        let mut unreadable = 0_u64;
        loop {
            let chunk: Vec<Vec<u8>> = records.by_ref().take(REPLAY_AT_ONCE).collect();
            if chunk.is_empty() {
                break;
            }
            let mut runs: HashMap<TraceId, Vec<Arc<Sealed>>> = HashMap::new();
            for record in chunk {
                match String::from_utf8(record).ok().and_then(|json| Sealed::parse(json).ok()) {
                    Some(event) => runs.entry(event.trace_id.clone()).or_default().push(Arc::new(event)),
                    None => unreadable += 1,
                }
            }
            for (trace_id, events) in runs {
                self.inner.stores.live.remember(&trace_id, &events, true);
                let (finally, held) = oneshot::channel();
                let job = Job {
                    trace_id,
                    events,
                    positions: Arc::default(),
                    first: None,
                    finally: Some(finally),
                    failures: 0,
                };
                // The writer ends only with the process.
                let _ = self.inner.jobs.send(job);
                waits.push(held);
            }
        }
        drop(unread);
        for held in waits {
            if held.await.is_err() {
                // The process ends, or an event was set apart: the journal stays for the next one.
                return;
            }
        }
        let damaged = records.damaged_spans();
        if unreadable > 0 {
            tracing::warn!(
                "{} holds {unreadable} records that are no events; it stays",
                journal.path().display()
            );
            return;
        }
        if damaged > 0 {
            tracing::info!(
                "{} ended in {damaged} unfinished records that nobody was told of",
                journal.path().display()
            );
        }
        if let Err(error) = journal.discard() {
            tracing::debug!("an adopted journal stays: {error}");
        }
    }

    async fn close_silent_runs(&self) -> Result<()> {
        let patience = TimeDelta::from_std(self.inner.options.abandon_after).unwrap_or(TimeDelta::MAX);
        let now = self.inner.clock.now();
        for silent in self.inner.stores.index.silent(now.plus(-patience), 100).await? {
            let event = abandon(&silent, now, patience, &self.inner.options.process);
            self.inner.counts.event(event.body.kind());
            let job = Job {
                trace_id: silent.trace_id,
                events: vec![Arc::new(Sealed::new(event)?)],
                positions: Arc::default(),
                first: None,
                finally: None,
                failures: 0,
            };
            // The writer ends only with the process.
            let _ = self.inner.jobs.send(job);
        }
        Ok(())
    }

    async fn write_what_was_left(&self) -> Result<()> {
        for left in self.inner.stores.index.undocumented(100).await? {
            self.inner.scribe.write(Task {
                trace_id: left.trace_id,
                project: left.project,
                flags: true,
                ahead: false,
                errand: Errand::Write,
            });
        }
        Ok(())
    }
}

/// Counts an adopted journal for as long as what it holds is not among what is pending.
struct Unread(Recorder);

impl Unread {
    fn of(recorder: &Recorder) -> Self {
        recorder.inner.unread.fetch_add(1, Ordering::SeqCst);
        Self(recorder.clone())
    }
}

impl Drop for Unread {
    fn drop(&mut self) {
        self.0.inner.unread.fetch_sub(1, Ordering::SeqCst);
    }
}

/// The event that closes a silent run. Its name says after how many events the silence began, and when, so that two
/// processes that notice it close the run once, and one that was opened again can be closed again.
fn abandon(silent: &Sighting, now: crate::model::Timestamp, patience: TimeDelta, process: &str) -> Event {
    let hours = patience.num_minutes() as f64 / 60.0;
    let silence = format!("abandoned_{}", silent.event_count);
    let generated = EventId::generate(&silence, &silent.last_event_at.micros().unsigned_abs().to_string());
    Event {
        trace_id: silent.trace_id.clone(),
        event_id: generated,
        origin: process.to_owned(),
        sequence: 0,
        recorded_at: now,
        occurred_at: Some(silent.last_event_at),
        content_hash: String::new(),
        redactions: 0,
        body: EventBody::Abandon { reason: format!("abandoned: nothing was recorded for {hours} hours") },
    }
}
