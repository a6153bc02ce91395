//! The handle of a run in a pipeline.

use std::fmt::Display;
use std::future::Future;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::{Map, Value};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinError;

use super::choice::Choice;
use super::conclusion::Conclusion;
use super::error_text::error_text;
use super::finish::Finish;
use super::receipt::{Acknowledgement, Dropped, Receipt};
use super::room::{self, Entry};
use super::run::{Ending, Item, Recording, Run};
use super::start::Start;
use super::tracer::Tracer;
use crate::gate::request::{EventKind, EventRequest, FinishStatus};
use crate::model::{Evidence, Iteration, Prompt, TraceId};

/// How long [`TraceContext::finish`] waits for the acknowledgement.
const FINISH_WAIT: Duration = Duration::from_secs(2);

/// One run, as a pipeline records it. Cheap to clone; all clones are one.
///
/// No method fails, panics or waits for a store, save [`finish`](Self::finish), which waits for a bounded time. A
/// disabled trace does nothing at all, so that a pipeline is written once, whether it is traced or not.
///
/// ```
/// use whytrace::pipeline::{Choice, Finish, Start, Tracer};
///
/// # let home = tempfile::tempdir().unwrap();
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// # let tracer = Tracer::at(home.path());
/// let trace = tracer.begin(Start::new("cobot", "who builds cobots?").intent("validating"));
/// trace.start_stage("collection");
/// let receipt = trace.record(Choice::new("collection", "source_selection", "exa", "recent and broad").confidence(0.9));
/// trace.record_result(receipt.id(), "28 documents");
/// trace.end_stage("collection");
/// trace.mark_complete(Finish::default().score(2.4));
/// let conclusion = trace.finish().await;
/// println!("{}", conclusion.scorecard().unwrap());
/// # assert!(conclusion.document.is_some(), "{conclusion:?}");
/// # tracer.close().await;
/// # });
/// ```
#[derive(Clone, Debug, Default)]
pub struct TraceContext {
    inner: Option<Inner>,
}

#[derive(Clone, Debug)]
struct Inner {
    run: Arc<Run>,
    items: mpsc::UnboundedSender<Item>,
    end: Arc<Mutex<End>>,
}

/// What was said about the end so far.
#[derive(Debug, Default)]
struct End {
    status: Option<(FinishStatus, Option<String>)>,
    finish: Finish,
}

impl TraceContext {
    /// Begins a run with the process's [tracer](Tracer::global).
    #[must_use]
    pub fn start(start: Start) -> Self {
        Tracer::global().begin(start)
    }

    /// A trace that records nothing and costs nothing.
    #[must_use]
    pub fn disabled() -> Self {
        Self::default()
    }

    /// Whether anything is recorded.
    #[must_use]
    pub fn is_enabled(&self) -> bool {
        self.inner.is_some()
    }

    /// The run's id, by which others find it; `None` when nothing is recorded.
    ///
    /// An id that was drawn here and proves to be taken by another run, which is less likely than one in a billion,
    /// is drawn again; [`Conclusion::trace_id`] is right in any case.
    #[must_use]
    pub fn id(&self) -> Option<TraceId> {
        self.inner.as_ref().map(|inner| inner.run.id())
    }

    /// Records a decision.
    pub fn record(&self, choice: Choice) -> Receipt {
        self.record_event(choice.request)
    }

    /// Records what a decision led to. `decision_id` is that of the decision's [receipt](Receipt::id).
    pub fn record_result(&self, decision_id: impl Into<String>, result: impl Into<Value>) -> Receipt {
        self.record_event(EventRequest {
            kind: EventKind::Result,
            decision_id: Some(decision_id.into()),
            result: Some(result.into()),
            ..EventRequest::default()
        })
    }

    /// Records that a decision led to an error.
    pub fn record_error(&self, decision_id: impl Into<String>, error: &(impl Display + ?Sized)) -> Receipt {
        self.record_event(EventRequest {
            kind: EventKind::Result,
            decision_id: Some(decision_id.into()),
            error: Some(error_text(error)),
            ..EventRequest::default()
        })
    }

    /// Records what a stage collected, kept and filtered out; several reports of one stage add up.
    pub fn record_evidence(&self, stage: impl Into<String>, evidence: Evidence) -> Receipt {
        self.record_event(EventRequest {
            kind: EventKind::Evidence,
            stage: Some(stage.into()),
            collected_count: evidence.collected_count,
            passed_count: evidence.passed_count,
            filtered_count: evidence.filtered_count,
            by_source: evidence.by_source,
            kept: evidence.kept,
            filtered_out: evidence.filtered_out,
            ..EventRequest::default()
        })
    }

    /// Records what a model was asked and answered.
    pub fn record_prompt(&self, stage: impl Into<String>, prompt: Prompt) -> Receipt {
        self.record_event(EventRequest {
            kind: EventKind::Prompt,
            stage: Some(stage.into()),
            timestamp: prompt.timestamp.map(|at| at.to_string()),
            model: prompt.model,
            system_prompt: prompt.system_prompt,
            user_message: prompt.user_message,
            response: prompt.response,
            input_tokens: prompt.input_tokens,
            output_tokens: prompt.output_tokens,
            cost_usd: prompt.cost_usd,
            ..EventRequest::default()
        })
    }

    /// Records one turn of a retry loop, as the quality gate saw it.
    pub fn record_iteration(&self, iteration: Iteration) -> Receipt {
        self.record_event(EventRequest {
            kind: EventKind::Iteration,
            timestamp: iteration.timestamp.map(|at| at.to_string()),
            passed: iteration.passed,
            score: iteration.score,
            gap_principles: iteration.gap_principles,
            input_tokens: iteration.input_tokens,
            output_tokens: iteration.output_tokens,
            cost_usd: iteration.cost_usd,
            changes: iteration.changes,
            ..EventRequest::default()
        })
    }

    /// Records an event as `trace_record` takes it, of any kind but the run's beginning and end: those are said by
    /// [`start`](Self::start) and [`finish`](Self::finish), and are refused here.
    pub fn record_event(&self, mut request: EventRequest) -> Receipt {
        let Some(inner) = &self.inner else { return Receipt::off() };
        let id = inner.complete(&mut request);
        let (tell, answer) = oneshot::channel();
        inner.send(request, tell);
        Receipt::awaited(id, answer)
    }

    /// Enters a stage. It may be entered more than once.
    pub fn start_stage(&self, name: impl Into<String>) -> Receipt {
        self.record_event(EventRequest {
            kind: EventKind::StageStart,
            stage: Some(name.into()),
            ..EventRequest::default()
        })
    }

    /// Leaves a stage.
    pub fn end_stage(&self, name: impl Into<String>) -> Receipt {
        self.end_stage_with(name, Map::new())
    }

    /// Leaves a stage, with what it produced.
    pub fn end_stage_with(&self, name: impl Into<String>, outputs: Map<String, Value>) -> Receipt {
        self.record_event(EventRequest {
            kind: EventKind::StageEnd,
            stage: Some(name.into()),
            outputs,
            ..EventRequest::default()
        })
    }

    /// Leaves a stage that broke.
    pub fn fail_stage(&self, name: impl Into<String>, error: &(impl Display + ?Sized)) -> Receipt {
        self.record_event(EventRequest {
            kind: EventKind::StageEnd,
            stage: Some(name.into()),
            error: Some(error_text(error)),
            ..EventRequest::default()
        })
    }

    /// Runs a future as a stage: enters it before and leaves it after, also when the future is dropped.
    pub async fn stage<F: Future>(&self, name: impl Into<String>, future: F) -> F::Output {
        struct Leave<'t>(&'t TraceContext, String);
        impl Drop for Leave<'_> {
            fn drop(&mut self) {
                self.0.end_stage(std::mem::take(&mut self.1));
            }
        }
        let name = name.into();
        self.start_stage(name.as_str());
        let _leave = Leave(self, name);
        self.scope(future).await
    }

    /// Says that the run came to its end, well or badly, and what is known of it then. It takes effect with
    /// [`finish`](Self::finish), which [`traced`](super::traced()) calls by itself.
    pub fn mark_complete(&self, finish: Finish) {
        self.mark(FinishStatus::Complete, None, Some(finish));
    }

    /// Says that the run broke. What [`mark_complete`](Self::mark_complete) said of scores and costs stays.
    pub fn mark_failed(&self, error: &(impl Display + ?Sized)) {
        self.mark(FinishStatus::Failed, Some(error_text(error)), None);
    }

    /// Says that the run was given up.
    pub fn mark_incomplete(&self, reason: &(impl Display + ?Sized)) {
        self.mark(FinishStatus::Incomplete, Some(error_text(reason)), None);
    }

    /// Ends the run and waits until its end is acknowledged: milliseconds as a rule, two seconds at most, whatever
    /// state the stores are in. What is not acknowledged by then follows while the process lives.
    ///
    /// Finishing again gives the same. What is recorded afterwards is kept, and marked as late.
    pub async fn finish(&self) -> Conclusion {
        let Some(inner) = &self.inner else { return Conclusion::default() };
        self.finish_soon();
        let is_over = inner.wait_for(|ending| matches!(ending, Ending::Concluded(_))).await.is_err();
        let run = &inner.run;
        // However the wait ended: a recorder that is closed by now may have concluded the run before.
        if let Ending::Concluded(conclusion) = run.ending.borrow().clone() {
            return *conclusion;
        }
        let problem = if is_over { "the recorder is closed" } else { "its end is not acknowledged yet" };
        Conclusion::unrecorded(run.id(), run.dropped.load(Ordering::Relaxed), problem.to_owned())
    }

    /// Ends the run and waits only until its end is on disk, no longer than [`finish`](Self::finish) does.
    pub(super) async fn finish_on_disk(&self) {
        self.finish_soon();
        if let Some(inner) = &self.inner {
            // What is not on disk by then follows, and is logged where it does not.
            let _ = inner.wait_for(|ending| !matches!(ending, Ending::Open)).await;
        }
    }

    /// Ends the run without waiting for anything.
    pub fn finish_soon(&self) {
        let Some(inner) = &self.inner else { return };
        if inner.run.is_finishing.swap(true, Ordering::SeqCst) {
            return;
        }
        let end = std::mem::take(&mut *inner.end());
        let (status, error) = end.status.unwrap_or_default();
        let mut request = end.finish.ended(status, error);
        request.timestamp = Some(inner.run.engine.clock.now().to_string());
        let token = inner.run.engine.under_way.token();
        // Its task ends with the recorder alone, and then nobody is left to tell.
        let _ = inner.items.send(Item::Finish(Box::new(request), token));
    }

    pub(super) fn of(run: Arc<Run>, items: mpsc::UnboundedSender<Item>) -> Self {
        Self { inner: Some(Inner { run, items, end: Arc::default() }) }
    }

    pub(super) fn has_mark(&self) -> bool {
        self.inner.as_ref().is_some_and(|inner| inner.end().status.is_some())
    }

    fn mark(&self, status: FinishStatus, error: Option<String>, finish: Option<Finish>) {
        let Some(inner) = &self.inner else { return };
        let mut end = inner.end();
        end.status = Some((status, error));
        if let Some(finish) = finish {
            end.finish = finish;
        }
    }
}

impl Inner {
    fn end(&self) -> std::sync::MutexGuard<'_, End> {
        self.end.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits, in the recorder's runtime, until the end of the run has come so far, and not for long.
    async fn wait_for(&self, so_far: impl FnMut(&Ending) -> bool + Send + 'static) -> Result<(), JoinError> {
        let mut ending = self.run.ending.subscribe();
        let waiting = self.run.engine.handle.spawn(async move {
            // How far it has come by then, the run knows.
            let _ = tokio::time::timeout(FINISH_WAIT, ending.wait_for(so_far)).await;
        });
        waiting.await
    }

    /// Gives an event its name and its time, where it has none.
    fn complete(&self, request: &mut EventRequest) -> String {
        let engine = &self.run.engine;
        request.timestamp.get_or_insert_with(|| engine.clock.now().to_string());
        let is_decision = request.kind == EventKind::Decision;
        let id = if is_decision { &mut request.decision_id } else { &mut request.event_id };
        id.get_or_insert_with(|| engine.mint(if is_decision { "dec" } else { "evt" })).clone()
    }

    fn send(&self, request: EventRequest, tell: oneshot::Sender<Acknowledgement>) {
        let run = &self.run;
        let weight = room::weight(&request);
        let token = run.engine.under_way.token();
        let mut recording = Box::new(Recording { request, weight, tell, place: None, token });
        match run.engine.room.enter(weight) {
            Entry::Inside(place) => {
                recording.place = Some(place);
                run.queue(&self.items, recording);
            }
            Entry::Outside(waiting) => {
                let (items, of_run) = (self.items.clone(), Arc::clone(run));
                let waits = run.waiting.track_future(async move {
                    match waiting.enter().await {
                        Some(place) => {
                            recording.place = Some(place);
                            of_run.queue(&items, recording);
                        }
                        None => of_run.lose(*recording, Dropped::QueueFull),
                    }
                });
                run.engine.handle.spawn(waits);
            }
            Entry::Full => run.lose(*recording, Dropped::QueueFull),
        }
    }
}
