//! The run that a task works for, known without being passed on.
//!
//! A task-local holds it within [`TraceContext::scope`]. A task that is spawned is another task and has none, unless
//! its future is wrapped first: [`InTrace`] does that.

use std::future::Future;

use tokio::task::futures::TaskLocalFuture;

use super::TraceContext;

tokio::task_local! {
    static CURRENT: TraceContext;
}

impl TraceContext {
    /// The run that this task works for; a disabled trace where it works for none.
    #[must_use]
    pub fn current() -> Self {
        CURRENT.try_with(Clone::clone).unwrap_or_default()
    }

    /// Runs a future within this run: there [`TraceContext::current`] gives it.
    pub fn scope<F: Future>(&self, future: F) -> TaskLocalFuture<Self, F> {
        CURRENT.scope(self.clone(), future)
    }

    /// Runs a closure within this run, as for `spawn_blocking`.
    pub fn sync_scope<R>(&self, closure: impl FnOnce() -> R) -> R {
        CURRENT.sync_scope(self.clone(), closure)
    }
}

/// Carries the current run over `tokio::spawn`.
///
/// A spawned task does not inherit its parent's run:
///
/// ```
/// use whytrace::pipeline::{InTrace, Start, TraceContext, Tracer};
///
/// # let home = tempfile::tempdir().unwrap();
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// # let tracer = Tracer::at(home.path());
/// let trace = tracer.begin(Start::new("cobot", "who builds cobots?"));
/// trace
///     .scope(async {
///         let lost = tokio::spawn(async { TraceContext::current().is_enabled() });
///         let carried = tokio::spawn(async { TraceContext::current().is_enabled() }.in_current_trace());
///         assert!(!lost.await.unwrap());
///         assert!(carried.await.unwrap());
///     })
///     .await;
/// # tracer.close().await;
/// # });
/// ```
pub trait InTrace: Future + Sized {
    /// This future, in the run that the task works for now.
    fn in_current_trace(self) -> TaskLocalFuture<TraceContext, Self> {
        self.in_trace(&TraceContext::current())
    }

    /// This future, in a run.
    fn in_trace(self, trace: &TraceContext) -> TaskLocalFuture<TraceContext, Self> {
        trace.scope(self)
    }
}

impl<F: Future> InTrace for F {}
