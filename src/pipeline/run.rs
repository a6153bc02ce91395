//! One run on its way: the task that takes its events from the queue, in order, and brings them to the stores.
//!
//! What queues up while the stores are at work goes to them together. An event that is refused keeps no other one
//! out. A store that is away is tried again under the same names, so nothing is recorded twice.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::Instant;
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;

use super::conclusion::Conclusion;
use super::engine::Engine;
use super::receipt::{Acknowledgement, Dropped};
use super::room::Place;
use crate::error::Error;
use crate::gate::CallerContext;
use crate::gate::limits::BATCH_EVENTS;
use crate::gate::request::EventRequest;
use crate::model::{Event, EventBody, EventId, TraceId};
use crate::recorder::{Ack, Finished};
use crate::service::Service;
use crate::store::index::Standing;

/// Bytes of events that go to the stores together.
const TOGETHER_BYTES: u32 = 4 * 1024 * 1024;

/// How long stores that are away are tried again.
const PERSISTENCE: Duration = Duration::from_secs(30);

/// What the handles of a run and its task share.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) engine: Arc<Engine>,
    id: Mutex<TraceId>,
    /// Whether the id was drawn here, so that another one can be drawn where it proves taken.
    pub(super) is_drawn: bool,
    /// Events that wait for room in the queue.
    pub(super) waiting: TaskTracker,
    pub(super) dropped: AtomicU64,
    pub(super) is_finishing: AtomicBool,
    pub(super) ending: watch::Sender<Ending>,
}

/// Something on its way.
#[derive(Debug)]
pub(super) enum Item {
    /// The run begins.
    Start(Box<EventRequest>, TaskTrackerToken),
    /// Something happened.
    Event(Box<Recording>),
    /// It ends.
    Finish(Box<EventRequest>, TaskTrackerToken),
}

/// How far the end of a run has come.
#[derive(Clone, Debug, Default)]
pub(super) enum Ending {
    /// It is not on disk.
    #[default]
    Open,
    /// It is on disk, and the rest follows by itself.
    Durable,
    /// Everything that there is to say of it.
    Concluded(Box<Conclusion>),
}

/// One event on its way.
#[derive(Debug)]
pub(super) struct Recording {
    pub(super) request: EventRequest,
    pub(super) weight: u32,
    pub(super) tell: oneshot::Sender<Acknowledgement>,
    pub(super) place: Option<Place>,
    pub(super) token: TaskTrackerToken,
}

impl Run {
    pub(super) fn new(engine: Arc<Engine>, id: TraceId, is_drawn: bool) -> Self {
        Self {
            engine,
            id: Mutex::new(id),
            is_drawn,
            waiting: TaskTracker::new(),
            dropped: AtomicU64::new(0),
            is_finishing: AtomicBool::new(false),
            ending: watch::channel(Ending::Open).0,
        }
    }

    pub(super) fn id(&self) -> TraceId {
        self.id.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn rename(&self, id: TraceId) {
        *self.id.lock().unwrap_or_else(PoisonError::into_inner) = id;
    }

    fn conclude(&self, conclusion: Conclusion) {
        self.ending.send_replace(Ending::Concluded(Box::new(conclusion)));
    }

    /// Counts an event as lost; the first one of a run is logged at once, the sum when the run ends.
    pub(super) fn drop_one(&self, why: &Dropped) {
        if self.dropped.fetch_add(1, Ordering::Relaxed) == 0 {
            let id = self.id();
            tracing::warn!(trace_id = %id, "an event of trace {id} is lost: {why}; what else is lost is counted");
        }
    }

    /// Gives an event up.
    pub(super) fn lose(&self, recording: Recording, why: Dropped) {
        self.drop_one(&why);
        recording.answer(Acknowledgement::Dropped(why));
    }

    /// Counts an event as refused, and says why.
    fn reject(&self, error: &Error) {
        self.dropped.fetch_add(1, Ordering::Relaxed);
        let id = self.id();
        tracing::warn!(trace_id = %id, "an event of trace {id} is not recorded: {error}");
    }
}

/// Brings to the stores what comes, until nobody can record any more in the run.
pub(super) async fn work(run: Arc<Run>, mut items: mpsc::UnboundedReceiver<Item>) {
    let service = match run.engine.service().await {
        Ok(service) => service,
        Err(error) => return refuse_all(&run, items, &Dropped::Closed(error.to_string())).await,
    };
    let worker = Worker { run: &run, service };
    while let Some(item) = items.recv().await {
        match item {
            Item::Start(request, token) => {
                if let Err(why) = worker.begin(*request, token).await {
                    return refuse_all(&run, items, &why).await;
                }
            }
            Item::Event(first) => {
                let (batch, end) = gather(*first, &mut items);
                worker.record(batch).await;
                if let Some((request, token)) = end {
                    worker.end(request, token, &mut items).await;
                }
            }
            Item::Finish(request, token) => worker.end(*request, token, &mut items).await,
        }
    }
}

/// What goes to the stores together with an event: what has queued up behind it, up to the end of the run.
fn gather(
    first: Recording,
    items: &mut mpsc::UnboundedReceiver<Item>,
) -> (Vec<Recording>, Option<(EventRequest, TaskTrackerToken)>) {
    let mut bytes = first.weight;
    let mut batch = vec![first];
    while batch.len() < BATCH_EVENTS && bytes < TOGETHER_BYTES {
        match items.try_recv() {
            Ok(Item::Event(next)) => {
                bytes = bytes.saturating_add(next.weight);
                batch.push(*next);
            }
            Ok(Item::Finish(request, token)) => return (batch, Some((*request, token))),
            // A run begins once, before anything else.
            Ok(Item::Start(..)) | Err(_) => break,
        }
    }
    (batch, None)
}

/// What becomes of a run that cannot be recorded at all: everything is counted and told so.
async fn refuse_all(run: &Run, mut items: mpsc::UnboundedReceiver<Item>, why: &Dropped) {
    while let Some(item) = items.recv().await {
        match item {
            Item::Event(recording) => run.lose(*recording, why.clone()),
            Item::Start(_, token) => {
                run.drop_one(why);
                drop(token);
            }
            Item::Finish(_, token) => {
                let dropped = run.dropped.load(Ordering::Relaxed);
                run.conclude(Conclusion::unrecorded(run.id(), dropped, why.to_string()));
                drop(token);
            }
        }
    }
}

struct Worker<'r> {
    run: &'r Run,
    service: Service,
}

impl Worker<'_> {
    /// Opens the run, under another id where the drawn one is taken.
    async fn begin(&self, request: EventRequest, _token: TaskTrackerToken) -> Result<(), Dropped> {
        for _ in 0..3 {
            let event = self.admit(request.clone()).inspect_err(|error| self.run.reject(error));
            let event = event.map_err(|error| Dropped::Closed(format!("its start was refused: {error}")))?;
            let ack = self.open(event).await.inspect_err(|error| self.run.reject(error));
            let ack = ack.map_err(|error| Dropped::NoStore(error.to_string()))?;
            if !ack.standings.contains(&Standing::Conflict) {
                return Ok(());
            }
            let taken = self.run.id();
            if !self.run.is_drawn {
                let why = format!("trace {taken} began with other content");
                tracing::warn!(trace_id = %taken, "nothing is recorded of a run: {why}");
                return Err(Dropped::Closed(why));
            }
            self.run.rename(TraceId::generate(self.run.engine.clock.now(), Engine::entropy()));
            tracing::warn!("trace id {taken} was taken by another run; this one is called {}", self.run.id());
        }
        Err(Dropped::Closed("three drawn trace ids were taken".to_owned()))
    }

    /// Records what is let in of a batch, and tells each.
    async fn record(&self, batch: Vec<Recording>) {
        let mut admitted = Vec::with_capacity(batch.len());
        let mut events = Vec::with_capacity(batch.len());
        for mut recording in batch {
            match self.admit(std::mem::take(&mut recording.request)) {
                Ok(event) => {
                    admitted.push((recording, event.event_id.clone()));
                    events.push(event);
                }
                Err(error) => self.turn_away(recording, Arc::new(error)),
            }
        }
        if events.is_empty() {
            return;
        }
        match self.submit(events.clone()).await {
            Ok(ack) => self.acknowledge(admitted, &ack),
            // One of them may be too much for the run where the others are not.
            Err(Error::Full { .. }) if events.len() > 1 => {
                for (admitted, event) in admitted.into_iter().zip(events) {
                    match self.submit(vec![event]).await {
                        Ok(ack) => self.acknowledge(vec![admitted], &ack),
                        Err(error) => self.turn_away(admitted.0, Arc::new(error)),
                    }
                }
            }
            Err(error) => {
                let error = Arc::new(error);
                for (recording, _) in admitted {
                    self.turn_away(recording, Arc::clone(&error));
                }
            }
        }
    }

    /// Ends the run behind everything that was recorded before, also what waited for room.
    async fn end(
        &self,
        request: EventRequest,
        _token: TaskTrackerToken,
        items: &mut mpsc::UnboundedReceiver<Item>,
    ) {
        self.run.waiting.close();
        self.run.waiting.wait().await;
        self.run.waiting.reopen();
        let mut batch = Vec::new();
        while let Ok(item) = items.try_recv() {
            if let Item::Event(recording) = item {
                batch.push(*recording);
            }
        }
        self.record(batch).await;
        let dropped = self.run.dropped.load(Ordering::Relaxed);
        if dropped > 0 {
            let id = self.run.id();
            tracing::warn!(trace_id = %id, dropped, "{dropped} events of trace {id} could not be recorded");
        }
        let finished = match self.admit(request) {
            Ok(mut event) => {
                if let EventBody::Finish(finish) = &mut event.body {
                    finish.dropped_events = (dropped > 0).then_some(dropped);
                }
                self.finish(event).await
            }
            Err(error) => Err(error),
        };
        let conclusion = match finished {
            Ok(finished) => {
                let findings = finished
                    .trace
                    .as_ref()
                    .map(|trace| self.run.engine.components.validate(trace))
                    .unwrap_or_default();
                for finding in &findings {
                    tracing::warn!(trace_id = %finished.ack.trace_id, "trace {}: {finding}", finished.ack.trace_id);
                }
                Conclusion::of(finished, dropped, findings)
            }
            Err(error) => {
                self.run.reject(&error);
                Conclusion::unrecorded(self.run.id(), dropped, error.to_string())
            }
        };
        self.run.conclude(conclusion);
    }

    fn admit(&self, request: EventRequest) -> Result<Event, Error> {
        self.service.intake.admit(&self.run.id(), request, &CallerContext::default())
    }

    /// Begins the run in the stores. The database is waited for: it knows whether the id is taken.
    async fn open(&self, event: Event) -> Result<Ack, Error> {
        let mut retries = Retries::begin();
        loop {
            match self.service.intake.recorder().submit(self.run.id(), vec![event.clone()]).await {
                Err(Error::Unavailable { .. }) if retries.next().await => {}
                other => return other,
            }
        }
    }

    async fn submit(&self, events: Vec<Event>) -> Result<Ack, Error> {
        let mut retries = Retries::begin();
        loop {
            match self.service.intake.recorder().submit_to_journal(self.run.id(), events.clone()).await {
                Err(Error::Unavailable { .. }) if retries.next().await => {}
                other => return other,
            }
        }
    }

    /// Ends the run in the stores, and tells those who wait for no more as soon as its end is on disk.
    async fn finish(&self, event: Event) -> Result<Finished, Error> {
        let ack = self.submit(vec![event.clone()]).await?;
        if !ack.standings.contains(&Standing::Conflict) {
            self.run.ending.send_replace(Ending::Durable);
        }
        self.service.intake.recorder().settle().await;
        let mut retries = Retries::begin();
        loop {
            match self.service.intake.recorder().finish(self.run.id(), vec![event.clone()]).await {
                Err(Error::Unavailable { .. }) if retries.next().await => {}
                other => return other,
            }
        }
    }

    fn acknowledge(&self, recordings: Vec<(Recording, EventId)>, ack: &Ack) {
        let Some(saved) = ack.saved else { return };
        let standings = ack.standings.iter().copied().chain(std::iter::repeat(Standing::New));
        for ((recording, event_id), standing) in recordings.into_iter().zip(standings) {
            if standing == Standing::Conflict {
                let error = Error::Conflict { trace_id: ack.trace_id.clone(), event_id };
                self.turn_away(recording, Arc::new(error));
            } else {
                let duplicate = standing == Standing::Duplicate;
                recording.answer(Acknowledgement::Saved { saved, duplicate, late: ack.late });
            }
        }
    }

    fn turn_away(&self, recording: Recording, error: Arc<Error>) {
        match error.as_ref() {
            Error::Unavailable { .. } => self.run.lose(recording, Dropped::NoStore(error.to_string())),
            _ => {
                self.run.reject(&error);
                recording.answer(Acknowledgement::Rejected(error));
            }
        }
    }
}

impl Recording {
    /// Tells whoever waits, and makes room.
    pub(super) fn answer(self, acknowledgement: Acknowledgement) {
        let Self { tell, place, token, .. } = self;
        // Nobody needs to wait for it.
        let _ = tell.send(acknowledgement);
        drop((place, token));
    }
}

/// How often and how long is tried again while no store answers: less and less often, for [`PERSISTENCE`].
struct Retries {
    limit: Instant,
    pause: Duration,
}

impl Retries {
    fn begin() -> Self {
        Self { limit: Instant::now() + PERSISTENCE, pause: Duration::from_millis(50) }
    }

    /// Waits for the next attempt; says no when there is to be none.
    async fn next(&mut self) -> bool {
        if Instant::now() + self.pause >= self.limit {
            return false;
        }
        tokio::time::sleep(self.pause).await;
        self.pause = (self.pause * 2).min(Duration::from_secs(2));
        true
    }
}
