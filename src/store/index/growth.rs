//! How much of a run there is, for those who wait for more of it.

use super::Index;
use super::lookup::ASKED_AT_ONCE;
use crate::error::{Error, Result};
use crate::model::{Status, TraceId};
use crate::store::sql::Sql;

/// How much there is of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Growth {
    /// The run.
    pub trace_id: TraceId,
    /// Its project.
    pub project: String,
    /// Where it stands.
    pub status: Status,
    /// How many events were recorded.
    pub event_count: u64,
    /// How many runs of the same project are parts of it. Those of other projects are not counted, because not
    /// everybody who sees this run may know of them.
    pub child_count: u64,
}

impl Index {
    /// How much there is of those of these runs that there are, whatever their projects.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the database is away.
    pub async fn growth_of(&self, ids: &[TraceId]) -> Result<Vec<Growth>> {
        let mut found = Vec::with_capacity(ids.len());
        for ids in ids.chunks(ASKED_AT_ONCE) {
            let mut sql = Sql::new(
                "select t.trace_id, t.project, t.status, t.event_count, \
                 (select count(*) from traces c where c.parent_trace_id = t.trace_id and c.project = t.project) \
                 from traces t where t.trace_id in ",
            );
            sql.list(ids.iter().map(TraceId::as_str));
            let rows: Vec<Row> = self.read(async |session| session.fetch(sql).await).await?;
            for row in rows {
                found.push(growth(row)?);
            }
        }
        Ok(found)
    }
}

type Row = (String, String, String, i64, i64);

fn growth((trace_id, project, status, events, children): Row) -> Result<Growth> {
    let corrupt = |reason: String| Error::Corrupt { place: format!("the row of trace {trace_id}"), reason };
    Ok(Growth {
        status: status.parse().map_err(|error: crate::model::UnknownStatus| corrupt(error.to_string()))?,
        event_count: u64::try_from(events).unwrap_or(0),
        child_count: u64::try_from(children).unwrap_or(0),
        project,
        trace_id: trace_id.parse().map_err(|error: crate::model::IdError| corrupt(error.to_string()))?,
    })
}
