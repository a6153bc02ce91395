//! Settings that are wrong or unset, and a database that is not there: what is said, and that the server serves.

use std::net::TcpListener;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{VERSION, decision, start};
use crate::support::program::{Home, Program, ended};

#[test]
fn variables_that_a_client_has_not_filled_in_count_as_unset() {
    let home = Home::new()
        .with("WHYTRACE_DATABASE_URL", "${user_config.database_url}")
        .with("WHYTRACE_TOOLS", "${TOOLS}")
        .with("WHYTRACE_PROMPTS", "")
        .with("DATABASE_URL", "postgres://somebody:else@127.0.0.1:1/project");
    let mut server = home.server();
    server.initialize(VERSION);
    assert_eq!(start(&mut server, "r1")["saved"]["database"], "saved");
    assert!(home.join("whytrace.db").exists());
    assert!(server.close().success());
}

#[test]
fn what_is_set_to_something_else_than_it_can_be_is_named() {
    let home = Home::new();
    let said = |arguments: &[&str], variable: Option<(&str, &str)>| {
        let mut command = home.whytrace(arguments);
        command.envs(variable);
        let refused = ended(command);
        assert!(refused.stdout.is_empty(), "{refused:?}");
        let said = refused.stderr.replace(&home.path().display().to_string(), "[home]");
        format!("exit {}: {}", refused.code.unwrap(), said.trim_end())
    };
    std::fs::write(home.join("config.toml"), "promts = \"off\"\n").unwrap();
    let mut all = vec![said(&[], None)];
    std::fs::write(home.join("config.toml"), "").unwrap();
    all.push(said(&["--config", "/nowhere/config.toml"], None));
    all.push(said(&[], Some(("WHYTRACE_TOOLS", "some"))));
    all.push(said(&[], Some(("WHYTRACE_REQUIRE", "databse"))));
    all.push(said(&[], Some(("WHYTRACE_LISTEN", "7717"))));
    all.push(said(&[], Some(("WHYTRACE_THRESHOLD", "NaN"))));
    all.push(said(&[], Some(("WHYTRACE_ABANDON_AFTER_HOURS", "-1"))));
    all.push(said(&[], Some(("WHYTRACE_LOG", "=,="))));
    all.push(said(&[], Some(("WHYTRACE_DATABASE_URL", "mysql://u:hunter2@db/x"))));
    all.push(said(&[], Some(("WHYTRACE_DOCUMENTS", "ftp://u:hunter2@host/x"))));
    all.push(said(&[], Some(("WHYTRACE_DOCUMENTS", "s3://key:hunter2@bucket/x"))));
    std::fs::write(
        home.join("config.toml"),
        "documents = \"s3://b\"\n[documents_options]\naws_regoin = \"x\"\n",
    )
    .unwrap();
    all.push(said(&[], None));
    std::fs::write(home.join("config.toml"), "").unwrap();
    all.push(said(&["--tools", "some"], None));
    insta::assert_snapshot!(all.join("\n\n"));
}

/// A server whose Postgres is not there: it answers at once, and takes what it is given.
fn serves_without_its_database(url: &str) {
    let home = Home::new().with("WHYTRACE_DATABASE_URL", url);
    // The best of a few, because the machine may be busy with other tests.
    let quickest = (0..3).map(|_| {
        let begun = Instant::now();
        let mut server = home.server();
        server.initialize(VERSION);
        server.request("tools/list", &json!({}));
        begun.elapsed()
    });
    let quickest = quickest.min().unwrap();
    assert!(quickest < Duration::from_millis(500), "{quickest:?}");

    let mut server = home.server();
    server.initialize(VERSION);
    let pending = json!({"journal": "saved", "database": "pending"});
    let mut timed = |tool: &str, arguments: &Value| {
        let begun = Instant::now();
        let told = server.tell(tool, arguments);
        assert!(begun.elapsed() < Duration::from_secs(2), "{tool} took {:?}", begun.elapsed());
        told
    };
    let run = json!({"trace_id": "r1", "project": "cobot", "query": "why?"});
    assert_eq!(timed("trace_start", &run)["saved"], pending);
    for number in 0..5 {
        let recorded = timed("trace_record_decision", &decision("r1", &format!("d{number}")));
        assert_eq!(recorded["saved"], pending);
    }
    // A run that another process may know.
    assert_eq!(timed("trace_record_decision", &decision("elsewhere", "d1"))["unverified"], true);
    let finished = timed("trace_finish", &json!({"trace_id": "r1", "score": 3}));
    assert_eq!((&finished["flags_pending"], &finished["status"]), (&json!(true), &json!("complete")));
    assert_eq!(timed("trace_finish", &json!({"trace_id": "elsewhere"}))["saved"]["journal"], "saved");
    let begun = Instant::now();
    assert!(server.close().success());
    assert!(begun.elapsed() < Duration::from_secs(10), "it ends in moments: {:?}", begun.elapsed());
}

#[test]
fn a_server_whose_postgres_refuses_connections_serves_and_records() {
    // Nobody listens on port 1.
    serves_without_its_database("postgres://u:hunter2@127.0.0.1:1/x");
}

#[test]
fn a_server_whose_postgres_never_answers_serves_and_records() {
    // Connections are made, and nothing comes of them.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    serves_without_its_database(&format!("postgres://u:hunter2@{}/x", silent.local_addr().unwrap()));
}

#[test]
fn with_the_database_required_what_it_does_not_take_is_refused() {
    let home = Home::new().with("WHYTRACE_DATABASE_URL", "postgres://u:hunter2@127.0.0.1:1/x");
    let mut server = Program::spawn(home.whytrace(["--require", "database"]));
    server.initialize(VERSION);
    let refused = server.call("trace_start", &json!({"project": "p", "query": "q", "trace_id": "r1"}));
    assert_eq!(refused["structuredContent"]["code"], "unavailable", "{refused}");
    assert!(!server.diagnostics().contains("hunter2"));
}

#[test]
fn the_password_of_the_database_is_never_printed() {
    // Whole, without a port that is a number, and without anything that would make it a URL.
    let urls = [
        "postgres://u:hunter2@127.0.0.1:1/x",
        "postgres://u:hunter2@127.0.0.1:one/x",
        "postgres://u:hunter2@",
        "postgresql://u:hunter2@[::1/x?sslmode=nonsense",
        "postgres://127.0.0.1:1/x?password=hunter2",
        "u:hunter2@127.0.0.1/x",
    ];
    thread::scope(|scope| {
        for url in urls {
            scope.spawn(move || prints_no_password(url));
        }
    });
}

fn prints_no_password(url: &str) {
    let home = Home::new().with("WHYTRACE_DATABASE_URL", url);
    for command in [&["doctor"] as &[&str], &["doctor", "--json"], &["show", "last"], &["list"], &["reindex"]]
    {
        let mut command = home.whytrace(command);
        command.args(["--log", "trace"]);
        let ended = ended(command);
        assert_eq!(ended.code, Some(1), "{url}: {ended:?}");
        assert!(!format!("{ended:?}").contains("hunter2"), "{url}: {ended:?}");
    }
    let mut server = Program::spawn(home.whytrace(["--log", "trace"]));
    if url.contains("://") {
        server.initialize(VERSION);
        let answer = server.call("trace_start", &json!({"project": "p", "query": "q", "trace_id": "r1"}));
        assert!(!answer.to_string().contains("hunter2"), "{url}: {answer}");
    }
    server.end_input();
    server.end();
    assert!(!server.diagnostics().contains("hunter2"), "{url}: {}", server.diagnostics());
}

#[test]
fn the_password_in_a_configuration_file_that_cannot_be_read_is_not_printed() {
    let home = Home::new();
    std::fs::write(home.join("config.toml"), "\ndatabase_url = \"postgres://u:hunter2@127.0.0.1/x\n")
        .unwrap();
    let refused = ended(home.whytrace(["doctor"]));
    assert!(refused.stderr.contains("config.toml: line 2: "), "{refused:?}");
    assert!(!refused.stderr.contains("hunter2"), "{refused:?}");
}
