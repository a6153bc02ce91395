//! What a tool is, what it answers, and what it is given.

use std::sync::Arc;

use futures::future::BoxFuture;
use serde_json::{Map, Value};

use crate::query::Query;
use crate::recorder::Intake;
use crate::store::index::Scope;

/// One tool: what a client is shown of it, and what it does.
#[derive(Clone, Copy)]
pub(crate) struct Tool {
    /// Its name.
    pub name: &'static str,
    /// Its name for people.
    pub title: &'static str,
    /// When to use it, when not, and what comes back: written for the model that reads it.
    pub description: &'static str,
    /// Whether it records something. Decides annotations and tool sets.
    pub writes: bool,
    /// Whether calling it again with the same arguments changes nothing more.
    pub idempotent: bool,
    /// The schema of its arguments: flat, without references or unions.
    pub input_schema: fn() -> Map<String, Value>,
    /// The schema of the structured part of its answer.
    pub output_schema: fn() -> Map<String, Value>,
    /// Answers a call.
    pub call: fn(Arc<Context>, Value) -> BoxFuture<'static, Result<Answer, ToolError>>,
}

/// What a call may use, and who makes it.
#[derive(Clone, Debug)]
pub(crate) struct Context {
    /// The way in for what is recorded.
    pub intake: Arc<Intake>,
    /// Questions.
    pub query: Query,
    /// What whoever calls may see.
    pub scope: Scope,
    /// Whoever calls, as [`Principal::token_id`](crate::access::Principal::token_id).
    pub token_id: Option<String>,
    /// Who calls, as far as the client says.
    pub caller: crate::gate::CallerContext,
}

/// An answer: a short text that suffices alone, and the same as data.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Answer {
    /// For whoever reads only text.
    pub text: String,
    /// For whoever reads only data; matches the tool's output schema.
    pub structured: Value,
}

/// Something that a model can mend.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ToolError {
    /// A stable word for it, such as `invalid_argument` or `unknown_trace`.
    pub code: &'static str,
    /// What was wrong.
    pub message: String,
    /// What to do: one concrete call.
    pub hint: String,
    /// Whether the same call may succeed later.
    pub retryable: bool,
}
