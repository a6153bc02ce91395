//! The kept sums made anew from the rows of runs.
//!
//! Whoever writes or deletes the rows of a run changes the sums in the same transaction, so that they follow from the
//! rows. A process of a version that knows no sums does not: what it wrote is missing from them afterwards.

use std::collections::BTreeSet;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};

use super::{Changes, added_by};
use crate::calibration::confidence::{day_end, utc_day};
use crate::error::Result;
use crate::model::Timestamp;
use crate::store::index::Index;
use crate::store::sql::Sql;

impl Index {
    /// Makes the kept sums anew, a day at a time, while others record.
    ///
    /// # Errors
    /// [`crate::Error::Unavailable`] when the database is away; days that are done stay so.
    pub async fn rebuild_sums(&self) -> Result<()> {
        for day in self.days_with_sums().await? {
            self.database
                .write(false, move |session| {
                    Box::pin(async move {
                        // Whoever has changed rows and not yet the sums waits here, and adds its change afterwards.
                        if session.is_postgres() {
                            session
                                .run("lock table confidence_days, run_days, principle_days in exclusive mode")
                                .await?;
                        }
                        for text in [
                            "delete from confidence_days where day = $1",
                            "delete from run_days where day = $1",
                            "delete from principle_days where day = $1",
                        ] {
                            session.execute(Sql::new(text).bind(day.to_string())).await?;
                        }
                        let (from, until) = (day_end(day).plus(TimeDelta::days(-1)), day_end(day));
                        let of_day = added_by(session, |sql| {
                            sql.push(" and t.ended_at >= ").arg(from).push(" and t.ended_at < ").arg(until);
                        });
                        let mut sums = Changes::default();
                        of_day.await?.values().for_each(|added| sums.add(added));
                        sums.write(session).await
                    })
                })
                .await?;
        }
        self.make_durable().await
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
