//! Several processes with homes of their own, as on several machines, over one database and one bucket.

use serde_json::json;
use tempfile::TempDir;
use whytrace::service::Service;
use whytrace::store::documents::ProjectFile;
use whytrace::store::index::Scope;

use crate::support::bucket::Bucket;
use crate::support::database::Schema;
use crate::support::eventually::eventually;
use crate::support::pipeline::{Place, decide, decisions, finish, record, start};

/// Two machines; the schema goes with the last of them.
struct Team {
    one: Place,
    other: Place,
    bucket: Bucket,
    _schema: Schema,
}

impl Team {
    fn new() -> Option<Self> {
        let (schema, bucket) = (Schema::fresh()?, Bucket::fresh()?);
        let [one, other] = [(); 2].map(|()| Place::new(Some(&schema)).in_bucket(&bucket));
        Some(Self { one, other, bucket, _schema: schema })
    }

    /// What the bucket holds of a run, read by somebody who has nothing else.
    async fn written(&self, id: &str) -> Vec<String> {
        let home = TempDir::new().unwrap();
        let found = self.bucket.documents(home.path()).find(&id.parse().unwrap()).await.unwrap();
        let decided =
            |trace: whytrace::Trace| trace.decisions().map(|(_, decision)| decision.what.clone()).collect();
        found.map_or_else(Vec::new, |found| decided(found.trace))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_one_process_ended_takes_late_events_through_another() {
    let Some(team) = Team::new() else { return };
    let (one, other) = (team.one.service(), team.other.service());
    start(&one, "r1").await.unwrap();
    eventually("the other knows the run", async || other.query.trace("r1", &Scope::All).await.is_ok()).await;
    decide(&other, "r1", "d0", "exa").await.unwrap();
    let finished = finish(&one, "r1").await.unwrap();
    // On a machine that is busy it may be late.
    let url = format!("{}/projects/p/_traces/r1.json", team.bucket.url());
    assert!(finished.document.is_none_or(|document| document == url));
    eventually("the document has both", async || team.written("r1").await == ["exa"]).await;

    let late = json!({"trace_id": "r1", "events": [{"kind": "decision", "event_id": "d1", "stage": "s",
        "decision": "k", "what": "late", "why": "because", "confidence": 0.5}]});
    record(&other, late.clone()).await.unwrap();
    eventually("the document has it", async || team.written("r1").await == ["exa", "late"]).await;
    assert_eq!(decisions(&one, "r1").await, ["exa", "late"]);
    assert!(record(&one, late).await.unwrap().ack.is_duplicate(), "and it is known everywhere");
    one.close().await;
    other.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_one_process_deletes_stays_deleted_for_all() {
    let Some(team) = Team::new() else { return };
    let (one, other) = (team.one.service(), team.other.service());
    for id in ["gone", "kept"] {
        start(&one, id).await.unwrap();
        finish(&one, id).await.unwrap();
        eventually("it is written", async || other.query.trace(id, &Scope::All).await.is_ok()).await;
    }
    assert!(other.intake.recorder().delete(&"gone".parse().unwrap()).await.unwrap());
    assert!(
        decide(&one, "gone", "d9", "after the end").await.is_err() || {
            // It was taken before the deletion could be known; nothing comes of it.
            one.intake.recorder().settle().await;
            true
        }
    );
    one.intake.recorder().look_after().await;
    let documents = team.bucket.documents(&team.one.path("."));
    assert!(documents.find(&"gone".parse().unwrap()).await.unwrap().is_none());
    assert!(documents.find(&"kept".parse().unwrap()).await.unwrap().is_some());
    one.close().await;
    other.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_calibration_files_of_a_project_tell_of_the_runs_of_every_process() {
    let Some(team) = Team::new() else { return };
    let services = [team.one.service(), team.other.service()];
    let ended = |service: Service, at: usize| async move {
        for number in 0..8 {
            let id = format!("r{at}-{number}");
            start(&service, &id).await.unwrap();
            finish(&service, &id).await.unwrap();
        }
    };
    let [one, other] = services.clone();
    tokio::join!(ended(one, 0), ended(other, 1));
    let documents = team.bucket.documents(&team.one.path("."));
    let index = &services[0].intake.recorder().stores().index;
    eventually("the file says what the database says", async || {
        let flags = index.flags(&Scope::All).await.unwrap();
        let texts = documents.project_files(ProjectFile::Flags).await.unwrap();
        let told: Option<Vec<whytrace::calibration::Flag>> =
            texts.first().map(|text| serde_json::from_str(text).unwrap());
        !flags.is_empty() && told == Some(flags)
    })
    .await;
    for service in services {
        service.close().await;
    }
}
