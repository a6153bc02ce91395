//! Stores that are away: the pipeline gives the same results in the same time, and everything is recorded afterwards.

use std::time::{Duration, Instant};

use whytrace::model::Status;
#[cfg(unix)]
use whytrace::pipeline::InTrace;
use whytrace::pipeline::{Acknowledgement, Choice, Start, TraceContext, Tracer};
use whytrace::recorder::SaveState;
use whytrace::store::index::{Filter, Sort};

use super::{Broken, choice, decided, last, start};
use crate::support::eventually::eventually;
use crate::support::pipeline::Place;
#[cfg(unix)]
use crate::support::server::OwnPostgres;

/// Work with a result that can be checked, in so many parallel runs.
async fn pipeline(tracer: &Tracer, runs: usize) -> Vec<usize> {
    let tasks: Vec<_> = (0..runs)
        .map(|run| {
            let tracer = tracer.clone();
            tokio::spawn(async move {
                let work = async |_: TraceContext| {
                    let mut sum = 0;
                    for step in 0..5 {
                        let choice = Choice::new("s", "k", format!("{run}-{step}"), "because");
                        TraceContext::current().record(choice);
                        tokio::task::yield_now().await;
                        sum += run * step;
                    }
                    Ok::<_, Broken>(sum)
                };
                tracer
                    .traced(Start::new("p", format!("run {run}")).tag(format!("r{run}")), work)
                    .await
                    .unwrap()
            })
        })
        .collect();
    let mut results = Vec::new();
    for task in tasks {
        results.push(task.await.unwrap());
    }
    results
}

async fn all_recorded(tracer: &Tracer, runs: u64) {
    let query = tracer.query();
    // A server that has just come back may be too busy for a question now and again.
    eventually("every run is in the database, whole", async || {
        let Ok(listing) = query.list(Filter::default(), Sort::Newest, 500, None).await else { return false };
        if listing.total != runs || listing.pending > 0 {
            return false;
        }
        for run in listing.page.lines {
            let Ok(loaded) = query.trace(run.trace_id.as_str()).await else { return false };
            let run = loaded.trace;
            assert_eq!((run.status(), run.decisions().count()), (Status::Complete, 5), "{}", run.trace_id);
        }
        true
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn with_the_database_away_results_are_the_same_and_everything_follows() {
    let place = Place::new(None);
    place.block("whytrace.db");
    let tracer = Tracer::open(place.config());
    let expected: Vec<usize> = (0..20).map(|run| run * 10).collect();
    assert_eq!(pipeline(&tracer, 20).await, expected);
    let trace = tracer.begin(start());
    let Acknowledgement::Saved { saved, .. } = trace.record(choice("exa")).await else {
        panic!("the journal has it")
    };
    assert_eq!((saved.journal, saved.database), (SaveState::Saved, SaveState::Pending));
    for step in 1..5 {
        trace.record(choice(step));
    }
    trace.finish().await;
    place.unblock("whytrace.db");
    all_recorded(&tracer, 21).await;
    tracer.close().await;
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_postgres_that_dies_in_the_middle_changes_nothing_for_the_pipeline() {
    let Some(server) = OwnPostgres::start() else { return };
    let place = Place::with_database(server.url());
    let tracer = Tracer::open(place.config());
    let expected: Vec<usize> = (0..10).map(|run| run * 10).collect();
    assert_eq!(pipeline(&tracer, 10).await, expected);
    server.crash();
    assert_eq!(pipeline(&tracer, 10).await, expected);
    server.restart();
    all_recorded(&tracer, 20).await;
    tracer.close().await;
}

/// A hundred tasks of one run, each deciding ten times; `in_the_middle` happens when all have decided five times, and
/// they go on when it has happened.
#[cfg(unix)]
async fn hundred_tasks(tracer: &Tracer, in_the_middle: impl FnOnce()) -> usize {
    let half = std::sync::Arc::new(tokio::sync::Barrier::new(101));
    let work = async |_: TraceContext| {
        let task = async |task: usize, half: std::sync::Arc<tokio::sync::Barrier>| {
            for step in 0..10 {
                if step == 5 {
                    half.wait().await;
                    half.wait().await;
                }
                TraceContext::current().record(choice(format_args!("{task}-{step}")));
                tokio::task::yield_now().await;
            }
            task
        };
        let tasks: Vec<_> =
            (0..100).map(|number| tokio::spawn(task(number, half.clone()).in_current_trace())).collect();
        half.wait().await;
        tokio::task::block_in_place(in_the_middle);
        half.wait().await;
        let mut sum = 0;
        for task in tasks {
            sum += task.await.unwrap();
        }
        Ok::<_, Broken>(sum)
    };
    tracer.traced(start(), work).await.unwrap()
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_tasks_whose_database_dies_in_the_middle_give_the_same_and_all_of_it_is_recorded() {
    let Some(server) = OwnPostgres::start() else { return };
    let place = Place::with_database(server.url());
    let tracer = Tracer::open(place.config());
    tracer.ready().await.unwrap();
    let untraced = hundred_tasks(&Tracer::disabled(), || {}).await;
    let traced = hundred_tasks(&tracer, || {}).await;
    let query = tracer.query();
    eventually("the first run is in the database", async || {
        query.list(Filter::default(), Sort::Newest, 1, None).await.is_ok_and(|listing| listing.pending == 0)
    })
    .await;
    let torn = hundred_tasks(&tracer, || server.crash()).await;
    assert_eq!((untraced, traced, torn), (4950, 4950, 4950));
    server.restart();
    eventually("both runs are in the database", async || {
        let listing = query.list(Filter::default(), Sort::Newest, 2, None).await;
        listing.is_ok_and(|listing| listing.total == 2 && listing.pending == 0)
    })
    .await;
    for run in query.list(Filter::default(), Sort::Newest, 2, None).await.unwrap().page.lines {
        let run = query.trace(run.trace_id.as_str()).await.unwrap().trace;
        assert_eq!((run.decisions().count(), run.run.dropped_events), (1_000, None));
    }
    tracer.close().await;
}

#[tokio::test]
async fn with_every_store_away_recording_returns_at_once_and_the_end_waits_no_longer_than_two_seconds() {
    let place = Place::new(None);
    let tracer = Tracer::open(place.config());
    let first = tracer.begin(start());
    assert!(first.record(choice("exa")).await.is_saved());
    first.finish().await;
    tracer.close().await;

    let place = Place::new(None);
    place.block("whytrace.db");
    place.block("journal");
    let tracer = Tracer::open(place.config());
    let begun = Instant::now();
    let trace = tracer.begin(start());
    let receipt = trace.record(choice("exa"));
    assert!(begun.elapsed() < Duration::from_millis(500), "{:?}", begun.elapsed());
    let conclusion = trace.finish().await;
    assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
    assert!(conclusion.saved.is_none() && conclusion.problem.is_some(), "{conclusion:?}");

    place.unblock("journal");
    place.unblock("whytrace.db");
    assert!(receipt.await.is_saved(), "it was tried again");
    eventually("the run has ended", async || {
        tracer.query().trace("last:p").await.is_ok_and(|run| run.trace.status().is_finished())
    })
    .await;
    assert_eq!(decided(&last(&tracer).await), ["exa"]);
    tracer.close().await;
}

#[tokio::test]
async fn a_home_that_cannot_be_used_leaves_the_pipeline_alone() {
    let place = Place::new(None);
    let settings = |settings: &mut whytrace::config::Settings| {
        let file = std::env::current_exe().unwrap();
        settings.home = Some(file.join("inside a file"));
    };
    let tracer = Tracer::open(place.set(settings).config());
    let begun = Instant::now();
    let given = tracer
        .traced(start(), async |trace| {
            trace.record(choice("exa"));
            Ok::<_, Broken>(28)
        })
        .await
        .unwrap();
    assert_eq!(given, 28);
    assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
    tracer.close().await;
}

#[tokio::test]
async fn a_home_that_does_not_open_holds_up_neither_the_end_of_a_run_nor_that_of_the_tracer() {
    let place = Place::new(None);
    std::fs::create_dir_all(place.path("")).unwrap();
    let lock = std::fs::File::create(place.path("installation.lock")).unwrap();
    lock.lock().unwrap();
    let begun = Instant::now();
    let tracer = Tracer::open(place.config());
    let given = tracer.traced(start(), async |_| Ok::<_, Broken>(28)).await.unwrap();
    assert_eq!(given, 28);
    assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
    let closed = Instant::now();
    lock.unlock().unwrap();
    tracer.close().await;
    assert!(closed.elapsed() < Duration::from_secs(5), "{:?}", closed.elapsed());
    let again = Tracer::open(place.config());
    assert_eq!(last(&again).await.status(), Status::Complete, "it followed before the tracer was closed");
    again.close().await;
}

#[cfg(unix)]
#[tokio::test]
async fn a_home_that_never_opens_lets_the_tracer_close() {
    let place = Place::new(None);
    std::fs::create_dir_all(place.path("")).unwrap();
    let pipe = place.path("installation.json");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let tracer = Tracer::open(place.config());
    let begun = Instant::now();
    assert!(tracer.begin(start()).finish().await.problem.is_some());
    tracer.close().await;
    assert!(begun.elapsed() < Duration::from_secs(9), "{:?}", begun.elapsed());
    // Lets whoever still opens it go.
    drop(std::fs::OpenOptions::new().write(true).open(&pipe).unwrap());
}

/// The system gives no thread with a stack as large as the address space.
#[test]
fn where_no_thread_is_to_be_had_nothing_is_recorded_and_nothing_breaks() {
    const INSIDE: &str = "WHYTRACE_TEST_NO_THREAD";
    if std::env::var_os(INSIDE).is_none() {
        let name = "pipeline::outages::where_no_thread_is_to_be_had_nothing_is_recorded_and_nothing_breaks";
        let output = std::process::Command::new(std::env::current_exe().unwrap())
            .args([name, "--exact", "--test-threads=1", "--nocapture"])
            .env(INSIDE, "1")
            .env("RUST_MIN_STACK", (1_u64 << 52).to_string())
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        return;
    }
    let place = Place::new(None);
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
        let tracer = Tracer::open(place.config());
        assert!(!tracer.is_enabled(), "there is a thread after all");
        let given = tracer.traced(start(), async |_| Ok::<_, Broken>(28)).await.unwrap();
        assert_eq!(given, 28);
    });
}
