//! What is exported comes back by import as it was, and no half of a file is left anywhere.

use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};

use super::import::{DOCUMENTS, fixture, home_with_documents, lasting};
use super::{VERSION, decision, start};
use crate::support::program::{Ended, Home, ended};

fn export(home: &Home, to: &PathBuf, more: &[&str]) -> Ended {
    let mut command = home.whytrace(["export", "--to"]);
    command.arg(to).args(more);
    ended(command)
}

fn import(home: &Home, from: &PathBuf) {
    let mut command = home.whytrace(["import"]);
    command.arg(from);
    ended(command).worked();
}

/// Every run's document without what it says about itself, and its summary.
fn told(home: &Home) -> Vec<(Value, String)> {
    let of = |(_, id): (&str, &str)| {
        let document = lasting(home.run(["show", id, "--json"]).worked().json());
        (document, home.run(["show", id, "--markdown"]).worked().stdout)
    };
    DOCUMENTS.into_iter().map(of).collect()
}

#[test]
fn what_was_exported_comes_back_as_it_was() {
    let home = home_with_documents();
    let away = Home::new();
    for to in ["a folder", "runs.jsonl"] {
        let to = away.join(to);
        let done = export(&home, &to, &["--json"]).worked();
        assert_eq!(done.json(), json!({"exported": 5, "to": to, "failed": []}));
        let other = Home::new();
        import(&other, &to);
        assert_eq!(told(&other), told(&home), "{}", to.display());
        other.run(["doctor"]).worked();
    }
    let mut left: Vec<_> =
        fs::read_dir(away.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    left.sort();
    assert_eq!(left, ["a folder", "runs.jsonl"], "nothing unfinished");
}

#[test]
fn a_folder_is_laid_out_as_a_home_and_holds_the_very_documents() {
    let home = home_with_documents();
    let away = home.join("away");
    export(&home, &away, &[]).worked();
    let document = "projects/cobot/_traces/trc_20260213_143022_a1b2c3d4.json";
    assert_eq!(fs::read(away.join(document)).unwrap(), fs::read(home.join(document)).unwrap());
    let reindexed = Home::new();
    fs::rename(away.join("projects"), reindexed.join("projects")).unwrap();
    assert_eq!(reindexed.run(["reindex", "--json"]).worked().json()["runs"], 5);
}

#[test]
fn conditions_and_names_say_which_runs_and_standard_output_takes_lines() {
    let home = home_with_documents();
    let lines = |arguments: &[&str]| -> Vec<String> {
        let done = home.run(["export", "--to", "-"].iter().chain(arguments)).worked();
        let id = |line: &str| {
            let document: Value = serde_json::from_str(line).unwrap();
            document["trace_id"].as_str().unwrap().to_owned()
        };
        done.stdout.lines().map(id).collect()
    };
    assert_eq!(lines(&["last"]), ["trc_20260214_090000_0000000f"]);
    assert_eq!(lines(&["--since", "2026-02-01"]).len(), 2);
    assert_eq!(lines(&["--status", "failed"]), ["trc_20260106_201500_0000000b"]);
    assert_eq!(lines(&["--project", "nobody"]), [] as [&str; 0]);
    assert_eq!(home.run(["export", "--to", "-", "nothing"]).code, Some(1));
    for wrong in [
        &["export"] as &[&str],
        &["export", "--to", "-", "--json"],
        &["export", "--to", "-", "last", "--project", "cobot"],
    ] {
        assert_eq!(home.run(wrong).code, Some(2), "{wrong:?}");
    }
    let taken = fixture("v2_complete.json");
    assert!(export(&home, &taken, &[]).stderr.contains("is a file"));
}

#[test]
fn a_run_that_is_still_open_is_exported_as_far_as_it_has_come() {
    let home = Home::new();
    let mut server = home.server();
    server.initialize(VERSION);
    start(&mut server, "r1");
    server.tell("trace_record_decision", &decision("r1", "d1"));
    let to = home.join("open.jsonl");
    assert_eq!(export(&home, &to, &["--json"]).worked().json()["exported"], 1);
    let other = Home::new();
    import(&other, &to);
    assert_eq!(super::shown_decisions(&other, "r1"), ["d1"]);
    assert!(server.close().success());
}
