//! Retention as configuration: a server lets go of runs whose time is up, and nobody else does.

use serde_json::json;

use super::{RUN, VERSION, holding, on_both, plant, tables_holding};
use crate::support::eventually::eventually;
use crate::support::program::{Home, ended};

#[test]
fn a_server_lets_go_of_runs_whose_time_is_up_and_of_no_others() {
    on_both(|home, schema| {
        plant(home);
        // The documents that were imported ended long ago, the planted run just now.
        std::fs::write(home.join("config.toml"), "retention_days = 3").unwrap();
        let mut server = home.server();
        server.initialize(VERSION);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let total = || home.run(["list", "--json"]).worked().json()["total"].clone();
        runtime.block_on(eventually("one is left", async || total() == json!(1)));
        home.run(["show", RUN]).worked();
        assert!(server.close().success());
        if let Some(schema) = schema {
            assert!(!tables_holding(schema).is_empty());
        }
        assert!(!holding(home.path()).is_empty());
        home.run(["doctor"]).worked();
    });
}

#[test]
fn commands_leave_old_and_silent_runs_to_servers() {
    on_both(|home, _| {
        let run = |id: &str, status: &str, end: Option<&str>| {
            json!({"schema_version": 2, "trace_id": id, "project_name": "p", "run": {"query": "q", "status": status,
                "started_at": "2020-01-13T14:30:22Z", "completed_at": end}})
        };
        let end = Some("2020-01-13T14:40:22Z");
        let runs =
            [run("old", "complete", end), run("silent", "in_progress", None), run("other", "complete", end)];
        std::fs::write(home.join("runs.jsonl"), runs.map(|run| run.to_string()).join("\n")).unwrap();
        std::fs::write(home.join("config.toml"), "retention_days = 3").unwrap();
        let run_on_file = |command: &str, file: &str| {
            let mut command = home.whytrace([command]);
            command.arg(home.join(file));
            ended(command).worked();
        };
        let state = || {
            let listed = home.run(["list", "--json"]).worked().json();
            let mut runs: Vec<(String, String)> = listed["runs"]
                .as_array()
                .unwrap()
                .iter()
                .map(|run| {
                    (run["trace_id"].as_str().unwrap().to_owned(), run["status"].as_str().unwrap().to_owned())
                })
                .collect();
            runs.sort();
            runs
        };
        let owned = |runs: &[(&str, &str)]| -> Vec<_> {
            runs.iter().map(|(id, status)| ((*id).to_owned(), (*status).to_owned())).collect()
        };

        run_on_file("import", "runs.jsonl");
        home.run(["doctor", "--fix"]).worked();
        home.run(["flags"]).worked();
        run_on_file("backup", "backup");
        home.run(["reindex"]).worked();
        home.run(["delete", "other", "--yes"]).worked();
        assert_eq!(state(), owned(&[("old", "complete"), ("silent", "in_progress")]));

        let mut server = home.server();
        server.initialize(VERSION);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        // Closed at the time of its last event, the silent run is old enough to go too, now or in a later round.
        let is_done = |run: &(String, String)| *run == ("silent".to_owned(), "incomplete".to_owned());
        runtime.block_on(eventually("a server does both", async || state().iter().all(is_done)));
        assert!(server.close().success());
    });
}

#[test]
fn prune_applies_what_is_configured_and_a_project_can_be_kept_longer() {
    let home = Home::new();
    plant(&home);
    let config = "retention_days_by_project = { cobot = 0 }\nretention_days = 0.000001";
    std::fs::write(home.join("config.toml"), config).unwrap();
    let done = home.run(["prune", "--yes", "--json"]).worked().json();
    assert_eq!(done["deleted"], 0, "{done}");
    let config = "retention_days_by_project = { cobot = 0.000001 }";
    std::fs::write(home.join("other.toml"), config).unwrap();
    let other = home.join("other.toml").display().to_string();
    let done = home.run(["prune", "--config", &other, "--dry-run", "--json"]).worked().json();
    assert_eq!((&done["runs"], &done["deleted"]), (&json!(3), &json!(0)), "{done}");
    let done = home.run(["prune", "--config", &other, "--project", "others", "--dry-run", "--json"]);
    assert_eq!(done.worked().json()["runs"], 0);
    assert!(home.run(["show", RUN]).worked().stdout.contains(RUN));
}
