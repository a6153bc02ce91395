//! What a pipeline says when it decides.

use serde_json::Value;

use crate::gate::request::{AlternativeRequest, EventKind, EventRequest};
use crate::model::Timestamp;

/// One decision: what was chosen, why, how surely, and what else was on the table.
///
/// ```
/// use whytrace::pipeline::Choice;
///
/// let choice = Choice::new("collection", "source_selection", "exa", "recent and broad")
///     .confidence(0.9)
///     .over("google (0.60)")
///     .because_not("linkedin", "behind a login")
///     .input("languages", ["en", "de"])
///     .evidence(["doc-17"]);
/// ```
#[derive(Clone, Debug)]
#[must_use = "a choice is recorded by TraceContext::record"]
pub struct Choice {
    pub(super) request: EventRequest,
}

impl Choice {
    /// A choice made in a stage. `key` is short and the same in every run, so that runs can be compared; `what` was
    /// chosen, and `why` over the alternatives.
    pub fn new(
        stage: impl Into<String>,
        key: impl Into<String>,
        what: impl Into<String>,
        why: impl Into<String>,
    ) -> Self {
        let request = EventRequest {
            kind: EventKind::Decision,
            stage: Some(stage.into()),
            decision: Some(key.into()),
            what: Some(what.into()),
            why: Some(why.into()),
            ..EventRequest::default()
        };
        Self { request }
    }

    /// How sure the decider was, from 0 to 1. One outside that range is refused, and the receipt says so.
    pub fn confidence(mut self, confidence: f64) -> Self {
        self.request.confidence = Some(confidence);
        self
    }

    /// An option that was not taken; `google (0.60)` is read as an option with its score.
    pub fn over(mut self, option: impl AsRef<str>) -> Self {
        self.request.alternatives_considered.push(option.as_ref().into());
        self
    }

    /// An option that was not taken, and why not.
    pub fn because_not(mut self, option: impl Into<String>, why_not: impl Into<String>) -> Self {
        self.request.alternatives_considered.push(AlternativeRequest {
            option: option.into(),
            score: None,
            why_not: Some(why_not.into()),
        });
        self
    }

    /// One thing more that it was based on.
    pub fn input(mut self, key: impl Into<String>, value: impl Into<Value>) -> Self {
        let inputs = self.request.inputs.get_or_insert_with(|| Value::Object(serde_json::Map::new()));
        if let Some(inputs) = inputs.as_object_mut() {
            inputs.insert(key.into(), value.into());
        }
        self
    }

    /// Ids of evidence that it rests on.
    pub fn evidence<I: Into<String>>(mut self, ids: impl IntoIterator<Item = I>) -> Self {
        self.request.evidence_ids.extend(ids.into_iter().map(Into::into));
        self
    }

    /// What came back at once. What comes back later is for
    /// [`TraceContext::record_result`](super::TraceContext::record_result).
    pub fn result(mut self, result: impl Into<Value>) -> Self {
        self.request.result = Some(result.into());
        self
    }

    /// Who decided.
    pub fn actor(mut self, actor: impl Into<String>) -> Self {
        self.request.actor = Some(actor.into());
        self
    }

    /// Your own id for it, unique in the run; the receipt has one in any case. Recording it again is harmless when its
    /// content is the same, and that includes when it was made: say so with [`at`](Self::at).
    pub fn id(mut self, decision_id: impl Into<String>) -> Self {
        self.request.decision_id = Some(decision_id.into());
        self
    }

    /// When it was made; now where this is not said.
    pub fn at(mut self, moment: Timestamp) -> Self {
        self.request.timestamp = Some(moment.to_string());
        self
    }
}
