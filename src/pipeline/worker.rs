//! The task of a run: it takes what was recorded from the queue, in order, and brings it to the stores.
//!
//! What queues up while the stores are at work goes to them together. An event that is refused keeps no other one
//! out. A store that is away is tried again under the same names, so nothing is recorded twice.

use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::task::task_tracker::TaskTrackerToken;

use super::component::Finding;
use super::conclusion::Conclusion;
use super::engine::Engine;
use super::receipt::{Acknowledgement, Dropped};
use super::room;
use super::run::{Beginning, Ending, Item, Recording, Run};
use crate::error::Error;
use crate::gate::CallerContext;
use crate::gate::limits::BATCH_EVENTS;
use crate::gate::request::{EventKind, EventRequest};
use crate::model::{Event, EventBody, EventId, Trace, TraceId};
use crate::recorder::{Ack, Finished};
use crate::service::Service;
use crate::store::index::{Scope, Standing};

/// Bytes of events that go to the stores together.
const TOGETHER_BYTES: u32 = 4 * 1024 * 1024;

/// How long a run is looked for that may have begun before.
const LOOK: Duration = Duration::from_millis(250);

/// How long stores that are away are tried again.
const PERSISTENCE: Duration = Duration::from_secs(30);

/// Brings to the stores what comes, until nobody can record any more in the run.
pub(super) async fn work(run: Arc<Run>, mut items: mpsc::UnboundedReceiver<Item>) {
    let service = match run.engine.service().await {
        Ok(service) => service,
        Err(error) => return refuse_all(&run, items, &Dropped::Closed(error.to_string())).await,
    };
    let worker = Worker { run: &run, service };
    while let Some(item) = items.recv().await {
        match item {
            Item::Start(beginning) => {
                if let Err(why) = worker.begin(*beginning).await {
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
pub(super) async fn refuse_all(run: &Run, mut items: mpsc::UnboundedReceiver<Item>, why: &Dropped) {
    while let Some(item) = items.recv().await {
        match item {
            Item::Event(recording) => run.lose(*recording, why.clone()),
            Item::Start(beginning) => {
                run.drop_one(why);
                drop(beginning);
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
    async fn begin(&self, beginning: Beginning) -> Result<(), Dropped> {
        let Beginning { mut request, is_timed, entry, token: _token } = beginning;
        let _place =
            entry.wait().await.ok_or(Dropped::QueueFull).inspect_err(|why| self.run.drop_one(why))?;
        if !self.run.is_drawn && !is_timed {
            // A run that is begun again has the time at which it began, not one that makes its content another.
            request.timestamp = self.begun().await.or(request.timestamp);
        }
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

    /// When the run that has this id began, if there is one and the stores tell in time.
    async fn begun(&self) -> Option<String> {
        let (stores, id) = (self.service.intake.recorder().stores(), self.run.id());
        let found = tokio::time::timeout(LOOK, stores.load(&id, &Scope::All)).await.ok()?.ok()??;
        Some(found.trace.run.started_at.to_string())
    }

    /// Records what is let in of a batch, and tells each.
    async fn record(&self, batch: Vec<Recording>) {
        let mut admitted = Vec::with_capacity(batch.len());
        let mut names = HashSet::new();
        for mut recording in batch {
            match self.admit(std::mem::take(&mut recording.request)) {
                Ok(event) => {
                    // Two of one name are told apart only one after the other.
                    if !names.insert(event.event_id.clone()) {
                        self.save(std::mem::take(&mut admitted)).await;
                        names = HashSet::from([event.event_id.clone()]);
                    }
                    admitted.push((recording, event));
                }
                Err(error) => self.turn_away(recording, Arc::new(error)),
            }
        }
        self.save(admitted).await;
    }

    /// Brings what was let in to the stores, and tells each.
    async fn save(&self, admitted: Vec<(Recording, Event)>) {
        let (recordings, events): (Vec<_>, Vec<_>) = admitted.into_iter().unzip();
        if events.is_empty() {
            return;
        }
        let ids: Vec<EventId> = events.iter().map(|event| event.event_id.clone()).collect();
        let admitted = recordings.into_iter().zip(ids);
        match self.submit(events.clone()).await {
            Ok(ack) => self.acknowledge(admitted, &ack),
            // One of them may be too much for the run where the others are not.
            Err(Error::Full { .. }) if events.len() > 1 => {
                for (admitted, event) in admitted.zip(events) {
                    match self.submit(vec![event]).await {
                        Ok(ack) => self.acknowledge([admitted], &ack),
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
        // What waited when the end was recorded does not wait any more then. What is recorded since may, on and on.
        let _ = tokio::time::timeout(2 * room::WAIT, self.run.waiting.wait()).await;
        self.run.waiting.reopen();
        let mut batch = Vec::new();
        while let Ok(item) = items.try_recv() {
            if let Item::Event(recording) = item {
                batch.push(*recording);
            }
        }
        self.record(batch).await;
        let (event, refused) = self.admit_end(request);
        let dropped = self.run.dropped.load(Ordering::Relaxed);
        if dropped > 0 {
            let id = self.run.id();
            tracing::warn!(trace_id = %id, dropped, "{dropped} events of trace {id} could not be recorded");
        }
        let finished = match event {
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
                let findings = finished.trace.as_ref().map(|trace| self.validate(trace)).unwrap_or_default();
                let problem = refused.map(|error| error.to_string());
                Conclusion { problem, ..Conclusion::of(finished, dropped, findings) }
            }
            Err(error) => {
                self.run.reject(&error);
                Conclusion::unrecorded(self.run.id(), dropped, error.to_string())
            }
        };
        self.run.conclude(conclusion);
    }

    /// Lets the end in; where what it says of quality, costs and outputs is refused, the bare fact that it is the end.
    fn admit_end(&self, request: EventRequest) -> (Result<Event, Error>, Option<Error>) {
        let bare = EventRequest {
            kind: EventKind::Finish,
            status: request.status,
            error: request.error.clone(),
            timestamp: request.timestamp.clone(),
            ..EventRequest::default()
        };
        match self.admit(request) {
            Ok(event) => (Ok(event), None),
            Err(refused) => {
                self.run.reject(&refused);
                (self.admit(bare), Some(refused))
            }
        }
    }

    /// Where the run departs from what its components declare. They are the pipeline's own code, and it may panic.
    fn validate(&self, trace: &Trace) -> Vec<Finding> {
        let id = &trace.trace_id;
        let findings = catch_unwind(AssertUnwindSafe(|| self.run.engine.components.validate(trace)));
        let findings = findings.unwrap_or_else(|_| {
            tracing::warn!(trace_id = %id, "trace {id} is not compared with its components: one of them panicked");
            Vec::new()
        });
        for finding in &findings {
            tracing::warn!(trace_id = %id, "trace {id}: {finding}");
        }
        findings
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
        self.service.intake.recorder().settle_run(&self.run.id()).await;
        let mut retries = Retries::begin();
        loop {
            match self.service.intake.recorder().finish(self.run.id(), vec![event.clone()]).await {
                Err(Error::Unavailable { .. }) if retries.next().await => {}
                other => return other,
            }
        }
    }

    fn acknowledge(&self, recordings: impl IntoIterator<Item = (Recording, EventId)>, ack: &Ack) {
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
