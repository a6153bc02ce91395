//! The one task of a process that writes to the index.
//!
//! What queues up while one transaction runs goes into the next one together (group commit). What the database
//! refuses waits and is tried again until it is taken; nobody waits for that but those who asked to. A run whose
//! events the database will never take is set apart, so that it holds up no other: its events stay in the journal.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

use super::counts::Counts;
use super::late::Late;
use super::retirement::Retirement;
use super::scribe::{Errand, Scribe, Task};
use super::watch::Watches;
use crate::error::{Error, Result};
use crate::model::{EventBody, TraceId};
use crate::store::index::{Batch, Standing, TraceOutcome};
use crate::store::journal::{Journal, Position};
use crate::store::{Sealed, Stores};

/// The most events that go into one transaction.
const EVENTS_AT_ONCE: usize = 4_096;

/// How often a database that is away is tried again.
const RETRY_AFTER: Duration = Duration::from_millis(500);

/// How often a run that fails on its own is tried before it is set apart.
const TRIES_ALONE: u32 = 5;

/// Events of one run on their way to the index.
pub(super) struct Job {
    pub trace_id: TraceId,
    pub events: Vec<Arc<Sealed>>,
    /// Where the journal holds them, once it does.
    pub positions: Arc<OnceLock<Vec<Position>>>,
    /// Told at the first try, whatever it says.
    pub first: Option<oneshot::Sender<Result<Vec<Standing>>>>,
    /// Told when the database holds them for good.
    pub finally: Option<oneshot::Sender<()>>,
    /// How often it failed while others did not.
    pub failures: u32,
}

/// The task, before it runs.
pub(super) struct Writer {
    pub stores: Stores,
    pub journal: Option<Journal>,
    pub retirement: Arc<Retirement>,
    pub counts: Arc<Counts>,
    pub scribe: Scribe,
    pub late: Late,
    pub watches: Arc<Watches>,
    pub jobs: mpsc::UnboundedReceiver<Job>,
    pub shutdown: CancellationToken,
}

impl Writer {
    /// Runs until shut down, or until nobody can send any more.
    pub(super) async fn run(mut self) {
        let mut waiting: VecDeque<Job> = VecDeque::new();
        let mut is_away = false;
        loop {
            if waiting.is_empty() || is_away {
                let retry = async {
                    if is_away {
                        tokio::time::sleep(RETRY_AFTER).await;
                    } else {
                        std::future::pending::<()>().await;
                    }
                };
                tokio::select! {
                    job = self.jobs.recv() => match job {
                        Some(job) => waiting.push_back(job),
                        None => return,
                    },
                    jobs = self.late.back() => waiting.extend(jobs),
                    () = retry => {}
                    () = self.shutdown.cancelled() => return,
                }
            }
            while let Ok(job) = self.jobs.try_recv() {
                waiting.push_back(job);
            }
            is_away = !self.write_some(&mut waiting).await;
        }
    }

    /// Writes as much as fits into one transaction; says whether the database took it.
    async fn write_some(&mut self, waiting: &mut VecDeque<Job>) -> bool {
        let mut jobs = Vec::new();
        let mut events = 0;
        while let Some(job) = waiting.pop_front() {
            events += job.events.len();
            jobs.push(job);
            if events >= EVENTS_AT_ONCE {
                break;
            }
        }
        let Err((error, mut jobs)) = self.write_together(jobs).await else { return true };
        if jobs.len() > 1 && self.stores.index.probe().await.is_ok() {
            // The database is there, so one of them is to blame: each by itself, in order.
            let mut failed = Vec::new();
            for job in jobs {
                if let Err((error, jobs)) = self.write_together(vec![job]).await {
                    failed.extend(jobs.into_iter().map(|job| (error.to_string(), job)));
                }
            }
            self.keep_or_park(failed, waiting);
            return true;
        }
        if jobs.len() == 1 && self.stores.index.probe().await.is_ok() {
            let failed = jobs.drain(..).map(|job| (error.to_string(), job)).collect();
            self.keep_or_park(failed, waiting);
            return false;
        }
        for mut job in jobs.into_iter().rev() {
            if let Some(first) = job.first.take() {
                // Nobody may be waiting any more.
                let _ =
                    first.send(Err(Error::Unavailable { what: "the database", reason: error.to_string() }));
            }
            waiting.push_front(job);
        }
        false
    }

    fn keep_or_park(&mut self, failed: Vec<(String, Job)>, waiting: &mut VecDeque<Job>) {
        for (reason, mut job) in failed.into_iter().rev() {
            job.failures += 1;
            if let Some(first) = job.first.take() {
                let _ = first.send(Err(Error::Unavailable { what: "the database", reason: reason.clone() }));
            }
            if job.failures < TRIES_ALONE {
                waiting.push_front(job);
            } else {
                self.late.forget(&job.trace_id);
                tracing::error!(
                    trace_id = %job.trace_id, events = job.events.len(),
                    "events of trace {} cannot be indexed and stay in the journal: {reason}", job.trace_id
                );
            }
        }
    }

    async fn write_together(&mut self, jobs: Vec<Job>) -> Result<(), (Error, Vec<Job>)> {
        let durable = self.journal.as_ref().is_none_or(|journal| !journal.is_healthy());
        let mut order: Vec<TraceId> = Vec::new();
        let mut batches: HashMap<TraceId, Batch> = HashMap::new();
        for job in &jobs {
            let batch = batches.entry(job.trace_id.clone()).or_insert_with(|| {
                order.push(job.trace_id.clone());
                Batch { trace_id: job.trace_id.clone(), events: Vec::new(), document: None }
            });
            batch.events.extend(job.events.iter().cloned());
        }
        let batches: Vec<Batch> = order.iter().filter_map(|id| batches.remove(id)).collect();
        let (mut standings, lacking) = match self.record(batches, durable).await {
            Ok(recorded) => recorded,
            Err(error) => return Err((error, jobs)),
        };
        let (mut unready, jobs): (Vec<Job>, Vec<Job>) =
            jobs.into_iter().partition(|job| lacking.contains(&job.trace_id));
        for first in unready.iter_mut().filter_map(|job| job.first.take()) {
            let reason = "it is asked for the run's document, and the event follows".to_owned();
            let _ = first.send(Err(Error::Unavailable { what: super::late::WHAT, reason }));
        }
        self.late.fetch(unready);
        jobs.iter().for_each(|job| self.late.forget(&job.trace_id));
        self.watches.touch(jobs.iter().map(|job| &job.trace_id));
        for mut job in jobs {
            let of_run = standings.entry(job.trace_id.clone()).or_default();
            let mine: Vec<Standing> = of_run.drain(..job.events.len().min(of_run.len())).collect();
            self.stores.live.settle(&job.trace_id, &job.events);
            let events = job.events.iter().zip(&mine);
            let taken: Vec<Arc<Sealed>> = events
                .filter(|(_, standing)| **standing == Standing::Conflict)
                .map(|(event, _)| Arc::clone(event))
                .collect();
            if !taken.is_empty() {
                self.stores.live.disown(&job.trace_id, &taken);
            }
            if mine.contains(&Standing::Deleted) {
                self.drop_deleted(&job.trace_id);
            }
            if let Some(first) = job.first.take() {
                let _ = first.send(Ok(mine));
            }
            self.retirement.held(Arc::clone(&job.positions), job.finally.take());
        }
        Ok(())
    }

    /// Forgets a run that was deleted, and has its document removed: it may have been written while the database, which
    /// alone knows of the deletion, was away.
    fn drop_deleted(&self, trace_id: &TraceId) {
        let live = &self.stores.live;
        if let Some(project) = live.glimpse(trace_id).and_then(|glimpse| glimpse.project) {
            let trace_id = trace_id.clone();
            self.scribe.write(Task { trace_id, project, flags: false, ahead: false, errand: Errand::Remove });
        }
        live.drop_run(trace_id);
    }

    /// Records batches, with the documents of those runs that need them, and passes ended runs on. Says also which runs
    /// lack a document that is not had at once; of those nothing is recorded.
    async fn record(
        &mut self,
        mut batches: Vec<Batch>,
        durable: bool,
    ) -> Result<(HashMap<TraceId, VecDeque<Standing>>, HashSet<TraceId>)> {
        let (mut standings, mut lacking) = (HashMap::new(), HashSet::new());
        for _ in 0..8 {
            let outcomes = self.stores.index.record(batches.clone(), durable).await?;
            let mut behind = Vec::new();
            for (batch, outcome) in batches.into_iter().zip(outcomes) {
                match outcome {
                    TraceOutcome::Recorded { standings: of_run, finished, announcements } => {
                        self.counts.flags_announced(announcements.len());
                        for line in announcements {
                            tracing::warn!(target: "whytrace::calibration", trace_id = %batch.trace_id, "{line}");
                        }
                        standings.insert(batch.trace_id.clone(), of_run.into());
                        if let Some(trace) = finished {
                            let is_new =
                                batch.events.iter().any(|event| matches!(event.body, EventBody::Finish(_)));
                            self.scribe.write(Task {
                                trace_id: trace.trace_id.clone(),
                                project: trace.project.clone(),
                                flags: is_new,
                                ahead: false,
                                errand: Errand::Write,
                            });
                        }
                    }
                    TraceOutcome::NeedsDocument { revision } => behind.push((batch, revision)),
                }
            }
            let wanted = behind.iter().map(|(batch, revision)| (batch.trace_id.clone(), *revision)).collect();
            let documents = self.late.documents(wanted).await;
            let mut again = Vec::new();
            for ((batch, _), document) in behind.into_iter().zip(documents) {
                match document {
                    Ok(document) => again.push(Batch { document, ..batch }),
                    Err(Error::Unavailable { .. }) => drop(lacking.insert(batch.trace_id)),
                    Err(error) => return Err(error),
                }
            }
            if again.is_empty() {
                return Ok((standings, lacking));
            }
            batches = again;
        }
        Err(Error::Unavailable {
            what: "the database",
            reason: "a document changes faster than it can be read".to_owned(),
        })
    }
}
