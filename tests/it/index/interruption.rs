//! Callers that go away: what was acknowledged is there, and nothing stays half done.

use std::collections::BTreeSet;
use std::task::Poll;

use futures::FutureExt as _;
use sqlx::Connection as _;
use sqlx::postgres::PgPoolOptions;
use sqlx::sqlite::SqliteConnection;

use super::*;
use crate::support::database::Schema;

/// Polls a future this often, giving way to others in between, and drops it then.
async fn polled<F: Future>(future: F, times: usize) -> Option<F::Output> {
    let mut future = std::pin::pin!(future);
    for _ in 0..times {
        if let Some(output) = future.as_mut().now_or_never() {
            return Some(output);
        }
        give_way().await;
    }
    None
}

/// Lets everything else that is ready run once.
async fn give_way() {
    let mut given = false;
    futures::future::poll_fn(|context| {
        if std::mem::replace(&mut given, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

both! {
    async fn a_call_that_is_dropped_half_way_loses_nothing_that_was_acknowledged(store) {
        let index = store.index();
        index.probe().await.unwrap();
        let mut acknowledged = BTreeSet::new();
        for n in 0..150_usize {
            let id = format!("t{n:03}");
            let run = Run::started(&id).complete();
            // A dropped write goes on by itself; whether a dropped one is there is not promised.
            polled(index.record(vec![Run::started(&format!("dropped{n}")).batch()], true), n % 40).await;
            polled(index.list(&Default::default(), Default::default(), 5, None), n % 23).await;
            record(&index, run.batch()).await;
            acknowledged.insert(id);
        }
        index.close().await;
        let other = store.index();
        let lines = listing::all(&other, &Default::default(), whytrace::store::index::Sort::Oldest, 50).await;
        let there: BTreeSet<String> = lines.into_iter().map(|line| line.trace_id).collect();
        let lost: Vec<&String> = acknowledged.difference(&there).collect();
        assert!(lost.is_empty(), "{lost:?}");
    }

    async fn a_write_whose_caller_went_away_is_done_whole(store) {
        let index = store.index();
        index.probe().await.unwrap();
        let run = Run::started("t").enter("e", "s").decide("d").complete();
        polled(index.record(vec![run.batch()], true), 1).await;
        // The next write waits for its turn.
        while status(&index, run.id()).await.is_none() {
            record(&index, Run::started("next").batch()).await;
        }
        assert_eq!(status(&index, run.id()).await.as_deref(), Some("complete"));
        assert_eq!((count(store, "stages").await, count(store, "decisions").await), (2, 1));
    }
}

#[tokio::test]
async fn no_transaction_stays_open_on_postgres() {
    let Some(store) = Store::postgres() else { return };
    let index = store.index();
    for n in 0..60 {
        let run = Run::started(&format!("t{n}"));
        polled(index.record(vec![run.batch()], true), n % 30).await;
        polled(index.count(&Default::default()), n % 30).await;
    }
    // What a transaction has locked it holds until it ends. Those that are under way end soon, others never do.
    let held = "select count(*) from pg_locks l join pg_class c on c.oid = l.relation \
                join pg_namespace n on n.oid = c.relnamespace where n.nspname = current_schema()";
    for _ in 0..200 {
        if store.value(held).await == 0 {
            return;
        }
    }
    panic!("locks stay: {:?}", store.rows("select mode, granted from pg_locks").await);
}

/// Why connections are rolled back before each use. Once this fails, that is no longer needed.
#[tokio::test]
async fn sqlx_still_gives_back_a_connection_with_its_transaction_open() {
    let Some(schema) = Schema::fresh() else { return };
    let options = PgPoolOptions::new().max_connections(1).test_before_acquire(false);
    let pool = options.connect(schema.url()).await.unwrap();
    for round in 0..3_000 {
        // Sends `begin`, and mostly goes away before the answer comes: how many looks that takes is the machine's.
        drop(polled(pool.begin(), 1 + round % 4).await);
        let mut connection = pool.acquire().await.unwrap();
        // Outside of a transaction this is an error.
        if sqlx::query("savepoint inside").execute(&mut *connection).await.is_ok() {
            return;
        }
    }
    panic!("no transaction stayed open");
}

/// Why transactions are plain statements, and a connection is closed after an error. Once this fails, that is no
/// longer needed.
#[tokio::test]
async fn sqlx_still_believes_in_a_transaction_that_sqlite_has_ended() {
    let mut connection = SqliteConnection::connect("sqlite::memory:").await.unwrap();
    let prepare = "create table t (n integer); \
                   create trigger full before insert on t begin select raise(rollback, 'full'); end";
    sqlx::raw_sql(prepare).execute(&mut connection).await.unwrap();
    let mut transaction = connection.begin_with("begin immediate").await.unwrap();
    sqlx::query("insert into t values (1)").execute(&mut *transaction).await.unwrap_err();
    transaction.rollback().await.unwrap_err();
    connection.begin_with("begin immediate").await.unwrap_err();
}
