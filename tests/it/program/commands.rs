//! The command line of people and of scripts: what it prints, and how it ends.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use serde_json::json;

use super::import::{fixture, home_with_documents};
use super::{VERSION, shown_decisions, start};
use crate::support::program::{Home, ended};

const RUN: &str = "trc_20260213_143022_a1b2c3d4";

#[test]
fn every_command_explains_itself() {
    let home = Home::new();
    let commands = "serve list summary show compare diagnose search patterns calibration flags import export frontmatter doctor reindex delete \
        prune redact backup restore demo token completions";
    for command in std::iter::once("").chain(commands.split_whitespace()) {
        let arguments = [command, "--help"].into_iter().filter(|argument| !argument.is_empty());
        let help = home.run(arguments).worked();
        let name = if command.is_empty() { "help".to_owned() } else { format!("help_{command}") };
        insta::assert_snapshot!(name, help.stdout.trim_end());
        assert_eq!(help.stderr, "");
    }
    let version = home.run(["--version"]).worked();
    assert_eq!(version.stdout, format!("whytrace {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn the_scorecard_of_a_run_is_five_lines_between_rules() {
    let home = home_with_documents();
    let shown = home.run(["show", RUN]).worked();
    insta::assert_snapshot!(shown.stdout.trim_end(), @"
    -- Trace Summary ------------------------------------------
    Quality: 2.4/3.0  PASS    Duration: 4m 22s
    Cost: $0.32                Evidence: 28->18
    Gaps: META-12
    Trace: trc_20260213_143022_a1b2c3d4
    -----------------------------------------------------------
    ");
    assert_eq!(shown.stderr, "");
}

#[test]
fn a_run_is_shown_in_full_as_markdown_and_as_its_document() {
    let home = home_with_documents();
    insta::assert_snapshot!("show_verbose", home.run(["show", RUN, "--verbose"]).worked().stdout.trim_end());
    insta::assert_snapshot!(
        "show_markdown",
        home.run(["show", RUN, "--markdown"]).worked().stdout.trim_end()
    );
    let document = std::fs::read_to_string(home.join(&format!("projects/cobot/_traces/{RUN}.json"))).unwrap();
    assert_eq!(home.run(["show", RUN, "--json"]).worked().stdout, document);
    assert_eq!(home.run(["show", RUN, "--json", "--markdown"]).code, Some(2), "one of them");
}

#[test]
fn ids_are_forgiving_and_what_is_not_found_is_answered_with_what_there_is() {
    let home = home_with_documents();
    for id in ["trc_20260213", "trc_20260213_143022_a1b2c3d", RUN] {
        assert!(home.run(["show", id]).worked().stdout.contains(RUN), "{id}");
    }
    for id in ["last", "last:cobot"] {
        assert!(home.run(["show", id]).worked().stdout.contains("trc_20260214_090000_0000000f"), "{id}");
    }
    assert!(home.run(["show", "last-failed"]).worked().stdout.contains("trc_20260106_201500_0000000b"));
    let mut said = Vec::new();
    for id in ["trc_2026", "trc_20260213_143023_a1b2c3d4", "last:nobody", "../../etc/passwd", ""] {
        let refused = home.run(["show", id]);
        assert_eq!((refused.code, refused.stdout.as_str()), (Some(1), ""), "{id}");
        said.push(refused.stderr);
    }
    let empty = Home::new();
    let refused = empty.run(["show", "last"]);
    assert_eq!(refused.code, Some(1));
    said.push(refused.stderr.replace(&empty.path().display().to_string(), "[home]"));
    insta::assert_snapshot!(said.join("\n"));
}

#[test]
fn a_reader_that_has_seen_enough_ends_it_quietly() {
    let home = home_with_documents();
    for how in ["--json", "--verbose", "--markdown"] {
        let mut command = home.whytrace(["show", "last", how]);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        // Gone before the first byte is written, or after it: both happen to `| head`.
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), &[] as &[u8]), "{how}");
    }
    let mut command = home.whytrace(["show", "last", "--json"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert!(child.wait_with_output().unwrap().stderr.is_empty());
}

#[test]
fn a_home_with_spaces_and_letters_of_all_kinds_works_and_so_does_one_that_is_named_as_an_option() {
    let home = Home::called("my träces 追跡 'n' \"co\"");
    let mut server = home.server();
    server.initialize(VERSION);
    start(&mut server, "r1");
    let finished = server.tell("trace_finish", &json!({"trace_id": "r1"}));
    assert!(std::path::Path::new(finished["document"].as_str().unwrap()).starts_with(home.path()));
    assert!(server.close().success());
    let elsewhere = Home::new();
    let mut command = elsewhere.whytrace(["show", "r1", "--home"]);
    command.arg(home.path());
    ended(command).worked();
    assert!(!elsewhere.join("whytrace.db").exists());
    home.run(["doctor"]).worked();
}

#[test]
fn a_relative_home_is_taken_from_where_the_program_was_started() {
    let home = Home::new();
    let mut command = home.whytrace(["import", "--home", "below/it"]);
    command.arg(fixture("v2_complete.json")).current_dir(home.path());
    ended(command).worked();
    let mut command = home.whytrace(["show", "last", "--home", "below/it"]);
    assert!(
        ended({
            command.current_dir(home.path());
            command
        })
        .worked()
        .stdout
        .contains(RUN)
    );
}

#[test]
fn a_deleted_run_is_gone_everywhere_and_does_not_come_back() {
    let home = home_with_documents();
    home.run(["delete", RUN, "--yes"]).worked();
    for ending in [".json", "_summary.md"] {
        assert!(!home.join(&format!("projects/cobot/_traces/{RUN}{ending}")).exists());
    }
    assert_eq!(home.run(["show", RUN]).code, Some(1));
    let mut again = home.whytrace(["import"]);
    let again = ended({
        again.arg(fixture("v2_complete.json"));
        again
    });
    assert_eq!(again.code, Some(1));
    assert!(again.stderr.contains("was deleted"), "{again:?}");
    home.run(["reindex"]).worked();
    assert_eq!(home.run(["show", RUN]).code, Some(1));
    let unknown = home.run(["delete", RUN, "--yes"]);
    assert_eq!((unknown.code, unknown.stdout.as_str()), (Some(1), ""), "{unknown:?}");
    assert_eq!(home.run(["delete"]).code, Some(2));
    assert_eq!(home.run(["delete", "last", "--yes"]).code, Some(1), "exact ids alone");
    home.run(["doctor"]).worked();
}

#[test]
fn several_runs_are_deleted_at_once_and_what_was_done_is_told_as_json() {
    let home = home_with_documents();
    let two = ["trc_20260105_081500_0000000a", "trc_20260214_090000_0000000f"];
    let done = home.run(["delete", two[0], "never_was", two[1], "--yes", "--json"]);
    assert_eq!(done.code, Some(1), "one of them was not there");
    assert_eq!(done.json(), json!({"deleted": two, "unknown": ["never_was"], "left_behind": []}));
    home.run(["show", RUN]).worked();
    assert_eq!(home.run(["show", two[0]]).code, Some(1));
}

#[test]
fn where_nobody_can_be_asked_nothing_is_deleted_without_yes() {
    let home = home_with_documents();
    let refused = home.run(["delete", RUN]);
    assert_eq!((refused.code, refused.stdout.as_str()), (Some(2), ""));
    assert!(refused.stderr.contains("say --yes"), "{refused:?}");
    assert!(refused.stderr.contains("Usage: whytrace delete [OPTIONS] <TRACE>..."), "{refused:?}");
    home.run(["show", RUN]).worked();
}

#[test]
fn an_open_run_that_a_server_still_writes_to_is_deleted_for_that_server_too() {
    let home = Home::new();
    let mut server = home.server();
    server.initialize(VERSION);
    start(&mut server, "r1");
    server.tell("trace_record_decision", &super::decision("r1", "d1"));
    assert_eq!(shown_decisions(&home, "r1"), ["d1"]);
    home.run(["delete", "r1", "--yes"]).worked();
    let refused = server.call("trace_record_decision", &super::decision("r1", "d2"));
    assert_eq!(refused["structuredContent"]["code"], "deleted", "{refused}");
    assert!(server.close().success());
    assert_eq!(home.run(["show", "r1"]).code, Some(1));
}

#[test]
fn a_command_that_there_is_not_is_a_fault_of_the_command_line() {
    let home = Home::new();
    for arguments in [&["shwo"] as &[&str], &["show"], &["show", "last", "--verbos"], &["import"]] {
        let refused = home.run(arguments);
        assert_eq!((refused.code, refused.stdout.as_str()), (Some(2), ""), "{arguments:?}");
        assert!(refused.stderr.starts_with("error: "), "{refused:?}");
    }
}
