//! What is kept added up, by UTC day, so that nobody has to go through all runs: how they were judged and which
//! principles failed ([`figures`]), what was said of confidence and what came of it ([`confidence`]).
//!
//! The sums follow from the rows of runs and are whole numbers all of them. Whoever writes or deletes the rows of a run
//! changes the sums in the same transaction, by the difference between what the run added before and what it adds now.

pub(super) mod confidence;
mod figures;
mod rebuilding;
pub(super) mod stretch;
mod table;

use std::collections::HashMap;

use self::confidence::Stated;
use self::figures::Judged;
pub use self::rebuilding::Apart;
use crate::model::{QualityRules, Trace};
use crate::store::session::Session;
use crate::store::sql::Sql;

/// What a run that has ended added to the sums.
#[derive(Clone, Debug)]
pub(super) struct Added {
    judged: Judged,
    stated: Option<Stated>,
}

/// Changes of sums, put together over all runs of a transaction before they are written.
#[derive(Clone, Debug, Default)]
pub(super) struct Changes {
    confidence: confidence::Changes,
    figures: figures::Changes,
}

impl Added {
    /// What a run adds as it stands; nothing while it is open.
    pub(super) fn of(trace: &Trace, rules: &QualityRules) -> Option<Self> {
        let (judged, ended_at) = Judged::of(trace, rules)?;
        Some(Self { judged, stated: Some(Stated::of(trace, ended_at)) })
    }
}

/// What the rows of some runs have added, by their ids. To be asked before they are written anew.
pub(super) async fn added<'i>(
    session: &mut Session,
    ids: impl IntoIterator<Item = &'i str> + Send,
) -> sqlx::Result<HashMap<String, Added>> {
    let ids: Vec<&str> = ids.into_iter().collect();
    let of_these = |sql: &mut Sql| {
        sql.push(" and t.trace_id in ").list(ids.iter().copied());
    };
    let mut stated = confidence::stated_by(session, of_these).await?;
    let judged = figures::judged_by(session, of_these).await?;
    let both = |(id, judged): (String, Judged)| {
        let stated = stated.remove(&id);
        (id, Added { judged, stated })
    };
    Ok(judged.into_iter().map(both).collect())
}

impl Changes {
    /// What a run adds from now on.
    pub(super) fn add(&mut self, added: &Added) {
        self.put(added, 1);
    }

    /// What a run added until now.
    pub(super) fn take_out(&mut self, added: &Added) {
        self.put(added, -1);
    }

    fn put(&mut self, added: &Added, sign: i64) {
        added.judged.put(&mut self.figures, sign);
        if let Some(stated) = &added.stated {
            stated.put(&mut self.confidence, sign);
        }
    }

    /// What others change as well.
    pub(super) fn extend(&mut self, others: Self) {
        self.confidence.extend(others.confidence);
        self.figures.extend(others.figures);
    }

    /// Writes them, table by table in an order that is always the same.
    pub(super) async fn write(self, session: &mut Session) -> sqlx::Result<()> {
        confidence::TABLE.add(session, self.confidence).await?;
        self.figures.write(session).await
    }
}
