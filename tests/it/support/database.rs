//! The Postgres that `scripts/test.sh` has started, and a schema in it for each test.
//!
//! A test that needs Postgres begins with `let Some(schema) = Schema::fresh() else { return };`. That is `None` only
//! where whoever runs the tests has said so: a Postgres that is merely missing must not look like a passed test.

use std::env;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::Duration;

use sqlx::{AssertSqlSafe, Connection, PgConnection};

/// The address of the database for tests; `None`, and a line that says so, where they are to do without.
///
/// # Panics
/// Where neither an address nor the wish to do without is given.
pub(crate) fn postgres_url() -> Option<String> {
    if let Ok(url) = env::var("WHYTRACE_TEST_DATABASE_URL") {
        return Some(url);
    }
    if env::var("WHYTRACE_TEST_EMBEDDED_ONLY").as_deref() == Ok("1") {
        eprintln!("skipped: WHYTRACE_TEST_EMBEDDED_ONLY=1 leaves out what needs Postgres");
        return None;
    }
    panic!(
        "no Postgres for this test: run scripts/test.sh, which starts one, \
         or scripts/postgres.sh run -- cargo test, or set WHYTRACE_TEST_EMBEDDED_ONLY=1 to do without"
    );
}

/// The address of the same database through PgBouncer in transaction mode.
///
/// # Panics
/// Where there is a database to test with, and no pooler before it.
pub(crate) fn pooler_url(variable: &str) -> Option<String> {
    postgres_url()?;
    let missing =
        "a database to test with, and no pooler before it: run scripts/postgres.sh run -- cargo test";
    Some(env::var(variable).unwrap_or_else(|_| panic!("{missing} ({variable})")))
}

/// The name of a schema that no other test uses; whatever has come to lie in it is dropped with this.
pub(crate) struct Schema {
    url: String,
    name: String,
}

impl Schema {
    /// Gives a name that is not in use. The schema itself is for the code under test to create.
    pub(crate) fn fresh() -> Option<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let url = postgres_url()?;
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        Some(Self { url, name: format!("whytrace_test_{}_{count}", std::process::id()) })
    }

    /// The name, of lower-case letters, digits and `_`: it needs no quotes in SQL.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The address of the database that the schema is for.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }
}

impl Drop for Schema {
    /// Drops the schema. Where the test has left a transaction open on it, it stays, until the database goes.
    fn drop(&mut self) {
        let (url, name) = (self.url.clone(), self.name.clone());
        // A runtime cannot be entered from within another, and the test may have one.
        let dropped = thread::spawn(move || {
            let statements = format!("set lock_timeout = '2s'; drop schema if exists {name} cascade");
            run(&url, statements).map_err(|error| eprintln!("the schema {name} stays: {error}"))
        });
        dropped.join().ok();
    }
}

fn run(url: &str, statements: String) -> sqlx::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let work = async {
        let mut connection = PgConnection::connect(url).await?;
        sqlx::raw_sql(AssertSqlSafe(statements)).execute(&mut connection).await?;
        connection.close().await
    };
    runtime.block_on(async { tokio::time::timeout(Duration::from_secs(10), work).await }).map_err(|_| {
        sqlx::Error::Io(std::io::Error::new(std::io::ErrorKind::TimedOut, "no answer within 10 s"))
    })?
}

mod tests {
    use super::*;

    fn exists(schema: &str, url: &str) -> bool {
        // Division by zero, and with it an error, where there is no such schema.
        run(url, format!("select 1 / count(*) from pg_namespace where nspname = '{schema}'")).is_ok()
    }

    #[test]
    fn a_schema_is_its_tests_own_and_goes_with_it() {
        let (Some(schema), Some(other)) = (Schema::fresh(), Schema::fresh()) else { return };
        assert_ne!(schema.name(), other.name());
        let (name, url) = (schema.name().to_owned(), schema.url().to_owned());
        run(&url, format!("create schema {name}; create table {name}.t (id bigint)")).unwrap();
        assert!(exists(&name, &url));
        drop(schema);
        assert!(!exists(&name, &url));
    }
}
