//! The newest rows that words narrow a question to: how many of them are looked at, and where the others begin.

use crate::store::index::search::{Narrowing, push_decision_window};
use crate::store::session::Session;
use crate::store::sql::Sql;

/// How many of the newest rows Postgres looks through one by one, before it looks for words.
///
/// An index of words has no order there. For a frequent word, going through the newest rows finds enough of them; for
/// a rare one the index finds all. Measured: 1.5 µs a row, and 1.1 s for the planner's choice where two frequent
/// words are never together.
const RECENT: i64 = 10_000;

/// One in so many rows that were looked for is enough to leave it at the newest ones. Measured with 1.3 million decisions:
/// to find by the index what is in one of fifty of them, and sort it, takes 250 ms.
const ENOUGH: i64 = 20;

/// Rows to look at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Window {
    /// Their numbers, the newest first.
    pub rows: Vec<i64>,
    /// Where older rows begin that were not looked at.
    pub below: i64,
    /// Whether there may be more that the words match.
    pub is_partial: bool,
}

impl Window {
    /// The newest rows, at most `limit` and none above `top`.
    pub(super) async fn of(
        session: &mut Session,
        narrowing: &Narrowing<'_>,
        top: i64,
        limit: u32,
    ) -> sqlx::Result<Self> {
        let limit = i64::from(limit);
        if !session.is_postgres() {
            let rows = newest(session, narrowing, (None, top), limit).await?;
            return Ok(Self::up_to(limit, rows));
        }
        let sql = Sql::new("select coalesce(max(row_id), 0) from decisions where row_id <= $1").bind(top);
        let (highest,): (i64,) = session.fetch_one(sql).await?;
        let floor = (highest - RECENT).max(0);
        let window = Self::up_to(limit, newest(session, narrowing, (Some(floor), top), limit).await?);
        if floor == 0 || window.is_partial {
            return Ok(window);
        }
        if i64::try_from(window.rows.len()).unwrap_or(i64::MAX) >= limit / ENOUGH {
            return Ok(Self { below: floor, is_partial: true, ..window });
        }
        Ok(Self::up_to(limit, newest(session, narrowing, (None, top), limit).await?))
    }

    /// As many of these rows as are looked at.
    fn up_to(limit: i64, mut rows: Vec<i64>) -> Self {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let is_partial = rows.len() > limit;
        rows.truncate(limit);
        let below = rows.last().map_or(0, |lowest| lowest - 1);
        Self { rows, below, is_partial }
    }

    /// The lowest and the highest of the rows.
    pub(super) fn span(&self) -> (i64, i64) {
        let lowest = self.rows.last().copied().unwrap_or(0);
        (lowest, self.rows.first().copied().unwrap_or(0))
    }

    /// Appends that a row of `decisions d` is one of them.
    pub(super) fn push_condition(&self, sql: &mut Sql, postgres: bool) {
        let numbers = self.rows.iter().map(i64::to_string).collect::<Vec<_>>().join(",");
        if postgres {
            sql.push(" and d.row_id = any(cast(").arg(format!("{{{numbers}}}")).push(" as bigint[]))");
        } else {
            sql.push(" and d.row_id in (select value from json_each(").arg(format!("[{numbers}]")).push("))");
        }
    }
}

async fn newest(
    session: &mut Session,
    narrowing: &Narrowing<'_>,
    range: (Option<i64>, i64),
    limit: i64,
) -> sqlx::Result<Vec<i64>> {
    let mut sql = Sql::default();
    push_decision_window(&mut sql, narrowing, range, limit + 1, session.is_postgres());
    let rows: Vec<(i64,)> = session.fetch(sql).await?;
    Ok(rows.into_iter().map(|(row,)| row).collect())
}
