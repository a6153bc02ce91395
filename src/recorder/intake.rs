//! The gate and the recorder as one: requests in, acknowledgements out, and the switch that turns recording off.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use super::{Ack, Finished, Recorder};
use crate::calibration::{Flag, FlagAction};
use crate::error::{Error, Result};
use crate::gate::request::{
    DecisionRequest, EventRequest, FinishRequest, RecordRequest, ReviewRequest, StartRequest,
};
use crate::gate::{CallerContext, FlagChange, FlagOrder, Gate};
use crate::model::{DecisionId, Event, EventBody, EventId, TraceId};
use crate::store::index::Scope;

/// Takes requests. One for a whole process.
#[derive(Debug)]
pub struct Intake {
    gate: Gate,
    recorder: Recorder,
    switch: Switch,
    /// Runs that were begun while recording was off for them, by caller-given ids.
    passed_over: Mutex<HashSet<TraceId>>,
}

/// Whether runs are recorded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Switch {
    /// Off for all.
    pub all_off: bool,
    /// Off for these projects.
    pub projects_off: Vec<String>,
}

/// The answer to a batch.
#[derive(Clone, Debug)]
pub struct Recorded {
    /// As for every write; one standing for each event.
    pub ack: Ack,
    /// The names of the events, in order.
    pub event_ids: Vec<EventId>,
    /// What the finish gave, when the batch ended with one.
    pub finished: Option<Box<Finished>>,
}

/// The answer to a decision.
#[derive(Clone, Debug)]
pub struct DecisionRecorded {
    /// As for every write.
    pub ack: Ack,
    /// The decision's name.
    pub decision_id: DecisionId,
}

/// The answer to a review.
#[derive(Clone, Debug)]
pub struct ReviewDone {
    /// Of what was recorded of the run, if anything was.
    pub ack: Option<Ack>,
    /// The flag as it is now, if one was named.
    pub flag: Option<Flag>,
}

/// How ids begin of runs that are not recorded: whatever process continues them knows.
const OFF_PREFIX: &str = "off_";

/// How many caller-given ids of runs that are not recorded are remembered.
const PASSED_OVER: usize = 10_000;

impl Switch {
    /// Whether runs of the project are recorded.
    #[must_use]
    pub fn records(&self, project: &str) -> bool {
        !self.all_off && !self.projects_off.iter().any(|off| off == project)
    }
}

impl Intake {
    /// Takes requests through this gate to this recorder.
    #[must_use]
    pub fn new(gate: Gate, recorder: Recorder, switch: Switch) -> Self {
        Self { gate, recorder, switch, passed_over: Mutex::default() }
    }

    /// The recorder behind it.
    #[must_use]
    pub fn recorder(&self) -> &Recorder {
        &self.recorder
    }

    /// Opens a run. Asking again with the same id and the same content is harmless.
    ///
    /// # Errors
    /// [`Error::Refused`], [`Error::Conflict`] when the id is taken by another run, and those of
    /// [`Recorder::submit`].
    pub async fn start(&self, request: StartRequest, caller: &CallerContext) -> Result<Ack> {
        let is_drawn = request.trace_id.is_none();
        for _ in 0..3 {
            let event = self.gate.start(request.clone(), caller)?;
            if let Some(off) = self.off_at_start(&event) {
                return Ok(off);
            }
            match self.single(event).await {
                // Two runs drew the same id in the same second: draw again.
                Err(Error::Conflict { .. }) if is_drawn => {}
                other => return other,
            }
        }
        Err(Error::Unavailable { what: "a free trace id", reason: "three drawn ones were taken".to_owned() })
    }

    /// Records a decision.
    ///
    /// # Errors
    /// As [`Intake::start`]; [`Error::UnknownTrace`] when there is no such run.
    pub async fn decision(&self, request: DecisionRequest) -> Result<DecisionRecorded> {
        let event = self.gate.decision(request)?;
        let decision_id = match &event.body {
            EventBody::Decision(decision) => decision.decision_id.clone(),
            _ => event
                .event_id
                .as_str()
                .parse()
                .map_err(|_| Error::UnknownTrace { id: event.trace_id.to_string() })?,
        };
        let ack = self.single(event).await?;
        Ok(DecisionRecorded { ack, decision_id })
    }

    /// Records a batch of events of one run, in order.
    ///
    /// # Errors
    /// As [`Intake::decision`]. An event whose name is taken by other content is not an error of the whole: its
    /// standing says so.
    pub async fn record(&self, request: RecordRequest, caller: &CallerContext) -> Result<Recorded> {
        let (trace_id, events) = self.gate.record(request, caller)?;
        let event_ids: Vec<EventId> = events.iter().map(|event| event.event_id.clone()).collect();
        let starts = events.iter().find(|event| matches!(event.body, EventBody::Start(_)));
        let off = starts.and_then(|start| self.off_at_start(start)).or_else(|| self.off(&trace_id));
        if let Some(ack) = off {
            return Ok(Recorded { ack, event_ids, finished: None });
        }
        if events.iter().any(|event| matches!(event.body, EventBody::Finish(_))) {
            let finished = self.recorder.finish(trace_id, events).await?;
            return Ok(Recorded { ack: finished.ack.clone(), event_ids, finished: Some(Box::new(finished)) });
        }
        let ack = self.recorder.submit(trace_id, events).await?;
        Ok(Recorded { ack, event_ids, finished: None })
    }

    /// Lets one event through the gate, without recording it: for whoever records in a way of its own.
    ///
    /// # Errors
    /// [`Error::Refused`].
    pub fn admit(&self, trace_id: &TraceId, request: EventRequest, caller: &CallerContext) -> Result<Event> {
        Ok(self.gate.event(trace_id, request, caller)?)
    }

    /// Ends a run.
    ///
    /// # Errors
    /// As [`Intake::decision`]; [`Error::Conflict`] when it was ended before with other content.
    pub async fn finish(&self, request: FinishRequest) -> Result<Finished> {
        let event = self.gate.finish(request)?;
        let trace_id = event.trace_id.clone();
        if let Some(ack) = self.off(&trace_id) {
            return Ok(Finished { ack, trace: None, flags: None, document: None, summary: None });
        }
        self.recorder.finish(trace_id, vec![event]).await
    }

    /// Notes a second look at a run, a decision or a flag.
    ///
    /// # Errors
    /// As [`Intake::decision`]; [`Error::Refused`] when there is no such flag in scope.
    pub async fn review(&self, request: ReviewRequest, scope: &Scope) -> Result<ReviewDone> {
        let reviewed = self.gate.review(request)?;
        let ack = match reviewed.trace_id {
            Some(trace_id) if !reviewed.events.is_empty() => match self.off(&trace_id) {
                Some(off) => Some(off),
                None => Some(self.recorder.submit(trace_id, reviewed.events).await?),
            },
            _ => None,
        };
        let flag = match reviewed.flag {
            Some(order) => Some(self.review_flag(order, scope).await?),
            None => None,
        };
        Ok(ReviewDone { ack, flag })
    }

    async fn review_flag(&self, order: FlagOrder, scope: &Scope) -> Result<Flag> {
        let action = match order.change {
            FlagChange::Acknowledge => FlagAction::Acknowledge,
            FlagChange::Snooze(until) => FlagAction::Snooze { until },
            FlagChange::Resolve => FlagAction::Resolve,
            FlagChange::Reopen => FlagAction::Reopen,
        };
        let now = self.recorder.clock().now();
        let found = self.recorder.stores().index.review_flag(&order.flag_id, action, now, scope).await?;
        let flag = found.ok_or_else(|| {
            crate::gate::Refusal::new(
                "flag_id",
                format!("{} names no flag among", crate::gate::refusal::quoted(&order.flag_id)),
                "the flags that calibration_flags lists",
                "call calibration_flags and send one of its ids",
            )
        })?;
        self.recorder.write_flag_files(&flag.project).await;
        Ok(flag)
    }

    async fn single(&self, event: Event) -> Result<Ack> {
        let (trace_id, event_id) = (event.trace_id.clone(), event.event_id.clone());
        if let Some(off) = self.off(&trace_id) {
            return Ok(off);
        }
        let ack = self.recorder.submit(trace_id.clone(), vec![event]).await?;
        if ack.standings.contains(&crate::store::index::Standing::Conflict) {
            return Err(Error::Conflict { trace_id, event_id });
        }
        Ok(ack)
    }

    /// The answer to a start that is not recorded. An id made here says so itself; one that the caller brought is
    /// remembered.
    fn off_at_start(&self, event: &Event) -> Option<Ack> {
        let EventBody::Start(start) = &event.body else { return None };
        if self.switch.records(&start.project) {
            return None;
        }
        let id = event.trace_id.as_str();
        let trace_id = match id.strip_prefix("trc_") {
            Some(rest) => format!("{OFF_PREFIX}{rest}").parse().unwrap_or_else(|_| event.trace_id.clone()),
            None => event.trace_id.clone(),
        };
        let mut passed_over = self.passed_over.lock().unwrap_or_else(PoisonError::into_inner);
        if passed_over.len() < PASSED_OVER {
            passed_over.insert(event.trace_id.clone());
        }
        Some(Ack::off(trace_id))
    }

    fn off(&self, trace_id: &TraceId) -> Option<Ack> {
        let passed_over =
            || self.passed_over.lock().unwrap_or_else(PoisonError::into_inner).contains(trace_id);
        (self.switch.all_off || trace_id.as_str().starts_with(OFF_PREFIX) || passed_over())
            .then(|| Ack::off(trace_id.clone()))
    }
}
