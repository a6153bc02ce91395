//! Retention as configuration: a server lets go of runs whose time is up.

use serde_json::json;

use super::{RUN, VERSION, holding, on_both, plant, tables_holding};
use crate::support::eventually::eventually;
use crate::support::program::Home;

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
