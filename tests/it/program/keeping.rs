//! What is deleted, pruned or redacted is gone: from every file of the home, and from every table of Postgres.
//!
//! Of what is kept, a backup brings everything back ([`backups`]).
//!
//! A text that stands nowhere else is planted in every field of a run that takes one; then all bytes are looked at.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

use super::VERSION;
use super::import::fixture;
use crate::support::database::Schema;
use crate::support::eventually::eventually;
use crate::support::program::{Ended, Home, ended};

mod backups;
mod redaction;
mod retention;

/// Stands nowhere but where it was planted.
const PLANTED: &str = "zqxjkvplanted77";

const RUN: &str = "planted-run";

/// A claim for SQLite and for Postgres.
fn on_both(claim: impl Fn(&Home, Option<&Schema>)) {
    claim(&Home::new(), None);
    if let Some(schema) = Schema::fresh() {
        claim(&Home::new().on(Some(&schema)), Some(&schema));
    }
}

/// A run that a server records, with the planted text wherever an agent can put one.
fn plant(home: &Home) {
    let mut server = home.server();
    server.initialize(VERSION);
    let text = format!("a {PLANTED} \"quoted\"\nand more");
    server.tell(
        "trace_start",
        &json!({"trace_id": RUN, "project": "cobot", "query": text, "intent": format!("intent {PLANTED}"),
            "domain": format!("domain {PLANTED}"), "tags": [PLANTED],
            "metadata": {(format!("key {PLANTED}")): {"deep": [text]}}}),
    );
    let events = json!([
        {"kind": "stage_start", "stage": format!("stage {PLANTED}")},
        {"kind": "decision", "stage": "collection", "decision": format!("key_{PLANTED}"), "decision_id": "d1",
         "what": text, "why": json!({"held": text}).to_string(), "confidence": 0.5, "actor": PLANTED,
         "alternatives_considered": [{"option": PLANTED, "why_not": text}], "inputs": {PLANTED: PLANTED},
         "evidence_ids": [PLANTED], "result": text},
        {"kind": "evidence", "stage": "collection", "collected_count": 2, "by_source": {PLANTED: 2}},
        {"kind": "prompt", "stage": "collection", "system_prompt": text, "user_message": text, "response": text},
        {"kind": "outputs", "outputs": {PLANTED: text}},
        {"kind": "correction", "decision_id": "d1", "reason": text, "why": text},
        {"kind": "result", "decision_id": "later", "result": text},
    ]);
    server.tell("trace_record", &json!({"trace_id": RUN, "events": events}));
    // Another content under a name that is taken is kept aside.
    server.call(
        "trace_record_decision",
        &json!({"trace_id": RUN, "stage": "collection", "decision": "k", "decision_id": "d1", "what": text, "why": "w"}),
    );
    server.tell(
        "trace_finish",
        &json!({"trace_id": RUN, "status": "failed", "error": text, "score": 1.0, "report_path": format!("/{PLANTED}.md"),
            "principle_scores": [{"id": format!("P {PLANTED}"), "score": 0.5, "feedback": text}]}),
    );
    server.tell("trace_review", &json!({"trace_id": RUN, "notes": text}));
    assert!(server.close().success());
    for path in ["v2_complete.json", "v2_cost_in_prompts.json"].map(fixture) {
        let mut import = home.whytrace(["import"]);
        import.arg(path);
        ended(import).worked();
    }
    assert!(!holding(home.path()).is_empty(), "it was planted");
}

/// The files below a folder that hold the planted text, or are named by it.
fn holding(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(holding(&path));
            continue;
        }
        let bytes = fs::read(&path).unwrap();
        let is_held = bytes.windows(PLANTED.len()).any(|bytes| bytes == PLANTED.as_bytes());
        if is_held || path.to_string_lossy().contains(PLANTED) {
            found.push(path);
        }
    }
    found
}

/// The tables of a schema that hold the planted text in a row.
fn tables_holding(schema: &Schema) -> Vec<String> {
    let (name, url) = (schema.name().to_owned(), schema.url().to_owned());
    let look = async {
        let mut connection = PgConnection::connect(&url).await.unwrap();
        let tables: Vec<String> =
            sqlx::query_scalar("select table_name from information_schema.tables where table_schema = $1")
                .bind(&name)
                .fetch_all(&mut connection)
                .await
                .unwrap();
        assert!(tables.len() > 10, "{tables:?}");
        let mut holding = Vec::new();
        for table in tables {
            let question = format!("select count(*) from {name}.{table} t where strpos(t::text, $1) > 0");
            let rows: i64 = sqlx::query_scalar(AssertSqlSafe(question))
                .bind(PLANTED)
                .fetch_one(&mut connection)
                .await
                .unwrap();
            if rows > 0 {
                holding.push(table);
            }
        }
        holding
    };
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(look)
}

fn assert_gone(home: &Home, schema: Option<&Schema>, done: &Ended) {
    assert_eq!(holding(home.path()), [] as [PathBuf; 0], "{done:?}");
    if let Some(schema) = schema {
        assert_eq!(tables_holding(schema), [] as [String; 0], "{done:?}");
    }
}

#[test]
fn of_a_deleted_run_no_byte_is_left() {
    on_both(|home, schema| {
        plant(home);
        let done = home.run(["delete", RUN, "--yes", "--json"]).worked();
        assert_eq!(done.json(), json!({"deleted": [RUN], "unknown": [], "left_behind": []}));
        assert_gone(home, schema, &done);
        home.run(["doctor"]).worked();
        assert_eq!(home.run(["list", "--json"]).worked().json()["total"], 2, "the others are there");
    });
}

#[test]
fn of_pruned_runs_no_byte_is_left_and_it_is_said_before_how_much_that_is() {
    on_both(|home, schema| {
        plant(home);
        let shown = home.run(["show", RUN, "--json"]).worked().json();
        let end = shown["run"]["completed_at"].as_str().unwrap();
        let dry = home.run(["prune", "--older-than", end, "--project", "cobot", "--dry-run"]).worked().stdout;
        assert!(
            dry.starts_with("3 runs with ") && dry.ends_with(" of documents would be deleted.\n"),
            "{dry}"
        );
        let done = home.run(["prune", "--older-than", end, "--status", "failed", "--yes", "--json"]).worked();
        let said = done.json();
        assert_eq!(
            (&said["runs"], &said["deleted"], &said["left_behind"]),
            (&json!(1), &json!(1), &json!([]))
        );
        assert_gone(home, schema, &done);
        assert_eq!(home.run(["show", RUN]).code, Some(1));
        assert_eq!(home.run(["list", "--json"]).worked().json()["total"], 2);
    });
}

#[test]
fn a_file_of_the_embedded_database_shrinks_with_what_is_deleted() {
    let home = Home::new();
    let lines: Vec<String> = (0..300).map(|n| large(n).to_string()).collect();
    fs::write(home.join("runs.jsonl"), lines.join("\n")).unwrap();
    home.run(["import".as_ref(), home.join("runs.jsonl").as_os_str()]).worked();
    let size = || fs::metadata(home.join("whytrace.db")).unwrap().len();
    let before = size();
    home.run(["prune", "--older-than", "2020-02-01", "--yes"]).worked();
    assert_eq!(home.run(["list", "--json"]).worked().json()["total"], 100);
    assert!(size() * 2 < before, "{before} bytes became {}", size());
}

/// A run of some kilobytes; every third ended long ago.
fn large(n: u32) -> Value {
    let at = if n.is_multiple_of(3) { "2026-02-13T14:30:22Z" } else { "2020-01-13T14:30:22Z" };
    let decision = |d: u32| {
        json!({"decision_id": format!("d{d}"), "decision": "k", "what": "w", "why": "because ".repeat(60),
            "timestamp": at})
    };
    json!({"schema_version": 2, "trace_id": format!("run-{n}"), "project_name": "p",
        "run": {"query": "q", "status": "complete", "started_at": at, "completed_at": at},
        "stages": {"s": {"decisions": (0..10).map(decision).collect::<Vec<_>>()}}})
}

#[test]
fn whoever_prunes_says_how_old_and_open_runs_stay() {
    let home = Home::new();
    let mut server = home.server();
    server.initialize(VERSION);
    super::start(&mut server, "open");
    let unsaid = home.run(["prune", "--yes"]);
    assert_eq!(unsaid.code, Some(2));
    assert!(unsaid.stderr.contains("say --older-than, or set retention_days"), "{unsaid:?}");
    assert_eq!(home.run(["prune", "--older-than", "2026-02-13"]).code, Some(2), "nobody can be asked");
    let none = home.run(["prune", "--older-than", "2026-02-13", "--yes"]).worked().stdout;
    assert_eq!(none, "0 runs deleted.\n");
    assert!(server.close().success());
}

#[tokio::test]
async fn a_server_that_goes_on_lets_go_of_what_was_deleted() {
    let home = Home::new();
    let mut server = home.server();
    server.initialize(VERSION);
    let run = json!({"trace_id": RUN, "project": "cobot", "query": PLANTED});
    server.tell("trace_start", &run);
    home.run(["delete", RUN, "--yes"]).worked();
    eventually("its journal is empty", async || holding(home.path()).is_empty()).await;
    assert!(server.close().success());
}
