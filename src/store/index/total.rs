//! How many runs there are, from the kept sums where they know it.

use super::sums::stretch::{End, Stretch};
use super::{Filter, Gate, Index};
use crate::error::Result;
use crate::store::session::Session;
use crate::store::sql::Sql;

impl Index {
    /// Counts the runs that meet the filter: as [`Index::count`], but from the kept sums where the filter is about project,
    /// intent or domain, the time of the end, and a verdict, or about project and a gap, so that it takes as long among
    /// many runs as among few.
    ///
    /// # Errors
    /// [`crate::Error::Unavailable`] when the database is away.
    pub async fn total(&self, filter: &Filter) -> Result<u64> {
        let known = self.read(async |session| from_sums(session, filter).await).await?;
        match known {
            Some(total) => Ok(total),
            None => self.count(filter).await,
        }
    }
}

async fn from_sums(session: &mut Session, filter: &Filter) -> sqlx::Result<Option<u64>> {
    let plain = Filter { gate: None, gap: None, ..filter.clone() };
    let Some(stretch) = Stretch::new(&plain, End::Open) else { return Ok(None) };
    if let Some(gap) = &filter.gap {
        if filter.gate.is_some() || filter.intent.is_some() || filter.domain.is_some() {
            return Ok(None);
        }
        return Ok(Some(stretch.gaps(session, gap).await?.1));
    }
    // Read first: a run that ends between the two is counted twice rather than not at all.
    let open = open(session, filter).await?;
    let Some(totals) = stretch.totals(session).await? else { return Ok(None) };
    let ended = match filter.gate {
        Some(Gate::Passed) => totals.passed,
        Some(Gate::Failed) => totals.judged.saturating_sub(totals.passed),
        Some(Gate::Unknown) => totals.runs.saturating_sub(totals.judged),
        None => totals.runs,
    };
    Ok(Some(ended + open))
}

/// Runs that meet the filter and have not ended. There are few of them; all are read before the rest of the filter is
/// looked at, which has indexes of its own that hold all runs.
async fn open(session: &mut Session, filter: &Filter) -> sqlx::Result<u64> {
    let mut sql = Sql::new(
        "with t as materialized (select * from traces where status = 'in_progress') select count(*) from t",
    );
    filter.push(&mut sql, session.is_postgres());
    let (count,): (i64,) = session.fetch_one(sql).await?;
    Ok(u64::try_from(count).unwrap_or(0))
}
