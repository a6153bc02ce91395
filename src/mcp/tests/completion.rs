//! What is offered to a person who has typed the beginning of an argument.

use rmcp::service::ClientLifecycleMode;
use serde_json::json;

use crate::access::Principal;
use crate::mcp::testing::{Bench, Client, ask, connect};
use crate::store::index::Scope;

async fn bench() -> (Bench, Client) {
    let bench = Bench::new();
    let client = bench.client().await;
    for (id, project) in
        [("cob-1", "cobot"), ("cob-2", "Cobalt"), ("grid-1", "grid-watch"), ("x\u{202e}y", "mine")]
    {
        ask(&client, "trace_start", json!({"project": project, "query": "which arm?", "trace_id": id})).await;
    }
    bench.recorder.settled().await;
    (bench, client)
}

async fn of_prompt(client: &Client, prompt: &str, argument: &str, typed: &str) -> Vec<String> {
    client.complete_prompt_simple(prompt, argument, typed).await.unwrap()
}

async fn of_template(client: &Client, uri: &str, typed: &str) -> Vec<String> {
    client.complete_resource_simple(uri, "trace_id", typed).await.unwrap()
}

#[tokio::test]
async fn runs_are_offered_by_the_beginning_of_their_ids_the_latest_first_where_nothing_is_typed() {
    let (_bench, client) = bench().await;
    assert_eq!(
        of_prompt(&client, "debug_run", "trace_id", "").await,
        ["last", "last-failed", "grid-1", "cob-2", "cob-1"]
    );
    assert_eq!(of_prompt(&client, "compare_runs", "b", "cob").await, ["cob-1", "cob-2"]);
    assert_eq!(of_prompt(&client, "compare_runs", "a", "last-").await, ["last-failed"]);
    for uri in ["trace://{trace_id}", "trace://{trace_id}/summary"] {
        assert_eq!(of_template(&client, uri, "g").await, ["grid-1"]);
        assert_eq!(of_template(&client, uri, "last").await, [""; 0], "an address has an exact id");
    }
}

#[tokio::test]
async fn projects_are_offered_whatever_the_case_and_tasks_are_not() {
    let (_bench, client) = bench().await;
    let mut found = of_prompt(&client, "weekly_calibration", "project", "COB").await;
    found.sort();
    assert_eq!(found, ["Cobalt", "cobot"]);
    assert_eq!(of_prompt(&client, "record_my_run", "project", "watch").await, ["grid-watch"]);
    assert_eq!(of_prompt(&client, "record_my_run", "task", "c").await, [""; 0]);
}

#[tokio::test]
async fn nothing_is_offered_that_whoever_asks_may_not_see() {
    let (bench, _client) = bench().await;
    let scope = Scope::Projects(vec!["cobot".to_owned()]);
    let server = bench.server.for_principal(Principal::trusted(scope));
    let client = connect(server, ClientLifecycleMode::Initialize).await;
    assert_eq!(of_template(&client, "trace://{trace_id}", "").await, ["cob-1"]);
    assert_eq!(of_prompt(&client, "compare_runs", "a", "grid").await, [""; 0]);
    assert_eq!(of_prompt(&client, "weekly_calibration", "project", "").await, ["cobot"]);
}

#[tokio::test]
async fn what_has_no_such_argument_says_which_it_has() {
    let (_bench, client) = bench().await;
    let error = client.complete_prompt_simple("debug_run", "run", "x").await.unwrap_err();
    assert!(error.to_string().contains("debug_run has trace_id"), "{error}");
    let error = client.complete_resource_simple("trace://{id}", "id", "x").await.unwrap_err();
    assert!(error.to_string().contains("have trace_id"), "{error}");
}

#[tokio::test]
async fn with_the_database_away_what_is_at_hand_is_offered() {
    let bench = Bench::without_database();
    let client = bench.client().await;
    ask(&client, "trace_start", json!({"project": "cobot", "query": "which arm?", "trace_id": "cob-1"}))
        .await;
    assert_eq!(of_template(&client, "trace://{trace_id}", "c").await, ["cob-1"]);
    assert_eq!(of_prompt(&client, "weekly_calibration", "project", "").await, [""; 0]);
}
