//! What documents must load to, by version.

use serde_json::{Value, json};

use super::*;
use crate::model::{QualityRules, Status, fold};

fn load(value: &Value) -> Loaded {
    read(&value.to_string(), &QualityRules::default()).unwrap()
}

fn version_1(quality_stage: &Value) -> Value {
    json!({
        "trace_id": "trc_20250101_080000_00000001",
        "project_name": "cobot",
        "run": {"query": "who builds cobots?", "intent": "exploring", "started_at": "2025-01-01T08:00:00.5",
                "completed_at": "2025-01-01T08:01:40.5", "duration_seconds": 100.0, "status": "completed"},
        "stages": {
            "intake": {"started_at": "2025-01-01T08:00:01", "decisions": [
                {"decision": "intent", "what": "exploring", "why": "asks who", "confidence": 0.8,
                 "alternatives_considered": ["validating (0.30)", "comparing"], "timestamp": "2025-01-01T08:00:02"},
                {"decision": "depth", "what": "broad", "why": null, "confidence": null, "alternatives_considered": null}],
                "prompts": {"system_prompt": "You are terse.", "user_prompt": "Classify.", "temperature": "0"}},
            "collection": {"evidence": {"collected_count": 28}, "outputs": {"evidence_passed": 18, "evidence_filtered": 10}},
            "synthesis": {"outputs": {"model": "m-1", "token_usage": {"input_tokens": 45000, "output_tokens": 3800}, "cost_usd": 0.32}},
            "quality_gate": quality_stage
        }
    })
}

#[test]
fn version_1_gives_its_quality_from_the_stage_or_its_outputs() {
    let fields = json!({"overall_score": 2.4, "passing": true, "threshold": 2.0, "principle_scores": {"META-12": 1, "META-1": 3}});
    for stage in [fields.clone(), json!({ "outputs": fields })] {
        let quality = load(&version_1(&stage)).trace.quality;
        assert_eq!((quality.score, quality.threshold, quality.passed), (Some(2.4), Some(2.0), Some(true)));
        assert_eq!(quality.principle_scores.len(), 2);
        assert_eq!(quality.gap_principles, ["META-12"]);
        assert_eq!(quality.strength_principles, ["META-1"]);
    }
}

#[test]
fn version_1_takes_principle_scores_as_a_list_too_and_keeps_given_gaps() {
    let quality = load(&version_1(&json!({"outputs": {"overall_score": 1.0, "passed": false,
        "principle_scores": [{"id": "A", "score": 2.5}, {"id": "B", "score": 0}], "gap_principles": ["A"], "strength_principles": []}})))
    .trace
    .quality;
    assert_eq!(quality.passed, Some(false));
    assert_eq!(quality.gap_principles, ["A", "B"]);
}

#[test]
fn version_1_gives_tokens_evidence_alternatives_and_prompts() {
    let trace = load(&version_1(&json!({}))).trace;
    assert_eq!(
        (trace.cost.input_tokens, trace.cost.output_tokens, trace.cost.cost_usd),
        (Some(45000), Some(3800), Some(0.32))
    );
    assert_eq!(trace.cost.model.as_deref(), Some("m-1"));
    assert_eq!(trace.evidence_totals(), (Some(28), Some(18), Some(10)));
    let intake = &trace.stages["intake"];
    assert_eq!(intake.decisions[0].alternatives_considered[0].score, Some(0.3));
    assert_eq!(intake.decisions[0].alternatives_considered[1].option, "comparing");
    assert_eq!(intake.decisions[1].timestamp, intake.started_at.unwrap());
    assert_eq!(intake.prompts[0].user_message.as_deref(), Some("Classify."));
    assert_eq!(intake.prompts[0].unknown["temperature"], "0");
    assert_eq!(trace.status(), Status::Complete);
}

#[test]
fn what_is_written_reads_back_the_same_and_an_edit_is_noticed() {
    let trace = load(&version_1(&json!({"overall_score": 2.4}))).trace;
    let (written, text) = write(&trace, "whytrace test", 1).unwrap();
    let loaded = read(&text, &QualityRules::default()).unwrap();
    assert_eq!(loaded.integrity, Integrity::Intact);
    assert_eq!(loaded.trace, written);
    let edited = read(&text.replace("who builds", "who sells"), &QualityRules::default()).unwrap();
    assert_eq!(edited.integrity, Integrity::Edited);
    assert_eq!(edited.trace.run.query, "who sells cobots?");
}

#[test]
fn fields_of_a_newer_version_survive_a_rewriting() {
    let mut value = version_1(&json!({}));
    value["schema_version"] = json!(3);
    value["stages"] = json!({"s": {"decisions": [], "mood": "calm"}});
    value["run"]["status"] = json!("complete");
    value["future"] = json!({"a": [1]});
    let (_, text) = write(&load(&value).trace, "g", 2).unwrap();
    let value: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(value["future"], json!({"a": [1]}));
    assert_eq!(value["stages"]["s"]["mood"], "calm");
}

#[test]
fn a_document_that_counts_turns_without_listing_them_keeps_its_count() {
    let mut document = version_1(&json!({}));
    document["schema_version"] = json!(2);
    document["run"]["status"] = json!("complete");
    document["iterations"] = json!([{"passed": false, "score": 1.8}]);
    document["iteration_count"] = json!(3);
    document["quality_gate_failures"] = json!(2);
    document["stages"] = json!({});
    let trace = load(&document).trace;
    assert_eq!((trace.iteration_count, trace.quality_gate_failures), (3, 2));
    let read_again = fold(Some(trace.clone()), &[], &QualityRules::default()).unwrap();
    assert_eq!(read_again, trace, "reading changes nothing");
}

#[test]
fn a_text_that_is_no_trace_is_refused_with_what_is_missing() {
    let error = read("{\"trace_id\": \"x\"}", &QualityRules::default()).unwrap_err().to_string();
    assert!(error.contains("missing field"), "{error}");
    assert!(read("[]", &QualityRules::default()).unwrap_err().to_string().contains("no JSON object"));
}

#[test]
fn an_intent_that_is_blank_was_not_said() {
    let document = json!({
        "schema_version": 2, "trace_id": "t", "project_name": "p",
        "run": {"started_at": "2026-02-13T14:30:22Z", "status": "complete", "intent": "", "domain": " "}
    });
    let run = from_value(document, &QualityRules::default()).unwrap().trace.run;
    assert_eq!((run.intent, run.domain), (None, None));
}
