//! Started by hand on a terminal: it says what it is, where data lies and how to connect, and how to end it.
//!
//! The terminal is one of `script`, from util-linux; where that is not installed, the tests say so and check nothing.

use std::fs;
use std::process::{Command, Stdio};

use crate::support::program::{Home, Program, WHYTRACE};

/// The server on a terminal, its standard output in a file; `None` where there is no `script`.
fn on_a_terminal(home: &Home) -> Option<Program> {
    with_arguments(home, "")
}

/// The program with these arguments on a terminal.
fn with_arguments(home: &Home, arguments: &str) -> Option<Program> {
    let version = Command::new("script").arg("--version").stdin(Stdio::null()).output();
    if !version.is_ok_and(|version| String::from_utf8_lossy(&version.stdout).contains("util-linux")) {
        eprintln!("skipped: no script of util-linux, which makes a terminal");
        return None;
    }
    let mut script = home.command("script");
    let command = format!("exec \"$WHYTRACE_PROGRAM\" {arguments} >out");
    script.args(["--quiet", "--return", "--command", &command, "/dev/null"]);
    script.env("WHYTRACE_PROGRAM", WHYTRACE).env("SHELL", "/bin/sh").current_dir(home.path());
    Some(Program::spawn(script))
}

fn greets_and_ends(key: &str) {
    let home = Home::new();
    let Some(mut terminal) = on_a_terminal(&home) else { return };
    let mut said = String::new();
    while !said.contains("Ctrl-C ends it") {
        said.push_str(&terminal.line());
        said.push('\n');
    }
    terminal.send_text(key);
    assert_eq!(terminal.end().code(), Some(0));
    let said = said.replace(&home.path().display().to_string(), "[home]").replace(WHYTRACE, "[program]");
    insta::assert_snapshot!("greeting", said);
    assert_eq!(fs::read_to_string(home.join("out")).unwrap(), "", "standard output is the protocol's");
}

#[test]
fn it_greets_who_starts_it_by_hand_and_ends_with_the_input() {
    greets_and_ends("\u{4}");
}

#[test]
fn it_greets_who_starts_it_by_hand_and_ends_with_ctrl_c() {
    greets_and_ends("\u{3}");
}

#[test]
fn the_greeting_repeats_where_data_lies_and_leaves_out_a_password() {
    let home = Home::called("where it's kept")
        .with("WHYTRACE_DATABASE_URL", "postgres://me:s3cret@127.0.0.1:1/runs?password=s3cret");
    let Some(mut terminal) = on_a_terminal(&home) else { return };
    let mut said = String::new();
    while !said.contains("Ctrl-C ends it") {
        said.push_str(&terminal.line());
        said.push('\n');
    }
    terminal.send_text("\u{4}");
    terminal.end();
    let parent = home.path().parent().expect("a parent").display().to_string();
    let said = said.replace(&parent, "[parent]").replace(WHYTRACE, "[program]");
    assert!(!said.contains("s3cret"));
    insta::assert_snapshot!(said);
}

#[test]
fn on_a_terminal_it_asks_before_it_deletes() {
    let home = super::import::home_with_documents();
    let run = "trc_20260213_143022_a1b2c3d4";
    for (answer, code) in [("\n", 1), ("no\n", 1), ("y\n", 0)] {
        let Some(mut terminal) = with_arguments(&home, &format!("delete {run}")) else { return };
        assert!(terminal.line().contains("cobot"), "what would be deleted");
        terminal.send_text(answer);
        assert_eq!(terminal.end().code(), Some(code), "{answer:?}");
        assert_eq!(home.run(["show", run]).code, Some(1 - code), "{answer:?}");
    }
}
