//! Records **why** an agent's run went as it did, and answers questions about it.
pub mod calibration;
pub mod config;
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
pub mod words;

pub use error::Error;
