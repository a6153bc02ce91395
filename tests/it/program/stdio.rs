//! One client, one process, one message a line: nothing else on standard output, whatever happens.

use std::time::Instant;

use serde_json::{Value, json};

use super::{VERSION, decision, shown_decisions, start};
use crate::support::program::{Home, PATIENCE, Program, WHYTRACE, ended};

#[test]
fn every_version_that_begins_with_initialize_is_spoken() {
    let home = Home::new();
    for version in ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"] {
        let mut server = home.server();
        let hello = server.initialize(version);
        assert_eq!(hello["protocolVersion"], version);
        assert_eq!(hello["serverInfo"]["name"], "whytrace");
        assert!(hello["instructions"].as_str().unwrap().contains("trace_start"), "{hello}");
        let tools = server.request("tools/list", &json!({}));
        assert!(tools["result"]["tools"].as_array().unwrap().len() >= 5, "{tools}");
        assert!(server.close().success());
    }
}

#[test]
fn a_client_of_2026_07_28_discovers_the_server_and_calls_it_without_a_handshake() {
    let home = Home::new();
    let mut server = home.server();
    let meta = json!({"io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
        "io.modelcontextprotocol/clientInfo": {"name": "new-client", "version": "9"}});
    let found = server.request("server/discover", &json!({"_meta": meta}));
    let versions = found["result"]["supportedVersions"].as_array().unwrap();
    assert!(versions.contains(&json!("2026-07-28")), "{found}");
    let tools = server.request("tools/list", &json!({"_meta": meta}));
    assert!(tools["result"]["tools"].as_array().unwrap().len() >= 5, "{tools}");
    let arguments = json!({"trace_id": "r1", "project": "cobot", "query": "why?"});
    let call = json!({"name": "trace_start", "arguments": arguments, "_meta": meta});
    assert_eq!(server.request("tools/call", &call)["result"]["structuredContent"]["trace_id"], "r1");
    let document = home.run(["show", "r1", "--json"]).worked().json();
    assert_eq!(document["run"]["agent"]["name"], "new-client", "known without asking");
    assert!(server.close().success());
}

#[test]
fn a_start_under_the_id_of_a_finished_run_of_another_project_is_a_conflict_and_the_run_stays() {
    let home = Home::new();
    for restarted in [false, true] {
        let mut server = home.server();
        server.initialize(VERSION);
        if !restarted {
            start(&mut server, "r1");
            server.tell("trace_record_decision", &decision("r1", "d1"));
            server.tell("trace_finish", &json!({"trace_id": "r1", "score": 2.4}));
        }
        let before = home.run(["show", "r1", "--json"]).worked().json();
        let taken =
            server.call("trace_start", &json!({"trace_id": "r1", "project": "other", "query": "mine"}));
        assert_eq!(taken["structuredContent"]["code"], "conflict", "{taken}");
        assert!(server.close().success());
        assert_eq!(home.run(["show", "r1", "--json"]).worked().json(), before);
        home.run(["doctor"]).worked();
    }
}

#[test]
fn what_one_process_records_event_by_event_another_shows_at_once() {
    let home = Home::new();
    let mut server = home.server();
    server.initialize(VERSION);
    start(&mut server, "r1");
    for number in 1..=3 {
        let recorded = server.tell("trace_record_decision", &decision("r1", &format!("d{number}")));
        assert_eq!(recorded["saved"], json!({"journal": "saved", "database": "saved"}));
        assert_eq!(shown_decisions(&home, "r1").len(), number);
    }
    let repeated = server.tell("trace_record_decision", &decision("r1", "d1"));
    assert_eq!(repeated["duplicate"], true);
    let finished = server.tell("trace_finish", &json!({"trace_id": "r1", "score": 2.4, "cost_usd": 0.32}));
    assert_eq!(finished["saved"]["document"], "saved");
    let shown = home.run(["show", "last"]).worked();
    assert_eq!(shown.stdout.trim_end(), finished["scorecard"].as_str().unwrap());
    assert!(server.close().success());
}

#[test]
fn whatever_is_logged_and_flagged_standard_output_carries_messages_alone() {
    let home = Home::new();
    let mut server = Program::spawn(home.whytrace(["--log", "trace"]));
    // Each line that is no JSON fails the test by itself.
    server.initialize(VERSION);
    for number in 1..=3 {
        let run = json!({"events": [
            {"kind": "start", "project": "cobot", "query": "why?"},
            {"kind": "finish", "score": 1.0, "principle_scores": [{"id": "META-12", "score": 1}]}]});
        let recorded = server.tell("trace_record", &run);
        let fired = recorded["finish"]["flags"].as_array().map_or(0, Vec::len);
        assert_eq!(fired > 0, number == 3, "{recorded}");
    }
    let line = server.says("[CALIBRATION]");
    assert!(
        line.contains("Principle META-12 has scored below threshold 3 times in the last 7 days"),
        "{line}"
    );
    assert!(server.close().success());
}

#[test]
fn lines_that_are_no_messages_are_answered_and_the_next_one_works() {
    let home = Home::new();
    let mut server = home.server();
    server.initialize(VERSION);
    server.send_line("{\"jsonrpc\": \"2.0\", \"id\": 77, \"method\": ");
    assert_eq!(server.message()["error"]["code"], -32700, "no JSON");
    server.send_line("");
    let long = "x".repeat(17 * 1024 * 1024);
    server
        .send_line(&json!({"jsonrpc": "2.0", "id": 78, "method": "ping", "params": {"x": long}}).to_string());
    let answer = server.message();
    assert!(answer["error"]["message"].as_str().unwrap().contains("16"), "names the limit: {answer}");
    assert_eq!(server.request("nonsense/none", &json!({}))["error"]["code"], -32601);
    assert_eq!(server.request("tools/call", &json!({"name": "none"}))["error"]["code"], -32602);
    assert!(server.call("trace_start", &json!({"project": "p"}))["isError"].as_bool().unwrap());
    start(&mut server, "r1");
    assert!(server.close().success());
}

#[test]
fn requests_in_flight_when_the_input_ends_are_answered() {
    let home = Home::new();
    let mut server = home.server();
    server.initialize(VERSION);
    start(&mut server, "r1");
    for number in 0..50 {
        let arguments = decision("r1", &format!("d{number}"));
        server.send("tools/call", &json!({"name": "trace_record_decision", "arguments": arguments}));
    }
    assert!(server.close().success());
    assert_eq!(shown_decisions(&home, "r1").len(), 50);
}

#[test]
fn a_client_that_reads_no_diagnostics_any_more_does_not_stop_the_recording() {
    let home = Home::new();
    let mut command = home.whytrace(["--log", "trace"]);
    // A pipe that nobody reads: what is written to it fails.
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    command.stderr(writer);
    let mut server = Program::spawn_quietly(command);
    server.initialize(VERSION);
    for number in 1..=4 {
        let run = json!({"trace_id": format!("r{number}"), "events": [
            {"kind": "start", "project": "cobot", "query": "why?"},
            {"kind": "finish", "score": 1.0, "principle_scores": [{"id": "META-12", "score": 1}]}]});
        let saved = &server.tell("trace_record", &run)["saved"];
        assert_eq!(*saved, json!({"journal": "saved", "database": "saved", "document": "saved"}), "{number}");
    }
    assert!(server.close().success());
}

#[cfg(unix)]
#[test]
fn a_client_that_takes_no_answers_any_more_ends_the_server_though_its_input_stays_open() {
    let home = Home::new();
    let mut shell = home.command("sh");
    shell.args(["-c", "\"$0\" | head -n 1", &WHYTRACE]);
    let mut server = Program::spawn(shell);
    server.initialize(VERSION);
    server.send("ping", &json!({}));
    server.send("ping", &json!({}));
    server.end();
}

#[test]
fn a_client_that_is_gone_ends_the_server() {
    let home = Home::new();
    let begun = Instant::now();
    let mut server = home.server();
    server.initialize(VERSION);
    start(&mut server, "r1");
    assert!(server.close().success());
    assert!(begun.elapsed() < PATIENCE / 3, "moments, not {:?}", begun.elapsed());
}

/// The server's input is kept open by another process, as when a client's other child has inherited the pipe.
#[cfg(unix)]
#[test]
fn a_server_whose_parent_is_gone_ends_though_its_input_stays_open() {
    let home = Home::new();
    let mut shell = home.command("sh");
    // A shell gives what it starts in the background no input, unless told to.
    shell.args(["-c", "exec 3<&0; \"$0\" <&3 & wait", &WHYTRACE]);
    let mut server = Program::spawn(shell);
    server.initialize(VERSION);
    // Kills the shell, and waits until nobody has the server's output open any more.
    server.kill();
}

#[test]
fn a_configuration_that_cannot_be_read_is_said_and_nothing_is_served() {
    let home = Home::new();
    std::fs::write(home.join("config.toml"), "prompts = [").unwrap();
    for arguments in [&[] as &[&str], &["serve"], &["show", "last"], &["doctor"]] {
        let refused = ended(home.whytrace(arguments));
        assert_eq!((refused.code, refused.stdout.as_str()), (Some(1), ""), "{arguments:?}");
        assert!(refused.stderr.starts_with("whytrace: "), "{refused:?}");
        assert!(refused.stderr.contains("config.toml"), "{refused:?}");
    }
}

/// Prints figures of the debug build, for whoever runs the tests with `--nocapture`.
#[test]
fn what_a_client_is_shown_of_all_tools_stays_small() {
    let home = Home::new();
    let mut starts: Vec<f64> = (0..5)
        .map(|_| {
            let begun = Instant::now();
            let mut server = home.server();
            server.initialize(VERSION);
            server.request("tools/list", &json!({}));
            begun.elapsed().as_secs_f64() * 1e3
        })
        .collect();
    starts.sort_by(f64::total_cmp);
    let mut server = home.server();
    server.initialize(VERSION);
    let tools = server.request("tools/list", &json!({}))["result"].take();
    let shown: Value = tools["tools"]
        .as_array()
        .unwrap()
        .iter()
        .map(|tool| {
            json!({"name": tool["name"], "title": tool["title"], "description": tool["description"],
            "inputSchema": tool["inputSchema"]})
        })
        .collect();
    let (all, shown) = (tools.to_string().len(), shown.to_string().len());
    eprintln!(
        "spawn to tools/list: {starts:.1?} ms; tools/list {all} bytes, of which a model is shown {shown}"
    );
    assert!(all < 30_000 && shown < 12_000, "{all} and {shown} bytes");
}
