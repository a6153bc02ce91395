//! Errors as a model reads them: a code, what was wrong, and one concrete call that mends it.
//!
//! The one place where [`Error`] becomes a [`ToolError`]. It matches every variant, so that a new one cannot go out
//! without a hint. Text of agents enters only through [`quoted`], [`quoted_id`] or
//! [`excerpt`].

use rmcp::model::{CallToolResult, ContentBlock};
use serde_json::json;

use super::tool::{Context, ToolError};
use crate::error::Error;
use crate::gate::Refusal;
use crate::gate::refusal::quoted;
use crate::model::{EventId, TraceId};
use crate::shown::{excerpt, one_line};
use crate::store::index::Scope;

/// How many ids are offered in place of one that was not found.
const OFFERED: u32 = 5;

/// How much is shown of what a store said, in characters.
const REASON_CHARS: usize = 400;

/// The error as a tool answers it; ids that may have been meant are looked up within what the caller may see.
pub(super) async fn tool_error(error: Error, context: &Context) -> ToolError {
    let error = match error {
        // Whose run it was is gone with it, so who may not see all may not know that there was one.
        Error::Deleted { trace_id } if context.scope != Scope::All => {
            Error::UnknownTrace { id: trace_id.to_string() }
        }
        error => error,
    };
    match error {
        Error::Refused(refusal) => refused(&refusal),
        Error::UnknownTrace { id } => {
            let near = context.query.nearby(&id, &context.scope, OFFERED).await;
            unknown_trace(&id, &near)
        }
        Error::Ambiguous { id, candidates } => ambiguous(&id, &candidates),
        Error::Conflict { trace_id, event_id } => conflict(&trace_id, &event_id),
        Error::Deleted { trace_id } => ToolError {
            code: "deleted",
            message: format!("trace {} was deleted, and takes nothing any more", quoted_id(trace_id.as_str())),
            hint: "call trace_start for a new run".to_owned(),
            retryable: false,
        },
        Error::Full { trace_id, what } => {
            let id = quoted_id(trace_id.as_str());
            ToolError {
                code: "trace_full",
                message: format!("trace {id} is full: {what}"),
                hint: format!(
                    "call trace_start with parent_trace_id {id} and go on in that child run; trace_finish still \
                     ends this one"
                ),
                retryable: false,
            }
        }
        Error::Unavailable { what, reason } => unavailable(what, &reason),
        Error::Corrupt { place, reason } => ToolError {
            code: "corrupt",
            message: format!(
                "{} is damaged: {}",
                excerpt(&place, REASON_CHARS),
                excerpt(&reason, REASON_CHARS)
            ),
            hint: "call trace_list for other runs, which are not affected, and ask the user to run `whytrace doctor`"
                .to_owned(),
            retryable: false,
        },
    }
}

/// What the gate did not let in. What was wrong and what to send are one sentence, read in a row.
pub(super) fn refused(refusal: &Refusal) -> ToolError {
    ToolError {
        code: "invalid_argument",
        message: format!("{}: {} {}", refusal.field, refusal.problem, refusal.limit),
        hint: refusal.remedy.clone(),
        retryable: false,
    }
}

/// A fault of this program; the details are in its log.
pub(super) fn internal(tool: &str) -> ToolError {
    ToolError {
        code: "internal",
        message: format!(
            "{tool} failed by a fault of this server; the call may or may not have been recorded"
        ),
        hint: "go on with your run; if you call again, send the same ids, so that nothing is recorded twice"
            .to_owned(),
        retryable: true,
    }
}

/// The error as clients are sent it: its text suffices alone.
pub(super) fn result(error: &ToolError) -> CallToolResult {
    let ToolError { code, message, hint, retryable } = error;
    let text = format!("{code}: {message}\n{hint}");
    let mut result = CallToolResult::error(vec![ContentBlock::text(text)]);
    result.structured_content =
        Some(json!({"code": code, "message": message, "hint": hint, "retryable": retryable}));
    result
}

/// An id as it may stand in a message: whole, because it is to be sent again, but on one line and without a quote
/// that could end it early.
pub(super) fn quoted_id(id: &str) -> String {
    format!("\"{}\"", one_line(id).replace('"', "'"))
}

fn unknown_trace(id: &str, near: &[TraceId]) -> ToolError {
    let hint = match near.split_first() {
        Some((first, others)) => {
            let others: Vec<String> = others.iter().map(|id| quoted_id(id.as_str())).collect();
            let others =
                if others.is_empty() { String::new() } else { format!(" (others: {})", others.join(", ")) };
            format!(
                "call again with trace_id {} if that run was meant{others}, or trace_start for a new run",
                quoted_id(first.as_str())
            )
        }
        None => "no run can be found now: call trace_start for a new one".to_owned(),
    };
    ToolError {
        code: "unknown_trace",
        message: format!("there is no trace {}", quoted(id)),
        hint,
        retryable: false,
    }
}

fn ambiguous(id: &str, candidates: &[String]) -> ToolError {
    let candidates: Vec<String> = candidates.iter().map(|id| quoted_id(id)).collect();
    ToolError {
        code: "ambiguous_trace",
        message: format!("{} is the beginning of several trace ids", quoted(id)),
        hint: format!("call again with one of them in full: {}", candidates.join(", ")),
        retryable: false,
    }
}

fn conflict(trace_id: &TraceId, event_id: &EventId) -> ToolError {
    let id = quoted_id(trace_id.as_str());
    let (message, hint) = if *event_id == EventId::finish() {
        (
            format!("trace {id} was finished before with other content; the first finish stays"),
            format!(
                "call trace_review with trace_id {id} to add notes, flag the run or say whether a decision proved \
                 right"
            ),
        )
    } else if *event_id == EventId::start() {
        (
            format!(
                "trace_id {id} is taken by a run that was started with other content; that run stays as it is"
            ),
            "call trace_start without trace_id, or with one that is not taken".to_owned(),
        )
    } else {
        let event = quoted_id(event_id.as_str());
        (
            format!("{event} was recorded before in trace {id} with other content; the first stays"),
            format!(
                "to record another decision or event, call again with another id; to correct a decision, call \
                 trace_record with trace_id {id} and an event of kind \"correction\" with decision_id {event}"
            ),
        )
    };
    ToolError { code: "conflict", message, hint, retryable: false }
}

fn unavailable(what: &str, reason: &str) -> ToolError {
    let hint = if what == "the database" {
        "call again in a few seconds; meanwhile trace_full with an exact trace_id answers from documents and journal"
    } else if what.starts_with("the document") {
        "call again in a few seconds; meanwhile trace_list and trace_summary answer from the database"
    } else {
        "retry with the same id in a few seconds, or go on with your run without tracing"
    };
    ToolError {
        code: "unavailable",
        message: format!("{what} is unavailable: {}", excerpt(reason, REASON_CHARS)),
        hint: hint.to_owned(),
        retryable: true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(error: &ToolError) -> String {
        format!("{}: {}\n{}", error.code, error.message, error.hint)
    }

    #[test]
    fn each_error_names_a_call_that_helps() {
        let near = ["trc_20260213_143022_a1b2c3d4".parse().unwrap(), "mine".parse().unwrap()];
        let trace = "t1".parse().unwrap();
        let told = [
            unknown_trace("trc_2026", &near),
            unknown_trace("nothing", &[]),
            ambiguous("trc_2026", &["trc_20260213_143022_a1b2c3d4".to_owned(), "trc_20260214".to_owned()]),
            conflict(&trace, &EventId::start()),
            conflict(&trace, &EventId::finish()),
            conflict(&trace, &"d1".parse().unwrap()),
            unavailable("every store", "journal: disk full"),
            unavailable("the database", "no connection"),
            internal("trace_start"),
        ];
        insta::assert_snapshot!(told.each_ref().map(text).join("\n\n"));
    }

    #[test]
    fn ids_of_agents_stay_within_their_quotes() {
        assert_eq!(quoted_id("a\" call\u{1b}[31m\nrm\u{202e}"), "\"a' call rm\"");
        let hostile = ambiguous("x\"; do this", &["y\u{e0041}\"".to_owned()]);
        assert_eq!(hostile.hint, "call again with one of them in full: \"y'\"");
        assert!(hostile.message.starts_with("\"x'; do this\""), "{}", hostile.message);
    }
}
