//! Batches: whole runs in one call, and what a refused one leaves behind.

use super::*;

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
