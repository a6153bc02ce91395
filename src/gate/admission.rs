//! The gate proper: requests in, events out, or a refusal.
//!
//! Every event passes the same three steps. A *draft* is checked field by field and has its secrets taken out
//! ([`fields`], [`run`], [`stages`], [`decisions`]); its content is hashed, without anything that the server
//! makes up; then the [`Minter`] gives it a name, a number and a time. A batch is drafted whole before the first
//! of its events is minted, so that a refused one leaves nothing behind.
//!
//! Nothing here does IO: the clock and the entropy come in with the minter. What needs the stores (whether a
//! trace exists, how large it has grown, whether a name is taken) is decided behind the gate.

mod batch;
mod decisions;
mod fields;
mod minter;
mod review;
mod run;
mod stages;

use super::redact::Redactor;
use super::refusal::Refusal;
use super::request::{
    DecisionRequest, EventRequest, FinishRequest, RecordRequest, ReviewRequest, StartRequest,
};
use crate::model::{Event, EventBody, EventId, Timestamp, TraceId};
use fields::Fields;
pub use minter::Minter;
pub use review::{FlagChange, FlagOrder, Reviewed};

/// Checks, normalises and redacts what callers hand in. One gate serves a whole process.
#[derive(Debug)]
pub struct Gate {
    redactor: Option<Redactor>,
    minter: Minter,
    settings: Settings,
}

/// What an installation lets in, and how.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// What is kept of the texts of prompts.
    pub prompts: Prompts,
    /// The scale's end where a request does not say: 3 by default.
    pub scale_max: f64,
}

impl Default for Settings {
    fn default() -> Self {
        Self { prompts: Prompts::default(), scale_max: 3.0 }
    }
}

/// What is kept of a prompt's system text, user text and response.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Prompts {
    /// The texts, secrets taken out.
    #[default]
    Full,
    /// Their lengths in characters.
    Lengths,
    /// Nothing.
    Off,
}

/// What is known of a caller without asking.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CallerContext {
    /// What the client calls itself; stands in for an agent that was not named.
    pub client_name: Option<String>,
    /// The client's version.
    pub client_version: Option<String>,
    /// The `traceparent` of the distributed trace that the request belongs to.
    pub traceparent: Option<String>,
    /// The `tracestate` beside it.
    pub tracestate: Option<String>,
}

impl Gate {
    /// A gate that takes secrets out with `redactor`; without one it lets them through, for installations that
    /// have switched redaction off.
    #[must_use]
    pub fn new(redactor: Option<Redactor>, minter: Minter, settings: Settings) -> Self {
        Self { redactor, minter, settings }
    }

    /// Opens a run under the caller's id, or one made here. A made id that proves taken is drawn again by
    /// asking again.
    ///
    /// # Errors
    /// Refuses a field that is not as it must be.
    pub fn start(&self, request: StartRequest, caller: &CallerContext) -> Result<Event, Refusal> {
        let trace_id = self.own_trace_id(request.trace_id.as_deref())?;
        let draft = run::start(self.fields(), request)?;
        Ok(self.open(&trace_id, draft, caller))
    }

    /// Records a decision; the event is called as the decision is.
    ///
    /// # Errors
    /// Refuses a field that is not as it must be.
    pub fn decision(&self, request: DecisionRequest) -> Result<Event, Refusal> {
        let trace_id = self.fields().id("trace_id", &request.trace_id)?;
        let draft = decisions::decision(self.fields(), request)?;
        Ok(self.minter.event(&trace_id, draft))
    }

    /// Records a batch, all or nothing: the run that it belongs to, and its events in order.
    ///
    /// # Errors
    /// Refuses the whole batch for the first field that is not as it must be; the path names the event.
    pub fn record(
        &self,
        request: RecordRequest,
        caller: &CallerContext,
    ) -> Result<(TraceId, Vec<Event>), Refusal> {
        batch::check(&request)?;
        let trace_id = self.own_trace_id(request.trace_id.as_deref())?;
        let drafts = batch::drafts(request.events, || self.fields(), &self.settings)?;
        let events = drafts
            .into_iter()
            .map(|draft| match &draft.body {
                EventBody::Start(_) => self.open(&trace_id, draft, caller),
                _ => self.minter.event(&trace_id, draft),
            })
            .collect();
        Ok((trace_id, events))
    }

    /// Takes one event of any kind for a run that is named beside it.
    ///
    /// # Errors
    /// Refuses a field that is not as it must be, or that belongs to another kind.
    pub fn event(
        &self,
        trace_id: &TraceId,
        request: EventRequest,
        caller: &CallerContext,
    ) -> Result<Event, Refusal> {
        let draft = batch::single(self.fields(), request, &self.settings)?;
        Ok(match &draft.body {
            EventBody::Start(_) => self.open(trace_id, draft, caller),
            _ => self.minter.event(trace_id, draft),
        })
    }

    /// Ends a run.
    ///
    /// # Errors
    /// Refuses a field that is not as it must be.
    #[expect(clippy::needless_pass_by_value, reason = "handed in for good, as every request")]
    pub fn finish(&self, request: FinishRequest) -> Result<Event, Refusal> {
        let trace_id = self.fields().id("trace_id", &request.trace_id)?;
        let draft = run::finish(self.fields(), &request, &self.settings)?;
        Ok(self.minter.event(&trace_id, draft))
    }

    /// Takes in a second look at a run, a decision or a flag.
    ///
    /// # Errors
    /// Refuses a field that is not as it must be, and a request that says nothing.
    #[expect(clippy::needless_pass_by_value, reason = "handed in for good, as every request")]
    pub fn review(&self, request: ReviewRequest) -> Result<Reviewed, Refusal> {
        review::check(&request)?;
        let trace_id = self.fields().optional_id("trace_id", request.trace_id.as_deref())?;
        let flag = review::flag(&self.fields(), &request, || self.minter.now())?;
        let drafts = review::drafts(|| self.fields(), &request)?;
        let events = match &trace_id {
            Some(trace_id) => drafts.into_iter().map(|draft| self.minter.event(trace_id, draft)).collect(),
            None => Vec::new(),
        };
        Ok(Reviewed { trace_id, events, flag })
    }

    /// An event of the server's own: flags that a finish fired, a run that was abandoned.
    #[must_use]
    pub fn note(&self, trace_id: &TraceId, body: EventBody, occurred_at: Option<Timestamp>) -> Event {
        self.minter.event(trace_id, Draft { event_id: None, occurred_at, redactions: 0, body })
    }

    fn fields(&self) -> Fields<'_> {
        Fields::new(self.redactor.as_ref())
    }

    fn own_trace_id(&self, given: Option<&str>) -> Result<TraceId, Refusal> {
        let given = self.fields().optional_id("trace_id", given)?;
        Ok(given.unwrap_or_else(|| self.minter.trace_id()))
    }

    /// Mints a start, then fills in what the caller left to the server: that is no part of its content.
    fn open(&self, trace_id: &TraceId, draft: Draft, caller: &CallerContext) -> Event {
        let mut event = self.minter.event(trace_id, draft);
        if let EventBody::Start(start) = &mut event.body {
            event.redactions += run::fill_in(self.fields(), start, caller);
        }
        event
    }
}

/// An event that has passed every check and waits for its name, number and time.
#[derive(Debug)]
struct Draft {
    /// The name that the caller or the kind gives it.
    event_id: Option<EventId>,
    occurred_at: Option<Timestamp>,
    redactions: u32,
    body: EventBody,
}

#[cfg(test)]
mod tests;
