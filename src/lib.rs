//! Records **why** an agent's run went as it did, and answers questions about it.
//!
//! An agent or a pipeline reports its decisions as it makes them: what was chosen, why, how sure it was, what else
//! was on the table. whytrace keeps them in JSON documents and a database, and answers: what did this run decide,
//! where did it leave the way of a good one, which principle keeps failing. The program of the same name serves
//! this over the Model Context Protocol; this is the library under it.
//!
//! # Layers
//!
//! Each module knows only those above it:
//!
//! - [`model`]: pure values, and how [events](model::Event) become a [trace](model::Trace)
//! - [`metrics`]: counters, and the text in which Prometheus reads them
//! - [`advice`], [`calibration`], [`statistics`], [`scorecard`], [`diff`], [`diagnose`], [`words`], [`shown`]: pure
//!   functions over the model
//! - [`gate`]: what may enter, and in what form
//! - [`error`]: what can go wrong, by what a caller can do about it
//! - [`demo`]: a history of runs that never were, to look around in
//! - [`store`]: journal, documents and index
//! - [`access`]: tokens, and who may do what
//! - [`recorder`] and [`query`]: events in, acknowledgements out; questions in, answers out
//! - [`config`], [`service`], [`maintenance`]: settings, everything put together, keeping stores in agreement
//! - [`pipeline`]: a Rust pipeline that records its own decisions
//! - [`view`]: what is stored as the data that answers carry
//! - [`mcp`] and [`transport`]: the protocol
//!
//! # What holds
//!
//! - `model` and the pure modules do no IO, read no clock but the one passed in, and never wait.
//! - A trace is a function of the *set* of its events: order of arrival and repetition do not matter.
//! - What is acknowledged is on disk in at least one store before the acknowledgement.
//! - What the index holds of a finished run can be rebuilt from its document.
//! - Secrets are taken out before anything is written.
//! - Nothing that a pipeline calls gives it an error, a panic or a wait, save the bounded one of its run's end.
//!
//! # A pipeline that traces itself
//!
//! [`pipeline`] is the manual; this is the shortest one:
//!
//! ```
//! use whytrace::{Choice, Finish, Start, Tracer};
//!
//! # let home = tempfile::tempdir().unwrap();
//! # tokio::runtime::Runtime::new().unwrap().block_on(async {
//! let tracer = Tracer::at(home.path()); // or `Tracer::global()`, which file and environment configure
//! let found = tracer
//!     .traced(Start::new("cobot", "who builds cobots?").intent("validating"), async |trace| {
//!         trace.record(
//!             Choice::new("collection", "source_selection", "exa", "recent and broad")
//!                 .confidence(0.9)
//!                 .over("google (0.60)"),
//!         );
//!         trace.mark_complete(Finish::default().score(2.4).principle("META-12", 1.0));
//!         Ok::<_, std::io::Error>(28)
//!     })
//!     .await?;
//!
//! let run = tracer.query().trace("last").await.unwrap().trace;
//! assert!(whytrace::scorecard::compact(&run).contains("Quality: 2.4/3.0  PASS"));
//! # assert_eq!(found, 28);
//! # tracer.close().await;
//! # Ok::<(), std::io::Error>(())
//! # }).unwrap();
//! ```
//!
//! A server of your own, or requests that are not a pipeline's, start from [`service::Service`].

pub mod access;
pub mod advice;
pub mod calibration;
pub mod config;
pub mod demo;
pub mod diagnose;
pub mod diff;
pub mod error;
pub mod gate;
pub mod maintenance;
pub mod mcp;
pub mod metrics;
pub mod model;
pub mod pipeline;
pub mod query;
pub mod recorder;
pub mod scorecard;
pub mod service;
pub mod shown;
pub mod statistics;
pub mod store;
pub mod transport;
pub mod view;
pub mod words;

pub use config::Config;
pub use error::Error;
pub use model::{Evidence, Prompt, Trace, TraceId};
pub use pipeline::{
    Acknowledgement, Choice, ComponentRegistry, Conclusion, DeclaredDecision, Finish, InTrace, Receipt,
    Start, TraceContext, TraceQuery, Tracer, TracerOptions, TracingComponent, traced,
};

/// The README's Rust, held to compile.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}
