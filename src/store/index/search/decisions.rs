//! The words of decisions, and the words of where they belong.
//!
//! Beside its own words a decision has one for its project, one for its key and one for its intent: they narrow a search
//! before its hits are looked at, however many projects say the same. They are hashes, so that any name is one word;
//! two names of one hash are told apart by the columns of the row. No text has such a word, because `@` is in none.

use super::lines;
use crate::gate::canonical::sha256_hex;
use crate::model::{Decision, Trace};
use crate::store::session::Session;
use crate::store::sql::{Arg, Sql, rows_at_once};
use crate::words::words;

/// Hex digits of the hash of a name.
const NAME_DIGITS: usize = 6;

/// What a decision is found by: the words of `what`, `why`, `result` and its options, and those of where it belongs.
#[derive(Debug)]
pub(in crate::store::index) struct DecisionWords([Vec<String>; 5]);

impl DecisionWords {
    /// The words of a decision of a run, with as much of its result as its row holds.
    pub(in crate::store::index) fn of(trace: &Trace, decision: &Decision, result: &str) -> Self {
        let options = decision.alternatives_considered.iter().flat_map(|other| words(&other.option));
        let mut scope = vec![project_word(&trace.project), key_word(&decision.key)];
        scope.extend(trace.run.intent.as_deref().map(intent_word));
        Self([words(&decision.what), words(&decision.why), words(result), options.collect(), scope])
    }

    /// The lines of `word_text`.
    pub(in crate::store::index) fn lines(&self) -> String {
        lines(&self.0)
    }

    /// A row of the FTS5 table.
    pub(in crate::store::index) fn columns(self, row_id: i64) -> Vec<Arg> {
        let columns = self.0.map(|words| words.join(" ").into());
        std::iter::once(row_id.into()).chain(columns).collect()
    }
}

/// The word of a project.
pub(super) fn project_word(project: &str) -> String {
    name_word('p', project)
}

/// The word of a decision's key.
pub(super) fn key_word(key: &str) -> String {
    name_word('k', key)
}

/// The word of an intent.
pub(super) fn intent_word(intent: &str) -> String {
    name_word('i', intent)
}

fn name_word(kind: char, name: &str) -> String {
    let hash = sha256_hex(name.as_bytes());
    let digits: String = hash.chars().take(NAME_DIGITS).collect();
    format!("@{kind}{digits}")
}

/// Writes rows of the FTS5 table of SQLite.
pub(in crate::store::index) async fn insert_decision_words(
    session: &mut Session,
    rows: Vec<Vec<Arg>>,
) -> sqlx::Result<()> {
    let mut rows = rows.into_iter();
    loop {
        let chunk: Vec<Vec<Arg>> = rows.by_ref().take(rows_at_once(6)).collect();
        if chunk.is_empty() {
            return Ok(());
        }
        // A program that does not know this table yet may have taken the number's row away and left the words.
        let text = "insert or replace into decision_words (rowid, what, why, result, options, scope) values ";
        let mut sql = Sql::new(text);
        sql.rows(chunk);
        session.execute(sql).await?;
    }
}

/// Takes the words of runs out of the FTS5 table of SQLite; on Postgres they go with their rows.
pub(in crate::store::index) async fn delete_decision_words(
    session: &mut Session,
    trace_ids: &[String],
) -> sqlx::Result<()> {
    if session.is_postgres() {
        return Ok(());
    }
    let mut sql = Sql::new(
        "delete from decision_words where rowid in (select row_id from decisions where trace_id in ",
    );
    sql.list(trace_ids.iter().map(String::as_str)).push(")");
    session.execute(sql).await?;
    Ok(())
}
