//! Events in: each once, whatever way they come, and one row a run in step with them.

use whytrace::model::{EventBody, Iteration, IterationEvent, OutputsEvent, ReviewEvent};

use super::*;
use crate::support::run::{content, scored};

/// A run in which every kind of row occurs.
fn eventful(id: &str) -> Run {
    Run::started(id)
        .enter("e1", "collection")
        .decide("d1")
        .decide_with("d2", |decision| {
            decision.alternatives_considered =
                ["google (0.60)", "bing"].map(whytrace::model::Alternative::parse).to_vec();
            decision.confidence = None;
        })
        .collect("c1", "collection", 28, 18)
        .collect("c2", "collection", 2, 1)
        .leave("l1", "collection")
        .prompt("p1", 450, 0.25)
        .event(
            "i1",
            EventBody::Iteration(IterationEvent {
                iteration: Iteration { passed: Some(false), cost_usd: Some(1.0), ..Iteration::default() },
            }),
        )
        .prompt("p2", 50, 0.5)
        .event(
            "o1",
            EventBody::Outputs(OutputsEvent {
                report_path: Some("report.md".to_owned()),
                output_paths: vec!["a.csv".to_owned()],
                ..OutputsEvent::default()
            }),
        )
        .event(
            "v1",
            EventBody::Review(ReviewEvent {
                flagged_for_review: Some(true),
                notes: Some("look again".to_owned()),
            }),
        )
        .finish(scored(1.5, &[("META-12", 1.0), ("META-1", 3.0), ("META-2", 2.0)]))
}

both! {
    async fn a_run_recorded_event_by_event_has_the_rows_of_one_recorded_at_once(store) {
        let (piecewise, at_once) = (store.index(), Store::sqlite());
        let run = eventful("t");
        for event in run.events() {
            assert_eq!(record(&piecewise, run.batch_of(vec![Arc::clone(event)])).await, [Standing::New]);
        }
        record(&at_once.index(), run.batch()).await;
        assert_same(&projection(store).await, &projection(&at_once).await, "piecewise and at once");
    }

    async fn the_row_of_an_open_run_says_what_all_its_events_say_after_each_of_them(store) {
        let piecewise = store.index();
        let (at_once, run) = (Store::sqlite(), eventful("t"));
        let index = at_once.index();
        for upto in 1..run.events().len() {
            record(&piecewise, run.batch_of(vec![Arc::clone(&run.events()[upto - 1])])).await;
            record(&index, run.batch_of(run.events()[..upto].to_vec())).await;
            let last = &run.events()[upto - 1].event_id;
            assert_same(&projection(store).await, &projection(&at_once).await, &format!("after {last}"));
            at_once.clear().await;
        }
    }

    async fn a_finished_run_is_handed_out_whole(store) {
        let run = eventful("t");
        let trace = finished(outcome(&store.index(), run.batch()).await);
        assert_eq!(content(&trace), content(&run.told()));
        assert!(run.event_ids().iter().all(|id| trace.metadata.events.contains_key(id)));
    }

    async fn an_open_run_is_not_handed_out(store) {
        let answer = outcome(&store.index(), Run::started("t").decide("d").batch()).await;
        assert!(matches!(answer, TraceOutcome::Recorded { finished: None, .. }), "{answer:?}");
    }

    async fn repeating_an_event_is_a_duplicate_and_changes_nothing(store) {
        let index = store.index();
        let run = eventful("t");
        record(&index, run.batch()).await;
        let before = projection(store).await;
        assert!(record(&index, run.batch()).await.iter().all(|standing| *standing == Standing::Duplicate));
        assert_same(&projection(store).await, &before, "afterwards and before");
        assert_eq!(count(store, "conflicts").await, 0);
    }

    async fn an_event_twice_in_one_batch_is_new_and_then_a_duplicate(store) {
        let run = Run::started("t").decide("d");
        let twice = [run.events(), &run.events()[1..]].concat();
        let expected = [Standing::New, Standing::New, Standing::Duplicate];
        assert_eq!(record(&store.index(), run.batch_of(twice)).await, expected);
        assert_eq!(store.value("select event_count from traces").await, 2);
    }

    async fn an_event_with_the_name_of_another_is_kept_aside_and_the_first_stays(store) {
        let index = store.index();
        let run = Run::started("t").decide("d");
        record(&index, run.batch()).await;
        let other = Run::started("t").decide_with("d", |decision| decision.what = "reddit".to_owned());
        assert_eq!(record_last(&index, &other).await, Standing::Conflict);
        assert_eq!(record_last(&index, &other).await, Standing::Conflict);
        assert_eq!(index.events(run.id()).await.unwrap().last(), Some(run.last().event()));
        let kept = index.conflicts(10).await.unwrap();
        assert_eq!(kept, [("t".to_owned(), "d".to_owned(), other.last().recorded_at)]);
        assert_eq!(store.value("select body from conflicts").await, other.last().json());
    }

    async fn two_events_of_one_name_in_one_batch_conflict(store) {
        let run = Run::started("t").decide("d").decide_with("d", |decision| decision.why = "x".to_owned());
        let expected = [Standing::New, Standing::New, Standing::Conflict];
        assert_eq!(record(&store.index(), run.batch()).await, expected);
    }

    async fn events_before_the_start_wait_and_count_when_it_comes(store) {
        let index = store.index();
        let run = eventful("t");
        let (start, rest) = run.events().split_first().unwrap();
        assert!(record(&index, run.batch_of(rest.to_vec())).await.iter().all(|s| *s == Standing::New));
        assert_eq!((status(&index, run.id()).await, count(store, "traces").await), (None, 0));
        assert_eq!(index.unstarted(10).await.unwrap(), [("t".to_owned(), rest.len() as u64)]);
        let answer = outcome(&index, run.batch_of(vec![Arc::clone(start)])).await;
        assert_eq!(content(&finished(answer)), content(&run.told()));
        assert_eq!(store.value("select event_count from traces").await, run.events().len() as u64);
        let at_once = Store::sqlite();
        record(&at_once.index(), run.batch()).await;
        assert_same(&projection(store).await, &projection(&at_once).await, "piecewise and at once");
    }

    async fn two_batches_of_one_run_in_one_call_are_taken_one_after_the_other(store) {
        let index = store.index();
        let (run, other) = (eventful("t"), Run::started("a").complete());
        let (first, second) = run.events().split_at(3);
        let batches = vec![
            run.batch_of(first.to_vec()),
            other.batch(),
            run.batch_of(second.to_vec()),
            run.batch_of(first.to_vec()),
        ];
        let outcomes = index.record(batches, true).await.unwrap();
        let [a, b, c, d] = <[TraceOutcome; 4]>::try_from(outcomes).unwrap();
        assert_eq!(standings(a), [Standing::New; 3]);
        assert_eq!(content(&finished(b)), content(&other.told()));
        assert_eq!(content(&finished(c)), content(&run.told()));
        assert_eq!(standings(d), [Standing::Duplicate; 3]);
        let at_once = Store::sqlite();
        record_all(&at_once.index(), [&run, &other]).await;
        assert_same(&projection(store).await, &projection(&at_once).await, "piecewise and at once");
    }

    async fn a_thousand_events_go_in_at_once(store) {
        let index = store.index();
        let mut run = Run::started("t");
        for n in 0..2_500 {
            run = run.decide(&format!("d{n}"));
        }
        let run = run.complete();
        record(&index, run.batch()).await;
        assert_eq!(count(store, "decisions").await, 2_500);
        assert!(record(&index, run.batch()).await.iter().all(|standing| *standing == Standing::Duplicate));
    }

    async fn events_are_read_back_as_they_were_and_counted_with_their_bytes(store) {
        let index = store.index();
        let run = eventful("t");
        record(&index, run.batch()).await;
        let events: Vec<_> = run.events().iter().map(|event| event.event().clone()).collect();
        assert!(index.events(run.id()).await.unwrap().starts_with(&events));
        let seen = index.sighting("t", &Scope::All).await.unwrap().unwrap();
        let bytes: usize = run.events().iter().map(|event| event.json().len()).sum();
        assert_eq!((seen.event_count, seen.event_bytes), (events.len() as u64, bytes as u64));
    }

    async fn a_run_is_heard_of_as_late_as_by_the_events_that_waited_for_it(store) {
        let index = store.index();
        let run = Run::started("t").decide("d");
        record_last(&index, &run).await;
        record(&index, run.batch_of(run.events()[..1].to_vec())).await;
        let seen = index.sighting("t", &Scope::All).await.unwrap().unwrap();
        assert_eq!(seen.last_event_at, run.last().recorded_at);
    }

    async fn processes_that_record_different_events_of_new_runs_lose_none_of_them(store) {
        let runs: Vec<Run> = (0..4).map(|n| eventful(&format!("t{n}"))).collect();
        let indexes = [store.index(), store.index(), store.index(), store.index()];
        for index in &indexes {
            index.probe().await.unwrap();
        }
        for run in &runs {
            let tasks = run.events().iter().zip(indexes.iter().cycle()).map(|(event, index)| {
                record(index, run.batch_of(vec![Arc::clone(event)]))
            });
            for standings in futures::future::join_all(tasks).await {
                assert_eq!(standings, [Standing::New]);
            }
        }
        let at_once = Store::sqlite();
        record_all(&at_once.index(), &runs).await;
        assert_same(&projection(store).await, &projection(&at_once).await, "piecewise and at once");
        assert_eq!(store.value("select min(event_count) from traces").await, runs[0].events().len() as u64);
    }

    async fn processes_that_record_the_same_run_at_once_record_it_once(store) {
        let run = eventful("t");
        let tasks = (0..8).map(|_| {
            let (index, batch) = (store.index(), run.batch());
            async move { record(&index, batch).await }
        });
        let all = futures::future::join_all(tasks).await;
        let new = all.iter().flatten().filter(|standing| **standing == Standing::New).count();
        assert_eq!(new, run.events().len());
        assert!(all.iter().flatten().all(|s| matches!(s, Standing::New | Standing::Duplicate)), "{all:?}");
        assert_eq!(store.value("select event_count from traces").await, new as u64);
    }
}
