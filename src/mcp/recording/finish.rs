//! `trace_finish`: ends a run, and answers with its scorecard.

use std::sync::Arc;

use futures::FutureExt as _;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::receipt::{self, Receipt};
use super::{answer, parse, scope};
use crate::error::Error;
use crate::gate::request::{FinishRequest, plain_schema};
use crate::mcp::failure::{quoted_id, tool_error};
use crate::mcp::tool::{Answer, Context, Tool, ToolError};
use crate::model::FlagNote;
use crate::recorder::Finished;
use crate::scorecard;
use crate::shown::one_line;

pub(super) const TOOL: Tool = Tool {
    name: "trace_finish",
    title: "Finish a run",
    description: "End a run, once, also one that failed; not to change a finished one (trace_review). Returns the \
                  scorecard to show the user, calibration flags fired, saved, document and summary paths.",
    writes: true,
    idempotent: true,
    input_schema: plain_schema::<FinishRequest>,
    output_schema: plain_schema::<Ended>,
    call: |context, arguments| async move { call(&context, arguments).await }.boxed(),
};

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(description = "")]
struct Ended {
    #[serde(flatten)]
    receipt: Receipt,
    #[serde(flatten)]
    outcome: Outcome,
}

/// What a finished run came to.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(description = "")]
pub(super) struct Outcome {
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<&'static str>,
    /// As text
    #[serde(skip_serializing_if = "Option::is_none")]
    scorecard: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    score: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    passed: Option<bool>,
    /// Flags that this run fired
    #[serde(skip_serializing_if = "Option::is_none")]
    flags: Option<Vec<FiredFlag>>,
    /// Computed when the database is back
    #[serde(skip_serializing_if = "Option::is_none")]
    flags_pending: Option<bool>,
    /// Path
    #[serde(skip_serializing_if = "Option::is_none")]
    document: Option<String>,
    /// Path
    #[serde(skip_serializing_if = "Option::is_none")]
    summary: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(description = "")]
struct FiredFlag {
    kind: String,
    subject: String,
    severity: String,
    message: String,
}

impl Outcome {
    pub(super) fn of(finished: &Finished) -> Self {
        let trace = finished.trace.as_deref();
        Self {
            status: trace.map(|trace| trace.status().as_str()),
            scorecard: trace.map(scorecard::compact),
            score: trace.and_then(|trace| trace.quality.score),
            passed: trace.and_then(|trace| trace.quality.passed),
            flags: finished.flags.as_ref().map(|flags| flags.iter().map(FiredFlag::of).collect()),
            flags_pending: (finished.flags.is_none() && finished.ack.saved.is_some()).then_some(true),
            document: finished.document.clone(),
            summary: finished.summary.clone(),
        }
    }

    /// The same for whoever reads only text.
    pub(super) fn lines(&self) -> Vec<String> {
        let mut lines: Vec<String> = self.scorecard.iter().cloned().collect();
        if self.scorecard.is_none() && self.flags_pending.is_some() {
            lines.push(
                "The run's start is not known here yet, so there is no scorecard; trace_full shows it later."
                    .to_owned(),
            );
        }
        for flag in self.flags.iter().flatten() {
            lines.push(format!("[CALIBRATION] {}: {}", flag.severity, flag.message));
        }
        if self.flags_pending.is_some() {
            lines.push("flags: pending (they are computed when the database is back)".to_owned());
        }
        lines.extend(self.document.iter().map(|path| format!("Document: {path}")));
        lines.extend(self.summary.iter().map(|path| format!("Summary: {path}")));
        lines
    }
}

impl FiredFlag {
    fn of(note: &FlagNote) -> Self {
        Self {
            kind: one_line(&note.kind),
            subject: one_line(&note.subject),
            severity: one_line(note.severity.as_deref().unwrap_or("warning")),
            message: one_line(&note.message),
        }
    }
}

async fn call(context: &Arc<Context>, arguments: Value) -> Result<Answer, ToolError> {
    let request: FinishRequest = parse(arguments)?;
    match finish(context, request).await {
        Ok(finished) => {
            context.advisor.ended(&finished.ack.trace_id);
            Ok(ended(&finished))
        }
        Err(error) => Err(tool_error(error, context).await),
    }
}

async fn finish(context: &Context, request: FinishRequest) -> Result<Finished, Error> {
    scope::may_write(&request.trace_id, context).await?;
    context.intake.finish(request).await
}

fn ended(finished: &Finished) -> Answer {
    let ack = &finished.ack;
    let outcome = Outcome::of(finished);
    let mut lines = outcome.lines();
    if ack.is_duplicate() {
        let id = quoted_id(ack.trace_id.as_str());
        lines.push(format!("Trace {id} was finished before with the same content; nothing changed."));
    }
    lines.extend(receipt::sentences(ack));
    answer(&lines, &Ended { receipt: Receipt::of(ack), outcome })
}
