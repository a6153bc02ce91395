//! `trace_record`: records many events of one run, or a whole run.

use std::sync::Arc;

use futures::FutureExt as _;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::finish::Outcome;
use super::receipt::{self, Receipt};
use super::{Advisor, answer, parse, scope};
use crate::error::Error;
use crate::gate::request::{EventKind, RecordRequest, plain_schema};
use crate::mcp::failure::{quoted_id, tool_error};
use crate::mcp::tool::{Answer, Context, Tool, ToolError};
use crate::model::EventId;
use crate::recorder::Recorded;
use crate::scorecard::counted;
use crate::store::index::Standing;

pub(super) const TOOL: Tool = Tool {
    name: "trace_record",
    title: "Record events",
    description: "Record many events of one run in order, all or none; with start first and finish last, a whole run. \
                  Not one decision (trace_record_decision). Returns counts, decision ids, saved; with finish, as \
                  trace_finish.",
    writes: true,
    idempotent: false,
    input_schema: plain_schema::<RecordRequest>,
    output_schema: plain_schema::<Batched>,
    call: |context, arguments| async move { call(&context, arguments).await }.boxed(),
};

/// How many ids of events that conflict are named.
const NAMED_CONFLICTS: usize = 10;

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(description = "")]
struct Batched {
    #[serde(flatten)]
    receipt: Receipt,
    /// Events recorded now
    #[schemars(with = "i64")]
    new: usize,
    /// Events recorded before
    #[schemars(with = "i64")]
    duplicates: usize,
    /// In order
    #[serde(skip_serializing_if = "Vec::is_empty")]
    decision_ids: Vec<String>,
    /// With a finish: as trace_finish
    #[serde(skip_serializing_if = "Option::is_none")]
    finish: Option<Outcome>,
}

async fn call(context: &Arc<Context>, arguments: Value) -> Result<Answer, ToolError> {
    let request: RecordRequest = parse(arguments)?;
    let kinds: Vec<EventKind> = request.events.iter().map(|event| event.kind).collect();
    let milestones = Advisor::milestones(&request.events);
    match record(context, request).await {
        Ok(recorded) => match conflict(&recorded) {
            Some(error) => Err(error),
            None => {
                let now = context.intake.recorder().clock().now();
                context.advisor.happened(&recorded.ack.trace_id, milestones, now);
                Ok(batched(&recorded, &kinds))
            }
        },
        Err(error) => {
            let at_finish = matches!(&error, Error::Conflict { .. });
            let mut error = tool_error(error, context).await;
            if at_finish && kinds.len() > 1 {
                error.message.push_str("; the other events of this batch were taken, do not send them again");
            }
            Err(error)
        }
    }
}

async fn record(context: &Context, request: RecordRequest) -> Result<Recorded, Error> {
    let start = request.events.iter().find(|event| event.kind == EventKind::Start);
    if let Some(start) = start {
        scope::may_open(start.project.as_deref().unwrap_or_default(), context)?;
    }
    let Some(trace_id) = request.trace_id.clone() else {
        return context.intake.record(request, &context.caller).await;
    };
    if start.is_none() {
        scope::may_write(&trace_id, context).await?;
        return context.intake.record(request, &context.caller).await;
    }
    scope::may_take(&trace_id, context).await?;
    let recorded = context.intake.record(request, &context.caller).await;
    recorded.map_err(|error| scope::unusable(error, &trace_id, context))
}

/// The error of a batch in which names were taken by other content. The rest stands.
fn conflict(recorded: &Recorded) -> Option<ToolError> {
    let conflicts: Vec<&EventId> = recorded
        .event_ids
        .iter()
        .zip(&recorded.ack.standings)
        .filter_map(|(id, standing)| (*standing == Standing::Conflict).then_some(id))
        .collect();
    if conflicts.is_empty() {
        return None;
    }
    let named: Vec<String> =
        conflicts.iter().take(NAMED_CONFLICTS).map(|id| quoted_id(id.as_str())).collect();
    let more = match conflicts.len().saturating_sub(named.len()) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let all = recorded.event_ids.len();
    let trace = quoted_id(recorded.ack.trace_id.as_str());
    Some(ToolError {
        code: "conflict",
        message: format!(
            "{} of {all} events have ids that were recorded before in trace {trace} with other content, which stays: \
             {}{more}; the rest ({}) is recorded",
            conflicts.len(),
            named.join(", "),
            counted(all.saturating_sub(conflicts.len()), "event")
        ),
        hint: format!(
            "call trace_record with trace_id {trace} and those events alone, under ids of their own; to correct a \
             decision, send kind \"correction\" with its decision_id"
        ),
        retryable: false,
    })
}

fn batched(recorded: &Recorded, kinds: &[EventKind]) -> Answer {
    let ack = &recorded.ack;
    let count = |which: Standing| ack.standings.iter().filter(|standing| **standing == which).count();
    let decision_ids: Vec<String> = recorded
        .event_ids
        .iter()
        .zip(kinds)
        .filter(|(_, kind)| **kind == EventKind::Decision)
        .map(|(id, _)| id.to_string())
        .collect();
    let outcome = recorded.finished.as_deref().map(Outcome::of);
    let (new, duplicates) = (count(Standing::New), count(Standing::Duplicate));
    let mut lines = match receipt::off(ack) {
        Some(lines) => lines,
        None => {
            let before = match duplicates {
                0 => String::new(),
                some => format!("; {} had been recorded before", counted(some, "event")),
            };
            let late = if ack.late { " The run had ended: this is marked late." } else { "" };
            let trace = quoted_id(ack.trace_id.as_str());
            let mut lines =
                vec![format!("Recorded {} in trace {trace}{before}.{late}", counted(new, "event"))];
            if !decision_ids.is_empty() {
                let ids: Vec<String> = decision_ids.iter().map(|id| quoted_id(id)).collect();
                lines.push(format!("Decisions: {}.", ids.join(", ")));
            }
            lines.extend(receipt::sentences(ack));
            lines
        }
    };
    lines.extend(outcome.iter().flat_map(Outcome::lines));
    answer(&lines, &Batched { receipt: Receipt::of(ack), new, duplicates, decision_ids, finish: outcome })
}
