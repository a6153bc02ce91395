//! The reading views: what a person sees at each width, where there is nothing, and with the database away.

use std::fs;
use std::net::TcpListener;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::program::{Ended, Home, ended};

mod fields;

/// Runs of two projects over three weeks, of which some fail, with principles that fail more and more often.
fn history() -> Vec<Value> {
    (0..24_u32)
        .map(|n| {
            let project = if n % 3 == 2 { "grid-watch" } else { "cobot" };
            let began = format!("2026-02-{:02}T{:02}:30:22Z", 1 + n * 20 / 24, n % 24);
            let ended = format!("2026-02-{:02}T{:02}:3{}:22Z", 1 + n * 20 / 24, n % 24, 1 + n % 8);
            let low = if n > 12 && n % 2 == 0 { 1.0 } else { 3.0 };
            let score = if low < 2.0 { 1.4 } else { 2.4 };
            let source = if low < 2.0 { "google" } else { "exa (primary), reddit" };
            let query = match n % 4 {
                0 => "Who builds cobots for small workshops,\n\tand what do they cost?",
                1 => "東京の協働ロボット市場はどのくらい大きいですか、そして誰が主要な供給者ですか？",
                2 => "\u{1b}[31mred\u{1b}[0m \u{202e}and reversed\u{7} queries stay where they are",
                _ => "short?",
            };
            let quality = json!({"score": score, "scale_max": 3.0, "threshold": 2.0, "passed": score > 2.0,
                "principle_scores": [{"id": "META-12", "name": "Sources named", "score": low},
                    {"id": "META-1", "score": 3.0}],
                "gap_principles": if low < 2.0 { json!(["META-12"]) } else { json!([]) },
                "strength_principles": ["META-1"]});
            let failed = n == 17;
            json!({
                "schema_version": 2, "trace_id": format!("trc_202602{:02}_{:02}3022_{n:08x}", 1 + n * 20 / 24, n % 24),
                "project_name": project,
                "run": {"query": query, "intent": if n % 2 == 0 { "validating" } else { "exploring" },
                    "domain": "robotics", "started_at": began, "completed_at": ended,
                    "duration_seconds": 60.0 * f64::from(1 + n % 8), "status": if failed { "failed" } else { "complete" },
                    "error": failed.then_some("rate limit reached at the third source"), "tags": ["nightly"]},
                "stages": {"collection": {"duration_seconds": 45.8, "decisions": [
                        {"decision_id": "d1", "decision": "depth", "what": "two rounds", "why": "the question is broad",
                         "confidence": 0.8, "timestamp": began},
                        {"decision_id": "d2", "decision": "source_selection", "what": source,
                         "why": "recent and specific to the question", "confidence": 0.9, "timestamp": began,
                         "alternatives_considered": [{"option": "linkedin", "score": 0.6, "why_not": "needs a login"}]}],
                    "evidence": {"collected_count": 28, "passed_count": 18, "filtered_count": 10}}},
                "calibration": {"flagged_for_review": low < 2.0},
                "quality": if failed { json!({}) } else { quality },
                "cost": {"input_tokens": 45_000, "output_tokens": 3_800, "cost_usd": 0.32, "model": "m-large"}
            })
        })
        .collect()
}

const GOOD: &str = "trc_20260220_233022_00000017";
const BAD: &str = "trc_20260219_223022_00000016";

pub(super) fn home_with_history() -> Home {
    home_with(&history())
}

fn home_with(documents: &[Value]) -> Home {
    let home = Home::new();
    let lines: Vec<String> = documents.iter().map(Value::to_string).collect();
    fs::write(home.join("history.jsonl"), lines.join("\n")).unwrap();
    let imported = home.run([std::ffi::OsString::from("import"), home.join("history.jsonl").into()]);
    let said = format!("{} imported, 0 already there, 0 refused.\n", documents.len());
    assert_eq!(imported.stdout, said, "{imported:?}");
    home
}

/// A command as it is shown on so many columns.
fn at(home: &Home, columns: u32, arguments: &[&str]) -> Ended {
    let mut command = home.whytrace(arguments);
    command.env("COLUMNS", columns.to_string());
    ended(command)
}

/// What the command says at each of these widths, none of it wider.
fn at_all_widths(home: &Home, arguments: &[&str]) -> String {
    let mut said = String::new();
    for columns in [40, 80, 160] {
        let shown = at(home, columns, arguments).worked();
        assert!(!shown.stdout.contains(['\u{1b}', '\u{202e}', '\u{7}', '\t']), "{shown:?}");
        for line in shown.stdout.lines() {
            assert!(console::measure_text_width(line) <= columns as usize, "{columns}: {line}");
        }
        said.push_str(&format!("== {columns}\n{}{}\n", shown.stdout, shown.stderr));
    }
    said
}

#[test]
fn a_list_keeps_to_the_width_and_says_how_it_goes_on() {
    let home = home_with_history();
    insta::assert_snapshot!(at_all_widths(&home, &["list", "--limit", "8"]));
}

#[test]
fn a_list_goes_on_where_it_ended_in_every_order_until_each_run_was_shown() {
    let home = home_with_history();
    for order in [&[] as &[&str], &["--sort", "score_low"], &["--sort", "costliest"], &["--text", "short"]] {
        let all = home.run([&["list", "--all", "--json"] as &[&str], order].concat()).worked().json();
        let mut pages: Vec<Value> = Vec::new();
        let mut after: Option<String> = None;
        loop {
            let mut arguments = [&["list", "--limit", "5", "--json"], order].concat();
            arguments.extend(after.iter().flat_map(|after| ["--after", after]));
            let mut page = home.run(arguments).worked().json();
            pages.extend(page["runs"].as_array().unwrap().clone());
            let Some(next) = page["next"]["after"].take().as_str().map(str::to_owned) else { break };
            assert!(page["next"]["command"].as_str().unwrap().ends_with(&format!("--after {next}")));
            after = Some(next);
        }
        assert_eq!(Value::from(pages), all["runs"], "{order:?}");
    }
}

#[test]
fn every_condition_of_the_tool_is_an_option() {
    let home = home_with_history();
    for (arguments, runs) in [
        (&["--project", "grid-watch"] as &[&str], 8),
        (&["--intent", "exploring"], 12),
        (&["--domain", "robotics"], 24),
        (&["--report-type", "brief"], 0),
        (&["--status", "failed"], 1),
        (&["--gate", "passed"], 18),
        (&["--gate", "failed"], 5),
        (&["--score-max", "1.5"], 5),
        (&["--score-min", "2", "--score-max", "3"], 18),
        (&["--since", "2026-02-10"], 13),
        (&["--until", "2026-02-10T00:00:00Z"], 11),
        (&["--since", "24h"], 0),
        (&["--gap", "META-12"], 5),
        (&["--flagged"], 5),
        (&["--flagged=false"], 19),
        (&["--tag", "nightly"], 24),
        (&["--text", "\"rate limit\""], 1),
    ] {
        let found = home.run([&["list", "--json"], arguments].concat()).worked().json();
        assert_eq!(found["total"], runs, "{arguments:?}");
    }
}

#[test]
fn a_summary_says_its_figures_and_those_of_its_groups() {
    let home = home_with_history();
    insta::assert_snapshot!(at_all_widths(&home, &["summary", "--group-by", "project"]));
}

#[test]
fn a_summary_of_one_run_is_its_scorecard() {
    let home = home_with_history();
    let summary = at(&home, 80, &["summary", "last"]).worked();
    assert_eq!(summary.stdout, at(&home, 80, &["show", "last"]).worked().stdout);
    let summary = at(&home, 80, &["summary", "last", "--verbose"]).worked();
    assert_eq!(summary.stdout, at(&home, 80, &["show", "last", "--verbose"]).worked().stdout);
    assert_eq!(home.run(["summary", "last", "--project", "cobot"]).code, Some(2));
}

#[test]
fn a_diagnosis_says_what_is_suspected_and_why() {
    let home = home_with(&[history(), fields::two_ways_to_fail()].concat());
    let failed = at_all_widths(&home, &["diagnose", "way-bad"]);
    let well = at(&home, 80, &["diagnose", "way-good"]).worked();
    insta::assert_snapshot!(format!("{failed}\n{}", well.stdout));
    assert_eq!(home.run(["diagnose", "way-bad", "--suspects", "x"]).code, Some(2));
}

#[test]
fn a_comparison_names_where_the_runs_parted_and_what_came_of_it() {
    let home = home_with_history();
    insta::assert_snapshot!(at_all_widths(&home, &["compare", GOOD, BAD]));
}

#[test]
fn flags_come_with_what_is_behind_them_and_the_command_that_answers() {
    let home = home_with_history();
    insta::assert_snapshot!(at_all_widths(&home, &["flags", "--project", "cobot"]));
}

#[test]
fn a_flag_is_answered_by_its_id_its_end_or_its_beginning() {
    let home = home_with_history();
    let flags = home.run(["flags", "--json"]).worked().json();
    let id = flags["flags"][0]["flag_id"].as_str().unwrap().to_owned();
    let end = id.rsplit('.').next().unwrap();
    let state = |name: &str, order: &[&str]| {
        let answered = home.run([&["flags"], order, &[name, "--json"]].concat()).worked().json();
        assert_eq!(answered["flag_id"], id.as_str());
        answered["state"].as_str().unwrap().to_owned()
    };
    assert_eq!(state(&id, &["acknowledge"]), "acknowledged");
    assert_eq!(state(end, &["snooze"]), "snoozed");
    assert_eq!(state(id.trim_end_matches(end), &["resolve"]), "resolved");
    assert_eq!(home.run(["flags", "--state", "resolved", "--json"]).worked().json()["total"], 1);
    assert_eq!(state(end, &["reopen"]), "open");
    let said = home.run(["flags", "acknowledge", end]).worked();
    assert_eq!(said.stdout, format!("{id} is acknowledged.\n"));
    let unknown = home.run(["flags", "acknowledge", "nothing"]);
    assert_eq!((unknown.code, unknown.stdout.as_str()), (Some(1), ""));
    assert!(unknown.stderr.contains(&id), "{unknown:?}");
    let refused = home.run(["flags", "snooze", end, "--until", "soon"]);
    assert_eq!(refused.code, Some(2));
    assert!(refused.stderr.contains("a span, a date or an RFC 3339 time"), "{refused:?}");
}

#[test]
fn patterns_say_which_principles_fail_how_surely_and_where() {
    let home = home_with_history();
    insta::assert_snapshot!(at_all_widths(&home, &["patterns", "--days", "all"]));
}

#[test]
fn calibration_says_whether_confidence_comes_true_and_shows_it() {
    let home = home_with_history();
    let all = ["calibration", "--days", "all"];
    insta::assert_snapshot!(at_all_widths(&home, &[&all[..], &["--by", "decision"]].concat()));
    let few = at(&home, 80, &[&all[..], &["--project", "grid-watch", "--bins", "mass"]].concat()).worked();
    insta::assert_snapshot!("too_few_decisions_for_a_verdict", few.stdout);
}

#[test]
fn decisions_are_found_with_what_became_of_their_runs() {
    let home = home_with_history();
    let found = at_all_widths(&home, &["search", "recent", "--decision", "source_selection", "--limit", "3"]);
    insta::assert_snapshot!(found);
}

#[test]
fn an_option_is_told_by_how_its_runs_went() {
    let home = home_with_history();
    let record = at(&home, 80, &["search", "--option", "linkedin"]).worked().stdout;
    let choices =
        at(&home, 80, &["search", "--decision", "source_selection", "--limit", "1"]).worked().stdout;
    insta::assert_snapshot!(format!("{record}\n== by key\n{choices}"));
}

#[test]
fn the_whole_of_a_run_is_written_to_the_width() {
    let home = home_with_history();
    insta::assert_snapshot!(at_all_widths(&home, &["show", BAD, "--verbose"]));
}

#[test]
fn what_is_not_found_is_explained_and_is_no_failure() {
    let home = home_with_history();
    let mut said = String::new();
    for arguments in [
        &["list", "--project", "nobody"] as &[&str],
        &["summary", "--intent", "none"],
        &["patterns", "--project", "nobody", "--days", "all"],
        &["calibration", "--project", "nobody", "--days", "all"],
        &["flags", "--state", "snoozed"],
        &["search", "nothing", "--stage", "collection"],
    ] {
        let nothing = at(&home, 80, arguments).worked();
        assert_eq!(nothing.stdout, "", "{arguments:?}");
        said.push_str(&format!("== {}\n{}", arguments.join(" "), nothing.stderr));
    }
    insta::assert_snapshot!(said);
}

#[test]
fn an_empty_home_says_how_to_get_runs() {
    let home = Home::new();
    let mut said = String::new();
    for command in ["list", "summary", "patterns", "calibration", "flags"] {
        let nothing = at(&home, 80, &[command]).worked();
        assert_eq!(nothing.stdout, "", "{command}");
        said.push_str(&format!("== {command}\n{}", nothing.stderr));
    }
    insta::assert_snapshot!(said.replace(&home.path().display().to_string(), "[home]"));
}

#[test]
fn with_the_database_away_it_is_said_what_still_works() {
    let away = |home: Home| {
        let mut said = String::new();
        for arguments in [
            &["list"] as &[&str],
            &["summary"],
            &["patterns"],
            &["calibration"],
            &["search", "exa"],
            &["flags"],
            &["flags", "resolve", "x"],
            &["compare", GOOD, "last"],
            &["diagnose", "last"],
            &["show", "last"],
        ] {
            let failed = at(&home, 80, arguments);
            assert_eq!((failed.code, failed.stdout.as_str()), (Some(1), ""), "{arguments:?} {failed:?}");
            assert!(!failed.stderr.contains("hunter2"), "{failed:?}");
            assert_eq!(failed.stderr.lines().count(), 1, "{failed:?}");
            said.push_str(&format!("== {}\n{}", arguments.join(" "), failed.stderr));
        }
        let shown = at(&home, 80, &["show", GOOD]).worked();
        assert!(shown.stdout.contains("Quality: 2.4/3.0  PASS"), "{shown:?}");
        said.replace(&home.path().display().to_string(), "[home]").replace("os error 61", "os error 111")
    };
    let refused = home_with_history().with("WHYTRACE_DATABASE_URL", "postgres://u:hunter2@127.0.0.1:1/x");
    let damaged = home_with_history();
    for file in ["whytrace.db-wal", "whytrace.db-shm"] {
        fs::remove_file(damaged.join(file)).ok();
    }
    fs::write(damaged.join("whytrace.db"), "no database at all, and long enough to be looked at".repeat(100))
        .unwrap();
    insta::assert_snapshot!(format!("{}\n\n{}", away(refused), away(damaged)));
}

#[test]
fn a_database_that_never_answers_is_waited_for_once() {
    let home = home_with_history();
    // The system takes its connections, and nobody ever answers.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("postgres://u@{}/x", silent.local_addr().unwrap());
    let home = home.with("WHYTRACE_DATABASE_URL", url);
    let history = home.join("history.jsonl").display().to_string();
    let commands = [
        (&["list"] as &[&str], 1),
        (&["show", GOOD], 0),
        (&["show", "nothing"], 1),
        (&["compare", GOOD, BAD], 0),
        (&["diagnose", BAD], 0),
        (&["flags", "resolve", "x"], 1),
        (&["delete", GOOD, "--yes"], 1),
        (&["import", &history], 1),
        (&["reindex"], 1),
        (&["doctor"], 1),
    ];
    std::thread::scope(|scope| {
        for (arguments, code) in commands {
            let home = &home;
            scope.spawn(move || {
                let begun = Instant::now();
                let ended = home.run(arguments);
                let took = begun.elapsed();
                assert_eq!(ended.code, Some(code), "{arguments:?} {ended:?}");
                assert!(took < Duration::from_secs(6), "{arguments:?} took {took:?}");
                let said = ended.stdout + &ended.stderr;
                let is_said =
                    matches!(arguments[0], "compare" | "diagnose") || said.contains("no answer within 3 s");
                assert!(is_said, "{arguments:?} {said}");
            });
        }
    });
    assert!(home.run(["show", GOOD]).worked().stdout.contains(GOOD), "nothing was changed");
}

#[test]
fn colours_are_there_only_where_they_are_asked_for() {
    let home = home_with_history();
    for view in [
        &["list"] as &[&str],
        &["summary"],
        &["compare", GOOD, BAD],
        &["diagnose", BAD],
        &["flags"],
        &["show", BAD, "--verbose"],
    ] {
        let has_colours = |arguments: &[&str], variables: &[(&str, &str)]| {
            let mut command = home.whytrace([view, arguments].concat());
            command.env_remove("NO_COLOR").env_remove("CLICOLOR_FORCE").envs(variables.iter().copied());
            ended(command).worked().stdout.contains("\u{1b}[")
        };
        assert!(!has_colours(&[], &[]), "{view:?}");
        assert!(has_colours(&["--color", "always"], &[("NO_COLOR", "1")]), "{view:?}");
        assert!(has_colours(&[], &[("CLICOLOR_FORCE", "1")]), "{view:?}");
        assert!(!has_colours(&["--color", "never"], &[("CLICOLOR_FORCE", "1")]), "{view:?}");
    }
    for view in [&["list", "--json"] as &[&str], &["show", BAD, "--json"]] {
        let shown = home.run([view, &["--color", "always"]].concat()).worked();
        assert!(!shown.stdout.contains('\u{1b}'), "{view:?}");
    }
}

#[test]
fn conditions_that_contradict_each_other_are_a_fault_of_the_command_line() {
    let home = Home::new();
    for arguments in [
        &["list", "--score-min", "3", "--score-max", "1"] as &[&str],
        &["list", "--since", "yesterday"],
        &["list", "--since", "1h", "--until", "2h"],
        &["list", "--text", "..."],
        &["list", "--limit", "0"],
        &["list", "--limit", "3", "--all"],
        &["summary", "--verbose"],
        &["patterns", "--days", "0"],
        &["calibration", "--days", "soon"],
        &["compare", "last"],
    ] {
        let refused = home.run(arguments);
        assert_eq!((refused.code, refused.stdout.as_str()), (Some(2), ""), "{arguments:?}");
        assert!(refused.stderr.starts_with("error: "), "{refused:?}");
    }
    assert!(!home.join("whytrace.db").exists(), "nothing was opened");
}
