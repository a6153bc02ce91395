//! The sums that are kept of stated confidence: one row a project, subject and UTC day.
//!
//! A check at a run's finish reads at most 90 rows a subject, however many decisions they stand for. The rows follow
//! from those of decisions and runs: whoever writes or deletes these changes the sums in the same transaction, by the
//! difference between what a run added before and what it adds now.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, NaiveDate, Utc};

use super::thousandths;
use crate::calibration::confidence::utc_day;
use crate::model::{Timestamp, Trace};
use crate::statistics::confidence::{FIXED_BINS, KEPT_NUMBERS, KeptSums, RunConfidence};
use crate::statistics::{Observed, Thousandths};
use crate::store::session::Session;
use crate::store::sql::{Arg, Sql, rows_at_once};

/// What a run added to the sums.
#[derive(Clone, Debug)]
pub(in crate::store::index) struct Added {
    project: String,
    day: NaiveDate,
    confidence: RunConfidence,
}

/// Changes of sums, put together over all runs of a transaction before they are written: a row is locked once, and
/// always in the same order, so that two transactions never wait for each other in a circle.
#[derive(Clone, Debug, Default)]
pub(in crate::store::index) struct Changes(BTreeMap<(String, String, NaiveDate), KeptSums>);

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

/// The sums of a subject over some days.
#[derive(sqlx::FromRow)]
struct SumsRow {
    subject: String,
    runs: i64,
    decisions: i64,
    right_decisions: i64,
    variance: i64,
    excess_0: i64,
    excess_1: i64,
    excess_2: i64,
    excess_3: i64,
    excess_4: i64,
    excess_5: i64,
    excess_6: i64,
    excess_7: i64,
    excess_8: i64,
    excess_9: i64,
    variance_0: i64,
    variance_1: i64,
    variance_2: i64,
    variance_3: i64,
    variance_4: i64,
    variance_5: i64,
    variance_6: i64,
    variance_7: i64,
    variance_8: i64,
    variance_9: i64,
}

const UPSERT: &str = "insert into confidence_days (project, subject, day, \
     runs, decisions, right_decisions, variance, excess_0, excess_1, excess_2, excess_3, excess_4, excess_5, \
     excess_6, excess_7, excess_8, excess_9, variance_0, variance_1, variance_2, variance_3, variance_4, \
     variance_5, variance_6, variance_7, variance_8, variance_9) values ";

const ADD: &str = " on conflict (project, subject, day) do update set \
     runs = confidence_days.runs + excluded.runs, decisions = confidence_days.decisions + excluded.decisions, \
     right_decisions = confidence_days.right_decisions + excluded.right_decisions, \
     variance = confidence_days.variance + excluded.variance, \
     excess_0 = confidence_days.excess_0 + excluded.excess_0, \
     excess_1 = confidence_days.excess_1 + excluded.excess_1, \
     excess_2 = confidence_days.excess_2 + excluded.excess_2, \
     excess_3 = confidence_days.excess_3 + excluded.excess_3, \
     excess_4 = confidence_days.excess_4 + excluded.excess_4, \
     excess_5 = confidence_days.excess_5 + excluded.excess_5, \
     excess_6 = confidence_days.excess_6 + excluded.excess_6, \
     excess_7 = confidence_days.excess_7 + excluded.excess_7, \
     excess_8 = confidence_days.excess_8 + excluded.excess_8, \
     excess_9 = confidence_days.excess_9 + excluded.excess_9, \
     variance_0 = confidence_days.variance_0 + excluded.variance_0, \
     variance_1 = confidence_days.variance_1 + excluded.variance_1, \
     variance_2 = confidence_days.variance_2 + excluded.variance_2, \
     variance_3 = confidence_days.variance_3 + excluded.variance_3, \
     variance_4 = confidence_days.variance_4 + excluded.variance_4, \
     variance_5 = confidence_days.variance_5 + excluded.variance_5, \
     variance_6 = confidence_days.variance_6 + excluded.variance_6, \
     variance_7 = confidence_days.variance_7 + excluded.variance_7, \
     variance_8 = confidence_days.variance_8 + excluded.variance_8, \
     variance_9 = confidence_days.variance_9 + excluded.variance_9";

const SUMS: &str = "select subject, \
     cast(sum(runs) as bigint) as runs, cast(sum(decisions) as bigint) as decisions, \
     cast(sum(right_decisions) as bigint) as right_decisions, cast(sum(variance) as bigint) as variance, \
     cast(sum(excess_0) as bigint) as excess_0, cast(sum(excess_1) as bigint) as excess_1, \
     cast(sum(excess_2) as bigint) as excess_2, cast(sum(excess_3) as bigint) as excess_3, \
     cast(sum(excess_4) as bigint) as excess_4, cast(sum(excess_5) as bigint) as excess_5, \
     cast(sum(excess_6) as bigint) as excess_6, cast(sum(excess_7) as bigint) as excess_7, \
     cast(sum(excess_8) as bigint) as excess_8, cast(sum(excess_9) as bigint) as excess_9, \
     cast(sum(variance_0) as bigint) as variance_0, cast(sum(variance_1) as bigint) as variance_1, \
     cast(sum(variance_2) as bigint) as variance_2, cast(sum(variance_3) as bigint) as variance_3, \
     cast(sum(variance_4) as bigint) as variance_4, cast(sum(variance_5) as bigint) as variance_5, \
     cast(sum(variance_6) as bigint) as variance_6, cast(sum(variance_7) as bigint) as variance_7, \
     cast(sum(variance_8) as bigint) as variance_8, cast(sum(variance_9) as bigint) as variance_9 \
     from confidence_days where project = ";

impl Added {
    /// What a run adds as it stands; nothing while it is open.
    pub(in crate::store::index) fn of(trace: &Trace, ended_at: Option<Timestamp>) -> Option<Self> {
        let day = utc_day(ended_at?);
        Some(Self { project: trace.project.clone(), day, confidence: RunConfidence::of(trace) })
    }

    /// What it added to each subject.
    pub(in crate::store::index) fn confidence(&self) -> &RunConfidence {
        &self.confidence
    }
}

/// What the rows of some runs have added, by their ids. To be asked before they are written anew.
pub(in crate::store::index) async fn added<'i>(
    session: &mut Session,
    ids: impl IntoIterator<Item = &'i str> + Send,
) -> sqlx::Result<HashMap<String, Added>> {
    added_by(session, |sql| {
        sql.push(" and t.trace_id in ").list(ids);
    })
    .await
}

/// What those runs have added that meet a condition on `traces t`.
pub(in crate::store::index) async fn added_by(
    session: &mut Session,
    condition: impl FnOnce(&mut Sql),
) -> sqlx::Result<HashMap<String, Added>> {
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

fn of_rows(rows: Vec<DecisionRow>) -> Option<Added> {
    let first = rows.first()?;
    let (project, agent) = (first.project.clone(), first.agent_name.clone());
    let day = utc_day(Timestamp::new(first.ended_at));
    let observed = |row: DecisionRow| {
        let confidence = Thousandths::new(row.thousandths);
        let observed = Observed { confidence, right: row.outcome, run: 0, own: row.own };
        (row.decision, observed, u64::try_from(row.decisions).unwrap_or(0))
    };
    let confidence = RunConfidence::of_decisions(agent.as_deref(), rows.into_iter().map(observed).collect());
    Some(Added { project, day, confidence })
}

impl Changes {
    /// What a run adds from now on.
    pub(in crate::store::index) fn add(&mut self, added: &Added) {
        self.change(added, KeptSums::add);
    }

    /// What a run added until now.
    pub(in crate::store::index) fn take_out(&mut self, added: &Added) {
        self.change(added, KeptSums::take_out);
    }

    /// What others change as well.
    pub(in crate::store::index) fn extend(&mut self, others: Self) {
        for (key, sums) in others.0 {
            self.0.entry(key).or_default().add(&sums);
        }
    }

    fn change(&mut self, added: &Added, change: impl Fn(&mut KeptSums, &KeptSums)) {
        for (subject, sums) in added.confidence.subjects() {
            let key = (added.project.clone(), subject.clone(), added.day);
            change(self.0.entry(key).or_default(), sums);
        }
    }

    /// Writes them. A day of which nothing is left has no row.
    pub(in crate::store::index) async fn write(self, session: &mut Session) -> sqlx::Result<()> {
        let changed = self.0.into_iter().filter(|(_, sums)| *sums != KeptSums::default());
        let mut rows: Vec<Vec<Arg>> = Vec::new();
        let mut shrunk: Vec<(String, String, String)> = Vec::new();
        for ((project, subject, day), sums) in changed {
            let day = day.to_string();
            if sums.runs < 0 {
                shrunk.push((project.clone(), subject.clone(), day.clone()));
            }
            let key = [project.into(), subject.into(), day.into()];
            rows.push(key.into_iter().chain(sums.numbers().into_iter().map(Arg::from)).collect());
        }
        let mut rows = rows.into_iter();
        loop {
            let chunk: Vec<Vec<Arg>> = rows.by_ref().take(rows_at_once(3 + KEPT_NUMBERS)).collect();
            if chunk.is_empty() {
                break;
            }
            let mut sql = Sql::new(UPSERT);
            sql.rows(chunk).push(ADD);
            session.execute(sql).await?;
        }
        for (project, subject, day) in shrunk {
            let sql = Sql::new(
                "delete from confidence_days where project = $1 and subject = $2 and day = $3 and runs = 0",
            );
            session.execute(sql.bind(project).bind(subject).bind(day)).await?;
        }
        Ok(())
    }
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
        let mut sql = Sql::new(SUMS);
        sql.arg(project).push(" and subject in ").list(subjects.iter().copied());
        sql.push(" and day >= ").arg(days.0.to_string()).push(" and day <= ").arg(days.1.to_string());
        sql.push(" group by subject");
        let rows: Vec<SumsRow> = session.fetch(sql).await?;
        found.extend(rows.into_iter().map(|row| (row.subject.clone(), row.sums())));
    }
    Ok(found)
}

impl SumsRow {
    fn sums(&self) -> KeptSums {
        KeptSums {
            runs: self.runs,
            decisions: self.decisions,
            right: self.right_decisions,
            variance: self.variance,
            excess: [
                self.excess_0,
                self.excess_1,
                self.excess_2,
                self.excess_3,
                self.excess_4,
                self.excess_5,
                self.excess_6,
                self.excess_7,
                self.excess_8,
                self.excess_9,
            ],
            variances: [
                self.variance_0,
                self.variance_1,
                self.variance_2,
                self.variance_3,
                self.variance_4,
                self.variance_5,
                self.variance_6,
                self.variance_7,
                self.variance_8,
                self.variance_9,
            ],
        }
    }
}

const _: () = assert!(FIXED_BINS == 10, "the columns of a bin are written out");
