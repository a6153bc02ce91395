//! No error, no panic, no wait; what is refused or does not fit is told and counted.

use std::time::{Duration, Instant};

use whytrace::error::Error;
use whytrace::model::{Evidence, Prompt};
use whytrace::pipeline::{Acknowledgement, Choice, Dropped, Finish, Start, Tracer, TracerOptions};

use super::{choice, decided, last, start};
use crate::support::pipeline::Place;

#[tokio::test]
async fn what_the_gate_refuses_is_told_and_counted_and_keeps_nothing_else_out() {
    let place = Place::new(None);
    let tracer = Tracer::open(place.config());
    let trace = tracer.begin(start());
    let good = trace.record(choice("exa"));
    let bad = trace.record(choice("google").confidence(1.5));
    let empty = trace.record(Choice::new("", "", "", ""));
    let other = trace.record(choice("reddit"));
    let conclusion = trace.finish().await;
    assert!(good.await.is_saved() && other.await.is_saved());
    let Acknowledgement::Rejected(why) = bad.await else { panic!("it is refused") };
    assert!(why.to_string().starts_with("confidence: 1.5 is above the allowed range"), "{why}");
    assert!(empty.await.is_missing());
    assert_eq!(conclusion.dropped_events, 2);
    let run = last(&tracer).await;
    assert_eq!(
        (decided(&run), run.run.dropped_events),
        (vec!["exa".to_owned(), "reddit".to_owned()], Some(2))
    );
    tracer.close().await;
}

#[tokio::test]
async fn a_run_whose_start_is_refused_does_not_disturb_the_pipeline() {
    let place = Place::new(None);
    let tracer = Tracer::open(place.config());
    let trace = tracer.begin(Start::new("", "why?"));
    assert!(matches!(trace.record(choice("exa")).await, Acknowledgement::Dropped(Dropped::Closed(_))));
    let conclusion = trace.finish().await;
    assert!(conclusion.problem.unwrap().contains("its start was refused: project: is missing"));
    tracer.close().await;
}

#[tokio::test]
async fn an_id_that_another_run_has_is_told_and_the_other_run_stays_as_it_is() {
    let place = Place::new(None);
    let tracer = Tracer::open(place.config());
    let first = tracer.begin(start().trace_id("r1"));
    first.finish().await;
    let second = tracer.begin(Start::new("p", "something else").trace_id("r1"));
    assert!(second.record(choice("exa")).await.is_missing());
    assert!(second.finish().await.problem.unwrap().contains("began with other content"));
    assert_eq!(decided(&last(&tracer).await), [""; 0]);
    tracer.close().await;
}

#[tokio::test]
async fn the_same_id_with_other_content_is_a_conflict_and_with_the_same_one_harmless() {
    let place = Place::new(None);
    let tracer = Tracer::open(place.config());
    let trace = tracer.begin(start());
    let moment = "2026-02-13T14:30:22Z".parse().unwrap();
    assert!(trace.record(choice("exa").id("d1").at(moment)).await.is_saved());
    let again = trace.record(choice("exa").id("d1").at(moment)).await;
    assert!(matches!(again, Acknowledgement::Saved { duplicate: true, .. }), "{again:?}");
    let Acknowledgement::Rejected(why) = trace.record(choice("google").id("d1").at(moment)).await else {
        panic!("it is a conflict")
    };
    assert!(matches!(*why, Error::Conflict { .. }));
    tracer.close().await;
}

#[tokio::test]
async fn what_does_not_fit_the_queue_is_dropped_counted_and_written_into_the_document() {
    let place = Place::new(None);
    let options = TracerOptions::default().queue_bytes(64 * 1024);
    let tracer = Tracer::open_with(place.config(), options);
    let trace = tracer.begin(start());
    // On one thread with the recorder kept from answering: nothing is awaited here.
    let large = "x".repeat(10 * 1024);
    let begun = Instant::now();
    let receipts: Vec<_> = (0..2_000)
        .map(|_| trace.record_prompt("s", Prompt { response: Some(large.clone()), ..Prompt::default() }))
        .collect();
    assert!(begun.elapsed() < Duration::from_secs(2), "recording does not wait: {:?}", begun.elapsed());
    let (mut saved, mut dropped) = (0, 0);
    for receipt in receipts {
        match receipt.await {
            Acknowledgement::Saved { .. } => saved += 1,
            Acknowledgement::Dropped(Dropped::QueueFull) => dropped += 1,
            other => panic!("{other:?}"),
        }
    }
    assert!(saved > 0 && dropped > 0, "{saved} saved, {dropped} dropped");
    let conclusion = trace.finish().await;
    assert_eq!(conclusion.dropped_events, dropped);
    let run = last(&tracer).await;
    assert_eq!(run.run.dropped_events, Some(dropped));
    assert_eq!(run.stages["s"].prompts.len() as u64, saved);
    assert!(whytrace::scorecard::verbose(&run).contains(&format!("Dropped:   {dropped} events")));
    tracer.close().await;
}

#[tokio::test]
async fn an_event_larger_than_the_queue_goes_alone() {
    let place = Place::new(None);
    let tracer = Tracer::open_with(place.config(), TracerOptions::default().queue_bytes(4 * 1024));
    let trace = tracer.begin(start());
    let prompt = Prompt { response: Some("x".repeat(100 * 1024)), ..Prompt::default() };
    assert!(trace.record_prompt("s", prompt).await.is_saved());
    tracer.close().await;
}

#[tokio::test]
async fn what_is_recorded_after_the_tracer_is_closed_is_told_to_be_lost_at_once() {
    let place = Place::new(None);
    let tracer = Tracer::open(place.config());
    let trace = tracer.begin(start());
    assert!(trace.record(choice("exa")).await.is_saved());
    tracer.close().await;
    assert!(trace.record(choice("google")).await.is_missing());
    assert!(trace.finish().await.problem.is_some());
    assert!(tracer.query().flags().await.is_err());
    tracer.close().await;
}

#[tokio::test]
async fn everything_a_run_may_hold_arrives() {
    let place = Place::new(None);
    let tracer = Tracer::open(place.config());
    let trace = tracer.begin(
        start()
            .domain("d")
            .agent("a")
            .model("m")
            .report_type("market")
            .research_type("deep")
            .tag("t")
            .metadata("k", 1),
    );
    let found = trace
        .stage("s", async {
            let receipt = trace.record(
                choice("exa").because_not("linkedin", "login").input("n", 3).evidence(["e1"]).actor("me"),
            );
            trace.record_result(receipt.id(), "28 documents");
            let failed = trace.record(choice("google"));
            trace.record_error(failed.id(), "no key");
            trace.record_evidence("s", Evidence { collected_count: Some(28), ..Evidence::default() });
            28
        })
        .await;
    trace.fail_stage("t", "gone");
    trace.mark_complete(
        Finish::default()
            .score(8.0)
            .scale_max(10.0)
            .threshold(7.0)
            .tokens(5, 6)
            .model("m")
            .report("r.md")
            .output("o.csv"),
    );
    let run = trace.finish().await.trace.unwrap();
    assert_eq!((found, run.run.dropped_events), (28, None));
    let stage = &run.stages["s"];
    assert_eq!(stage.entries.len() + usize::from(stage.started_at.is_some()), 1, "{stage:?}");
    assert_eq!(stage.evidence.as_ref().unwrap().collected_count, Some(28));
    assert_eq!(stage.decisions[0].result.as_ref().unwrap(), "28 documents");
    assert_eq!(stage.decisions[0].alternatives_considered.len(), 2);
    assert_eq!(stage.decisions[1].error.as_deref(), Some("no key"));
    assert_eq!(run.stages["t"].error.as_deref(), Some("gone"));
    assert_eq!((run.quality.passed, run.cost.input_tokens), (Some(true), Some(5)));
    assert_eq!(run.outputs.report_path.as_deref(), Some("r.md"));
    assert_eq!(run.run.agent.name.as_deref(), Some("a"));
    tracer.close().await;
}

#[tokio::test]
async fn beginning_again_under_an_own_id_goes_on_in_the_same_run() {
    let place = Place::new(None);
    let tracer = Tracer::open(place.config());
    let first = tracer.begin(start().trace_id("r1"));
    assert!(first.record(choice("before the crash")).await.is_saved());
    tracer.close().await;

    let tracer = Tracer::open(place.config());
    let again = tracer.begin(start().trace_id("r1"));
    assert!(again.record(choice("after it")).await.is_saved());
    assert_eq!(again.finish().await.problem, None);
    assert_eq!(decided(&last(&tracer).await), ["before the crash", "after it"]);
    tracer.close().await;
}

#[tokio::test]
async fn a_project_that_is_off_is_off_however_its_name_is_spelt() {
    let off = Some(vec!["caf\u{e9}".to_owned()]);
    let place = Place::new(None).set(|settings| settings.disabled_projects = off);
    let tracer = Tracer::open(place.config());
    assert!(!tracer.begin(Start::new("cafe\u{301}", "why?")).is_enabled());
    assert!(tracer.begin(Start::new("cafe", "why?")).is_enabled());
    tracer.close().await;
}

#[tokio::test]
async fn of_two_contents_under_one_id_only_the_first_is_acknowledged_also_while_the_database_is_away() {
    for is_away in [false, true] {
        let place = Place::new(None);
        if is_away {
            place.block("whytrace.db");
        }
        let tracer = Tracer::open(place.config());
        let trace = tracer.begin(start());
        let (first, second) = (trace.record(choice("exa").id("d1")), trace.record(choice("google").id("d1")));
        assert!(first.await.is_saved());
        let second = second.await;
        assert!(matches!(second, Acknowledgement::Rejected(_)), "{is_away}: {second:?}");
        tracer.close().await;
    }
}

#[tokio::test]
async fn a_large_event_waits_for_room_as_a_small_one_does() {
    let place = Place::new(None);
    let options = TracerOptions::default().queue_bytes(64 * 1024);
    let tracer = Tracer::open_with(place.config(), options);
    let trace = tracer.begin(start());
    let large = || Prompt { response: Some("x".repeat(40 * 1024)), ..Prompt::default() };
    // The stores are open, and take the first well within the time that the second waits.
    assert!(trace.record(choice("exa")).await.is_saved());
    let (first, second) = (trace.record_prompt("s", large()), trace.record_prompt("s", large()));
    assert!(first.await.is_saved());
    let second = second.await;
    assert!(second.is_saved(), "{second:?}");
    tracer.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_ends_while_others_go_on_recording_in_it_more_than_fits() {
    let place = Place::new(None);
    let options = TracerOptions::default().queue_bytes(64 * 1024);
    let tracer = Tracer::open_with(place.config(), options);
    let trace = tracer.begin(start());
    assert!(trace.record(choice("exa")).await.is_saved());
    let (others, stop) = (trace.clone(), std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false)));
    let stopped = std::sync::Arc::clone(&stop);
    let others = std::thread::spawn(move || {
        while !stopped.load(std::sync::atomic::Ordering::Relaxed) {
            let large = Prompt { response: Some("x".repeat(3 * 1024)), ..Prompt::default() };
            others.record_prompt("s", large);
            std::thread::yield_now();
        }
    });
    let conclusion = trace.finish().await;
    stop.store(true, std::sync::atomic::Ordering::Relaxed);
    others.join().unwrap();
    assert_eq!(conclusion.problem, None);
    tracer.close().await;
}

#[tokio::test]
async fn what_is_lost_behind_a_closed_tracer_is_counted() {
    let place = Place::new(None);
    let tracer = Tracer::open(place.config());
    let trace = tracer.begin(start());
    tracer.close().await;
    for step in 0..3 {
        trace.record(choice(step));
    }
    assert_eq!(trace.finish().await.dropped_events, 3);
}

#[tokio::test]
async fn a_queue_of_no_bytes_is_a_queue_all_the_same() {
    let place = Place::new(None);
    let options = TracerOptions::default().queue_bytes(0);
    let tracer = Tracer::open_with(place.config(), options);
    let trace = tracer.begin(start());
    assert!(trace.record(choice("exa")).await.is_saved());
    let receipts: Vec<_> = (0..1_000).map(|step| trace.record(choice(step))).collect();
    let mut dropped = 0;
    for receipt in receipts {
        dropped += u64::from(receipt.await.is_missing());
    }
    assert!(dropped > 0);
    assert!(trace.record(choice("google")).await.is_saved());
    tracer.close().await;
}

#[tokio::test]
async fn runs_that_begin_while_the_queue_is_full_are_told_and_leave_the_others_alone() {
    let place = Place::new(None);
    std::fs::create_dir_all(place.path("")).unwrap();
    let lock = std::fs::File::create(place.path("installation.lock")).unwrap();
    // Nothing leaves the queue before the home opens.
    lock.lock().unwrap();
    let options = TracerOptions::default().queue_bytes(64 * 1024);
    let tracer = Tracer::open_with(place.config(), options);
    let large = || start().metadata("notes", "x".repeat(10 * 1024));
    let runs: Vec<_> = (0..50).map(|_| tracer.begin(large())).collect();
    let turned_away = runs.last().unwrap();
    let receipt = turned_away.record(choice("exa")).await;
    assert!(matches!(receipt, Acknowledgement::Dropped(Dropped::QueueFull)), "{receipt:?}");
    let conclusion = turned_away.finish().await;
    assert_eq!(conclusion.dropped_events, 2);
    assert!(conclusion.problem.unwrap().contains("queue is full"));
    lock.unlock().unwrap();
    assert_eq!(runs[0].finish().await.problem, None);
    tracer.close().await;
}
