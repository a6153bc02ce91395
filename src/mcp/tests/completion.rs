//! What is offered to a person who has typed the beginning of an argument.

use std::collections::HashMap;

use rmcp::model::{ArgumentInfo, CompleteRequestParams, CompletionContext, CompletionInfo, Reference};
use rmcp::service::ClientLifecycleMode;
use serde_json::{Value, json};

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

/// The same with other arguments filled in.
async fn of_filled(client: &Client, prompt: &str, filled: Value, argument: &str, typed: &str) -> Vec<String> {
    let filled: HashMap<String, String> = serde_json::from_value(filled).unwrap();
    let argument = ArgumentInfo::new(argument, typed);
    let request = CompleteRequestParams::new(Reference::for_prompt(prompt), argument)
        .with_context(CompletionContext::with_arguments(filled));
    client.complete(request).await.unwrap().completion.values
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
    assert_eq!(of_prompt(&client, "weekly_calibration", "project", "COB").await, ["Cobalt", "cobot"]);
    assert_eq!(of_prompt(&client, "weekly_calibration", "project", "co").await, ["cobot", "Cobalt"]);
    assert_eq!(of_prompt(&client, "record_my_run", "project", "watch").await, ["grid-watch"]);
    assert_eq!(of_prompt(&client, "record_my_run", "task", "c").await, [""; 0]);
}

#[tokio::test]
async fn what_is_filled_in_narrows_what_is_offered() {
    let (bench, client) = bench().await;
    for (id, project, intent, domain) in [
        ("t1", "cobot", "sell", "robots"),
        ("t2", "grid-watch", "buy", "energy"),
        ("t3", "cobot", "rent", "robots"),
    ] {
        let run =
            json!({"project": project, "query": "?", "trace_id": id, "intent": intent, "domain": domain});
        ask(&client, "trace_start", run).await;
    }
    for (stage, key) in [("plan", "depth"), ("collect", "source"), ("plan", "order"), ("collect", "source")] {
        let decision = json!({"trace_id": "t1", "stage": stage, "decision": key, "what": "x", "why": "y"});
        ask(&client, "trace_record_decision", decision).await;
    }
    bench.recorder.settled().await;
    let calibration =
        async |filled, argument| of_filled(&client, "weekly_calibration", filled, argument, "").await;
    assert_eq!(calibration(json!({}), "intent").await, ["buy", "rent", "sell"]);
    assert_eq!(calibration(json!({"project": "cobot"}), "intent").await, ["rent", "sell"]);
    assert_eq!(calibration(json!({"project": "cobot", "intent": "sell"}), "domain").await, ["robots"]);
    assert_eq!(calibration(json!({"project": "none"}), "intent").await, [""; 0]);
    assert_eq!(of_filled(&client, "compare_runs", json!({"project": "cobot"}), "a", "t").await, ["t1", "t3"]);

    let debug =
        async |filled, argument, typed| of_filled(&client, "debug_run", filled, argument, typed).await;
    assert_eq!(debug(json!({"trace_id": "t1"}), "stage", "").await, ["plan", "collect"]);
    assert_eq!(debug(json!({"trace_id": "t1"}), "stage", "C").await, ["collect"]);
    assert_eq!(debug(json!({"trace_id": "t1"}), "decision", "").await, ["depth", "order", "source"]);
    assert_eq!(debug(json!({"trace_id": "t1", "stage": "plan"}), "decision", "").await, ["depth", "order"]);
    assert_eq!(debug(json!({"trace_id": "none"}), "stage", "").await, [""; 0]);
    assert_eq!(debug(json!({}), "stage", "").await, [""; 0], "no run has failed");
    ask(&client, "trace_finish", json!({"trace_id": "t1", "status": "failed"})).await;
    bench.recorder.settled().await;
    assert_eq!(debug(json!({}), "stage", "p").await, ["plan"], "the prompt is about the last that failed");
}

#[tokio::test]
async fn a_hundred_are_offered_and_how_many_there_are_is_said_as_far_as_they_are_counted() {
    let bench = Bench::new();
    let client = bench.client().await;
    let completed = async || -> CompletionInfo {
        let argument = ArgumentInfo::new("trace_id", "r");
        let request = CompleteRequestParams::new(Reference::for_resource("trace://{trace_id}"), argument);
        client.complete(request).await.unwrap().completion
    };
    for count in [100, 101, 1_001] {
        for number in bench.recorder.stores().live.recent(2_000).len()..count {
            let run = json!({"project": "cobot", "query": "?", "trace_id": format!("r{number:04}")});
            ask(&client, "trace_start", run).await;
        }
        bench.recorder.settled().await;
        let completion = completed().await;
        assert_eq!((completion.values.len(), completion.has_more), (100, Some(count > 100)));
        assert_eq!(completion.total, u32::try_from(count).ok().filter(|count| *count <= 1_000));
    }
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
    let foreign = json!({"project": "grid-watch", "trace_id": "grid-1"});
    assert_eq!(of_filled(&client, "compare_runs", foreign.clone(), "a", "").await, ["last", "last-failed"]);
    for argument in ["stage", "decision"] {
        assert_eq!(of_filled(&client, "debug_run", foreign.clone(), argument, "").await, [""; 0]);
    }
}

#[tokio::test]
async fn what_has_no_such_argument_says_which_it_has() {
    let (_bench, client) = bench().await;
    let error = client.complete_prompt_simple("debug_run", "run", "x").await.unwrap_err();
    assert!(error.to_string().contains("debug_run has trace_id, stage, decision"), "{error}");
    let error = client.complete_resource_simple("trace://{id}", "id", "x").await.unwrap_err();
    assert!(error.to_string().contains("have trace_id"), "{error}");
}

#[tokio::test]
async fn with_the_database_away_what_is_at_hand_is_offered() {
    let bench = Bench::without_database();
    let client = bench.client().await;
    let run = json!({"project": "cobot", "query": "which arm?", "trace_id": "cob-1", "intent": "sell"});
    ask(&client, "trace_start", run).await;
    ask(
        &client,
        "trace_record_decision",
        json!({"trace_id": "cob-1", "stage": "plan", "decision": "k", "what": "x", "why": "y"}),
    )
    .await;
    assert_eq!(of_template(&client, "trace://{trace_id}", "c").await, ["cob-1"]);
    assert_eq!(of_template(&client, "trace://{trace_id}", "d").await, [""; 0]);
    assert_eq!(of_prompt(&client, "weekly_calibration", "project", "").await, ["cobot"]);
    assert_eq!(of_prompt(&client, "weekly_calibration", "intent", "S").await, ["sell"]);
    assert_eq!(of_prompt(&client, "weekly_calibration", "domain", "").await, [""; 0]);
    assert_eq!(of_filled(&client, "debug_run", json!({"trace_id": "cob-1"}), "stage", "").await, ["plan"]);
}
