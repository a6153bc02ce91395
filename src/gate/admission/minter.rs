//! Names, numbers and times for what has passed the gate.
//!
//! A name that is made for an event holds the event's number, so that no two are alike. Where several teams share a
//! server the number is [disguised](Minter::disguised): the numbers of one's own events would tell how much all others
//! have recorded meanwhile.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::Draft;
use crate::gate::canonical::content_hash;
use crate::model::{Clock, DecisionId, Event, EventBody, EventId, Timestamp, TraceId};

/// Gives each event of one process its name, its number and its time.
pub struct Minter {
    origin: String,
    clock: Arc<dyn Clock>,
    entropy: Box<dyn Fn() -> u32 + Send + Sync>,
    accepted: AtomicU64,
    disguise: Option<[u8; 16]>,
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
        Self {
            origin: origin.into(),
            clock,
            entropy: Box::new(entropy),
            accepted: AtomicU64::new(0),
            disguise: None,
        }
    }

    /// The same with names from which the number of events cannot be told by who does not have the key.
    #[must_use]
    pub fn disguised(self, key: [u8; 16]) -> Self {
        Self { disguise: Some(key), ..self }
    }

    /// What stands in the name of the event of this number, and of no other one.
    fn mark(&self, sequence: u64) -> String {
        match &self.disguise {
            Some(key) => format!("{:08x}", permuted(key, sequence)),
            None => sequence.to_string(),
        }
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
                decision.decision_id = DecisionId::generate(&self.origin, &self.mark(sequence));
                decision.decision_id.clone().into()
            }
            (_, given) => given.unwrap_or_else(|| EventId::generate(&self.origin, &self.mark(sequence))),
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

/// The number in another order of all 32-bit numbers, which the key chooses; what is above 32 bits stays as it is. Four
/// rounds of a Feistel network (Luby and Rackoff, 1988), so that no two numbers become one.
fn permuted(key: &[u8; 16], number: u64) -> u64 {
    let high = number & !0xffff_ffff;
    let (mut left, mut right) = ((number >> 16) & 0xffff, number & 0xffff);
    for round in 0..4_u64 {
        let digest = Sha256::new()
            .chain_update(key)
            .chain_update(round.to_be_bytes())
            .chain_update(right.to_be_bytes());
        let mixed = digest.finalize().iter().take(2).fold(0, |mixed, byte| (mixed << 8) | u64::from(*byte));
        (left, right) = (right, left ^ mixed);
    }
    high | (left << 16) | right
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

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn disguised_numbers_are_all_different_and_tell_nothing_of_their_order() {
        let numbers: Vec<u64> = (0..10_000).map(|number| permuted(&[7; 16], number)).collect();
        assert_eq!(numbers.iter().collect::<HashSet<_>>().len(), numbers.len());
        let rising = numbers.windows(2).filter(|pair| pair[0] < pair[1]).count();
        assert!((4_500..5_500).contains(&rising), "{rising} of 9,999 rise");
        assert!(numbers.iter().all(|number| *number <= u64::from(u32::MAX)));
        assert_ne!(permuted(&[7; 16], 1), permuted(&[8; 16], 1));
        assert_eq!(permuted(&[7; 16], (1 << 32) + 5) - (1 << 32), permuted(&[7; 16], 5));
    }
}
