//! What clients are shown, and the promises that hold for every tool.

use std::sync::Arc;

use futures::FutureExt as _;
use rmcp::model::{CacheScope, CallToolRequestParams, GetPromptRequestParams, PaginatedRequestParams};
use rmcp::{ClientLifecycleMode, ServerHandler as _};
use serde_json::{Map, Value, json};

use crate::mcp::ToolSet;
use crate::mcp::testing::{Bench, Client, ask, call, connect, text};
use crate::mcp::tool::{Answer, Context, Tool, ToolError};
use crate::recorder::Switch;

/// What all tools may take in a model's context, in characters of compact JSON.
const SHOWN_CHARS: usize = 12_000;

/// What `tools/list` may take.
const LISTED_CHARS: usize = 30_000;

/// What the recording tools may take of it, beside their schemas: names, titles and descriptions.
const PROSE_CHARS: usize = 1_350;

async fn tools(client: &Client) -> Vec<Value> {
    let listed = client.list_tools(None).await.unwrap();
    listed.tools.iter().map(|tool| serde_json::to_value(tool).unwrap()).collect()
}

fn names(tools: &[Value]) -> Vec<&str> {
    tools.iter().map(|tool| tool["name"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn the_list_of_tools_as_a_client_sees_it() {
    let bench = Bench::new();
    let shown: Vec<Value> = tools(&bench.client().await)
        .await
        .into_iter()
        .filter(|tool| tool["annotations"]["readOnlyHint"] == false)
        .collect();
    insta::assert_snapshot!(serde_json::to_string_pretty(&shown).unwrap());
}

#[tokio::test]
async fn tools_come_in_one_order_with_the_recording_ones_first() {
    let bench = Bench::new();
    let client = bench.client().await;
    let first = tools(&client).await;
    assert_eq!(
        names(&first)[..5],
        ["trace_start", "trace_record_decision", "trace_record", "trace_finish", "trace_review"]
    );
    assert_eq!(first, tools(&client).await);
}

#[tokio::test]
async fn every_tool_has_a_title_a_description_both_schemas_and_all_four_annotations() {
    let bench = Bench::new();
    for tool in tools(&bench.client().await).await {
        let name = &tool["name"];
        assert!(tool["title"].is_string() && tool["description"].is_string(), "{name}");
        assert_eq!(tool["inputSchema"]["type"], "object", "{name}");
        assert_eq!(tool["outputSchema"]["type"], "object", "{name}");
        for hint in ["readOnlyHint", "destructiveHint", "idempotentHint", "openWorldHint"] {
            assert!(tool["annotations"][hint].is_boolean(), "{name}: {hint}");
        }
    }
}

#[tokio::test]
async fn schemas_keep_to_what_every_client_takes() {
    const ALLOWED: [&str; 8] =
        ["type", "properties", "required", "additionalProperties", "items", "enum", "description", "default"];
    fn walk(path: &str, schema: &Value) {
        let Some(keywords) = schema.as_object() else { return };
        for keyword in keywords.keys() {
            assert!(ALLOWED.contains(&keyword.as_str()), "{path} has {keyword}");
        }
        assert!(keywords.get("type").is_none_or(Value::is_string), "{path} has several types");
        for (name, property) in keywords.get("properties").and_then(Value::as_object).into_iter().flatten() {
            walk(&format!("{path}.{name}"), property);
        }
        for inner in ["items", "additionalProperties"] {
            walk(&format!("{path}.{inner}"), &schema[inner]);
        }
    }
    let bench = Bench::new();
    for tool in tools(&bench.client().await).await {
        for schema in ["inputSchema", "outputSchema"] {
            walk(&format!("{}.{schema}", tool["name"]), &tool[schema]);
        }
    }
}

#[tokio::test]
async fn the_tools_leave_room_in_a_context_window() {
    let bench = Bench::new();
    let listed = tools(&bench.client().await).await;
    let size = |tool: &Value, fields: &[&str]| -> usize {
        let shown: Map<String, Value> =
            fields.iter().map(|field| ((*field).to_owned(), tool[*field].clone())).collect();
        Value::Object(shown).to_string().len()
    };
    let shown: usize =
        listed.iter().map(|tool| size(tool, &["name", "title", "description", "inputSchema"])).sum();
    assert!(shown < SHOWN_CHARS, "{shown}");
    let prose: usize = listed
        .iter()
        .filter(|tool| tool["annotations"]["readOnlyHint"] == false)
        .map(|tool| size(tool, &["name", "title", "description"]))
        .sum();
    assert!(prose < PROSE_CHARS, "{prose}");
    let all = serde_json::to_string(&listed).unwrap().len();
    assert!(all < LISTED_CHARS, "{all}");
}

#[tokio::test]
async fn a_set_of_tools_is_offered_and_called_alone() {
    for (set, recording, prompts) in
        [(ToolSet::All, true, 4), (ToolSet::Read, false, 3), (ToolSet::Write, true, 1)]
    {
        let bench = Bench::with(set, Switch::default());
        let client = bench.client().await;
        assert_eq!(names(&tools(&client).await).contains(&"trace_start"), recording, "{set}");
        let start = CallToolRequestParams::new("trace_start")
            .with_arguments(json!({"project": "cobot", "query": "?"}).as_object().unwrap().clone());
        assert_eq!(client.call_tool(start).await.is_ok(), recording, "{set}");
        assert_eq!(client.list_all_prompts().await.unwrap().len(), prompts, "{set}");
    }
}

#[tokio::test]
async fn an_unknown_tool_prompt_or_cursor_is_a_protocol_error() {
    let bench = Bench::new();
    let client = bench.client().await;
    let error =
        client.call_tool(CallToolRequestParams::new("trace_everything")).await.unwrap_err().to_string();
    assert!(error.contains("-32602") && error.contains("trace_record_decision"), "{error}");
    let error = client.get_prompt(GetPromptRequestParams::new("other")).await.unwrap_err().to_string();
    assert!(error.contains("-32602"), "{error}");
    let page = PaginatedRequestParams::default().with_cursor(Some("2".to_owned()));
    let error = client.list_tools(Some(page)).await.unwrap_err().to_string();
    assert!(error.contains("-32602"), "{error}");
}

#[tokio::test]
async fn what_never_changes_may_be_kept_for_an_hour_by_anyone() {
    let bench = Bench::new();
    let client = bench.modern_client().await;
    let tools = client.list_tools(None).await.unwrap();
    assert_eq!((tools.ttl_ms, tools.cache_scope), (Some(3_600_000), Some(CacheScope::Public)));
    let prompts = client.list_prompts(None).await.unwrap();
    assert_eq!((prompts.ttl_ms, prompts.cache_scope), (Some(3_600_000), Some(CacheScope::Public)));
}

#[tokio::test]
async fn both_generations_of_clients_are_told_the_same_and_named_as_the_agent() {
    let bench = Bench::new();
    let instructions = bench.server.get_info().instructions.unwrap();
    let legacy = bench.client().await;
    assert_eq!(legacy.peer_info().unwrap().instructions.as_deref(), Some(instructions.as_str()));
    for client in [legacy, bench.modern_client().await] {
        let started = ask(&client, "trace_start", json!({"project": "cobot", "query": "?"})).await;
        let trace_id = started["trace_id"].as_str().unwrap().parse().unwrap();
        let stores = bench.recorder.stores();
        let run = stores.load(&trace_id, &crate::store::index::Scope::All).await.unwrap().unwrap().trace.run;
        assert_eq!(run.agent.name.as_deref(), Some("test-client"));
        assert_eq!(run.agent.version.as_deref(), Some("1.2.3"));
    }
}

#[tokio::test]
async fn the_distributed_trace_of_a_request_is_kept_with_the_run() {
    let bench = Bench::new();
    for (client, id) in [(bench.client().await, "old"), (bench.modern_client().await, "new")] {
        let parent = "00-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-01";
        let start = json!({"project": "cobot", "query": "?", "trace_id": id});
        let mut params =
            CallToolRequestParams::new("trace_start").with_arguments(start.as_object().unwrap().clone());
        let mut meta = rmcp::model::RequestMetaObject::new();
        meta.set_traceparent(parent);
        meta.set_tracestate("vendor=1");
        params.meta = Some(meta);
        client.call_tool(params).await.unwrap();
        let stores = bench.recorder.stores();
        let scope = crate::store::index::Scope::All;
        let trace = stores.load(&id.parse().unwrap(), &scope).await.unwrap().unwrap().trace;
        let context = trace.run.trace_context.unwrap();
        assert_eq!(context.traceparent.as_deref(), Some(parent));
        assert_eq!(context.tracestate.as_deref(), Some("vendor=1"));
    }
}

#[tokio::test]
async fn a_tool_that_panics_is_an_answer_and_the_server_goes_on() {
    fn panics(_: Arc<Context>, _: Value) -> futures::future::BoxFuture<'static, Result<Answer, ToolError>> {
        panic!("before there is a future")
    }
    const TOOL: Tool = Tool {
        name: "breaks",
        title: "",
        description: "",
        writes: false,
        idempotent: true,
        input_schema: Map::new,
        output_schema: Map::new,
        call: |_, _| async { panic!("within the future") }.boxed(),
    };
    let bench = Bench::new();
    let server =
        bench.server.clone().with_tools([TOOL, Tool { name: "breaks_at_once", call: panics, ..TOOL }]);
    let client = connect(server, ClientLifecycleMode::Initialize).await;
    for tool in ["breaks", "breaks_at_once", "breaks"] {
        let result = call(&client, tool, json!({})).await;
        assert_eq!(result.is_error, Some(true));
        assert!(text(&result).starts_with(&format!("internal: {tool} failed")), "{}", text(&result));
    }
}

#[tokio::test]
async fn an_answer_and_an_error_match_the_output_schema() {
    let bench = Bench::new();
    let client = bench.client().await;
    let listed = tools(&client).await;
    let trace = json!({"trace_id": "t1"});
    let with = |fields: &Value| {
        let mut all = trace.clone();
        all.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        all
    };
    let decision = json!({"stage": "s", "decision": "d", "what": "w", "why": "y"});
    for (tool, arguments) in [
        ("trace_start", with(&json!({"project": "cobot", "query": "?"}))),
        ("trace_record_decision", with(&decision)),
        ("trace_record", with(&json!({"events": [{"kind": "stage_start", "stage": "s"}]}))),
        ("trace_finish", with(&json!({"score": 1.0}))),
        ("trace_review", with(&json!({"notes": "look"}))),
    ] {
        let shown = listed.iter().find(|shown| shown["name"] == tool).unwrap();
        let schema = &shown["outputSchema"];
        assert!(schema.get("required").is_none() && schema.get("additionalProperties").is_none(), "{tool}");
        let answer = ask(&client, tool, arguments).await;
        for (field, value) in answer.as_object().unwrap() {
            let described = &schema["properties"][field]["type"];
            let actual = match value {
                Value::String(_) => "string",
                Value::Bool(_) => "boolean",
                Value::Number(number) if number.is_f64() => "number",
                Value::Number(_) => "integer",
                Value::Array(_) => "array",
                Value::Object(_) => "object",
                Value::Null => "null",
            };
            assert_eq!(described, actual, "{tool}.{field}");
        }
        let error = call(&client, tool, json!({"nothing": 1})).await.structured_content.unwrap();
        assert_eq!(error["code"], "invalid_argument");
        assert_eq!(error["retryable"], false);
    }
}
