//! `docs/clients.md`: its configurations are well formed, and what it tells to type at a shell works.

use std::process::Command;

use serde_json::{Deserializer, Value, json};

use super::http::serve;
use super::shown_decisions;
use crate::support::program::{Home, ended};

const PAGE: &str = include_str!("../../../docs/clients.md");

/// The address that the page uses.
const ADDRESS: &str = "127.0.0.1:7717";

/// The blocks of code in this language, in order.
fn blocks(language: &str) -> Vec<&'static str> {
    let opening = format!("```{language}\n");
    let rest = PAGE.split(opening.as_str()).skip(1).collect::<Vec<_>>();
    rest.into_iter().map(|block| block.split("```").next().expect("an end")).collect()
}

#[test]
fn each_configuration_names_servers_that_can_be_started_or_reached() {
    let blocks = blocks("json");
    assert_eq!(blocks.len(), 4);
    for block in blocks {
        let configuration: Value =
            serde_json::from_str(block).unwrap_or_else(|error| panic!("{error}: {block}"));
        let servers = configuration.get("mcpServers").or(configuration.get("servers"));
        for server in servers.and_then(Value::as_object).expect("servers").values() {
            let is_reached = server["url"] == format!("http://{ADDRESS}/mcp") && server["type"] == "http";
            assert!(is_reached || server["command"] == "/path/to/whytrace", "{server}");
        }
    }
}

#[cfg(unix)]
#[test]
fn what_the_page_sends_with_curl_is_answered_and_recorded() {
    let home = Home::new();
    let (_server, client) = serve(&home);
    let blocks: Vec<&str> = blocks("sh").into_iter().filter(|block| block.contains("curl")).collect();
    assert_eq!(blocks.len(), 3);
    let mut answers = Vec::new();
    for block in blocks {
        let mut shell = Command::new("sh");
        shell.args(["-euc", &block.replace(ADDRESS, client.address())]);
        let said = ended(shell).worked().stdout;
        for answer in Deserializer::from_str(&said).into_iter::<Value>() {
            answers.push(answer.unwrap_or_else(|error| panic!("no JSON ({error}): {said}"))["result"].take());
        }
    }
    let [opened, calls @ ..] = &*answers else { panic!("an answer was expected") };
    assert_eq!(opened["protocolVersion"], "2025-11-25");
    assert_eq!(calls.len(), 4);
    for call in calls {
        let saved = &call["structuredContent"]["saved"];
        assert_eq!((&call["isError"], &saved["journal"]), (&json!(false), &json!("saved")), "{call}");
    }
    assert_eq!(shown_decisions(&home, "night-7"), ["d1"]);
    assert_eq!(shown_decisions(&home, "night-8"), ["d1"]);
}
