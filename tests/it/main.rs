//! Integration tests, in one binary: the crate and its program as their users meet them.
//!
//! `scripts/test.sh` runs them, with a Postgres started for them. What several of them need lies in [`support`].
#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "clippy lets tests panic, but not the functions that they share"
)]

mod documents;
mod histories;
mod index;
mod layers;
mod pipeline;
mod principals;
mod program;
mod recorder;
mod support;
