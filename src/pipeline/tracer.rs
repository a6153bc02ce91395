//! Where the runs of a pipeline go: one tracer a process, as a rule.

use std::path::Path;
use std::sync::{Arc, OnceLock};

use tokio::sync::mpsc;

use super::component::ComponentRegistry;
use super::context::TraceContext;
use super::engine::Engine;
use super::questions::TraceQuery;
use super::receipt::Dropped;
use super::room::{self, Entry};
use super::run::{Beginning, Item, Run};
use super::start::Start;
use super::worker::{refuse_all, work};
use crate::config::{Config, Settings};
use crate::error::{Error, Result};
use crate::gate::text::label;
use crate::model::TraceId;

/// Bytes of events that may be on their way at once, where nothing else is said.
const QUEUE_BYTES: u32 = 64 * 1024 * 1024;

/// Records runs in the stores of one configuration, with a thread of its own. Cheap to clone; all clones are one.
///
/// Opening one waits for nothing: what is recorded before its stores are open waits for them. Where they cannot be
/// opened, nothing is recorded, a warning says so once, and the pipeline goes on.
#[derive(Clone, Debug, Default)]
pub struct Tracer {
    engine: Option<Arc<Engine>>,
}

/// How a tracer is opened.
///
/// ```
/// use whytrace::pipeline::{ComponentRegistry, TracerOptions};
///
/// let options = TracerOptions::default().queue_bytes(8 * 1024 * 1024).components(ComponentRegistry::default());
/// ```
#[derive(Clone, Debug)]
#[must_use = "options open nothing until they are given to Tracer::open_with"]
pub struct TracerOptions {
    queue_bytes: u32,
    components: ComponentRegistry,
}

impl Default for TracerOptions {
    fn default() -> Self {
        Self { queue_bytes: QUEUE_BYTES, components: ComponentRegistry::default() }
    }
}

impl TracerOptions {
    /// Bytes of events that may be on their way at once: 64 MiB where nothing else is said. Beyond them an event
    /// waits a quarter of a second for room, then it is dropped and counted. An eighth as much is set aside for runs
    /// that begin, so that no noisy run keeps them out; beyond it a run is not recorded.
    pub fn queue_bytes(mut self, bytes: u32) -> Self {
        self.queue_bytes = bytes;
        self
    }

    /// The parts of the pipeline; each run is compared with what they declare when it ends.
    pub fn components(mut self, components: ComponentRegistry) -> Self {
        self.components = components;
        self
    }
}

static GLOBAL: OnceLock<Tracer> = OnceLock::new();

impl Tracer {
    /// The process's tracer: the one that was [set](Self::set_global), else one as configuration file and
    /// environment say.
    #[must_use]
    pub fn global() -> &'static Self {
        GLOBAL.get_or_init(|| match Config::load(Settings::default(), |name| std::env::var(name).ok()) {
            Ok(config) => Self::open(config),
            Err(error) => {
                tracing::warn!("nothing is recorded by this process: {error}");
                Self::disabled()
            }
        })
    }

    /// Makes a tracer the process's own. Says whether it is: the first one stays.
    pub fn set_global(tracer: Self) -> bool {
        GLOBAL.set(tracer).is_ok()
    }

    /// A tracer for the stores of a configuration.
    #[must_use]
    pub fn open(config: Config) -> Self {
        Self::open_with(config, TracerOptions::default())
    }

    /// As [`Tracer::open`], with options.
    #[must_use]
    pub fn open_with(config: Config, options: TracerOptions) -> Self {
        if config.switch.all_off {
            return Self::disabled();
        }
        match Engine::start(config, options.queue_bytes, options.components) {
            Ok(engine) => Self { engine: Some(engine) },
            Err(error) => {
                tracing::warn!("nothing is recorded by this process: no thread to record with ({error})");
                Self::disabled()
            }
        }
    }

    /// A tracer for the embedded stores in a folder, whatever the environment says.
    #[must_use]
    pub fn at(home: impl AsRef<Path>) -> Self {
        let settings = Settings { home: Some(home.as_ref().to_owned()), ..Settings::default() };
        Config::load(settings, |_| None).map_or_else(
            |error| {
                tracing::warn!("nothing is recorded by this process: {error}");
                Self::disabled()
            },
            Self::open,
        )
    }

    /// A tracer whose runs record nothing.
    #[must_use]
    pub fn disabled() -> Self {
        Self::default()
    }

    /// Whether anything is recorded.
    #[must_use]
    pub fn is_enabled(&self) -> bool {
        self.engine.is_some()
    }

    /// Waits until the stores are open.
    ///
    /// # Errors
    /// Why they could not be opened, or [`Error::Unavailable`] for a disabled tracer.
    pub async fn ready(&self) -> Result<(), Arc<Error>> {
        let engine = self.engine.as_ref().ok_or_else(|| Arc::new(switched_off()))?;
        engine.service().await.map(drop)
    }

    /// Begins a run. Within the scope of another run it becomes a part of that one.
    #[must_use]
    pub fn begin(&self, start: Start) -> TraceContext {
        let Some(engine) = &self.engine else { return TraceContext::disabled() };
        // As it will be stored. One that is no label is refused later, and the run is told why.
        let project = label("project", start.project());
        if project.is_ok_and(|project| !engine.switch.records(&project)) {
            return TraceContext::disabled();
        }
        let now = engine.clock.now();
        let own_id = start.trace_id.as_ref().map(|id| id.parse::<TraceId>());
        let (id, is_drawn) = match own_id {
            Some(Ok(id)) => (id, false),
            Some(Err(error)) => {
                tracing::warn!("a trace id is not as it must be ({error}), and another one is drawn");
                (TraceId::generate(now, Engine::entropy()), true)
            }
            None => (TraceId::generate(now, Engine::entropy()), true),
        };
        let Start { mut request, .. } = start;
        let is_timed = request.timestamp.is_some();
        request.timestamp.get_or_insert_with(|| now.to_string());
        if request.parent_trace_id.is_none() {
            request.parent_trace_id = TraceContext::current().id().map(String::from);
        }
        let entry = engine.threshold.enter(room::weight(&request));
        if matches!(entry, Entry::Full) {
            return turned_away(engine, id);
        }
        let (trace, items) = follow(engine, id, is_drawn);
        let token = engine.under_way.token();
        // Its task ends with the recorder alone.
        let _ = items.send(Item::Start(Box::new(Beginning { request, is_timed, entry, token })));
        trace
    }

    /// Goes on in a run that was begun elsewhere, by this process or another one.
    #[must_use]
    pub fn attach(&self, trace_id: &TraceId) -> TraceContext {
        match &self.engine {
            Some(engine) => follow(engine, trace_id.clone(), false).0,
            None => TraceContext::disabled(),
        }
    }

    /// Asks about runs, those of this process included.
    #[must_use]
    pub fn query(&self) -> TraceQuery {
        TraceQuery::new(self.engine.clone())
    }

    /// Waits until everything recorded so far is acknowledged, for five seconds at most, and closes the stores, which
    /// takes as long again at most. What is recorded afterwards is lost.
    ///
    /// Without it nothing is lost of runs whose [`finish`](TraceContext::finish) was awaited, or that ran in
    /// [`traced`](super::traced()); what the database or the documents lack of them, the next program brings over.
    pub async fn close(&self) {
        if let Some(engine) = &self.engine {
            engine.close().await;
        }
    }
}

/// A run for whose beginning the queue has no room: nothing of it is recorded, and everything is told so.
fn turned_away(engine: &Arc<Engine>, id: TraceId) -> TraceContext {
    let run = Arc::new(Run::new(Arc::clone(engine), id, true));
    let (items, queue) = mpsc::unbounded_channel();
    let of_run = Arc::clone(&run);
    engine.handle.spawn(async move {
        of_run.drop_one(&Dropped::QueueFull);
        refuse_all(&of_run, queue, &Dropped::QueueFull).await;
    });
    TraceContext::of(run, items)
}

fn follow(engine: &Arc<Engine>, id: TraceId, is_drawn: bool) -> (TraceContext, mpsc::UnboundedSender<Item>) {
    let run = Arc::new(Run::new(Arc::clone(engine), id, is_drawn));
    let (items, queue) = mpsc::unbounded_channel();
    engine.handle.spawn(work(Arc::clone(&run), queue));
    (TraceContext::of(run, items.clone()), items)
}

pub(super) fn switched_off() -> Error {
    Error::Unavailable { what: "tracing", reason: "it is switched off in this process".to_owned() }
}
