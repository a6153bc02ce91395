//! Tokens over HTTP: who is let in, to what and for how long; in [`projects`], what of other projects never shows.

mod projects;

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;

use serde_json::{Value, json};
use sqlx::Connection as _;

use super::client::{Answer, Client, Stream};
use super::{decision, serve_with};
use crate::support::program::{Home, PATIENCE, Program, ended};
use crate::support::store::Store;

pub(super) const LIST: &str = r#"{"jsonrpc": "2.0", "id": 1, "method": "tools/list"}"#;
const ALL: &str = "trace:read,trace:write";

pub(super) fn serve_tokens(home: &Home) -> (Program, Client) {
    serve_with(home, &["--listen", "127.0.0.1:0", "--auth", "token"])
}

/// Makes a token: its id and itself.
pub(in crate::program) fn token(home: &Home, scopes: &str, projects: Option<&str>) -> (String, String) {
    let mut arguments = vec!["token", "new", "--json", "--name", "n", "--scopes", scopes];
    arguments.extend(projects.iter().flat_map(|projects| ["--projects", projects]));
    let made = home.run(arguments).worked().json();
    let text = |field: &str| made[field].as_str().unwrap().to_owned();
    (text("token_id"), text("token"))
}

pub(super) fn call(client: &Client, tool: &str, arguments: &Value) -> Answer {
    let params = json!({"name": tool, "arguments": arguments});
    let request = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params});
    client.post("/mcp", &[("MCP-Protocol-Version", "2025-06-18")], &request.to_string())
}

pub(super) fn tools(client: &Client) -> Vec<String> {
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
    assert_eq!(tools(&client.bearing(&good)).len(), 14);
}

#[test]
fn no_method_and_no_spelling_of_a_path_leads_past_the_token() {
    let home = Home::new();
    let (_server, client) = serve_tokens(&home);
    let paths = [
        "/mcp",
        "/mcp/",
        "//mcp",
        "/%6dcp",
        "/./mcp",
        "/health/../mcp",
        "/MCP",
        "/sse",
        "/sse/",
        "//sse",
        "/messages?sessionId=0",
        "/health/",
        "//health",
        "/%68ealth",
        "/health%2f..%2fmcp",
        "/",
    ];
    let upgrade =
        [("Upgrade", "h2c"), ("HTTP2-Settings", "AAMAAABkAAQAAP__"), ("X-HTTP-Method-Override", "GET")];
    for method in ["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "TRACE", "SUBSCRIBE"] {
        for path in paths {
            assert_eq!(client.status(method, path, &upgrade), 401, "{method} {path}");
        }
    }
    for target in ["*", &format!("http://{}/mcp", client.address())] {
        assert_eq!(client.status("OPTIONS", target, &[]), 401, "{target}");
    }
    assert_eq!(client.status("HEAD", "/health", &[]), 200);
}

#[test]
fn the_body_of_who_shows_no_token_is_not_waited_for() {
    let home = Home::new();
    let (_server, client) = serve_tokens(&home);
    for (path, status) in [("/health", "405"), ("/mcp", "401")] {
        let mut stream = TcpStream::connect(client.address()).unwrap();
        stream.set_read_timeout(Some(PATIENCE / 2)).unwrap();
        let head =
            format!("POST {path} HTTP/1.1\r\nHost: {}\r\nContent-Length: 8000000\r\n\r\n", client.address());
        stream.write_all(head.as_bytes()).unwrap();
        let mut line = String::new();
        BufReader::new(stream).read_line(&mut line).expect("an answer ahead of the body");
        assert_eq!(line.split(' ').nth(1), Some(status), "{path}: {line}");
    }
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
    assert!(stream.ends(), "and nothing more is heard on it");
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
        "trace_search_decisions",
        "trace_diagnose",
        "principle_patterns",
        "calibration_flags",
        "confidence_calibration",
    ];
    assert_eq!(tools(&reads), asking);
    assert_eq!((tools(&writes).len(), tools(&both).len(), tools(&admin).len()), (5, 14, 14));

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
    let listed = writes.ask(&[], "resources/list", &json!({}));
    assert_eq!(listed["resources"].as_array().unwrap().len(), 1, "how to record, and no runs: {listed}");
    let skill = json!({"uri": listed["resources"][0]["uri"]});
    let text = &writes.ask(&[], "resources/read", &skill)["contents"][0]["text"];
    assert!(text.as_str().unwrap().contains("name: record-decisions"), "{text}");
    assert_eq!(reads.tell("trace_full", &json!({"trace_id": "r1"}))["project"], "cobot");

    // What hides the call from whoever looks at a message in passing is still no call for the tools.
    let hidden = r#"{"jsonrpc": "2.0", "id": 1, "method": "tools/list", "method": "tools/call",
        "params": {"name": "trace_start", "arguments": {"trace_id": "r2", "project": "cobot", "query": "?"}}}"#;
    let hidden = reads.post("/mcp", &[("MCP-Protocol-Version", "2025-06-18")], hidden);
    assert!(hidden.status != 200 || hidden.json().get("error").is_some(), "{}", hidden.body);
    assert_eq!(both.tell("trace_list", &json!({}))["total"], 1);

    // Paths beside the protocol are for those who run the server, all of it.
    assert_eq!(both.get("/metrics-of-nobody", &[]).status, 403);
    assert_eq!(admin.get("/metrics-of-nobody", &[]).status, 404);
    let of_one = client.bearing(&token(&home, "trace:admin", Some("mine")).1).get("/metrics-of-nobody", &[]);
    assert_eq!(of_one.status, 403);
    assert!(of_one.body.contains("not restricted to some"), "{}", of_one.body);
}

#[test]
fn a_token_that_expires_is_listed_so_and_refused_afterwards() {
    let home = Home::new();
    let (_server, client) = serve_tokens(&home);
    let new = |expires: &str| {
        home.run(["token", "new", "--json", "--name", "n", "--scopes", "trace:read", "--expires", expires])
    };
    let made = new("90d").worked().json();
    assert!(made["expires_at"].as_str().unwrap() > made["created_at"].as_str().unwrap(), "{made}");
    let client = client.bearing(made["token"].as_str().unwrap());
    assert_eq!(client.post("/mcp", &[], LIST).status, 200);
    let mut stream = Stream::open(&client, "/sse");
    stream.event();
    for past in ["2020-01-01", "0d", "yesterday"] {
        assert_eq!(new(past).code, Some(2), "{past}");
    }
    // Time passes.
    let database = home.join("whytrace.db");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let url = format!("sqlite:{}", database.display());
        let mut connection = sqlx::SqliteConnection::connect(&url).await.unwrap();
        sqlx::raw_sql("update tokens set expires_at = '2020-01-01T00:00:00+00:00'")
            .execute(&mut connection)
            .await
            .unwrap();
        connection.close().await.unwrap();
    });
    let refused = client.post("/mcp", &[], LIST);
    assert_eq!(refused.status, 401);
    assert!(refused.body.contains("expired"), "{}", refused.body);
    assert!(stream.ends(), "so does what it has opened");
}

#[test]
fn a_message_that_reaches_the_wrong_server_is_told_so() {
    let home = Home::new();
    let ((_one, one), (_other, other)) = (serve_tokens(&home), serve_tokens(&home));
    let (_, secret) = token(&home, ALL, None);
    let (one, other) = (one.bearing(&secret), other.bearing(&secret));
    let mut stream = Stream::open(&one, "/sse");
    let (_, address) = stream.event();
    let wrong = other.post(&address, &[], LIST);
    assert_eq!(wrong.status, 421);
    assert!(wrong.body.contains("sticky routing") && wrong.body.contains("/mcp"), "{}", wrong.body);
    let made_up =
        address.chars().rev().skip(1).collect::<String>().chars().rev().chain(['x']).collect::<String>();
    assert_eq!(one.post(&made_up, &[], LIST).status, 404);
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
    assert_eq!(tools(&client.bearing(&token(&home, ALL, None).1)).len(), 14);
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
