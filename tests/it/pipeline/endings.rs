//! However the work ends, its run does too, and the work's own end is passed on unchanged.

use std::future::pending;
use std::panic::AssertUnwindSafe;
use std::path::Path;
use std::sync::Arc;

use futures::FutureExt as _;
use whytrace::model::Status;
use whytrace::pipeline::{Acknowledgement, Finish, TraceContext, Tracer};

use super::{Broken, choice, decided, last, start};
use crate::support::eventually::eventually;
use crate::support::pipeline::Place;

#[tokio::test]
async fn work_that_gives_a_value_leaves_a_complete_run() {
    let place = Place::new(None);
    let tracer = Tracer::open(place.config());
    let given = tracer
        .traced(start(), async |trace| {
            trace.record(choice("exa"));
            trace.mark_complete(Finish::default().score(2.4).judged("META-12", 1.0, "thin").cost_usd(0.32));
            Ok::<_, Broken>(28)
        })
        .await
        .unwrap();
    assert_eq!(given, 28);
    let run = last(&tracer).await;
    assert_eq!((run.status(), decided(&run)), (Status::Complete, vec!["exa".to_owned()]));
    assert_eq!((run.quality.passed, run.quality.gap_principles), (Some(true), vec!["META-12".to_owned()]));
    tracer.close().await;
}

#[tokio::test]
async fn work_that_gives_an_error_leaves_a_failed_run_and_the_very_same_error() {
    let place = Place::new(None);
    let tracer = Tracer::open(place.config());
    let broken = Broken("the source is gone".into());
    let error = broken.clone();
    let given = tracer
        .traced(start(), async |trace| {
            trace.mark_complete(Finish::default().score(1.0));
            Err::<(), _>(error)
        })
        .await
        .unwrap_err();
    assert!(Arc::ptr_eq(&given.0, &broken.0));
    let run = last(&tracer).await;
    assert_eq!((run.status(), run.run.error.as_deref()), (Status::Failed, Some("the source is gone")));
    assert_eq!(run.quality.score, Some(1.0), "what was known before stays");
    tracer.close().await;
}

#[tokio::test]
async fn work_that_panics_leaves_a_failed_run_and_the_panic_goes_on() {
    let place = Place::new(None);
    let tracer = Tracer::open(place.config());
    let work = tracer.traced(start(), async |trace| {
        trace.record(choice("exa"));
        std::panic::panic_any("no such page".to_owned());
        #[expect(unreachable_code, reason = "gives the work its type")]
        Ok::<(), Broken>(())
    });
    let panic = AssertUnwindSafe(work).catch_unwind().await.unwrap_err();
    assert_eq!(panic.downcast_ref::<String>().unwrap(), "no such page");
    let run = last(&tracer).await;
    assert_eq!((run.status(), run.run.error.as_deref()), (Status::Failed, Some("panicked: no such page")));
    assert_eq!(decided(&run), ["exa"]);
    tracer.close().await;
}

#[tokio::test]
async fn work_that_is_dropped_leaves_an_incomplete_run() {
    let place = Place::new(None);
    let tracer = Tracer::open(place.config());
    let (tell, told) = tokio::sync::oneshot::channel();
    let work = tracer.traced(start(), async |trace| {
        trace.record(choice("exa")).await;
        tell.send(()).unwrap();
        pending::<Result<(), Broken>>().await
    });
    tokio::select! {
        _ = work => unreachable!("it never ends"),
        told = told => told.unwrap(),
    }
    eventually("the run has ended", async || last(&tracer).await.status().is_finished()).await;
    let run = last(&tracer).await;
    assert_eq!(run.status(), Status::Incomplete);
    assert_eq!(run.run.error.as_deref(), Some("its work was dropped before it ended"));
    tracer.close().await;
}

#[tokio::test]
async fn work_that_is_not_traced_runs_all_the_same_and_leaves_nothing() {
    let place = Place::new(None).set(|settings| settings.disabled_projects = Some(vec!["p".to_owned()]));
    let off_for_all = Place::new(None).set(|settings| settings.enabled = Some(false));
    for tracer in [Tracer::open(place.config()), Tracer::open(off_for_all.config()), Tracer::disabled()] {
        let given = tracer
            .traced(start(), async |trace| {
                assert!(!trace.is_enabled() && !TraceContext::current().is_enabled() && trace.id().is_none());
                let acknowledgement = trace.record(choice("exa")).await;
                assert!(matches!(acknowledgement, Acknowledgement::Off));
                let conclusion = trace.finish().await;
                assert!(conclusion.trace_id.is_none() && conclusion.problem.is_none());
                Ok::<_, Broken>(28)
            })
            .await
            .unwrap();
        assert_eq!(given, 28);
        tracer.close().await;
    }
    assert!(!off_for_all.path("whytrace.db").exists(), "a tracer that is off opens nothing");
    assert!(!place.path("projects").exists());
}

#[tokio::test]
async fn an_end_that_the_work_marked_itself_stands() {
    let place = Place::new(None);
    let tracer = Tracer::open(place.config());
    let work = async |trace: TraceContext| {
        trace.mark_failed("nothing found");
        Ok::<_, Broken>(())
    };
    tracer.traced(start(), work).await.unwrap();
    assert_eq!(last(&tracer).await.status(), Status::Failed);
    tracer.close().await;
}

#[tokio::test]
async fn a_finish_tells_where_the_run_is_and_a_second_one_tells_the_same() {
    let place = Place::new(None);
    let tracer = Tracer::open(place.config());
    let trace = tracer.begin(start());
    trace.mark_complete(Finish::default().score(2.4));
    let first = trace.finish().await;
    let id = trace.id().unwrap();
    assert_eq!(first.trace_id, Some(id.clone()));
    assert_eq!(
        first.document,
        Some(place.path(&format!("projects/p/_traces/{id}.json")).display().to_string())
    );
    assert!(Path::new(first.summary.as_ref().unwrap()).exists());
    assert!(first.scorecard().unwrap().contains("Quality: 2.4/3.0  PASS"));
    assert_eq!(first.flags.as_ref().unwrap().len(), 0);

    let second = trace.finish().await;
    assert_eq!((second.trace_id, second.document), (first.trace_id, first.document));

    let late = trace.record(choice("afterthought")).await;
    assert!(matches!(late, Acknowledgement::Saved { late: true, .. }), "{late:?}");
    tracer.close().await;
}

#[tokio::test]
async fn an_end_that_says_something_inadmissible_ends_the_run_all_the_same() {
    let place = Place::new(None);
    let tracer = Tracer::open(place.config());
    let work = async |trace: TraceContext| {
        trace.mark_complete(Finish::default().score(99.0).cost_usd(0.32));
        Ok::<_, Broken>(())
    };
    tracer.traced(start(), work).await.unwrap();
    let run = last(&tracer).await;
    assert_eq!((run.status(), run.quality.score), (Status::Complete, None));
    assert_eq!(run.run.dropped_events, Some(1), "what it said is counted as lost");

    let trace = tracer.begin(start());
    trace.mark_complete(Finish::default().score(f64::NAN));
    let conclusion = trace.finish().await;
    assert!(conclusion.saved.is_some());
    assert!(conclusion.problem.unwrap().starts_with("score: NaN"));
    tracer.close().await;
}

#[tokio::test]
async fn an_error_of_any_length_leaves_a_failed_run_with_its_beginning() {
    let place = Place::new(None);
    let tracer = Tracer::open(place.config());
    let long = Broken(format!("the source says: {}", "\u{fc}".repeat(1 << 20)).into());
    let work = async |trace: TraceContext| {
        let receipt = trace.record(choice("exa"));
        assert!(trace.record_error(receipt.id(), &long).await.is_saved());
        assert!(trace.fail_stage("s", &long).await.is_saved());
        Err::<(), _>(long.clone())
    };
    tracer.traced(start(), work).await.unwrap_err();
    let run = last(&tracer).await;
    assert_eq!((run.status(), run.run.dropped_events), (Status::Failed, None));
    let errors = [&run.run.error, &run.stages["s"].error, &run.stages["s"].decisions[0].error];
    for error in errors {
        let error = error.as_deref().unwrap();
        assert!(error.starts_with("the source says: \u{fc}") && error.ends_with('\u{2026}'));
        assert!(error.len() > 16_000, "{}", error.len());
    }
    tracer.close().await;
}

#[tokio::test]
async fn an_error_that_cannot_be_written_is_passed_on_without_a_panic() {
    #[derive(Debug)]
    struct Unwritable;
    impl std::fmt::Display for Unwritable {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("so far")?;
            Err(std::fmt::Error)
        }
    }
    let place = Place::new(None);
    let tracer = Tracer::open(place.config());
    let given = tracer.traced(start(), async |_| Err::<(), _>(Unwritable)).await;
    assert!(given.is_err());
    assert_eq!(last(&tracer).await.run.error.as_deref(), Some("so far"));
    tracer.close().await;
}

#[tokio::test]
async fn what_a_closure_does_before_its_first_await_is_part_of_the_work() {
    let place = Place::new(None);
    let tracer = Tracer::open(place.config());
    let work = |_: TraceContext| {
        TraceContext::current().record(choice("at once"));
        if TraceContext::current().is_enabled() {
            std::panic::panic_any("at once");
        }
        async { Ok::<_, Broken>(()) }
    };
    AssertUnwindSafe(tracer.traced(start(), work)).catch_unwind().await.unwrap_err();
    let run = last(&tracer).await;
    assert_eq!((run.status(), run.run.error.as_deref()), (Status::Failed, Some("panicked: at once")));
    assert_eq!(decided(&run), ["at once"]);
    tracer.close().await;
}

#[tokio::test]
async fn a_finish_tells_the_same_when_the_tracer_is_closed() {
    let place = Place::new(None);
    let tracer = Tracer::open(place.config());
    let trace = tracer.begin(start());
    let first = trace.finish().await;
    tracer.close().await;
    let second = trace.finish().await;
    assert_eq!((second.document, second.problem), (first.document, None));
}
