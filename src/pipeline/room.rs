//! How much may be on its way at once: the bound on the recorder's queue, in bytes.
//!
//! What finds no room waits outside for a moment, in the recorder's own runtime; there is room for an eighth of the
//! bound there, or for one event that is larger. Nobody who records ever waits.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::gate::request::EventRequest;

/// How long an event waits for room before it is dropped.
pub(super) const WAIT: Duration = Duration::from_millis(250);

/// The room in the queue.
#[derive(Clone, Debug)]
pub(super) struct Room {
    inside: Arc<Semaphore>,
    outside: Arc<Semaphore>,
    bytes: u32,
}

/// The share of the room that is outside.
pub(super) const OUTSIDE: u32 = 8;

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
    /// Room for so many bytes; there is always room for one event.
    pub(super) fn new(bytes: u32) -> Self {
        let bytes = bytes.clamp(1, u32::try_from(Semaphore::MAX_PERMITS).unwrap_or(u32::MAX));
        let permits = |bytes: u32| Arc::new(Semaphore::new(bytes as usize));
        Self { inside: permits(bytes), outside: permits((bytes / OUTSIDE).max(1)), bytes }
    }

    /// Finds a place at once, or says where there is one.
    pub(super) fn enter(&self, weight: u32) -> Entry {
        let weight = weight.min(self.bytes);
        if let Ok(permit) = Arc::clone(&self.inside).try_acquire_many_owned(weight) {
            return Entry::Inside(Place { _permit: permit });
        }
        let weight_outside = weight.min((self.bytes / OUTSIDE).max(1));
        match Arc::clone(&self.outside).try_acquire_many_owned(weight_outside) {
            Ok(permit) => {
                Entry::Outside(Waiting { inside: Arc::clone(&self.inside), weight, _permit: permit })
            }
            Err(_) => Entry::Full,
        }
    }
}

impl Entry {
    /// A place inside, at once or after a wait outside.
    pub(super) async fn wait(self) -> Option<Place> {
        match self {
            Self::Inside(place) => Some(place),
            Self::Outside(waiting) => waiting.enter().await,
            Self::Full => None,
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
        &event.event_id,
        &event.timestamp,
        &event.started_at,
        &event.completed_at,
        &event.project,
        &event.query,
        &event.intent,
        &event.domain,
        &event.report_type,
        &event.research_type,
        &event.agent,
        &event.parent_trace_id,
        &event.stage,
        &event.decision,
        &event.decision_id,
        &event.what,
        &event.why,
        &event.actor,
        &event.reason,
        &event.error,
        &event.model,
        &event.system_prompt,
        &event.user_message,
        &event.response,
        &event.changes,
        &event.report_path,
    ];
    let texts: usize = texts.into_iter().map(length).sum();
    let lists = [
        &event.tags,
        &event.evidence_ids,
        &event.gap_principles,
        &event.strength_principles,
        &event.output_paths,
    ];
    let lists: usize = lists.into_iter().flatten().map(|item| 24 + item.len()).sum();
    let alternatives: usize =
        event.alternatives_considered.iter().map(|a| 64 + a.option.len() + length(&a.why_not)).sum();
    let principles: usize =
        event.principle_scores.iter().map(|p| 88 + p.id.len() + length(&p.name) + length(&p.feedback)).sum();
    let sources: usize = event.by_source.keys().map(|source| 48 + source.len()).sum();
    let values = [&event.inputs, &event.result].into_iter().flatten();
    let values: usize = values.chain(&event.kept).chain(&event.filtered_out).map(size).sum();
    let maps: usize =
        event.metadata.iter().chain(&event.outputs).map(|(key, value)| 32 + key.len() + size(value)).sum();
    u32::try_from(1_024 + texts + lists + alternatives + principles + sources + values + maps)
        .unwrap_or(u32::MAX)
}

fn length(text: &Option<String>) -> usize {
    text.as_ref().map_or(0, String::len)
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn whatever_field_is_large_counts() {
        const LARGE: usize = 100_000;
        let large = "x".repeat(LARGE);
        let default = serde_json::to_value(EventRequest::default()).unwrap();
        let mut counted = 0;
        for (field, value) in default.as_object().unwrap() {
            let candidates = match value {
                Value::Null => vec![json!(large)],
                Value::Array(_) => vec![
                    json!([large]),
                    json!([{"option": large}]),
                    json!([{"option": "o", "why_not": large}]),
                    json!([{"id": large, "score": 1.0}]),
                    json!([{"id": "p", "score": 1.0, "name": large}]),
                    json!([{"id": "p", "score": 1.0, "feedback": large}]),
                ],
                Value::Object(_) => vec![json!({"k": large}), json!({large.as_str(): 1})],
                _ => continue,
            };
            for candidate in candidates {
                let event = json!({"kind": "decision", field.as_str(): candidate});
                // Numbers are not large, and each list takes one of the forms.
                let Ok(event) = serde_json::from_value::<EventRequest>(event) else { continue };
                assert!(weight(&event) as usize >= LARGE, "{field}");
                counted += 1;
            }
        }
        assert!(counted > 40, "{counted}");
    }
}
