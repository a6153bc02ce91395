//! Runs as the recorder hands them on: sealed events, one second apart unless a test says otherwise.
//!
//! [`Run`] tells one run event by event. The hash of an event's content is taken from its body, so that equal bodies
//! are duplicates and others conflicts, as they are behind the gate.

use std::sync::Arc;

use chrono::TimeDelta;
use serde_json::json;
use whytrace::gate::canonical::content_hash;
use whytrace::model::{
    DecisionEvent, DocumentMetadata, Event, EventBody, EventId, Evidence, EvidenceEvent, FinishEvent,
    PrincipleScore, Prompt, PromptEvent, Quality, QualityRules, StageEndEvent, StageStartEvent, StartEvent,
    Status, Timestamp, Trace, TraceId, Unknown, document, fold,
};
use whytrace::store::Sealed;
use whytrace::store::index::Batch;

/// When the runs of tests begin, unless they say otherwise.
pub(crate) fn noon() -> Timestamp {
    "2026-02-13T12:00:00.000001Z".parse().expect("a time")
}

/// One run under way: each method adds an event.
#[derive(Clone, Debug)]
pub(crate) struct Run {
    id: TraceId,
    now: Timestamp,
    sequence: u64,
    events: Vec<Arc<Sealed>>,
}

impl Run {
    /// A run without events, at [`noon`].
    pub(crate) fn new(id: &str) -> Self {
        Self { id: id.parse().expect("a trace id"), now: noon(), sequence: 0, events: Vec::new() }
    }

    /// A run of project `p` that has begun.
    pub(crate) fn started(id: &str) -> Self {
        Self::new(id).start(StartEvent {
            project: "p".to_owned(),
            query: "who builds cobots?".to_owned(),
            ..StartEvent::default()
        })
    }

    /// Sets the time of the next event.
    pub(crate) fn at(mut self, time: Timestamp) -> Self {
        self.now = time;
        self
    }

    pub(crate) fn event(mut self, event_id: &str, body: EventBody) -> Self {
        self.event_said_at(event_id, None, body);
        self
    }

    /// Adds an event of which the caller says when it happened.
    pub(crate) fn event_said_at(&mut self, event_id: &str, occurred_at: Option<Timestamp>, body: EventBody) {
        let said = serde_json::to_value(&body).expect("an event has a JSON form");
        let event = Event {
            trace_id: self.id.clone(),
            event_id: event_id.parse().expect("an event id"),
            origin: "origin".to_owned(),
            sequence: self.sequence,
            recorded_at: self.now,
            occurred_at,
            content_hash: content_hash(&json!([said, occurred_at])),
            redactions: 0,
            body,
        };
        self.sequence += 1;
        self.now = self.now.plus(TimeDelta::seconds(1));
        self.events.push(Arc::new(Sealed::new(event).expect("an event can be sealed")));
    }

    pub(crate) fn start(self, start: StartEvent) -> Self {
        self.event("start", EventBody::Start(start))
    }

    pub(crate) fn enter(self, event_id: &str, stage: &str) -> Self {
        self.event(event_id, EventBody::StageStart(StageStartEvent { stage: stage.to_owned() }))
    }

    pub(crate) fn leave(self, event_id: &str, stage: &str) -> Self {
        let end = StageEndEvent { stage: stage.to_owned(), started_at: None, outputs: None, error: None };
        self.event(event_id, EventBody::StageEnd(end))
    }

    pub(crate) fn decide(self, id: &str) -> Self {
        self.decide_with(id, |_| {})
    }

    pub(crate) fn decide_with(self, id: &str, change: impl FnOnce(&mut DecisionEvent)) -> Self {
        let mut decision = DecisionEvent {
            decision_id: id.parse().expect("a decision id"),
            stage: "collection".to_owned(),
            decision: "source_selection".to_owned(),
            what: "exa".to_owned(),
            why: "it covers robotics".to_owned(),
            confidence: Some(0.5.try_into().expect("a confidence")),
            alternatives_considered: Vec::new(),
            inputs: None,
            evidence_ids: Vec::new(),
            result: None,
            actor: None,
        };
        change(&mut decision);
        self.event(id, EventBody::Decision(Box::new(decision)))
    }

    pub(crate) fn collect(self, event_id: &str, stage: &str, collected: i64, passed: i64) -> Self {
        let evidence = Evidence {
            collected_count: Some(collected),
            passed_count: Some(passed),
            by_source: [("exa".to_owned(), collected)].into_iter().collect(),
            ..Evidence::default()
        };
        self.event(event_id, EventBody::Evidence(EvidenceEvent { stage: stage.to_owned(), evidence }))
    }

    pub(crate) fn prompt(self, event_id: &str, tokens: i64, cost_usd: f64) -> Self {
        let prompt = Prompt {
            input_tokens: Some(tokens),
            output_tokens: Some(tokens),
            cost_usd: Some(cost_usd),
            ..Prompt::default()
        };
        self.event(event_id, EventBody::Prompt(PromptEvent { stage: "synthesis".to_owned(), prompt }))
    }

    pub(crate) fn complete(self) -> Self {
        self.finish(FinishEvent { status: Status::Complete, ..FinishEvent::default() })
    }

    pub(crate) fn finish(self, finish: FinishEvent) -> Self {
        self.event("finish", EventBody::Finish(Box::new(finish)))
    }

    /// Closes the run as the recorder does when it last heard of it at `last_heard`.
    pub(crate) fn abandon(mut self, event_id: &str, last_heard: Timestamp) -> Self {
        let reason = "nothing was heard of it for 24 h".to_owned();
        self.event_said_at(event_id, Some(last_heard), EventBody::Abandon { reason });
        self
    }

    pub(crate) fn id(&self) -> &TraceId {
        &self.id
    }

    pub(crate) fn events(&self) -> &[Arc<Sealed>] {
        &self.events
    }

    /// The event added last.
    pub(crate) fn last(&self) -> &Arc<Sealed> {
        self.events.last().expect("a run with events")
    }

    /// The names of all its events.
    pub(crate) fn event_ids(&self) -> Vec<EventId> {
        self.events.iter().map(|event| event.event_id.clone()).collect()
    }

    /// The run as all its events tell it.
    pub(crate) fn told(&self) -> Trace {
        fold(None, self.events.iter().map(|event| event.event()), &QualityRules::default())
            .expect("a run that has begun")
    }

    /// The run's document.
    pub(crate) fn document(&self, revision: u64) -> Trace {
        written(&self.told(), revision)
    }

    /// All its events in one batch.
    pub(crate) fn batch(&self) -> Batch {
        self.batch_of(self.events.clone())
    }

    pub(crate) fn batch_of(&self, events: Vec<Arc<Sealed>>) -> Batch {
        Batch { trace_id: self.id.clone(), events, document: None }
    }

    /// The event added last, with the run's document.
    pub(crate) fn last_with(&self, document: Trace) -> Batch {
        Batch { document: Some(Box::new(document)), ..self.batch_of(vec![Arc::clone(self.last())]) }
    }
}

/// What is read back of the document that is written of `trace`.
pub(crate) fn written(trace: &Trace, revision: u64) -> Trace {
    let (_, text) = document::write(trace, "whytrace test", revision).expect("a trace has a document");
    document::read(&text, &QualityRules::default()).expect("what was written is read").trace
}

/// A run's content without what its document says about itself.
pub(crate) fn content(trace: &Trace) -> Trace {
    Trace { metadata: DocumentMetadata::default(), ..trace.clone() }
}

/// A finish with a score on the scale 0..3 and principles of these scores.
pub(crate) fn scored(score: f64, principles: &[(&str, f64)]) -> FinishEvent {
    let principle_scores = principles
        .iter()
        .map(|(id, score)| PrincipleScore {
            id: (*id).to_owned(),
            name: None,
            score: *score,
            feedback: None,
            unknown: Unknown::new(),
        })
        .collect();
    FinishEvent {
        status: Status::Complete,
        quality: Quality { score: Some(score), principle_scores, ..Quality::default() },
        ..FinishEvent::default()
    }
}

/// Documents as an import takes them: each with a path.
pub(crate) fn with_paths(traces: Vec<Trace>) -> Vec<(Trace, String)> {
    let path = |trace: &Trace| format!("{}.json", trace.trace_id);
    traces.into_iter().map(|trace| (path(&trace), trace)).map(|(path, trace)| (trace, path)).collect()
}
