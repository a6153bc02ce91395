//! The kept sums made anew from the rows of runs.
//!
//! Whoever writes or deletes the rows of a run changes the sums in the same transaction, so that they follow from the
//! rows. A process of a version that knows no sums does not: what it wrote is missing from them afterwards.

use std::collections::BTreeSet;
use std::time::Duration;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use futures::future::BoxFuture;

use super::table::SumRow;
use super::{confidence, figures};
use crate::calibration::confidence::{day_end, utc_day};
use crate::error::{Error, Result};
use crate::model::Timestamp;
use crate::store::index::Index;
use crate::store::session::Session;
use crate::store::sql::Sql;

/// How often a day is tried again whose sums somebody else holds, and how long is waited before.
const TRIES: u32 = 5;
const PAUSE: Duration = Duration::from_secs(1);

/// What is compared of sums and rows, in the order in which it is asked for.
const COMPARED: [&str; 7] = [
    "ended runs",
    "runs with a verdict",
    "runs that passed",
    "runs with a score",
    "scores in millionths",
    "judged principles",
    "gaps",
];

/// A number of which the kept sums and the rows say different things.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Apart {
    /// What is counted.
    pub what: &'static str,
    /// What the sums say.
    pub kept: i64,
    /// What the rows say.
    pub rows: i64,
}

impl Index {
    /// Makes the kept sums anew, a day at a time, while others record.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the database is away, or when others hold the sums of a day for long; days that are
    /// done stay so.
    pub async fn rebuild_sums(&self) -> Result<()> {
        for day in self.days_with_sums().await? {
            self.rebuild_day(day, rebuild_figures).await?;
            self.rebuild_day(day, rebuild_confidence).await?;
        }
        self.make_durable().await
    }

    /// What the kept sums and the rows say of all runs, as many of it as differs: programs of a version that knows no sums
    /// have written or deleted runs. Goes through all runs; sums of confidence are not compared.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the database is away.
    pub async fn sums_apart(&self) -> Result<Vec<Apart>> {
        let row: SumRow<0, 14> = self
            .read(async |session| {
                // One statement, so that nobody records between its parts.
                let mut sql = Sql::new("select * from (select ");
                figures::RUNS.push_sums(&mut sql);
                sql.push(" from run_days where field = '') kept, (select ");
                figures::PRINCIPLES.push_sums(&mut sql);
                sql.push(
                    " from principle_days) kept_principles, (select count(*), count(t.quality_gate_passed), \
                     count(case when t.quality_gate_passed then 1 end), count(t.scaled_score), cast(coalesce(sum(",
                );
                sql.push(figures::score_sql(session.is_postgres()));
                sql.push(
                    "), 0) as bigint) from traces t where t.ended_at is not null) told, (select count(*), \
                     count(case when p.side = 'gap' then 1 end) from principle_scores p where p.ended_at is not null) \
                     told_principles",
                );
                session.fetch_one(sql).await
            })
            .await?;
        let (kept, rows) = row.numbers.split_at(COMPARED.len());
        let apart = COMPARED.into_iter().zip(kept.iter().zip(rows));
        let apart = apart.map(|(what, (kept, rows))| Apart { what, kept: *kept, rows: *rows });
        Ok(apart.filter(|one| one.kept != one.rows).collect())
    }

    async fn rebuild_day(&self, day: NaiveDate, rebuild: Rebuild) -> Result<()> {
        let mut tries = 1;
        loop {
            let done = self.database.write(false, move |session| rebuild(session, day)).await;
            match done {
                Err(Error::Unavailable { .. }) if tries < TRIES => {
                    tries += 1;
                    tokio::time::sleep(PAUSE).await;
                }
                done => return done,
            }
        }
    }

    /// The days on which runs ended, and those of which there are sums.
    async fn days_with_sums(&self) -> Result<BTreeSet<NaiveDate>> {
        self.read(async |session| {
            let mut days: BTreeSet<NaiveDate> = BTreeSet::new();
            for text in [
                "select distinct day from confidence_days",
                "select distinct day from run_days",
                "select distinct day from principle_days",
            ] {
                let kept: Vec<(String,)> = session.fetch(Sql::new(text)).await?;
                days.extend(kept.iter().filter_map(|(day,)| day.parse::<NaiveDate>().ok()));
            }
            let mut from: Option<Timestamp> = None;
            loop {
                let mut sql = Sql::new("select ended_at from traces where ended_at is not null");
                if let Some(from) = from {
                    sql.push(" and ended_at >= ").arg(from);
                }
                sql.push(" order by ended_at limit 1");
                let next: Option<(DateTime<Utc>,)> = session.fetch_optional(sql).await?;
                let Some((next,)) = next else { return Ok(days) };
                let day = utc_day(Timestamp::new(next));
                days.insert(day);
                from = Some(day_end(day));
            }
        })
        .await
    }
}

type Rebuild = fn(&mut Session, NaiveDate) -> BoxFuture<'_, sqlx::Result<()>>;

fn rebuild_figures(session: &mut Session, day: NaiveDate) -> BoxFuture<'_, sqlx::Result<()>> {
    Box::pin(async move {
        // Whoever has changed rows and not yet the sums waits here, and adds its change afterwards.
        if session.is_postgres() {
            session.run("lock table run_days, principle_days in exclusive mode").await?;
        }
        for text in ["delete from run_days where day = $1", "delete from principle_days where day = $1"] {
            session.execute(Sql::new(text).bind(day.to_string())).await?;
        }
        let mut changes = figures::Changes::default();
        let judged = figures::judged_by(session, |sql| push_day(sql, day)).await?;
        judged.values().for_each(|run| run.put(&mut changes, 1));
        changes.write(session).await
    })
}

fn rebuild_confidence(session: &mut Session, day: NaiveDate) -> BoxFuture<'_, sqlx::Result<()>> {
    Box::pin(async move {
        if session.is_postgres() {
            session.run("lock table confidence_days in exclusive mode").await?;
        }
        session.execute(Sql::new("delete from confidence_days where day = $1").bind(day.to_string())).await?;
        let mut changes = confidence::Changes::default();
        let stated = confidence::stated_by(session, |sql| push_day(sql, day)).await?;
        stated.values().for_each(|run| run.put(&mut changes, 1));
        confidence::TABLE.add(session, changes).await
    })
}

/// Appends that runs ended on a day.
fn push_day(sql: &mut Sql, day: NaiveDate) {
    let end = day_end(day);
    sql.push(" and t.ended_at >= ").arg(end.plus(TimeDelta::days(-1))).push(" and t.ended_at < ").arg(end);
}
