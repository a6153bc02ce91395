//! The program with its documents in a bucket: every command that reads or writes them.

use serde_json::json;

use crate::support::bucket::Bucket;
use crate::support::line::Line;
use crate::support::program::{Home, Program};

const VERSION: &str = "2025-11-25";

/// A home whose documents are in a bucket.
fn home_in(bucket: &Bucket) -> Home {
    bucket.variables().fold(Home::new(), |home, (name, value)| home.with(name, value))
}

/// Records one run over MCP, and gives what is told of its end.
fn record(server: &mut Program, id: &str) -> serde_json::Value {
    server.tell("trace_start", &json!({"trace_id": id, "project": "cobot", "query": "why?"}));
    server.tell(
        "trace_record_decision",
        &json!({"trace_id": id, "stage": "s", "decision": "k", "what": "exa", "why": "recent", "confidence": 0.9}),
    );
    server.tell("trace_finish", &json!({"trace_id": id, "score": 2.4}))
}

#[test]
fn what_is_recorded_lies_in_the_bucket_and_every_command_finds_it_there() {
    let Some(bucket) = Bucket::fresh() else { return };
    let home = home_in(&bucket);
    let mut server = home.server();
    server.initialize(VERSION);
    let told = record(&mut server, "r1");
    // On a machine that is busy it may be late, and then its place is not told.
    let url = format!("{}/projects/cobot/_traces/r1.json", bucket.url());
    assert!(told["document"] == url.as_str() || told["saved"]["document"] == "pending", "{told}");
    assert!(server.close().success());
    assert!(!home.join("projects").exists(), "nothing lies at home");

    let doctor = home.run(["doctor", "--fix"]).worked().stdout;
    assert!(doctor.contains(&format!("documents {}", bucket.url())), "{doctor}");
    assert!(doctor.contains("refuses writes whose condition does not hold"), "{doctor}");
    for ending in ["", "-wal", "-shm"] {
        std::fs::remove_file(home.join(&format!("whytrace.db{ending}"))).ok();
    }
    let front_matter = home.run(["frontmatter", "r1"]).worked().stdout;
    assert!(front_matter.contains("r1"), "the document answers alone: {front_matter}");
    assert!(home.run(["reindex"]).worked().stdout.starts_with("1 runs indexed"));
    assert!(home.run(["list"]).worked().stdout.contains("r1"));

    let lines = home.join("runs.jsonl");
    home.run(["export", "--to", &lines.display().to_string()]).worked();
    home.run(["delete", "--yes", "r1"]).worked();
    assert_eq!(home.run(["reindex"]).worked().stdout, "0 runs indexed, 0 decisions.\n");

    let other = home_in(&Bucket::fresh().unwrap());
    other.run(["import", &lines.display().to_string()]).worked();
    assert!(other.run(["show", "r1"]).worked().stdout.contains("r1"));
    assert!(!other.join("projects").exists());
}

#[test]
fn a_folder_elsewhere_holds_the_documents_and_what_locks_them() {
    let (home, elsewhere) = (Home::new(), tempfile::tempdir().unwrap());
    let folder = elsewhere.path().display().to_string();
    let mut server = Program::spawn(home.whytrace(["--documents", &format!("file:{folder}")]));
    server.initialize(VERSION);
    let told = record(&mut server, "r1");
    assert_eq!(told["document"], format!("{folder}/projects/cobot/_traces/r1.json").as_str());
    assert!(elsewhere.path().join("locks").is_dir() && !home.join("projects").exists());
    assert!(server.close().success());
}

#[test]
fn a_server_whose_bucket_never_answers_starts_at_once_and_records() {
    let Some(bucket) = Bucket::fresh() else { return };
    let line = Line::to(bucket.server());
    line.fall_silent();
    let home = home_in(&bucket.through(&line));
    let mut server = home.server();
    server.initialize(VERSION);
    let told = record(&mut server, "r1");
    assert_eq!((&told["saved"]["journal"], &told["saved"]["document"]), (&json!("saved"), &json!("pending")));
    assert!(server.close().success());
    line.mend();
    // The next process writes what this one left.
    let doctor = home.run(["doctor", "--fix"]).worked().stdout;
    assert!(doctor.contains("documents: 1 looked at"), "{doctor}");
}

#[test]
fn credentials_that_are_refused_are_said_at_the_start_and_by_the_doctor_and_not_shown() {
    let Some(bucket) = Bucket::fresh() else { return };
    let home = home_in(&bucket.with("AWS_SECRET_ACCESS_KEY", "hunter2hunter2"));
    let mut server = home.server();
    server.initialize(VERSION);
    assert_eq!(record(&mut server, "r1")["saved"]["document"], "pending");
    assert!(server.close().success());
    let doctor = home.run(["doctor"]);
    assert_eq!(doctor.code, Some(1));
    assert!(doctor.stdout.contains("it refuses the credentials"), "{doctor:?}");
    assert!(!format!("{doctor:?}").contains("hunter2"));
}
