//! A client made of lines talks to the echo handler over in-memory pipes.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, DuplexStream, Lines};
use tokio::task::JoinHandle;

use super::*;
use crate::transport::echo::Echo;

const LIMIT: usize = 4096;
const META_2026: &str = r#"{"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientCapabilities":{}}"#;

struct Client {
    echo: Echo,
    shutdown: CancellationToken,
    answers: Lines<BufReader<DuplexStream>>,
    input: Option<DuplexStream>,
    served: JoinHandle<io::Result<()>>,
}

impl Client {
    fn connect() -> Self {
        Self::connect_draining_for(Duration::from_secs(60))
    }

    fn connect_draining_for(drain_timeout: Duration) -> Self {
        let (input, reader) = tokio::io::duplex(1024);
        let (writer, output) = tokio::io::duplex(1024);
        let echo = Echo::new();
        let shutdown = CancellationToken::new();
        let options = StdioOptions { max_line_bytes: LIMIT, drain_timeout };
        let served = tokio::spawn(serve_lines(echo.clone(), reader, writer, options, shutdown.clone()));
        Self { echo, shutdown, answers: BufReader::new(output).lines(), input: Some(input), served }
    }

    async fn initialized() -> Self {
        let mut client = Self::connect();
        let answer = client.initialize().await;
        assert_eq!(answer["result"]["protocolVersion"], "2025-06-18");
        client
    }

    async fn initialize(&mut self) -> Value {
        let answer = self
            .ask(
                r#"{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"t","version":"1"}}}"#,
            )
            .await;
        self.say(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#).await;
        answer
    }

    async fn say(&mut self, line: &str) {
        let input = self.input.as_mut().unwrap();
        input.write_all(format!("{line}\n").as_bytes()).await.unwrap();
    }

    async fn answer(&mut self) -> Value {
        let line = self.answers.next_line().await.unwrap().expect("an answer");
        serde_json::from_str(&line).unwrap()
    }

    async fn ask(&mut self, line: &str) -> Value {
        self.say(line).await;
        self.answer().await
    }

    async fn still_answers(&mut self) {
        let answer = self.ask(&call(99, "echo", "still here")).await;
        assert_eq!((&answer["id"], text_of(&answer)), (&json!(99), "still here"));
    }

    fn end_input(&mut self) {
        drop(self.input.take());
    }
}

fn call(id: u32, tool: &str, text: &str) -> String {
    json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": {"name": tool, "arguments": {"text": text}}})
        .to_string()
}

fn text_of(answer: &Value) -> &str {
    answer["result"]["content"][0]["text"].as_str().unwrap_or_default()
}

#[tokio::test]
async fn a_client_initializes_lists_and_calls() {
    let mut client = Client::initialized().await;
    let listed = client.ask(r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#).await;
    assert_eq!(listed["result"]["tools"][0]["name"], "echo");
    client.still_answers().await;
}

#[tokio::test]
async fn a_client_of_2026_discovers_and_calls_without_a_handshake() {
    let mut client = Client::connect();
    let found = client
        .ask(&format!(
            r#"{{"jsonrpc":"2.0","id":1,"method":"server/discover","params":{{"_meta":{META_2026}}}}}"#
        ))
        .await;
    assert!(
        found["result"]["supportedVersions"].as_array().unwrap().contains(&json!("2026-07-28")),
        "{found}"
    );
    client.say(r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}"#).await;
    let listed = client
        .ask(&format!(r#"{{"jsonrpc":"2.0","id":2,"method":"tools/list","params":{{"_meta":{META_2026}}}}}"#))
        .await;
    assert_eq!(listed["result"]["tools"][0]["name"], "echo");
}

#[tokio::test]
async fn an_unparsable_line_gets_a_parse_error_with_a_null_id() {
    let mut client = Client::initialized().await;
    for line in ["not json", r#"{"id":1,"method":"#] {
        let answer = client.ask(line).await;
        assert_eq!((&answer["error"]["code"], &answer["id"]), (&json!(-32700), &Value::Null), "{line}");
    }
    client.still_answers().await;
}

#[tokio::test]
async fn json_that_is_no_request_gets_an_invalid_request_error_with_its_id() {
    let mut client = Client::initialized().await;
    let deep =
        format!(r#"{{"jsonrpc":"2.0","method":"x","params":{}{},"id":5}}"#, "[".repeat(200), "]".repeat(200));
    for (line, id) in [
        (r#"{"jsonrpc":"1.0","id":3,"method":"tools/list"}"#, json!(3)),
        (r#"{"id":"a"}"#, json!("a")),
        ("[]", Value::Null),
        ("42", Value::Null),
        (deep.as_str(), json!(5)),
    ] {
        let answer = client.ask(line).await;
        assert_eq!((&answer["error"]["code"], &answer["id"]), (&json!(-32600), &id), "{line}");
    }
    client.still_answers().await;
}

#[tokio::test]
async fn an_oversized_request_is_answered_wherever_its_id_stands() {
    let mut client = Client::initialized().await;
    let filler = "x".repeat(3 * LIMIT);
    for (line, id) in [
        (
            format!(r#"{{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{{"a":"{filler}"}}}}"#),
            json!(7),
        ),
        (
            format!(r#"{{"method":"tools/call","params":{{"a":"{filler}"}},"jsonrpc":"2.0","id":"z"}}"#),
            json!("z"),
        ),
        (filler.clone(), Value::Null),
    ] {
        let answer = client.ask(&line).await;
        assert_eq!((&answer["error"]["code"], &answer["id"]), (&json!(-32600), &id));
        let message = answer["error"]["message"].as_str().unwrap();
        assert!(
            message.contains("4096 bytes") && message.contains("send fewer events per trace_record"),
            "{message}"
        );
        client.still_answers().await;
    }
}

#[tokio::test]
async fn notifications_never_get_an_answer() {
    let mut client = Client::initialized().await;
    client.say(r#"{"jsonrpc":"2.0","method":"notifications/cancelled","params":5}"#).await;
    client.say(r#"{"jsonrpc":"9","method":"x"}"#).await;
    client
        .say(&format!(r#"{{"jsonrpc":"2.0","method":"x","params":{{"a":"{}"}}}}"#, "x".repeat(LIMIT)))
        .await;
    client.say("").await;
    client.still_answers().await;
}

#[tokio::test]
async fn a_notification_before_the_handshake_does_not_end_the_service() {
    let mut client = Client::connect();
    client.say(r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#).await;
    client.initialize().await;
    client.still_answers().await;
}

#[tokio::test]
async fn the_end_of_input_ends_the_service_before_and_after_the_handshake() {
    let mut silent = Client::connect();
    silent.end_input();
    silent.served.await.unwrap().unwrap();

    let mut client = Client::initialized().await;
    client.end_input();
    client.served.await.unwrap().unwrap();
}

#[tokio::test]
async fn requests_in_flight_are_answered_after_the_end_of_input() {
    let mut client = Client::initialized().await;
    client.say(&call(1, "wait", "late")).await;
    client.echo.entered().await;
    client.end_input();
    client.echo.let_go();
    assert_eq!(text_of(&client.answer().await), "late");
    client.served.await.unwrap().unwrap();
}

#[tokio::test]
async fn shutdown_answers_what_is_in_flight_and_reads_no_more() {
    let mut client = Client::initialized().await;
    client.say(&call(1, "wait", "late")).await;
    client.echo.entered().await;
    client.shutdown.cancel();
    client.echo.let_go();
    assert_eq!(text_of(&client.answer().await), "late");
    client.served.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_request_that_never_ends_does_not_hold_up_the_end_beyond_its_bound() {
    let mut client = Client::connect_draining_for(Duration::from_millis(1));
    client.initialize().await;
    client.say(&call(1, "wait", "never")).await;
    client.echo.entered().await;
    client.end_input();
    client.served.await.unwrap().unwrap();
}

#[tokio::test]
async fn an_open_subscription_does_not_hold_up_the_end() {
    let mut client = Client::connect();
    client
        .say(&format!(
            r#"{{"jsonrpc":"2.0","id":1,"method":"subscriptions/listen","params":{{"notifications":{{"toolsListChanged":true}},"_meta":{META_2026}}}}}"#
        ))
        .await;
    client.echo.entered().await;
    client.end_input();
    client.served.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_client_that_no_longer_reads_ends_the_service_with_its_next_answer() {
    let client = Client::initialized().await;
    let (mut input, answers) = (client.input.unwrap(), client.answers);
    drop(answers);
    input.write_all(format!("{}\n", call(1, "echo", "unheard")).as_bytes()).await.unwrap();
    client.served.await.unwrap().unwrap();
}
