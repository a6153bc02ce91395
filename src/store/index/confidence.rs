//! Stated confidence and what came of it, as counts of decisions.
//!
//! A question reads the decisions of a bounded number of runs, the newest first, so that it takes as long among a
//! million runs as among ten thousand. How confidence becomes [`Thousandths`] is written twice, here and there; a
//! test holds them together.

use chrono::{DateTime, Utc};

use super::{Filter, Index};
use crate::error::Result;
use crate::model::Timestamp;
use crate::statistics::{ConfidenceBy, GroupedConfidence, Observations, Observed, Thousandths};
use crate::store::session::Session;
use crate::store::sql::Sql;

/// Which decisions a question about confidence is about; they meet all conditions.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ConfidenceFilter {
    /// Conditions on their runs.
    pub runs: Filter,
    /// The name of the runs' agent.
    pub agent: Option<String>,
    /// The model that did the runs' main work; where their end named none, the one that the agent runs on.
    pub model: Option<String>,
    /// The stage.
    pub stage: Option<String>,
    /// The key.
    pub decision: Option<String>,
}

/// How much is read for one question: the newest runs, as far as both reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConfidenceReach {
    /// Runs whose decisions are read.
    pub runs: u32,
    /// Decisions with a confidence that these runs may have; of the newest run all are read.
    pub decisions: i64,
}

/// What was read.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StatedConfidence {
    /// All decisions that meet the filter.
    pub all: Observations,
    /// The same in groups, where these were asked for.
    pub groups: GroupedConfidence,
    /// Where there are more runs than are read: the end of the last that was.
    pub read_since: Option<Timestamp>,
}

/// An end and an id: where the runs begin that are read.
type Cut = (DateTime<Utc>, String);

#[derive(sqlx::FromRow)]
struct CountRow {
    value: Option<String>,
    run: i64,
    thousandths: i64,
    outcome: Option<bool>,
    own: bool,
    decisions: i64,
}

impl Default for ConfidenceReach {
    fn default() -> Self {
        Self { runs: 1_000, decisions: 10_000 }
    }
}

impl Index {
    /// Counts decisions of finished runs that stated a confidence, by what they said and what came of it: their own
    /// outcome, else the verdict of their run's gate.
    ///
    /// # Errors
    /// [`crate::Error::Unavailable`] when the database is away.
    pub async fn stated_confidence(
        &self,
        filter: &ConfidenceFilter,
        by: Option<ConfidenceBy>,
        reach: ConfidenceReach,
    ) -> Result<StatedConfidence> {
        self.read(async |session| {
            let mut stated = StatedConfidence::default();
            let cut = cut(session, filter, reach).await?;
            stated.read_since = cut.as_ref().map(|(at, _)| Timestamp::new(*at));
            let sql = counts(filter, by, cut, session.is_postgres());
            session.each(sql, |row: CountRow| stated.take(row, by.is_some())).await?;
            Ok(stated)
        })
        .await
    }
}

impl StatedConfidence {
    fn take(&mut self, row: CountRow, grouped: bool) {
        let count = u64::try_from(row.decisions).unwrap_or(0);
        let Some(right) = row.outcome else {
            self.all.add_without_outcome(count);
            return;
        };
        let confidence = Thousandths::new(row.thousandths);
        let observed = Observed { confidence, right, run: row.run, own: row.own };
        self.all.add(observed, count);
        if grouped {
            self.groups.add(row.value, observed, count);
        }
    }
}

/// Where there are more runs than are read, the last one that is.
async fn cut(
    session: &mut Session,
    filter: &ConfidenceFilter,
    reach: ConfidenceReach,
) -> sqlx::Result<Option<Cut>> {
    let mut sql = Sql::new("select t.ended_at, t.trace_id, t.confidence_count from traces t");
    filter.push_runs(&mut sql, session.is_postgres());
    sql.push(" order by t.ended_at desc, t.trace_id desc limit ").arg(i64::from(reach.runs) + 1);
    let mut runs: Vec<(DateTime<Utc>, String, i64)> = session.fetch(sql).await?;
    let (mut read, mut decisions) = (0, 0);
    for (_, _, count) in runs.iter().take(reach.runs as usize) {
        decisions += count;
        if read > 0 && decisions > reach.decisions {
            break;
        }
        read += 1;
    }
    let is_cut = read < runs.len();
    runs.truncate(read);
    Ok(runs.pop().filter(|_| is_cut).map(|(at, id, _)| (at, id)))
}

fn counts(filter: &ConfidenceFilter, by: Option<ConfidenceBy>, cut: Option<Cut>, postgres: bool) -> Sql {
    let mut sql = Sql::new("select ");
    sql.push(match by {
        None => "cast(null as text)",
        Some(ConfidenceBy::Stage) => "d.stage",
        Some(ConfidenceBy::Decision) => "d.decision",
        Some(ConfidenceBy::Intent) => "t.intent",
        Some(ConfidenceBy::Agent) => "t.agent_name",
        Some(ConfidenceBy::Model) => "coalesce(t.synthesis_model, t.agent_model)",
    });
    sql.push(" as value, t.row_id as run, ").push(thousandths(postgres)).push(
        " as thousandths, coalesce(d.outcome_correct, t.quality_gate_passed) as outcome, \
         d.outcome_correct is not null as own, count(*) as decisions \
         from traces t cross join decisions d",
    );
    // SQLite joins in the order in which a cross join is written: from the runs to their decisions.
    filter.push_runs(&mut sql, postgres);
    sql.push(" and d.trace_id = t.trace_id and d.confidence is not null");
    if let Some((at, trace_id)) = cut {
        sql.push(" and (t.ended_at, t.trace_id) >= (")
            .arg(Timestamp::new(at))
            .push(", ")
            .arg(trace_id)
            .push(")");
    }
    for (condition, value) in [(" and d.stage = ", &filter.stage), (" and d.decision = ", &filter.decision)] {
        if let Some(value) = value {
            sql.push(condition).arg(value);
        }
    }
    sql.push(" group by 1, 2, 3, 4, 5");
    sql
}

/// [`Thousandths::of`] a decision's confidence. A cast cuts off on SQLite and rounds on Postgres.
pub(super) fn thousandths(postgres: bool) -> &'static str {
    if postgres {
        "cast(trunc(d.confidence * 1000 + 0.5) as bigint)"
    } else {
        "cast(d.confidence * 1000 + 0.5 as integer)"
    }
}

impl ConfidenceFilter {
    /// Appends `where` and the conditions on `traces t`.
    fn push_runs(&self, sql: &mut Sql, postgres: bool) {
        self.runs.push(sql, postgres);
        sql.push(" and t.ended_at is not null and t.confidence_count > 0");
        for (condition, value) in [
            (" and t.agent_name = ", &self.agent),
            (" and coalesce(t.synthesis_model, t.agent_model) = ", &self.model),
        ] {
            if let Some(value) = value {
                sql.push(condition).arg(value);
            }
        }
    }
}
