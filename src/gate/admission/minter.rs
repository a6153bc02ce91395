//! Names, numbers and times for what has passed the gate.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::Value;

use super::Draft;
use crate::gate::canonical::content_hash;
use crate::model::{Clock, DecisionId, Event, EventBody, EventId, Timestamp, TraceId};

/// Gives each event of one process its name, its number and its time.
pub struct Minter {
    origin: String,
    clock: Arc<dyn Clock>,
    entropy: Box<dyn Fn() -> u32 + Send + Sync>,
    accepted: AtomicU64,
}

impl fmt::Debug for Minter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Minter").field("origin", &self.origin).finish_non_exhaustive()
    }
}

impl Minter {
    /// A minter for the process called `origin`, a name that no other process of the installation has.
    /// `entropy` gives 32 random bits at each call; trace ids are made of them.
    #[must_use]
    pub fn new(
        origin: impl Into<String>,
        clock: Arc<dyn Clock>,
        entropy: impl Fn() -> u32 + Send + Sync + 'static,
    ) -> Self {
        Self { origin: origin.into(), clock, entropy: Box::new(entropy), accepted: AtomicU64::new(0) }
    }

    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(super) fn trace_id(&self) -> TraceId {
        TraceId::generate(self.clock.now(), (self.entropy)())
    }

    pub(super) fn event(&self, trace_id: &TraceId, draft: Draft) -> Event {
        let Draft { event_id, occurred_at, redactions, mut body } = draft;
        let sequence = self.accepted.fetch_add(1, Ordering::Relaxed);
        let content_hash = content_hash(&content(&body, occurred_at));
        let event_id = match (&mut body, event_id) {
            (EventBody::Decision(decision), None) => {
                decision.decision_id = DecisionId::generate(&self.origin, sequence);
                decision.decision_id.clone().into()
            }
            (_, given) => given.unwrap_or_else(|| EventId::generate(&self.origin, sequence)),
        };
        Event {
            trace_id: trace_id.clone(),
            event_id,
            origin: self.origin.clone(),
            sequence,
            recorded_at: self.clock.now(),
            occurred_at,
            content_hash,
            redactions,
            body,
        }
    }
}

/// What the caller said, apart from the event's own name: a repeated request brings that, and a made one differs
/// each time.
fn content(body: &EventBody, occurred_at: Option<Timestamp>) -> Value {
    // A body always serialises: its numbers are finite and its keys are strings. The other form would still
    // tell different contents apart.
    let mut content = serde_json::to_value(body).unwrap_or_else(|_| Value::String(format!("{body:?}")));
    if let Some(fields) = content.as_object_mut() {
        if matches!(body, EventBody::Decision(_)) {
            fields.remove("decision_id");
        }
        if let Some(at) = occurred_at {
            fields.insert("occurred_at".to_owned(), Value::String(at.to_string()));
        }
    }
    content
}
