//! One row of facts a run, streamed to whoever adds them up or goes through them in order.

use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::types::Json;

use super::{Filter, Index, Scope};
use crate::error::{Error, Result};
use crate::model::Timestamp;
use crate::statistics::RunFacts;
use crate::store::sql::Sql;

#[derive(sqlx::FromRow)]
struct FactsRow {
    trace_id: String,
    project: String,
    intent: Option<String>,
    domain: Option<String>,
    report_type: Option<String>,
    status: String,
    quality_gate_passed: Option<bool>,
    scaled_score: Option<f64>,
    duration_seconds: Option<f64>,
    synthesis_cost_usd: Option<f64>,
    synthesis_input_tokens: Option<i64>,
    synthesis_output_tokens: Option<i64>,
    decision_count: i64,
    confidence_sum: f64,
    confidence_count: i64,
    agent_name: Option<String>,
    model: Option<String>,
    started_at: DateTime<Utc>,
    completed_at: Option<DateTime<Utc>>,
    flagged_for_review: bool,
    evidence_collected: Option<i64>,
    evidence_passed: Option<i64>,
    evidence_filtered: Option<i64>,
    principle_scores: Json<serde_json::Map<String, Value>>,
    gap_principles: Json<Vec<String>>,
    strength_principles: Json<Vec<String>>,
}

const FACTS: &str = "select t.trace_id, t.project, t.intent, t.domain, t.report_type, t.status, t.quality_gate_passed, \
     t.scaled_score, t.duration_seconds, t.synthesis_cost_usd, t.synthesis_input_tokens, \
     t.synthesis_output_tokens, t.decision_count, t.confidence_sum, t.confidence_count, t.agent_name, \
     coalesce(t.synthesis_model, t.agent_model) as model, t.started_at, t.completed_at, \
     t.flagged_for_review, t.evidence_collected, t.evidence_passed, t.evidence_filtered, \
     t.principle_scores, t.gap_principles, t.strength_principles from traces t";

impl Index {
    /// Shows the facts of every run that meets the filter, in no particular order.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the database is away, [`Error::Corrupt`] when a row cannot be read.
    pub async fn each_run(&self, filter: &Filter, mut see: impl FnMut(RunFacts)) -> Result<()> {
        let mut corrupt = None;
        self.read(async |session| {
            let mut sql = Sql::new(FACTS);
            filter.push(&mut sql, session.is_postgres());
            session
                .each(sql, |row: FactsRow| match facts(row) {
                    Ok(facts) => see(facts),
                    Err(error) => corrupt = Some(error),
                })
                .await
        })
        .await?;
        corrupt.map_or(Ok(()), Err)
    }

    /// The facts of the finished runs behind one end and id, up to and with another, in that order: at most `limit`.
    pub(super) async fn ended_after(
        &self,
        from: (Timestamp, &str),
        until: (Timestamp, &str),
        scope: &Scope,
        limit: u32,
    ) -> Result<Vec<RunFacts>> {
        let mut sql = Sql::new(FACTS);
        sql.push(" where (t.ended_at, t.trace_id) > (").arg(from.0).push(", ").arg(from.1);
        sql.push(") and (t.ended_at, t.trace_id) <= (").arg(until.0).push(", ").arg(until.1).push(")");
        if let Scope::Projects(projects) = scope {
            sql.push(" and t.project in ").list(projects.iter().map(String::as_str));
        }
        sql.push(" order by t.ended_at, t.trace_id limit ").arg(i64::from(limit));
        let rows: Vec<FactsRow> = self.read(async |session| session.fetch(sql).await).await?;
        rows.into_iter().map(facts).collect()
    }
}

fn facts(row: FactsRow) -> Result<RunFacts> {
    let corrupt =
        |reason: String| Error::Corrupt { place: format!("the row of trace {:?}", row.trace_id), reason };
    let count = |count: i64| u64::try_from(count).unwrap_or(0);
    let mut principles: Vec<String> = row.principle_scores.0.keys().cloned().collect();
    for name in row.gap_principles.0.iter().chain(&row.strength_principles.0) {
        if !principles.contains(name) {
            principles.push(name.clone());
        }
    }
    Ok(RunFacts {
        trace_id: row.trace_id.parse().map_err(|error: crate::model::IdError| corrupt(error.to_string()))?,
        status: row
            .status
            .parse()
            .map_err(|error: crate::model::UnknownStatus| corrupt(error.to_string()))?,
        project: row.project,
        intent: row.intent,
        domain: row.domain,
        report_type: row.report_type,
        passed: row.quality_gate_passed,
        score: row.scaled_score,
        duration_seconds: row.duration_seconds,
        cost_usd: row.synthesis_cost_usd,
        input_tokens: row.synthesis_input_tokens,
        output_tokens: row.synthesis_output_tokens,
        decisions: count(row.decision_count),
        confidence_sum: row.confidence_sum,
        confidence_count: count(row.confidence_count),
        agent: row.agent_name,
        model: row.model,
        started_at: Timestamp::new(row.started_at),
        completed_at: row.completed_at.map(Timestamp::new),
        flagged: row.flagged_for_review,
        evidence_collected: row.evidence_collected,
        evidence_passed: row.evidence_passed,
        evidence_filtered: row.evidence_filtered,
        gaps: row.gap_principles.0,
        principles,
    })
}
