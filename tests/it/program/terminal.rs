//! On a terminal: started by hand it says what it is, where data lies and how to connect, and how to end it; views
//! have colours, keep to the width, and go through a pager.
//!
//! The terminal is one of `script`, from util-linux; where that is not installed, the tests say so and check nothing.

use std::fs;
use std::process::{Command, Stdio};

use super::views::home_with_history;
use crate::support::program::{Home, Program, WHYTRACE};

/// The server on a terminal, its standard output in a file; `None` where there is no `script`.
fn on_a_terminal(home: &Home) -> Option<Program> {
    in_a_shell(home, "exec \"$WHYTRACE_PROGRAM\" >out")
}

/// A command of the shell on a terminal; `None` where there is no `script`.
fn in_a_shell(home: &Home, command: &str) -> Option<Program> {
    let version = Command::new("script").arg("--version").stdin(Stdio::null()).output();
    if !version.is_ok_and(|version| String::from_utf8_lossy(&version.stdout).contains("util-linux")) {
        eprintln!("skipped: no script of util-linux, which makes a terminal");
        return None;
    }
    let mut script = home.command("script");
    script.args(["--quiet", "--return", "--command", command, "/dev/null"]);
    script.env("WHYTRACE_PROGRAM", WHYTRACE.as_str()).env("SHELL", "/bin/sh").current_dir(home.path());
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
    let said =
        said.replace(&home.path().display().to_string(), "[home]").replace(WHYTRACE.as_str(), "[program]");
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
    let said = said.replace(&parent, "[parent]").replace(WHYTRACE.as_str(), "[program]");
    assert!(!said.contains("s3cret"));
    insta::assert_snapshot!(said);
}

#[test]
fn on_a_terminal_it_asks_before_it_deletes() {
    let home = super::import::home_with_documents();
    let run = "trc_20260213_143022_a1b2c3d4";
    for (answer, code) in [("\n", 1), ("no\n", 1), ("y\n", 0)] {
        let Some(mut terminal) = in_a_shell(&home, &format!("exec \"$WHYTRACE_PROGRAM\" delete {run} >out"))
        else {
            return;
        };
        assert!(terminal.line().contains("cobot"), "what would be deleted");
        terminal.send_text(answer);
        assert_eq!(terminal.end().code(), Some(code), "{answer:?}");
        assert_eq!(home.run(["show", run]).code, Some(1 - code), "{answer:?}");
    }
}

/// What a command of the program shows on a terminal of so many lines and columns; `None` where there is no `script`.
fn shown(home: &Home, lines: u32, columns: u32, arguments: &str) -> Option<Vec<String>> {
    let size = format!(
        "unset COLUMNS NO_COLOR CLICOLOR CLICOLOR_FORCE; export TERM=xterm; stty rows {lines} cols {columns}"
    );
    let mut terminal = in_a_shell(home, &format!("{size}; exec \"$WHYTRACE_PROGRAM\" {arguments}"))?;
    let shown = terminal.rest();
    assert_eq!(terminal.end().code(), Some(0), "{shown:?}");
    Some(shown)
}

#[test]
fn a_view_on_a_terminal_has_its_colours_and_its_width() {
    let home = home_with_history();
    for columns in [50, 160] {
        let Some(shown) = shown(&home, 100, columns, "list --limit 6") else { return };
        let shown = shown.join("\n");
        assert!(shown.contains("\u{1b}[32mPASS\u{1b}[0m"), "{shown}");
        assert!(shown.contains("6 of 24 runs."), "remarks are where the person looks: {shown}");
        let has_start = shown.contains("2026-02-20 23:30");
        assert_eq!(has_start, columns == 160, "{shown}");
    }
}

#[test]
fn what_is_longer_than_the_screen_goes_through_the_pager_and_what_is_not_does_not() {
    let home = home_with_history().with("WHYTRACE_PAGER", "sed -e s/^/paged:/");
    let paged = |lines, arguments: &str| {
        let shown = shown(&home, lines, 100, arguments)?;
        Some(shown.iter().filter(|line| line.starts_with("paged:")).count())
    };
    // A heading, twenty runs, one of which failed with an error, how many they are, and how to go on.
    assert!(paged(20, "list --limit 20").is_none_or(|paged| paged == 24));
    assert!(paged(24, "list --limit 20").is_none_or(|paged| paged == 24), "the prompt needs a line");
    assert!(paged(25, "list --limit 20").is_none_or(|paged| paged == 0));
    assert!(paged(20, "list --limit 20 --no-pager").is_none_or(|paged| paged == 0));
    let home = home_with_history().with("WHYTRACE_PAGER", "no-such-pager");
    assert!(
        shown(&home, 10, 100, "list").is_none_or(|shown| shown.len() == 27),
        "without it, it is shown all the same"
    );
}

#[test]
fn a_pager_that_is_left_early_ends_it_quietly() {
    let home = home_with_history().with("WHYTRACE_PAGER", "head -n 2");
    assert!(shown(&home, 10, 100, "list --all").is_none_or(|shown| shown.len() == 2));
}
