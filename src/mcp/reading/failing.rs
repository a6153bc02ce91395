//! Where reading goes wrong.
//!
//! [`failure`] stands in for the one place that turns every [`Error`] into an answer, until that is here.

use super::call::Call;
use super::saying::id;
use crate::error::Error;
use crate::gate::Refusal;
use crate::mcp::tool::{Context, ToolError};

/// What a model is told of an error.
pub(super) fn failure(error: &Error) -> ToolError {
    let (code, hint, retryable) = match error {
        Error::Refused(_) => ("invalid_argument", "mend the field and call again", false),
        Error::UnknownTrace { .. } => {
            ("unknown_trace", "call trace_list {\"limit\":5} for recent ids", false)
        }
        Error::Ambiguous { .. } => ("ambiguous_id", "send more of the id", false),
        Error::Unavailable { .. } => ("unavailable", "call again in a moment", true),
        _ => ("failed", "call trace_list {\"limit\":5} for other runs", false),
    };
    ToolError { code, message: error.to_string(), hint: hint.to_owned(), retryable }
}

/// What a model is told of arguments that were not accepted.
pub(super) fn refused(refusal: Refusal) -> ToolError {
    failure(&Error::Refused(refusal))
}

/// What a model is told where a list or a figure cannot be had: without the database single runs can still be read.
pub(super) fn without_database(context: &Context, error: &Error) -> ToolError {
    let mut told = failure(error);
    if matches!(error, Error::Unavailable { .. }) {
        let known = context.query.at_hand(&context.scope, 1).pop();
        let known = known.map_or_else(|| "<id>".to_owned(), |known| id(known.as_str()));
        let call = Call::new("trace_full").with("trace_id", known);
        told.hint = format!(
            "call {}: single runs are read from their documents, by their whole ids; lists and figures are back with \
             the database",
            call.text()
        );
    }
    told
}
