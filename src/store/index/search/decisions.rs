//! The words of decisions, and the words of where they belong.
//!
//! Beside its own words a decision has one for its project, one for its key and one for its intent: they narrow a search
//! before its hits are looked at, however many projects say the same. They are hashes, so that any name is one word;
//! two names of one hash are told apart by the columns of the row. No text has such a word, because `@` is in none.

use super::{all_terms_postgres, all_terms_sqlite, any_term_sqlite, lines, needle, push_lines_with_a_term};
use crate::gate::canonical::sha256_hex;
use crate::model::{Decision, Trace};
use crate::store::index::Scope;
use crate::store::session::Session;
use crate::store::sql::{Arg, Sql, rows_at_once};
use crate::words::{SearchQuery, Term, words};

/// What is searched by text: columns of the FTS5 table, lines of `word_text`.
const TEXTS: [&str; 4] = ["what", "why", "result", "options"];

/// All of them, as FTS5 says it.
const OF_TEXTS: &str = "{what why result options}";

/// Hex digits of the hash of a name.
const NAME_DIGITS: usize = 12;

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

/// What a search for decisions is narrowed to by words alone.
#[derive(Clone, Copy, Debug)]
pub(in crate::store::index) struct Narrowing<'f> {
    /// What whoever asks may see.
    pub scope: &'f Scope,
    /// The project.
    pub project: Option<&'f str>,
    /// The key.
    pub key: Option<&'f str>,
    /// The intent.
    pub intent: Option<&'f str>,
    /// What the decision says.
    pub text: Option<&'f SearchQuery>,
}

impl Narrowing<'_> {
    fn query(&self) -> Option<&SearchQuery> {
        self.text.filter(|query| !query.is_empty())
    }

    /// The words of where it belongs, all of which it has; of a list, it has one.
    fn places(&self) -> Vec<Vec<String>> {
        let projects = match (self.project, self.scope) {
            (Some(project), _) => vec![project_word(project)],
            (None, Scope::Projects(projects)) => projects.iter().map(|one| project_word(one)).collect(),
            (None, Scope::All) => Vec::new(),
        };
        let of = |word: Option<String>| word.into_iter().collect::<Vec<_>>();
        let all = [projects, of(self.key.map(key_word)), of(self.intent.map(intent_word))];
        all.into_iter().filter(|words| !words.is_empty()).collect()
    }

    /// The question to the FTS5 table; `None` where nothing narrows.
    fn on_sqlite(&self) -> Option<String> {
        let text = self.query().map(|query| format!("{OF_TEXTS} : ({})", all_terms_sqlite(query)));
        let places = self.places().into_iter().map(|words| {
            let words: Vec<String> = words.iter().map(|word| format!("\"{word}\"")).collect();
            format!("scope : ({})", words.join(" OR "))
        });
        let parts: Vec<String> = text.into_iter().chain(places).collect();
        (!parts.is_empty()).then(|| parts.join(" AND "))
    }

    /// The question to the words of a row; `None` where nothing narrows.
    fn on_postgres(&self) -> Option<String> {
        let places = self.places().into_iter().map(|words| {
            let words: Vec<String> = words.iter().map(|word| format!("'{word}'")).collect();
            format!("({})", words.join(" | "))
        });
        let parts: Vec<String> = self.query().map(all_terms_postgres).into_iter().chain(places).collect();
        (!parts.is_empty()).then(|| parts.join(" & "))
    }
}

/// Appends a selection of the `row_id` of the newest rows that the words narrow it to: at most `limit`, none above
/// `top`. On Postgres, `above` bounds how far is looked; without it, the rows are found by their words and then
/// sorted, for there the planner takes words to be independent of each other, and would read all rows from the
/// newest on for two words that are never together.
pub(in crate::store::index) fn push_decision_window(
    sql: &mut Sql,
    narrowing: &Narrowing<'_>,
    (above, top): (Option<i64>, i64),
    limit: i64,
    postgres: bool,
) {
    if !postgres && let Some(words) = narrowing.on_sqlite() {
        sql.push("select rowid as row_id from decision_words where decision_words match ").arg(words);
        sql.push(" and rowid <= ").arg(top).push(" order by rowid desc limit ").arg(limit);
        return;
    }
    sql.push("select row_id from decisions where row_id <= ").arg(top);
    if let Some(above) = above {
        sql.push(" and row_id > ").arg(above);
    }
    let words = if postgres { narrowing.on_postgres() } else { None };
    let is_sorted_after = postgres && words.is_some() && above.is_none();
    if let Some(words) = words {
        sql.push(" and words @@ cast(").arg(words).push(" as tsquery)");
        for phrase in narrowing.query().iter().flat_map(|query| &query.terms) {
            if matches!(phrase, Term::Phrase(_)) {
                sql.push(" and strpos(word_text, ").arg(needle(phrase)).push(") > 0");
            }
        }
    }
    sql.push(if is_sorted_after {
        " order by row_id + 0 desc limit "
    } else {
        " order by row_id desc limit "
    });
    sql.arg(limit);
}

/// Appends to an order that rows of `decisions d`, from `lowest` to `top`, come by the number of texts in which at least
/// one term occurs; nothing where there is no term.
pub(in crate::store::index) fn push_decision_rank(
    sql: &mut Sql,
    narrowing: &Narrowing<'_>,
    (lowest, top): (i64, i64),
    postgres: bool,
) {
    let Some(query) = narrowing.query() else { return };
    if postgres {
        push_lines_with_a_term(sql, "d.word_text", TEXTS.len(), query);
        sql.push(" desc, ");
        return;
    }
    let all = narrowing.on_sqlite().unwrap_or_default();
    for (place, name) in TEXTS.iter().enumerate() {
        sql.push(if place > 0 { " + " } else { "(" });
        sql.push("(d.row_id in (select rowid from decision_words where decision_words match ");
        // All terms again: rows of one of them alone may be many more.
        sql.arg(format!("{{{name}}} : ({}) AND {all}", any_term_sqlite(query)));
        sql.push(" and rowid >= ").arg(lowest).push(" and rowid <= ").arg(top).push("))");
    }
    sql.push(") desc, ");
}

/// The word of a project.
fn project_word(project: &str) -> String {
    name_word('p', project)
}

/// The word of a decision's key.
fn key_word(key: &str) -> String {
    name_word('k', key)
}

/// The word of an intent.
fn intent_word(intent: &str) -> String {
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
