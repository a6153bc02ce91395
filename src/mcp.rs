//! The protocol's face: tools, resources, prompts and instructions, thin over recorder and query.
//!
//! A tool is a [`Tool`](tool::Tool) in a fixed list: what a client is shown, and a function from arguments to an
//! [`Answer`](tool::Answer) or a [`ToolError`](tool::ToolError). Everything that a model can mend is an answer with
//! `isError`; protocol errors are for protocol faults.

mod reading;
pub mod tool;
