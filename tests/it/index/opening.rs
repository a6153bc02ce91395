//! Opening a database: first starts, strangers' schemas, newer versions, and life after an error.

use sqlx::Connection as _;
use whytrace::model::QualityRules;
use whytrace::store::DatabaseTarget;

use super::*;
use crate::support::database::Schema;

async fn refusal(index: &Index) -> String {
    index.probe().await.unwrap_err().to_string()
}

both! {
    async fn sixteen_processes_may_start_first_at_once(store) {
        let tasks = (0..16).map(|n| {
            let index = store.index();
            tokio::spawn(async move {
                let run = Run::started(&format!("t{n}")).complete();
                record(&index, run.batch()).await
            })
        });
        for task in futures::future::join_all(tasks).await {
            assert_eq!(task.unwrap(), [Standing::New; 2]);
        }
        assert_eq!(count(store, "traces").await, 16);
    }

    async fn a_question_may_be_the_first_thing_that_is_asked(store) {
        let index = store.index();
        index.probe().await.unwrap();
        assert_eq!(index.count(&Default::default()).await.unwrap(), 0);
    }

    async fn what_was_recorded_is_there_when_it_is_opened_again(store) {
        let index = store.index();
        let run = Run::started("t");
        record(&index, run.batch()).await;
        index.make_durable().await.unwrap();
        index.close().await;
        assert_eq!(status(&store.index(), run.id()).await.as_deref(), Some("in_progress"));
    }

    async fn one_process_sees_what_another_recorded(store) {
        let (one, other) = (store.index(), store.index());
        other.probe().await.unwrap();
        let run = Run::started("t");
        record(&one, run.batch()).await;
        assert!(status(&other, run.id()).await.is_some());
        assert_eq!(record_last(&other, &run).await, Standing::Duplicate);
    }

    async fn a_transaction_that_fails_leaves_nothing_and_the_next_one_works(store) {
        let index = store.index();
        record(&index, Run::started("before").batch()).await;
        store.run("alter table stages rename to gone").await;
        let run = Run::started("t").enter("e", "s").complete();
        let failed = index.record(vec![run.batch()], true).await;
        assert!(matches!(failed, Err(whytrace::Error::Unavailable { .. })), "{failed:?}");
        store.run("alter table gone rename to stages").await;
        assert!(index.events(run.id()).await.unwrap().is_empty());
        assert_eq!(status(&index, run.id()).await, None);
        assert_eq!(record(&index, run.batch()).await, [Standing::New; 3]);
    }

    async fn a_schema_of_a_newer_version_is_refused_with_what_to_do(store) {
        store.index().probe().await.unwrap();
        let later = "insert into _sqlx_migrations (version, description, success, checksum, execution_time) \
                     values (9999, 'later', true, '', 0)";
        store.run(later).await;
        let said = refusal(&store.index()).await;
        assert!(said.contains("made by a newer whytrace: update this one"), "{said}");
        let failed = store.index().record(vec![Run::started("t").batch()], true).await;
        assert!(failed.is_err());
    }

    async fn tables_of_somebody_else_are_refused_and_left_alone(store) {
        if store.is_postgres() {
            let DatabaseTarget::Postgres { schema, .. } = store.target() else { unreachable!() };
            store.run(&format!("create schema {schema}")).await;
        }
        store.run("create table customers (id bigint); insert into customers values (1)").await;
        let said = refusal(&store.index()).await;
        assert!(said.contains("was not made by whytrace"), "{said}");
        assert_eq!(count(store, "customers").await, 1);
        assert!(!table_exists(store, "traces").await);
    }

    async fn somebody_elses_migrations_are_refused_too(store) {
        if store.is_postgres() {
            let DatabaseTarget::Postgres { schema, .. } = store.target() else { unreachable!() };
            store.run(&format!("create schema {schema}")).await;
        }
        store.run("create table _sqlx_migrations (version bigint primary key, description text, success boolean); \
                   insert into _sqlx_migrations values (1, 'users', true); create table users (id bigint)").await;
        let said = refusal(&store.index()).await;
        assert!(said.contains("was not made by whytrace"), "{said}");
        assert!(!table_exists(store, "traces").await);
    }
}

async fn table_exists(store: &Store, table: &str) -> bool {
    let question = if store.is_postgres() {
        "select cast(table_name as text) as name from information_schema.tables where table_schema = current_schema()"
    } else {
        "select name from sqlite_schema"
    };
    store.rows(question).await.iter().any(|row| row.values().any(|name| name == table))
}

#[tokio::test]
async fn a_pooler_that_drops_settings_is_noticed() {
    let Some(store) = Store::pooled_lax() else { return };
    let run = Run::started("t").enter("e", "s").complete();
    // Several at once, so that the pooler has more than one connection to give.
    let (one, other) = (store.index(), store.index());
    for _ in 0..3 {
        let everything = Default::default();
        let (a, b) = tokio::join!(one.record(vec![run.batch()], true), other.count(&everything));
        a.unwrap();
        b.unwrap();
    }
    assert_eq!(other.count(&Default::default()).await.unwrap(), 1);
    assert_eq!(store.value("select count(*) from traces").await, 1);
}

#[tokio::test]
async fn a_schema_that_another_process_is_bringing_up_to_date_is_waited_for_with_a_bound() {
    for store in [Store::postgres(), Store::pooled()].into_iter().flatten() {
        let DatabaseTarget::Postgres { schema, .. } = store.target() else { unreachable!() };
        let base = crate::support::database::postgres_url().unwrap();
        let mut other = sqlx::PgConnection::connect(&base).await.unwrap();
        let lock = format!("begin; select pg_advisory_xact_lock(hashtext('whytrace schema {schema}'))");
        sqlx::raw_sql(sqlx::AssertSqlSafe(lock)).execute(&mut other).await.unwrap();
        let index = store.index();
        let said = refusal(&index).await;
        assert!(said.contains("another process is bringing it up to date"), "{said}");
        sqlx::raw_sql("rollback").execute(&mut other).await.unwrap();
        // A question would believe for a while what the last one heard.
        assert_eq!(record(&index, Run::started("t").batch()).await, [Standing::New]);
    }
}

#[tokio::test]
async fn a_process_goes_on_while_a_newer_one_changes_the_schema() {
    for store in [Store::postgres(), Store::pooled()].into_iter().flatten() {
        let index = store.index();
        record(&index, Run::started("before").batch()).await;
        store
            .run(
                "begin; alter table traces add column later text; \
                 insert into _sqlx_migrations (version, description, success, checksum, execution_time) \
                 values (9999, 'later', true, '', 0); commit",
            )
            .await;
        assert_eq!(record(&index, Run::started("after").batch()).await, [Standing::New]);
        assert_eq!(index.count(&Default::default()).await.unwrap(), 2);
    }
}

#[tokio::test]
async fn what_somebody_has_locked_is_waited_for_with_a_bound() {
    for store in [Store::postgres(), Store::pooled()].into_iter().flatten() {
        let index = store.index();
        index.probe().await.unwrap();
        let DatabaseTarget::Postgres { schema, .. } = store.target() else { unreachable!() };
        let base = crate::support::database::postgres_url().unwrap();
        let mut other = sqlx::PgConnection::connect(&base).await.unwrap();
        let lock = format!("begin; lock table {schema}.events");
        sqlx::raw_sql(sqlx::AssertSqlSafe(lock)).execute(&mut other).await.unwrap();
        let run = Run::started("t");
        let failed = index.record(vec![run.batch()], true).await.unwrap_err().to_string();
        assert!(failed.contains("lock timeout"), "{failed}");
        sqlx::raw_sql("rollback").execute(&mut other).await.unwrap();
        assert_eq!(record(&index, run.batch()).await, [Standing::New]);
    }
}

#[tokio::test]
async fn an_empty_schema_that_exists_already_is_used() {
    let Some(store) = Store::postgres() else { return };
    let DatabaseTarget::Postgres { schema, .. } = store.target() else { unreachable!() };
    store.run(&format!("create schema {schema}")).await;
    store.index().probe().await.unwrap();
}

#[tokio::test]
async fn a_schema_may_have_any_name() {
    let Some(base) = Schema::fresh() else { return };
    for odd in ["Upper", "with space", "quo\"te", "comma,s", "d'rop", "back\\slash", "$user", "名"] {
        let name = format!("{}_{odd}", base.name());
        let target = DatabaseTarget::Postgres { url: base.url().to_owned(), schema: name.clone() };
        let index = Index::new(&target, QualityRules::default());
        record(&index, Run::started("t").batch()).await;
        assert_eq!(index.count(&Default::default()).await.unwrap(), 1, "{name}");
        index.close().await;
        let quoted = name.replace('"', "\"\"");
        let place = Store::postgres().unwrap();
        place.run(&format!("drop schema \"{quoted}\" cascade")).await;
    }
}

#[tokio::test]
async fn a_server_that_is_away_is_unavailable_and_its_password_is_not_told() {
    let target = DatabaseTarget::Postgres {
        url: "postgres://user:secret@127.0.0.1:1/db".to_owned(),
        schema: "whytrace".to_owned(),
    };
    let index = Index::new(&target, QualityRules::default());
    let error = index.probe().await.unwrap_err();
    assert!(matches!(error, whytrace::Error::Unavailable { .. }), "{error:?}");
    assert!(!format!("{error} {error:?} {index:?} {target:?}").contains("secret"));
}

#[tokio::test]
async fn a_file_that_is_no_database_is_unavailable_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("whytrace.db");
    let text = "not a database, but somebody's notes\n".repeat(100);
    std::fs::write(&path, &text).unwrap();
    let index = Index::new(&DatabaseTarget::Sqlite(path.clone()), QualityRules::default());
    let error = index.probe().await.unwrap_err();
    assert!(matches!(error, whytrace::Error::Unavailable { .. }), "{error:?}");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
}

/// As a full disk does, the trigger makes SQLite end the transaction by itself.
#[tokio::test]
async fn sqlite_works_again_after_it_has_rolled_back_by_itself() {
    let store = Store::sqlite();
    let index = store.index();
    record(&index, Run::started("before").batch()).await;
    store.run("create trigger full before insert on traces begin select raise(rollback, 'full'); end").await;
    for _ in 0..3 {
        assert!(index.record(vec![Run::started("t").batch()], true).await.is_err());
    }
    store.run("drop trigger full").await;
    assert_eq!(record(&index, Run::started("t").batch()).await, [Standing::New]);
}
