//! How runs were judged: sums of a project's runs of a UTC day, of those of an intent and of those of a domain
//! (`run_days`), and of the runs of an intent and domain in which a principle was judged (`principle_days`).
//!
//! What is checked at each finish is asked by intent or by domain, and must not depend on how many of both there are
//! together; of principles both are told beside each other.

use std::collections::HashMap;

use chrono::{DateTime, NaiveDate, Utc};

use super::table::{Additions, Table};
use crate::calibration::confidence::utc_day;
use crate::model::{QualityRules, Timestamp, Trace};
use crate::statistics::{RunFacts, millionths};
use crate::store::session::Session;
use crate::store::sql::Sql;

/// `field` is empty, `intent` or `domain`; `score` adds up [`millionths`].
pub(super) const RUNS: Table<4, 5> = Table {
    name: "run_days",
    keys: ["field", "value", "day", "project"],
    numbers: ["runs", "judged", "passed", "scored", "score"],
};

/// An empty intent or domain stands for none.
pub(super) const PRINCIPLES: Table<5, 2> = Table {
    name: "principle_days",
    keys: ["day", "principle", "project", "intent", "domain"],
    numbers: ["runs", "gap_runs"],
};

/// What runs change of both.
#[derive(Clone, Debug, Default)]
pub(super) struct Changes {
    runs: Additions<4, 5>,
    principles: Additions<5, 2>,
}

/// How a run that has ended was judged.
#[derive(Clone, Debug)]
pub(super) struct Judged {
    project: String,
    day: NaiveDate,
    intent: String,
    domain: String,
    passed: Option<bool>,
    millionths: Option<i64>,
    /// Each principle, and whether it is a gap.
    principles: Vec<(String, bool)>,
}

#[derive(sqlx::FromRow)]
struct RunRow {
    trace_id: String,
    project: String,
    intent: Option<String>,
    domain: Option<String>,
    ended_at: DateTime<Utc>,
    passed: Option<bool>,
    millionths: Option<i64>,
}

/// [`millionths`] of a run's score. A cast cuts off on SQLite and rounds on Postgres, where the least of null and a number
/// is the number.
pub(super) fn score_sql(postgres: bool) -> &'static str {
    if postgres {
        "case when t.scaled_score is not null then \
         cast(trunc(greatest(least(t.scaled_score, 1000000.0), -1000000.0) * 1000000.0 + 0.5) as bigint) end"
    } else {
        "cast(max(min(t.scaled_score, 1000000.0), -1000000.0) * 1000000.0 + 0.5 as integer)"
    }
}

impl Judged {
    /// A run as it stands, and when it ended; nothing while it is open.
    pub(super) fn of(trace: &Trace, rules: &QualityRules) -> Option<(Self, Timestamp)> {
        if !trace.status().is_finished() {
            return None;
        }
        let facts = RunFacts::of(trace, rules);
        let ended_at = facts.ended_at()?;
        let principle = |principle: &String| (principle.clone(), facts.gaps.contains(principle));
        let judged = Self {
            day: utc_day(ended_at),
            passed: facts.passed,
            millionths: facts.score.map(millionths),
            principles: facts.principles.iter().map(principle).collect(),
            project: facts.project,
            intent: facts.intent.unwrap_or_default(),
            domain: facts.domain.unwrap_or_default(),
        };
        Some((judged, ended_at))
    }

    pub(super) fn put(&self, changes: &mut Changes, sign: i64) {
        let Self { project, intent, domain, .. } = self;
        let day = self.day.to_string();
        let numbers = [
            1,
            i64::from(self.passed.is_some()),
            i64::from(self.passed == Some(true)),
            i64::from(self.millionths.is_some()),
            self.millionths.unwrap_or(0),
        ];
        for (field, value) in [("", ""), ("intent", intent.as_str()), ("domain", domain.as_str())] {
            if field.is_empty() || !value.is_empty() {
                changes.runs.put([field, value, &day, project], numbers, sign);
            }
        }
        for (principle, is_gap) in &self.principles {
            let numbers = [1, i64::from(*is_gap)];
            changes.principles.put([&day, principle, project, intent, domain], numbers, sign);
        }
    }
}

/// Those of the runs that have ended and meet a condition on `traces t`, by their ids.
pub(super) async fn judged_by(
    session: &mut Session,
    condition: impl Fn(&mut Sql),
) -> sqlx::Result<HashMap<String, Judged>> {
    let mut sql = Sql::new(
        "select t.trace_id, t.project, t.intent, t.domain, t.ended_at, t.quality_gate_passed as passed, ",
    );
    sql.push(score_sql(session.is_postgres()));
    sql.push(" as millionths from traces t where t.ended_at is not null");
    condition(&mut sql);
    let mut runs: HashMap<String, Judged> = HashMap::new();
    for row in session.fetch::<RunRow>(sql).await? {
        let judged = Judged {
            project: row.project,
            day: utc_day(Timestamp::new(row.ended_at)),
            intent: row.intent.unwrap_or_default(),
            domain: row.domain.unwrap_or_default(),
            passed: row.passed,
            millionths: row.millionths,
            principles: Vec::new(),
        };
        runs.insert(row.trace_id, judged);
    }
    let mut sql = Sql::new(
        "select p.trace_id, p.principle, p.side = 'gap' from traces t cross join principle_scores p \
         where p.trace_id = t.trace_id and t.ended_at is not null",
    );
    condition(&mut sql);
    for (trace_id, principle, is_gap) in session.fetch::<(String, String, bool)>(sql).await? {
        if let Some(run) = runs.get_mut(&trace_id) {
            run.principles.push((principle, is_gap));
        }
    }
    Ok(runs)
}

impl Changes {
    pub(super) fn extend(&mut self, others: Self) {
        self.runs.extend(others.runs);
        self.principles.extend(others.principles);
    }

    pub(super) async fn write(self, session: &mut Session) -> sqlx::Result<()> {
        RUNS.add(session, self.runs).await?;
        PRINCIPLES.add(session, self.principles).await
    }
}
