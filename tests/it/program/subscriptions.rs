//! Two processes on one database: a client that has subscribed through one hears of what is recorded through the
//! other, on every transport and in every version that can carry it.
//!
//! Nothing here measures time: each wait is for the message itself, and its bound only turns a hang into a failure.

use serde_json::{Value, json};

use super::http::client::{Client, Stream};
use super::http::{serve, serve_with};
use super::{VERSION, decision, start};
use crate::support::database::Schema;
use crate::support::program::{Home, Program};

const MODERN: &str = "2026-07-28";

fn modern_meta() -> Value {
    json!({"io.modelcontextprotocol/protocolVersion": MODERN, "io.modelcontextprotocol/clientCapabilities": {}})
}

/// The params that open a stream about these addresses.
fn about(addresses: &[&str]) -> Value {
    json!({"_meta": modern_meta(), "notifications": {"resourceSubscriptions": addresses}})
}

/// A client that hears, whatever it is connected by.
trait Ear {
    fn subscribe(&mut self, addresses: &[&str]);

    /// The next message that is no answer to a request of its own, or is the answer that ends a stream.
    fn hears(&mut self) -> Value;

    /// Whether it hears on a stream, which begins with what is there and ends with a last answer.
    fn is_stream(&self) -> bool;

    /// The address of the next update.
    fn is_told(&mut self) -> String {
        let update = self.hears();
        assert_eq!(update["method"], "notifications/resources/updated", "{update}");
        update["params"]["uri"].as_str().expect("an address").to_owned()
    }
}

/// `resources/subscribe` over standard input and output.
struct OldStdio(Program);

impl OldStdio {
    fn connect(home: &Home) -> Self {
        let mut server = home.server();
        assert_eq!(server.initialize(VERSION)["capabilities"]["resources"], json!({"subscribe": true}));
        Self(server)
    }
}

impl Ear for OldStdio {
    fn subscribe(&mut self, addresses: &[&str]) {
        for address in addresses {
            let answer = self.0.request("resources/subscribe", &json!({"uri": address}));
            assert_eq!(answer["result"], json!({}), "{answer}");
        }
    }

    fn hears(&mut self) -> Value {
        self.0.message()
    }

    fn is_stream(&self) -> bool {
        false
    }
}

/// `subscriptions/listen` over standard input and output.
struct ModernStdio(Program);

impl Ear for ModernStdio {
    fn subscribe(&mut self, addresses: &[&str]) {
        self.0.send("subscriptions/listen", &about(addresses));
        is_acknowledged(&self.hears(), addresses);
    }

    fn hears(&mut self) -> Value {
        self.0.message()
    }

    fn is_stream(&self) -> bool {
        true
    }
}

/// `resources/subscribe` over `/sse` and `/messages`.
struct Sse {
    client: Client,
    stream: Stream,
    endpoint: String,
    _server: Option<Program>,
}

impl Sse {
    fn connect(home: &Home) -> Self {
        let (server, client) = serve(home);
        Self { _server: Some(server), ..Self::of(client) }
    }

    fn of(client: Client) -> Self {
        let mut stream = Stream::open(&client, "/sse");
        let (_, endpoint) = stream.event();
        let mut ear = Self { client, stream, endpoint, _server: None };
        let hello = json!({"protocolVersion": VERSION, "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}});
        let hello = ear.ask("initialize", &hello);
        assert_eq!(hello["result"]["capabilities"]["resources"], json!({"subscribe": true}));
        ear.post(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}));
        ear
    }

    fn ask(&mut self, method: &str, params: &Value) -> Value {
        self.post(&json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}));
        self.hears()
    }

    fn post(&self, message: &Value) {
        let posted = self.client.post(&self.endpoint, &[], &message.to_string());
        assert_eq!(posted.status, 202, "{}", posted.body);
    }
}

impl Ear for Sse {
    fn subscribe(&mut self, addresses: &[&str]) {
        for address in addresses {
            let answer = self.ask("resources/subscribe", &json!({"uri": address}));
            assert_eq!(answer["result"], json!({}), "{answer}");
        }
    }

    fn hears(&mut self) -> Value {
        serde_json::from_str(&self.stream.event().1).expect("JSON")
    }

    fn is_stream(&self) -> bool {
        false
    }
}

/// `subscriptions/listen` over `/mcp`.
struct Http {
    client: Client,
    stream: Option<Stream>,
    _server: Option<Program>,
}

impl Http {
    fn connect(home: &Home) -> Self {
        let (server, client) = serve(home);
        Self { client, stream: None, _server: Some(server) }
    }

    fn of(client: Client) -> Self {
        Self { client, stream: None, _server: None }
    }
}

impl Ear for Http {
    fn subscribe(&mut self, addresses: &[&str]) {
        let headers = [("MCP-Protocol-Version", MODERN), ("Mcp-Method", "subscriptions/listen")];
        let listen =
            json!({"jsonrpc": "2.0", "id": 1, "method": "subscriptions/listen", "params": about(addresses)});
        self.stream = Some(Stream::post(&self.client, &headers, &listen.to_string()));
        is_acknowledged(&self.hears(), addresses);
    }

    fn hears(&mut self) -> Value {
        let stream = self.stream.as_mut().expect("it listens");
        serde_json::from_str(&stream.event().1).expect("JSON")
    }

    fn is_stream(&self) -> bool {
        true
    }
}

fn is_acknowledged(message: &Value, addresses: &[&str]) {
    assert_eq!(message["method"], "notifications/subscriptions/acknowledged", "{message}");
    assert_eq!(message["params"]["notifications"], json!({"resourceSubscriptions": addresses}));
}

/// Connects to a process of a home.
type Way = fn(&Home) -> Box<dyn Ear>;

const WAYS: [Way; 4] = [
    |home| Box::new(OldStdio::connect(home)),
    |home| Box::new(ModernStdio(home.server())),
    |home| Box::new(Sse::connect(home)),
    |home| Box::new(Http::connect(home)),
];

/// One who records through a process of that home.
fn recorder(home: &Home) -> Program {
    let mut recorder = home.server();
    recorder.initialize(VERSION);
    recorder
}

/// A client of `one` hears what is recorded through `other`, to the end of the run, on every way.
fn each_way_hears(one: &Home, other: &Home) {
    let mut recorder = recorder(other);
    for (number, connect) in WAYS.into_iter().enumerate() {
        let (run, quiet) = (format!("r{number}"), format!("a{number}"));
        let addresses = [format!("trace://{run}"), format!("trace://{run}/summary")];
        start(&mut recorder, &run);
        start(&mut recorder, &quiet);
        let mut ear = connect(one);
        ear.subscribe(&[&addresses[0], &addresses[1]]);
        if ear.is_stream() {
            assert_eq!([ear.is_told(), ear.is_told()], addresses, "way {number}: what is there");
        }
        recorder.tell("trace_record_decision", &decision(&quiet, "d1"));
        recorder.tell("trace_record_decision", &decision(&run, "d1"));
        assert_eq!([ear.is_told(), ear.is_told()], addresses, "way {number}: the decision");
        recorder.tell("trace_finish", &json!({"trace_id": run}));
        assert_eq!([ear.is_told(), ear.is_told()], addresses, "way {number}: the end");
        if ear.is_stream() {
            let last = ear.hears();
            assert_eq!(last["result"]["resultType"], "complete", "{last}");
        }
    }
}

#[test]
fn what_another_process_records_in_the_same_file_is_heard_on_every_way() {
    let home = Home::new();
    each_way_hears(&home, &home);
}

#[test]
fn what_another_process_records_in_the_same_postgres_is_heard_on_every_way() {
    let Some(schema) = Schema::fresh() else { return };
    let [one, other] = [Home::new().on(Some(&schema)), Home::new().on(Some(&schema))];
    each_way_hears(&one, &other);
}

#[test]
fn what_one_server_takes_from_one_client_another_client_of_it_hears() {
    let home = Home::new();
    let (_server, client) = serve(&home);
    client.tell("trace_start", &json!({"trace_id": "r1", "project": "cobot", "query": "why?"}));
    let mut ears: [Box<dyn Ear>; 2] = [Box::new(Sse::of(client.clone())), Box::new(Http::of(client.clone()))];
    for ear in &mut ears {
        ear.subscribe(&["trace://r1"]);
    }
    assert_eq!(ears[1].is_told(), "trace://r1", "what is there");
    client.tell("trace_record_decision", &decision("r1", "d1"));
    assert_eq!(ears.map(|mut ear| ear.is_told()), ["trace://r1", "trace://r1"]);
}

#[test]
fn a_transport_without_sessions_promises_no_subscriptions_to_old_clients_and_takes_none() {
    let home = Home::new();
    let (_server, client) = serve(&home);
    for version in ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"] {
        assert_eq!(client.initialize(version)["capabilities"]["resources"], json!({}), "{version}");
        for method in ["resources/subscribe", "resources/unsubscribe"] {
            let request =
                json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": {"uri": "trace://r1"}});
            let refused = client.post("/mcp", &[("MCP-Protocol-Version", version)], &request.to_string());
            assert_eq!(refused.json()["error"]["code"], -32601, "{}", refused.body);
        }
    }
    let discover =
        json!({"jsonrpc": "2.0", "id": 1, "method": "server/discover", "params": {"_meta": modern_meta()}});
    let headers = [("MCP-Protocol-Version", MODERN), ("Mcp-Method", "server/discover")];
    let found = client.post("/mcp", &headers, &discover.to_string()).json();
    let resources = &found["result"]["capabilities"]["resources"];
    assert_eq!(*resources, json!({"subscribe": true}), "its clients listen to a stream");
}

#[test]
fn a_client_hears_nothing_of_projects_that_its_token_does_not_name() {
    let home = Home::new();
    let token = |scopes: &str, projects: &str| {
        let made =
            home.run(["token", "new", "--json", "--name", "n", "--scopes", scopes, "--projects", projects]);
        made.worked().json()["token"].as_str().expect("a token").to_owned()
    };
    let [reader, writer] = [token("trace:read", "cobot"), token("trace:write", "cobot")];
    let (_server, client) = serve_with(&home, &["--listen", "127.0.0.1:0", "--auth", "token"]);
    let (reader, writer) = (client.bearing(&reader), client.bearing(&writer));
    let mut recorder = recorder(&home);
    start(&mut recorder, "r1");
    recorder.tell("trace_start", &json!({"trace_id": "other", "project": "grid", "query": "?"}));

    let mut old = Sse::of(reader.clone());
    let mut refusals = ["other", "none"].map(|run| {
        let refused = old.ask("resources/subscribe", &json!({"uri": format!("trace://{run}")}));
        refused["error"].to_string().replace(run, "[run]")
    });
    refusals.sort();
    assert_eq!(refusals[0], refusals[1]);
    old.subscribe(&["trace://r1"]);
    let mut modern = Http::of(reader);
    modern.subscribe(&["trace://other", "trace://none", "trace://r1"]);
    assert_eq!(modern.is_told(), "trace://r1", "what is there");
    recorder.tell("trace_finish", &json!({"trace_id": "other"}));
    recorder.tell("trace_finish", &json!({"trace_id": "r1"}));
    assert_eq!([old.is_told(), modern.is_told()], ["trace://r1", "trace://r1"]);

    let listen = json!({"jsonrpc": "2.0", "id": 1, "method": "subscriptions/listen", "params": about(&["trace://r1"])});
    let headers = [("MCP-Protocol-Version", MODERN), ("Mcp-Method", "subscriptions/listen")];
    assert_eq!(writer.post("/mcp", &headers, &listen.to_string()).status, 403);
}
