//! `whytrace backup` and `whytrace restore`: what comes back is what was there, byte for byte.

use std::fs;

use serde_json::json;

use super::super::import::fixture;
use super::super::{decision, start};
use super::{RUN, VERSION, large, on_both, plant};
use crate::support::database::Schema;
use crate::support::program::{Home, ended};

/// Everything that a person can ask about the runs, as it is printed.
fn told(home: &Home) -> String {
    let list = home.run(["list", "--json", "--all"]).worked();
    let mut told = list.stdout.clone();
    for run in list.json()["runs"].as_array().unwrap() {
        let id = run["trace_id"].as_str().unwrap();
        told.push_str(&home.run(["show", id, "--json"]).worked().stdout);
    }
    for question in [
        &["summary", "--json"] as &[&str],
        &["summary", "--group-by", "intent", "--json"],
        &["flags", "--state", "all", "--json"],
        &["token", "list", "--json"],
    ] {
        told.push_str(&home.run(question).worked().stdout);
    }
    told
}

/// A home with finished runs, flags that somebody answered, a deleted run and a token.
fn fill(home: &Home) {
    plant(home);
    let mut import = home.whytrace(["import"]);
    import.arg(fixture(""));
    assert_eq!(ended(import).code, Some(1), "some of them are broken");
    let mut server = home.server();
    server.initialize(VERSION);
    for n in 0..4 {
        let id = format!("gap-{n}");
        start(&mut server, &id);
        let finish =
            json!({"trace_id": id, "score": 1.0, "principle_scores": [{"id": "META-12", "score": 0.5}]});
        server.tell("trace_finish", &finish);
    }
    assert!(server.close().success());
    let flags = home.run(["flags", "--json"]).worked().json();
    let flag = flags["flags"][0]["flag_id"].as_str().expect("a flag").to_owned();
    home.run(["flags", "acknowledge", &flag]).worked();
    home.run(["delete", "gap-3", "--yes"]).worked();
    home.run(["token", "new", "--name", "ci", "--scopes", "trace:read", "--expires", "30d"]).worked();
}

fn backed_up(home: &Home, to: &Home) -> String {
    let folder = to.join("backup").display().to_string();
    home.run(["backup", &folder]).worked();
    folder
}

#[test]
fn a_backup_made_while_a_server_writes_restores_to_the_same_answers_byte_for_byte() {
    on_both(|home, schema| {
        fill(home);
        let mut server = home.server();
        server.initialize(VERSION);
        start(&mut server, "open");
        server.tell("trace_record_decision", &decision("open", "d1"));
        let before = told(home);
        let place = Home::new();
        let backup = backed_up(home, &place);
        server.tell("trace_record_decision", &decision("open", "d2"));
        assert!(server.close().success());

        // Into the same kind of database, and into the embedded one.
        let second = schema.and_then(|_| Schema::fresh());
        for restored in [Home::new().on(second.as_ref()), Home::new()] {
            let done = restored.run(["restore", &backup, "--json"]).worked().json();
            assert_eq!(done["unreadable"], json!([]), "{done}");
            assert_eq!(told(&restored), before);
            restored.run(["doctor"]).worked();
            // What was deleted stays deleted, and runs can go on.
            let mut server = restored.server();
            server.initialize(VERSION);
            let refused = server.call("trace_record_decision", &decision("gap-3", "d9"));
            assert_eq!(refused["structuredContent"]["code"], "deleted", "{refused}");
            server.tell("trace_record_decision", &decision("open", "d2"));
            assert!(server.close().success());
            assert_eq!(super::super::shown_decisions(&restored, "open"), ["d1", "d2"]);
        }
    });
}

#[test]
fn documents_that_lie_in_the_place_of_documents_are_not_replaced_by_older_ones() {
    let (home, place, team) = (Home::new(), Home::new(), Home::new());
    fill(&home);
    let backup = backed_up(&home, &place);
    let of_team = team.path().display().to_string();
    home.run(["export", "--to", &of_team, RUN]).worked();
    let document = team.join(&format!("projects/cobot/_traces/{RUN}.json"));
    let before = fs::read(&document).unwrap();

    let restored = Home::new();
    let refused = restored.run(["restore", &backup, "--documents", &of_team]);
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(refused.stderr.contains("holds documents already: name another place"), "{refused:?}");
    assert_eq!(fs::read(&document).unwrap(), before);
    restored.run(["restore", &backup]).worked();
}

#[test]
fn a_journal_that_is_not_there_any_more_ends_a_restore() {
    let (home, place) = (Home::new(), Home::new());
    let mut server = home.server();
    server.initialize(VERSION);
    start(&mut server, "r1");
    server.kill();
    for file in ["whytrace.db", "whytrace.db-wal", "whytrace.db-shm"] {
        let _ = fs::remove_file(home.join(file));
    }
    let backup = backed_up(&home, &place);
    let journal = fs::read_dir(place.join("backup/journal")).unwrap().next().unwrap().unwrap().path();
    let held = fs::File::open(&journal).unwrap();
    held.lock().unwrap();
    let restored = Home::new();
    restored.run(["restore", &backup]).worked();
    assert_eq!(restored.run(["show", "r1", "--json"]).worked().json()["trace_id"], "r1", "whoever locks it");
    drop(held);
    fs::remove_file(&journal).unwrap();
    let refused = Home::new().run(["restore", &backup]);
    assert_eq!(refused.code, Some(1), "{refused:?}");
}

#[test]
fn what_is_only_in_the_journal_is_in_the_backup() {
    let home = Home::new();
    let mut server = home.server();
    server.initialize(VERSION);
    start(&mut server, "r1");
    server.tell("trace_record_decision", &decision("r1", "d1"));
    server.kill();
    // Whoever restores finds the journal alone: the database was lost, and a backup is made in spite of it.
    for file in ["whytrace.db", "whytrace.db-wal", "whytrace.db-shm"] {
        let _ = fs::remove_file(home.join(file));
    }
    let place = Home::new();
    let backup = backed_up(&home, &place);
    let restored = Home::new();
    restored.run(["restore", &backup]).worked();
    assert_eq!(super::super::shown_decisions(&restored, "r1"), ["d1"]);
}

#[test]
fn nothing_is_restored_over_anything_and_no_backup_that_was_changed() {
    let home = Home::new();
    fs::write(home.join("runs.jsonl"), large(0).to_string()).unwrap();
    home.run(["import".as_ref(), home.join("runs.jsonl").as_os_str()]).worked();
    let place = Home::new();
    let backup = backed_up(&home, &place);
    let path = place.path().display().to_string();
    let mut said = Vec::new();
    let mut refused = |home: &Home, arguments: &[&str]| {
        let refused = home.run(arguments);
        assert_eq!((refused.code, refused.stdout.as_str()), (Some(1), ""), "{refused:?}");
        let own = home.path().display().to_string();
        said.push(refused.stderr.replace(&path, "[place]").replace(&own, "[home]"));
    };
    refused(&home, &["restore", &backup]);
    refused(&home, &["backup", &backup]);
    let document = place.join("backup/projects/p/_traces/run-0.json");
    let text = fs::read_to_string(&document).unwrap();
    fs::write(&document, text.replace("because", "becauSe")).unwrap();
    let other = Home::new();
    refused(&other, &["restore", &backup]);
    fs::write(&document, text).unwrap();
    fs::remove_file(place.join("backup/manifest.json")).unwrap();
    refused(&other, &["restore", &backup]);
    assert!(fs::read_dir(other.path()).unwrap().next().is_none(), "nothing was written");
    insta::assert_snapshot!(said.concat());
    home.run(["show", "run-0"]).worked();
}

#[test]
fn a_backup_is_for_its_owner_alone() {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let home = Home::new();
        plant(&home);
        let place = Home::new();
        backed_up(&home, &place);
        let mode = |name: &str| fs::metadata(place.join(name)).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode("backup"), 0o700);
        for name in ["installation.json", "rows.jsonl", "manifest.json", "SHA256SUMS"] {
            assert_eq!(mode(&format!("backup/{name}")), 0o600, "{name}");
        }
        assert_eq!(mode(&format!("backup/projects/cobot/_traces/{RUN}.json")), 0o600);
    }
}
