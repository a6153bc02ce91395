//! What may enter, and in what form.
//!
//! Nothing here does IO, and time comes from a clock that is passed in. A check gives back the value in
//! the form in which it is stored, or a [`Refusal`] that tells a caller, often a model, what to send
//! instead. Start at [`request`] for what callers hand in and at [`Gate`] for how it becomes events; at
//! [`text`] and [`value`] for single fields, at [`redact`] for secrets, and at [`canonical`] for the
//! question whether two contents are the same.
mod admission;
pub mod canonical;
pub mod filename;
pub mod limits;
pub mod redact;
pub mod refusal;
pub mod request;
pub mod text;
pub mod value;

pub use admission::{CallerContext, FlagChange, FlagOrder, Gate, Minter, Prompts, Reviewed, Settings};
pub use redact::{Phrase, Redactor};
pub use refusal::Refusal;
