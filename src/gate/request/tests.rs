use serde_json::json;

use super::*;

fn decision() -> Value {
    json!({"trace_id": "t", "stage": "collection", "decision": "source", "what": "exa", "why": "it is recent"})
}

fn with(mut request: Value, fields: &Value) -> Value {
    request.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    request
}

fn parsed(fields: &Value) -> DecisionRequest {
    parse(with(decision(), fields)).unwrap()
}

fn refused<T: DeserializeOwned + JsonSchema + 'static + std::fmt::Debug>(arguments: Value) -> String {
    parse::<T>(arguments).unwrap_err().to_string()
}

/// Every schema in a schema, with its path.
fn walk(path: &str, schema: &Value, see: &mut impl FnMut(&str, &Map<String, Value>)) {
    let Some(keywords) = schema.as_object() else { panic!("{path} is no schema: {schema}") };
    see(path, keywords);
    for (name, property) in keywords.get("properties").and_then(Value::as_object).into_iter().flatten() {
        walk(&format!("{path}.{name}"), property, see);
    }
    if let Some(items) = keywords.get("items") {
        walk(&format!("{path}[]"), items, see);
    }
    if let Some(entries) = keywords.get("additionalProperties").filter(|entries| entries.is_object()) {
        walk(&format!("{path}{{}}"), entries, see);
    }
}

fn schemas() -> [(&'static str, Map<String, Value>); 5] {
    [
        ("start", plain_schema::<StartRequest>()),
        ("decision", plain_schema::<DecisionRequest>()),
        ("record", plain_schema::<RecordRequest>()),
        ("finish", plain_schema::<FinishRequest>()),
        ("review", plain_schema::<ReviewRequest>()),
    ]
}

#[test]
fn schemas_keep_to_what_every_client_takes() {
    const ALLOWED: [&str; 8] =
        ["type", "properties", "required", "additionalProperties", "items", "enum", "description", "default"];
    for (name, schema) in schemas() {
        assert_eq!(schema["type"], "object", "{name}");
        walk(name, &Value::Object(schema), &mut |path, keywords| {
            for keyword in keywords.keys() {
                assert!(ALLOWED.contains(&keyword.as_str()), "{path} has {keyword}");
            }
            assert!(keywords.get("type").is_none_or(Value::is_string), "{path} has several types");
            assert!(keywords.get("description").is_none_or(|text| text != ""), "{path} describes nothing");
            assert!(keywords.get("default").is_none_or(|default| !default.is_null()), "{path}");
            // Not every field that is taken is shown, and the reading of a request refuses the others by name.
            assert!(
                keywords.get("additionalProperties").is_none_or(|value| value != false),
                "{path} is closed"
            );
        });
    }
}

#[test]
fn the_recording_tools_leave_room_for_the_reading_ones() {
    let sizes = schemas().map(|(name, schema)| (name, Value::Object(schema).to_string().len()));
    let total: usize = sizes.iter().map(|(_, size)| size).sum();
    assert!(total <= 5_200, "{total}: {sizes:?}");
}

#[test]
fn the_schema_of_a_decision() {
    insta::assert_snapshot!(serde_json::to_string(&plain_schema::<DecisionRequest>()).unwrap(), @r#"{"type":"object","properties":{"trace_id":{"type":"string"},"stage":{"type":"string","description":"Phase, e.g. \"collection\""},"decision":{"type":"string","description":"Short key, same in every run, e.g. \"source_selection\""},"what":{"type":"string","description":"What was chosen"},"why":{"type":"string","description":"Why, over the alternatives"},"confidence":{"type":"number","description":"0..1"},"alternatives_considered":{"type":"array","items":{"type":"object","properties":{"option":{"type":"string"},"score":{"type":"number"},"why_not":{"type":"string"}},"required":["option"]},"description":"Options not taken"},"inputs":{"type":"object","description":"What it was based on"},"evidence_ids":{"type":"array","items":{"type":"string"}},"result":{"description":"What came back at once","type":"string"},"actor":{"type":"string"},"decision_id":{"type":"string","description":"Own id, for safe retries"}},"required":["trace_id","stage","decision","what","why"]}"#);
}

#[test]
fn the_schema_of_a_review() {
    insta::assert_snapshot!(serde_json::to_string(&plain_schema::<ReviewRequest>()).unwrap(), @r#"{"type":"object","properties":{"trace_id":{"type":"string"},"flagged_for_review":{"type":"boolean"},"notes":{"type":"string"},"decision_id":{"type":"string"},"correct":{"type":"boolean","description":"It proved right"},"outcome_note":{"type":"string"},"flag_id":{"type":"string"},"flag_action":{"type":"string","enum":["acknowledge","snooze","resolve","reopen"]},"snooze_until":{"type":"string","description":"RFC 3339, or e.g. \"7d\", \"12h\""}}}"#);
}

#[test]
fn the_kinds_are_described_by_their_fields() {
    let schema = plain_schema::<RecordRequest>();
    let kind = &schema["properties"]["events"]["items"]["properties"]["kind"];
    insta::assert_snapshot!(kind.to_string(), @r#"{"description":"The fields of each kind. start: as trace_start; stage_start: stage; stage_end: stage outputs error; decision: as trace_record_decision; evidence: stage collected_count passed_count filtered_count by_source kept filtered_out; prompt: stage model system_prompt user_message response input_tokens output_tokens cost_usd; iteration: passed score scale_max gap_principles changes input_tokens output_tokens cost_usd; outputs: stage outputs report_path output_paths; result: decision_id result error duration_seconds evidence_ids; correction: decision_id reason what why confidence; finish: as trace_finish","type":"string","enum":["start","stage_start","stage_end","decision","evidence","prompt","iteration","outputs","result","correction","finish"]}"#);
}

#[test]
fn every_field_of_an_event_belongs_to_a_kind_and_every_kind_has_its_fields() {
    let shape = super::schema::shape::<EventRequest>();
    let properties = shape["properties"].as_object().unwrap();
    for name in properties.keys().filter(|name| !matches!(name.as_str(), "kind" | "timestamp")) {
        assert!(EventKind::ALL.iter().any(|kind| kind.fields().contains(&name.as_str())), "{name}");
    }
    for kind in EventKind::ALL {
        assert_eq!(json!(kind), kind.as_str());
        for name in kind.fields() {
            assert!(properties.contains_key(*name), "{name} of {}", kind.as_str());
        }
        for name in kind.required() {
            assert!(kind.fields().contains(name), "{name} of {}", kind.as_str());
        }
    }
}

#[test]
fn an_event_takes_every_field_of_the_tools_whose_kinds_it_has() {
    let of = |schema: Map<String, Value>| -> Vec<String> {
        schema["properties"].as_object().unwrap().keys().cloned().collect()
    };
    for (kind, fields) in [
        (EventKind::Start, of(plain_schema::<StartRequest>())),
        (EventKind::Decision, of(plain_schema::<DecisionRequest>())),
        (EventKind::Finish, of(plain_schema::<FinishRequest>())),
    ] {
        for name in fields.iter().filter(|name| !matches!(name.as_str(), "trace_id" | "timestamp")) {
            assert!(kind.fields().contains(&name.as_str()), "{name} of {}", kind.as_str());
        }
    }
}

#[test]
fn numbers_and_truths_in_quotes_are_taken() {
    assert_eq!(parsed(&json!({"confidence": " 0.9 "})).confidence, Some(0.9));
    let finish: FinishRequest = parse(
        json!({"trace_id": "t", "passed": "True", "input_tokens": "1200", "output_tokens": 7.0, "score": "2"}),
    )
    .unwrap();
    assert_eq!(
        (finish.passed, finish.input_tokens, finish.output_tokens, finish.score),
        (Some(true), Some(1200), Some(7), Some(2.0))
    );
}

#[test]
fn alternatives_are_taken_in_every_form_that_models_send() {
    let listed = parsed(&json!({"alternatives_considered": [
        {"option": "google", "score": 0.6}
    ]}));
    for form in [
        json!(["google (0.60)"]),
        json!("google (0.60)"),
        json!("[\"google (0.60)\"]"),
        json!("[{\"option\": \"google\", \"score\": \"0.6\"}]"),
        json!({"option": "google", "score": 0.6}),
    ] {
        assert_eq!(parsed(&json!({"alternatives_considered": form})), listed, "{form}");
    }
}

#[test]
fn principle_scores_are_taken_as_a_list_and_as_a_map() {
    let scores = |form: Value| {
        parse::<FinishRequest>(json!({"trace_id": "t", "principle_scores": form})).unwrap().principle_scores
    };
    let listed = scores(json!([{"id": "META-1", "score": 3}, {"id": "id-2", "score": 1.5}]));
    for form in [
        json!({"META-1": 3, "id-2": "1.5"}),
        json!("{\"META-1\": 3, \"id-2\": 1.5}"),
        json!("[{\"id\": \"META-1\", \"score\": 3}, {\"id\": \"id-2\", \"score\": 1.5}]"),
    ] {
        assert_eq!(scores(form.clone()), listed, "{form}");
    }
}

#[test]
fn json_as_text_is_taken_for_the_object_or_array_it_stands_for() {
    assert_eq!(parsed(&json!({"inputs": "{\"hits\": 3}"})).inputs, Some(json!({"hits": 3})));
    let batch: RecordRequest = parse(json!({
        "trace_id": "t",
        "events": "[{\"kind\": \"evidence\", \"stage\": \"s\", \"by_source\": \"{\\\"exa\\\": \\\"22\\\"}\"}]",
    }))
    .unwrap();
    assert_eq!(batch.events[0].by_source["exa"], 22);
}

#[test]
fn a_result_that_looks_like_json_stays_the_text_it_is() {
    assert_eq!(parsed(&json!({"result": "[1]"})).result, Some(json!("[1]")));
}

#[test]
fn one_item_is_taken_for_a_list_of_one_and_a_number_for_an_id() {
    assert_eq!(parsed(&json!({"evidence_ids": "e1"})).evidence_ids, ["e1"]);
    assert_eq!(parsed(&json!({"evidence_ids": [1, "e2"]})).evidence_ids, ["1", "e2"]);
    let batch: RecordRequest =
        parse(json!({"trace_id": "t", "events": {"kind": "STAGE_START", "stage": "s"}})).unwrap();
    assert_eq!(batch.events[0].kind, EventKind::StageStart);
}

#[test]
fn null_and_blank_count_as_absent_where_a_field_is_optional() {
    let nothing = json!({"confidence": "", "alternatives_considered": null, "inputs": " ", "actor": null});
    assert_eq!(parsed(&nothing), parsed(&json!({})));
    assert_eq!(parse::<FinishRequest>(json!({"trace_id": "t", "status": ""})).unwrap().status, None);
}

#[test]
fn no_arguments_are_refused_as_missing_ones() {
    insta::assert_snapshot!(refused::<StartRequest>(Value::Null), @r#"project: is missing from the required fields project, query; send "project" and "query""#);
    insta::assert_snapshot!(refused::<StartRequest>(json!("project x")), @r#"arguments: "project x" is not an object; send an object of named fields: {"name": value}"#);
}

#[test]
fn an_unknown_field_is_answered_with_the_nearest_name() {
    insta::assert_snapshot!(refused::<DecisionRequest>(with(decision(), &json!({"confidance": 1, "mood": "good"}))), @r#"confidance: is not among the fields trace_id, stage, decision, what, why, confidence, alternatives_considered, inputs, evidence_ids, result, actor, decision_id, timestamp; send "confidance" as "confidence", leave "mood" out"#);
    let hidden = refused::<DecisionRequest>(with(decision(), &json!({"\u{1b}[31m\"; obey\n": 1})));
    assert!(hidden.starts_with("\"'; obey\": is not among the fields trace_id, "), "{hidden}");
}

#[test]
fn an_unknown_status_is_answered_with_the_known_ones() {
    let finish = |status: &str| refused::<FinishRequest>(json!({"trace_id": "t", "status": status}));
    insta::assert_snapshot!(finish("completed"), @r#"status: "completed" is not one of complete, failed, incomplete; send "complete""#);
    insta::assert_snapshot!(finish("in_progress"), @r#"status: "in_progress" is not one of complete, failed, incomplete; send one of these"#);
}

#[test]
fn a_missing_field_is_answered_with_what_it_means() {
    let mut request = decision();
    request.as_object_mut().unwrap().remove("why");
    insta::assert_snapshot!(refused::<DecisionRequest>(request), @r#"why: is missing from the required fields trace_id, stage, decision, what, why; send "why": Why, over the alternatives"#);
}

#[test]
fn another_type_is_answered_with_the_path_and_the_right_one() {
    insta::assert_snapshot!(refused::<DecisionRequest>(with(decision(), &json!({"confidence": "high"}))), @r#"confidence: "high" is not a number; send a number such as 0.75, or leave the field out"#);
    insta::assert_snapshot!(refused::<DecisionRequest>(with(decision(), &json!({"inputs": "what I knew"}))), @r#"inputs: "what I knew" is not an object; send an object of named fields: {"name": value}"#);
    insta::assert_snapshot!(
        refused::<RecordRequest>(json!({"events": [{"kind": "prompt"}, {"kind": "evidence", "by_source": {"exa": 1.5}}]})),
        @"events[1].by_source.exa: 1.5 is not a whole number; send a whole number such as 1200, or leave the field out"
    );
    insta::assert_snapshot!(
        refused::<DecisionRequest>(with(decision(), &json!({"alternatives_considered": ["a", {"option": ["b"]}]}))),
        @"alternatives_considered[1].option: an array is not a text; send a text in quotes"
    );
}
