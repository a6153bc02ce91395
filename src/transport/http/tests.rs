//! A client written by hand talks to the echo handler over real sockets.

mod limits;
mod metadata;
mod standing;
mod strangers;

use std::collections::HashMap;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

use super::*;
use crate::transport::echo::Echo;

const JSON: &str = "Content-Type: application/json\r\nAccept: application/json, text/event-stream\r\n";

struct Server {
    echo: Echo,
    address: SocketAddr,
    shutdown: CancellationToken,
    running: JoinHandle<()>,
}

impl Server {
    async fn start() -> Self {
        Self::with(|_| {}).await
    }

    async fn with(change: impl FnOnce(&mut HttpOptions)) -> Self {
        let mut options =
            HttpOptions { listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), ..Default::default() };
        change(&mut options);
        let echo = Echo::new();
        let handler = echo.clone();
        let more = Router::new().route("/more", get(async || "more"));
        let server = HttpServer::bind(options, move |_| handler.clone()).await.unwrap().with_routes(more);
        let address = server.local_addr();
        let shutdown = CancellationToken::new();
        let running = tokio::spawn(server.run(shutdown.clone()));
        Self { echo, address, shutdown, running }
    }

    async fn send(&self, request: &str) -> BufReader<TcpStream> {
        let mut socket = TcpStream::connect(self.address).await.unwrap();
        socket.write_all(request.as_bytes()).await.unwrap();
        BufReader::new(socket)
    }

    async fn ask(&self, request: &str) -> Answer {
        Answer::read(&mut self.send(request).await).await
    }

    async fn get(&self, path: &str, headers: &str) -> Answer {
        self.ask(&format!("GET {path} HTTP/1.1\r\n{headers}\r\n")).await
    }

    async fn post(&self, path: &str, headers: &str, body: &Value) -> Answer {
        self.ask(&post(path, headers, &body.to_string())).await
    }

    async fn open_stream(&self) -> Stream {
        Stream::open(self.send("GET /sse HTTP/1.1\r\nHost: localhost\r\n\r\n").await).await
    }

    async fn ends(self) {
        self.shutdown.cancel();
        self.running.await.unwrap();
    }
}

struct Answer {
    status: u16,
    headers: HashMap<String, String>,
    body: Value,
}

impl Answer {
    async fn read(reader: &mut BufReader<TcpStream>) -> Self {
        let (status, headers) = read_head(reader).await;
        let mut body = vec![0; headers.get("content-length").map_or(0, |length| length.parse().unwrap())];
        reader.read_exact(&mut body).await.unwrap();
        let body = serde_json::from_slice(&body).unwrap_or_else(|_| String::from_utf8(body).unwrap().into());
        Self { status, headers, body }
    }

    fn sentence(&self) -> &str {
        self.body["error"].as_str().unwrap_or_else(|| panic!("no sentence in {}", self.body))
    }
}

/// An event stream, of which the chunk sizes are passed over.
struct Stream {
    reader: BufReader<TcpStream>,
    headers: HashMap<String, String>,
}

impl Stream {
    async fn open(mut reader: BufReader<TcpStream>) -> Self {
        let (status, headers) = read_head(&mut reader).await;
        assert_eq!((status, headers["content-type"].as_str()), (200, "text/event-stream"));
        Self { reader, headers }
    }

    /// The data of the next event of this kind, or `None` at the end of the stream.
    async fn event(&mut self, kind: &str) -> Option<String> {
        let mut line = String::new();
        let mut is_wanted = kind == "message";
        while self.reader.read_line(&mut line).await.unwrap() > 0 {
            if let Some(name) = line.strip_prefix("event: ") {
                is_wanted = name.trim_end() == kind;
            } else if let Some(data) = line.strip_prefix("data: ").filter(|_| is_wanted) {
                return Some(data.trim_end().to_owned());
            }
            line.clear();
        }
        None
    }

    async fn message(&mut self) -> Value {
        serde_json::from_str(&self.event("message").await.expect("a message")).unwrap()
    }
}

async fn read_head(reader: &mut BufReader<TcpStream>) -> (u16, HashMap<String, String>) {
    let mut line = String::new();
    reader.read_line(&mut line).await.unwrap();
    let status = line.split(' ').nth(1).unwrap_or_else(|| panic!("no status in {line:?}")).parse().unwrap();
    let mut headers = HashMap::new();
    loop {
        line.clear();
        reader.read_line(&mut line).await.unwrap();
        let Some((name, value)) = line.trim_end().split_once(": ") else {
            return (status, headers);
        };
        headers.insert(name.to_ascii_lowercase(), value.to_owned());
    }
}

fn post(path: &str, headers: &str, body: &str) -> String {
    let length = body.len();
    format!("POST {path} HTTP/1.1\r\nHost: localhost\r\n{headers}Content-Length: {length}\r\n\r\n{body}")
}

fn call(id: u32, tool: &str, text: &str) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": {"name": tool, "arguments": {"text": text}}})
}

fn initialize(version: &str) -> Value {
    json!({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {
        "protocolVersion": version, "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}})
}

fn modern(method: &str, mut params: Value) -> (String, Value) {
    params["_meta"] = json!({"io.modelcontextprotocol/protocolVersion": "2026-07-28",
                             "io.modelcontextprotocol/clientCapabilities": {}});
    let headers = format!("{JSON}MCP-Protocol-Version: 2026-07-28\r\nMcp-Method: {method}\r\n");
    (headers, json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}))
}

fn text_of(answer: &Value) -> &str {
    answer["result"]["content"][0]["text"].as_str().unwrap_or_default()
}

#[tokio::test]
async fn health_says_ok_and_the_version() {
    let server = Server::start().await;
    let answer = server.get("/health", "Host: localhost\r\n").await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.body, json!({"status": "ok", "version": env!("CARGO_PKG_VERSION")}));
}

#[tokio::test]
async fn every_path_checks_host_and_origin() {
    let server = Server::with(|options| options.allowed_hosts.push("trace.example.com".to_owned())).await;
    for path in ["/mcp", "/sse", "/messages", "/health", "/more", "/nothing"] {
        for headers in [
            "Host: evil.example.com\r\n",
            "",
            "Host: localhost\r\nOrigin: http://evil.example.com\r\n",
            "Host: localhost\r\nOrigin: null\r\n",
        ] {
            let answer = server.get(path, headers).await;
            assert_eq!(answer.status, 403, "{path} {headers}");
            assert!(!answer.sentence().is_empty());
        }
    }
    for headers in ["Host: trace.example.com:1\r\n", "Host: localhost\r\nOrigin: http://localhost:3000\r\n"] {
        assert_eq!(server.get("/more", headers).await.body, "more", "{headers}");
    }
}

#[tokio::test]
async fn unknown_paths_and_methods_are_refused_with_a_sentence() {
    let server = Server::start().await;
    let nothing = server.get("/nothing", "Host: localhost\r\n").await;
    assert_eq!((nothing.status, nothing.sentence().contains("/mcp")), (404, true));
    let wrong = server.post("/health", JSON, &json!({})).await;
    assert_eq!(wrong.status, 405);
    assert!(!wrong.sentence().is_empty());
    let no_stream = server.get("/mcp", "Host: localhost\r\nAccept: text/event-stream\r\n").await;
    assert_eq!((no_stream.status, no_stream.headers["allow"].as_str()), (405, "POST"));
    assert!(!no_stream.sentence().is_empty(), "rmcp's own refusals have the same form");
    let unaccepting = server.post("/mcp", "Content-Type: application/json\r\n", &json!({})).await;
    assert_eq!((unaccepting.status, unaccepting.sentence().contains("text/event-stream")), (406, true));
}

#[tokio::test]
async fn every_version_with_a_handshake_is_agreed_to() {
    let server = Server::start().await;
    for version in ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"] {
        let answer = server.post("/mcp", JSON, &initialize(version)).await;
        assert_eq!(answer.headers["content-type"], "application/json");
        assert_eq!(answer.body["result"]["protocolVersion"], version);
        let headers = format!("{JSON}MCP-Protocol-Version: {version}\r\n");
        let answer = server.post("/mcp", &headers, &call(1, "echo", version)).await;
        assert_eq!((answer.status, text_of(&answer.body)), (200, version));
    }
    let answer = server.post("/mcp", JSON, &initialize("2026-07-28")).await;
    assert_eq!(answer.body["result"]["protocolVersion"], "2025-11-25", "2026-07-28 has no handshake");
}

#[tokio::test]
async fn a_client_of_2026_discovers_and_lists() {
    let server = Server::start().await;
    let (headers, body) = modern("server/discover", json!({}));
    let found = server.post("/mcp", &headers, &body).await;
    assert!(found.body["result"]["supportedVersions"].as_array().unwrap().contains(&json!("2026-07-28")));
    let (headers, body) = modern("tools/list", json!({}));
    let listed = server.post("/mcp", &headers, &body).await;
    assert_eq!(listed.body["result"]["tools"][0]["name"], "echo");
}

#[tokio::test]
async fn an_sse_client_shakes_hands_and_calls_a_tool() {
    let server = Server::start().await;
    let mut stream = server.open_stream().await;
    assert_eq!(stream.headers["x-accel-buffering"], "no");
    let endpoint = stream.event("endpoint").await.unwrap();
    let id = endpoint.strip_prefix("/messages?sessionId=").unwrap();
    assert_eq!(id.len(), 49, "who has the session, and which one it is");

    let stray = json!({"jsonrpc": "2.0", "method": "notifications/initialized"});
    assert_eq!(server.post(&endpoint, JSON, &stray).await.status, 202);
    assert_eq!(server.post(&endpoint, JSON, &initialize("2024-11-05")).await.status, 202);
    assert_eq!(stream.message().await["result"]["protocolVersion"], "2024-11-05");
    server.post(&endpoint, JSON, &stray).await;
    server.post(&endpoint, JSON, &call(1, "echo", "over sse")).await;
    assert_eq!(text_of(&stream.message().await), "over sse");
}

#[tokio::test]
async fn an_sse_session_speaks_no_version_without_a_handshake() {
    let server = Server::start().await;
    let mut stream = server.open_stream().await;
    let endpoint = stream.event("endpoint").await.unwrap();
    for (method, code) in [("server/discover", -32601), ("tools/list", -32022)] {
        server.post(&endpoint, JSON, &modern(method, json!({})).1).await;
        assert_eq!(stream.message().await["error"]["code"], code, "{method}");
    }
    server.post(&endpoint, JSON, &initialize("2026-07-28")).await;
    assert_eq!(stream.message().await["result"]["protocolVersion"], "2025-11-25");
}

#[tokio::test]
async fn an_sse_session_has_no_streams_within_it_whatever_version_a_request_names() {
    let server = Server::start().await;
    let mut stream = server.open_stream().await;
    let endpoint = stream.event("endpoint").await.unwrap();
    let (_, mut listen) =
        modern("subscriptions/listen", json!({"notifications": {"toolsListChanged": true}}));
    listen["params"]["_meta"]["io.modelcontextprotocol/protocolVersion"] = "2025-11-25".into();
    assert_eq!(server.post(&endpoint, JSON, &listen).await.status, 202);
    assert_eq!(stream.message().await["error"]["code"], -32601);
}

#[tokio::test]
async fn messages_need_a_session_json_and_a_message() {
    let server = Server::start().await;
    let mut stream = server.open_stream().await;
    let endpoint = stream.event("endpoint").await.unwrap();
    let ping = json!({"jsonrpc": "2.0", "id": 1, "method": "ping"});
    for (path, headers, body, status) in [
        ("/messages", JSON, &ping, 400),
        ("/messages?sessionId=00000000000000000000000000000000", JSON, &ping, 404),
        (endpoint.as_str(), "Content-Type: text/plain\r\n", &ping, 415),
        (endpoint.as_str(), JSON, &json!({"jsonrpc": "1.0"}), 400),
    ] {
        let answer = server.post(path, headers, body).await;
        assert_eq!(answer.status, status, "{path} {headers}");
        assert!(!answer.sentence().is_empty());
    }
}

#[tokio::test]
async fn shutdown_ends_open_sessions_and_subscriptions() {
    let server = Server::start().await;
    let mut session = server.open_stream().await;
    let endpoint = session.event("endpoint").await.unwrap();
    server.post(&endpoint, JSON, &initialize("2024-11-05")).await;
    session.message().await;

    let (headers, body) =
        modern("subscriptions/listen", json!({"notifications": {"toolsListChanged": true}}));
    let mut subscription = Stream::open(server.send(&post("/mcp", &headers, &body.to_string())).await).await;
    assert_eq!(subscription.message().await["method"], "notifications/subscriptions/acknowledged");

    server.ends().await;
    assert_eq!(session.event("message").await, None);
    while subscription.event("message").await.is_some() {}
}

#[tokio::test]
async fn shutdown_answers_what_is_in_flight() {
    let server = Server::start().await;
    let mut session = server.open_stream().await;
    let endpoint = session.event("endpoint").await.unwrap();
    server.post(&endpoint, JSON, &initialize("2024-11-05")).await;
    session.message().await;
    server.post(&endpoint, JSON, &call(1, "wait", "by sse")).await;
    server.echo.entered().await;
    let mut posted = server.send(&post("/mcp", JSON, &call(2, "wait", "by post").to_string())).await;
    server.echo.entered().await;

    server.shutdown.cancel();
    server.echo.let_go();
    server.echo.let_go();
    assert_eq!(text_of(&Answer::read(&mut posted).await.body), "by post");
    assert_eq!(text_of(&session.message().await), "by sse");
    server.running.await.unwrap();
    assert!(TcpStream::connect(server.address).await.is_err(), "nothing is accepted any more");
}

#[tokio::test]
async fn work_that_does_not_end_is_cut_off_at_shutdown() {
    let server = Server::with(|options| options.drain_timeout = Duration::from_millis(1)).await;
    let _waiting = server.send(&post("/mcp", JSON, &call(1, "wait", "never").to_string())).await;
    server.echo.entered().await;
    server.ends().await;
}

#[tokio::test]
async fn an_address_that_others_can_reach_needs_authentication() {
    for listen in ["0.0.0.0:0", "[::]:0", "10.0.0.1:0"] {
        let options = HttpOptions { listen: listen.parse().unwrap(), ..Default::default() };
        let error = HttpServer::bind(options, |_| Echo::new()).await.unwrap_err();
        assert!(matches!(error, BindError::NeedsAuthentication(_)), "{listen}: {error}");
    }
}
