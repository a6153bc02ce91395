//! Runs as resources.

use rmcp::model::{ReadResourceRequestParams, ResourceContents};
use serde_json::{Value, json};

use crate::mcp::testing::{Bench, Client, ask, call};

const ID: &str = "a/b \u{e9}?";
const URI: &str = "trace://a%2Fb%20%C3%A9%3F";

async fn started(query: &str) -> (Bench, Client) {
    let bench = Bench::new();
    let client = bench.client().await;
    ask(&client, "trace_start", json!({"project": "cobot", "query": query, "trace_id": ID})).await;
    (bench, client)
}

async fn read(client: &Client, uri: &str) -> (String, String, Option<u64>) {
    let result = client.read_resource(ReadResourceRequestParams::new(uri)).await.unwrap();
    let ResourceContents::TextResourceContents { text, mime_type, .. } = &result.contents[0] else {
        panic!()
    };
    (text.clone(), mime_type.clone().unwrap(), result.ttl_ms)
}

#[tokio::test]
async fn a_run_is_read_as_json_and_as_markdown_by_its_encoded_id() {
    let (_bench, client) = started("which arm?").await;
    let (text, kind, _) = read(&client, URI).await;
    let document: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((kind.as_str(), &document["trace_id"]), ("application/json", &json!(ID)));
    let (text, kind, _) = read(&client, &format!("{URI}/summary")).await;
    assert!(kind == "text/markdown" && text.starts_with("# Trace"), "{text}");
}

#[tokio::test]
async fn the_most_recent_runs_are_listed_in_both_forms() {
    let (_bench, client) = started("which\u{202e} arm?").await;
    let listed = client.list_all_resources().await.unwrap();
    let (skills, runs) = listed.split_at(2);
    assert!(skills.iter().all(|skill| skill.uri.starts_with("skill://")), "{skills:?}");
    let uris: Vec<&str> = runs.iter().map(|resource| resource.uri.as_str()).collect();
    assert_eq!(uris, [format!("{URI}/summary").as_str(), URI]);
    assert_eq!(runs[1].title.as_deref(), Some("Run: which arm?"));
    let templates = client.list_all_resource_templates().await.unwrap();
    let uris: Vec<&str> = templates.iter().map(|template| template.uri_template.as_str()).collect();
    assert_eq!(uris, ["trace://{trace_id}", "trace://{trace_id}/summary"]);
}

#[tokio::test]
async fn what_nobody_would_see_is_escaped_and_the_value_stays() {
    let (_bench, client) = started("which\u{202e} arm\u{e0041}?").await;
    let (text, ..) = read(&client, URI).await;
    assert!(text.contains("which\\u202e arm\\udb40\\udc41?"), "{text}");
    let document: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(document["run"]["query"], "which\u{202e} arm\u{e0041}?");
}

#[tokio::test]
async fn an_ended_run_may_be_kept_and_an_open_one_not() {
    let bench = Bench::new();
    let client = bench.modern_client().await;
    ask(&client, "trace_start", json!({"project": "cobot", "query": "?", "trace_id": "t1"})).await;
    assert_eq!(read(&client, "trace://t1").await.2, Some(0));
    ask(&client, "trace_finish", json!({"trace_id": "t1"})).await;
    assert_eq!(read(&client, "trace://t1").await.2, Some(3_600_000));
}

#[tokio::test]
async fn a_run_that_is_too_large_names_the_calls_that_continue() {
    let (_bench, client) = started("which arm?").await;
    for part in 0..5 {
        let prompt = json!({"kind": "prompt", "stage": "s", "response": "x".repeat(250_000), "model": format!("m{part}")});
        call(&client, "trace_record", json!({"trace_id": ID, "events": [prompt]})).await;
    }
    let (text, kind, _) = read(&client, URI).await;
    assert!(
        kind == "text/plain" && text.contains("trace_full with trace_id \"a/b \u{e9}?\""),
        "{kind} {}",
        text.len()
    );
}

#[tokio::test]
async fn what_names_no_run_is_not_found() {
    let (_bench, client) = started("which arm?").await;
    for uri in ["trace://nothing", "file:///etc/passwd", "trace://a/b"] {
        let error = client.read_resource(ReadResourceRequestParams::new(uri)).await.unwrap_err().to_string();
        assert!(error.contains("-32002"), "{uri}: {error}");
    }
}
