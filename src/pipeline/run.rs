//! One run on its way: what its handles and its task share, and what travels from them to it.
//!
//! The task itself is in [`worker`](super::worker).

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;

use super::conclusion::Conclusion;
use super::engine::Engine;
use super::receipt::{Acknowledgement, Dropped};
use super::room::{Entry, Place};
use crate::error::Error;
use crate::gate::request::EventRequest;
use crate::model::TraceId;

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
    Start(Box<Beginning>),
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

/// The beginning of a run on its way.
#[derive(Debug)]
pub(super) struct Beginning {
    pub(super) request: EventRequest,
    /// Whether the pipeline said when it began; else the request has the time at which it was made.
    pub(super) is_timed: bool,
    pub(super) entry: Entry,
    pub(super) token: TaskTrackerToken,
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

    pub(super) fn rename(&self, id: TraceId) {
        *self.id.lock().unwrap_or_else(PoisonError::into_inner) = id;
    }

    pub(super) fn conclude(&self, conclusion: Conclusion) {
        self.ending.send_replace(Ending::Concluded(Box::new(conclusion)));
    }

    /// Passes an event on to the run's task, which ends before its handles only with the recorder.
    pub(super) fn queue(&self, items: &mpsc::UnboundedSender<Item>, recording: Box<Recording>) {
        if let Err(mpsc::error::SendError(Item::Event(recording))) = items.send(Item::Event(recording)) {
            self.lose(*recording, Dropped::Closed("it was closed".to_owned()));
        }
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
    pub(super) fn reject(&self, error: &Error) {
        self.dropped.fetch_add(1, Ordering::Relaxed);
        let id = self.id();
        tracing::warn!(trace_id = %id, "an event of trace {id} is not recorded: {error}");
    }
}

impl Recording {
    /// Makes room and tells whoever waits, in that order: what is recorded on being told finds the room.
    pub(super) fn answer(self, acknowledgement: Acknowledgement) {
        let Self { tell, place, token, .. } = self;
        drop(place);
        // Nobody needs to wait for it.
        let _ = tell.send(acknowledgement);
        drop(token);
    }
}
