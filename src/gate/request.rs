//! What callers hand in: one flat struct a recording tool, for MCP clients and for the library alike.
//!
//! The doc comments of the fields are the descriptions that a model reads when it fills them in, so they are
//! short. [`parse`] reads a request from a tool's arguments: forgiving where the form errs (a number in quotes,
//! an array as JSON text, a single item in place of a list), strict where the content does, and with a
//! [`Refusal`] that can be mended in one step. What a request says is checked later, by
//! [`Gate`](super::Gate). Start at [`DecisionRequest`]; [`schema`] says what a client is shown.

mod batch;
mod decision;
mod finish;
mod form;
mod nearest;
mod review;
mod schema;
mod start;

use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::refusal::Refusal;
use crate::shown::excerpt;
pub use batch::{EventKind, EventRequest, RecordRequest};
pub use decision::{AlternativeRequest, DecisionRequest};
pub use finish::{FinishRequest, FinishStatus, PrincipleRequest};
pub use review::{FlagAction, ReviewRequest};
pub use schema::plain_schema;
pub(crate) use schema::show_only;
pub use start::StartRequest;

/// What a refusal calls the request as a whole.
const WHOLE: &str = "arguments";

/// Reads a request from the arguments of a tool call; no arguments at all count as none given.
///
/// ```
/// use serde_json::json;
/// use whytrace::gate::request::{DecisionRequest, parse};
///
/// let sent = json!({
///     "trace_id": "t1", "stage": "collection", "decision": "source", "what": "exa", "why": "recent",
///     "confidence": "0.9", "alternatives_considered": ["google (0.60)"],
/// });
/// let request: DecisionRequest = parse(sent).unwrap();
/// assert_eq!(request.confidence, Some(0.9));
/// assert_eq!(request.alternatives_considered[0].score, Some(0.6));
///
/// let refusal = parse::<DecisionRequest>(json!({"trace": "t1"})).unwrap_err();
/// assert!(refusal.to_string().ends_with("; send \"trace\" as \"trace_id\""));
/// ```
///
/// # Errors
/// Refuses fields that the request does not have, values of another type, and what lacks a required field.
pub fn parse<T: DeserializeOwned + JsonSchema + 'static>(arguments: Value) -> Result<T, Refusal> {
    let arguments = if arguments.is_null() { Value::Object(Map::new()) } else { arguments };
    let fitted = form::fit(arguments, schema::shape::<T>().as_ref()).map_err(|mut refusal| {
        if refusal.field.is_empty() {
            WHOLE.clone_into(&mut refusal.field);
        }
        refusal
    })?;
    // What fits the schema deserialises, unless a type says more than its schema can.
    serde_json::from_value(fitted).map_err(|error| {
        let problem = format!("are not understood ({}), outside", excerpt(&error.to_string(), 200));
        Refusal::new(WHOLE, problem, "the tool's input schema", "send the fields as the schema shows them")
    })
}

#[cfg(test)]
mod tests;
