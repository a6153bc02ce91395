//! Components, what they declare, and what a run made of it.

use serde_json::json;
use whytrace::pipeline::{
    Choice, ComponentRegistry, DeclaredDecision, Tracer, TracerOptions, TracingComponent,
};

use super::start;
use crate::support::pipeline::Place;

struct Collector;

impl TracingComponent for Collector {
    fn name(&self) -> &str {
        "collection"
    }

    fn decisions(&self) -> Vec<DeclaredDecision> {
        vec![
            DeclaredDecision::new("source_selection").with_confidence().with_alternatives(),
            DeclaredDecision::new("depth"),
            DeclaredDecision::new("language").optional().with_evidence(),
        ]
    }

    fn outputs(&self) -> Vec<String> {
        vec!["documents".to_owned(), "count".to_owned()]
    }
}

struct Writer;

impl TracingComponent for Writer {
    fn name(&self) -> &str {
        "synthesis"
    }

    fn decisions(&self) -> Vec<DeclaredDecision> {
        vec![DeclaredDecision::new("outline")]
    }
}

fn tracer(place: &Place) -> Tracer {
    let components = ComponentRegistry::default().with(Collector).with(Writer);
    Tracer::open_with(place.config(), TracerOptions::default().components(components))
}

#[tokio::test]
async fn what_departs_from_the_declaration_is_said_at_the_end() {
    let place = Place::new(None);
    let tracer = tracer(&place);
    let trace = tracer.begin(start());
    trace.start_stage("collection");
    trace.record(Choice::new("collection", "source_selection", "exa", "recent").over("google"));
    trace.record(Choice::new("collection", "ranking", "by date", "it is news"));
    let outputs = json!({"documents": 28});
    trace.end_stage_with("collection", outputs.as_object().unwrap().clone());
    trace.record(Choice::new("elsewhere", "anything", "goes", "no component records there"));
    let conclusion = trace.finish().await;
    let findings: Vec<String> = conclusion.findings.iter().map(ToString::to_string).collect();
    assert_eq!(
        findings,
        [
            r#"decision "source_selection" of component "collection" lacks confidence, 1 times"#,
            r#"component "collection" declares the decision "depth", and the run did not make it"#,
            r#"component "collection" made the decision "ranking", which it does not declare"#,
            r#"component "collection" declares the output "count", and its stage does not hold it"#,
        ]
    );
    tracer.close().await;
}

#[tokio::test]
async fn a_run_that_does_what_is_declared_has_no_findings() {
    let place = Place::new(None);
    let tracer = tracer(&place);
    let trace = tracer.begin(start());
    let choice = Choice::new("collection", "source_selection", "exa", "recent");
    trace.record(choice.over("google").confidence(0.9));
    trace.record(Choice::new("collection", "depth", "2", "enough"));
    let outputs = json!({"documents": 28, "count": 28});
    trace.end_stage_with("collection", outputs.as_object().unwrap().clone());
    assert_eq!(trace.finish().await.findings, []);
    tracer.close().await;
}

struct Faulty;

impl TracingComponent for Faulty {
    fn name(&self) -> &str {
        "faulty"
    }

    fn decisions(&self) -> Vec<DeclaredDecision> {
        std::panic::panic_any("no declaration today")
    }
}

#[tokio::test]
async fn a_component_that_panics_does_not_keep_a_run_from_its_end() {
    let place = Place::new(None);
    let components = ComponentRegistry::default().with(Faulty);
    let tracer = Tracer::open_with(place.config(), TracerOptions::default().components(components));
    let trace = tracer.begin(start());
    trace.record(Choice::new("faulty", "k", "what", "why"));
    let conclusion = trace.finish().await;
    assert!(conclusion.problem.is_none() && conclusion.document.is_some(), "{conclusion:?}");
    assert!(trace.record(Choice::new("faulty", "k", "late", "why")).await.is_saved());
    tracer.close().await;
}
