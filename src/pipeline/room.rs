//! How much may be on its way at once: the bound on the recorder's queue, in bytes.
//!
//! What finds no room waits outside for a moment, in the recorder's own runtime, and as much again may wait there at
//! most an eighth of the bound. Nobody who records ever waits.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::gate::request::EventRequest;

/// How long an event waits for room before it is dropped.
const WAIT: Duration = Duration::from_millis(250);

/// The room in the queue.
#[derive(Clone, Debug)]
pub(super) struct Room {
    inside: Arc<Semaphore>,
    outside: Arc<Semaphore>,
    largest: u32,
}

/// A place in the queue, given back when it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    _permit: OwnedSemaphorePermit,
}

/// A place in front of the queue.
#[derive(Debug)]
pub(super) struct Waiting {
    inside: Arc<Semaphore>,
    weight: u32,
    _permit: OwnedSemaphorePermit,
}

/// What an event finds.
#[derive(Debug)]
pub(super) enum Entry {
    Inside(Place),
    Outside(Waiting),
    Full,
}

impl Room {
    /// Room for so many bytes.
    pub(super) fn new(bytes: u32) -> Self {
        let permits = |bytes: u32| Arc::new(Semaphore::new(bytes as usize));
        Self { inside: permits(bytes), outside: permits(bytes / 8), largest: bytes }
    }

    /// Finds a place at once, or says where there is one.
    pub(super) fn enter(&self, weight: u32) -> Entry {
        let weight = weight.min(self.largest);
        if let Ok(permit) = Arc::clone(&self.inside).try_acquire_many_owned(weight) {
            return Entry::Inside(Place { _permit: permit });
        }
        match Arc::clone(&self.outside).try_acquire_many_owned(weight) {
            Ok(permit) => {
                Entry::Outside(Waiting { inside: Arc::clone(&self.inside), weight, _permit: permit })
            }
            Err(_) => Entry::Full,
        }
    }
}

impl Waiting {
    /// Waits for a place inside, not for long.
    pub(super) async fn enter(self) -> Option<Place> {
        let entered = tokio::time::timeout(WAIT, self.inside.acquire_many_owned(self.weight)).await;
        entered.ok()?.ok().map(|permit| Place { _permit: permit })
    }
}

/// Bytes that an event takes up while it is on its way, roughly: its texts, and something for the rest.
pub(super) fn weight(event: &EventRequest) -> u32 {
    let texts = [
        &event.query,
        &event.what,
        &event.why,
        &event.error,
        &event.system_prompt,
        &event.user_message,
        &event.response,
        &event.changes,
        &event.reason,
    ];
    let texts: usize = texts.into_iter().flatten().map(String::len).sum();
    let alternatives: usize =
        event.alternatives_considered.iter().map(|a| 64 + a.option.len() + length(a.why_not.as_ref())).sum();
    let ids: usize = event.evidence_ids.iter().chain(&event.output_paths).map(|id| 24 + id.len()).sum();
    let values = [&event.inputs, &event.result].into_iter().flatten();
    let values: usize = values.chain(&event.kept).chain(&event.filtered_out).map(size).sum();
    let maps: usize = event.metadata.values().chain(event.outputs.values()).map(size).sum();
    u32::try_from(1_024 + texts + alternatives + ids + values + maps).unwrap_or(u32::MAX)
}

fn length(text: Option<&String>) -> usize {
    text.map_or(0, String::len)
}

fn size(value: &Value) -> usize {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => 32,
        Value::String(text) => 32 + text.len(),
        Value::Array(items) => 32 + items.iter().map(size).sum::<usize>(),
        Value::Object(fields) => {
            32 + fields.iter().map(|(key, value)| 32 + key.len() + size(value)).sum::<usize>()
        }
    }
}
