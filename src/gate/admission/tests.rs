//! What the gate lets in, kind by kind; [`batches`] and [`laws`] have files of their own.

mod batches;
mod laws;

use std::sync::Arc;

use serde_json::{Value, json};

use super::*;
use crate::gate::request::{EventKind, EventRequest, parse};
use crate::model::ManualClock;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn gate_with(settings: Settings) -> Gate {
    let clock = Arc::new(ManualClock::new(at("2026-02-13T14:30:22Z")));
    Gate::new(Some(Redactor::new([7; 32])), Minter::new("p1", clock, || 0xa1b2_c3d4), settings)
}

fn gate() -> Gate {
    gate_with(Settings::default())
}

fn with(mut request: Value, fields: &Value) -> Value {
    request.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    request
}

fn started(fields: &Value, caller: &CallerContext) -> Result<Event, Refusal> {
    gate().start(parse(with(json!({"project": "cobot", "query": "which arm?"}), fields))?, caller)
}

fn decided(fields: &Value) -> Result<Event, Refusal> {
    let request = json!({"trace_id": "t", "stage": "s", "decision": "d", "what": "exa", "why": "recent"});
    gate().decision(parse(with(request, fields))?)
}

fn finished(fields: &Value) -> Result<Event, Refusal> {
    gate().finish(parse(with(json!({"trace_id": "t"}), fields))?)
}

fn recorded(events: &Value) -> Result<(TraceId, Vec<Event>), Refusal> {
    gate().record(parse(json!({"trace_id": "t", "events": events}))?, &CallerContext::default())
}

fn reviewed(fields: &Value) -> Result<Reviewed, Refusal> {
    gate().review(parse(fields.clone())?)
}

fn sentence<T: std::fmt::Debug>(result: Result<T, Refusal>) -> String {
    result.unwrap_err().to_string()
}

fn whole_run() -> Value {
    json!([
        {"kind": "start", "project": "cobot", "query": "which arm?"},
        {"kind": "stage_start", "stage": "collection"},
        {"kind": "decision", "stage": "collection", "decision": "source", "what": "exa", "why": "recent", "event_id": "d1"},
        {"kind": "evidence", "stage": "collection", "collected_count": 3, "by_source": {"exa": 3}, "kept": [{"id": "e1"}]},
        {"kind": "prompt", "stage": "collection", "model": "m", "system_prompt": "be kind", "response": "\u{e9}s"},
        {"kind": "iteration", "passed": false, "score": 7, "scale_max": 10},
        {"kind": "outputs", "report_path": "a.md"},
        {"kind": "result", "decision_id": "d1", "result": {"hits": 3}},
        {"kind": "correction", "decision_id": "d1", "reason": "it was bing"},
        {"kind": "stage_end", "stage": "collection", "outputs": {"n": 3}, "event_id": "end"},
        {"kind": "finish", "score": 2.4},
    ])
}

#[test]
fn a_start_gets_a_trace_id_its_name_and_its_time() {
    let event = started(&json!({}), &CallerContext::default()).unwrap();
    assert_eq!(event.trace_id.as_str(), "trc_20260213_143022_a1b2c3d4");
    assert_eq!((event.event_id, event.sequence, event.origin.as_str()), (EventId::start(), 0, "p1"));
    assert!(event.occurred_at.is_none());
    assert!(event.recorded_at > at("2026-02-13T14:30:22Z"));
}

#[test]
fn a_trace_id_is_taken_exactly() {
    let event = started(&json!({"trace_id": " Lauf/\u{e9} 1"}), &CallerContext::default()).unwrap();
    assert_eq!(event.trace_id.as_str(), " Lauf/\u{e9} 1");
    assert_eq!(
        started(&json!({"trace_id": ""}), &CallerContext::default()).unwrap().trace_id.as_str().len(),
        28
    );
}

#[test]
fn what_is_known_of_the_caller_fills_in_and_is_not_content() {
    let caller = CallerContext {
        client_name: Some("claude-code".into()),
        client_version: Some("2.1".into()),
        traceparent: Some("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".into()),
        tracestate: Some("a=b".into()),
    };
    let event = started(&json!({}), &caller).unwrap();
    let EventBody::Start(start) = &event.body else { panic!() };
    assert_eq!(start.agent.name.as_deref(), Some("claude-code"));
    assert_eq!(start.agent.version.as_deref(), Some("2.1"));
    assert_eq!(start.trace_context.as_ref().unwrap().tracestate.as_deref(), Some("a=b"));
    assert_eq!(event.content_hash, started(&json!({}), &CallerContext::default()).unwrap().content_hash);

    let EventBody::Start(start) = started(&json!({"agent": "mine"}), &caller).unwrap().body else { panic!() };
    assert_eq!((start.agent.name.as_deref(), start.agent.version), (Some("mine"), None));
}

#[test]
fn what_a_client_says_amiss_of_itself_is_left_out() {
    let caller = CallerContext {
        client_name: Some("x".repeat(200)),
        client_version: Some("1".into()),
        traceparent: Some("00-00000000000000000000000000000000-00f067aa0ba902b7-01".into()),
        tracestate: Some("a=b".into()),
    };
    let EventBody::Start(start) = started(&json!({}), &caller).unwrap().body else { panic!() };
    assert_eq!((start.agent.name, start.agent.version, start.trace_context), (None, None, None));
}

#[test]
fn the_event_of_a_decision_is_called_as_the_decision_is() {
    for (fields, name) in [(json!({"decision_id": "d-1"}), "d-1"), (json!({}), "dec_p1_0")] {
        let event = decided(&fields).unwrap();
        let EventBody::Decision(decision) = &event.body else { panic!() };
        assert_eq!((event.event_id.as_str(), decision.decision_id.as_str()), (name, name));
    }
}

#[test]
fn a_reserved_name_is_refused() {
    insta::assert_snapshot!(sentence(decided(&json!({"decision_id": "finish"}))), @r#"decision_id: "finish" is outside the free names: a run's first and last event are called start and finish; send another id, or leave it out"#);
}

#[test]
fn a_time_of_the_callers_own_is_kept_beside_that_of_arrival() {
    let event = decided(&json!({"timestamp": "2026-01-01T01:00:00+01:00"})).unwrap();
    assert_eq!(event.occurred_at, Some(at("2026-01-01T00:00:00Z")));
    insta::assert_snapshot!(sentence(decided(&json!({"timestamp": "yesterday"}))), @r#"timestamp: "yesterday" is not an RFC 3339 time; send it like "2026-02-13T14:30:22Z", or leave it out to have the server's clock count"#);
}

#[test]
fn started_at_and_completed_at_are_the_time_of_what_they_begin_and_end() {
    let (_, events) = recorded(&json!([
        {"kind": "stage_start", "stage": "s", "started_at": "2026-01-01T00:00:00Z"},
        {"kind": "stage_end", "stage": "s", "completed_at": "2026-01-01T00:00:05Z"},
        {"kind": "finish", "completed_at": "2026-01-01T00:00:09Z", "timestamp": "2026-01-01T00:00:09Z"},
    ]))
    .unwrap();
    let seconds = events.iter().map(|event| event.time().seconds_since(at("2026-01-01T00:00:00Z")));
    assert_eq!(seconds.collect::<Vec<_>>(), [0.0, 5.0, 9.0]);
    insta::assert_snapshot!(sentence(recorded(&json!([
        {"kind": "stage_start", "stage": "s", "started_at": "2026-01-01T00:00:00Z", "timestamp": "2026-01-01T00:00:01Z"},
    ]))), @"events[0].timestamp: says another time than `started_at`, outside the one time that the event happened at; send `started_at` alone");
}

#[test]
fn numbers_outside_their_range_are_refused() {
    insta::assert_snapshot!(sentence(decided(&json!({"confidence": 1.5}))), @"confidence: 1.5 is above the allowed range 0..=1; send a number between 0 and 1, for example 0.75");
    insta::assert_snapshot!(sentence(finished(&json!({"cost_usd": -0.5}))), @"cost_usd: -0.5 is below the allowed range of finite numbers from 0; send 0 or a positive number, or leave the field out if it is not known");
    insta::assert_snapshot!(sentence(finished(&json!({"principle_scores": {"META-1": 4}}))), @"principle_scores[0].score: 4 is above the scale 0..=3; send `scale_max` with the highest score of your scale, for example 5");
    assert!(finished(&json!({"principle_scores": {"META-1": 4}, "scale_max": 5})).is_ok());
    assert!(finished(&json!({"threshold": 5})).is_err());
    assert!(finished(&json!({"input_tokens": -1})).is_err());
}

#[test]
fn numbers_that_are_not_finite_are_refused_from_the_library_too() {
    let alternatives = vec![crate::gate::request::AlternativeRequest {
        option: "a".into(),
        score: Some(f64::NAN),
        why_not: None,
    }];
    let request = DecisionRequest {
        trace_id: "t".into(),
        stage: "s".into(),
        decision: "d".into(),
        what: "w".into(),
        why: "y".into(),
        alternatives_considered: alternatives,
        ..DecisionRequest::default()
    };
    assert_eq!(gate().decision(request).unwrap_err().field, "alternatives_considered[0].score");
}

#[test]
fn a_verdict_may_contradict_its_score() {
    let event = finished(&json!({"score": 0.1, "passed": true})).unwrap();
    let EventBody::Finish(finish) = event.body else { panic!() };
    assert_eq!(
        (finish.quality.passed, finish.quality.score, finish.quality.scale_max),
        (Some(true), Some(0.1), None)
    );
    assert_eq!(finish.status, crate::model::Status::Complete);
}

#[test]
fn a_principle_is_scored_once_and_stands_on_one_side() {
    let twice = json!([{"id": "e\u{301}", "score": 1}, {"id": "\u{e9}", "score": 2}]);
    assert_eq!(finished(&json!({"principle_scores": twice})).unwrap_err().field, "principle_scores[1].id");
    assert!(finished(&json!({"gap_principles": ["a"], "strength_principles": ["a"]})).is_err());
}

#[test]
fn labels_are_normalised_and_lists_hold_each_name_once() {
    let event =
        started(&json!({"tags": ["e\u{301}", "\u{e9}", "", "b"], "intent": " "}), &CallerContext::default());
    let EventBody::Start(start) = event.unwrap().body else { panic!() };
    assert_eq!((start.tags, start.intent), (vec!["\u{e9}".to_owned(), "b".to_owned()], None));
}

#[test]
fn texts_and_lists_have_their_limits() {
    for (fields, path) in [
        (json!({"what": "x".repeat(4097)}), "what"),
        (json!({"why": "x".repeat(16 * 1024 + 1)}), "why"),
        (json!({"inputs": {"a": "x".repeat(256 * 1024)}}), "inputs"),
        (json!({"alternatives_considered": vec!["a"; 65]}), "alternatives_considered"),
        (json!({"alternatives_considered": ["a", "x".repeat(4097)]}), "alternatives_considered[1].option"),
        (json!({"evidence_ids": ["a", "x".repeat(129)]}), "evidence_ids[1]"),
        (json!({"stage": "a\nb"}), "stage"),
    ] {
        assert_eq!(decided(&fields).unwrap_err().field, path);
    }
}

#[test]
fn a_field_of_another_kind_is_refused_with_the_kinds_own() {
    insta::assert_snapshot!(sentence(recorded(&json!([{"kind": "correction", "decision_id": "d", "reason": "r", "response": "x"}]))), @r#"events[0].response: does not belong to kind "correction", outside its fields decision_id, reason, what, why, confidence, event_id; leave "response" out, or send it in an event of its own kind"#);
    insta::assert_snapshot!(sentence(recorded(&json!([{"kind": "stage_start", "stage": "s"}, {"kind": "evidence", "kept": []}]))), @r#"events[1].stage: is missing from the required fields of kind "evidence": stage; send "stage""#);
}

#[test]
fn an_event_that_says_nothing_is_refused() {
    for event in [
        json!({"kind": "result", "decision_id": "d"}),
        json!({"kind": "evidence", "stage": "s"}),
        json!({"kind": "outputs", "stage": "s"}),
    ] {
        assert!(recorded(&json!([event])).is_err(), "{event}");
    }
}

#[test]
fn a_review_gives_an_event_for_each_thing_it_looks_at() {
    let review = reviewed(&json!({
        "trace_id": "t", "flagged_for_review": false, "decision_id": "d1", "correct": true, "outcome_note": "held",
        "flag_id": "f1", "flag_action": "snooze", "snooze_until": "7d",
    }))
    .unwrap();
    let kinds: Vec<_> = review.events.iter().map(|event| event.body.kind()).collect();
    assert_eq!(kinds, ["review", "outcome"]);
    let Some(FlagOrder { flag_id, change: FlagChange::Snooze(until) }) = review.flag else { panic!() };
    assert_eq!(flag_id, "f1");
    assert_eq!(until.seconds_since(at("2026-02-13T14:30:22Z")).floor(), 7.0 * 86_400.0);
}

#[test]
fn a_flag_is_snoozed_for_a_span_until_a_date_or_until_a_time() {
    for (said, meant) in [
        ("12h", "2026-02-14T02:30:22Z"),
        ("2026-03-01", "2026-03-01T00:00:00Z"),
        ("2026-03-01T10:00:00Z", "2026-03-01T10:00:00Z"),
    ] {
        let fields = json!({"flag_id": "f1", "flag_action": "snooze", "snooze_until": said});
        let Some(FlagOrder { change: FlagChange::Snooze(until), .. }) = reviewed(&fields).unwrap().flag
        else {
            panic!("{said}")
        };
        assert_eq!(until.seconds_since(at(meant)).floor(), 0.0, "{said}");
    }
}

#[test]
fn a_review_without_what_it_needs_is_refused() {
    for (fields, missing) in [
        (json!({}), "arguments"),
        (json!({"trace_id": "t"}), "arguments"),
        (json!({"notes": "n"}), "trace_id"),
        (json!({"trace_id": "t", "correct": true}), "decision_id"),
        (json!({"trace_id": "t", "decision_id": "d"}), "correct"),
        (json!({"flag_action": "resolve"}), "flag_id"),
        (json!({"flag_id": "f"}), "flag_action"),
        (json!({"flag_id": "f", "flag_action": "snooze"}), "snooze_until"),
        (json!({"flag_id": "f", "flag_action": "resolve", "snooze_until": "7d"}), "snooze_until"),
        (
            json!({"flag_id": "f", "flag_action": "snooze", "snooze_until": "2020-01-01T00:00:00Z"}),
            "snooze_until",
        ),
        (json!({"flag_id": "f", "flag_action": "snooze", "snooze_until": "soon"}), "snooze_until"),
    ] {
        assert_eq!(reviewed(&fields).unwrap_err().field, missing, "{fields}");
    }
}
