//! Records **why** an agent's run went as it did, and answers questions about it.
pub mod diff;
pub mod gate;
pub mod model;
pub mod scorecard;
pub mod store;
pub mod transport;
