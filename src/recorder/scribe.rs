//! Writes the documents of ended runs, several at a time and never two of one run, and goes on trying while their store
//! is away. What was written of a run before it was known to be deleted goes the same way; where the database could not
//! be asked whether it is, it is asked again until it answers.

use std::collections::HashSet;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures::stream::FuturesUnordered;
use futures::{FutureExt as _, StreamExt as _};
use indexmap::IndexMap;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::counts::Counts;
use super::flag_files;
use crate::error::Result;
use crate::model::TraceId;
use crate::store::Stores;
use crate::store::documents::Written;
use crate::store::index::Documented;

/// How often what could not be done is tried again.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// How many documents are written at the same time.
const AT_ONCE: usize = 16;

/// What is to be done about a run's document; what comes later here includes what comes before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Errand {
    /// Remove it if the run was deleted.
    Check,
    /// Write it.
    Write,
    /// Remove it: the run was deleted.
    Remove,
}

/// A run about whose document something is to be done.
#[derive(Clone, Debug)]
pub(super) struct Task {
    pub trace_id: TraceId,
    pub project: String,
    /// Whether the project's calibration files may have to follow.
    pub flags: bool,
    /// Whether the document is not to wait for what the database does not hold yet.
    pub ahead: bool,
    pub errand: Errand,
}

impl Task {
    /// What is to be done for a run of which this was to be done before, and was not.
    fn after(self, before: &Self) -> Self {
        Self {
            flags: self.flags || before.flags,
            ahead: self.ahead || before.ahead,
            errand: self.errand.max(before.errand),
            ..self
        }
    }
}

type Reply = oneshot::Sender<Result<Option<Written>>>;

/// The way to the task that writes.
#[derive(Clone, Debug)]
pub(super) struct Scribe {
    tasks: mpsc::UnboundedSender<(Task, Option<Reply>)>,
}

impl Scribe {
    /// Starts the task.
    pub(super) fn start(stores: Stores, counts: Arc<Counts>, shutdown: CancellationToken) -> Self {
        let (tasks, queue) = mpsc::unbounded_channel();
        tokio::spawn(run(stores, counts, queue, shutdown));
        Self { tasks }
    }

    /// Has a document written when there is time.
    pub(super) fn write(&self, task: Task) {
        // The task ends only with the process.
        let _ = self.tasks.send((task, None));
    }

    /// Has a document written and tells how the first try went.
    pub(super) fn write_and_tell(&self, task: Task) -> oneshot::Receiver<Result<Option<Written>>> {
        let (reply, answer) = oneshot::channel();
        let _ = self.tasks.send((task, Some(reply)));
        answer
    }
}

async fn run(
    stores: Stores,
    counts: Arc<Counts>,
    mut queue: mpsc::UnboundedReceiver<(Task, Option<Reply>)>,
    shutdown: CancellationToken,
) {
    let flag_files = flag_files::keep(stores.clone());
    let mut waiting: IndexMap<TraceId, (Task, Vec<Reply>)> = IndexMap::new();
    let mut under_way: HashSet<TraceId> = HashSet::new();
    let mut writing = FuturesUnordered::new();
    let mut failed = Failed::default();
    let mut retry_at = Instant::now();
    loop {
        counts.documents_wait(failed.runs.len());
        while writing.len() < AT_ONCE
            && let Some((task, replies)) = next(&mut waiting, &under_way)
        {
            under_way.insert(task.trace_id.clone());
            let stores = &stores;
            writing.push(async move {
                let did = run_errand(stores, &task).await;
                Ended { task, replies, did }
            });
        }
        let retry = async {
            if failed.tasks.is_empty() && failed.unchecked.is_empty() {
                std::future::pending::<()>().await;
            } else {
                tokio::time::sleep_until(retry_at).await;
            }
        };
        tokio::select! {
            task = queue.recv() => match task {
                Some(task) => add(&mut waiting, task),
                None => return,
            },
            Some(ended) = writing.next() => {
                let mut ended = vec![ended];
                while let Some(Some(more)) = writing.next().now_or_never() {
                    ended.push(more);
                }
                while !ended.is_empty() {
                    under_way.retain(|trace_id| ended.iter().all(|ended| ended.task.trace_id != *trace_id));
                    let mut since = Vec::new();
                    let mut settled = pin!(settle(&stores, ended, &mut failed, &flag_files));
                    // The others go on meanwhile: they may hold the connections that this waits for.
                    let again = loop {
                        tokio::select! {
                            again = &mut settled => break again,
                            Some(ended) = writing.next() => since.push(ended),
                        }
                    };
                    for task in again {
                        add(&mut waiting, (task, None));
                    }
                    ended = since;
                }
            }
            // One is tried for all: while a store is away, the others would wait for it in vain as well.
            () = retry => {
                retry_at = Instant::now() + RETRY_AFTER;
                for tasks in [&mut failed.tasks, &mut failed.unchecked] {
                    if let Some((_, task)) = tasks.shift_remove_index(0) {
                        add(&mut waiting, (task, None));
                    }
                }
            }
            () = shutdown.cancelled() => {
                while writing.next().await.is_some() {}
                return;
            }
        }
        while let Ok(task) = queue.try_recv() {
            add(&mut waiting, task);
        }
    }
}

/// A task that was done, or could not be.
struct Ended {
    task: Task,
    replies: Vec<Reply>,
    did: Did,
}

/// What became of an errand.
struct Did {
    /// `None` where there is no document now.
    written: Result<Option<Written>>,
    /// Whether the document may hold what the database does not.
    is_ahead: bool,
    /// Whether the database said if the run was deleted.
    is_checked: bool,
}

/// What could not be done.
#[derive(Default)]
struct Failed {
    /// Those that wait for the document store.
    tasks: IndexMap<TraceId, Task>,
    /// Those that were not written since they failed first.
    runs: HashSet<TraceId>,
    /// Those that wait for the database to say whether the run was deleted.
    unchecked: IndexMap<TraceId, Task>,
}

/// The next run whose document nobody is writing.
fn next(
    waiting: &mut IndexMap<TraceId, (Task, Vec<Reply>)>,
    under_way: &HashSet<TraceId>,
) -> Option<(Task, Vec<Reply>)> {
    let place = waiting.keys().position(|trace_id| !under_way.contains(trace_id))?;
    waiting.shift_remove_index(place).map(|(_, next)| next)
}

/// Adds a task to those that wait: to that of the same run where there is one, and before all others where somebody
/// waits for it.
fn add(waiting: &mut IndexMap<TraceId, (Task, Vec<Reply>)>, (task, reply): (Task, Option<Reply>)) {
    let trace_id = task.trace_id.clone();
    let (before, mut replies) = waiting.shift_remove(&trace_id).unwrap_or_else(|| (task.clone(), Vec::new()));
    let is_urgent = reply.is_some() || !replies.is_empty();
    replies.extend(reply);
    let task = task.after(&before);
    let place = if is_urgent { 0 } else { waiting.len() };
    waiting.shift_insert(place, trace_id, (task, replies));
}

/// Tells whoever waits, and the index, what became of documents, and keeps what failed. Gives what is worth another try
/// now: when something works that had failed before, the rest of that does, too.
async fn settle(
    stores: &Stores,
    ended: Vec<Ended>,
    failed: &mut Failed,
    flag_files: &mpsc::UnboundedSender<String>,
) -> Vec<Task> {
    let (mut held, mut is_back, mut is_answered) = (Vec::new(), false, false);
    for Ended { task, replies, did: Did { written, is_ahead, is_checked } } in ended {
        is_back |= task.errand != Errand::Check && written.is_ok() && failed.runs.remove(&task.trace_id);
        is_answered |= task.errand == Errand::Check && is_checked;
        if !is_checked {
            let check = Task { flags: false, ahead: false, errand: Errand::Check, ..task.clone() };
            failed.unchecked.insert(task.trace_id.clone(), check);
        }
        match &written {
            Ok(Some(document)) => {
                // Of one that is ahead the index is told once it has caught up and the document is written again.
                if !is_ahead {
                    held.push(Documented {
                        trace_id: task.trace_id.clone(),
                        revision: document.trace.metadata.revision,
                        path: document.address.clone(),
                        held: document.trace.metadata.events.keys().cloned().collect(),
                    });
                }
                if task.flags {
                    // It ends only with the process.
                    let _ = flag_files.send(task.project.clone());
                }
            }
            Ok(None) => {}
            Err(error) => {
                // Not said each time that it is tried in vain.
                if failed.runs.insert(task.trace_id.clone()) {
                    tracing::warn!(trace_id = %task.trace_id, "the document of trace {} waits: {error}", task.trace_id);
                }
                let task = match failed.tasks.get(&task.trace_id) {
                    Some(before) => task.after(before),
                    None => task,
                };
                failed.tasks.insert(task.trace_id.clone(), task);
            }
        }
        let mut written = Some(written);
        for reply in replies {
            if let Some(written) = written.take() {
                // Nobody may be waiting any more.
                let _ = reply.send(written);
            }
        }
    }
    note(stores, held).await;
    let again = is_back.then_some(&mut failed.tasks).into_iter();
    let again = again.chain(is_answered.then_some(&mut failed.unchecked));
    again.flat_map(|tasks| tasks.drain(..)).map(|(_, task)| task).collect()
}

/// Does what is to be done about one document.
async fn run_errand(stores: &Stores, task: &Task) -> Did {
    let (written, is_ahead) = match task.errand {
        Errand::Check => (Ok(None), false),
        Errand::Write => write(stores, task).await,
        Errand::Remove => {
            return Did { written: remove(stores, task).await, is_ahead: false, is_checked: true };
        }
    };
    if task.errand == Errand::Write && !matches!(written, Ok(Some(_))) {
        return Did { written, is_ahead, is_checked: true };
    }
    // What was read of a run before it was deleted must not bring it back.
    match stores.index.is_deleted(&task.trace_id).await {
        Ok(true) => Did { written: remove(stores, task).await, is_ahead, is_checked: true },
        Ok(false) => Did { written, is_ahead, is_checked: true },
        Err(_) => Did { written, is_ahead, is_checked: false },
    }
}

async fn remove(stores: &Stores, task: &Task) -> Result<Option<Written>> {
    stores.documents.delete(&task.project, &task.trace_id).await.map(|()| None)
}

/// Writes one document from everything that is known of its run, and says whether it may hold what the database does
/// not.
///
/// That is so only where nobody is to wait for the database, or it cannot be read. Otherwise what the database is about
/// to take stays out: the index, which compares events with the document, would call it a repetition.
async fn write(stores: &Stores, task: &Task) -> (Result<Option<Written>>, bool) {
    // Asked first: what is not pending now is among what is stored then.
    let is_pending = stores.live.is_pending(&task.trace_id);
    let (stored, is_ahead) = match stores.index.events(&task.trace_id).await {
        Ok(stored) => (stored, task.ahead && is_pending),
        Err(_) => (Vec::new(), true),
    };
    let live = if is_ahead { stores.live.events(&task.trace_id) } else { Vec::new() };
    (stores.documents.save(&task.project, &task.trace_id, stored.iter().chain(&live)).await, is_ahead)
}

/// Tells the index what the documents hold, and forgets what was at hand for them.
async fn note(stores: &Stores, held: Vec<Documented>) {
    if held.is_empty() {
        return;
    }
    match stores.index.documented(held.clone(), false).await {
        Ok(()) => {
            for document in held {
                stores.live.forget(&document.trace_id, &document.held);
            }
        }
        // The events stay in the database; the next look for undocumented runs finds the document complete.
        Err(error) => tracing::debug!("the index does not know of {} new documents yet: {error}", held.len()),
    }
}
