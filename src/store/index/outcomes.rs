//! How runs ended that decided a question in one way or another: what advice at the moment of writing goes by.

use super::Index;
use crate::error::Result;
use crate::store::sql::Sql;

/// How many of the newest decisions of a key are looked at: an answer within a millisecond, however many there are.
const NEWEST: i64 = 500;

/// The runs that chose one thing, by the quality gate's verdict.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct ChoiceOutcome {
    /// What was chosen, as [`choice`](crate::words::choice) folds it.
    pub choice: String,
    /// Runs that passed.
    pub passed: i64,
    /// Runs that did not.
    pub failed: i64,
}

impl Index {
    /// What the newest 500 decisions of a key in a project chose, and how their runs ended, for one intent where one is
    /// given. A run that chose the same twice counts once; one without a verdict does not count.
    ///
    /// # Errors
    /// [`crate::Error::Unavailable`] when the database is away.
    pub async fn choice_outcomes(
        &self,
        project: &str,
        intent: Option<&str>,
        decision: &str,
    ) -> Result<Vec<ChoiceOutcome>> {
        let mut sql = Sql::new(
            "select choice, cast(sum(case when quality_gate_passed then 1 else 0 end) as bigint) as passed, \
             cast(sum(case when quality_gate_passed then 0 else 1 end) as bigint) as failed from \
             (select distinct choice, trace_id, quality_gate_passed from \
             (select choice, trace_id, quality_gate_passed from decisions where project = ",
        );
        sql.arg(project).push(" and decision = ").arg(decision);
        if let Some(intent) = intent {
            sql.push(" and intent = ").arg(intent);
        }
        sql.push(" and quality_gate_passed is not null and choice is not null order by ended_at desc limit ");
        sql.arg(NEWEST).push(") newest) runs group by choice order by choice");
        self.read(async |session| session.fetch(sql).await).await
    }
}
