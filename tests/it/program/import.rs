//! Documents of every version that there was, and what they must load to; folders, JSON Lines, and broken files.
//!
//! The documents lie in `tests/fixtures` and stay there for good: a later version has to read them as this one does.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::support::program::{Home, ended};

/// Every document that can be read, by the name of its file, with the id of its run.
pub(super) const DOCUMENTS: [(&str, &str); 5] = [
    ("v1_quality_in_outputs", "trc_20260105_081500_0000000a"),
    ("v1_quality_in_the_stage", "trc_20260106_201500_0000000b"),
    ("v1_bare", "trc_20260107_120000_0000000c"),
    ("v2_complete", "trc_20260213_143022_a1b2c3d4"),
    ("v2_cost_in_prompts", "trc_20260214_090000_0000000f"),
];

pub(super) fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

/// A home with all documents imported.
pub(super) fn home_with_documents() -> Home {
    let home = Home::new();
    let paths = DOCUMENTS.map(|(name, _)| fixture(&format!("{name}.json")));
    let imported = ended(with_paths(&home, paths));
    assert_eq!(imported.stdout, "5 imported, 0 already there, 0 refused.\n", "{imported:?}");
    home
}

fn with_paths(home: &Home, paths: impl IntoIterator<Item = PathBuf>) -> std::process::Command {
    let mut command = home.whytrace(["import"]);
    command.args(paths);
    command
}

/// What is the same whichever version of the program reads it.
pub(super) fn lasting(mut document: Value) -> Value {
    document["metadata"] = json!(null);
    document
}

#[test]
fn documents_of_every_version_load_to_what_they_always_did() {
    let home = home_with_documents();
    for (name, trace_id) in DOCUMENTS {
        let document = home.run(["show", trace_id, "--json"]).worked().json();
        insta::assert_json_snapshot!(name, lasting(document));
    }
}

#[test]
fn a_folder_is_searched_broken_files_are_named_and_the_rest_is_taken() {
    let home = Home::new();
    let imported = ended(with_paths(&home, [fixture("")]));
    assert_eq!(imported.code, Some(1));
    let fixtures = fixture("").display().to_string();
    let said = format!("{}{}", imported.stdout, imported.stderr).replace(&fixtures, "");
    insta::assert_snapshot!(said);
    for (_, trace_id) in DOCUMENTS {
        home.run(["show", trace_id]).worked();
    }
}

#[test]
fn json_lines_hold_one_run_a_line_and_a_second_import_changes_nothing() {
    let home = Home::new();
    for (imported, known) in [(2, 0), (0, 2)] {
        let mut command = with_paths(&home, [fixture("runs.jsonl")]);
        let done = ended({
            command.arg("--json");
            command
        });
        let expected = json!({"imported": imported, "known": known, "refused": [], "redactions": 0});
        assert_eq!(done.worked().json(), expected);
    }
    home.run(["show", "last:roof"]).worked();
    home.run(["doctor"]).worked();
}

#[test]
fn a_path_that_is_wrong_is_said_before_anything_is_imported() {
    let home = Home::new();
    let refused = ended(with_paths(&home, [fixture("v2_complete.json"), home.join("nowhere.json")]));
    assert_eq!((refused.code, refused.stdout.as_str()), (Some(1), ""));
    assert!(refused.stderr.contains("nowhere.json: No such file"), "{refused:?}");
    assert!(!home.join("projects").exists());
}

#[test]
fn secrets_in_what_is_imported_do_not_reach_the_disk() {
    let home = Home::new();
    let secret = "AKIAIOSFODNN7EXAMPLE";
    let text =
        fs::read_to_string(fixture("v2_complete.json")).unwrap().replace("People, not products", secret);
    let text = text.replace("people, not products", secret);
    let path = home.join("with a secret.json");
    fs::write(&path, text).unwrap();
    let mut command = with_paths(&home, [path.clone()]);
    command.arg("--json");
    assert_eq!(ended(command).worked().json()["redactions"], 1);
    fs::remove_file(path).unwrap();
    let mut folders = vec![home.path().to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if entry.is_dir() {
                folders.push(entry);
            } else {
                let bytes = fs::read(&entry).unwrap();
                let is_there = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
                assert!(!is_there, "in {}", entry.display());
            }
        }
    }
}

#[cfg(unix)]
#[test]
fn a_folder_that_links_to_itself_is_searched_once() {
    let home = Home::new();
    let runs = home.join("runs");
    fs::create_dir_all(runs.join("below")).unwrap();
    fs::copy(fixture("v2_complete.json"), runs.join("below/run.json")).unwrap();
    for (target, link) in [(&runs, "below/up"), (&runs, "again"), (&runs.join("nowhere"), "gone.json")] {
        std::os::unix::fs::symlink(target, runs.join(link)).unwrap();
    }
    let mut command = with_paths(&home, [runs.clone(), runs]);
    command.arg("--json");
    let done = ended(command);
    assert_eq!((done.code, &done.json()["imported"], &done.json()["known"]), (Some(1), &json!(1), &json!(0)));
    assert_eq!(done.json()["refused"].as_array().map(Vec::len), Some(1), "the link to nowhere: {done:?}");
}
