//! `trace_record_decision`: records one choice, and says what would make the record better.

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
                  (trace_record). Returns decision_id, saved, a line of advice if something is missing.",
    writes: true,
    idempotent: false,
    input_schema: plain_schema::<DecisionRequest>,
    output_schema: plain_schema::<Decided>,
    call: |context, arguments| async move { call(&context, arguments).await }.boxed(),
};

/// A reason of fewer characters says too little to judge the decision by later.
const THIN_WHY_CHARS: usize = 20;

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
    let missing = missing(&request);
    match record(context, request).await {
        Ok(recorded) => Ok(decided(&recorded, missing)),
        Err(error) => Err(tool_error(error, context).await),
    }
}

async fn record(context: &Context, request: DecisionRequest) -> Result<DecisionRecorded, Error> {
    scope::may_write(&request.trace_id, context).await?;
    context.intake.decision(request).await
}

/// What would make the decision easier to learn from: the one thing that matters most.
fn missing(request: &DecisionRequest) -> Option<&'static str> {
    if request.why.trim().chars().count() < THIN_WHY_CHARS {
        Some("The why is thin: next time say what spoke for this choice and against the others.")
    } else if request.alternatives_considered.is_empty() {
        Some("No alternatives were given: next time name the options not taken, and why not.")
    } else if request.confidence.is_none() {
        Some("No confidence was given: next time say 0..1 how sure you are, so that it can be checked later.")
    } else {
        None
    }
}

fn decided(recorded: &DecisionRecorded, missing: Option<&str>) -> Answer {
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
        (format!("Decision {id} is recorded in trace {trace}."), Some(advice))
    } else {
        (format!("Decision {id} is recorded in trace {trace}."), missing)
    };
    let mut lines = vec![fact];
    lines.extend(receipt::sentences(ack));
    lines.extend(advice.map(str::to_owned));
    answer(&lines, &data(advice.map(str::to_owned)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::request::AlternativeRequest;

    #[test]
    fn advice_names_the_one_thing_that_matters_most() {
        let mut request = DecisionRequest { why: "recent".to_owned(), ..DecisionRequest::default() };
        let mut steps = Vec::new();
        steps.push(missing(&request));
        request.why = "it covers the last month, the others do not".to_owned();
        steps.push(missing(&request));
        request.alternatives_considered = vec![AlternativeRequest::from("google (0.6)")];
        steps.push(missing(&request));
        request.confidence = Some(0.8);
        steps.push(missing(&request));
        let words: Vec<&str> = steps.iter().map(|step| step.map_or("nothing", |step| &step[..10])).collect();
        assert_eq!(words, ["The why is", "No alterna", "No confide", "nothing"]);
    }
}
