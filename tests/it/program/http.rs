//! `whytrace serve`: several clients at once, old ones too, strangers refused, and an orderly end.

pub(crate) mod client;
mod oauth;
mod operations;
pub(super) mod tokens;

use std::process::{Command, Stdio};
use std::thread;

use serde_json::{Value, json};

use self::client::{Client, Stream};
use super::{decision, shown_decisions};
use crate::support::program::{Home, Program, WHYTRACE, ended};

/// A server on a free port of loopback.
pub(crate) fn serve(home: &Home) -> (Program, Client) {
    serve_at(home, "127.0.0.1:0")
}

/// A server on this address.
pub(super) fn serve_at(home: &Home, address: &str) -> (Program, Client) {
    serve_with(home, &["--listen", address])
}

/// A server with these options.
pub(super) fn serve_with(home: &Home, options: &[&str]) -> (Program, Client) {
    let server = Program::spawn(home.whytrace([&["serve"], options].concat()));
    let line = server.says("serves MCP at");
    let address = line.split("http://").nth(1).and_then(|rest| rest.strip_suffix("/mcp"));
    let client = Client::new(address.unwrap_or_else(|| panic!("no address in {line:?}")));
    (server, client)
}

#[test]
fn the_server_says_where_it_listens_where_data_lies_and_how_to_connect() {
    let home = Home::new();
    let (server, client) = serve(&home);
    server.says("end with Ctrl-C");
    let said = server.diagnostics().replace(client.address(), "[address]");
    let said =
        said.replace(&home.path().display().to_string(), "[home]").replace(WHYTRACE.as_str(), "[program]");
    insta::assert_snapshot!(said);
}

#[test]
fn one_client_records_a_run_over_mcp_and_the_terminal_shows_it() {
    let home = Home::new();
    let (mut server, client) = serve(&home);
    for version in ["2025-03-26", "2025-06-18", "2025-11-25"] {
        assert_eq!(client.initialize(version)["protocolVersion"], version);
    }
    client.tell("trace_start", &json!({"trace_id": "r1", "project": "cobot", "query": "why?"}));
    client.tell("trace_record_decision", &decision("r1", "d1"));
    let finished = client.tell("trace_finish", &json!({"trace_id": "r1", "score": 3}));
    assert_eq!(finished["saved"], json!({"journal": "saved", "database": "saved", "document": "saved"}));
    assert_eq!(shown_decisions(&home, "r1"), ["d1"]);
    let agent = home.run(["show", "r1", "--json"]).worked().json()["run"]["agent"].clone();
    assert!(agent["name"].is_null(), "no request said who asks: {agent}");
    stop(&mut server, "TERM");
}

#[test]
fn a_client_of_2026_07_28_needs_no_handshake() {
    let home = Home::new();
    let (_server, client) = serve(&home);
    let meta = json!({"io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {}});
    let headers = |method| [("MCP-Protocol-Version", "2026-07-28"), ("Mcp-Method", method)];
    let request = json!({"jsonrpc": "2.0", "id": 1, "method": "server/discover", "params": {"_meta": meta}});
    let found = client.post("/mcp", &headers("server/discover"), &request.to_string());
    assert_eq!(found.status, 200, "{}", found.body);
    assert!(found.json()["result"]["supportedVersions"].as_array().unwrap().contains(&json!("2026-07-28")));
    let request = json!({"jsonrpc": "2.0", "id": 2, "method": "tools/list", "params": {"_meta": meta}});
    let tools = client.post("/mcp", &headers("tools/list"), &request.to_string()).json();
    assert!(tools["result"]["tools"].as_array().unwrap().len() >= 5, "{tools}");
}

#[test]
fn a_client_of_2024_11_05_posts_messages_and_hears_answers_on_its_stream() {
    let home = Home::new();
    let (_server, client) = serve(&home);
    let mut stream = Stream::open(&client, "/sse");
    let (event, address) = stream.event();
    assert_eq!(event, "endpoint");
    let mut ask = |id: u64, method: &str, params: Value| {
        let request = json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}).to_string();
        assert_eq!(client.post(&address, &[], &request).status, 202);
        let (event, message) = stream.event();
        assert_eq!(event, "message");
        let message: Value = serde_json::from_str(&message).unwrap();
        assert_eq!(message["id"], id);
        message["result"].clone()
    };
    let client_info = json!({"name": "old-client", "version": "1"});
    let opening = json!({"protocolVersion": "2024-11-05", "capabilities": {}, "clientInfo": client_info});
    assert_eq!(ask(1, "initialize", opening)["protocolVersion"], "2024-11-05");
    let initialized = json!({"jsonrpc": "2.0", "method": "notifications/initialized"}).to_string();
    assert_eq!(client.post(&address, &[], &initialized).status, 202);
    let run = json!({"trace_id": "r1", "project": "cobot", "query": "why?"});
    ask(2, "tools/call", json!({"name": "trace_start", "arguments": run}));
    ask(3, "tools/call", json!({"name": "trace_record_decision", "arguments": decision("r1", "d1")}));
    let document = home.run(["show", "r1", "--json"]).worked().json();
    assert_eq!(document["run"]["agent"]["name"], "old-client");
    assert_eq!(client.post("/messages?sessionId=00", &[], &initialized).status, 404);
}

#[test]
fn strangers_are_refused_and_health_is_told() {
    let home = Home::new();
    let (server, client) = serve(&home);
    let health = client.get("/health", &[]);
    assert_eq!((health.status, &health.json()["status"]), (200, &json!("ok")));
    let list = json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list"}).to_string();
    for path in ["/mcp", "/messages?sessionId=00", "/health"] {
        let rebound = client.post(path, &[("Host", "evil.example")], &list);
        assert_eq!(rebound.status, 403, "{path}: {}", rebound.body);
        let from_a_page = client.post(path, &[("Origin", "https://evil.example")], &list);
        assert_eq!(from_a_page.status, 403, "{path}: {}", from_a_page.body);
    }
    assert_eq!(client.get("/sse", &[("Host", "evil.example:7717")]).status, 403);
    assert_eq!(client.get("/nothing", &[]).status, 404);
    let long = "x".repeat(9 * 1024 * 1024);
    assert_eq!(client.post("/mcp", &[], &long).status, 413);
    drop(server);
}

#[test]
fn eight_clients_at_once_record_eight_runs() {
    let home = Home::new();
    let (mut server, client) = serve(&home);
    thread::scope(|scope| {
        for number in 0..8 {
            let client = &client;
            scope.spawn(move || {
                let run = format!("r{number}");
                client.initialize("2025-06-18");
                client.tell("trace_start", &json!({"trace_id": run, "project": "cobot", "query": "why?"}));
                for number in 0..10 {
                    client.tell("trace_record_decision", &decision(&run, &format!("d{number}")));
                }
                client.tell("trace_finish", &json!({"trace_id": run, "score": 2.4}));
            });
        }
    });
    // No time is given to settle: what was acknowledged is there.
    for number in 0..8 {
        let expected: Vec<String> = (0..10).map(|number| format!("d{number}")).collect();
        assert_eq!(shown_decisions(&home, &format!("r{number}")), expected);
    }
    stop(&mut server, "TERM");
    assert_eq!(std::fs::read_dir(home.join("journal")).unwrap().count(), 0, "nothing is left pending");
}

#[test]
fn a_second_server_on_the_same_home_works_at_the_same_time() {
    let home = Home::new();
    let (mut first, one) = serve(&home);
    let (mut second, two) = serve(&home);
    one.tell("trace_start", &json!({"trace_id": "r1", "project": "cobot", "query": "why?"}));
    two.tell("trace_record_decision", &decision("r1", "of two"));
    one.tell("trace_record_decision", &decision("r1", "of one"));
    two.tell("trace_finish", &json!({"trace_id": "r1"}));
    assert_eq!(shown_decisions(&home, "r1"), ["of two", "of one"]);
    stop(&mut first, "INT");
    two.tell("trace_start", &json!({"trace_id": "r2", "project": "cobot", "query": "why?"}));
    stop(&mut second, "INT");
    home.run(["doctor"]).worked();
}

#[test]
fn the_first_signal_ends_it_in_order_with_requests_answered() {
    for signal in ["INT", "TERM"] {
        let home = Home::new();
        let (mut server, client) = serve(&home);
        client.tell("trace_start", &json!({"trace_id": "r1", "project": "cobot", "query": "why?"}));
        let mut stream = Stream::open(&client, "/sse");
        stream.event();
        stop(&mut server, signal);
        assert!(stream.ends(), "an open stream does not keep it");
        home.run(["doctor"]).worked();
        assert_eq!(std::fs::read_dir(home.join("journal")).unwrap().count(), 0);
    }
}

#[test]
fn an_address_that_others_reach_or_that_is_taken_is_refused_with_a_sentence() {
    let home = Home::new();
    let refused = ended(home.whytrace(["serve", "--listen", "0.0.0.0:0"]));
    assert_eq!((refused.code, refused.stdout.as_str()), (Some(1), ""));
    insta::assert_snapshot!(refused.stderr.trim_end(), @"whytrace: refused to listen on 0.0.0.0:0: an address other than loopback needs authentication; send --auth token and make tokens with `whytrace token new`, send --auth oauth, or listen on 127.0.0.1");
    let (_server, client) = serve(&home);
    let taken = ended(home.whytrace(["serve", "--listen", client.address()]));
    assert_eq!((taken.code, taken.stdout.as_str()), (Some(1), ""));
    assert!(taken.stderr.contains(&format!("could not listen on {}", client.address())), "{taken:?}");
    assert!(taken.stderr.contains("perhaps by a whytrace that is running already"), "{taken:?}");
    let (_, other) = taken.stderr.trim_end().split_once("--listen ").expect("another address");
    let address = |text: &str| text.parse::<std::net::SocketAddr>().unwrap();
    assert_ne!(address(other), address(client.address()));
    assert_eq!(ended(home.whytrace(["serve", "--listen", "nonsense"])).code, Some(2));
}

/// Sends a signal; the program must end by itself, and well.
fn stop(server: &mut Program, signal: &str) {
    let mut kill = Command::new("kill");
    kill.arg(format!("-{signal}")).arg(server.id().to_string()).stdin(Stdio::null());
    assert!(kill.status().unwrap().success());
    let status = server.end();
    assert_eq!(status.code(), Some(0), "after {signal} it said:\n{}", server.diagnostics());
}
