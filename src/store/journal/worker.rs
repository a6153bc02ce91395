//! The thread that does all file work of a journal, and the jobs it is given.
//!
//! Group commit: whatever appends lie in the queue are written and flushed as one, then all are answered. The
//! thread ends when it is told to close, or when the last handle of the journal is gone.

use std::sync::Arc;

use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::{OwnedSemaphorePermit, oneshot, watch};

use super::writer::Writer;
use super::{JournalError, JournalStats, Position};

/// What the thread can be asked for.
pub(super) enum Job {
    Append(Append),
    Release(Vec<Position>),
    Renew,
    /// Answered when it has been tried.
    TryAgain(oneshot::Sender<()>),
    /// Answered with whether a file was removed.
    RetireIfIdle(oneshot::Sender<bool>),
    /// Answered when all files are closed.
    Close(oneshot::Sender<()>),
}

/// Records that somebody waits for.
pub(super) struct Append {
    pub(super) records: Vec<Vec<u8>>,
    pub(super) reply: oneshot::Sender<Result<Vec<Position>, JournalError>>,
    /// The room these records take in the queue.
    pub(super) room: OwnedSemaphorePermit,
}

/// Does the jobs in order until the end.
pub(super) fn run(mut writer: Writer, mut jobs: UnboundedReceiver<Job>, stats: &watch::Sender<JournalStats>) {
    while let Some(first) = jobs.blocking_recv() {
        let turn = Turn::gather(first, &mut jobs);
        commit(&mut writer, turn.appends, stats);
        // Behind the answers, as nobody waits for a file to be removed.
        writer.release(&turn.released);
        publish(&writer, stats);
        match turn.last {
            None => {}
            Some(Last::Renew) => {
                writer.renew();
                publish(&writer, stats);
            }
            Some(Last::TryAgain(reply)) => {
                writer.try_again();
                publish(&writer, stats);
                let _ = reply.send(());
            }
            Some(Last::RetireIfIdle(reply)) => {
                let retired = writer.retire_if_idle();
                publish(&writer, stats);
                // Who asked may have gone; the work is done all the same.
                let _ = reply.send(retired);
            }
            Some(Last::Close(reply)) => {
                drop(jobs);
                writer.finish();
                stats.send_replace(JournalStats::default());
                let _ = reply.send(());
                return;
            }
        }
    }
    writer.finish();
}

/// Writes the appends as one and answers each.
fn commit(writer: &mut Writer, appends: Vec<Append>, stats: &watch::Sender<JournalStats>) {
    let records: Vec<&[u8]> = appends.iter().flat_map(|append| &append.records).map(Vec::as_slice).collect();
    let mut written = writer.commit(&records).map(Vec::into_iter).map_err(Arc::new);
    // Before the answers, so that who was refused sees why.
    publish(writer, stats);
    for Append { records, reply, room } in appends {
        let answer = match &mut written {
            Ok(positions) => Ok(positions.by_ref().take(records.len()).collect()),
            Err(source) => {
                Err(JournalError::Write { dir: writer.dir().to_owned(), source: Arc::clone(source) })
            }
        };
        drop((records, room));
        if let Err(Ok(positions)) = reply.send(answer) {
            stats.send_modify(|stats| stats.unclaimed += positions.len());
        }
    }
}

fn publish(writer: &Writer, stats: &watch::Sender<JournalStats>) {
    stats.send_modify(|stats| *stats = JournalStats { unclaimed: stats.unclaimed, ..writer.stats() });
}

/// What can be done in one go: all that lies in the queue, up to a job that needs the others done first.
#[derive(Default)]
struct Turn {
    appends: Vec<Append>,
    released: Vec<Position>,
    last: Option<Last>,
}

enum Last {
    Renew,
    TryAgain(oneshot::Sender<()>),
    RetireIfIdle(oneshot::Sender<bool>),
    Close(oneshot::Sender<()>),
}

impl Turn {
    fn gather(first: Job, jobs: &mut UnboundedReceiver<Job>) -> Self {
        let mut turn = Self::default();
        let mut next = Some(first);
        while let Some(job) = next {
            match job {
                Job::Append(append) => turn.appends.push(append),
                Job::Release(positions) => turn.released.extend(positions),
                Job::Renew => turn.last = Some(Last::Renew),
                Job::TryAgain(reply) => turn.last = Some(Last::TryAgain(reply)),
                Job::RetireIfIdle(reply) => turn.last = Some(Last::RetireIfIdle(reply)),
                Job::Close(reply) => turn.last = Some(Last::Close(reply)),
            }
            next = if turn.last.is_none() { jobs.try_recv().ok() } else { None };
        }
        turn
    }
}
