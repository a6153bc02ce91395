//! The row of a run before a batch, and how that of an open run keeps up with its events.
//!
//! Most events only add to it, and adding needs no other event to be read. What it says is always what
//! [`projection`](super::projection) would write of all events together.

use std::collections::HashMap;
use std::sync::Arc;

use super::events;
use crate::model::{Cost, EventBody, Evidence, PromptEvent, TraceId};
use crate::store::sealed::Sealed;
use crate::store::session::Session;
use crate::store::sql::Sql;

/// What the row of a run says before a batch.
#[derive(Clone, Debug, sqlx::FromRow)]
pub(super) struct Known {
    pub(super) trace_id: String,
    pub(super) status: String,
    pub(super) document_revision: i64,
    pub(super) projected: bool,
    pub(super) event_count: i64,
    pub(super) event_bytes: i64,
    pub(super) last_event_at: chrono::DateTime<chrono::Utc>,
    pub(super) decision_count: i64,
    pub(super) confidence_count: i64,
    pub(super) confidence_sum: f64,
    pub(super) turn_count: i64,
    pub(super) evidence_collected: Option<i64>,
    pub(super) evidence_passed: Option<i64>,
    pub(super) evidence_filtered: Option<i64>,
    pub(super) synthesis_input_tokens: Option<i64>,
    pub(super) synthesis_output_tokens: Option<i64>,
    pub(super) synthesis_cost_usd: Option<f64>,
}

/// The rows of those of `ids` that have one, locked until the transaction ends.
pub(super) async fn known(session: &mut Session, ids: &[TraceId]) -> sqlx::Result<HashMap<String, Known>> {
    let mut sql = Sql::new(
        "select trace_id, status, document_revision, projected, event_count, event_bytes, last_event_at, \
         decision_count, confidence_count, confidence_sum, turn_count, evidence_collected, evidence_passed, \
         evidence_filtered, synthesis_input_tokens, synthesis_output_tokens, synthesis_cost_usd \
         from traces where trace_id in ",
    );
    sql.list(ids.iter().map(TraceId::as_str)).push(" order by trace_id");
    if session.is_postgres() {
        sql.push(" for update");
    }
    Ok(session.fetch::<Known>(sql).await?.into_iter().map(|row| (row.trace_id.clone(), row)).collect())
}

/// Whether an event of an open run changes its row in a way that only all its events together tell. They are read
/// again then, so this is left to what is rare.
pub(super) fn reshapes(body: &EventBody, known: &Known) -> bool {
    match body {
        EventBody::Iteration(_) | EventBody::Review(_) | EventBody::Calibration { .. } => true,
        EventBody::Outputs(outputs) => outputs.report_path.is_some() || !outputs.output_paths.is_empty(),
        // Once a prompt states what it used, what iterations state counts no longer.
        EventBody::Prompt(_) => known.turn_count > 0,
        _ => false,
    }
}

/// Counts further events of an open run on its row.
pub(super) async fn touch(session: &mut Session, mut row: Known, fresh: &[Arc<Sealed>]) -> sqlx::Result<()> {
    let mut cost = Cost::default();
    (cost.input_tokens, cost.output_tokens) = (row.synthesis_input_tokens, row.synthesis_output_tokens);
    cost.cost_usd = row.synthesis_cost_usd;
    let mut evidence = Evidence::default();
    (evidence.collected_count, evidence.passed_count) = (row.evidence_collected, row.evidence_passed);
    evidence.filtered_count = row.evidence_filtered;
    for event in fresh {
        match &event.body {
            EventBody::Decision(decision) => {
                row.decision_count += 1;
                if let Some(confidence) = decision.confidence {
                    row.confidence_count += 1;
                    row.confidence_sum += confidence.get();
                }
            }
            EventBody::Evidence(report) => evidence.absorb(&report.evidence),
            EventBody::Prompt(PromptEvent { prompt, .. }) => {
                cost.add(prompt.input_tokens, prompt.output_tokens, prompt.cost_usd);
            }
            _ => {}
        }
    }
    let last = fresh.iter().filter(|event| event.body.is_activity()).map(|event| event.recorded_at).max();
    let sql = Sql::new(
        "update traces set event_count = event_count + $1, event_bytes = event_bytes + $2, \
         decision_count = $3, confidence_count = $4, confidence_sum = $5, \
         evidence_collected = $6, evidence_passed = $7, evidence_filtered = $8, \
         synthesis_input_tokens = $9, synthesis_output_tokens = $10, synthesis_cost_usd = $11, \
         last_event_at = case when $12 > last_event_at then $12 else last_event_at end, \
         updated_at = case when $12 > updated_at then $12 else updated_at end \
         where trace_id = $13",
    )
    .bind(i64::try_from(fresh.len()).unwrap_or(i64::MAX))
    .bind(events::bytes(fresh))
    .bind(row.decision_count)
    .bind(row.confidence_count)
    .bind(row.confidence_sum)
    .bind(evidence.collected_count)
    .bind(evidence.passed_count)
    .bind(evidence.filtered_count)
    .bind(cost.input_tokens)
    .bind(cost.output_tokens)
    .bind(cost.cost_usd)
    .bind(last)
    .bind(row.trace_id);
    session.execute(sql).await?;
    Ok(())
}
