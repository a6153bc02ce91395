//! What holds of whatever leaves the gate: no secrets, and hashes that tell contents apart.

use proptest::prelude::*;

use super::*;

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
