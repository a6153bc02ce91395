//! Writes the documents of ended runs, and goes on trying while their folder is away.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::counts::Counts;
use crate::error::Result;
use crate::model::TraceId;
use crate::store::Stores;
use crate::store::documents::Written;
use crate::store::index::Documented;

/// How often documents that could not be written are tried again.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// How many documents are written at the same time.
const AT_ONCE: usize = 8;

/// A run whose document is to be written.
#[derive(Clone, Debug)]
pub(super) struct Task {
    pub trace_id: TraceId,
    pub project: String,
    /// Whether the project's calibration files may have to follow.
    pub flags: bool,
    /// Whether the document is not to wait for what the database does not hold yet.
    pub ahead: bool,
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
    let stores = Arc::new(stores);
    let mut failed: HashMap<TraceId, Task> = HashMap::new();
    let mut retry_at = Instant::now();
    loop {
        let mut tasks: HashMap<TraceId, (Task, Vec<Reply>)> = HashMap::new();
        let retry = async {
            if failed.is_empty() {
                std::future::pending::<()>().await;
            } else {
                tokio::time::sleep_until(retry_at).await;
            }
        };
        tokio::select! {
            task = queue.recv() => match task {
                Some(task) => add(&mut tasks, task),
                None => return,
            },
            () = retry => tasks.extend(failed.drain().map(|(id, task)| (id, (task, Vec::new())))),
            () = shutdown.cancelled() => return,
        }
        while let Ok(task) = queue.try_recv() {
            add(&mut tasks, task);
        }
        let waited = failed.len();
        write_all(&stores, tasks, &mut failed).await;
        counts.documents_wait(failed.len());
        if failed.len() != waited {
            retry_at = Instant::now() + RETRY_AFTER;
        }
    }
}

fn add(tasks: &mut HashMap<TraceId, (Task, Vec<Reply>)>, (task, reply): (Task, Option<Reply>)) {
    let place = tasks.entry(task.trace_id.clone()).or_insert_with(|| (task.clone(), Vec::new()));
    place.0.flags |= task.flags;
    place.0.ahead |= task.ahead;
    place.1.extend(reply);
}

async fn write_all(
    stores: &Arc<Stores>,
    tasks: HashMap<TraceId, (Task, Vec<Reply>)>,
    failed: &mut HashMap<TraceId, Task>,
) {
    let mut writing = futures::stream::iter(tasks.into_values().map(|(task, replies)| {
        let stores = Arc::clone(stores);
        async move {
            let (written, is_ahead) = write_one(&stores, &task).await;
            (task, replies, written, is_ahead)
        }
    }))
    .buffer_unordered(AT_ONCE);
    let mut held = Vec::new();
    let mut projects = Vec::new();
    while let Some((task, replies, written, is_ahead)) = writing.next().await {
        match &written {
            Ok(Some(document)) => {
                // Of one that is ahead the index is told once it has caught up and the document is written again.
                if !is_ahead {
                    held.push(Documented {
                        trace_id: task.trace_id.clone(),
                        revision: document.trace.metadata.revision,
                        path: document.path.display().to_string(),
                        held: document.trace.metadata.events.keys().cloned().collect(),
                    });
                }
                if task.flags && !projects.contains(&task.project) {
                    projects.push(task.project.clone());
                }
            }
            Ok(None) => {}
            Err(error) => {
                tracing::warn!(trace_id = %task.trace_id, "the document of trace {} waits: {error}", task.trace_id);
                failed.insert(task.trace_id.clone(), task);
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
    for project in projects {
        if let Err(error) = super::flag_files::write(stores, &project).await {
            tracing::debug!("the calibration files of {project} wait for the next flag: {error}");
        }
    }
}

/// Writes one document from everything that is known of its run, and says whether it may hold what the database does
/// not.
///
/// That is so only where nobody is to wait for the database, or it cannot be read. Otherwise what the database is about
/// to take stays out: the index, which compares events with the document, would call it a repetition.
async fn write_one(stores: &Stores, task: &Task) -> (Result<Option<Written>>, bool) {
    // Asked first: what is not pending now is among what is stored then.
    let is_pending = stores.live.is_pending(&task.trace_id);
    let (stored, is_ahead) = match stores.index.events(&task.trace_id).await {
        Ok(stored) => (stored, task.ahead && is_pending),
        Err(_) => (Vec::new(), true),
    };
    let live = if is_ahead { stores.live.events(&task.trace_id) } else { Vec::new() };
    let written = stores.documents.save(&task.project, &task.trace_id, stored.iter().chain(&live)).await;
    (written, is_ahead)
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
