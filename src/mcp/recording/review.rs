//! `trace_review`: a second look at a run, a decision or a calibration flag.

use std::sync::Arc;

use futures::FutureExt as _;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::receipt::{self, Receipt};
use super::{answer, parse, scope};
use crate::calibration::{Flag, FlagState};
use crate::error::Error;
use crate::gate::request::{ReviewRequest, plain_schema};
use crate::mcp::failure::{quoted_id, tool_error};
use crate::mcp::tool::{Answer, Context, Tool, ToolError};
use crate::recorder::ReviewDone;
use crate::shown::one_line;

pub(super) const TOOL: Tool = Tool {
    name: "trace_review",
    title: "Review a run or flag",
    description: "Flag a run or set its notes, say whether a decision proved right, or act on a calibration flag; not \
                  for new events (trace_record). Sets states: repeating is harmless. Returns what stands now.",
    writes: true,
    idempotent: true,
    input_schema: plain_schema::<ReviewRequest>,
    output_schema: plain_schema::<Looked>,
    call: |context, arguments| async move { call(&context, arguments).await }.boxed(),
};

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(description = "")]
struct Looked {
    #[serde(flatten)]
    receipt: Option<Receipt>,
    /// What was set on the run and its decision
    #[serde(skip_serializing_if = "Vec::is_empty")]
    set: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    flag: Option<FlagNow>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(description = "")]
struct FlagNow {
    id: String,
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    snoozed_until: Option<String>,
    message: String,
}

async fn call(context: &Arc<Context>, arguments: Value) -> Result<Answer, ToolError> {
    let request: ReviewRequest = parse(arguments)?;
    let said = said(&request);
    match review(context, request).await {
        Ok(done) => Ok(looked(&done, said)),
        Err(error) => Err(tool_error(error, context).await),
    }
}

async fn review(context: &Context, request: ReviewRequest) -> Result<ReviewDone, Error> {
    if let Some(trace_id) = &request.trace_id {
        scope::may_write(trace_id, context).await?;
    }
    context.intake.review(request, &context.scope).await
}

/// What the request sets on a run and a decision, in words.
fn said(request: &ReviewRequest) -> Vec<String> {
    let mut said = Vec::new();
    match request.flagged_for_review {
        Some(true) => said.push("it is flagged for review".to_owned()),
        Some(false) => said.push("it is not flagged for review".to_owned()),
        None => {}
    }
    if request.notes.is_some() {
        said.push("its notes are set".to_owned());
    }
    if let Some(decision_id) = &request.decision_id {
        let verdict = match request.correct {
            Some(true) => "is noted as right",
            Some(false) => "is noted as wrong",
            None => "has an outcome note",
        };
        said.push(format!("decision {} {verdict}", quoted_id(decision_id)));
    }
    said
}

fn looked(done: &ReviewDone, said: Vec<String>) -> Answer {
    let mut lines = Vec::new();
    if let Some(ack) = &done.ack {
        if ack.saved.is_some() {
            lines.push(format!("Trace {}: {}.", quoted_id(ack.trace_id.as_str()), said.join(", ")));
        }
        lines.extend(receipt::sentences(ack));
    }
    let flag = done.flag.as_ref().map(FlagNow::of);
    if let Some(flag) = &flag {
        let until = flag.snoozed_until.as_ref().map(|until| format!(" until {until}")).unwrap_or_default();
        lines.push(format!("Flag {} is {}{until}: {}", quoted_id(&flag.id), flag.state, flag.message));
    }
    // A review of a run that had ended is no late event in the eyes of whoever reviews.
    let receipt = done.ack.as_ref().map(Receipt::of).map(Receipt::timely);
    let set = if done.ack.as_ref().is_some_and(|ack| ack.saved.is_some()) { said } else { Vec::new() };
    answer(&lines, &Looked { receipt, set, flag })
}

impl FlagNow {
    fn of(flag: &Flag) -> Self {
        Self {
            id: flag.id.clone(),
            state: flag.state.as_str(),
            snoozed_until: match flag.state {
                FlagState::Snoozed { until } => Some(until.to_string()),
                _ => None,
            },
            message: one_line(&flag.message),
        }
    }
}
