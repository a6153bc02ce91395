//! The pipeline in `examples/research.rs`, run as it stands there.

use whytrace::model::Status;
use whytrace::pipeline::Tracer;

use crate::support::pipeline::Place;

#[path = "../../../examples/research.rs"]
#[expect(dead_code, reason = "its main function is for `cargo run --example`")]
mod research;

#[tokio::test(flavor = "multi_thread")]
async fn the_example_gives_the_same_report_with_and_without_a_trace() {
    let place = Place::new(None);
    let tracer = Tracer::open(place.config());
    let question = "who builds cobots for bakeries?";
    let traced = research::research(&tracer, question).await.unwrap();
    assert_eq!(traced, research::research(&Tracer::disabled(), question).await.unwrap());

    let run = tracer.query().trace("last:bakery").await.unwrap().trace;
    assert_eq!((run.status(), run.run.dropped_events), (Status::Complete, None));
    assert_eq!(run.stages.keys().collect::<Vec<_>>(), ["collection", "synthesis"]);
    let collection = &run.stages["collection"];
    assert_eq!(collection.decisions.len(), 5);
    assert_eq!(collection.evidence.as_ref().unwrap().passed_count, Some(5));
    assert!(collection.decisions.iter().filter(|d| d.key == "source_selection").all(|d| d.result.is_some()));
    tracer.close().await;
}
