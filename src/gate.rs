//! What may enter, and in what form.
//!
//! Everything here is a pure function of its input: no IO, no clock. A check gives back the value in
//! the form in which it is stored, or a [`Refusal`] that tells a caller, often a model, what to send
//! instead. Start at [`text`] and [`value`] for single fields, at [`redact`] for secrets, and at
//! [`canonical`] for the question whether two contents are the same.
pub mod canonical;
pub mod filename;
pub mod limits;
pub mod redact;
pub mod refusal;
pub mod text;
pub mod value;

pub use redact::Redactor;
pub use refusal::Refusal;
