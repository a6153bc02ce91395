//! The demo as a newcomer meets it: it goes where it should, says what to try, and what it planted is found by the
//! functions that answer users.

use serde_json::{Value, json};
use whytrace::config::{Config, Settings};
use whytrace::query::Query;
use whytrace::service::Service;
use whytrace::store::index::{Filter, Scope};

use super::import::fixture;
use crate::support::database::Schema;
use crate::support::program::{Home, WHYTRACE, ended};

/// The end of the histories of these tests.
const UNTIL: &str = "2026-11-24T12:00:00Z";

/// The shortest history.
fn demo(home: &Home, more: &[&str]) -> Value {
    let arguments = ["demo", "--runs", "120", "--until", UNTIL, "--json"];
    let told = home.run(arguments.iter().chain(more)).worked();
    assert_eq!(told.stderr, "", "nothing but the answer, and no [CALIBRATION]");
    told.json()
}

fn query(home: &Home, schema: Option<&Schema>) -> Query {
    let settings = Settings {
        home: Some(home.path().to_owned()),
        database_url: schema.map(|schema| schema.url().into()),
        schema: schema.map(|schema| schema.name().to_owned()),
        ..Settings::default()
    };
    Query::new(Service::stores(&Config::load(settings, |_| None).unwrap()))
}

async fn what_is_planted_is_found(schema: Option<&Schema>) {
    let home = Home::new().on(schema);
    let told = demo(&home, &[]);
    assert_eq!((&told["imported"], &told["already_there"]), (&json!(120), &json!(0)));
    assert_eq!(told["refused"], json!([]));
    let query = query(&home, schema);

    let flags = query.flags(&Scope::All).await.unwrap();
    let is_flagged = |kind: &str, subject: &Value| {
        flags.iter().any(|flag| flag.kind.as_str() == kind && json!(flag.subject) == *subject)
    };
    assert!(is_flagged("domain_quality_disparity", &told["weak_domain"]));
    assert!(is_flagged("repeated_principle_failure", &told["failing_principle"]));
    assert!(is_flagged("quality_gate_regression", &json!("meridian-studies")));

    let unearned = format!("decision:{}", told["overconfident_decision"].as_str().unwrap());
    assert!(is_flagged("confidence_miscalibrated", &json!(unearned)));

    let now = UNTIL.parse().unwrap();
    let patterns = query.patterns(&Filter::default(), Some(10), 3, now).await.unwrap().report;
    assert_eq!(json!(patterns.patterns[0].principle), told["failing_principle"]);
    assert_eq!(json!(patterns.patterns[0].trend), json!("rising"));

    let id = |which: &str| told[which].as_str().unwrap().to_owned();
    let compared = query.compare(&id("before"), &id("after"), &Scope::All).await.unwrap();
    assert_eq!(json!(compared.first_divergence.unwrap().decision), told["divergent_decision"]);

    home.run(["doctor"]).worked();
}

#[tokio::test]
async fn what_is_planted_is_found_on_sqlite() {
    what_is_planted_is_found(None).await;
}

#[tokio::test]
async fn what_is_planted_is_found_on_postgres() {
    let Some(schema) = Schema::fresh() else { return };
    what_is_planted_is_found(Some(&schema)).await;
}

#[test]
fn the_same_history_is_written_once_and_ends_when_it_first_ended() {
    let home = Home::new();
    let first = demo(&home, &[]);
    let shown = home.run(["show", "last", "--json"]).worked().stdout;
    let again = home.run(["demo", "--runs", "120", "--json"]).worked().json();
    assert_eq!((&again["imported"], &again["already_there"]), (&json!(0), &json!(120)));
    assert_eq!(again["until"], first["until"]);
    assert_eq!(home.run(["show", "last", "--json"]).worked().stdout, shown);
}

#[test]
fn a_history_that_was_broken_off_goes_on_as_it_began_and_deleted_runs_stay_away() {
    let whole = Home::new();
    let told = demo(&whole, &[]);
    let begun = whole.join("begun.jsonl");
    let mut export = whole.whytrace(["export", "demo-1-120-00001", "demo-1-120-00002", "--to"]);
    export.arg(&begun);
    ended(export).worked();
    let home = Home::new();
    let mut import = home.whytrace(["import"]);
    import.arg(begun);
    ended(import).worked();
    home.run(["delete", "demo-1-120-00003", "--yes"]);
    let rest = home.run(["demo", "--runs", "120", "--json"]).worked().json();
    assert_eq!((&rest["imported"], &rest["already_there"]), (&json!(117), &json!(2)));
    assert_eq!(rest["until"], told["until"], "not now");
    let last = |home: &Home| super::import::lasting(home.run(["show", "last", "--json"]).worked().json());
    assert_eq!(last(&home), last(&whole));
}

#[test]
fn a_home_with_runs_of_its_own_is_left_alone_unless_that_is_wished() {
    let home = Home::new();
    let mut import = home.whytrace(["import"]);
    import.arg(fixture("v2_complete.json"));
    ended(import).worked();
    let refused = home.run(["demo", "--runs", "120"]);
    assert_eq!((refused.code, refused.stdout.as_str()), (Some(1), ""));
    insta::assert_snapshot!(
        refused.stderr.replace(&home.path().display().to_string(), "[home]").trim_end(),
        @"whytrace: [home] holds 1 other run; name an empty folder with --home, or say --into-existing"
    );
    assert_eq!(demo(&home, &["--into-existing"])["imported"], 120);
    home.run(["show", "trc_20260213"]).worked();
}

#[test]
fn without_a_home_it_makes_one_of_its_own_with_a_database_of_its_own() {
    let user = Home::new();
    let mut command = user.whytrace(["demo", "--runs", "120", "--json"]);
    command
        .env_remove("WHYTRACE_HOME")
        .env("WHYTRACE_DATABASE_URL", "postgres://nobody:s3cret@localhost:1/real");
    let told = ended(command).worked();
    assert!(!told.stdout.contains("s3cret"));
    let told = told.json();
    let home = std::path::PathBuf::from(told["home"].as_str().unwrap());
    assert!(home.starts_with(user.path()) && home.ends_with("whytrace-demo"), "{}", home.display());
    assert!(home.join("whytrace.db").is_file());
    assert!(told["next"][0]["command"].as_str().unwrap().contains(" --database-url sqlite:"));
    let mut command = user.whytrace(["demo", "--runs", "120", "--json"]);
    command.env_remove("WHYTRACE_HOME");
    let again = ended(command).worked().json();
    assert_eq!((&again["home"], &again["already_there"]), (&told["home"], &json!(120)));
    assert!(!again["next"][0]["command"].as_str().unwrap().contains("--database-url"), "the home is enough");
}

#[test]
fn what_it_proposes_works_as_it_stands() {
    let home = Home::called("a newcomer's home");
    let told = home.run(["demo", "--runs", "120", "--until", UNTIL]).worked();
    let readable = told.stdout.replace(&home.path().display().to_string().replace('\'', r"'\''"), "[home]");
    let readable = readable.replace(&home.path().display().to_string(), "[home]");
    insta::assert_snapshot!(readable.replace(WHYTRACE.as_str(), "[program]").trim_end());
    let proposed = told.stdout.lines().find(|line| line.contains("show last")).unwrap();
    let elsewhere = Home::new();
    let mut shell = elsewhere.command("sh");
    shell.args(["-c", proposed.trim()]);
    assert!(ended(shell).worked().stdout.contains("demo-1-120-00120"));
}
