//! `trace_start`: opens a run.

use std::sync::Arc;

use futures::FutureExt as _;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::receipt::{self, Receipt};
use super::{answer, parse, scope};
use crate::error::Error;
use crate::gate::request::{StartRequest, plain_schema};
use crate::mcp::failure::{quoted_id, tool_error};
use crate::mcp::tool::{Answer, Context, Tool, ToolError};
use crate::recorder::Ack;

pub(super) const TOOL: Tool = Tool {
    name: "trace_start",
    title: "Start a run",
    description: "Open a run before its first decision; not to report one whole (trace_record). Returns the trace_id that \
                  later calls need, in any process. After a silent day a run closes as incomplete, until its next event.",
    writes: true,
    idempotent: false,
    input_schema: plain_schema::<StartRequest>,
    output_schema: plain_schema::<Started>,
    call: |context, arguments| async move { call(&context, arguments).await }.boxed(),
};

/// How often an id that proves taken is drawn.
const DRAWS: usize = 4;

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(description = "")]
struct Started {
    #[serde(flatten)]
    receipt: Receipt,
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

async fn call(context: &Arc<Context>, arguments: Value) -> Result<Answer, ToolError> {
    let request: StartRequest = parse(arguments)?;
    match start(context, request).await {
        Ok(ack) => Ok(started(&ack)),
        Err(error) => Err(tool_error(error, context).await),
    }
}

async fn start(context: &Context, request: StartRequest) -> Result<Ack, Error> {
    scope::may_open(&request.project, context)?;
    if let Some(trace_id) = request.trace_id.clone() {
        scope::may_take(&trace_id, context).await?;
        let started = context.intake.start(request, &context.caller).await;
        return started.map_err(|error| scope::unusable(error, &trace_id, context));
    }
    for _ in 1..DRAWS {
        match context.intake.start(request.clone(), &context.caller).await {
            // The id was made here: nobody else's run is meant, so another one is drawn.
            Err(Error::Conflict { .. }) => {}
            other => return other,
        }
    }
    context.intake.start(request, &context.caller).await
}

fn started(ack: &Ack) -> Answer {
    let receipt = Receipt::of(ack);
    if let Some(lines) = receipt::off(ack) {
        return answer(&lines, &Started { receipt, next: None });
    }
    let id = quoted_id(ack.trace_id.as_str());
    let opened = if ack.is_duplicate() { "was opened before with the same content" } else { "is open" };
    let next = format!(
        "Call trace_record_decision with trace_id {id} at each choice, and trace_finish when the run ends."
    );
    let mut lines = vec![format!("Trace {id} {opened}.")];
    lines.extend(receipt::sentences(ack));
    lines.push(next.clone());
    answer(&lines, &Started { receipt, next: Some(next) })
}
