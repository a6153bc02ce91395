//! `whytrace doctor` and `whytrace reindex`: what disagrees is named, and can be mended.

use std::fs;

use serde_json::Value;

use super::import::{DOCUMENTS, fixture, home_with_documents, lasting};
use super::{VERSION, decision, shown_decisions, start};
use crate::support::program::Home;

/// What the doctor says, with its exit code, in a home whose path is left out.
fn examined(home: &Home, arguments: &[&str]) -> String {
    let examined = home.run([&["doctor"], arguments].concat());
    assert_eq!(examined.stderr, "");
    let said = examined.stdout.replace(&home.path().display().to_string(), "[home]");
    format!("{said}exit {}", examined.code.unwrap())
}

fn document(home: &Home, project: &str, trace_id: &str) -> std::path::PathBuf {
    home.join(&format!("projects/{project}/_traces/{trace_id}.json"))
}

#[test]
fn a_healthy_home_is_said_to_be_healthy_new_or_in_use() {
    let home = Home::new();
    insta::assert_snapshot!("doctor_of_a_new_home", examined(&home, &[]));
    let home = home_with_documents();
    insta::assert_snapshot!("doctor_of_a_healthy_home", examined(&home, &[]));
    let report = home.run(["doctor", "--json"]).worked().json();
    assert!(report["findings"].as_array().unwrap().iter().all(|finding| finding["severity"] != "problem"));
    let mut server = home.server();
    server.initialize(VERSION);
    start(&mut server, "r1");
    home.run(["doctor"]).worked();
    assert!(server.close().success());
}

#[test]
fn an_edited_document_is_used_and_named_and_reindex_takes_the_edit_over() {
    let home = home_with_documents();
    let path = document(&home, "cobot", DOCUMENTS[3].1);
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replace("\"score\": 2.4", "\"score\": 1.4")).unwrap();
    insta::assert_snapshot!("doctor_of_an_edited_document", examined(&home, &[]));
    let shown = home.run(["show", DOCUMENTS[3].1]).worked();
    assert!(shown.stdout.contains("Quality: 1.4/3.0"), "{shown:?}");
    assert!(shown.stderr.contains("edited"), "{shown:?}");
    home.run(["reindex"]).worked();
}

#[test]
fn a_document_that_cannot_be_read_is_named_and_harms_no_other() {
    let home = home_with_documents();
    let path = document(&home, "cobot", DOCUMENTS[3].1);
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, &text[..text.len() / 2]).unwrap();
    insta::assert_snapshot!("doctor_of_an_unreadable_document", examined(&home, &[]));
    let shown = home.run(["show", DOCUMENTS[3].1]);
    assert_eq!(shown.code, Some(1));
    assert!(shown.stderr.contains("is damaged"), "{shown:?}");
    home.run(["show", DOCUMENTS[0].1]).worked();
    let reindexed = home.run(["reindex"]);
    assert_eq!((reindexed.code, reindexed.stdout.as_str()), (Some(1), "4 runs indexed, 4 decisions.\n"));
    assert!(reindexed.stderr.contains("not readable: "), "{reindexed:?}");
    // Mended by hand, as it says.
    fs::write(&path, text).unwrap();
    home.run(["doctor"]).worked();
}

#[test]
fn a_document_that_the_database_does_not_know_is_named_and_fix_brings_it_in() {
    let home = home_with_documents();
    let other = Home::new();
    let mut import = other.whytrace(["import"]);
    import.arg(fixture("runs.jsonl"));
    crate::support::program::ended(import).worked();
    let runs = home.join("projects/roof/_traces");
    fs::create_dir_all(&runs).unwrap();
    for entry in fs::read_dir(other.join("projects/roof/_traces")).unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), runs.join(entry.file_name())).unwrap();
    }
    insta::assert_snapshot!("doctor_of_documents_that_came_by_themselves", examined(&home, &[]));
    home.run(["doctor", "--fix"]).worked();
    home.run(["doctor"]).worked();
    home.run(["show", "last:roof"]).worked();
}

#[cfg(unix)]
#[test]
fn the_journal_of_a_process_that_died_is_named_and_fix_brings_it_over() {
    let home = Home::new();
    fs::create_dir(home.join("whytrace.db")).unwrap();
    let mut server = home.server();
    server.initialize(VERSION);
    start(&mut server, "r1");
    server.tell("trace_record_decision", &decision("r1", "d1"));
    server.kill();
    let away = home.run(["doctor"]);
    assert_eq!(away.code, Some(1), "the database is away: {away:?}");
    fs::remove_dir(home.join("whytrace.db")).unwrap();
    insta::assert_snapshot!("doctor_of_a_dead_process", examined(&home, &[]));
    assert_eq!(home.run(["show", "r1"]).code, Some(1), "looking changes nothing");
    insta::assert_snapshot!("doctor_after_fix", examined(&home, &["--fix"]));
    assert_eq!(shown_decisions(&home, "r1"), ["d1"]);
    assert_eq!(fs::read_dir(home.join("journal")).unwrap().count(), 0);
}

/// Every run as `show` gives it, and the latest of all, which only the database knows.
fn all_shown(home: &Home) -> Vec<Value> {
    let mut shown: Vec<Value> = DOCUMENTS
        .iter()
        .map(|(_, trace_id)| lasting(home.run(["show", trace_id, "--json"]).worked().json()))
        .collect();
    shown.extend(
        ["last", "last:greenhouse", "last-failed"].map(|id| home.run(["show", id]).worked().stdout.into()),
    );
    shown
}

#[test]
fn a_database_that_was_lost_is_built_again_from_the_documents() {
    let home = home_with_documents();
    let before = all_shown(&home);
    for name in ["whytrace.db", "whytrace.db-wal", "whytrace.db-shm"] {
        fs::remove_file(home.join(name)).ok();
    }
    assert_eq!(home.run(["show", "last"]).code, Some(1), "nothing is known of what is latest");
    assert!(home.run(["show", DOCUMENTS[0].1]).worked().stdout.contains(DOCUMENTS[0].1), "documents answer");
    assert_eq!(home.run(["doctor"]).code, Some(1));
    let done = home.run(["reindex"]).worked();
    assert_eq!(done.stdout, "5 runs indexed, 6 decisions.\n");
    assert_eq!(all_shown(&home), before);
    assert_eq!(home.run(["reindex", "--json"]).worked().json()["runs"], 5, "and again, harmlessly");
    home.run(["doctor"]).worked();
}

#[test]
fn a_run_that_was_never_finished_is_there_after_the_database_is_built_again() {
    let home = Home::new();
    let mut server = home.server();
    server.initialize(VERSION);
    start(&mut server, "r1");
    server.tell("trace_record_decision", &decision("r1", "d1"));
    assert!(server.close().success());
    home.run(["reindex"]).worked();
    assert_eq!(shown_decisions(&home, "r1"), ["d1"], "reindexing leaves open runs alone");
}
