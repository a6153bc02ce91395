//! Runs that fall silent, by a clock that a test moves.

use chrono::TimeDelta;
use serde_json::{Value, json};
use whytrace::gate::request::ReviewRequest;
use whytrace::maintenance::reindex;
use whytrace::model::{Status, Timestamp, Trace};
use whytrace::statistics::StatusCounts;
use whytrace::store::index::{Filter, Scope};

use super::on_both;
use super::recording::{Recording, documents, without_its_database};
use crate::support::eventually::eventually;
use crate::support::pipeline::record;
use crate::support::run::Run;
use crate::support::store::Store;

fn begin(id: &str) -> Value {
    json!({"trace_id": id, "events": [{"kind": "start", "project": "p", "query": "why?"}]})
}

fn decision(id: &str, decision_id: &str) -> Value {
    json!({"trace_id": id, "events": [{"kind": "decision", "decision_id": decision_id, "stage": "s",
        "decision": "k", "what": "exa", "why": "because", "confidence": 0.5}]})
}

impl Recording {
    /// Records a batch and gives the time of the run's last event so far.
    async fn heard(&self, process: usize, request: Value) -> Timestamp {
        record(&self.processes[process], request.clone()).await.unwrap();
        self.settle().await;
        let trace = self.read(request["trace_id"].as_str().unwrap()).await;
        let times = trace.decisions().map(|(_, decision)| decision.timestamp);
        times.chain([trace.run.started_at]).max().unwrap()
    }

    async fn counts(&self) -> StatusCounts {
        let aggregate = self.processes[1].query.aggregate(&Filter::default(), None).await.unwrap();
        aggregate.summary.by_status
    }

    async fn read(&self, id: &str) -> Trace {
        self.processes[1].query.trace(id, &Scope::All).await.unwrap().trace
    }

    fn document(&self, id: &str) -> Option<Trace> {
        documents(&self.place.path("projects")).into_iter().find(|trace| trace.trace_id.as_str() == id)
    }

    /// Both processes look at once.
    async fn both_look_after(&self) {
        tokio::join!(self.look_after(0), self.look_after(1));
        self.settle().await;
    }
}

on_both! {
    async fn a_silent_run_is_closed_once_at_its_last_event_and_its_next_event_opens_it_again(place) {
        let recording = Recording::begin(place);
        recording.heard(0, begin("r")).await;
        recording.clock.advance(TimeDelta::hours(2));
        let last = recording.heard(1, decision("r", "d0")).await;

        recording.clock.set(last.plus(TimeDelta::hours(24) - TimeDelta::seconds(1)));
        recording.both_look_after().await;
        assert_eq!(recording.counts().await, StatusCounts { in_progress: 1, ..StatusCounts::default() });
        recording.clock.advance(TimeDelta::seconds(2));
        recording.both_look_after().await;
        assert_eq!(recording.counts().await, StatusCounts { incomplete: 1, ..StatusCounts::default() });
        let closed = recording.document("r").unwrap();
        assert_eq!((closed.run.status, closed.run.completed_at), (Status::Incomplete, Some(last)));
        assert_eq!(closed.run.error.as_deref(), Some("abandoned: nothing was recorded for 24 hours"));
        assert_eq!(closed.metadata.events.len(), 3, "a start, a decision, and one end");
        recording.both_look_after().await;
        assert_eq!(recording.document("r").unwrap(), closed, "nobody closes it again");

        recording.clock.advance(TimeDelta::hours(5));
        let again = recording.heard(0, decision("r", "d1")).await;
        assert_eq!(recording.counts().await, StatusCounts { in_progress: 1, ..StatusCounts::default() });
        eventually("the document follows", async || recording.document("r").unwrap().decisions().count() == 2).await;
        let opened = recording.document("r").unwrap();
        let run = (opened.run.status, opened.run.completed_at, opened.run.error.clone(), opened.run.duration_seconds);
        assert_eq!(run, (Status::InProgress, None, None, None));
        assert!(opened.decisions().all(|(_, decision)| !decision.late), "it was never over");

        recording.clock.set(again.plus(TimeDelta::hours(24) + TimeDelta::seconds(1)));
        recording.both_look_after().await;
        assert_eq!(recording.document("r").unwrap().run.completed_at, Some(again));
        recording.heard(1, json!({"trace_id": "r", "events": [{"kind": "finish", "score": 3}]})).await;
        assert_eq!(recording.counts().await, StatusCounts { complete: 1, ..StatusCounts::default() });
        assert_eq!(recording.read("r").await.quality.passed, Some(true));
        recording.close().await;
    }

    async fn somebody_who_looks_at_a_run_neither_keeps_it_open_nor_opens_it_again(place) {
        let recording = Recording::begin(place);
        let last = recording.heard(0, begin("r")).await;
        let mark = async |notes: &str| {
            let request = ReviewRequest {
                trace_id: Some("r".to_owned()),
                notes: Some(notes.to_owned()),
                ..ReviewRequest::default()
            };
            recording.processes[1].intake.review(request, &Scope::All).await.unwrap();
            recording.settle().await;
        };
        recording.clock.advance(TimeDelta::hours(23));
        mark("still at it?").await;
        recording.clock.advance(TimeDelta::hours(2));
        recording.both_look_after().await;
        mark("it was not").await;
        let closed = recording.read("r").await;
        assert_eq!((closed.run.status, closed.run.completed_at), (Status::Incomplete, Some(last)));
        assert_eq!(closed.calibration.review_notes.as_deref(), Some("it was not"));
        assert_eq!(recording.counts().await.incomplete, 1);
        recording.close().await;
    }

    async fn a_run_that_was_opened_again_outlives_its_database(place) {
        let recording = Recording::begin(place);
        recording.heard(0, begin("r")).await;
        recording.clock.advance(TimeDelta::hours(25));
        recording.both_look_after().await;
        let last = recording.heard(0, decision("r", "d0")).await;
        eventually("the document follows", async || recording.document("r").unwrap().decisions().count() == 1).await;

        recording.close().await;
        let (place, _spare) = without_its_database(recording.place);
        let recording = Recording::go_on(place, recording.clock);
        let stores = recording.processes[0].intake.recorder().stores();
        let places = stores.documents.places().await.unwrap();
        reindex(stores, &places, |_| {}).await.unwrap();
        recording.clock.advance(TimeDelta::hours(23));
        recording.both_look_after().await;
        assert_eq!(recording.counts().await.in_progress, 1, "it was heard of 23 hours ago");
        recording.clock.advance(TimeDelta::hours(2));
        recording.both_look_after().await;
        assert_eq!(recording.document("r").unwrap().run.completed_at, Some(last));
        recording.close().await;
    }
}

async fn what_was_recorded_before_a_run_was_closed_opens_it_when_it_comes_later(store: &Store) {
    let index = store.index();
    let run = Run::started("r");
    let last = run.last().recorded_at;
    index.record(vec![run.batch()], true).await.unwrap();
    // One process closes it, while another has the record of something that happened in between.
    let closed = run.clone().at(last.plus(TimeDelta::hours(25))).abandon("abandoned", last);
    index.record(vec![closed.batch_of(vec![closed.last().clone()])], true).await.unwrap();
    let between = closed.clone().at(last.plus(TimeDelta::hours(3))).decide("d0");
    index.record(vec![between.batch_of(vec![between.last().clone()])], true).await.unwrap();
    let seen = index.sighting("r", &Scope::All).await.unwrap().unwrap();
    assert_eq!((seen.status, seen.last_event_at), (Status::InProgress, between.last().recorded_at));
    assert_eq!(between.told().run.status, Status::InProgress, "whichever way its events are read");
}

#[tokio::test]
async fn what_was_recorded_before_a_run_was_closed_opens_it_when_it_comes_later_on_sqlite() {
    what_was_recorded_before_a_run_was_closed_opens_it_when_it_comes_later(&Store::sqlite()).await;
}

#[tokio::test]
async fn what_was_recorded_before_a_run_was_closed_opens_it_when_it_comes_later_on_postgres() {
    let Some(store) = Store::postgres() else { return };
    what_was_recorded_before_a_run_was_closed_opens_it_when_it_comes_later(&store).await;
}
