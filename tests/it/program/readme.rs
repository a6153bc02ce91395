//! The README as a newcomer follows it: every command in it, in order, in a home with nothing in it.
//!
//! Two programs are stood in for: `cargo`, so that the installed program is the one under test and not a release
//! build of minutes, and `claude`, which notes how it was told to connect; the test then connects that way.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::support::program::{Home, Program, WHYTRACE, ended};

const README: &str = include_str!("../../../README.md");

/// The one command that the tests are themselves run by.
const OURSELVES: &str = "scripts/test.sh";

#[test]
fn every_command_of_the_readme_does_what_it_says() {
    let home = Home::new();
    let tools = home.join("tools");
    fs::create_dir(&tools).unwrap();
    stand_in(
        &tools.join("cargo"),
        &format!(
            "test \"$*\" = 'install --locked --path .'\nln -s '{}' '{}'",
            WHYTRACE.as_str(),
            tools.join("whytrace").display()
        ),
    );
    let noted = home.join("claude.log");
    stand_in(&tools.join("claude"), &format!("printf '%s\\n' \"$*\" >> '{}'", noted.display()));

    // Whoever serves does so at a free port, and what names the usual one means that.
    let mut server: Option<(Program, String)> = None;
    let mut variables: Vec<(String, String)> = Vec::new();
    for line in blocks("sh").flat_map(|block| block.lines()) {
        let line = match &server {
            Some((_, address)) => line.replace("127.0.0.1:7717", address),
            None => line.to_owned(),
        };
        let line = line.replace("/tmp/", &format!("{}/", home.path().display()));
        if let Some((name, value)) = line.strip_prefix("export ").and_then(|rest| rest.split_once('=')) {
            variables.push((name.to_owned(), value.to_owned()));
        } else if let Some(name) = line.strip_prefix("unset ") {
            variables.retain(|(other, _)| other != name);
        } else if line == "whytrace serve" {
            let program = Program::spawn(home.whytrace(["serve", "--listen", "127.0.0.1:0"]));
            let greeting = program.says("serves MCP at http://");
            let address = greeting.split("http://").nth(1).unwrap().split('/').next().unwrap().to_owned();
            server = Some((program, address));
        } else if line != OURSELVES {
            ended(shell(&home, &tools, &line, &variables)).worked();
        }
    }
    assert!(Path::new(OURSELVES).exists());

    let told = fs::read_to_string(noted).unwrap();
    let told: Vec<&str> = told.lines().collect();
    let address = &server.as_ref().unwrap().1;
    assert_eq!(
        told,
        [
            "mcp add whytrace -- whytrace".to_owned(),
            format!("mcp add --transport http whytrace http://{address}/mcp")
        ]
    );
    let command = told[0].split(" -- ").nth(1).unwrap();
    let mut client = Program::spawn(shell(&home, &tools, command, &variables));
    assert_eq!(client.initialize("2025-06-18")["serverInfo"]["name"], "whytrace");
    let tools_listed = client.request("tools/list", &json!({}));
    assert_tools(&tools_listed["result"]);
    assert!(client.close().success());
}

#[test]
fn the_json_of_the_readme_is_a_configuration() {
    let configurations: Vec<Value> =
        blocks("json").map(|block| serde_json::from_str(block).unwrap()).collect();
    assert_eq!(configurations, [json!({"mcpServers": {"whytrace": {"command": "whytrace"}}})]);
}

#[test]
fn what_the_readme_points_to_exists() {
    let links = README.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    for link in links.filter(|link| !link.starts_with("http")) {
        assert!(Path::new(link).exists(), "{link}");
    }
}

/// The tools as the README lists them are those that the server lists, in the same order.
fn assert_tools(listed: &Value) {
    let listed: Vec<&str> =
        listed["tools"].as_array().unwrap().iter().map(|tool| tool["name"].as_str().unwrap()).collect();
    let section = README.split("## The tools").nth(1).unwrap().split("\n## ").next().unwrap();
    let told: Vec<&str> =
        section.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next()).collect();
    assert_eq!(told, listed);
}

fn shell(home: &Home, tools: &Path, line: &str, variables: &[(String, String)]) -> Command {
    let mut command = home.command("bash");
    let path = format!("{}:{}", tools.display(), std::env::var("PATH").unwrap());
    command.args(["-c", line]).env("PATH", path).envs(variables.iter().cloned());
    command
}

fn stand_in(path: &Path, script: &str) {
    fs::write(path, format!("#!/usr/bin/env bash\nset -eu\n{script}\n")).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

/// The fenced blocks of a language.
fn blocks(language: &str) -> impl Iterator<Item = &'static str> {
    let fence = format!("```{language}\n");
    README.split("```").enumerate().filter(|(place, _)| place % 2 == 1).filter_map(move |(_, block)| {
        format!("```{block}")
            .strip_prefix(&fence)
            .map(|_| block.split_once('\n').map_or("", |(_, code)| code))
    })
}
