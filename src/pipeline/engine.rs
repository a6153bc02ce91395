//! The thread that records: a runtime of its own with the stores opened in it.
//!
//! It outlives the runtime of whoever records, and what is recorded before the stores are open waits for them. It
//! ends when nothing refers to it any more, or when it is closed.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use tokio::runtime::{Builder, Handle, Runtime};
use tokio::sync::watch;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use super::component::ComponentRegistry;
use super::room::{self, Room};
use crate::config::Config;
use crate::error::Error;
use crate::model::{Clock, SystemClock};
use crate::recorder::{Role, Switch};
use crate::service::{Service, entropy, process_name};

/// How long [`Engine::close`] waits for what is on its way, and then for the stores to close.
const FAREWELL: Duration = Duration::from_secs(5);

/// How long what blocks a thread of the recorder's, such as a disk that does not answer, holds up its end.
const PARTING: Duration = Duration::from_secs(1);

/// What all runs of one tracer share.
#[derive(Debug)]
pub(super) struct Engine {
    pub(super) handle: Handle,
    pub(super) room: Room,
    /// The room for the beginnings of runs: what others record does not keep them out.
    pub(super) threshold: Room,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) switch: Switch,
    pub(super) components: ComponentRegistry,
    /// Holds a token for each event that nobody has been told about yet.
    pub(super) under_way: TaskTracker,
    origin: String,
    minted: AtomicU64,
    opened: watch::Receiver<Opened>,
    stop: CancellationToken,
    stopped: CancellationToken,
}

#[derive(Clone, Debug)]
enum Opened {
    NotYet,
    Service(Box<Service>),
    Failed(Arc<Error>),
}

impl Engine {
    /// Starts the thread, which opens the stores by itself.
    ///
    /// # Errors
    /// When the system gives no thread or no event queue.
    pub(super) fn start(
        config: Config,
        queue_bytes: u32,
        components: ComponentRegistry,
    ) -> std::io::Result<Arc<Self>> {
        // The thread comes first: without one the runtime would be dropped here, where the caller may be a task, and
        // that panics.
        let (hand_over, handed_over) = mpsc::channel::<(Runtime, _, DropGuard)>();
        thread::Builder::new().name("whytrace".to_owned()).spawn(move || {
            let Ok((runtime, serving, _stopped)) = handed_over.recv() else { return };
            runtime.block_on(serving);
            runtime.shutdown_timeout(PARTING);
        })?;
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let (tell, opened) = watch::channel(Opened::NotYet);
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
        let engine = Arc::new(Self {
            handle: runtime.handle().clone(),
            room: Room::new(queue_bytes),
            threshold: Room::new(queue_bytes / room::OUTSIDE),
            clock: Arc::clone(&clock),
            switch: config.switch.clone(),
            components,
            under_way: TaskTracker::new(),
            origin: process_name(),
            minted: AtomicU64::new(0),
            opened,
            stop: CancellationToken::new(),
            stopped: CancellationToken::new(),
        });
        let serving = serve(config, clock, tell, engine.stop.clone());
        let handed_over = hand_over.send((runtime, serving, engine.stopped.clone().drop_guard()));
        if let Err(mpsc::SendError((runtime, ..))) = handed_over {
            runtime.shutdown_background();
            return Err(std::io::ErrorKind::BrokenPipe.into());
        }
        Ok(engine)
    }

    /// The opened stores, once they are.
    ///
    /// # Errors
    /// Why they could not be opened.
    pub(super) async fn service(&self) -> Result<Service, Arc<Error>> {
        let mut opened = self.opened.clone();
        let said = match opened.wait_for(|opened| !matches!(opened, Opened::NotYet)).await {
            Ok(said) => said.clone(),
            Err(_) => Opened::NotYet,
        };
        match said {
            Opened::Service(service) => Ok(*service),
            Opened::Failed(error) => Err(error),
            Opened::NotYet => Err(Arc::new(closed())),
        }
    }

    /// A name for an event that has none: no other process and no other tracer gives it.
    pub(super) fn mint(&self, kind: &str) -> String {
        format!("{kind}_{}_{}", self.origin, self.minted.fetch_add(1, Ordering::Relaxed))
    }

    pub(super) fn entropy() -> u32 {
        entropy()
    }

    /// Waits until everything recorded so far is acknowledged, then closes the stores; each for [`FAREWELL`] at most.
    pub(super) async fn close(&self) {
        let (under_way, stop, stopped) = (self.under_way.clone(), self.stop.clone(), self.stopped.clone());
        // In the recorder's runtime: the caller's need not be one that has timers.
        self.handle.spawn(async move {
            under_way.close();
            if tokio::time::timeout(FAREWELL, under_way.wait()).await.is_err() {
                tracing::warn!(
                    "what is recorded of {} events is not on disk when the recorder closes",
                    under_way.len()
                );
            }
            stop.cancel();
        });
        stopped.cancelled().await;
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

async fn serve(config: Config, clock: Arc<dyn Clock>, tell: watch::Sender<Opened>, stop: CancellationToken) {
    // On a thread of its own: opening may wait for a lock or a disk, and this thread keeps the time of all who wait.
    let opening = tokio::task::spawn_blocking(move || Service::open_with(&config, Role::Pipeline, clock));
    let opened = tokio::select! {
        opened = opening => opened.unwrap_or_else(|error| Err(unavailable(error.to_string()))),
        () = stop.cancelled() => Err(closed()),
    };
    match opened {
        Ok(service) => {
            tell.send_replace(Opened::Service(Box::new(service.clone())));
            stop.cancelled().await;
            tell.send_replace(Opened::Failed(Arc::new(closed())));
            if tokio::time::timeout(FAREWELL, service.close()).await.is_err() {
                tracing::warn!("the stores do not close in time; what they hold is safe");
            }
        }
        Err(error) => {
            tracing::warn!("nothing is recorded by this process: {error}");
            tell.send_replace(Opened::Failed(Arc::new(error)));
            stop.cancelled().await;
        }
    }
}

fn closed() -> Error {
    unavailable("it is closed".to_owned())
}

fn unavailable(reason: String) -> Error {
    Error::Unavailable { what: "the recorder of this process", reason }
}
