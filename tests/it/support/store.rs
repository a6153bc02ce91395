//! A database of a test's own, as the index uses it and as somebody with an SQL client sees it.
//!
//! What is read from outside has one form for both databases, so that their rows can be compared: numbers and texts
//! as they are, times with six digits, JSON parsed.

use std::path::PathBuf;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};
use sqlx::migrate::Migrator;
use sqlx::postgres::{PgConnection, PgRow};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteRow};
use sqlx::{AssertSqlSafe, Column, ConnectOptions, Connection, Row, TypeInfo, ValueRef};
use tempfile::TempDir;
use whytrace::model::{QualityRules, Timestamp};
use whytrace::store::DatabaseTarget;
use whytrace::store::index::Index;

use super::database::{Schema, pooler_url};

/// One row, by the names of its columns.
pub(crate) type Row1 = Map<String, Value>;

/// A database that goes with its test.
pub(crate) struct Store {
    place: Place,
    /// How the index reaches the place, where that is not the straight way.
    through: Option<String>,
}

enum Place {
    Folder(TempDir),
    Schema(Schema),
}

/// Columns of SQLite that hold JSON; Postgres says so itself.
const JSON_COLUMNS: [&str; 9] = [
    "principle_scores",
    "rubric_scores",
    "principle_breakdown",
    "gap_principles",
    "strength_principles",
    "tier_config",
    "output_file_paths",
    "tags",
    "by_source",
];

impl Store {
    pub(crate) fn sqlite() -> Self {
        Self { place: Place::Folder(tempfile::tempdir().expect("a temporary folder")), through: None }
    }

    /// `None` where the tests are to do without Postgres.
    pub(crate) fn postgres() -> Option<Self> {
        Schema::fresh().map(|schema| Self { place: Place::Schema(schema), through: None })
    }

    /// Postgres as an index finds it behind PgBouncer in transaction mode, with that one's settings as installed.
    pub(crate) fn pooled() -> Option<Self> {
        Some(Self { through: pooler_url("WHYTRACE_TEST_POOLER_URL"), ..Self::postgres()? })
    }

    /// The same behind one that takes settings with a connection and drops them.
    pub(crate) fn pooled_lax() -> Option<Self> {
        Some(Self { through: pooler_url("WHYTRACE_TEST_LAX_POOLER_URL"), ..Self::postgres()? })
    }

    pub(crate) fn is_postgres(&self) -> bool {
        matches!(self.place, Place::Schema(_))
    }

    pub(crate) fn target(&self) -> DatabaseTarget {
        match &self.place {
            Place::Folder(folder) => DatabaseTarget::Sqlite(file(folder)),
            Place::Schema(schema) => {
                let url = self.through.as_deref().unwrap_or(schema.url());
                DatabaseTarget::Postgres { url: url.to_owned(), schema: schema.name().to_owned() }
            }
        }
    }

    /// An index of its own connections, as another process would open it.
    pub(crate) fn index(&self) -> Index {
        Index::new(&self.target(), QualityRules::default())
    }

    /// Makes the tables as the version with this many migrations had them.
    pub(crate) async fn migrate_to(&self, version: i64) {
        let up_to = |all: Migrator| {
            let some = all.iter().filter(|migration| migration.version <= version);
            Migrator::with_migrations(some.cloned().collect())
        };
        match &self.place {
            Place::Folder(folder) => {
                let mut connection = sqlite_client(folder).await;
                let migrations = up_to(sqlx::migrate!("migrations/sqlite"));
                migrations.run_direct(None, &mut connection, false).await.expect("migrations run");
                connection.close().await.expect("a connection closes");
            }
            Place::Schema(schema) => {
                self.run(&format!("create schema {}", schema.name())).await;
                let mut connection = postgres_client(schema).await;
                let migrations = up_to(sqlx::migrate!("migrations/postgres"));
                migrations.run_direct(None, &mut connection, false).await.expect("migrations run");
                connection.close().await.expect("a connection closes");
            }
        }
    }

    /// Runs statements as an SQL client would. Makes the database if there is none.
    pub(crate) async fn run(&self, statements: &str) {
        let text = AssertSqlSafe(statements.to_owned());
        match &self.place {
            Place::Folder(folder) => {
                let mut connection = sqlite_client(folder).await;
                sqlx::raw_sql(text).execute(&mut connection).await.expect(statements);
                connection.close().await.expect("a connection closes");
            }
            Place::Schema(schema) => {
                let mut connection = postgres_client(schema).await;
                sqlx::raw_sql(text).execute(&mut connection).await.expect(statements);
                connection.close().await.expect("a connection closes");
            }
        }
    }

    /// Removes all that was recorded, for a test of many cases.
    pub(crate) async fn clear(&self) {
        let tables = "traces, tags, stages, decisions, alternatives, principle_scores, evidence, events, conflicts, \
                      flags, tombstones, tokens, confidence_days, run_days, principle_days";
        match self.place {
            Place::Folder(_) => {
                let deletions: String =
                    tables.split(", ").map(|table| format!("delete from {table};")).collect();
                self.run(&format!(
                    "begin; delete from trace_words; delete from decision_words; {deletions} commit"
                ))
                .await;
            }
            Place::Schema(_) => self.run(&format!("truncate {tables}")).await,
        }
    }

    /// The rows of a question, in an order that does not depend on the database.
    pub(crate) async fn rows(&self, question: &str) -> Vec<Row1> {
        let text = AssertSqlSafe(question.to_owned());
        let mut rows: Vec<Row1> = match &self.place {
            Place::Folder(folder) => {
                let mut connection = sqlite_client(folder).await;
                let rows = sqlx::query(text).fetch_all(&mut connection).await.expect(question);
                rows.iter().map(sqlite_row).collect()
            }
            Place::Schema(schema) => {
                let mut connection = postgres_client(schema).await;
                let rows = sqlx::query(text).fetch_all(&mut connection).await.expect(question);
                rows.iter().map(postgres_row).collect()
            }
        };
        sort(&mut rows);
        rows
    }

    /// The one value of a question that has one.
    pub(crate) async fn value(&self, question: &str) -> Value {
        let rows = self.rows(question).await;
        let [row] = rows.as_slice() else { panic!("{question} gives {} rows", rows.len()) };
        row.values().next().expect("a column").clone()
    }
}

/// Puts rows into an order that does not depend on the database.
pub(crate) fn sort(rows: &mut [Row1]) {
    rows.sort_by_cached_key(|row| Value::Object(row.clone()).to_string());
}

fn file(folder: &TempDir) -> PathBuf {
    folder.path().join("whytrace.db")
}

async fn sqlite_client(folder: &TempDir) -> SqliteConnection {
    let options = SqliteConnectOptions::new().filename(file(folder)).create_if_missing(true);
    options.connect().await.expect("the file opens")
}

async fn postgres_client(schema: &Schema) -> PgConnection {
    let mut connection = PgConnection::connect(schema.url()).await.expect("the server answers");
    let path = format!("set search_path to {}", schema.name());
    sqlx::raw_sql(AssertSqlSafe(path)).execute(&mut connection).await.expect("a search path");
    connection
}

fn sqlite_row(row: &SqliteRow) -> Row1 {
    let cell = |column: &sqlx::sqlite::SqliteColumn| {
        let (at, name) = (column.ordinal(), column.name());
        let value = row.try_get_raw(at).expect("a column");
        if value.is_null() {
            return Value::Null;
        }
        let kind = value.type_info().name().to_owned();
        match (column.type_info().name(), kind.as_str()) {
            ("BOOLEAN", _) => json!(row.get::<bool, _>(at)),
            ("DATETIME", _) => json!(Timestamp::new(row.get::<DateTime<Utc>, _>(at))),
            (_, "INTEGER") => json!(row.get::<i64, _>(at)),
            (_, "REAL") => number(row.get(at)),
            (_, "TEXT") if JSON_COLUMNS.contains(&name) => {
                serde_json::from_str(row.get(at)).expect("a column of JSON")
            }
            (_, "TEXT") => json!(row.get::<String, _>(at)),
            (declared, stored) => panic!("column {name} is {declared} and holds {stored}"),
        }
    };
    row.columns().iter().map(|column| (column.name().to_owned(), cell(column))).collect()
}

fn postgres_row(row: &PgRow) -> Row1 {
    let cell = |column: &sqlx::postgres::PgColumn| {
        let at = column.ordinal();
        if row.try_get_raw(at).expect("a column").is_null() {
            return Value::Null;
        }
        match column.type_info().name() {
            "BOOL" => json!(row.get::<bool, _>(at)),
            "TIMESTAMPTZ" => json!(Timestamp::new(row.get::<DateTime<Utc>, _>(at))),
            "INT8" => json!(row.get::<i64, _>(at)),
            "FLOAT8" => number(row.get(at)),
            "JSONB" => row.get(at),
            "TEXT" => json!(row.get::<String, _>(at)),
            "tsvector" => Value::Null,
            kind => panic!("column {} is {kind}", column.name()),
        }
    };
    row.columns().iter().map(|column| (column.name().to_owned(), cell(column))).collect()
}

/// A number that tells all doubles apart.
fn number(number: f64) -> Value {
    json!(format!("{number:?}"))
}
