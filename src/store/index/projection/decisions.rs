//! The rows of decisions, of the options that they did not take, and of the words that they are found by.

use std::collections::HashSet;

use serde_json::Value;

use super::{ended_at, insert, int};
use crate::model::{Confidence, Decision, DecisionId, Trace};
use crate::store::index::search::{self, DecisionWords};
use crate::store::session::Session;
use crate::store::sql::{Arg, Sql};
use crate::words::choice;

/// How much of a result its row holds, in characters. All of it is in the document.
const RESULT_CHARACTERS: usize = 500;

/// The rows of the decisions of some runs.
#[derive(Debug, Default)]
pub(super) struct DecisionRows {
    decisions: Vec<(Vec<Arg>, DecisionWords)>,
    alternatives: Vec<Vec<Arg>>,
}

impl DecisionRows {
    /// Takes in the rows of a finished run.
    pub(super) fn add(&mut self, trace: &Trace) {
        // A document that was edited may name one thing twice; the first stands.
        let mut seen: HashSet<&DecisionId> = HashSet::new();
        for (position, (stage, decision)) in trace.decisions().enumerate() {
            if seen.insert(&decision.decision_id) {
                self.add_decision(trace, position, stage, decision);
            }
        }
    }

    fn add_decision(&mut self, trace: &Trace, position: usize, stage: &str, decision: &Decision) {
        let id = trace.trace_id.as_str();
        let result = decision.result.as_ref().map(shortened);
        let words = DecisionWords::of(trace, decision, result.as_deref().unwrap_or_default());
        let row = vec![
            id.into(),
            decision.decision_id.as_str().into(),
            stage.into(),
            int(position),
            (&decision.key).into(),
            (&decision.what).into(),
            (&decision.why).into(),
            result.into(),
            decision.confidence.map(Confidence::get).into(),
            int(decision.alternatives_considered.len()),
            int(decision.evidence_ids.len()),
            decision.error.as_ref().into(),
            decision.outcome.as_ref().and_then(|outcome| outcome.correct).into(),
            decision.actor.as_ref().into(),
            decision.timestamp.into(),
            decision.late.into(),
            (&trace.project).into(),
            trace.run.intent.as_ref().into(),
            ended_at(trace).into(),
            trace.quality.passed.into(),
            choice(&decision.what).into(),
        ];
        self.decisions.push((row, words));
        let alternatives = decision.alternatives_considered.iter().enumerate();
        self.alternatives.extend(alternatives.map(|(position, alternative)| {
            vec![
                id.into(),
                decision.decision_id.as_str().into(),
                int(position),
                (&alternative.option).into(),
                alternative.score.into(),
                alternative.why_not.as_ref().into(),
                choice(&alternative.option).into(),
            ]
        }));
    }

    /// Writes them, where none of these runs is left.
    pub(super) async fn write(self, session: &mut Session) -> sqlx::Result<()> {
        if session.is_postgres() {
            let rows = self.decisions.into_iter().map(|(mut row, words)| {
                row.push(words.lines().into());
                row
            });
            insert(session, INSERT_ON_POSTGRES, 22, rows.collect()).await?;
        } else {
            write_on_sqlite(session, self.decisions).await?;
        }
        let text = "insert into alternatives (trace_id, decision_id, position, option, score, why_not, choice) values ";
        insert(session, text, 7, self.alternatives).await
    }
}

const INSERT_ON_POSTGRES: &str = "insert into decisions (trace_id, decision_id, stage, position, decision, what, \
    why, result, confidence, alternative_count, evidence_count, error, outcome_correct, actor, decided_at, late, \
    project, intent, ended_at, quality_gate_passed, choice, word_text) values ";

const INSERT_ON_SQLITE: &str = "insert into decisions (row_id, trace_id, decision_id, stage, position, decision, what, \
    why, result, confidence, alternative_count, evidence_count, error, outcome_correct, actor, decided_at, late, \
    project, intent, ended_at, quality_gate_passed, choice) values ";

/// Numbers the rows here, so that each has its words under the same number. Nobody else writes meanwhile.
async fn write_on_sqlite(
    session: &mut Session,
    decisions: Vec<(Vec<Arg>, DecisionWords)>,
) -> sqlx::Result<()> {
    if decisions.is_empty() {
        return Ok(());
    }
    let sql = Sql::new("select coalesce(max(row_id), 0) + 1 from decisions");
    let (first,): (i64,) = session.fetch_one(sql).await?;
    let numbered = (first..).zip(decisions);
    let (rows, words) = numbered
        .map(|(row_id, (mut row, words))| {
            row.insert(0, row_id.into());
            (row, words.columns(row_id))
        })
        .unzip();
    insert(session, INSERT_ON_SQLITE, 22, rows).await?;
    search::insert_decision_words(session, words).await
}

/// The beginning of a result as text.
fn shortened(result: &Value) -> String {
    let text = result.as_str().map_or_else(|| result.to_string(), str::to_owned);
    text.chars().take(RESULT_CHARACTERS).collect()
}
