//! What follows the end of a run: its document, late events, silence, import and deletion.

use chrono::TimeDelta;
use whytrace::model::{EventBody, OutcomeEvent, ReviewEvent, document};

use whytrace::store::index::Filter;

use super::*;
use crate::support::run::{content, noon, scored, with_paths, written};

fn review(run: Run, notes: &str) -> Run {
    let event = ReviewEvent { flagged_for_review: Some(true), notes: Some(notes.to_owned()) };
    run.event(&format!("review {notes}"), EventBody::Review(event))
}

/// Records a run and saves its document, as the index answers it.
async fn settled(index: &Index, run: &Run) -> Trace {
    let document = written(&finished(outcome(index, run.batch()).await), 1);
    save_document(index, &document).await;
    document
}

/// A finished run with rows in every table.
fn whole(id: &str) -> Run {
    let run = Run::started(id)
        .enter("e", "collection")
        .decide_with("d", |decision| {
            decision.alternatives_considered =
                ["google (0.60)", "bing"].map(whytrace::model::Alternative::parse).to_vec();
        })
        .collect("c", "collection", 28, 18)
        .prompt("q", 450, 0.25);
    let outcome = OutcomeEvent { decision_id: "d".parse().unwrap(), correct: Some(true), note: None };
    run.event("o", EventBody::Outcome(outcome)).finish(scored(1.5, &[("META-12", 1.0), ("META-1", 3.0)]))
}

both! {
    async fn the_rows_of_a_recorded_run_equal_those_of_its_imported_document(store) {
        let (index, other) = (store.index(), Store::sqlite());
        let document = settled(&index, &whole("t")).await;
        let text = serde_json::to_string(&document).unwrap();
        let read = document::read(&text, index.rules()).unwrap().trace;
        assert_eq!(other.index().import(with_paths(vec![read])).await.unwrap(), 1);
        assert_same(&projection(store).await, &projection(&other).await, "recorded and imported");
    }

    async fn importing_what_is_there_changes_nothing(store) {
        let index = store.index();
        let document = settled(&index, &whole("t")).await;
        let before = projection(store).await;
        index.import(with_paths(vec![document.clone()])).await.unwrap();
        index.import(with_paths(vec![document])).await.unwrap();
        assert_same(&projection(store).await, &before, "after and before");
        assert_eq!(store.value("select document_revision from traces").await, 1);
    }

    async fn importing_keeps_what_events_say_that_the_document_lacks(store) {
        let index = store.index();
        let run = whole("t");
        let document = settled(&index, &run).await;
        let late = run.at(noon().plus(TimeDelta::hours(1))).decide("late");
        outcome(&index, late.last_with(document.clone())).await;
        let before = projection(store).await;
        index.import(with_paths(vec![document])).await.unwrap();
        assert_same(&projection(store).await, &before, "after and before");
    }

    async fn importing_an_older_document_does_not_undo_a_newer_one(store) {
        let index = store.index();
        let run = whole("t");
        let first = settled(&index, &run).await;
        let late = run.decide("late");
        let second = written(&finished(outcome(&index, late.last_with(first.clone())).await), 2);
        save_document(&index, &second).await;
        let before = projection(store).await;
        assert_eq!(index.import(with_paths(vec![first])).await.unwrap(), 0);
        assert_same(&projection(store).await, &before, "after and before");
    }

    async fn events_that_waited_for_a_run_count_when_it_is_imported(store) {
        let index = store.index();
        let run = whole("t");
        record_last(&index, &run.clone().decide("late")).await;
        index.import(with_paths(vec![run.document(1)])).await.unwrap();
        assert_eq!(store.value("select decision_count from traces").await, 2);
        assert_eq!(index.undocumented(10).await.unwrap().len(), 1);
    }

    async fn a_document_that_names_a_decision_twice_is_imported(store) {
        let index = store.index();
        let mut document = whole("t").document(1);
        let again = document.stages["collection"].decisions[0].clone();
        document.stages["collection"].decisions.push(again);
        assert_eq!(index.import(with_paths(vec![document])).await.unwrap(), 1);
        assert_eq!(count(store, "decisions").await, 1);
    }

    async fn a_saved_document_lets_go_of_the_events_it_holds_and_of_no_others(store) {
        let index = store.index();
        let run = whole("t");
        let document = written(&finished(outcome(&index, run.batch()).await), 1);
        let late = run.decide("late");
        record(&index, late.batch_of(vec![Arc::clone(late.last())])).await;
        save_document(&index, &document).await;
        assert_eq!(index.events(late.id()).await.unwrap(), [late.last().event().clone()]);
        let seen = index.sighting("t", &Scope::All).await.unwrap().unwrap();
        assert_eq!(seen.document_revision, 1);
        assert_eq!(store.value("select trace_file_path from traces").await, "t.json");
        let waiting = index.undocumented(10).await.unwrap();
        assert_eq!(waiting.iter().map(|seen| seen.trace_id.as_str()).collect::<Vec<_>>(), ["t"]);
    }

    async fn an_older_document_that_is_told_of_late_does_not_take_the_place_of_a_newer_one(store) {
        let index = store.index();
        let run = whole("t");
        let trace = finished(outcome(&index, run.batch()).await);
        save_document(&index, &written(&trace, 2)).await;
        save_document(&index, &written(&trace, 1)).await;
        assert_eq!(store.value("select document_revision from traces").await, 2);
    }

    async fn a_run_with_a_document_needs_it_for_what_comes_late(store) {
        let index = store.index();
        let run = whole("t");
        let document = settled(&index, &run).await;
        let late = run.decide("late");
        let without = late.batch_of(vec![Arc::clone(late.last())]);
        let answer = outcome(&index, without).await;
        assert!(matches!(answer, TraceOutcome::NeedsDocument { revision: 1 }), "{answer:?}");
        assert!(index.events(late.id()).await.unwrap().is_empty());

        let trace = finished(outcome(&index, late.last_with(document)).await);
        assert_eq!(content(&trace), content(&late.told()));
        assert!(trace.decisions().any(|(_, decision)| decision.late));
        let at_once = Store::sqlite();
        record(&at_once.index(), late.batch()).await;
        assert_same(&projection(store).await, &projection(&at_once).await, "late and at once");
    }

    async fn what_a_document_holds_is_recognised_as_a_duplicate_or_a_conflict(store) {
        let index = store.index();
        let run = whole("t");
        let document = settled(&index, &run).await;
        let again = Batch { document: Some(Box::new(document.clone())), ..run.batch() };
        assert!(record(&index, again).await.iter().all(|standing| *standing == Standing::Duplicate));
        let other = Run::started("t").decide_with("d", |decision| decision.what = "reddit".to_owned());
        assert_eq!(record(&index, other.last_with(document)).await, [Standing::Conflict]);
        assert!(index.events(run.id()).await.unwrap().is_empty());
        assert_eq!(count(store, "conflicts").await, 1);
    }

    async fn an_index_that_lost_a_run_takes_it_from_the_document_at_hand(store) {
        let index = store.index();
        let run = whole("t");
        let late = run.clone().decide("late");
        let trace = finished(outcome(&index, late.last_with(run.document(3))).await);
        assert_eq!(content(&trace), content(&late.told()));
        let next = late.decide("later");
        let without = next.batch_of(vec![Arc::clone(next.last())]);
        let answer = outcome(&index, without).await;
        assert!(matches!(answer, TraceOutcome::NeedsDocument { revision: 3 }), "{answer:?}");
    }

    async fn a_second_finish_with_the_same_content_is_a_duplicate_and_with_other_content_a_conflict(store) {
        let index = store.index();
        record(&index, whole("t").batch()).await;
        let before = projection(store).await;
        let again = Run::started("t").finish(scored(1.5, &[("META-12", 1.0), ("META-1", 3.0)]));
        assert_eq!(record_last(&index, &again).await, Standing::Duplicate);
        let other = Run::started("t").finish(scored(3.0, &[]));
        assert_eq!(record_last(&index, &other).await, Standing::Conflict);
        assert_same(&projection(store).await, &before, "after and before");
    }

    async fn a_silent_run_is_closed_once_at_the_time_of_its_last_event(store) {
        let index = store.index();
        let run = Run::started("t").decide("d");
        record(&index, run.batch()).await;
        let last = run.last().recorded_at;
        let tomorrow = last.plus(TimeDelta::hours(25));
        let closed = run.at(tomorrow).abandon("a1", last);
        assert_eq!(record_last(&index, &closed).await, Standing::New);
        assert_eq!(status(&index, closed.id()).await.as_deref(), Some("incomplete"));
        let ended = store.value("select completed_at from traces").await;
        assert_eq!(ended, serde_json::json!(last));
        assert_eq!(record_last(&index, &closed).await, Standing::Moot);
        let again = closed.abandon("a2", last);
        assert_eq!(record_last(&index, &again).await, Standing::Moot);
        assert_eq!(store.value("select last_event_at from traces").await, serde_json::json!(last));
        assert_eq!(count(store, "events").await, 3);
        assert_eq!(count(store, "conflicts").await, 0);
    }

    async fn a_run_that_was_heard_of_since_is_not_closed(store) {
        let index = store.index();
        let run = Run::started("t").decide("d");
        record(&index, run.batch()).await;
        let stale = run.events()[0].recorded_at;
        assert_eq!(record_last(&index, &run.clone().abandon("a", stale)).await, Standing::Moot);
        assert_eq!(status(&index, run.id()).await.as_deref(), Some("in_progress"));
        let unknown = Run::new("unknown").abandon("a", stale);
        assert_eq!(record_last(&index, &unknown).await, Standing::Moot);
        assert_eq!(count(store, "events").await, 2);
    }

    async fn looking_at_a_run_does_not_keep_it_alive(store) {
        let index = store.index();
        let run = Run::started("t").decide("d");
        record(&index, run.batch()).await;
        let heard = run.last().recorded_at;
        let looked = review(run.at(heard.plus(TimeDelta::hours(20))), "look");
        record_last(&index, &looked).await;
        assert_eq!(store.value("select flagged_for_review from traces").await, true);
        let silent = index.silent(heard.plus(TimeDelta::seconds(1)), 10).await.unwrap();
        assert_eq!(silent[0].last_event_at, heard);
        assert_eq!(record_last(&index, &looked.abandon("a", heard)).await, Standing::New);
    }

    async fn the_next_event_of_an_abandoned_run_opens_it_again(store) {
        let index = store.index();
        let run = whole("t");
        let run = run.events()[..4].iter().fold(Run::new("t"), |run, event| {
            run.at(event.recorded_at).event(event.event_id.as_str(), event.body.clone())
        });
        record(&index, run.batch()).await;
        let last = run.last().recorded_at;
        let closed = run.at(last.plus(TimeDelta::hours(25))).abandon("a", last);
        let document = written(&finished(outcome(&index, closed.batch()).await), 1);
        save_document(&index, &document).await;
        assert_eq!(count(store, "decisions").await, 1);

        let opened = closed.decide("d2");
        let trace = finished(outcome(&index, opened.last_with(document.clone())).await);
        assert_eq!(content(&trace), content(&opened.told()));
        assert_eq!(status(&index, opened.id()).await.as_deref(), Some("in_progress"));
        let at_once = Store::sqlite();
        record(&at_once.index(), opened.batch()).await;
        assert_same(&projection(store).await, &projection(&at_once).await, "opened again and at once");

        let ended = opened.complete();
        let trace = finished(outcome(&index, ended.last_with(document)).await);
        assert_eq!(content(&trace), content(&ended.told()));
    }

    async fn a_run_that_no_longer_meets_the_condition_is_not_deleted_by_it(store) {
        let index = store.index();
        let (old, kept, open) = (whole("old"), whole("kept"), Run::started("open"));
        settled(&index, &old).await;
        settled(&index, &kept).await;
        record(&index, open.batch()).await;
        let unflagged = Filter { flagged: Some(false), ..Filter::default() };
        let looked_for = index.expired(&unflagged, None, 10).await.unwrap();
        assert_eq!(looked_for.len(), 2, "open runs are not among them");
        store.run(&format!("update traces set flagged_for_review = {} where trace_id = 'kept'",
            if store.is_postgres() { "true" } else { "1" })).await;

        let ids = [old.id().clone(), kept.id().clone(), open.id().clone()];
        let gone = index.delete_expired(&ids, &unflagged, noon()).await.unwrap();
        assert_eq!(gone, [old.id().clone()]);
        assert!(index.is_deleted(old.id()).await.unwrap());
        assert!(!index.is_deleted(kept.id()).await.unwrap());
        assert_eq!(status(&index, open.id()).await.as_deref(), Some("in_progress"));
    }

    async fn a_deleted_run_is_gone_and_stays_so(store) {
        let index = store.index();
        let (run, kept) = (whole("t"), whole("kept"));
        let document = settled(&index, &run).await;
        record(&index, kept.batch()).await;
        let other = Run::started("t").decide_with("d", |decision| decision.what = "reddit".to_owned());
        record(&index, other.last_with(document.clone())).await;

        index.delete(std::slice::from_ref(run.id()), noon()).await.unwrap();
        index.delete(std::slice::from_ref(run.id()), noon().plus(TimeDelta::hours(1))).await.unwrap();
        assert!(index.is_deleted(run.id()).await.unwrap());
        assert!(!index.is_deleted(kept.id()).await.unwrap());
        assert!(index.compact().await.unwrap(), "whichever way the database is reached");
        assert_eq!(record(&index, run.batch()).await, vec![Standing::Deleted; run.events().len()]);
        let with_document = Batch { document: Some(Box::new(document.clone())), ..run.batch() };
        assert_eq!(record(&index, with_document).await, vec![Standing::Deleted; run.events().len()]);
        assert_eq!(index.import(with_paths(vec![document.clone(), kept.document(1)])).await.unwrap(), 1);
        save_document(&index, &document).await;

        for table in TABLES.into_iter().filter(|table| *table != "tombstones") {
            let rows = store.rows(&format!("select * from {table} where trace_id = 't'")).await;
            assert!(rows.is_empty(), "{table}: {rows:?}");
        }
        let tombstones = store.rows("select * from tombstones").await;
        assert_eq!(tombstones.len(), 1);
        assert_eq!(tombstones[0]["deleted_at"], serde_json::json!(noon()));
    }

    async fn a_deleted_run_is_found_by_no_word(store) {
        let index = store.index();
        let run = whole("t");
        record(&index, run.batch()).await;
        index.delete(std::slice::from_ref(run.id()), noon()).await.unwrap();
        // SQLite gives the next run the row number of the last one.
        record(&index, Run::started("other").batch()).await;
        let filter = searching::text("cobots");
        let page = index.list(&filter, Default::default(), 10, None).await.unwrap();
        assert_eq!(page.lines.iter().map(|line| line.trace_id.as_str()).collect::<Vec<_>>(), ["other"]);
    }
}
