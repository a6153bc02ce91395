//! What the agent decides, in its own words: from the reading of the question to the citations of the report.
//!
//! The functions give the decisions of one stage in the order in which they are made. They take their chances from
//! the stream that they are handed, and nothing else differs between two runs but what the plan says.

mod gathering;
mod writing;

pub(super) use gathering::{collection, intake};
pub(super) use writing::{analysis, synthesis};

use serde_json::Value;

use crate::gate::request::{AlternativeRequest, EventKind, EventRequest};

/// The key of the decision that the last release makes differently.
pub(super) const CITATION_RULE: &str = "citation_rule";

/// The key of the decisions that are surer of themselves than they have reason to be.
pub(super) const MARKET_SIZE: &str = "market_size_estimate";

/// How many items of evidence a run lists: those that a decision can name.
pub(super) const LISTED_EVIDENCE: i64 = 6;

/// The name of the item of evidence of this number, from 1.
pub(super) fn evidence_id(number: i64) -> String {
    format!("ev-{number:02}")
}

/// A decision under way to being reported.
fn choice(
    stage: &str,
    key: &str,
    what: impl Into<String>,
    why: impl Into<String>,
    confidence: f64,
) -> EventRequest {
    EventRequest {
        kind: EventKind::Decision,
        stage: Some(stage.to_owned()),
        decision: Some(key.to_owned()),
        what: Some(what.into()),
        why: Some(why.into()),
        confidence: Some(confidence),
        ..EventRequest::default()
    }
}

/// What more there is to say about a decision.
trait Also {
    /// An option that was not taken, what it was judged to be worth, and why it was left.
    fn not(self, option: impl Into<String>, score: f64, why_not: &str) -> Self;
    /// An option that was named and not judged.
    fn nor(self, option: &str) -> Self;
    /// The items of evidence that it rests on.
    fn resting_on(self, numbers: &[i64]) -> Self;
    /// What it was based on.
    fn given(self, inputs: Value) -> Self;
    /// What came back at once.
    fn gave(self, result: impl Into<Value>) -> Self;
}

impl Also for EventRequest {
    fn not(mut self, option: impl Into<String>, score: f64, why_not: &str) -> Self {
        let (option, why_not) = (option.into(), Some(why_not.to_owned()));
        self.alternatives_considered.push(AlternativeRequest { option, score: Some(score), why_not });
        self
    }

    fn nor(mut self, option: &str) -> Self {
        self.alternatives_considered.push(AlternativeRequest::from(option));
        self
    }

    fn resting_on(mut self, numbers: &[i64]) -> Self {
        self.evidence_ids.extend(numbers.iter().copied().map(evidence_id));
        self
    }

    fn given(self, inputs: Value) -> Self {
        Self { inputs: Some(inputs), ..self }
    }

    fn gave(self, result: impl Into<Value>) -> Self {
        Self { result: Some(result.into()), ..self }
    }
}
