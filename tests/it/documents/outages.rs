//! A bucket that is cut, falls silent, or was never there: recording goes on, answers come in time, and what is missing
//! follows by itself.

use std::time::{Duration, Instant};

use serde_json::json;
use whytrace::error::Error;
use whytrace::recorder::{Finished, SaveState};
use whytrace::service::Service;
use whytrace::store::index::Scope;

use crate::support::bucket::Bucket;
use crate::support::eventually::eventually;
use crate::support::line::Line;
use crate::support::pipeline::{Place, decide, decisions, finish, indexed, record, start};

/// A place whose documents are in a bucket at the end of a line.
fn at_the_end_of_a_line() -> Option<(Place, Line, Bucket)> {
    let bucket = Bucket::fresh()?;
    let line = Line::to(bucket.server());
    Some((Place::new(None).in_bucket(&bucket.through(&line)), line, bucket))
}

/// Records a whole run: three calls, which are answered within six seconds together.
async fn run(service: &Service, id: &str) -> Finished {
    let begun = Instant::now();
    start(service, id).await.unwrap();
    decide(service, id, "d0", "exa").await.unwrap();
    let finished = finish(service, id).await.unwrap();
    assert!(begun.elapsed() < Duration::from_secs(6), "{:?}", begun.elapsed());
    finished
}

async fn written(bucket: &Bucket, place: &Place, id: &str) -> Option<usize> {
    let documents = bucket.documents(&place.path("."));
    let found = documents.read("p", &id.parse().unwrap()).await.unwrap();
    found.map(|found| found.trace.decisions().count())
}

async fn what_is_missing_follows(break_off: impl Fn(&Line)) {
    let Some((place, line, bucket)) = at_the_end_of_a_line() else { return };
    let service = place.service();
    service.intake.recorder().stores().documents.probe().await.unwrap();
    run(&service, "before").await;
    eventually("the first document is there", async || written(&bucket, &place, "before").await == Some(1))
        .await;

    break_off(&line);
    for number in 0..3 {
        let finished = run(&service, &format!("during-{number}")).await;
        assert_eq!(finished.ack.saved.unwrap().document, Some(SaveState::Pending));
        assert!(finished.document.is_none() && finished.trace.is_some());
        assert_eq!(
            decisions(&service, &format!("during-{number}")).await,
            ["exa"],
            "read without its document"
        );
    }
    eventually("the database has them", async || indexed(&service).await == 4).await;
    // One that is in the bucket alone cannot be read, and that is said in time.
    let begun = Instant::now();
    let error = service.query.trace("before", &Scope::All).await.unwrap_err();
    assert!(matches!(&error, Error::Unavailable { what: "the document store", .. }), "{error}");
    assert!(begun.elapsed() < Duration::from_secs(8), "{:?}", begun.elapsed());

    line.mend();
    for number in 0..3 {
        let id = format!("during-{number}");
        eventually("a missing document follows", async || written(&bucket, &place, &id).await == Some(1))
            .await;
    }
    assert_eq!(decisions(&service, "before").await, ["exa"]);
    service.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_bucket_is_cut_off_documents_are_pending_and_follow_by_themselves() {
    what_is_missing_follows(Line::cut).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_the_bucket_is_silent_documents_are_pending_and_follow_by_themselves() {
    what_is_missing_follows(Line::fall_silent).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_that_waits_for_a_document_out_of_reach_holds_up_no_other_run() {
    let Some((place, line, bucket)) = at_the_end_of_a_line() else { return };
    let service = place.service();
    run(&service, "ended").await;
    eventually("its document is there", async || written(&bucket, &place, "ended").await == Some(1)).await;
    // Another process, which has nothing of the run at hand.
    let other = place.service();
    line.cut();
    let late = json!({"trace_id": "ended", "events": [{"kind": "decision", "event_id": "d1", "stage": "s",
        "decision": "k", "what": "late", "why": "because", "confidence": 0.5}]});
    let recorded = record(&other, late).await.unwrap();
    assert_eq!(recorded.ack.saved.unwrap().database, SaveState::Pending);
    for number in 0..3 {
        run(&other, &format!("r{number}")).await;
    }
    eventually("the database has the others", async || indexed(&other).await == 4).await;
    assert_eq!(other.query.pending(), 1, "the late one waits");

    line.mend();
    eventually("the late decision is there", async || written(&bucket, &place, "ended").await == Some(2))
        .await;
    assert_eq!(other.query.pending(), 0);
    other.close().await;
    service.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_that_is_not_there_or_refuses_is_named_in_a_sentence() {
    let Some(bucket) = Bucket::fresh() else { return };
    let said = async |bucket: &Bucket| {
        let home = tempfile::tempdir().unwrap();
        bucket.documents(home.path()).probe().await.unwrap_err().to_string()
    };
    let wrong_secret = said(&bucket.with("AWS_SECRET_ACCESS_KEY", "hunter2hunter2")).await;
    let wrong_key = said(&bucket.with("AWS_ACCESS_KEY_ID", "AKIAUNKNOWN")).await;
    let no_bucket = said(&bucket.called("s3://no-such-bucket/runs")).await;
    let nobody = said(&bucket.with("AWS_ENDPOINT_URL", "http://127.0.0.1:1")).await;
    let no_http = said(&bucket.with("AWS_ALLOW_HTTP", "false")).await;
    let all = [wrong_secret, wrong_key, no_bucket, nobody, no_http].join("\n");
    assert!(!all.contains("hunter2"), "{all}");
    insta::assert_snapshot!(all);
}
