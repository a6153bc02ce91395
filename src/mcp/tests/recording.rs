//! A run as an agent records it, from start to review, and again.

use serde_json::{Value, json};

use crate::access::Principal;
use crate::mcp::ToolSet;
use crate::mcp::testing::{Bench, Client, ask, both, call, fail, text};
use crate::recorder::Switch;
use crate::store::index::Scope;

async fn started() -> (Bench, Client) {
    let bench = Bench::new();
    let client = bench.client().await;
    ask(&client, "trace_start", json!({"project": "cobot", "query": "which arm?", "trace_id": "t1"})).await;
    (bench, client)
}

fn decision(id: &str, what: &str) -> Value {
    json!({
        "trace_id": "t1", "stage": "collection", "decision": "source_selection", "decision_id": id, "what": what,
        "why": "it has the most recent market figures", "confidence": 0.9,
        "alternatives_considered": ["linkedin (0.60)"],
    })
}

fn whole_run(trace_id: &str) -> Value {
    json!({"trace_id": trace_id, "events": [
        {"kind": "start", "project": "cobot", "query": "which arm?", "started_at": "2026-02-13T14:26:00Z"},
        {"kind": "stage_start", "stage": "collection"},
        {"kind": "decision", "stage": "collection", "decision": "source_selection", "what": "exa",
         "why": "recent", "confidence": 0.9, "decision_id": "d1"},
        {"kind": "evidence", "stage": "collection", "collected_count": 28, "passed_count": 18, "event_id": "e1"},
        {"kind": "finish", "score": 2.4, "principle_scores": [{"id": "META-12", "score": 1}], "cost_usd": 0.32,
         "completed_at": "2026-02-13T14:30:22Z"},
    ]})
}

#[tokio::test]
async fn the_answers_of_a_run_as_an_agent_reads_them() {
    let bench = Bench::new();
    let client = bench.client().await;
    let mut read = Vec::new();
    let start = json!({"project": "cobot", "query": "which arm?", "timestamp": "2026-02-13T14:26:00Z"});
    let result = call(&client, "trace_start", start).await;
    let id = result.structured_content.as_ref().unwrap()["trace_id"].clone();
    read.push(both(&result));
    let mut first = decision("d1", "exa (primary), reddit; key AKIAIOSFODNN7EXAMPLE");
    first["trace_id"] = id.clone();
    read.push(both(&call(&client, "trace_record_decision", first.clone()).await));
    read.push(both(&call(&client, "trace_record_decision", first).await));
    let thin =
        json!({"trace_id": id, "stage": "collection", "decision": "depth", "what": "deep", "why": "better"});
    read.push(both(&call(&client, "trace_record_decision", thin).await));
    let events = json!({"trace_id": id, "events": [
        {"kind": "evidence", "stage": "collection", "collected_count": 28, "passed_count": 18},
        {"kind": "decision", "stage": "collection", "decision": "stop", "what": "enough", "why": "no new sources"},
        {"kind": "result", "decision_id": "d1", "result": "28 items"},
    ]});
    read.push(both(&call(&client, "trace_record", events).await));
    let finish = json!({
        "trace_id": id, "score": 2.4, "cost_usd": 0.32, "timestamp": "2026-02-13T14:30:22Z",
        "principle_scores": [{"id": "META-12", "score": 1}, {"id": "META-1", "score": 3}],
    });
    read.push(both(&call(&client, "trace_finish", finish.clone()).await));
    read.push(both(&call(&client, "trace_finish", finish).await));
    let review = json!({
        "trace_id": id, "flagged_for_review": true, "notes": "look at the sources", "decision_id": "d1",
        "correct": false,
    });
    read.push(both(&call(&client, "trace_review", review).await));
    insta::assert_snapshot!(bench.anonymous(&read.join("\n\n======\n\n")));
}

#[tokio::test]
async fn a_whole_run_is_reported_in_one_call_and_again_without_harm() {
    let bench = Bench::new();
    let client = bench.client().await;
    let first = call(&client, "trace_record", whole_run("t1")).await;
    insta::assert_snapshot!(bench.anonymous(&both(&first)));
    let again = ask(&client, "trace_record", whole_run("t1")).await;
    assert_eq!(again["finish"]["score"], 2.4);
    // The stage's event has no id of its own, so it alone is new.
    assert_eq!((again["new"].as_u64(), again["duplicates"].as_u64()), (Some(1), Some(4)), "{again}");
}

#[tokio::test]
async fn repeating_a_call_changes_nothing_and_says_so() {
    let (bench, client) = started().await;
    let again = json!({"project": "cobot", "query": "which arm?", "trace_id": "t1"});
    assert_eq!(ask(&client, "trace_start", again).await["duplicate"], true);
    assert_eq!(ask(&client, "trace_record_decision", decision("d1", "exa")).await.get("duplicate"), None);
    let again = ask(&client, "trace_record_decision", decision("d1", "exa")).await;
    assert_eq!((&again["duplicate"], &again["decision_id"]), (&json!(true), &json!("d1")));
    let trace =
        bench.recorder.stores().load(&"t1".parse().unwrap(), &Scope::All).await.unwrap().unwrap().trace;
    assert_eq!(trace.decisions().count(), 1);
}

#[tokio::test]
async fn the_same_id_with_other_content_is_a_conflict_and_the_first_stays() {
    let (bench, client) = started().await;
    ask(&client, "trace_record_decision", decision("d1", "exa")).await;
    let told = fail(&client, "trace_record_decision", decision("d1", "google")).await;
    assert!(told.starts_with("conflict: \"d1\" was recorded before in trace \"t1\""), "{told}");
    let trace =
        bench.recorder.stores().load(&"t1".parse().unwrap(), &Scope::All).await.unwrap().unwrap().trace;
    assert_eq!(trace.decisions().next().unwrap().1.what, "exa");
}

#[tokio::test]
async fn a_conflict_within_a_batch_leaves_the_rest_recorded_and_says_so() {
    let (bench, client) = started().await;
    ask(&client, "trace_record_decision", decision("d1", "exa")).await;
    let told = fail(
        &client,
        "trace_record",
        json!({"trace_id": "t1", "events": [
            {"kind": "decision", "stage": "s", "decision": "d", "what": "w", "why": "y", "decision_id": "d1"},
            {"kind": "decision", "stage": "s", "decision": "d", "what": "w", "why": "y", "decision_id": "d2"},
        ]}),
    )
    .await;
    assert!(
        told.contains("1 of 2 events") && told.contains("\"d1\"; the rest (1 event) is recorded"),
        "{told}"
    );
    let trace =
        bench.recorder.stores().load(&"t1".parse().unwrap(), &Scope::All).await.unwrap().unwrap().trace;
    assert!(trace.decision(&"d2".parse().unwrap()).is_some());
}

#[tokio::test]
async fn a_run_finished_with_other_content_names_the_tool_that_reviews() {
    let (_bench, client) = started().await;
    ask(&client, "trace_finish", json!({"trace_id": "t1", "score": 2.0})).await;
    let told = fail(&client, "trace_finish", json!({"trace_id": "t1", "score": 3.0})).await;
    assert!(told.contains("trace_review with trace_id \"t1\""), "{told}");
}

#[tokio::test]
async fn a_made_trace_id_is_drawn_again_when_it_is_taken() {
    let bench = Bench::new();
    let client = bench.client().await;
    let taken = json!({"project": "other", "query": "x", "trace_id": "trc_20260213_143022_a1b2c3d4"});
    ask(&client, "trace_start", taken).await;
    let started = ask(&client, "trace_start", json!({"project": "cobot", "query": "which arm?"})).await;
    assert_eq!(started["trace_id"], "trc_20260213_143022_a1b2c3d5");
}

#[tokio::test]
async fn with_recording_switched_off_every_call_succeeds_and_says_so() {
    let bench = Bench::with(ToolSet::All, Switch { all_off: true, ..Switch::default() });
    let client = bench.client().await;
    let started = ask(&client, "trace_start", json!({"project": "cobot", "query": "which arm?"})).await;
    let id = &started["trace_id"];
    let mut first = decision("d1", "exa");
    first["trace_id"] = id.clone();
    for (tool, arguments) in [
        ("trace_start", json!({"project": "cobot", "query": "which arm?"})),
        ("trace_record_decision", first),
        ("trace_record", whole_run("mine")),
        ("trace_finish", json!({"trace_id": id})),
        ("trace_review", json!({"trace_id": id, "notes": "look"})),
    ] {
        let result = call(&client, tool, arguments).await;
        assert!(text(&result).starts_with("Recording is switched off"), "{tool}: {}", text(&result));
        assert_eq!(text(&result).lines().count(), 1, "{tool}: {}", text(&result));
        assert_eq!(result.structured_content.unwrap()["recorded"], false, "{tool}");
    }
}

#[tokio::test]
async fn with_the_database_away_a_run_is_recorded_and_the_answer_says_what_is_missing() {
    let bench = Bench::without_database();
    let client = bench.client().await;
    let start = json!({"project": "cobot", "query": "which arm?", "trace_id": "t1"});
    let started = ask(&client, "trace_start", start).await;
    assert_eq!(started["saved"], json!({"journal": "saved", "database": "pending"}));
    let result = call(&client, "trace_finish", json!({"trace_id": "t1", "score": 2.4})).await;
    assert!(text(&result).contains("flags: pending"), "{}", text(&result));
    assert!(text(&result).contains("the database does not have it yet"), "{}", text(&result));
    let data = result.structured_content.unwrap();
    assert_eq!((&data["flags_pending"], data.get("flags")), (&json!(true), None));
}

#[tokio::test]
async fn flags_that_a_finish_fires_are_told() {
    let bench = Bench::new();
    let client = bench.client().await;
    let mut last = None;
    for run in 0..3 {
        let id = format!("t{run}");
        ask(&client, "trace_start", json!({"project": "cobot", "query": "?", "trace_id": id})).await;
        let scores = json!([{"id": "META-12", "score": 1}]);
        let finish = json!({"trace_id": id, "score": 2.4, "principle_scores": scores});
        last = Some(call(&client, "trace_finish", finish).await);
    }
    let last = last.unwrap();
    assert!(text(&last).contains("\n[CALIBRATION] warning: Principle META-12 has scored"), "{}", text(&last));
    let flags = &last.structured_content.as_ref().unwrap()["flags"];
    assert_eq!(flags[0]["kind"], "repeated_principle_failure", "{flags}");
}

#[tokio::test]
async fn a_caller_restricted_to_projects_records_in_their_runs_alone() {
    let (bench, _) = started().await;
    let server = bench.server.for_principal(Principal::trusted(Scope::Projects(vec!["mine".to_owned()])));
    let client = crate::mcp::testing::connect(server, rmcp::ClientLifecycleMode::Initialize).await;
    let told = fail(&client, "trace_start", json!({"project": "cobot", "query": "?"})).await;
    assert!(told.contains("the projects open to you: \"mine\""), "{told}");
    ask(&client, "trace_start", json!({"project": "mine", "query": "?", "trace_id": "m1"})).await;
    for (tool, arguments) in [
        ("trace_record_decision", decision("d1", "exa")),
        ("trace_finish", json!({"trace_id": "t1"})),
        ("trace_review", json!({"trace_id": "t1", "notes": "x"})),
        ("trace_record", json!({"trace_id": "t1", "events": [{"kind": "stage_start", "stage": "s"}]})),
    ] {
        let told = fail(&client, tool, arguments).await;
        assert!(told.starts_with("unknown_trace: there is no trace \"t1\""), "{tool}: {told}");
        assert!(told.contains("\"m1\""), "{tool}: {told}");
    }
    let mut own = decision("d1", "exa");
    own["trace_id"] = json!("m1");
    ask(&client, "trace_record_decision", own).await;
}

#[tokio::test]
async fn a_server_that_is_told_by_requests_who_asks_answers_none_that_does_not_say() {
    let (bench, _) = started().await;
    let server = bench.server.clone().by_request();
    let client = crate::mcp::testing::connect(server, rmcp::ClientLifecycleMode::Initialize).await;
    let read = rmcp::model::ReadResourceRequestParams::new("trace://t1");
    let call = rmcp::model::CallToolRequestParams::new("trace_list");
    let answers = [
        client.list_tools(None).await.err().map(|error| error.to_string()),
        client.list_prompts(None).await.err().map(|error| error.to_string()),
        client.list_resources(None).await.err().map(|error| error.to_string()),
        client.read_resource(read).await.err().map(|error| error.to_string()),
        client.call_tool(call).await.err().map(|error| error.to_string()),
    ];
    for answer in answers {
        let told = answer.expect("an error");
        assert!(told.contains("the request does not say who makes it"), "{told}");
    }
}

#[tokio::test]
async fn the_last_failed_run_is_the_newest_that_broke_or_failed_its_gate() {
    let bench = Bench::new();
    let client = bench.client().await;
    let ends = [
        json!({"status": "failed"}),
        json!({"passed": false}),
        json!({"passed": true}),
        json!({"status": "failed"}),
    ];
    for (hour, (mut end, last_failed)) in ends.into_iter().zip(["r0", "r1", "r1", "r3"]).enumerate() {
        let (id, at) = (format!("r{hour}"), format!("2026-02-13T0{hour}:00:00Z"));
        ask(
            &client,
            "trace_start",
            json!({"project": "cobot", "query": "?", "trace_id": id, "timestamp": at}),
        )
        .await;
        end["trace_id"] = json!(id);
        ask(&client, "trace_finish", end).await;
        assert_eq!(
            ask(&client, "trace_full", json!({"trace_id": "last-failed"})).await["trace_id"],
            last_failed
        );
    }
}
