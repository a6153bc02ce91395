//! How often each principle failed, from the kept sums, and when it did last.

use std::collections::HashMap;

use chrono::{DateTime, NaiveDate, Utc};

use super::sums::stretch::{End, PrincipleTotal, Stretch};
use super::{Filter, Index};
use crate::calibration::confidence::day_end;
use crate::error::Result;
use crate::model::{Timestamp, TraceId};
use crate::statistics::{PrincipleTallies, PrincipleTally};
use crate::store::session::Session;
use crate::store::sql::Sql;

impl Index {
    /// What the finished runs that meet the filter say about each principle.
    ///
    /// Reads kept sums where the filter is about project, intent, domain and the time of the end alone; runs are gone
    /// through one by one where it is about more. While others record, a count may be a moment older than another.
    ///
    /// # Errors
    /// [`crate::Error::Unavailable`] when the database is away, [`crate::Error::Corrupt`] when a row cannot be read.
    pub async fn principle_tallies(&self, filter: &Filter) -> Result<PrincipleTallies> {
        let Some(stretch) = Stretch::new(filter, End::Open) else {
            let mut tallies = PrincipleTallies::default();
            self.each_run(filter, |run| tallies.add(&run)).await?;
            return Ok(tallies);
        };
        self.read(async |session| {
            let finished_runs = match stretch.totals(session).await? {
                Some(totals) => totals.runs,
                None => finished(session, filter).await?,
            };
            let mut tallies = PrincipleTallies { finished_runs, ..PrincipleTallies::default() };
            let mut last_days: HashMap<String, NaiveDate> = HashMap::new();
            for total in stretch.principles(session).await? {
                if let Some(day) = total.last_gap {
                    let last = last_days.entry(total.principle.clone()).or_insert(day);
                    *last = day.max(*last);
                }
                tallies.principles.entry(total.principle.clone()).or_default().add(total);
            }
            for (principle, tally) in &mut tallies.principles {
                if let Some(day) = last_days.get(principle)
                    && tally.gap_runs > 0
                {
                    tally.last_gap = last_gap(session, principle, *day, filter).await?;
                }
            }
            Ok(tallies)
        })
        .await
    }
}

impl PrincipleTally {
    fn add(&mut self, total: PrincipleTotal) {
        self.runs += total.runs;
        self.gap_runs += total.gap_runs;
        for (counts, value) in [(&mut self.by_intent, total.intent), (&mut self.by_domain, total.domain)] {
            let (runs, gap_runs) = counts.entry(value).or_default();
            *runs += total.runs;
            *gap_runs += total.gap_runs;
        }
    }
}

async fn finished(session: &mut Session, filter: &Filter) -> sqlx::Result<u64> {
    let mut sql = Sql::new("select count(*) from traces t");
    filter.push(&mut sql, session.is_postgres());
    sql.push(" and t.ended_at is not null");
    let (count,): (i64,) = session.fetch_one(sql).await?;
    Ok(u64::try_from(count).unwrap_or(0))
}

/// The last of the runs in which the principle was a gap, and its end, which is not behind `day`: the gaps of other
/// projects, intents and domains since then are not gone through.
async fn last_gap(
    session: &mut Session,
    principle: &str,
    day: NaiveDate,
    filter: &Filter,
) -> sqlx::Result<Option<(Timestamp, TraceId)>> {
    let mut sql = Sql::new("select t.ended_at, t.trace_id from principle_scores p cross join traces t");
    filter.push(&mut sql, session.is_postgres());
    sql.push(" and p.trace_id = t.trace_id and p.side = 'gap' and p.principle = ").arg(principle);
    sql.push(" and p.ended_at < ").arg(day_end(day));
    if let Some(after) = filter.ended_after {
        sql.push(" and p.ended_at > ").arg(after);
    }
    if let Some(until) = filter.ended_until {
        sql.push(" and p.ended_at <= ").arg(until);
    }
    sql.push(" order by p.ended_at desc, p.trace_id desc limit 1");
    let last: Option<(DateTime<Utc>, String)> = session.fetch_optional(sql).await?;
    let parsed = |(at, id): (DateTime<Utc>, String)| {
        let id = id.parse().map_err(|error: crate::model::IdError| sqlx::Error::Decode(error.into()))?;
        Ok((Timestamp::new(at), id))
    };
    last.map(parsed).transpose()
}
