//! The kept sums made anew from the rows of runs.
//!
//! Whoever writes or deletes the rows of a run changes the sums in the same transaction, so that they follow from the
//! rows. A process of a version that knows no sums does not: what it wrote is missing from them afterwards.

use std::collections::BTreeSet;
use std::time::Duration;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use futures::future::BoxFuture;

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

    /// How many ended runs the kept sums and the rows know, where these differ: programs of a version that knows no sums
    /// have written or deleted runs.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the database is away.
    pub async fn sums_apart(&self) -> Result<Option<(i64, i64)>> {
        // One statement, so that nobody records between its parts.
        let sql = Sql::new(
            "select (select cast(coalesce(sum(runs), 0) as bigint) from run_days where field = ''), \
             (select count(*) from traces where ended_at is not null), \
             (select count(*) from run_days where runs < 0)",
        );
        let (kept, rows, impossible): (i64, i64, i64) =
            self.read(async |session| session.fetch_one(sql).await).await?;
        Ok((kept != rows || impossible > 0).then_some((kept, rows)))
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
