//! Where records live: journal, documents and index, and how they are kept in agreement.
//!
//! Alone names `sqlx` and `object_store`. The documents are the truth of finished runs, the acknowledged events of
//! open ones; the index can be rebuilt from both. Start at [`Index`](index::Index) for what the database does, and
//! at [`Documents`](documents::Documents) for the files.

mod database;
pub mod disk;
pub mod documents;
pub mod index;
mod installation;
pub mod journal;
pub mod live;
mod sealed;
mod session;
mod sql;
mod stores;

pub use database::{Connections, Database, DatabaseTarget};
pub use installation::Installation;
pub use sealed::Sealed;
pub use stores::{LoadedTrace, Stores};
