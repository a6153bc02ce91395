//! What a pipeline gets for what it records: a receipt at once, an acknowledgement when it wants to wait for it.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::sync::oneshot;

use crate::error::Error;
use crate::recorder::Saved;

/// For one event that is on its way. Dropping it changes nothing; awaiting it, on any runtime, gives the
/// [`Acknowledgement`].
#[derive(Debug)]
pub struct Receipt {
    id: String,
    answer: Answer,
}

#[derive(Debug)]
enum Answer {
    Known(Acknowledgement),
    Awaited(oneshot::Receiver<Acknowledgement>),
}

/// What became of an event. It is no `Result`: a pipeline has nothing to hand on here.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Acknowledgement {
    /// It is on disk in at least one store. Where the database had not answered by then (`saved` says so), it may yet
    /// prove that another process had taken the id for other content; then that stays, and this is kept aside.
    #[non_exhaustive]
    Saved {
        /// In which.
        saved: Saved,
        /// Whether it was recorded before, under the same id with the same content.
        duplicate: bool,
        /// Whether the run had ended before.
        late: bool,
    },
    /// It is not as it must be, or its run cannot take it: nothing is stored of it.
    Rejected(Arc<Error>),
    /// It is lost, and counted in the run's document: there was no room in the queue, or no store took it.
    Dropped(Dropped),
    /// Nothing is recorded: the trace is disabled.
    Off,
}

/// Why an event was lost.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Dropped {
    /// The queue was full, and stayed so.
    QueueFull,
    /// No store took it, although it was tried again for half a minute.
    NoStore(String),
    /// The recorder could not be opened, or was closed.
    Closed(String),
}

impl Acknowledgement {
    /// Whether it is on disk.
    #[must_use]
    pub fn is_saved(&self) -> bool {
        matches!(self, Self::Saved { .. })
    }

    /// Whether it is lost or refused.
    #[must_use]
    pub fn is_missing(&self) -> bool {
        matches!(self, Self::Rejected(_) | Self::Dropped(_))
    }
}

impl fmt::Display for Dropped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::QueueFull => f.write_str("the recorder's queue is full"),
            Self::NoStore(reason) => write!(f, "no store took it: {reason}"),
            Self::Closed(reason) => write!(f, "there is no recorder: {reason}"),
        }
    }
}

impl Receipt {
    pub(super) fn awaited(id: String, answer: oneshot::Receiver<Acknowledgement>) -> Self {
        Self { id, answer: Answer::Awaited(answer) }
    }

    pub(super) fn off() -> Self {
        Self { id: String::new(), answer: Answer::Known(Acknowledgement::Off) }
    }

    /// The name of the event in its run, by which a decision's result is reported later; empty when the trace is
    /// disabled.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }
}

impl Future for Receipt {
    type Output = Acknowledgement;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Acknowledgement> {
        let answer = match &mut self.answer {
            Answer::Known(known) => return Poll::Ready(known.clone()),
            Answer::Awaited(answer) => match Pin::new(answer).poll(context) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(answer) => answer,
            },
        };
        let known =
            answer.unwrap_or_else(|_| Acknowledgement::Dropped(Dropped::Closed("it was closed".to_owned())));
        self.answer = Answer::Known(known.clone());
        Poll::Ready(known)
    }
}
