use std::sync::Arc;

use proptest::prelude::*;
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
fn a_whole_run_is_one_call() {
    let request = parse(json!({"events": whole_run()})).unwrap();
    let (trace_id, events) = gate().record(request, &CallerContext::default()).unwrap();
    assert_eq!(trace_id.as_str(), "trc_20260213_143022_a1b2c3d4");
    assert!(events.iter().all(|event| event.trace_id == trace_id));
    let kinds: Vec<_> = events.iter().map(|event| event.body.kind()).collect();
    assert_eq!(
        kinds,
        whole_run()
            .as_array()
            .unwrap()
            .iter()
            .map(|event| event["kind"].as_str().unwrap())
            .collect::<Vec<_>>()
    );
    let names: Vec<_> = events.iter().map(|event| event.event_id.as_str()).collect();
    assert_eq!(
        names,
        [
            "start", "evt_p1_1", "d1", "evt_p1_3", "evt_p1_4", "evt_p1_5", "evt_p1_6", "evt_p1_7",
            "evt_p1_8", "end", "finish"
        ]
    );
    assert!(events.windows(2).all(|pair| pair[0].recorded_at < pair[1].recorded_at));
    let trace = crate::model::fold(None, &events, &crate::model::QualityRules::default()).unwrap();
    assert_eq!(trace.stages["collection"].decisions[0].result, Some(json!({"hits": 3})));
    assert!(trace.metadata.unplaced.is_empty());
}

#[test]
fn a_batch_knows_its_run_and_keeps_the_order_of_a_run() {
    let without_run = gate().record(
        parse(json!({"events": [{"kind": "stage_start", "stage": "s"}]})).unwrap(),
        &CallerContext::default(),
    );
    insta::assert_snapshot!(sentence(without_run), @r#"trace_id: is missing from a batch that does not begin with an event of kind "start"; send the trace_id that trace_start gave, or put a "start" event first"#);
    insta::assert_snapshot!(sentence(recorded(&json!([{"kind": "finish"}, {"kind": "stage_start", "stage": "s"}]))), @"events[0].kind: stands before other events, outside the order of a run: start first, finish last; put it last");
    assert!(recorded(&json!([{"kind": "finish"}, {"kind": "finish"}])).is_err());
    assert!(recorded(&json!([])).is_err());
}

#[test]
fn a_batch_names_each_event_once() {
    let stage = |id: &str| json!({"kind": "stage_start", "stage": "s", "event_id": id});
    assert_eq!(
        recorded(&json!([stage("a"), stage("b"), stage("a")])).unwrap_err().field,
        "events[2].event_id"
    );
    assert!(recorded(&json!([stage("start")])).is_err());
}

#[test]
fn a_batch_has_at_most_500_events_and_4_mib() {
    let event =
        EventRequest { kind: EventKind::StageStart, stage: Some("s".into()), ..EventRequest::default() };
    let record = |events: Vec<EventRequest>| {
        gate().record(RecordRequest { trace_id: Some("t".into()), events }, &CallerContext::default())
    };
    assert!(record(vec![event.clone(); 500]).is_ok());
    assert!(sentence(record(vec![event; 501])).contains("501 were sent, above the limit of 500 events"));
    let prompt = EventRequest {
        kind: EventKind::Prompt,
        stage: Some("s".into()),
        response: Some("x".repeat(1024 * 1024)),
        ..EventRequest::default()
    };
    assert!(sentence(record(vec![prompt; 4])).contains("up to events[3] than the limit of 4194304 bytes"));
}

#[test]
fn a_refused_batch_yields_nothing_and_uses_nothing_up() {
    let gate = gate();
    let mut events = whole_run();
    events[3]["collected_count"] = json!(-1);
    let refusal =
        gate.record(parse(json!({"events": events})).unwrap(), &CallerContext::default()).unwrap_err();
    assert_eq!(refusal.field, "events[3].collected_count");
    let (_, events) =
        gate.record(parse(json!({"events": whole_run()})).unwrap(), &CallerContext::default()).unwrap();
    assert_eq!(events[0].sequence, 0);
}

#[test]
fn prompts_are_kept_as_the_installation_wants_them() {
    let prompt = |prompts| {
        let gate = gate_with(Settings { prompts, ..Settings::default() });
        let events = json!([{"kind": "prompt", "stage": "s", "model": "m", "user_message": "\u{e9}a", "response": "ok"}]);
        let request = parse(json!({"trace_id": "t", "events": events})).unwrap();
        let (_, mut events) = gate.record(request, &CallerContext::default()).unwrap();
        serde_json::to_value(events.remove(0).body).unwrap()["prompt"].clone()
    };
    assert_eq!(prompt(Prompts::Full), json!({"model": "m", "user_message": "\u{e9}a", "response": "ok"}));
    assert_eq!(prompt(Prompts::Lengths), json!({"model": "m", "user_message_chars": 2, "response_chars": 2}));
    assert_eq!(prompt(Prompts::Off), json!({"model": "m"}));
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

/// Secrets as agents paste them, put together here so that no scanner takes this file for a leak.
fn secrets() -> Vec<String> {
    vec![
        format!("gh{}_{}", 'p', "aB3d".repeat(9)),
        format!("AK{}{}", "IA", "Q7RZ2MXW4KLT6PYB"),
        format!("sk-{}-{}", "ant", "api03-Zx9kQ2vLm8RtY4wN7pBc1dFg5hJs6aUe"),
        format!("xox{}-{}", 'b', "1234567890-abcdefGHIJKLmnop"),
    ]
}

#[test]
fn no_secret_is_found_in_what_leaves_the_gate() {
    for secret in secrets() {
        let says = format!("with {secret} it went");
        let free = json!({"note": says, &secret: [says], "password": "Tr0ub4dor&3"});
        let events = json!([
            {"kind": "start", "project": says, "query": says, "intent": says, "domain": says, "report_type": says,
             "research_type": says, "agent": says, "model": says, "tags": [says], "metadata": free},
            {"kind": "stage_start", "stage": says},
            {"kind": "stage_end", "stage": says, "outputs": free, "error": says},
            {"kind": "decision", "stage": says, "decision": says, "what": says, "why": says, "actor": says,
             "alternatives_considered": [{"option": says, "why_not": says}], "inputs": free, "evidence_ids": [says],
             "result": free},
            {"kind": "evidence", "stage": says, "by_source": {&says: 1}, "kept": [free], "filtered_out": [free]},
            {"kind": "prompt", "stage": says, "model": says, "system_prompt": says, "user_message": says, "response": says},
            {"kind": "iteration", "gap_principles": [says], "changes": says},
            {"kind": "outputs", "stage": says, "outputs": free, "report_path": says, "output_paths": [says]},
            {"kind": "result", "decision_id": "d", "result": says, "error": says, "evidence_ids": [says]},
            {"kind": "correction", "decision_id": "d", "reason": says, "what": says, "why": says},
            {"kind": "finish", "error": says, "model": says, "report_path": says, "output_paths": [says],
             "gap_principles": [says], "principle_scores": [{"id": says, "score": 1, "name": says, "feedback": says}]},
        ]);
        let caller = CallerContext { client_name: Some(says.clone()), ..CallerContext::default() };
        let request = parse(json!({"events": events})).unwrap();
        let (_, events) = gate().record(request, &caller).unwrap();
        for event in &events {
            let stored = serde_json::to_string(event).unwrap();
            assert!(!stored.contains(&secret) && !stored.contains("Tr0ub4dor"), "{stored}");
            assert!(event.redactions > 0, "{stored}");
        }
        let review =
            reviewed(&json!({"trace_id": "t", "notes": says, "decision_id": "d", "outcome_note": says}));
        let stored = serde_json::to_string(&review.unwrap().events).unwrap();
        assert!(!stored.contains(&secret), "{stored}");
        assert!(started(&json!({"trace_id": secret}), &CallerContext::default()).is_err());
    }
}

#[test]
fn the_same_content_has_the_same_hash_under_another_key_and_other_content_another() {
    let hash = |key, why: &str| {
        let clock = Arc::new(ManualClock::new(at("2026-02-13T14:30:22Z")));
        let gate = Gate::new(Some(Redactor::new(key)), Minter::new("p", clock, || 0), Settings::default());
        let request = json!({"trace_id": "t", "stage": "s", "decision": "d", "what": "w", "why": why});
        gate.decision(parse(request).unwrap()).unwrap().content_hash
    };
    let why = format!("used {}", secrets()[0]);
    assert_eq!(hash([1; 32], &why), hash([2; 32], &why));
    assert_ne!(hash([1; 32], &why), hash([1; 32], "used nothing"));
}

#[test]
fn what_the_caller_says_of_the_time_is_content_and_the_servers_clock_is_not() {
    let gate = gate();
    let hash = |fields: &Value| {
        let request = json!({"trace_id": "t", "stage": "s", "decision": "d", "what": "w", "why": "y"});
        gate.decision(parse(with(request, fields)).unwrap()).unwrap().content_hash
    };
    assert_eq!(
        hash(&json!({})),
        hash(&json!({"decision_id": "d9", "actor": "", "alternatives_considered": []}))
    );
    assert_ne!(hash(&json!({})), hash(&json!({"timestamp": "2026-01-01T00:00:00Z"})));
    assert_eq!(
        hash(&json!({"timestamp": "2026-01-01T00:00:00Z"})),
        hash(&json!({"timestamp": "2026-01-01T01:00:00.000+01:00"}))
    );
}

fn reversed(value: &Value) -> Value {
    match value {
        Value::Array(items) => Value::Array(items.iter().map(reversed).collect()),
        Value::Object(map) => {
            Value::Object(map.iter().rev().map(|(k, v)| (k.clone(), reversed(v))).collect())
        }
        other => other.clone(),
    }
}

fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
            prop::collection::vec((".{0,6}", inner), 0..4)
                .prop_map(|entries| Value::Object(entries.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn a_repeated_request_has_the_same_hash_whatever_the_order_of_its_keys(
        why in "[a-z ]{0,20}x",
        confidence in 0.0..=1.0f64,
        inputs in prop::collection::vec((".{0,6}", json_value()), 0..5),
        result in json_value(),
    ) {
        let inputs = Value::Object(inputs.into_iter().collect());
        let fields = json!({"why": why, "confidence": confidence, "inputs": inputs, "result": result});
        let once = decided(&fields).unwrap();
        let again = decided(&reversed(&fields)).unwrap();
        prop_assert_eq!(&once.content_hash, &again.content_hash);
        let text = serde_json::to_string(&once).unwrap();
        let read: Event = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(read, once);
    }

    #[test]
    fn a_batch_with_one_bad_event_yields_nothing(bad in 1usize..10) {
        let mut events = whole_run();
        events[bad]["timestamp"] = json!("never");
        let refusal = recorded(&events).unwrap_err();
        prop_assert_eq!(refusal.field, format!("events[{bad}].timestamp"));
    }
}
