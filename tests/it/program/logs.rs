//! What a server logs: records that programs read, with the run and the caller in each, and nobody's secrets.

use serde_json::{Value, json};

use super::http::client::Client;
use super::http::tokens::token;
use super::{decision, start};
use crate::support::database::Schema;
use crate::support::program::{Home, Program};
use crate::support::store::Store;

/// Everything that a server on a free port has logged as JSON, and a client of it.
struct Logging {
    server: Program,
    client: Client,
}

impl Logging {
    fn start(home: &Home, more: &[&str]) -> Self {
        let options = ["serve", "--listen", "127.0.0.1:0", "--log-format", "json"];
        let server = Program::spawn(home.whytrace([&options, more].concat()));
        let line: Value = serde_json::from_str(&server.says("serves MCP at")).expect("a record");
        let client = Client::new(line["address"].as_str().expect("an address"));
        Self { server, client }
    }

    /// The records so far; all that was said is records.
    fn records(&self) -> Vec<Value> {
        let said = self.server.diagnostics();
        said.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}"))).collect()
    }
}

#[test]
fn every_record_of_a_call_names_its_run_its_caller_and_its_request() {
    let home = Home::new();
    let (token_id, secret) = token(&home, "trace:read,trace:write", None);
    let logging = Logging::start(&home, &["--auth", "token", "--log", "whytrace=debug"]);
    let client = logging.client.bearing(&secret);
    let traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let run = json!({"project": "cobot", "query": "why?"});
    let params = json!({"name": "trace_start", "arguments": run, "_meta": {"traceparent": traceparent}});
    let started = client.ask(&[("MCP-Protocol-Version", "2025-06-18")], "tools/call", &params);
    let trace_id = started["structuredContent"]["trace_id"].as_str().unwrap().to_owned();
    client.call("trace_record_decision", &json!({"trace_id": trace_id, "what": "incomplete"}));
    logging.server.says("trace_record_decision answered");

    let records = logging.records();
    let answered: Vec<&Value> =
        records.iter().filter(|record| record["target"] == "whytrace::mcp::call").collect();
    let [began, refused] = answered.as_slice() else { panic!("{records:#?}") };
    for record in &answered {
        assert!(record["duration_ms"].as_f64().unwrap() > 0.0, "{record}");
        assert_eq!((&record["trace_id"], &record["token_id"]), (&json!(trace_id), &json!(token_id)));
        assert_eq!((&record["request_id"], &record["level"]), (&json!("1"), &json!("DEBUG")));
    }
    assert_eq!((&began["tool"], &began["result"]), (&json!("trace_start"), &json!("ok")));
    assert_eq!(began["traceparent"], traceparent);
    assert_eq!(
        (&refused["tool"], &refused["result"]),
        (&json!("trace_record_decision"), &json!("invalid_argument"))
    );
}

#[test]
fn what_is_logged_below_a_call_names_its_run_too() {
    let home = Home::new().with("WHYTRACE_DATABASE_URL", "postgres://u:hunter2@127.0.0.1:1/x");
    let logging = Logging::start(&home, &["--log", "whytrace=trace"]);
    logging.client.tell("trace_start", &json!({"trace_id": "r1", "project": "cobot", "query": "why?"}));
    logging.client.tell("trace_finish", &json!({"trace_id": "r1"}));
    logging.server.says("trace_finish answered");
    let about = |record: &&Value| record["message"].as_str().is_some_and(|text| text.contains("r1"));
    let records = logging.records();
    assert!(records.iter().filter(about).all(|record| record["trace_id"] == "r1"), "{records:#?}");
}

#[test]
fn ids_of_clients_forge_no_record() {
    let forged = "r1\n2026-01-01T00:00:00Z ERROR whytrace: all is lost\u{1b}[2J";
    let home = Home::new();
    let mut server = Program::spawn(home.whytrace(["--log", "whytrace=trace"]));
    server.initialize(super::VERSION);
    start(&mut server, "r1");
    server.call("trace_record_decision", &decision(forged, "d1"));
    server.send("tools/call", &json!({"name": forged, "arguments": {}}));
    server.call("trace_list", &json!({}));
    server.says("trace_list answered");
    let said = server.diagnostics();
    assert!(said.lines().all(|line| !line.starts_with("2026-01-01")), "{said}");
    assert!(!said.contains('\u{1b}'), "{said:?}");
}

#[test]
fn at_the_finest_level_no_secret_of_server_or_client_is_logged() {
    let home = Home::new();
    let schema = Schema::fresh();
    let home = home.on(schema.as_ref());
    let user = schema.as_ref().and_then(|schema| schema.url().split("://").nth(1)?.rsplit_once('@'));
    let password = user.and_then(|(user, _)| user.split_once(':')).map(|(_, password)| password.to_owned());
    let (_, secret) = token(&home, "trace:read,trace:write", None);
    let logging = Logging::start(&home, &["--auth", "token", "--log", "trace"]);
    let client = logging.client.bearing(&secret);
    client.tell("trace_start", &json!({"trace_id": "r1", "project": "cobot", "query": "why?"}));
    client.tell("trace_record_decision", &decision("r1", "d1"));
    client.tell("trace_finish", &json!({"trace_id": "r1"}));
    client.tell("trace_full", &json!({"trace_id": "r1"}));
    let wrong = format!("wht_{}", "A".repeat(43));
    assert_eq!(logging.client.bearing(&wrong).get("/sse", &[]).status, 401);
    logging.server.says("trace_full answered");
    let said = logging.server.diagnostics();
    for secret in [secret, wrong].into_iter().chain(password) {
        assert!(!said.contains(secret.as_str()), "{secret} is logged");
    }
}

#[tokio::test]
async fn a_database_that_is_open_does_not_show_its_password() {
    let Some(store) = Store::postgres() else { return };
    let whytrace::store::DatabaseTarget::Postgres { url, .. } = store.target() else { panic!("no Postgres") };
    let password = url.rsplit_once('@').and_then(|(user, _)| user.rsplit_once(':')).expect("a password").1;
    let index = store.index();
    index.probe().await.unwrap();
    let shown = format!("{index:?}");
    assert!(shown.contains("Pool") && !shown.contains(password), "{shown}");
    index.close().await;
}
