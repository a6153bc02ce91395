//! How runs ended that decided a question in one way or another: what advice at the moment of writing goes by.

use super::Index;
use crate::error::Result;
use crate::store::sql::Sql;

/// How many of the newest decisions of a key are looked at: an answer within a millisecond, however many there are.
const NEWEST: i64 = 500;

/// A run that chose something, and the quality gate's verdict on it.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct ChoiceOutcome {
    /// What was chosen, as [`choice`](crate::words::choice) folds it.
    pub choice: String,
    /// The run.
    pub trace_id: String,
    /// Whether it passed.
    #[sqlx(rename = "quality_gate_passed")]
    pub passed: bool,
}

impl Index {
    /// What the newest 500 decisions of a key in a project chose, for one intent where one is given, with the verdict on
    /// their runs. A run that chose the same twice is there once; one without a verdict is not.
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
            "select distinct choice, trace_id, quality_gate_passed from \
             (select choice, trace_id, intent, quality_gate_passed from decisions where project = ",
        );
        sql.arg(project).push(" and decision = ").arg(decision);
        // The newest first and the rest of the conditions then, so that what is looked at is bounded.
        sql.push(" order by ended_at desc limit ").arg(NEWEST).push(") newest");
        sql.push(" where quality_gate_passed is not null and choice is not null");
        if let Some(intent) = intent {
            sql.push(" and intent = ").arg(intent);
        }
        sql.push(" order by choice, trace_id");
        self.read(async |session| session.fetch(sql).await).await
    }
}
