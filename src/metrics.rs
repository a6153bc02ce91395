//! Counters that cost nothing measurable to raise, and the text in which Prometheus reads them.
//!
//! Whoever does a thing counts it: the recorder what it records, the tools their calls, HTTP its requests. Each of
//! them writes what it counted into an [`Exposition`], so that a metric's name, help and counter stand in one place.
//! Labels are fixed words of this program, never ids, projects or anything else that a client chose, so that the
//! number of time series is known when the program is compiled.

mod counter;
mod exposition;
mod histogram;

pub use counter::{Counter, Tally};
pub use exposition::{Exposition, Kind, Samples};
pub use histogram::Histogram;
