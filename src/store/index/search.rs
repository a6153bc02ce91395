//! Text search over query, tags and error of runs: the same hits in the same order on both databases.
//!
//! Words are cut by [`words`](crate::words), not by the databases, and stored as they are: in an FTS5 table on
//! SQLite, in a `tsvector` on Postgres whose weights A, B and C stand for the three fields.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::model::Trace;
use crate::store::session::Session;
use crate::store::sql::Sql;
use crate::words::{SearchQuery, Term, words};

/// The searchable fields, with the weight that stands for each on Postgres.
const FIELDS: [(&str, char); 3] = [("query", 'A'), ("tags", 'B'), ("error", 'C')];

/// Postgres keeps no positions beyond this one.
const LAST_POSITION: usize = 16_383;

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
        let sql = Sql::new("update traces set words = cast($1 as tsvector) where row_id = $2")
            .bind(vector(&fields))
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
    } else {
        sql.push("t.row_id in (select rowid from trace_words where trace_words match ")
            .arg(all_terms_sqlite(query))
            .push(")");
    }
}

/// Appends the number of fields in which at least one term occurs.
pub(super) fn push_rank(sql: &mut Sql, query: &SearchQuery, postgres: bool) {
    for (place, (name, weight)) in FIELDS.iter().enumerate() {
        sql.push(if place > 0 { " + " } else { "(" });
        if postgres {
            let any: Vec<String> =
                query.terms.iter().map(|term| term_postgres(term, Some(*weight))).collect();
            sql.push("(case when t.words @@ cast(")
                .arg(any.join(" | "))
                .push(" as tsquery) then 1 else 0 end)");
        } else {
            let any: Vec<String> = query.terms.iter().map(term_sqlite).collect();
            sql.push("(t.row_id in (select rowid from trace_words where trace_words match ")
                .arg(format!("{{{name}}} : ({})", any.join(" OR ")))
                .push("))");
        }
    }
    sql.push(")");
}

fn all_terms_sqlite(query: &SearchQuery) -> String {
    query.terms.iter().map(term_sqlite).collect::<Vec<_>>().join(" AND ")
}

/// A term in FTS5's syntax. Words hold letters, digits and marks only, so that quoting them is enough.
fn term_sqlite(term: &Term) -> String {
    match term {
        Term::Word(word) => format!("\"{word}\""),
        Term::Phrase(words) => format!("\"{}\"", words.join(" ")),
        Term::Prefix(word) => format!("\"{word}\"*"),
    }
}

fn all_terms_postgres(query: &SearchQuery) -> String {
    query.terms.iter().map(|term| term_postgres(term, None)).collect::<Vec<_>>().join(" & ")
}

/// A term in the syntax of `tsquery`, in one field when `weight` names it.
fn term_postgres(term: &Term, weight: Option<char>) -> String {
    let lexeme = |word: &str, prefix: bool| {
        let mut text = format!("'{word}'");
        if prefix || weight.is_some() {
            text.push(':');
        }
        if prefix {
            text.push('*');
        }
        text.extend(weight);
        text
    };
    match term {
        Term::Word(word) => lexeme(word, false),
        Term::Prefix(word) => lexeme(word, true),
        Term::Phrase(words) => {
            let parts: Vec<String> = words.iter().map(|word| lexeme(word, false)).collect();
            format!("({})", parts.join(" <-> "))
        }
    }
}

/// The words of all fields as the text of a `tsvector`; between fields a position stays free, so that no phrase
/// reaches from one into the next.
fn vector(fields: &[Vec<String>; 3]) -> String {
    let mut places: BTreeMap<&str, Vec<(usize, char)>> = BTreeMap::new();
    let mut position = 1;
    for (words, (_, weight)) in fields.iter().zip(FIELDS) {
        for word in words {
            places.entry(word).or_default().push((position.min(LAST_POSITION), weight));
            position += 1;
        }
        position += 1;
    }
    let mut text = String::new();
    for (word, places) in places {
        let places: Vec<String> =
            places.iter().map(|(position, weight)| format!("{position}{weight}")).collect();
        // Writing to a string cannot fail.
        let _ = write!(text, "'{word}':{} ", places.join(","));
    }
    text
}
