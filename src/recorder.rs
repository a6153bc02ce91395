//! The way of a record: events in, acknowledgements out.
//!
//! An event goes to the journal and to the index at once. It is acknowledged when it is durable in at least one of
//! them and the other has answered or its time is up; what is still missing follows by itself. At the finish of a
//! run its document is written from the events.
//!
//! Nothing here waits for long, and nothing depends on a caller that may go away: each record travels in a task of
//! its own. Start at [`Recorder::submit`].

mod ack;
mod condition;
mod counts;
mod flag_files;
mod intake;
mod late;
mod lookup;
mod options;
mod removal;
mod retention;
mod retirement;
mod saving;
mod scribe;
mod upkeep;
mod watch;
mod writer;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::Instrument as _;

pub use ack::{Ack, Finished, SaveState, Saved};
pub use counts::Counts;
pub use intake::{DecisionRecorded, Intake, Recorded, ReviewDone, Switch};
pub use options::{RecorderOptions, Role, stores_identity};
pub use retention::Retention;
pub use watch::{Change, Seen, TooManyWatched, Watch};

use crate::error::{Error, Result};
use crate::model::{Clock, Event, EventBody, TraceId};
use crate::store::documents::Documents;
use crate::store::index::{Index, Standing};
use crate::store::journal::{Journal, JournalOptions};
use crate::store::live::Live;
use crate::store::{Sealed, Stores};
use late::Late;
use retirement::Retirement;
use saving::Waits;
use scribe::{Errand, Scribe, Task};
use watch::Watches;
use writer::{Job, Writer};

/// How long a record that one store holds waits for the other.
const PATIENCE: Duration = Duration::from_millis(250);

/// After so many waits in vain in a row, nobody waits for that store until it answers again.
const WAITS_IN_VAIN: u32 = 2;

/// Records events. Cheap to clone; all clones are one.
#[derive(Clone, Debug)]
pub struct Recorder {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    stores: Stores,
    journal: Option<Journal>,
    jobs: mpsc::UnboundedSender<Job>,
    scribe: Scribe,
    retirement: Arc<Retirement>,
    watches: Arc<Watches>,
    counts: Arc<Counts>,
    clock: Arc<dyn Clock>,
    options: RecorderOptions,
    journal_waits: AtomicU32,
    database_waits: AtomicU32,
    /// Held by the round that looks after things: there is one at a time.
    looking: tokio::sync::Mutex<()>,
    /// Adopted journals on their way to the index, and how many of them have not been read to their end.
    replays: TaskTracker,
    unread: AtomicUsize,
    shutdown: CancellationToken,
}

impl Recorder {
    /// Opens the stores and starts the tasks that serve them. Stores that are away now may come later.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the journal cannot be set up at all.
    pub fn open(options: RecorderOptions, clock: Arc<dyn Clock>) -> Result<Self> {
        let index = Index::new(&options.database, options.quality).with_calibration(options.calibration);
        let documents = Documents::new(&options.documents, options.quality).sharing(&index);
        let stores = Stores { index, documents, live: Arc::new(Live::default()) };
        let journal = Journal::open(JournalOptions::new(
            options.home.join("journal"),
            stores_identity(&options),
            options.process.clone(),
        ))
        .map_err(|error| Error::Unavailable { what: "the journal", reason: error.to_string() })?;
        let shutdown = CancellationToken::new();
        let retirement = Arc::new(Retirement::default());
        let counts = Arc::new(Counts::default());
        let scribe = Scribe::start(stores.clone(), Arc::clone(&counts), shutdown.clone());
        let watches = Arc::new(Watches::default());
        tokio::spawn(Arc::clone(&watches).run(stores.clone(), shutdown.clone()));
        let (jobs, queue) = mpsc::unbounded_channel();
        let writer = Writer {
            stores: stores.clone(),
            journal: Some(journal.clone()),
            retirement: Arc::clone(&retirement),
            counts: Arc::clone(&counts),
            scribe: scribe.clone(),
            late: Late::new(stores.clone()),
            watches: Arc::clone(&watches),
            jobs: queue,
            shutdown: shutdown.clone(),
        };
        tokio::spawn(writer.run());
        let recorder = Self {
            inner: Arc::new(Inner {
                stores,
                journal: Some(journal),
                jobs,
                scribe,
                retirement,
                watches,
                counts,
                clock,
                options,
                journal_waits: AtomicU32::new(0),
                database_waits: AtomicU32::new(0),
                looking: tokio::sync::Mutex::new(()),
                replays: TaskTracker::new(),
                unread: AtomicUsize::new(0),
                shutdown,
            }),
        };
        upkeep::start(&recorder);
        Ok(recorder)
    }

    /// The stores, for reading.
    #[must_use]
    pub fn stores(&self) -> &Stores {
        &self.inner.stores
    }

    /// The clock.
    #[must_use]
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.inner.clock
    }

    /// The options it was opened with.
    #[must_use]
    pub fn options(&self) -> &RecorderOptions {
        &self.inner.options
    }

    /// Records events of one run, in order. The work goes on if the caller does not wait.
    ///
    /// An event that repeats one recorded before says [`Standing::Duplicate`]; one whose name is taken by other
    /// content says [`Standing::Conflict`], and the first stays.
    ///
    /// # Errors
    /// [`Error::UnknownTrace`] and [`Error::Deleted`] when there is no such run; [`Error::Full`] when it holds as
    /// much as a run may; [`Error::Unavailable`] when no store took the events: retry with the same ids.
    pub async fn submit(&self, trace_id: TraceId, events: Vec<Event>) -> Result<Ack> {
        self.submit_with(trace_id, events, Waits::ForBoth).await
    }

    /// As [`Recorder::submit`], but the journal's word is enough: the database is left to follow by itself, unless it
    /// is required. For whoever has no use for more; a name that another process has taken is found out later.
    ///
    /// # Errors
    /// As [`Recorder::submit`].
    pub async fn submit_to_journal(&self, trace_id: TraceId, events: Vec<Event>) -> Result<Ack> {
        let waits = if self.inner.options.require_database { Waits::ForBoth } else { Waits::ForJournal };
        self.submit_with(trace_id, events, waits).await
    }

    async fn submit_with(&self, trace_id: TraceId, events: Vec<Event>, waits: Waits) -> Result<Ack> {
        let recorder = self.clone();
        let task = tokio::spawn(
            async move { recorder.submit_here(trace_id, events, waits).await }.in_current_span(),
        );
        task.await.unwrap_or_else(|error| {
            Err(Error::Unavailable { what: "the recorder", reason: error.to_string() })
        })
    }

    /// Records events that end with a finish, and waits for the run's document as for another store.
    ///
    /// # Errors
    /// As [`Recorder::submit`]; [`Error::Conflict`] when the run was finished before with other content.
    pub async fn finish(&self, trace_id: TraceId, events: Vec<Event>) -> Result<Finished> {
        let recorder = self.clone();
        let task =
            tokio::spawn(async move { recorder.finish_here(trace_id, events).await }.in_current_span());
        task.await.unwrap_or_else(|error| {
            Err(Error::Unavailable { what: "the recorder", reason: error.to_string() })
        })
    }

    /// Writes the calibration files of a project anew; what cannot be written now follows with the next flag.
    pub async fn write_flag_files(&self, project: &str) {
        if let Err(error) = flag_files::write(&self.inner.stores, project).await {
            tracing::warn!("the calibration files of {project} are not up to date: {error}");
        }
    }

    /// Waits until the database holds everything that was recorded or adopted so far.
    pub async fn settled(&self) {
        while self.inner.unread.load(Ordering::SeqCst) > 0 || self.inner.stores.live.pending() > 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Waits until the database holds everything that this process has recorded, for as long as a write waits for it.
    pub async fn settle(&self) {
        self.wait_for_the_database(|live| live.pending() == 0).await;
    }

    /// Waits until the database holds what this process has recorded of one run, for as long as a write waits for it.
    pub async fn settle_run(&self, trace_id: &TraceId) {
        self.wait_for_the_database(|live| !live.is_pending(trace_id)).await;
    }

    /// Ends orderly: what is on its way gets a moment, and journals that nobody needs go. Nothing depends on it.
    pub async fn close(&self) {
        let inner = &self.inner;
        let quiet = async {
            self.settled().await;
            while !inner.retirement.is_done() {
                inner.retirement.retire(&inner.stores.index, inner.journal.as_ref()).await;
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            inner.replays.close();
            inner.replays.wait().await;
        };
        // What does not make it now is in the journal, and the next process brings it over.
        let _ = tokio::time::timeout(Duration::from_secs(2), quiet).await;
        inner.shutdown.cancel();
        if let Some(journal) = &inner.journal {
            journal.clone().close().await;
        }
        inner.stores.index.close().await;
    }

    async fn submit_here(&self, trace_id: TraceId, events: Vec<Event>, waits: Waits) -> Result<Ack> {
        let begun = Instant::now();
        let answer = self.take(trace_id, events, waits).await;
        self.inner.counts.answered(&answer, begun.elapsed());
        answer
    }

    async fn take(&self, trace_id: TraceId, events: Vec<Event>, waits: Waits) -> Result<Ack> {
        let starts = events.iter().any(|event| matches!(event.body, EventBody::Start(_)));
        let met = self.meet(&trace_id, starts).await?;
        let redactions = events.iter().fold(0_u32, |sum, event| sum.saturating_add(event.redactions));
        let live = &self.inner.stores.live;

        let kinds: Vec<&str> = events.iter().map(|event| event.body.kind()).collect();
        let mut standings: Vec<Option<Standing>> = Vec::with_capacity(events.len());
        let mut fresh: Vec<Arc<Sealed>> = Vec::new();
        for event in events {
            match live.hash(&trace_id, &event.event_id) {
                Some(hash) if hash == event.content_hash => standings.push(Some(Standing::Duplicate)),
                Some(_) => standings.push(Some(Standing::Conflict)),
                None => {
                    standings.push(None);
                    fresh.push(Arc::new(Sealed::new(event)?));
                }
            }
        }
        let (saved, told) = if fresh.is_empty() {
            (
                Saved { journal: SaveState::Saved, database: self.state_of_known(&trace_id), document: None },
                Vec::new(),
            )
        } else {
            self.check_room(&trace_id, &met, &fresh)?;
            self.save(&trace_id, fresh, waits).await?
        };
        let mut told = told.into_iter();
        let standings: Vec<Standing> = standings
            .into_iter()
            .map(|known| known.unwrap_or_else(|| told.next().unwrap_or(Standing::New)))
            .collect();
        if standings.contains(&Standing::Deleted) {
            return Err(Error::Deleted { trace_id });
        }
        for (kind, standing) in kinds.into_iter().zip(&standings) {
            match standing {
                Standing::New => self.inner.counts.event(kind),
                Standing::Duplicate => self.inner.counts.repeated(),
                _ => {}
            }
        }
        Ok(Ack {
            trace_id,
            saved: Some(saved),
            standings,
            unverified: met.unverified,
            late: met.finished,
            redactions,
        })
    }

    async fn finish_here(&self, trace_id: TraceId, events: Vec<Event>) -> Result<Finished> {
        let finish_id = events.last().map(|event| event.event_id.clone());
        let mut ack = self.submit_here(trace_id.clone(), events, Waits::ForBoth).await?;
        if let (Some(Standing::Conflict), Some(event_id)) = (ack.standings.last(), finish_id) {
            return Err(Error::Conflict { trace_id, event_id });
        }
        let stores = &self.inner.stores;
        let project = match stores.live.glimpse(&trace_id).and_then(|glimpse| glimpse.project) {
            Some(project) => Some(project),
            None => self.look_at(&trace_id).await.map(|trace| trace.project),
        };
        let is_indexed = ack.saved.is_some_and(|saved| saved.database == SaveState::Saved);
        let mut written = None;
        if let Some(project) = project {
            let task = Task {
                trace_id: trace_id.clone(),
                project,
                flags: true,
                ahead: !is_indexed,
                errand: Errand::Write,
            };
            let answer = self.inner.scribe.write_and_tell(task);
            if let Ok(Ok(Ok(Some(document)))) = tokio::time::timeout(PATIENCE, answer).await {
                written = Some(document);
            }
        }
        if let Some(saved) = &mut ack.saved {
            let state = if written.is_some() { SaveState::Saved } else { SaveState::Pending };
            self.inner.counts.document(state);
            saved.document = Some(state);
        }
        let trace = match &written {
            Some(document) => Some(document.trace.clone()),
            None => self.look_at(&trace_id).await,
        };
        let flags = trace.as_ref().filter(|_| is_indexed).map(|trace| trace.calibration.flags.clone());
        Ok(Finished {
            ack,
            trace: trace.map(Box::new),
            flags,
            summary: written.as_ref().map(|document| document.summary_address.clone()),
            document: written.map(|document| document.address),
        })
    }
}

/// Writes the calibration files of a project from the flags that the index holds.
///
/// # Errors
/// [`Error::Unavailable`] when database or documents are away.
pub async fn write_flag_files(stores: &Stores, project: &str) -> Result<()> {
    flag_files::write(stores, project).await
}
