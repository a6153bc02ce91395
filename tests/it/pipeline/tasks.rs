//! The current run within a task, across tasks, and across runtimes.

use whytrace::model::Status;
use whytrace::pipeline::{InTrace, TraceContext, Tracer};

use super::{Broken, choice, decided, last, start};
use crate::support::pipeline::Place;

#[tokio::test(flavor = "multi_thread")]
async fn the_current_run_is_known_across_awaits_and_over_spawn_with_the_adapter() {
    async fn deep(what: &str) {
        tokio::task::yield_now().await;
        TraceContext::current().record(choice(what));
    }
    let place = Place::new(None);
    let tracer = Tracer::open(place.config());
    let work = async |_| {
        deep("awaited").await;
        tokio::spawn(deep("spawned").in_current_trace()).await.unwrap();
        let current = TraceContext::current();
        tokio::task::spawn_blocking(move || {
            current.sync_scope(|| TraceContext::current().record(choice("blocking")))
        })
        .await
        .unwrap();
        tokio::spawn(deep("without the adapter")).await.unwrap();
        Ok::<_, Broken>(())
    };
    tracer.traced(start(), work).await.unwrap();
    deep("outside").await;
    assert_eq!(decided(&last(&tracer).await), ["awaited", "spawned", "blocking"]);
    tracer.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_tasks_record_in_one_run_and_nothing_is_lost_or_doubled() {
    let place = Place::new(None);
    let tracer = Tracer::open(place.config());
    let work = async |_| {
        let tasks: Vec<_> = (0..100)
            .map(|task| {
                let work = async move {
                    for step in 0..5 {
                        TraceContext::current().record(choice(format_args!("{task}-{step}")));
                        tokio::task::yield_now().await;
                    }
                };
                tokio::spawn(work.in_current_trace())
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        Ok::<_, Broken>(())
    };
    // A traced run may itself be spawned.
    let traced = tracer.clone();
    tokio::spawn(async move { traced.traced(start(), work).await }).await.unwrap().unwrap();
    let mut decided = decided(&last(&tracer).await);
    assert_eq!(decided.len(), 500);
    let order_of = |task: &str| -> Vec<_> {
        decided.iter().filter(|what| what.starts_with(task)).map(String::as_str).collect()
    };
    assert_eq!(order_of("42-"), ["42-0", "42-1", "42-2", "42-3", "42-4"], "one task's own order stays");
    decided.sort();
    decided.dedup();
    assert_eq!(decided.len(), 500);
    tracer.close().await;
}

#[tokio::test]
async fn a_run_within_a_run_is_a_part_of_it() {
    let place = Place::new(None);
    let tracer = Tracer::open(place.config());
    let ids = tracer
        .traced(start(), async |outer| {
            let inner = tracer
                .traced(start(), async |inner| {
                    assert_eq!(TraceContext::current().id(), inner.id());
                    Ok::<_, Broken>(inner.id().unwrap())
                })
                .await?;
            Ok::<_, Broken>((outer.id().unwrap(), inner))
        })
        .await
        .unwrap();
    let inner = tracer.query().trace(ids.1.as_str()).await.unwrap().trace;
    assert_eq!(inner.parent_trace_id, Some(ids.0));
    tracer.close().await;
}

#[test]
fn what_was_recorded_outlives_the_runtime_that_recorded_it() {
    let place = Place::new(None);
    let tracer = Tracer::open(place.config());
    let runtime = || tokio::runtime::Builder::new_current_thread().build().unwrap();
    let first = runtime();
    first.block_on(async {
        let trace = tracer.begin(start());
        trace.record(choice("exa"));
        trace.finish_soon();
    });
    drop(first);
    runtime().block_on(async {
        let query = tracer.query();
        let mut run = query.trace("last:p").await;
        while !run.as_ref().is_ok_and(|run| run.trace.status().is_finished()) {
            tokio::task::yield_now().await;
            run = query.trace("last:p").await;
        }
        assert_eq!(decided(&run.unwrap().trace), ["exa"]);
        tracer.close().await;
    });
}

#[tokio::test]
async fn what_is_dropped_with_its_tracer_still_reaches_the_stores() {
    let place = Place::new(None);
    let tracer = Tracer::open(place.config());
    let trace = tracer.begin(start());
    let receipt = trace.record(choice("exa"));
    trace.finish_soon();
    drop((tracer, trace));
    assert!(receipt.await.is_saved());
    let again = Tracer::open(place.config());
    crate::support::eventually::eventually("the run has ended", async || {
        again.query().trace("last:p").await.is_ok_and(|run| run.trace.status() == Status::Complete)
    })
    .await;
    again.close().await;
}

#[tokio::test]
async fn a_run_goes_on_where_another_tracer_began_it() {
    let place = Place::new(None);
    let tracer = Tracer::open(place.config());
    let trace = tracer.begin(start());
    assert!(trace.record(choice("here")).await.is_saved());
    let id = trace.id().unwrap();

    let other = Tracer::open(place.config());
    let there = other.attach(&id);
    assert!(there.record(choice("there")).await.is_saved());
    there.finish().await;
    assert_eq!(decided(&last(&other).await), ["here", "there"]);
    other.close().await;
    tracer.close().await;
}

/// Runs a future without any runtime.
fn without_a_runtime<T>(future: impl Future<Output = T>) -> T {
    struct Unpark(std::thread::Thread);
    impl std::task::Wake for Unpark {
        fn wake(self: std::sync::Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = std::sync::Arc::new(Unpark(std::thread::current())).into();
    let mut context = std::task::Context::from_waker(&waker);
    let mut future = std::pin::pin!(future);
    loop {
        if let std::task::Poll::Ready(value) = future.as_mut().poll(&mut context) {
            return value;
        }
        std::thread::park();
    }
}

#[test]
fn no_runtime_is_needed_to_record_or_to_ask() {
    let place = Place::new(None);
    without_a_runtime(async {
        let tracer = Tracer::open(place.config());
        tracer.ready().await.unwrap();
        let work = async |_| {
            assert!(TraceContext::current().record(choice("exa")).await.is_saved());
            Ok::<_, Broken>(())
        };
        tracer.traced(start(), work).await.unwrap();
        let run = last(&tracer).await;
        assert_eq!((run.status(), decided(&run)), (Status::Complete, vec!["exa".to_owned()]));
        tracer.close().await;
    });
}
