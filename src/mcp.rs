//! The protocol's face: tools, resources, prompts, skills and instructions, thin over recorder and query.
//!
//! A tool is a [`Tool`](tool::Tool) in a fixed list: what a client is shown, and a function from arguments to an
//! [`Answer`](tool::Answer) or a [`ToolError`](tool::ToolError). Everything that a model can mend is an answer with
//! `isError`, made in [`failure`] alone; protocol errors are for protocol faults. Only this layer and the transports
//! name rmcp. Start at [`Server`], and at [`registry`] for the list of tools.

mod calls;
mod completion;
mod failure;
mod instructions;
mod prompts;
mod reading;
mod recording;
mod registry;
mod resources;
mod server;
mod skills;
mod subscriptions;
pub(crate) mod tool;

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

pub use calls::Calls;
pub use registry::{ToolSet, UnknownToolSet, permission_for};
pub use server::Server;
