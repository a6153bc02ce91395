//! `trace_record_decision`: records one choice, with at most one line of advice on it.

use std::sync::Arc;

use futures::FutureExt as _;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::receipt::{self, Receipt};
use super::{answer, parse, scope};
use crate::error::Error;
use crate::gate::request::{DecisionRequest, plain_schema};
use crate::mcp::failure::{quoted_id, tool_error};
use crate::mcp::tool::{Answer, Context, Tool, ToolError};
use crate::recorder::DecisionRecorded;

pub(super) const TOOL: Tool = Tool {
    name: "trace_record_decision",
    title: "Record a decision",
    description: "Record a choice that could have gone otherwise, when you make it; not routine steps, nor many at once \
                  (trace_record). Returns decision_id, saved, perhaps a line of advice.",
    writes: true,
    idempotent: false,
    input_schema: plain_schema::<DecisionRequest>,
    output_schema: plain_schema::<Decided>,
    call: |context, arguments| async move { call(&context, arguments).await }.boxed(),
};

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(description = "")]
struct Decided {
    decision_id: String,
    #[serde(flatten)]
    receipt: Receipt,
    #[serde(skip_serializing_if = "Option::is_none")]
    advice: Option<String>,
}

async fn call(context: &Arc<Context>, arguments: Value) -> Result<Answer, ToolError> {
    let request: DecisionRequest = parse(arguments)?;
    let asked = context.advisor.ask(&request, context);
    match record(context, request).await {
        Ok(recorded) => {
            let is_first = !recorded.ack.is_duplicate() && !recorded.ack.late;
            let advice = asked.filter(|_| is_first).and_then(|asked| {
                let now = context.intake.recorder().clock().now();
                context.advisor.advise(&recorded, asked, now)
            });
            Ok(decided(&recorded, advice))
        }
        Err(error) => Err(tool_error(error, context).await),
    }
}

async fn record(context: &Context, request: DecisionRequest) -> Result<DecisionRecorded, Error> {
    scope::may_write(&request.trace_id, context).await?;
    context.intake.decision(request).await
}

fn decided(recorded: &DecisionRecorded, advice: Option<String>) -> Answer {
    let DecisionRecorded { ack, decision_id } = recorded;
    let receipt = Receipt::of(ack);
    let data = |advice| Decided { decision_id: decision_id.to_string(), receipt, advice };
    if let Some(lines) = receipt::off(ack) {
        return answer(&lines, &data(None));
    }
    let (id, trace) = (quoted_id(decision_id.as_str()), quoted_id(ack.trace_id.as_str()));
    let (fact, advice) = if ack.is_duplicate() {
        (
            format!(
                "Decision {id} was recorded before in trace {trace} with the same content; nothing changed."
            ),
            None,
        )
    } else if ack.late {
        let advice = "The run had ended: the decision is marked late. Record decisions as you make them.";
        (format!("Decision {id} is recorded in trace {trace}."), Some(advice.to_owned()))
    } else {
        (format!("Decision {id} is recorded in trace {trace}."), advice)
    };
    let mut lines = vec![fact];
    lines.extend(receipt::sentences(ack));
    lines.extend(advice.clone());
    answer(&lines, &data(advice))
}
