//! SQL text with its arguments, the same for both databases.
//!
//! A statement is put together from constant text and placeholders only; whatever comes from outside is an
//! argument. Both databases take `$1` placeholders. The traps that the statements steer around, all measured:
//!
//! | value | SQLite | Postgres |
//! |---|---|---|
//! | nanoseconds | kept as text | dropped; so times have microseconds |
//! | NUL in text | kept | refused; so the gate replaces it |
//! | NaN | becomes null | kept, sorts above all; so the gate refuses it |
//! | `sum(bigint)` | integer | numeric; so cast to bigint |
//! | integers | 64 bits | as declared; so bigint everywhere |
//! | `like` | ignores case | does not; so it is not used |
//! | nulls | sort first | sort last; so `nulls last` is written out |
//! | text order | bytes | by locale; so every text column collates "C" |

use chrono::{DateTime, Utc};
use serde_json::Value;

use crate::model::Timestamp;

/// One argument of a statement, with its type also where it is null.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Arg {
    /// Text.
    Text(Option<String>),
    /// A 64-bit integer.
    Int(Option<i64>),
    /// A double.
    Float(Option<f64>),
    /// A truth value.
    Bool(Option<bool>),
    /// A moment.
    Time(Option<DateTime<Utc>>),
    /// JSON: `jsonb` on Postgres, text on SQLite.
    Json(Option<Value>),
}

/// A statement under construction.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sql {
    text: String,
    args: Vec<Arg>,
    /// Whether the same text will come again, so that preparing it once pays.
    repeats: bool,
}

impl Sql {
    /// Begins with constant text, which may name its arguments `$1`, `$2`, ... itself.
    pub(crate) fn new(text: &'static str) -> Self {
        Self { text: text.to_owned(), args: Vec::new(), repeats: true }
    }

    /// Gives the next argument of text that already names it.
    pub(crate) fn bind(mut self, arg: impl Into<Arg>) -> Self {
        self.args.push(arg.into());
        self
    }

    /// Appends constant text.
    pub(crate) fn push(&mut self, text: &'static str) -> &mut Self {
        self.text.push_str(text);
        self
    }

    /// Appends an argument with its placeholder.
    pub(crate) fn arg(&mut self, arg: impl Into<Arg>) -> &mut Self {
        self.args.push(arg.into());
        self.text.push('$');
        self.text.push_str(&self.args.len().to_string());
        self
    }

    /// Appends a list of arguments in parentheses; an empty list becomes `(null)`, which nothing equals.
    pub(crate) fn list<A: Into<Arg>>(&mut self, args: impl IntoIterator<Item = A>) -> &mut Self {
        self.repeats = false;
        let mut separator = "(";
        for arg in args {
            self.text.push_str(separator);
            self.arg(arg);
            separator = ", ";
        }
        if separator == "(" {
            self.text.push_str("(null");
        }
        self.text.push(')');
        self
    }

    /// Appends rows for an `insert ... values`.
    pub(crate) fn rows(&mut self, rows: impl IntoIterator<Item = Vec<Arg>>) -> &mut Self {
        for (place, row) in rows.into_iter().enumerate() {
            if place > 0 {
                self.text.push_str(", ");
            }
            self.list(row);
            self.repeats = place == 0;
        }
        self
    }

    /// The text for one of the databases, the arguments, and whether preparing it pays.
    ///
    /// SQLite takes `$1` for a name, and looks each of a statement's names up among all of them, when it parses and
    /// again when the driver binds: 12,000 arguments took 0.1 s. So there a long list of arguments that stand in order
    /// is written as `?`.
    pub(crate) fn into_parts(self, postgres: bool) -> (String, Vec<Arg>, bool) {
        let Self { mut text, args, repeats } = self;
        if !postgres
            && args.len() > FEW_ARGUMENTS
            && let Some(nameless) = nameless(&text)
        {
            text = nameless;
        }
        (text, args, repeats)
    }
}

/// So many arguments are cheaper to look up than to rename.
const FEW_ARGUMENTS: usize = 32;

/// The text with `?` for each placeholder, if they are `$1`, `$2`, ... in this order and each of them once.
fn nameless(text: &str) -> Option<String> {
    let mut pieces = text.split('$');
    let mut renamed = String::with_capacity(text.len());
    renamed.push_str(pieces.next()?);
    for (place, piece) in pieces.enumerate() {
        let digits = piece.bytes().take_while(u8::is_ascii_digit).count();
        let (number, rest) = piece.split_at(digits);
        if number.parse() != Ok(place + 1) {
            return None;
        }
        renamed.push('?');
        renamed.push_str(rest);
    }
    Some(renamed)
}

/// The most rows of `columns` columns that one statement takes: SQLite allows 32,766 arguments.
pub(crate) fn rows_at_once(columns: usize) -> usize {
    (32_000 / columns.max(1)).clamp(1, 1_000)
}

macro_rules! into_arg {
    ($($type:ty => $variant:ident),* $(,)?) => {$(
        impl From<$type> for Arg {
            fn from(value: $type) -> Self {
                Self::$variant(Some(value))
            }
        }
        impl From<Option<$type>> for Arg {
            fn from(value: Option<$type>) -> Self {
                Self::$variant(value)
            }
        }
    )*};
}

into_arg!(String => Text, i64 => Int, f64 => Float, bool => Bool, Value => Json);

impl From<&str> for Arg {
    fn from(value: &str) -> Self {
        Self::Text(Some(value.to_owned()))
    }
}

impl From<&String> for Arg {
    fn from(value: &String) -> Self {
        Self::Text(Some(value.clone()))
    }
}

impl From<Option<&str>> for Arg {
    fn from(value: Option<&str>) -> Self {
        Self::Text(value.map(str::to_owned))
    }
}

impl From<Option<&String>> for Arg {
    fn from(value: Option<&String>) -> Self {
        Self::Text(value.cloned())
    }
}

impl From<Timestamp> for Arg {
    fn from(value: Timestamp) -> Self {
        Self::Time(Some(value.to_chrono()))
    }
}

impl From<Option<Timestamp>> for Arg {
    fn from(value: Option<Timestamp>) -> Self {
        Self::Time(value.map(Timestamp::to_chrono))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_count_on_whatever_is_pushed() {
        let mut sql = Sql::new("select a from t where b = $1").bind(1_i64);
        sql.push(" and c in ").list(["x", "y"]).push(" and d = ").arg(true);
        let (text, args, repeats) = sql.into_parts(true);
        assert_eq!(text, "select a from t where b = $1 and c in ($2, $3) and d = $4");
        assert_eq!((args.len(), repeats), (4, false));
    }

    #[test]
    fn only_placeholders_in_order_lose_their_names() {
        assert_eq!(
            nameless("values ($1, $2), ($3, $4) on conflict").unwrap(),
            "values (?, ?), (?, ?) on conflict"
        );
        assert_eq!(nameless("a = $2 and b = $1"), None);
        assert_eq!(nameless("a = $1 or b = $1"), None);
        assert_eq!(nameless("a = '$'"), None);
    }

    #[test]
    fn a_long_list_of_arguments_is_nameless_on_sqlite_alone() {
        let mut sql = Sql::new("insert into t (a) values ");
        sql.rows((0..40_i64).map(|row| vec![row.into()]));
        assert!(sql.clone().into_parts(true).0.ends_with("($40)"));
        assert!(sql.into_parts(false).0.ends_with("(?), (?)"));
    }

    #[test]
    fn an_empty_list_matches_nothing() {
        let mut sql = Sql::new("select a from t where b in ");
        sql.list(Vec::<String>::new());
        assert_eq!(sql.into_parts(true).0, "select a from t where b in (null)");
    }
}
