//! What was recorded since the process started, in numbers.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::{Ack, SaveState, Saved};
use crate::error::Error;
use crate::metrics::{Counter, Exposition, Histogram, Kind, Tally};

/// What callers record, and what a silent run is closed by.
const KINDS: &[&str] = &[
    "start",
    "stage_start",
    "stage_end",
    "decision",
    "evidence",
    "prompt",
    "iteration",
    "outputs",
    "result",
    "correction",
    "outcome",
    "review",
    "finish",
    "abandon",
];
const STATES: &[&str] = &["saved", "pending", "failed"];
const STORES: &[&str] = &["journal", "database", "documents"];

/// Counters of one recorder.
#[derive(Debug)]
pub struct Counts {
    events: Tally,
    repeated: Counter,
    redactions: Counter,
    /// Acknowledgements, by what they said of each of [`STORES`].
    acknowledged: [Tally; 3],
    unacknowledged: Counter,
    write_time: Histogram,
    announced_flags: Counter,
    /// Documents that could not be written and are tried again.
    waiting_documents: AtomicUsize,
}

impl Default for Counts {
    fn default() -> Self {
        Self {
            events: Tally::of(KINDS),
            repeated: Counter::default(),
            redactions: Counter::default(),
            acknowledged: [Tally::of(STATES), Tally::of(STATES), Tally::of(STATES)],
            unacknowledged: Counter::default(),
            write_time: Histogram::default(),
            announced_flags: Counter::default(),
            waiting_documents: AtomicUsize::new(0),
        }
    }
}

impl Counts {
    /// Counts an event that was recorded.
    pub(super) fn event(&self, kind: &str) {
        self.events.add(kind, 1);
    }

    /// Counts an event that had been recorded before.
    pub(super) fn repeated(&self) {
        self.repeated.add(1);
    }

    /// Counts the answer to a write, and how long it took.
    pub(super) fn answered(&self, answer: &Result<Ack, Error>, took: std::time::Duration) {
        match answer {
            Ok(ack) => {
                self.redactions.add(u64::from(ack.redactions));
                if let Some(Saved { journal, database, .. }) = ack.saved {
                    let [in_journal, in_database, _] = &self.acknowledged;
                    in_journal.add(word(journal), 1);
                    in_database.add(word(database), 1);
                }
            }
            Err(Error::Unavailable { .. }) => self.unacknowledged.add(1),
            // What was refused is counted where it is told.
            Err(_) => {}
        }
        self.write_time.observe(took);
    }

    /// Counts what the answer to a finish said of the document.
    pub(super) fn document(&self, state: SaveState) {
        let [_, _, in_documents] = &self.acknowledged;
        in_documents.add(word(state), 1);
    }

    /// Counts flags that were announced.
    pub(super) fn flags_announced(&self, more: usize) {
        self.announced_flags.add(more as u64);
    }

    /// Says how many documents wait for their store.
    pub(super) fn documents_wait(&self, waiting: usize) {
        self.waiting_documents.store(waiting, Ordering::Relaxed);
    }

    /// How many documents could not be written and are tried again.
    #[must_use]
    pub fn waiting_documents(&self) -> usize {
        self.waiting_documents.load(Ordering::Relaxed)
    }

    /// Tells all of it.
    pub fn tell(&self, text: &mut Exposition) {
        text.metric("whytrace_events_total", Kind::Counter, "Events recorded, by kind.")
            .tally("kind", &self.events);
        text.metric("whytrace_events_repeated_total", Kind::Counter, "Events that had been recorded before.")
            .sample(&[], self.repeated.get());
        text.metric("whytrace_redactions_total", Kind::Counter, "Secrets taken out of what was recorded.")
            .sample(&[], self.redactions.get());
        let mut samples = text.metric(
            "whytrace_acknowledgements_total",
            Kind::Counter,
            "Answers to writes, by what they said of each store.",
        );
        for (store, tally) in STORES.iter().zip(&self.acknowledged) {
            for (state, count) in tally.counts() {
                samples.sample(&[("store", store), ("state", state)], count);
            }
        }
        text.metric(
            "whytrace_writes_unacknowledged_total",
            Kind::Counter,
            "Writes that no store took in time, and that their callers were told to repeat.",
        )
        .sample(&[], self.unacknowledged.get());
        text.metric(
            "whytrace_write_duration_seconds",
            Kind::Histogram,
            "How long writes took to be answered.",
        )
        .histogram(&[], &self.write_time);
        text.metric(
            "whytrace_flags_announced_total",
            Kind::Counter,
            "Calibration flags that fired and were announced.",
        )
        .sample(&[], self.announced_flags.get());
        text.metric(
            "whytrace_documents_waiting",
            Kind::Gauge,
            "Documents that could not be written and are tried again.",
        )
        .sample(&[], self.waiting_documents());
    }
}

fn word(state: SaveState) -> &'static str {
    match state {
        SaveState::Saved => "saved",
        SaveState::Pending => "pending",
        SaveState::Failed => "failed",
    }
}
