//! As little of an HTTP client as the tests need: one connection a request, and event streams.
//!
//! Written by hand so that headers can be wrong, and so that nothing of the server's own libraries is on both sides.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;

use serde_json::{Value, json};

use crate::support::program::PATIENCE;

/// Knows a server's address, and the token to show there.
pub(crate) struct Client {
    address: String,
    token: Option<String>,
}

/// A whole answer.
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Its `WWW-Authenticate`; empty where it has none.
    pub(crate) challenge: String,
    /// Its headers, as they came.
    head: String,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("no JSON ({error}): {}", self.body))
    }

    /// The value of a header; empty where it has none.
    pub(crate) fn header(&self, name: &str) -> &str {
        header(&self.head, name)
    }
}

impl Client {
    pub(crate) fn new(address: &str) -> Self {
        Self { address: address.to_owned(), token: None }
    }

    /// The same with a token.
    pub(crate) fn bearing(&self, token: &str) -> Self {
        Self { address: self.address.clone(), token: Some(token.to_owned()) }
    }

    /// Host and port.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    pub(crate) fn get(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        answer(self.send("GET", path, headers, ""))
    }

    pub(crate) fn post(&self, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let mut all =
            vec![("Content-Type", "application/json"), ("Accept", "application/json, text/event-stream")];
        all.extend(headers);
        answer(self.send("POST", path, &all, body))
    }

    pub(crate) fn options(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        answer(self.send("OPTIONS", path, headers, ""))
    }

    /// The status that this method on this path is answered with.
    pub(crate) fn status(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> u16 {
        head(&mut BufReader::new(self.send(method, path, headers, ""))).0
    }

    /// Opens a conversation on `/mcp` and gives what the server says of itself.
    pub(crate) fn initialize(&self, version: &str) -> Value {
        let client = json!({"name": "test-client", "version": "1"});
        let params = json!({"protocolVersion": version, "capabilities": {}, "clientInfo": client});
        self.ask(&[], "initialize", &params)
    }

    /// Calls a tool on `/mcp` that must succeed, and gives the structured part of its result.
    pub(crate) fn tell(&self, tool: &str, arguments: &Value) -> Value {
        let mut result = self.call(tool, arguments);
        assert_ne!(result["isError"], json!(true), "{tool}: {result}");
        result["structuredContent"].take()
    }

    /// Calls a tool on `/mcp`, and gives its result, error or not.
    pub(crate) fn call(&self, tool: &str, arguments: &Value) -> Value {
        let version = [("MCP-Protocol-Version", "2025-06-18")];
        self.ask(&version, "tools/call", &json!({"name": tool, "arguments": arguments}))
    }

    pub(crate) fn ask(&self, headers: &[(&str, &str)], method: &str, params: &Value) -> Value {
        let request = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
        let answer = self.post("/mcp", headers, &request.to_string());
        assert_eq!(answer.status, 200, "{method}: {}", answer.body);
        let mut message = answer.json();
        assert!(message.get("result").is_some(), "{method}: {message}");
        message["result"].take()
    }

    fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> TcpStream {
        let mut stream = TcpStream::connect(&self.address).expect("a connection");
        stream.set_read_timeout(Some(PATIENCE)).expect("a bound");
        let mut head = format!("{method} {path} HTTP/1.1\r\n");
        if !headers.iter().any(|(name, _)| *name == "Host") {
            head.push_str(&format!("Host: {}\r\n", self.address));
        }
        if let Some(token) = &self.token {
            head.push_str(&format!("Authorization: Bearer {token}\r\n"));
        }
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str(&format!("Connection: close\r\nContent-Length: {}\r\n\r\n", body.len()));
        stream.write_all(head.as_bytes()).expect("the head sent");
        // A server that refuses may close before it has read the body.
        stream.write_all(body.as_bytes()).ok();
        stream
    }
}

fn answer(stream: TcpStream) -> Answer {
    let mut reader = BufReader::new(stream);
    let (status, head) = head(&mut reader);
    let mut body = Vec::new();
    if header(&head, "transfer-encoding") == "chunked" {
        while let Some(chunk) = chunk(&mut reader) {
            body.extend(chunk);
        }
    } else if let Err(error) = reader.read_to_end(&mut body) {
        assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset, "{error}");
    }
    let challenge = header(&head, "www-authenticate").to_owned();
    Answer { status, challenge, head, body: String::from_utf8(body).expect("UTF-8") }
}

/// The status, and the lines of the headers.
fn head(reader: &mut impl BufRead) -> (u16, String) {
    let mut line = String::new();
    reader.read_line(&mut line).expect("a status line");
    let status = line.split(' ').nth(1).and_then(|code| code.parse().ok());
    let status = status.unwrap_or_else(|| panic!("no status in {line:?}"));
    let mut headers = String::new();
    loop {
        let before = headers.len();
        reader.read_line(&mut headers).expect("a header");
        if headers[before..].trim().is_empty() {
            return (status, headers);
        }
    }
}

fn header<'h>(head: &'h str, name: &str) -> &'h str {
    let mut fields = head.lines().filter_map(|line| line.split_once(':'));
    fields
        .find(|(found, _)| found.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.trim())
        .unwrap_or_default()
}

/// The next chunk of a body; `None` at its end, orderly or not.
fn chunk(reader: &mut impl BufRead) -> Option<Vec<u8>> {
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let length = usize::from_str_radix(line.trim(), 16).ok().filter(|length| *length > 0)?;
    let mut chunk = vec![0; length + 2];
    reader.read_exact(&mut chunk).ok()?;
    chunk.truncate(length);
    Some(chunk)
}

/// An open stream of server-sent events.
pub(crate) struct Stream {
    reader: BufReader<TcpStream>,
    text: String,
}

impl Stream {
    pub(crate) fn open(client: &Client, path: &str) -> Self {
        let stream = client.send("GET", path, &[("Accept", "text/event-stream")], "");
        let mut reader = BufReader::new(stream);
        let (status, head) = head(&mut reader);
        assert_eq!((status, header(&head, "transfer-encoding")), (200, "chunked"));
        Self { reader, text: String::new() }
    }

    /// The next event: its kind and its data. Comments are passed over.
    pub(crate) fn event(&mut self) -> (String, String) {
        loop {
            while let Some((event, rest)) = self.text.split_once("\n\n") {
                let field = |name: &str| {
                    let lines = event.lines().filter_map(|line| line.strip_prefix(name));
                    lines.map(str::trim_start).collect::<Vec<_>>().join("\n")
                };
                let found = (field("event:"), field("data:"));
                self.text = rest.to_owned();
                if !found.1.is_empty() {
                    return found;
                }
            }
            let chunk = chunk(&mut self.reader).expect("another event");
            self.text.push_str(std::str::from_utf8(&chunk).expect("UTF-8"));
        }
    }

    /// Whether the server ends the stream, with nothing more on it.
    pub(crate) fn ends(&mut self) -> bool {
        chunk(&mut self.reader).is_none()
    }
}
