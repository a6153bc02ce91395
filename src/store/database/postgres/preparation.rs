//! The schema before it is first used: made if it is missing, refused if it is not ours, brought up to date.
//!
//! All of it is one transaction under a lock of that transaction, so that several processes may start at once, a
//! pooler may stand in between, and a migration that breaks off leaves nothing. Whoever waits for the lock waits for
//! a bounded time; whoever holds it may take long, because a table of a million rows does.

use std::time::Duration;

use sqlx::migrate::Migrator;
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};

use super::settings::{SessionSettings, Way, quoted};
use super::within;
use crate::store::database::{Found, needs_migration};

static MIGRATIONS: Migrator = sqlx::migrate!("migrations/postgres");

/// How long bringing a schema up to date may take, once its lock is held.
const MIGRATION_BOUND: Duration = Duration::from_secs(600);

/// Sees to the schema, and says how settings reach the server. Only the server's first answer is waited for so short:
/// migrations are not broken off for a reading question.
pub(super) async fn prepare(
    options: PgConnectOptions,
    settings: SessionSettings,
    schema: String,
    patience: Duration,
) -> sqlx::Result<Way> {
    let first_answer = async {
        let (mut connection, way) = settings.first_connection(&options).await?;
        let mut transaction = connection.begin().await?;
        transaction.execute(AssertSqlSafe(settings.for_transaction())).await?;
        let found = look(&mut transaction, &schema).await?;
        transaction.rollback().await?;
        Ok((connection, way, found))
    };
    let (mut connection, way, found) = within(patience, first_answer).await?;
    let prepared = match needs_migration(&found, &MIGRATIONS, &place(&schema)) {
        Ok(true) => migrate(&mut connection, &settings, &schema).await,
        Ok(false) => Ok(()),
        Err(refused) => Err(refused),
    };
    // The connection served only this; what closing it says does not matter.
    let _ = connection.close().await;
    prepared.map(|()| way)
}

async fn migrate(
    connection: &mut PgConnection,
    settings: &SessionSettings,
    schema: &str,
) -> sqlx::Result<()> {
    let mut transaction = connection.begin().await?;
    transaction.execute(AssertSqlSafe(settings.for_transaction())).await?;
    let key = schema.replace('\'', "''");
    // Longer than statements wait: many may start at once, and the first of them makes everything.
    let lock = format!(
        "set local lock_timeout to '4s'; select pg_advisory_xact_lock(hashtext('whytrace schema {key}')); \
         set local lock_timeout to '2s'"
    );
    transaction.execute(AssertSqlSafe(lock)).await.map_err(|error| {
        let is_bound =
            error.as_database_error().is_some_and(|error| error.code().as_deref() == Some("55P03"));
        let said = "another process is bringing it up to date";
        if is_bound { sqlx::Error::Configuration(said.into()) } else { error }
    })?;
    // Whoever held the lock before may have done it.
    let found = look(&mut transaction, schema).await?;
    if needs_migration(&found, &MIGRATIONS, &place(schema))? {
        // What changes a table with many rows takes its time; statements of others wait for it no longer than usual.
        transaction.execute("set local statement_timeout to 0").await?;
        if !found.exists {
            let create = format!("create schema {}", quoted(schema));
            transaction.execute(AssertSqlSafe(create)).await?;
        }
        let migrations = unlocked();
        // sqlx prepares these by name, and behind a pooler the name may be there from somebody before us. Nobody else
        // counts on the names that are left then: behind a pooler, we prepare nothing by name.
        transaction.execute("deallocate all").await?;
        within(MIGRATION_BOUND, async { Ok(migrations.run_direct(None, &mut *transaction, false).await?) })
            .await?;
        transaction.execute("deallocate all").await?;
    }
    transaction.commit().await
}

/// The migrations without sqlx's own lock, which lasts as long as the server's process, and so behind a pooler longer
/// than anybody who could let go of it.
fn unlocked() -> Migrator {
    let mut migrations = Migrator::with_migrations(MIGRATIONS.iter().cloned().collect());
    migrations.set_locking(false);
    migrations
}

fn place(schema: &str) -> String {
    format!("the schema {schema:?}")
}

/// What lies in the schema, which the search path names.
async fn look(connection: &mut PgConnection, schema: &str) -> sqlx::Result<Found> {
    // Not prepared by name: a pooler may not know the name the next time.
    let (exists, tables, migrated): (bool, i64, bool) = sqlx::query_as(
        "select exists (select from pg_catalog.pg_namespace where nspname = $1), count(*), \
         coalesce(bool_or(table_name = '_sqlx_migrations'), false) \
         from information_schema.tables where table_schema = $1",
    )
    .bind(schema)
    .persistent(false)
    .fetch_one(&mut *connection)
    .await?;
    let applied = if migrated {
        let rows = sqlx::query_as("select version, description from _sqlx_migrations order by version");
        Some(rows.persistent(false).fetch_all(connection).await?)
    } else {
        None
    };
    Ok(Found { exists, tables, applied })
}
