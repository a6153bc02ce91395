//! Records **why** an agent's run went as it did, and answers questions about it.
pub mod calibration;
pub mod gate;
pub mod model;
pub mod statistics;
pub mod store;
pub mod transport;
