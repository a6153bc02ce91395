//! What clients are shown of the tools.

use serde_json::{Value, json};

use super::super::TOOLS;

fn visit(schema: &Value, look: &mut impl FnMut(&Value)) {
    look(schema);
    for inner in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
        visit(inner.1, look);
    }
    if let Some(items) = schema.get("items") {
        visit(items, look);
    }
}

#[test]
fn the_tools_come_in_their_order_and_only_read() {
    assert_eq!(
        TOOLS.map(|tool| tool.name),
        [
            "trace_list",
            "trace_summary",
            "trace_full",
            "trace_compare",
            "trace_search_decisions",
            "trace_diagnose",
            "principle_patterns",
            "calibration_flags",
            "confidence_calibration"
        ]
    );
    assert!(TOOLS.iter().all(|tool| !tool.writes && tool.idempotent));
}

#[test]
fn what_a_model_is_shown_is_small() {
    let shown: Vec<Value> = TOOLS
        .iter()
        .map(|tool| {
            json!({"name": tool.name, "title": tool.title, "description": tool.description, "inputSchema": (tool.input_schema)()})
        })
        .collect();
    let sizes: Vec<usize> = shown.iter().map(|one| one.to_string().chars().count()).collect();
    assert!(sizes.iter().sum::<usize>() < 6_500, "{sizes:?}");
    let of =
        |name: &str| shown.iter().zip(&sizes).find(|(tool, _)| tool["name"] == name).map(|(_, size)| *size);
    assert!(of("trace_search_decisions").is_some_and(|size| size <= 880), "{sizes:?}");
    let outputs: usize =
        TOOLS.iter().map(|tool| Value::Object((tool.output_schema)()).to_string().len()).sum();
    assert!(outputs < 8_700, "{outputs}");
}

#[test]
fn input_schemas_are_flat_and_plain() {
    for tool in TOOLS {
        let schema = Value::Object((tool.input_schema)());
        assert!(schema.get("additionalProperties").is_none(), "{}", tool.name);
        visit(&schema, &mut |schema| {
            assert!(schema["type"].is_string(), "{}: {schema}", tool.name);
            for keyword in ["$ref", "oneOf", "anyOf", "allOf", "format", "$defs"] {
                assert!(schema.get(keyword).is_none(), "{}: {keyword}", tool.name);
            }
        });
        assert_eq!(schema["properties"]["max_tokens"]["type"], "integer", "{}", tool.name);
    }
}

#[test]
fn the_schema_of_a_list() {
    let schema = Value::Object((TOOLS[0].input_schema)());
    insta::assert_snapshot!(schema.to_string(), @r#"{"type":"object","properties":{"project":{"type":"string"},"intent":{"type":"string"},"domain":{"type":"string"},"status":{"type":"string","enum":["in_progress","complete","incomplete","failed"]},"gate":{"type":"string","enum":["passed","failed","unknown"]},"score_min":{"type":"number","description":"On the 0..3 scale"},"score_max":{"type":"number"},"since":{"type":"string","description":"RFC 3339, or ago: 30m, 24h, 7d, 2w"},"until":{"type":"string"},"gap":{"type":"string","description":"Failed principle"},"flagged":{"type":"boolean"},"tag":{"type":"string"},"text":{"type":"string","description":"In query, tags, error"},"sort":{"type":"string","enum":["newest","oldest","score_high","score_low","longest","costliest"]},"limit":{"type":"integer","description":"Default 20, most 100"},"cursor":{"type":"string","description":"From the last page"},"max_tokens":{"type":"integer","description":"Default 4000, 300..20000"}}}"#);
}
