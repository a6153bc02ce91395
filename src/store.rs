//! Stores.
pub mod disk;
pub mod journal;
