//! Where reading goes wrong: what [`failure`] makes of it, and what can be read all the same.

use super::call::Call;
use crate::error::{Error, Result};
use crate::gate::Refusal;
use crate::mcp::failure;
use crate::mcp::tool::{Context, ToolError};
use crate::view::saying::id;

/// What a model is told of arguments that were not accepted.
#[expect(clippy::needless_pass_by_value, reason = "it is what `map_err` hands over")]
pub(super) fn refused(refusal: Refusal) -> ToolError {
    failure::refused(&refusal)
}

/// What was read of one run, or what a model is told instead.
pub(super) async fn of_run<T>(context: &Context, read: Result<T>) -> Result<T, ToolError> {
    match read {
        Ok(read) => Ok(read),
        Err(error) => Err(failure::tool_error(error, context).await),
    }
}

/// What was read of many runs, or what a model is told instead: without the database single runs can still be read.
pub(super) async fn of_many<T>(context: &Context, read: Result<T>) -> Result<T, ToolError> {
    let error = match read {
        Ok(read) => return Ok(read),
        Err(error) => error,
    };
    let is_away = matches!(error, Error::Unavailable { .. });
    let mut told = failure::tool_error(error, context).await;
    if is_away {
        let known = context.query.at_hand(&context.scope, 1).pop();
        let known = known.map_or_else(|| "<id>".to_owned(), |known| id(known.as_str()));
        let call = Call::new("trace_full").with("trace_id", known);
        told.hint = format!(
            "call {}: single runs are read from their documents, by their whole ids; lists and figures are back with \
             the database",
            call.text()
        );
    }
    Err(told)
}
