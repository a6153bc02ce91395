//! What those read who watch over a server: `/ready` and `/metrics`, and that they tell nothing of what is recorded.

use std::collections::BTreeMap;
use std::time::Instant;

use serde_json::{Value, json};

use super::client::{Answer, Client};
use super::tokens::{serve_tokens, token};
use super::{decision, serve, serve_with};
use crate::support::program::{Home, PATIENCE};

/// The samples of an exposition by name and labels. Panics where it is not as the format says.
fn samples(text: &str) -> BTreeMap<String, f64> {
    let mut samples = BTreeMap::new();
    let mut metric: Option<(&str, &str)> = None;
    let mut seen = Vec::new();
    assert!(text.ends_with('\n'), "the last line ends too");
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            let (name, help) = rest.split_once(' ').expect("a help text");
            assert!(!help.is_empty() && !seen.contains(&name), "{line}");
            seen.push(name);
            metric = Some((name, ""));
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').expect("a type");
            assert_eq!(metric, Some((name, "")), "{line}");
            assert_eq!(kind == "counter", name.ends_with("_total"), "{line}");
            assert_eq!(kind == "histogram", name.ends_with("_duration_seconds"), "{line}");
            metric = Some((name, kind));
        } else {
            let (series, value) = line.rsplit_once(' ').expect("a value");
            let value: f64 = value.parse().unwrap_or_else(|_| panic!("no number: {line}"));
            assert!(value.is_finite() && value >= 0.0, "{line}");
            let (name, labels) = match series.split_once('{') {
                Some((name, labels)) => (name, labels.strip_suffix('}').expect("a brace")),
                None => (series, ""),
            };
            let (declared, kind) = metric.expect("a metric before its samples");
            let suffix = name.strip_prefix(declared).unwrap_or_else(|| panic!("{line} under {declared}"));
            let is_known = match kind {
                "histogram" => ["_bucket", "_sum", "_count"].contains(&suffix),
                "counter" | "gauge" => suffix.is_empty(),
                _ => false,
            };
            assert!(is_known, "{line} is no sample of a {kind}");
            for label in labels.split(',').filter(|labels| !labels.is_empty()) {
                let (name, value) = label.split_once('=').expect("a label");
                assert!(name.bytes().all(|byte| byte.is_ascii_lowercase()), "{line}");
                let value = value.strip_prefix('"').and_then(|value| value.strip_suffix('"'));
                assert!(value.is_some_and(|value| !value.contains(['"', '\\'])), "{line}");
            }
            assert_eq!(samples.insert(series.to_owned(), value), None, "{line} stands there twice");
        }
    }
    samples
}

/// The names of all metrics, with kind and help.
fn names(text: &str) -> String {
    text.lines().filter(|line| line.starts_with('#')).collect::<Vec<_>>().join("\n")
}

fn record_a_run(client: &Client) {
    client.tell("trace_start", &json!({"trace_id": "r1", "project": "very-own-project", "query": "why?"}));
    client.tell("trace_record_decision", &decision("r1", "d1"));
    client.tell("trace_record_decision", &decision("r1", "d1"));
    client.tell("trace_finish", &json!({"trace_id": "r1", "score": 3}));
    client.call("trace_record_decision", &decision("no-such-run", "d1"));
}

/// What `/ready` answers once that reads like this. A store that is slow to answer at first is away until it does.
fn ready_when(client: &Client, reads: impl Fn(&Value) -> bool) -> Answer {
    let begun = Instant::now();
    loop {
        let answer = client.get("/ready", &[]);
        if reads(&answer.json()) {
            return answer;
        }
        assert!(begun.elapsed() < PATIENCE, "still {}", answer.body);
    }
}

fn is_all_well(ready: &Value) -> bool {
    ready.get("reasons").is_none()
}

fn is_refused_by_the_database(ready: &Value) -> bool {
    ready["reasons"]["database"].as_str().is_some_and(|reason| reason.contains("not reached"))
}

#[test]
fn metrics_count_what_was_recorded_called_and_asked() {
    let home = Home::new();
    let (_server, client) = serve(&home);
    ready_when(&client, is_all_well);
    record_a_run(&client);
    client.get("/no/such/path", &[]);
    let answer = client.get("/metrics", &[]);
    assert_eq!(answer.status, 200);
    insta::assert_snapshot!("metrics", names(&answer.body));
    let samples = samples(&answer.body);
    let value =
        |series: &str| *samples.get(series).unwrap_or_else(|| panic!("no {series}:\n{}", answer.body));
    for (series, expected) in [
        (r#"whytrace_events_total{kind="decision"}"#, 1.0),
        (r#"whytrace_events_total{kind="finish"}"#, 1.0),
        ("whytrace_events_repeated_total", 1.0),
        (r#"whytrace_acknowledgements_total{store="journal",state="saved"}"#, 4.0),
        (r#"whytrace_acknowledgements_total{store="documents",state="saved"}"#, 1.0),
        (r#"whytrace_refused_total{code="unknown_trace"}"#, 1.0),
        (r#"whytrace_tool_call_duration_seconds_count{tool="trace_start",result="ok"}"#, 1.0),
        (r#"whytrace_tool_call_duration_seconds_count{tool="trace_record_decision",result="ok"}"#, 2.0),
        (r#"whytrace_tool_call_duration_seconds_count{tool="trace_record_decision",result="error"}"#, 1.0),
        (r#"whytrace_http_requests_total{path="/mcp",status="200"}"#, 5.0),
        (r#"whytrace_http_requests_total{path="other",status="404"}"#, 1.0),
        (r#"whytrace_store_up{store="database"}"#, 1.0),
        ("whytrace_http_requests_in_flight", 1.0),
        ("whytrace_pending_events", 0.0),
        ("whytrace_flags_open", 0.0),
    ] {
        assert_eq!(value(series), expected, "{series}");
    }
    assert!(value("whytrace_journal_bytes") > 0.0 && value("whytrace_sqlite_wal_bytes") > 0.0);
    assert!(value("process_start_time_seconds") > 1.7e9);
    for secret in ["very-own-project", "r1", "d1", "no-such"] {
        assert!(!answer.body.contains(&format!("\"{secret}\"")), "{secret} is told");
    }
}

#[test]
fn the_number_of_series_does_not_depend_on_what_clients_say() {
    let home = Home::new();
    let (_server, client) = serve(&home);
    ready_when(&client, is_all_well);
    let series = || samples(&client.get("/metrics", &[]).body).len();
    // Once each, so that their statuses are there.
    record_a_run(&client);
    client.get("/a", &[]);
    series();
    let before = series();
    for number in 0..50 {
        client.get(&format!("/{number}"), &[]);
        let run = format!("run-{number}");
        client.tell("trace_start", &json!({"trace_id": run, "project": run, "query": "why?"}));
    }
    assert_eq!(series(), before);
}

#[test]
fn with_tokens_ready_is_for_everybody_and_metrics_for_who_runs_the_server() {
    let home = Home::new();
    let (_, plain) = token(&home, "trace:read,trace:write", None);
    let (_, admin) = token(&home, "trace:admin", None);
    let (_server, client) = serve_tokens(&home);
    assert_eq!(ready_when(&client, is_all_well).status, 200);
    assert_eq!(client.get("/metrics", &[]).status, 401);
    assert_eq!(client.bearing(&plain).get("/metrics", &[]).status, 403);
    let answer = client.bearing(&admin).get("/metrics", &[]);
    assert_eq!(answer.status, 200, "{}", answer.body);
    samples(&answer.body);
}

#[test]
fn ready_says_which_store_is_away_and_that_recording_goes_on() {
    let home = Home::new();
    let (_server, client) = serve(&home);
    let ready = ready_when(&client, is_all_well);
    let nothing = json!({"events": 0, "runs": 0, "documents": 0});
    let expected = json!({
        "recording": true, "journal": "ok", "database": "ok", "documents": "ok", "pending": nothing,
    });
    assert_eq!((ready.status, ready.json()), (200, expected));

    let home = home_without_database();
    let (_server, client) = serve(&home);
    client.tell("trace_start", &json!({"trace_id": "r1", "project": "cobot", "query": "why?"}));
    client.tell("trace_record_decision", &decision("r1", "d1"));
    let ready = ready_when(&client, is_refused_by_the_database);
    assert_eq!(ready.status, 200, "{}", ready.body);
    insta::assert_snapshot!("ready_without_a_database", pretty(&ready.json()));
    let metrics = samples(&client.get("/metrics", &[]).body);
    assert_eq!(metrics[r#"whytrace_store_up{store="database"}"#], 0.0);
    assert_eq!((metrics["whytrace_recording"], metrics["whytrace_pending_events"]), (1.0, 2.0));
}

#[test]
fn ready_says_no_where_a_write_could_not_be_acknowledged() {
    let home = home_without_database();
    let (server, client) = serve_with(&home, &["--listen", "127.0.0.1:0", "--require", "database"]);
    let ready = ready_when(&client, is_refused_by_the_database);
    assert_eq!((ready.status, &ready.json()["recording"]), (503, &json!(false)), "{}", ready.body);
    assert!(!ready.body.contains("hunter2") && !ready.body.contains("127.0.0.1"), "{}", ready.body);
    server.says("the database is away");
}

/// Nobody listens on port 1.
fn home_without_database() -> Home {
    Home::new().with("WHYTRACE_DATABASE_URL", "postgres://u:hunter2@127.0.0.1:1/x")
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap()
}
