//! Stated confidence: sums of each key and agent by UTC day (`confidence_days`).
//!
//! A check at a run's finish reads at most 90 rows a subject, however many decisions they stand for.

use std::collections::HashMap;

use chrono::{DateTime, NaiveDate, Utc};

use super::table::{Additions, SumRow, Table};
use crate::calibration::confidence::utc_day;
use crate::model::{Timestamp, Trace};
use crate::statistics::confidence::{FIXED_BINS, KEPT_NUMBERS, KeptSums, RunConfidence};
use crate::statistics::{Observed, Thousandths};
use crate::store::index::confidence::thousandths;
use crate::store::session::Session;
use crate::store::sql::{Sql, rows_at_once};

/// `subject` is what [`RunConfidence`] names.
pub(super) const TABLE: Table<3, KEPT_NUMBERS> = Table {
    name: "confidence_days",
    keys: ["project", "subject", "day"],
    numbers: [
        "runs",
        "decisions",
        "right_decisions",
        "variance",
        "excess_0",
        "excess_1",
        "excess_2",
        "excess_3",
        "excess_4",
        "excess_5",
        "excess_6",
        "excess_7",
        "excess_8",
        "excess_9",
        "variance_0",
        "variance_1",
        "variance_2",
        "variance_3",
        "variance_4",
        "variance_5",
        "variance_6",
        "variance_7",
        "variance_8",
        "variance_9",
    ],
};

const _: () = assert!(FIXED_BINS == 10, "the columns of a bin are written out");

pub(super) type Changes = Additions<3, KEPT_NUMBERS>;

/// What a run added to the sums.
#[derive(Clone, Debug)]
pub(in crate::store::index) struct Stated {
    project: String,
    day: NaiveDate,
    confidence: RunConfidence,
}

#[derive(sqlx::FromRow)]
struct DecisionRow {
    trace_id: String,
    project: String,
    agent_name: Option<String>,
    ended_at: DateTime<Utc>,
    decision: String,
    thousandths: i64,
    outcome: bool,
    own: bool,
    decisions: i64,
}

impl Stated {
    /// What a run that ended then adds as it stands.
    pub(super) fn of(trace: &Trace, ended_at: Timestamp) -> Self {
        let (project, day) = (trace.project.clone(), utc_day(ended_at));
        Self { project, day, confidence: RunConfidence::of(trace) }
    }

    /// What it added to each subject.
    pub(in crate::store::index) fn confidence(&self) -> &RunConfidence {
        &self.confidence
    }

    pub(super) fn put(&self, changes: &mut Changes, sign: i64) {
        let day = self.day.to_string();
        for (subject, sums) in self.confidence.subjects() {
            changes.put([&self.project, subject, &day], sums.numbers(), sign);
        }
    }
}

/// What those runs have added that meet a condition on `traces t`, by their ids.
pub(in crate::store::index) async fn stated_by(
    session: &mut Session,
    condition: impl FnOnce(&mut Sql),
) -> sqlx::Result<HashMap<String, Stated>> {
    let mut sql = Sql::new("select t.trace_id, t.project, t.agent_name, t.ended_at, d.decision, ");
    sql.push(thousandths(session.is_postgres())).push(
        " as thousandths, coalesce(d.outcome_correct, t.quality_gate_passed) as outcome, \
         d.outcome_correct is not null as own, count(*) as decisions \
         from traces t cross join decisions d where d.trace_id = t.trace_id and d.confidence is not null \
         and t.ended_at is not null and coalesce(d.outcome_correct, t.quality_gate_passed) is not null",
    );
    condition(&mut sql);
    sql.push(" group by 1, 2, 3, 4, 5, 6, 7, 8");
    let mut runs: HashMap<String, Vec<DecisionRow>> = HashMap::new();
    for row in session.fetch::<DecisionRow>(sql).await? {
        runs.entry(row.trace_id.clone()).or_default().push(row);
    }
    Ok(runs.into_iter().filter_map(|(id, rows)| Some((id, of_rows(rows)?))).collect())
}

fn of_rows(rows: Vec<DecisionRow>) -> Option<Stated> {
    let first = rows.first()?;
    let (project, agent) = (first.project.clone(), first.agent_name.clone());
    let day = utc_day(Timestamp::new(first.ended_at));
    let observed = |row: DecisionRow| {
        let confidence = Thousandths::new(row.thousandths);
        let observed = Observed { confidence, right: row.outcome, run: 0, own: row.own };
        (row.decision, observed, u64::try_from(row.decisions).unwrap_or(0))
    };
    let confidence = RunConfidence::of_decisions(agent.as_deref(), rows.into_iter().map(observed).collect());
    Some(Stated { project, day, confidence })
}

/// The sums of subjects over the days from one to another.
pub(in crate::store::index) async fn sums(
    session: &mut Session,
    project: &str,
    subjects: &[&str],
    days: (NaiveDate, NaiveDate),
) -> sqlx::Result<HashMap<String, KeptSums>> {
    let mut found = HashMap::new();
    for subjects in subjects.chunks(rows_at_once(1)) {
        let mut sql = Sql::new("select subject, ");
        TABLE.push_sums(&mut sql);
        sql.push(" from confidence_days where project = ").arg(project);
        sql.push(" and subject in ").list(subjects.iter().copied());
        sql.push(" and day >= ").arg(days.0.to_string()).push(" and day <= ").arg(days.1.to_string());
        sql.push(" group by subject");
        let rows: Vec<SumRow<1, KEPT_NUMBERS>> = session.fetch(sql).await?;
        found.extend(
            rows.into_iter()
                .map(|SumRow { keys: [subject], numbers }| (subject, KeptSums::from_numbers(numbers))),
        );
    }
    Ok(found)
}
