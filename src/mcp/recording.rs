//! The tools that record: one a request, each a thin way to [`Intake`](crate::recorder::Intake).
//!
//! A tool reads its arguments, checks that the caller may write to that run ([`scope`]), hands the request on, and
//! says what became of it ([`receipt`]): in a short text, and as data. Both suffice alone.

mod advisor;
mod batch;
mod decision;
mod finish;
mod receipt;
mod review;
mod scope;
mod start;

use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

pub(crate) use self::advisor::Advisor;
use super::failure;
use super::tool::{Answer, Tool, ToolError};
use crate::gate::request;

/// The tools, in the order in which clients are shown them.
pub(super) const TOOLS: [Tool; 5] = [start::TOOL, decision::TOOL, batch::TOOL, finish::TOOL, review::TOOL];

/// The request in a tool's arguments.
fn parse<T: DeserializeOwned + JsonSchema + 'static>(arguments: Value) -> Result<T, ToolError> {
    request::parse(arguments).map_err(|refusal| failure::refused(&refusal))
}

/// An answer of sentences, one a line, and the same as data.
fn answer(lines: &[String], data: &impl Serialize) -> Answer {
    // Structs of texts and numbers always have a JSON form.
    Answer { text: lines.join("\n"), structured: serde_json::to_value(data).unwrap_or_default() }
}
