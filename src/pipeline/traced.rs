//! A run around a piece of work: begun before it, ended after it, however it ends.

use std::any::Any;
use std::fmt::Display;
use std::panic::{AssertUnwindSafe, resume_unwind};

use futures::FutureExt as _;

use super::context::TraceContext;
use super::finish::Finish;
use super::start::Start;
use super::tracer::Tracer;

/// Runs a piece of work as one run of the process's [tracer](Tracer::global), and gives what it gives.
///
/// | the work | the run | and |
/// |---|---|---|
/// | gives `Ok` | is complete, unless the work marked it otherwise | the value is passed on |
/// | gives `Err` | is failed, with the error's text | the error is passed on unchanged |
/// | panics | is failed, with the panic's message | the panic goes on |
/// | is dropped | is incomplete | nothing is waited for |
/// | is disabled | does not exist | the work runs all the same |
///
/// What is waited for is that the run's end is on disk: milliseconds as a rule, two seconds at most. Its document and
/// its rows in the database follow by themselves; a program that ends right afterwards waits for them with
/// [`Tracer::close`], else the next one that records there brings them over.
///
/// ```
/// use whytrace::pipeline::{Choice, Finish, Start, Tracer, traced};
///
/// # let home = tempfile::tempdir().unwrap();
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// # Tracer::set_global(Tracer::at(home.path()));
/// let found = traced(Start::new("cobot", "who builds cobots?"), async |trace| {
///     trace.record(Choice::new("collection", "source_selection", "exa", "recent and broad").confidence(0.9));
///     trace.mark_complete(Finish::default().score(2.4));
///     Ok::<_, std::io::Error>(28)
/// })
/// .await?;
/// assert_eq!(found, 28);
/// # assert_eq!(Tracer::global().query().trace("last").await.unwrap().trace.status().as_str(), "complete");
/// # Tracer::global().close().await;
/// # Ok::<(), std::io::Error>(())
/// # }).unwrap();
/// ```
///
/// # Errors
/// Those of the work.
///
/// # Panics
/// When the work does.
pub async fn traced<T, E: Display>(
    start: Start,
    work: impl AsyncFnOnce(TraceContext) -> Result<T, E>,
) -> Result<T, E> {
    Tracer::global().traced(start, work).await
}

impl Tracer {
    /// As [`traced()`], with this tracer.
    ///
    /// # Errors
    /// Those of the work.
    ///
    /// # Panics
    /// When the work does.
    pub async fn traced<T, E: Display>(
        &self,
        start: Start,
        work: impl AsyncFnOnce(TraceContext) -> Result<T, E>,
    ) -> Result<T, E> {
        let trace = self.begin(start);
        let end = EndWhenDropped(trace.clone());
        // What a plain closure does before it gives its future is a part of the work too.
        let work = async { work(trace.clone()).await };
        let ended = AssertUnwindSafe(trace.scope(work)).catch_unwind().await;
        match &ended {
            Ok(Ok(_)) if !trace.has_mark() => trace.mark_complete(Finish::default()),
            Ok(Ok(_)) => {}
            Ok(Err(error)) => trace.mark_failed(error),
            Err(panic) => trace.mark_failed(&format!("panicked: {}", message(panic.as_ref()))),
        }
        trace.finish_on_disk().await;
        drop(end);
        ended.unwrap_or_else(|panic| resume_unwind(panic))
    }
}

/// Ends a run whose work is dropped; does nothing where it has ended.
struct EndWhenDropped(TraceContext);

impl Drop for EndWhenDropped {
    fn drop(&mut self) {
        if !self.0.has_mark() {
            self.0.mark_incomplete("its work was dropped before it ended");
        }
        self.0.finish_soon();
    }
}

fn message(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("with something that is no text")
}
