//! Text search, over query, tags and error of runs and over what decisions say: the same hits in the same order on
//! both databases.
//!
//! Words are cut by [`words`](crate::words), not by the databases, and stored as they are: in an FTS5 table on
//! SQLite; on Postgres as a set in a `tsvector`, which finds the runs that have them, and in order in `word_text`,
//! which tells fields and phrases apart. (A `tsvector` keeps 255 places of a word, none beyond 16,383.)

mod decisions;

use std::collections::BTreeSet;

pub(super) use decisions::{
    DecisionWords, Narrowing, delete_decision_words, insert_decision_words, push_decision_rank,
    push_decision_window,
};

use crate::model::Trace;
use crate::store::session::Session;
use crate::store::sql::Sql;
use crate::words::{SearchQuery, Term, words};

/// The searchable fields: the columns of the FTS5 table, the lines of `word_text`.
const FIELDS: [&str; 3] = ["query", "tags", "error"];

/// Stores the words of a run.
pub(super) async fn write_words(
    session: &mut Session,
    row_id: i64,
    trace: &Trace,
    is_new: bool,
) -> sqlx::Result<()> {
    let fields = [
        words(&trace.run.query),
        trace.run.tags.iter().flat_map(|tag| words(tag)).collect(),
        words(trace.run.error.as_deref().unwrap_or_default()),
    ];
    if session.is_postgres() {
        let sql =
            Sql::new("update traces set words = cast($1 as tsvector), word_text = $2 where row_id = $3")
                .bind(vector(&fields))
                .bind(lines(&fields))
                .bind(row_id);
        session.execute(sql).await?;
        return Ok(());
    }
    if !is_new {
        session.execute(Sql::new("delete from trace_words where rowid = $1").bind(row_id)).await?;
    }
    let [query, tags, error] = fields.map(|words| words.join(" "));
    let sql = Sql::new("insert into trace_words (rowid, query, tags, error) values ($1, $2, $3, $4)")
        .bind(row_id)
        .bind(query)
        .bind(tags)
        .bind(error);
    session.execute(sql).await?;
    Ok(())
}

/// Appends the condition that a run matches.
pub(super) fn push_condition(sql: &mut Sql, query: &SearchQuery, postgres: bool) {
    if postgres {
        sql.push("t.words @@ cast(").arg(all_terms_postgres(query)).push(" as tsquery)");
        for phrase in query.terms.iter().filter(|term| matches!(term, Term::Phrase(_))) {
            sql.push(" and strpos(t.word_text, ").arg(needle(phrase)).push(") > 0");
        }
    } else {
        sql.push("t.row_id in (select rowid from trace_words where trace_words match ")
            .arg(all_terms_sqlite(query))
            .push(")");
    }
}

/// Appends the number of fields in which at least one term occurs.
pub(super) fn push_rank(sql: &mut Sql, query: &SearchQuery, postgres: bool) {
    if postgres {
        return push_lines_with_a_term(sql, "t.word_text", FIELDS.len(), query);
    }
    for (place, name) in FIELDS.iter().enumerate() {
        sql.push(if place > 0 { " + " } else { "(" });
        sql.push("(t.row_id in (select rowid from trace_words where trace_words match ")
            .arg(format!("{{{name}}} : ({})", any_term_sqlite(query)))
            .push("))");
    }
    sql.push(")");
}

/// Appends the number of lines of `word_text`, of the first so many, in which at least one term occurs.
fn push_lines_with_a_term(sql: &mut Sql, word_text: &'static str, lines: usize, query: &SearchQuery) {
    for line in (1_i64..).take(lines) {
        sql.push(if line > 1 { " + " } else { "(" }).push("(case when");
        for (place, term) in query.terms.iter().enumerate() {
            sql.push(if place > 0 { " or " } else { " " });
            sql.push("strpos(split_part(").push(word_text).push(", chr(10), cast(").arg(line);
            sql.push(" as integer)), ").arg(needle(term)).push(") > 0");
        }
        sql.push(" then 1 else 0 end)");
    }
    sql.push(")");
}

fn all_terms_sqlite(query: &SearchQuery) -> String {
    query.terms.iter().map(term_sqlite).collect::<Vec<_>>().join(" AND ")
}

fn any_term_sqlite(query: &SearchQuery) -> String {
    query.terms.iter().map(term_sqlite).collect::<Vec<_>>().join(" OR ")
}

/// A term in FTS5's syntax. Words hold letters, digits and marks only, so that quoting them is enough.
fn term_sqlite(term: &Term) -> String {
    match term {
        Term::Word(word) => format!("\"{word}\""),
        Term::Phrase(words) => format!("\"{}\"", words.join(" ")),
        Term::Prefix(word) => format!("\"{word}\"*"),
    }
}

/// What holds of the set of a run's words when it matches.
fn all_terms_postgres(query: &SearchQuery) -> String {
    let words = query.terms.iter().flat_map(|term| match term {
        Term::Word(word) => vec![format!("'{word}'")],
        Term::Prefix(word) => vec![format!("'{word}':*")],
        Term::Phrase(words) => words.iter().map(|word| format!("'{word}'")).collect(),
    });
    words.collect::<Vec<_>>().join(" & ")
}

/// What a field's line holds when the term occurs in it.
fn needle(term: &Term) -> String {
    match term {
        Term::Word(word) => format!(" {word} "),
        Term::Prefix(word) => format!(" {word}"),
        Term::Phrase(words) => format!(" {} ", words.join(" ")),
    }
}

/// Each word once, as the text of a `tsvector`.
fn vector(fields: &[Vec<String>; 3]) -> String {
    let words: BTreeSet<String> = fields.iter().flatten().map(|word| format!("'{word}'")).collect();
    words.into_iter().collect::<Vec<_>>().join(" ")
}

/// The words of each field on a line of its own, every word between blanks.
fn lines<const FIELDS: usize>(fields: &[Vec<String>; FIELDS]) -> String {
    fields.each_ref().map(|words| format!(" {} ", words.join(" "))).join("\n")
}
