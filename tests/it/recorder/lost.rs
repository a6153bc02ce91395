//! Files that somebody took away or changed.

use whytrace::store::index::Scope;

use crate::support::eventually::eventually;
use crate::support::pipeline::{Place, decide, finish, start};

const DOCUMENT: &str = "projects/p/_traces/r1.json";

#[tokio::test(flavor = "multi_thread")]
async fn an_event_of_a_run_whose_document_is_gone_waits_for_it() {
    let place = Place::new(None);
    let service = place.service();
    start(&service, "r1").await.unwrap();
    finish(&service, "r1").await.unwrap();
    std::fs::rename(place.path(DOCUMENT), place.path("elsewhere.json")).unwrap();
    decide(&service, "r1", "d0", "exa").await.unwrap();
    eventually("the event is indexed", async || service.query.pending() == 0).await;

    std::fs::rename(place.path("elsewhere.json"), place.path(DOCUMENT)).unwrap();
    service.intake.recorder().look_after().await;
    eventually("the document has it", async || {
        std::fs::read_to_string(place.path(DOCUMENT)).is_ok_and(|text| text.contains("\"d0\""))
    })
    .await;
    service.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_that_was_edited_is_used_and_said_to_be() {
    let place = Place::new(None);
    let service = place.service();
    start(&service, "r1").await.unwrap();
    finish(&service, "r1").await.unwrap();
    let text = std::fs::read_to_string(place.path(DOCUMENT)).unwrap();
    std::fs::write(place.path(DOCUMENT), text.replace("why?", "how?")).unwrap();
    let loaded = service.query.trace("r1", &Scope::All).await.unwrap();
    assert!(loaded.edited);
    assert_eq!(loaded.trace.run.query, "how?");
    service.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_that_cannot_be_read_is_set_aside_and_written_anew() {
    let place = Place::new(None);
    place.block("whytrace.db");
    let service = place.service();
    start(&service, "r1").await.unwrap();
    std::fs::create_dir_all(place.path("projects/p/_traces")).unwrap();
    std::fs::write(place.path(DOCUMENT), "{ torn").unwrap();
    let finished = finish(&service, "r1").await.unwrap();
    assert!(finished.document.is_some());
    let names: Vec<String> = std::fs::read_dir(place.path("projects/p/_traces"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    assert!(names.iter().any(|name| name.starts_with("r1.json.unreadable-")), "{names:?}");
    service.close().await;
}
