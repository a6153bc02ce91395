//! What a Rust pipeline is promised when it traces itself, one test a promise.
//!
//! - [`endings`]: however the work ends, its run does too
//! - [`tasks`]: the current run within a task and across tasks
//! - [`bounds`]: no error, no panic, no wait; what does not fit is counted
//! - [`outages`]: stores that are away, and what follows when they are back
//! - [`declared`]: components and what they declare
//! - [`example`]: the pipeline in `examples/`

mod bounds;
mod declared;
mod endings;
mod example;
mod outages;
mod tasks;

use std::sync::Arc;

use whytrace::model::Trace;
use whytrace::pipeline::{Choice, Start, Tracer};

/// A run of project `p`.
fn start() -> Start {
    Start::new("p", "why?").intent("i")
}

/// A decision called `what`.
fn choice(what: impl std::fmt::Display) -> Choice {
    Choice::new("s", "k", what.to_string(), "because").confidence(0.5).over("other (0.4)")
}

/// The latest run.
async fn last(tracer: &Tracer) -> Trace {
    tracer.query().trace("last:p").await.unwrap().trace
}

/// What a run decided, in order.
fn decided(trace: &Trace) -> Vec<String> {
    trace.decisions().map(|(_, decision)| decision.what.clone()).collect()
}

/// An error that can be recognised as the same one.
#[derive(Debug, Clone)]
struct Broken(Arc<str>);

impl std::fmt::Display for Broken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}
