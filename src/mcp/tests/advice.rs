//! Advice to whoever records a decision.

use serde_json::{Value, json};

use crate::mcp::testing::{Bench, Client, ask, connect};
use rmcp::ClientLifecycleMode;

async fn begin(client: &Client) -> Value {
    let run = json!({"project": "cobot", "query": "which arm?", "intent": "validating"});
    ask(client, "trace_start", run).await["trace_id"].clone()
}

async fn decide(client: &Client, run: &Value, what: &str, inputs: u32) -> Value {
    let decision = json!({
        "trace_id": run, "stage": "collection", "decision": "source_selection", "what": what,
        "why": "it covers the last month, the others do not", "confidence": 0.8,
        "alternatives_considered": [{"option": "other"}], "inputs": {"page": inputs},
    });
    ask(client, "trace_record_decision", decision).await["advice"].clone()
}

#[tokio::test]
async fn the_same_advice_is_given_once_in_a_run() {
    let bench = Bench::new();
    let client = bench.client().await;
    let run = begin(&client).await;
    assert_eq!(decide(&client, &run, "exa", 1).await, Value::Null);
    let advice = decide(&client, &run, "exa", 1).await;
    assert!(advice.as_str().unwrap().starts_with("The same as decision \""), "{advice}");
    assert_eq!(decide(&client, &run, "exa", 1).await, Value::Null);
    let other = begin(&client).await;
    assert_eq!(decide(&client, &other, "exa", 1).await, Value::Null, "another run");
}

#[tokio::test]
async fn an_option_that_went_wrong_before_is_told_of_with_its_numbers() {
    let bench = Bench::new();
    drop(bench.client().await);
    let silent = connect(bench.server.clone().without_advice(), ClientLifecycleMode::Initialize).await;
    for (what, passed) in
        [("exa", false); 7].into_iter().chain([("exa", true), ("bing", true), ("bing", true)])
    {
        let run = begin(&silent).await;
        decide(&silent, &run, what, 0).await;
        ask(&silent, "trace_finish", json!({"trace_id": run, "passed": passed})).await;
    }
    // The record is looked up beside the recording, so that it may be there only for one of the next decisions.
    let client = connect(bench.server.clone(), ClientLifecycleMode::Initialize).await;
    let run = begin(&client).await;
    for inputs in 1..1_000 {
        let advice = decide(&client, &run, "exa", inputs).await;
        if advice.as_str().is_some_and(|advice| advice.starts_with("This option failed")) {
            let told = "This option failed the gate in 7 of 8 earlier runs for intent \"validating\"; others failed in 0 of 2.";
            assert_eq!(advice, told);
            return;
        }
    }
    panic!("never told of");
}

#[tokio::test]
async fn advice_can_be_switched_off() {
    let bench = Bench::new();
    drop(bench.client().await);
    let client = connect(bench.server.clone().without_advice(), ClientLifecycleMode::Initialize).await;
    let run = begin(&client).await;
    for _ in 0..2 {
        assert_eq!(decide(&client, &run, "exa", 1).await, Value::Null);
    }
}
