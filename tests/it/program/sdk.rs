//! The official clients in TypeScript and Python, over every transport: a run recorded, heard of and read.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use super::http::serve;
use crate::support::languages;
use crate::support::program::{Home, WHYTRACE, ended};

const WAYS: [&str; 4] = ["stdio", "stdio-2026", "http-2026", "sse"];

/// Does it on each way, with a client that `command` starts in a home.
fn each_way(command: impl Fn(&Home) -> Command) {
    for way in WAYS {
        let home = Home::new();
        let server = (!way.starts_with("stdio")).then(|| serve(&home));
        let target = server.as_ref().map_or(WHYTRACE.as_str(), |(_, client)| client.address());
        let mut command = command(&home);
        command.args([way, target]);
        let mut got = ended(command).worked().json();
        let tools = got["tools"].take();
        assert_eq!(tools[0], "trace_start", "{way}: {tools}");
        let ended = if way.ends_with("-2026") { "graceful" } else { "with the connection" };
        let expected: Value = json!({"tools": null, "completed": ["cobot"], "heard": ["trace://r1"], "ended": ended,
            "what": "the left one", "status": "complete", "agent": "sdk-test"});
        assert_eq!(got, expected, "{way}");
    }
}

#[cfg(unix)]
#[test]
fn the_typescript_client_records_hears_and_reads_on_every_way() {
    let (Some(node), Some(packages)) = (languages::node(), languages::typescript()) else { return };
    each_way(|home| {
        // Packages are looked for beside the script.
        let script = home.join("client.ts");
        fs::write(&script, include_str!("sdk/client.ts")).expect("a script");
        std::os::unix::fs::symlink(packages.join("node_modules"), home.join("node_modules"))
            .expect("packages");
        let mut command = home.command(&node.to_string_lossy());
        command.arg(script);
        command
    });
}

#[test]
fn the_python_client_records_hears_and_reads_on_every_way() {
    let Some(python) = languages::python() else { return };
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/program/sdk/client.py");
    each_way(|home| {
        let mut command = home.command(&python.to_string_lossy());
        command.arg(&script).env("PYTHONDONTWRITEBYTECODE", "1");
        command
    });
}
