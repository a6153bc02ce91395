//! From a trace to its rows: the one place that knows what stands in which column.

mod decisions;

use std::collections::HashMap;

use decisions::DecisionRows;
use serde_json::{Map, Value, json};

use super::search;
use super::sums::{self, Added, Changes};
use crate::model::{Confidence, Quality, QualityRules, Timestamp, Trace};
use crate::store::session::Session;
use crate::store::sql::{Arg, Sql, rows_at_once};
use crate::words::query_hash;

/// What the row of a run knows besides its trace.
#[derive(Clone, Debug)]
pub(super) struct Bookkeeping {
    /// Events recorded so far.
    pub event_count: i64,
    /// Their size in bytes of JSON.
    pub event_bytes: i64,
    /// When the agent was last heard of; the end or beginning of the run where that is unknown.
    pub last_event_at: Option<Timestamp>,
    /// The revision of the run's document, 0 while it has none.
    pub document_revision: u64,
    /// Whether rows of an earlier projection may be there.
    pub had_rows: bool,
    /// Whether the run has no row at all yet.
    pub is_new: bool,
}

/// Writes all rows of a run. While it is open that is only its row in `traces`. Gives what changes in the kept
/// sums, which is written once for all runs of a transaction.
pub(super) async fn write(
    session: &mut Session,
    trace: &Trace,
    books: &Bookkeeping,
    rules: &QualityRules,
) -> sqlx::Result<Changes> {
    let id = trace.trace_id.as_str();
    let before = if books.had_rows { sums::added(session, [id]).await? } else { HashMap::new() };
    write_head(session, trace, books, rules).await?;
    let mut parts = Parts::default();
    parts.add(trace, books, rules, before.get(id));
    parts.write(session).await
}

/// Writes the row of a run in `traces`, and its words.
pub(super) async fn write_head(
    session: &mut Session,
    trace: &Trace,
    books: &Bookkeeping,
    rules: &QualityRules,
) -> sqlx::Result<()> {
    let row_id = write_run(session, trace, books, rules, trace.status().is_finished()).await?;
    search::write_words(session, row_id, trace, books.is_new).await
}

/// The other rows of some runs, which are written together: a statement is as quick with the rows of many.
#[derive(Debug, Default)]
pub(super) struct Parts {
    /// Runs that may have rows of an earlier projection.
    replaced: Vec<String>,
    tags: Vec<Vec<Arg>>,
    stages: Vec<Vec<Arg>>,
    decisions: DecisionRows,
    principle_scores: Vec<Vec<Arg>>,
    evidence: Vec<Vec<Arg>>,
    sums: Changes,
}

fn unique_tags(trace: &Trace) -> impl Iterator<Item = &String> {
    let tags = &trace.run.tags;
    tags.iter()
        .enumerate()
        .filter(|(place, tag)| !tags.iter().take(*place).any(|other| other == *tag))
        .map(|(_, tag)| tag)
}

impl Parts {
    /// Takes in the rows of a run, which until now `before` followed from.
    pub(super) fn add(
        &mut self,
        trace: &Trace,
        books: &Bookkeeping,
        rules: &QualityRules,
        before: Option<&Added>,
    ) {
        let id = trace.trace_id.as_str();
        if let Some(before) = before {
            self.sums.take_out(before);
        }
        if let Some(now) = Added::of(trace, rules) {
            self.sums.add(&now);
        }
        if books.had_rows {
            self.replaced.push(id.to_owned());
        }
        if books.is_new || books.had_rows {
            self.tags.extend(unique_tags(trace).map(|tag| vec![tag.into(), id.into()]));
        }
        if !trace.status().is_finished() {
            return;
        }
        self.stages.extend(trace.stages.iter().enumerate().map(|(position, (name, stage))| {
            vec![
                id.into(),
                name.into(),
                int(position),
                stage.started_at.into(),
                stage.completed_at.into(),
                stage.duration_seconds.into(),
                int(stage.decisions.len()),
                stage.error.as_ref().into(),
            ]
        }));
        self.decisions.add(trace);
        self.principle_scores.extend(principles(&trace.quality).into_iter().map(
            |(principle, score, side)| {
                vec![
                    id.into(),
                    principle.into(),
                    score.into(),
                    score.map(|score| trace.quality.rescaled(score, rules)).into(),
                    side.into(),
                    (&trace.project).into(),
                    ended_at(trace).into(),
                ]
            },
        ));
        self.evidence.extend(trace.stages.iter().filter_map(|(name, stage)| {
            let evidence = stage.evidence.as_ref()?;
            Some(vec![
                id.into(),
                name.into(),
                evidence.collected_count.into(),
                evidence.passed_count.into(),
                evidence.filtered_count.into(),
                json!(evidence.by_source).into(),
            ])
        }));
    }

    /// Puts the rows in the place of those that the runs had. Gives what changes in the kept sums.
    pub(super) async fn write(self, session: &mut Session) -> sqlx::Result<Changes> {
        if !self.replaced.is_empty() {
            search::delete_decision_words(session, &self.replaced).await?;
            for text in [
                "delete from tags where trace_id in ",
                "delete from stages where trace_id in ",
                "delete from decisions where trace_id in ",
                "delete from alternatives where trace_id in ",
                "delete from principle_scores where trace_id in ",
                "delete from evidence where trace_id in ",
            ] {
                let mut sql = Sql::new(text);
                sql.list(self.replaced.iter().map(String::as_str));
                session.execute(sql).await?;
            }
        }
        for (text, columns, rows) in [
            ("insert into tags (tag, trace_id) values ", 2, self.tags),
            (
                "insert into stages (trace_id, stage, position, started_at, completed_at, duration_seconds, \
                 decision_count, error) values ",
                8,
                self.stages,
            ),
            (
                "insert into principle_scores (trace_id, principle, score, scaled_score, side, project, ended_at) \
                 values ",
                7,
                self.principle_scores,
            ),
            (
                "insert into evidence (trace_id, stage, collected_count, passed_count, filtered_count, by_source) \
                 values ",
                6,
                self.evidence,
            ),
        ] {
            insert(session, text, columns, rows).await?;
        }
        self.decisions.write(session).await?;
        Ok(self.sums)
    }
}

async fn insert(
    session: &mut Session,
    text: &'static str,
    columns: usize,
    rows: Vec<Vec<Arg>>,
) -> sqlx::Result<()> {
    let mut rows = rows.into_iter();
    loop {
        let chunk: Vec<Vec<Arg>> = rows.by_ref().take(rows_at_once(columns)).collect();
        if chunk.is_empty() {
            return Ok(());
        }
        let mut sql = Sql::new(text);
        // A document that was edited may name one thing twice.
        sql.rows(chunk).push(" on conflict do nothing");
        session.execute(sql).await?;
    }
}

/// Every principle once, with its score where it has one and its side: `gap`, `strength` or empty.
fn principles(quality: &Quality) -> Vec<(&str, Option<f64>, &'static str)> {
    let mut rows: Vec<(&str, Option<f64>, &'static str)> = Vec::new();
    let side = |id: &String| {
        if quality.gap_principles.contains(id) {
            "gap"
        } else if quality.strength_principles.contains(id) {
            "strength"
        } else {
            ""
        }
    };
    for principle in &quality.principle_scores {
        if !rows.iter().any(|row| row.0 == principle.id) {
            rows.push((&principle.id, Some(principle.score), side(&principle.id)));
        }
    }
    for id in quality.gap_principles.iter().chain(&quality.strength_principles) {
        if !rows.iter().any(|row| row.0 == id) {
            rows.push((id, None, side(id)));
        }
    }
    rows
}

/// Writes the row in `traces` and gives its number.
async fn write_run(
    session: &mut Session,
    trace: &Trace,
    books: &Bookkeeping,
    rules: &QualityRules,
    finished: bool,
) -> sqlx::Result<i64> {
    let columns = columns(trace, books, rules, finished);
    let mut sql = Sql::new("insert into traces (");
    for (place, (name, _)) in columns.iter().enumerate() {
        sql.push(if place > 0 { ", " } else { "" }).push(name);
    }
    sql.push(") values ");
    let names: Vec<&'static str> = columns.iter().map(|(name, _)| *name).collect();
    sql.rows([columns.into_iter().map(|(_, value)| value).collect()]);
    sql.push(" on conflict (trace_id) do update set ");
    for (place, name) in
        names.into_iter().filter(|name| !matches!(*name, "trace_id" | "created_at")).enumerate()
    {
        sql.push(if place > 0 { ", " } else { "" }).push(name).push(" = excluded.").push(name);
    }
    sql.push(" returning row_id");
    let (row_id,): (i64,) = session.fetch_one(sql).await?;
    Ok(row_id)
}

fn columns(
    trace: &Trace,
    books: &Bookkeeping,
    rules: &QualityRules,
    finished: bool,
) -> Vec<(&'static str, Arg)> {
    let run = &trace.run;
    let quality = &trace.quality;
    let scaled = quality.score.map(|score| quality.rescaled(score, rules));
    let (collected, passed, filtered) = trace.evidence_totals();
    let confidences: Vec<f64> =
        trace.decisions().filter_map(|(_, decision)| decision.confidence).map(Confidence::get).collect();
    let last_event_at = books.last_event_at.or(run.completed_at).unwrap_or(run.started_at);
    let scores: Map<String, Value> = quality
        .principle_scores
        .iter()
        .map(|principle| (principle.id.clone(), json!(principle.score)))
        .collect();
    let mut columns: Vec<(&'static str, Arg)> = vec![
        ("trace_id", trace.trace_id.as_str().into()),
        ("project", (&trace.project).into()),
        ("query", (&run.query).into()),
        ("query_hash", query_hash(&run.query).into()),
        ("intent", run.intent.as_ref().into()),
        ("domain", run.domain.as_ref().into()),
        ("report_type", run.report_type.as_ref().into()),
        ("research_type", run.research_type.as_ref().into()),
        ("status", run.status.as_str().into()),
        ("error", run.error.as_ref().into()),
        ("quality_gate_passed", quality.passed.into()),
        ("overall_quality_score", quality.score.into()),
        ("quality_scale_max", quality.scale_max.into()),
        ("scaled_score", scaled.filter(|score| score.is_finite()).into()),
        ("started_at", run.started_at.into()),
        ("completed_at", run.completed_at.into()),
        ("ended_at", ended_at(trace).into()),
        ("duration_seconds", run.duration_seconds.into()),
        ("evidence_collected", collected.into()),
        ("evidence_passed", passed.into()),
        ("evidence_filtered", filtered.into()),
        ("synthesis_model", trace.cost.model.as_ref().into()),
        ("synthesis_input_tokens", trace.cost.input_tokens.into()),
        ("synthesis_output_tokens", trace.cost.output_tokens.into()),
        ("synthesis_cost_usd", trace.cost.cost_usd.into()),
        ("principle_scores", Value::Object(scores).into()),
        ("gap_principles", json!(quality.gap_principles).into()),
        ("strength_principles", json!(quality.strength_principles).into()),
        ("iteration_count", whole(trace.iteration_count)),
        ("quality_gate_failures", whole(trace.quality_gate_failures)),
        ("report_file_path", trace.outputs.report_path.as_ref().into()),
        ("output_file_paths", json!(trace.outputs.output_paths).into()),
        ("flagged_for_review", trace.calibration.flagged_for_review.into()),
        ("review_notes", trace.calibration.review_notes.as_ref().into()),
        ("parent_trace_id", trace.parent_trace_id.as_ref().map(crate::model::TraceId::as_str).into()),
        ("agent_name", run.agent.name.as_ref().into()),
        ("agent_model", run.agent.model.as_ref().into()),
        ("tags", json!(run.tags).into()),
        ("decision_count", int(trace.decisions().count())),
        ("confidence_count", int(confidences.len())),
        // The sum of nothing is -0, which Postgres keeps and SQLite does not.
        ("confidence_sum", (confidences.iter().sum::<f64>() + 0.0).into()),
        ("turn_count", int(trace.iterations.len())),
        ("event_count", books.event_count.into()),
        ("event_bytes", books.event_bytes.into()),
        ("last_event_at", last_event_at.into()),
        ("document_revision", whole(books.document_revision)),
        ("projected", finished.into()),
        ("schema_version", i64::from(trace.schema_version).into()),
        ("created_at", last_event_at.into()),
        ("updated_at", last_event_at.into()),
    ];
    columns.extend(from_metadata(&run.metadata));
    columns
}

/// Columns that no field of the document fills come from the run's own metadata, under the same name and when the
/// type fits.
fn from_metadata(metadata: &Map<String, Value>) -> Vec<(&'static str, Arg)> {
    let int = |name: &'static str| (name, Arg::Int(metadata.get(name).and_then(Value::as_i64)));
    let float = |name: &'static str| (name, Arg::Float(metadata.get(name).and_then(Value::as_f64)));
    let text =
        |name: &'static str| (name, Arg::Text(metadata.get(name).and_then(Value::as_str).map(str::to_owned)));
    let json =
        |name: &'static str| (name, Arg::Json(metadata.get(name).cloned().filter(|value| !value.is_null())));
    vec![
        int("evidence_retrieved"),
        int("evidence_used"),
        text("retrieval_method"),
        int("retrieval_tokens"),
        float("retrieval_cost_usd"),
        json("rubric_scores"),
        json("principle_breakdown"),
        int("qg_iteration_count"),
        json("tier_config"),
    ]
}

/// The moment that places a finished run among others: its end, or its start where only that is known.
fn ended_at(trace: &Trace) -> Option<Timestamp> {
    trace.status().is_finished().then(|| trace.run.completed_at.unwrap_or(trace.run.started_at))
}

fn int(count: usize) -> Arg {
    Arg::Int(Some(i64::try_from(count).unwrap_or(i64::MAX)))
}

fn whole(count: u64) -> Arg {
    Arg::Int(Some(i64::try_from(count).unwrap_or(i64::MAX)))
}
