//! A pipeline in Rust that records its own decisions, with a few lines and without a risk.
//!
//! # In three steps
//!
//! **Wrap the work** in [`traced()`]: one run of the pipeline is one trace. **Record choices** where they are made, on
//! the [`TraceContext`] at hand or on [`TraceContext::current`]. **Say how it went** with
//! [`TraceContext::mark_complete`]. Everything else (ids, times, ends, retries) is taken care of.
//!
//! ```
//! use whytrace::pipeline::{Choice, Finish, Start, Tracer, TraceContext};
//!
//! async fn collect() -> usize {
//!     // Deep in the pipeline, without a handle that was passed on:
//!     TraceContext::current().record(
//!         Choice::new("collection", "source_selection", "exa", "recent and broad")
//!             .confidence(0.9)
//!             .over("google (0.60)"),
//!     );
//!     28
//! }
//!
//! # let home = tempfile::tempdir().unwrap();
//! # tokio::runtime::Runtime::new().unwrap().block_on(async {
//! let tracer = Tracer::at(home.path()); // or `Tracer::global()`, which file and environment configure
//! tracer
//!     .traced(Start::new("cobot", "who builds cobots?").intent("validating"), async |trace| {
//!         let found = trace.stage("collection", collect()).await;
//!         trace.mark_complete(Finish::default().score(2.4).principle("META-12", 1.0));
//!         Ok::<_, std::io::Error>(found)
//!     })
//!     .await?;
//!
//! let run = tracer.query().trace("last").await.unwrap().trace;
//! assert_eq!(run.decisions().count(), 1);
//! assert_eq!(run.quality.gap_principles, ["META-12"]);
//! # tracer.close().await;
//! # Ok::<(), std::io::Error>(())
//! # }).unwrap();
//! ```
//!
//! # What a pipeline can rely on
//!
//! - **No error**: nothing here gives the pipeline an error to handle. What is refused or lost is logged, counted in
//!   the run's document (`run.dropped_events`), and told to whoever awaits the [`Receipt`].
//! - **No wait**: recording puts the event into a queue and returns. [`traced()`] waits, at its end, until that end is
//!   on disk: milliseconds as a rule, two seconds at most, whatever state the database is in. Who wants to know that
//!   an event is on disk awaits its receipt; who wants document and scorecard awaits [`TraceContext::finish`].
//! - **No panic**, and no runtime of the caller's: the recorder has its own thread, and outlives the runtime that
//!   records.
//! - **Bounded memory**: what is on its way has about [`TracerOptions::queue_bytes`] bytes at most.
//! - **Nothing twice**: a store that is away is tried again under the same names.
//!
//! # Tasks
//!
//! [`TraceContext::current`] is known within a task. `tokio::spawn` begins another task, so its future is wrapped:
//! `tokio::spawn(work().in_current_trace())`; see [`InTrace`]. Tasks may record in one run at the same time.
//!
//! # Where it goes
//!
//! To the same stores as the server's: the embedded database, or the Postgres that `WHYTRACE_DATABASE_URL` names.
//! `WHYTRACE_ENABLED=false` switches everything off; then a [`TraceContext`] does nothing and costs nothing.

mod choice;
mod component;
mod conclusion;
mod context;
mod current;
mod engine;
mod error_text;
mod finish;
mod questions;
mod receipt;
mod room;
mod run;
mod start;
mod traced;
mod tracer;
mod worker;

pub use choice::Choice;
pub use component::{ComponentRegistry, DeclaredDecision, Finding, TracingComponent};
pub use conclusion::Conclusion;
pub use context::TraceContext;
pub use current::InTrace;
pub use finish::Finish;
pub use questions::TraceQuery;
pub use receipt::{Acknowledgement, Dropped, Receipt};
pub use start::Start;
pub use traced::traced;
pub use tracer::{Tracer, TracerOptions};
