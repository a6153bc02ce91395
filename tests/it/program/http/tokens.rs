//! Tokens over HTTP: who is let in, to what, for how long, and what of other projects never shows.

use serde_json::{Value, json};

use super::client::{Answer, Client, Stream};
use super::{decision, serve_with};
use crate::support::program::{Home, Program, ended};
use crate::support::store::Store;

const LIST: &str = r#"{"jsonrpc": "2.0", "id": 1, "method": "tools/list"}"#;
const ALL: &str = "trace:read,trace:write";

fn serve_tokens(home: &Home) -> (Program, Client) {
    serve_with(home, &["--listen", "127.0.0.1:0", "--auth", "token"])
}

/// Makes a token: its id and itself.
fn token(home: &Home, scopes: &str, projects: Option<&str>) -> (String, String) {
    let mut arguments = vec!["token", "new", "--json", "--name", "n", "--scopes", scopes];
    arguments.extend(projects.iter().flat_map(|projects| ["--projects", projects]));
    let made = home.run(arguments).worked().json();
    let text = |field: &str| made[field].as_str().unwrap().to_owned();
    (text("token_id"), text("token"))
}

fn call(client: &Client, tool: &str, arguments: &Value) -> Answer {
    let params = json!({"name": tool, "arguments": arguments});
    let request = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params});
    client.post("/mcp", &[("MCP-Protocol-Version", "2025-06-18")], &request.to_string())
}

fn tools(client: &Client) -> Vec<String> {
    let listed = client.ask(&[], "tools/list", &json!({}));
    listed["tools"].as_array().unwrap().iter().map(|tool| tool["name"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn nobody_comes_in_without_a_token_that_is_valid_and_in_the_header() {
    let home = Home::new();
    let (_, good) = token(&home, ALL, None);
    let (_server, client) = serve_tokens(&home);
    let wrong = format!("wht_{}", "A".repeat(43));
    let bearer = |token: &str| format!("Bearer {token}");
    let no_bearers = [String::new(), good.clone(), format!("Basic {good}"), "Bearer".to_owned()];
    for path in ["/mcp", "/messages?sessionId=00", "/sse", "/nothing"] {
        let missing = client.post(path, &[], LIST);
        assert_eq!(
            (missing.status, missing.challenge.as_str()),
            (401, r#"Bearer realm="whytrace""#),
            "{path}"
        );
        assert!(missing.body.contains("Authorization: Bearer TOKEN"), "{}", missing.body);
        for header in &no_bearers {
            assert_eq!(client.post(path, &[("Authorization", header)], LIST).status, 401, "{header}");
        }
        for token in [wrong.as_str(), "wht_", &good[..46], &good.to_lowercase(), &format!("{good}, {good}")] {
            let refused = client.post(path, &[("Authorization", &bearer(token))], LIST);
            assert_eq!(refused.status, 401, "{token}");
            assert!(refused.challenge.contains("error=\"invalid_token\""), "{}", refused.challenge);
        }
        let twice = bearer(&good);
        let twice = client.post(path, &[("Authorization", &twice), ("Authorization", &twice)], LIST);
        assert_eq!(twice.status, 401);
    }
    for query in ["access_token", "token", "authorization"] {
        assert_eq!(client.post(&format!("/mcp?{query}={good}"), &[], LIST).status, 401, "{query}");
    }
    assert_eq!(client.get("/sse", &[]).status, 401);
    assert_eq!(client.get("/health", &[]).status, 200, "who watches over it needs no token");
    assert_eq!(client.post("/mcp", &[("authorization", &format!("bearer {good}"))], LIST).status, 200);
    assert_eq!(tools(&client.bearing(&good)).len(), 11);
}

#[test]
fn a_token_is_revoked_while_the_server_runs() {
    let home = Home::new();
    let (_server, client) = serve_tokens(&home);
    let (id, secret) = token(&home, ALL, None);
    let (_, other) = token(&home, ALL, None);
    let (client, other) = (client.bearing(&secret), client.bearing(&other));
    let mut stream = Stream::open(&client, "/sse");
    let (_, address) = stream.event();
    client.tell("trace_start", &json!({"project": "cobot", "query": "why?"}));
    home.run(["token", "revoke", &id]).worked();
    let refused = call(&client, "trace_list", &json!({}));
    assert_eq!(refused.status, 401);
    assert!(refused.body.contains("revoked"), "{}", refused.body);
    assert_eq!(client.post(&address, &[], LIST).status, 401, "nor does its open stream take anything");
    other.tell("trace_list", &json!({}));
}

#[test]
fn a_token_is_offered_and_let_do_what_its_scopes_say() {
    let home = Home::new();
    let (_server, client) = serve_tokens(&home);
    let bearing = |scopes: &str| client.bearing(&token(&home, scopes, None).1);
    let (reads, writes, both) = (bearing("trace:read"), bearing("trace:write"), bearing(ALL));
    let admin = bearing("trace:admin");
    let asking = [
        "trace_list",
        "trace_summary",
        "trace_full",
        "trace_compare",
        "principle_patterns",
        "calibration_flags",
    ];
    assert_eq!(tools(&reads), asking);
    assert_eq!((tools(&writes).len(), tools(&both).len(), tools(&admin).len()), (5, 11, 11));

    let run = json!({"trace_id": "r1", "project": "cobot", "query": "why?"});
    let refused = call(&reads, "trace_start", &run);
    assert_eq!(refused.status, 403);
    assert_eq!(
        refused.challenge,
        r#"Bearer realm="whytrace", error="insufficient_scope", scope="trace:write""#
    );
    writes.tell("trace_start", &run);
    let refused = call(&writes, "trace_full", &json!({"trace_id": "r1"}));
    assert_eq!(refused.status, 403);
    assert!(refused.challenge.ends_with(r#"scope="trace:read""#), "{}", refused.challenge);
    let read =
        json!({"jsonrpc": "2.0", "id": 1, "method": "resources/read", "params": {"uri": "trace://r1"}});
    assert_eq!(writes.post("/mcp", &[], &read.to_string()).status, 403);
    assert_eq!(writes.ask(&[], "resources/list", &json!({}))["resources"], json!([]));
    assert_eq!(reads.tell("trace_full", &json!({"trace_id": "r1"}))["project"], "cobot");

    // What hides the call from whoever looks at a message in passing is still no call for the tools.
    let hidden = r#"{"jsonrpc": "2.0", "id": 1, "method": "tools/list", "method": "tools/call",
        "params": {"name": "trace_start", "arguments": {"trace_id": "r2", "project": "cobot", "query": "?"}}}"#;
    let hidden = reads.post("/mcp", &[("MCP-Protocol-Version", "2025-06-18")], hidden);
    assert!(hidden.status != 200 || hidden.json().get("error").is_some(), "{}", hidden.body);
    assert_eq!(both.tell("trace_list", &json!({}))["total"], 1);

    // Paths beside the protocol are for those who run the server.
    assert_eq!(both.get("/metrics-of-nobody", &[]).status, 403);
    assert_eq!(admin.get("/metrics-of-nobody", &[]).status, 404);
}

/// Runs of two projects that have everything in common but their ids.
fn two_projects(client: &Client) {
    for (project, prefix) in [("mine", "m"), ("foreign", "f")] {
        for number in 0..8 {
            let id = format!("{prefix}{number}");
            let run = json!({"trace_id": id, "project": project, "query": format!("what {project} asks"),
                "intent": project, "tags": ["shared"]});
            client.tell("trace_start", &run);
            client.tell("trace_record_decision", &decision(&id, "d1"));
            let scores = json!([{"id": "META-12", "score": 0}, {"id": format!("OF-{project}"), "score": 0}]);
            let end = json!({"trace_id": id, "score": 1.0, "principle_scores": scores});
            client.tell("trace_finish", &end);
        }
        client.tell(
            "trace_start",
            &json!({"trace_id": format!("{prefix}-open"), "project": project, "query": "?"}),
        );
    }
}

#[test]
fn a_token_of_some_projects_sees_nothing_of_others() {
    let home = Home::new();
    let (_server, client) = serve_tokens(&home);
    let all = client.bearing(&token(&home, ALL, None).1);
    let mine = client.bearing(&token(&home, ALL, Some("mine")).1);
    two_projects(&all);
    let foreign_flag = all.tell("calibration_flags", &json!({"project": "foreign", "state": "all"}));
    let foreign_flag = foreign_flag["flags"][0]["flag_id"].as_str().expect("a flag").to_owned();

    // Whatever is asked, the other project's name, queries, principles and ids are not in the answer.
    let silent = |what: &str, answer: &Value, asked: &[&str]| {
        let text = answer.to_string();
        for told in ["foreign", "f0", "f7", "f-open"].iter().filter(|told| !asked.contains(told)) {
            assert!(!text.contains(told), "{what} tells of {told}: {text}");
        }
    };
    let by_id = ["f0", "f", "f-op", "last:foreign"];
    for id in by_id {
        for (tool, arguments) in [
            ("trace_full", json!({"trace_id": id})),
            ("trace_summary", json!({"trace_id": id})),
            ("trace_compare", json!({"trace_id_a": "m0", "trace_id_b": id})),
            ("trace_compare", json!({"trace_id_a": id, "trace_id_b": "m0"})),
        ] {
            let answer = mine.call(tool, &arguments);
            assert_eq!(answer["isError"], true, "{tool} {id}: {answer}");
            assert_eq!(answer["structuredContent"]["code"], "unknown_trace", "{tool} {id}: {answer}");
            silent(tool, &answer, &[id.trim_start_matches("last:")]);
        }
    }
    let missing = mine.call("trace_full", &json!({"trace_id": "trc_unknown"}));
    assert!(missing["structuredContent"]["hint"].as_str().unwrap().contains("\"m"), "{missing}");
    silent("nearest ids", &missing, &[]);
    for (tool, arguments) in [
        ("trace_list", json!({"limit": 100})),
        ("trace_list", json!({"text": "asks"})),
        ("trace_list", json!({"tag": "shared", "sort": "score_low"})),
        ("trace_list", json!({"project": "nobody"})),
        ("trace_summary", json!({"group_by": "project"})),
        ("trace_summary", json!({"group_by": "intent"})),
        ("trace_summary", json!({"project": "nobody"})),
        ("trace_full", json!({"trace_id": "last"})),
        ("principle_patterns", json!({"min_runs": 1})),
        ("calibration_flags", json!({"state": "all"})),
        ("calibration_flags", json!({"state": "resolved"})),
    ] {
        silent(tool, &mine.call(tool, &arguments), &[]);
    }
    assert_eq!(mine.tell("trace_list", &json!({"project": "foreign"}))["total"], 0);
    assert_eq!(mine.tell("trace_list", &json!({}))["total"], 9);
    assert_eq!(mine.tell("trace_summary", &json!({}))["runs"], 9);
    assert_eq!(mine.tell("trace_summary", &json!({"project": "foreign"}))["open_flags"], 0);
    silent("resources", &mine.ask(&[], "resources/list", &json!({})), &[]);
    for uri in ["trace://f0", "trace://f0/summary", "trace://f-open"] {
        let read = json!({"jsonrpc": "2.0", "id": 1, "method": "resources/read", "params": {"uri": uri}});
        let answer = mine.post("/mcp", &[], &read.to_string()).json();
        assert!(answer["error"]["message"].as_str().unwrap().starts_with("there is no trace"), "{answer}");
    }

    // Nor can anything be recorded there.
    let start = mine.call("trace_start", &json!({"project": "foreign", "query": "?"}));
    assert_eq!(start["structuredContent"]["code"], "invalid_argument", "{start}");
    for (tool, arguments) in [
        ("trace_start", json!({"trace_id": "f-open", "project": "mine", "query": "?"})),
        ("trace_record_decision", decision("f-open", "d2")),
        ("trace_record", json!({"trace_id": "f-open", "events": [{"kind": "stage_start", "stage": "s"}]})),
        ("trace_finish", json!({"trace_id": "f-open"})),
        ("trace_review", json!({"trace_id": "f0", "notes": "x"})),
    ] {
        let answer = mine.call(tool, &arguments);
        assert_eq!(answer["structuredContent"]["code"], "unknown_trace", "{tool}: {answer}");
    }
    let batch = json!({"events": [{"kind": "start", "project": "foreign", "query": "?"}]});
    assert_eq!(mine.call("trace_record", &batch)["isError"], true);
    let flag = json!({"flag_id": foreign_flag, "flag_action": "resolve"});
    assert_eq!(mine.call("trace_review", &flag)["structuredContent"]["code"], "invalid_argument");
    mine.tell("trace_record_decision", &decision("m-open", "d2"));
    let untouched = all.tell("trace_full", &json!({"trace_id": "f-open"}));
    assert_eq!((&untouched["status"], &untouched["decisions_total"]), (&json!("in_progress"), &json!(0)));
    assert_eq!(all.tell("trace_list", &json!({}))["total"], 18);
}

#[test]
fn a_fault_in_another_projects_documents_is_not_told_of() {
    let home = Home::new();
    let (_server, client) = serve_tokens(&home);
    let all = client.bearing(&token(&home, ALL, None).1);
    let mine = client.bearing(&token(&home, ALL, Some("mine")).1);
    all.tell(
        "trace_record",
        &json!({"trace_id": "f0", "events": [
        {"kind": "start", "project": "foreign", "query": "?"}, {"kind": "finish"}]}),
    );
    let documents = home.join("projects").join("foreign").join("_traces");
    let document = documents.join("f0.json");
    assert!(document.exists());
    std::fs::write(document, "no JSON").unwrap();
    std::fs::write(documents.join("f1.json"), "nor this").unwrap();
    for id in ["f0", "f1"] {
        for (tool, arguments) in
            [("trace_full", json!({"trace_id": id})), ("trace_finish", json!({"trace_id": id}))]
        {
            let answer = mine.call(tool, &arguments);
            assert_eq!(answer["structuredContent"]["code"], "unknown_trace", "{tool} {id}: {answer}");
            assert!(!answer.to_string().contains("foreign"), "{answer}");
        }
    }
}

#[test]
fn messages_are_taken_from_the_token_that_opened_the_stream() {
    let home = Home::new();
    let (_server, client) = serve_tokens(&home);
    let one = client.bearing(&token(&home, "trace:read", Some("mine")).1);
    let other = client.bearing(&token(&home, ALL, None).1);
    let mut stream = Stream::open(&one, "/sse");
    let (_, address) = stream.event();
    let opening = json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
        "protocolVersion": "2024-11-05", "capabilities": {}, "clientInfo": {"name": "c", "version": "1"}}});
    assert_eq!(
        other.post(&address, &[], &opening.to_string()).status,
        404,
        "as if there were no such stream"
    );
    assert_eq!(client.post(&address, &[], &opening.to_string()).status, 401);
    assert_eq!(one.post(&address, &[], &opening.to_string()).status, 202);
    let (_, answer) = stream.event();
    assert!(answer.contains("\"2024-11-05\""), "{answer}");
    one.post(&address, &[], r#"{"jsonrpc": "2.0", "method": "notifications/initialized"}"#);
    let run = json!({"project": "mine", "query": "?"});
    let start = json!({"jsonrpc": "2.0", "id": 2, "method": "tools/call",
        "params": {"name": "trace_start", "arguments": run}});
    assert_eq!(one.post(&address, &[], &start.to_string()).status, 403);
    assert_eq!(one.post(&address, &[], LIST).status, 202);
    let (_, answer) = stream.event();
    assert!(answer.contains("trace_list") && !answer.contains("\"trace_start\""), "{answer}");
}

#[test]
fn another_spelling_of_an_id_or_a_project_is_the_same_one() {
    let home = Home::new();
    let (_server, client) = serve_tokens(&home);
    let all = client.bearing(&token(&home, ALL, None).1);
    // An e with an acute accent, as one character and as two.
    let (one, two) = ("caf\u{e9}", "cafe\u{301}");
    let mine = client.bearing(&token(&home, ALL, Some(two)).1);
    all.tell("trace_start", &json!({"trace_id": one, "project": "foreign", "query": "?"}));
    for (tool, arguments) in [
        ("trace_start", json!({"trace_id": two, "project": one, "query": "?"})),
        ("trace_record_decision", decision(two, "d1")),
        ("trace_record", json!({"trace_id": two, "events": [{"kind": "stage_start", "stage": "s"}]})),
        ("trace_finish", json!({"trace_id": two})),
        ("trace_review", json!({"trace_id": two, "notes": "x"})),
    ] {
        let answer = mine.call(tool, &arguments);
        assert_eq!(answer["structuredContent"]["code"], "unknown_trace", "{tool}: {answer}");
    }
    assert_eq!(all.tell("trace_full", &json!({"trace_id": one}))["status"], "in_progress");
    for spelling in [one, two] {
        mine.tell("trace_start", &json!({"project": spelling, "query": "?"}));
    }
    assert_eq!(mine.tell("trace_list", &json!({"project": one}))["total"], 2);
}

#[test]
fn a_deleted_run_is_unknown_to_who_may_not_see_all() {
    let home = Home::new();
    let (_server, client) = serve_tokens(&home);
    let all = client.bearing(&token(&home, ALL, None).1);
    let mine = client.bearing(&token(&home, ALL, Some("mine")).1);
    all.tell("trace_start", &json!({"trace_id": "f0", "project": "foreign", "query": "?"}));
    all.tell("trace_finish", &json!({"trace_id": "f0"}));
    home.run(["delete", "--yes", "f0"]).worked();
    for (tool, arguments) in [
        ("trace_start", json!({"trace_id": "f0", "project": "mine", "query": "?"})),
        ("trace_record_decision", decision("f0", "d1")),
        ("trace_full", json!({"trace_id": "f0"})),
    ] {
        let answer = mine.call(tool, &arguments);
        assert_eq!(answer["structuredContent"]["code"], "unknown_trace", "{tool}: {answer}");
        assert!(!answer.to_string().contains("deleted"), "{tool}: {answer}");
    }
    assert_eq!(all.call("trace_full", &json!({"trace_id": "f0"}))["structuredContent"]["code"], "deleted");
}

/// The table of tokens is out of reach, as it is while the database is away.
async fn an_outage(store: &Store, home: &Home) {
    let (_server, client) = serve_tokens(home);
    let (known, unknown) =
        (client.bearing(&token(home, ALL, None).1), client.bearing(&token(home, ALL, None).1));
    known.tell("trace_start", &json!({"trace_id": "r1", "project": "cobot", "query": "?"}));
    store.run("alter table tokens rename to away").await;
    known.tell("trace_record_decision", &decision("r1", "d1"));
    let wait = call(&unknown, "trace_list", &json!({}));
    assert_eq!(wait.status, 503);
    assert!(wait.body.contains("the database is away"), "{}", wait.body);
    assert_eq!(client.bearing("wht_nonsense").post("/mcp", &[], LIST).status, 401);
    store.run("alter table away rename to tokens").await;
    unknown.tell("trace_list", &json!({}));
}

#[tokio::test]
async fn with_sqlite_away_tokens_that_were_verified_go_on_and_others_wait() {
    let store = Store::sqlite();
    let whytrace::store::DatabaseTarget::Sqlite(path) = store.target() else { unreachable!() };
    let home = Home::new().with("WHYTRACE_DATABASE_URL", format!("sqlite:{}", path.display()));
    an_outage(&store, &home).await;
}

#[tokio::test]
async fn with_postgres_away_tokens_that_were_verified_go_on_and_others_wait() {
    let Some(store) = Store::postgres() else { return };
    let whytrace::store::DatabaseTarget::Postgres { url, schema } = store.target() else { unreachable!() };
    let home = Home::new().with("WHYTRACE_DATABASE_URL", url).with("WHYTRACE_SCHEMA", schema);
    an_outage(&store, &home).await;
}

#[test]
fn a_server_whose_database_never_was_there_answers_503() {
    let home = Home::new().with("WHYTRACE_DATABASE_URL", "postgres://u:hunter2@127.0.0.1:1/x");
    let (server, client) = serve_tokens(&home);
    let token = format!("wht_{}", "A".repeat(43));
    let wait = client.bearing(&token).post("/mcp", &[], LIST);
    assert_eq!(wait.status, 503);
    assert!(!format!("{}{}", wait.body, server.diagnostics()).contains("hunter2"));
}

#[test]
fn an_address_that_others_reach_is_served_with_tokens_alone() {
    let home = Home::new();
    let (server, _) = serve_with(&home, &["--listen", "0.0.0.0:0", "--auth", "token"]);
    let line = server.says("serves MCP at");
    let port = line.rsplit_once(':').unwrap().1.trim_end_matches("/mcp").to_owned();
    let client = Client::new(&format!("127.0.0.1:{port}"));
    assert_eq!(client.post("/mcp", &[], LIST).status, 401);
    assert_eq!(tools(&client.bearing(&token(&home, ALL, None).1)).len(), 11);
    for refused in [&["--auth", "none"] as &[&str], &[]] {
        let refused = ended(home.whytrace([&["serve", "--listen", "0.0.0.0:0"], refused].concat()));
        assert_eq!(refused.code, Some(1), "{refused:?}");
        assert!(refused.stderr.contains("needs authentication; send --auth token"), "{refused:?}");
    }
    assert_eq!(ended(home.whytrace(["serve", "--auth", "perhaps"])).code, Some(2));
}

#[test]
fn no_token_is_ever_logged() {
    let home = Home::new();
    let (_, good) = token(&home, "trace:read", None);
    let (server, client) =
        serve_with(&home, &["--listen", "127.0.0.1:0", "--auth", "token", "--log", "trace"]);
    let (good, wrong) = (client.bearing(&good), client.bearing(&format!("wht_{}", "B".repeat(43))));
    good.tell("trace_list", &json!({}));
    call(&good, "trace_start", &json!({"project": "p", "query": "q"}));
    let mut stream = Stream::open(&good, "/sse");
    let (_, address) = stream.event();
    good.post(&address, &[], LIST);
    wrong.post("/mcp", &[], LIST);
    client.post("/mcp?token=wht_query", &[], LIST);
    drop(stream);
    server.says("refused a request");
    let said = server.diagnostics();
    let kept = home.run(["token", "list", "--json"]).worked().stdout;
    assert!(!said.contains("wht_") && !kept.contains("wht_"), "{said}");
}
