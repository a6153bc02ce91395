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
//! - [`calibration`], [`statistics`], [`scorecard`], [`diff`], [`words`], [`shown`]: pure functions over the model
//! - [`gate`]: what may enter, and in what form
//! - [`error`]: what can go wrong, by what a caller can do about it
//! - [`demo`]: a history of runs that never were, to look around in
//! - [`store`]: journal, documents and index
//! - [`recorder`] and [`query`]: events in, acknowledgements out; questions in, answers out
//! - [`config`], [`service`], [`maintenance`]: settings, everything put together, keeping stores in agreement
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
//!
//! # A run, from beginning to end
//!
//! ```
//! use serde_json::json;
//! use whytrace::config::{Config, Settings};
//! use whytrace::gate::CallerContext;
//! use whytrace::gate::request::parse;
//! use whytrace::service::Service;
//! use whytrace::store::index::Scope;
//!
//! # let folder = tempfile::tempdir().unwrap();
//! # let home = folder.path().to_owned();
//! # tokio::runtime::Runtime::new().unwrap().block_on(async {
//! let config = Config::load(Settings { home: Some(home), ..Settings::default() }, |_| None)?;
//! let service = Service::open(&config)?;
//! let start = parse(json!({"project": "cobot", "query": "who builds cobots?"}))?;
//! let trace_id = service.intake.start(start, &CallerContext::default()).await?.trace_id;
//! let decision = parse(json!({
//!     "trace_id": trace_id, "stage": "collection", "decision": "source_selection", "what": "exa",
//!     "why": "recent and broad", "confidence": 0.9, "alternatives_considered": ["google (0.60)"],
//! }))?;
//! service.intake.decision(decision).await?;
//! service.intake.finish(parse(json!({"trace_id": trace_id, "score": 2.4}))?).await?;
//!
//! let run = service.query.trace("last", &Scope::All).await?.trace;
//! assert!(whytrace::scorecard::compact(&run).contains("Quality: 2.4/3.0  PASS"));
//! service.close().await;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # }).unwrap();
//! ```

pub mod calibration;
pub mod config;
pub mod demo;
pub mod diff;
pub mod error;
pub mod gate;
pub mod maintenance;
pub mod mcp;
pub mod model;
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

pub use error::Error;
