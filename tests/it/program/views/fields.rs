//! The JSON of the views: `docs/terminal.md` names every field that comes out, and no other.

use std::collections::BTreeSet;
use std::fs;

use serde_json::{Value, json};

use super::{BAD, GOOD, history, home_with};
use crate::support::program::Home;

/// The paths of the fields under a heading of the page, and whether what lies below a path is the user's.
fn documented(command: &str) -> BTreeSet<String> {
    let page = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/terminal.md")).unwrap();
    let section =
        page.split("\n### ").find(|section| section.starts_with(&format!("`whytrace {command} --json`")));
    let blocks = section.unwrap().split("```fields\n").skip(1);
    let lines = blocks.flat_map(|block| block.split("```").next().unwrap().lines());
    lines.flat_map(paths_of).collect()
}

/// The paths that a line of the page names: `a.{b, c[]}` are `a.b` and `a.c[]`.
fn paths_of(line: &str) -> Vec<String> {
    let Some((head, tail)) = line.split_once(".{") else {
        return vec![line.split_whitespace().next().unwrap().to_owned()];
    };
    let end = tail.rfind("}  ").or_else(|| tail.rfind('}')).unwrap();
    let inside = tail[..end].split(", ");
    inside.map(|field| format!("{head}.{field}")).collect()
}

/// The paths of a value, down to those that are not looked into.
fn paths(value: &Value, path: &str, known: &BTreeSet<String>, found: &mut BTreeSet<String>) {
    let free = format!("{path}{{}}");
    match value {
        _ if known.contains(&free) => drop(found.insert(free)),
        Value::Object(fields) => {
            for (name, value) in fields {
                let separator = if path.is_empty() { "" } else { "." };
                paths(value, &format!("{path}{separator}{name}"), known, found);
            }
        }
        Value::Array(items) => {
            for item in items {
                paths(item, &format!("{path}[]"), known, found);
            }
        }
        // What is null may be an object or an array elsewhere.
        Value::Null => {
            let prefix = format!("{path}.");
            if !known.iter().any(|known| known.starts_with(&prefix)) {
                found.insert(path.to_owned());
            }
        }
        _ => drop(found.insert(path.to_owned())),
    }
}

/// Two runs in which everything differs that can.
fn a_pair() -> [Value; 2] {
    let mut good = history().swap_remove(0);
    good["trace_id"] = json!("pair-good");
    good["run"]["agent"] = json!({"name": "scout"});
    good["quality"]["gap_principles"] = json!(["META-1", "META-2"]);
    good["quality"]["principle_scores"][0]["feedback"] = json!("two claims have no source");
    good["stages"]["collection"]["error"] = json!("one source was down");
    let mut bad = good.clone();
    bad["trace_id"] = json!("pair-bad");
    bad["run"]["error"] = json!("cut off");
    bad["run"]["status"] = json!("failed");
    good["run"]["error"] = json!("a warning at the end");
    bad["quality"]["gap_principles"] = json!(["META-1", "META-3"]);
    bad["stages"]["synthesis"] = json!({"duration_seconds": 3.0, "error": "too long"});
    let at = &good["run"]["started_at"].clone();
    let decision = |id: &str, key: &str, what: &str, confidence: f64, others: Value, error: Value| {
        json!({"decision_id": id, "decision": key, "what": what, "why": "because", "confidence": confidence,
            "alternatives_considered": others, "timestamp": at, "error": error, "result": "three pages"})
    };
    good["stages"]["collection"]["decisions"] = json!([
        decision("d1", "first", "x", 0.5, json!(["p"]), json!("broke")),
        decision("d2", "second", "y", 0.5, json!(["z", "q"]), json!(null)),
        decision("d3", "third", "v", 0.5, json!([]), json!(null)),
        decision("d4", "fourth", "w", 0.5, json!([]), json!(null)),
    ]);
    bad["stages"]["collection"]["decisions"] = json!([
        decision("d4", "fourth", "w", 0.5, json!([]), json!(null)),
        decision("d1", "first", "x", 0.9, json!(["r"]), json!(null)),
        decision("d2", "second", "z", 0.5, json!(["y"]), json!("broke too")),
    ]);
    [good, bad]
}

/// A run that went well and two of the same question that did not: one acted otherwise, one chose otherwise.
pub(super) fn two_ways_to_fail() -> Vec<Value> {
    let step = |id: &str, second: u32, key: &str, what: &str, inputs: Value, result: Value| {
        json!({"decision_id": id, "decision": key, "what": what, "why": "asked for", "inputs": inputs, "result": result,
            "timestamp": format!("2026-01-05T10:00:{second:02}Z")})
    };
    let run = |id: &str, passed: bool, stages: Value| {
        json!({"schema_version": 2, "trace_id": id, "project_name": "desk",
            "run": {"query": "a seat to Seattle", "intent": "booking", "started_at": "2026-01-05T10:00:00Z",
                "completed_at": "2026-01-05T10:01:00Z", "duration_seconds": if passed { 20.0 } else { 60.0 },
                "status": "complete", "error": if passed { Value::Null } else { json!("the desk gave up") }},
            "stages": stages,
            "quality": {"score": if passed { 1.0 } else { 0.0 }, "scale_max": 1.0, "threshold": 0.5, "passed": passed,
                "gap_principles": if passed { json!([]) } else { json!(["BUDGET"]) }},
            "cost": {"cost_usd": if passed { 0.02 } else { 0.09 }}})
    };
    let seat = |cabin: &str, row: u32| json!({"cabin": cabin, "row": row, "bags": row, "meal": cabin});
    let found =
        |id, second| step(id, second, "search_flights", "search", json!({"to": "SEA"}), json!(["HAT136"]));
    let source = |what| step("d0", 0, "source", what, Value::Null, Value::Null);
    let act = |key: &str, second| step(key, second, key, "by mail", json!({"to": key}), json!("sent"));
    let good = run(
        "way-good",
        true,
        json!({
            "lookup": {"decisions": [source("desk"), found("d1", 1)]},
            "act": {"decisions": [step("d2", 2, "book_seat", "window", seat("economy", 1), json!("booked"))]},
            "closing": {"decisions": [act("send_receipt", 3), act("send_survey", 4), act("post_note", 5), act("call_back", 6)]},
        }),
    );
    let bad = run(
        "way-bad",
        false,
        json!({
            "lookup": {"decisions": [source("desk"), found("d1", 1)],
                "entries": [{"started_at": "2026-01-05T10:00:00Z", "completed_at": "2026-01-05T10:00:01Z"},
                    {"started_at": "2026-01-05T10:00:02Z", "completed_at": "2026-01-05T10:00:03Z"}]},
            "act": {"decisions": [step("d2", 2, "book_seat", "aisle", seat("business", 9), json!("Error: no such row"))],
                "started_at": "2026-01-05T10:00:02Z", "duration_seconds": 58.0},
            "apology": {"error": "budget exceeded", "decisions": [step("d3", 3, "think", "sorry", Value::Null, json!("Error: no words"))]},
        }),
    );
    let other =
        run("way-other", false, json!({"lookup": {"decisions": [source("brochure"), found("d1", 1)]}}));
    vec![good, bad, other]
}

/// Two runs of tool calls and of what is said between them.
fn calls() -> [Value; 2] {
    let mut good = history().swap_remove(0);
    good["trace_id"] = json!("calls-good");
    let mut bad = good.clone();
    bad["trace_id"] = json!("calls-bad");
    let at = good["run"]["started_at"].clone();
    let say =
        |id: &str, what: &str| json!({"decision_id": id, "decision": "say", "what": what, "timestamp": at});
    let call = |id: &str, tool: &str, inputs: Value| {
        json!({"decision_id": id, "decision": tool, "what": tool, "why": "to know it", "inputs": inputs,
            "confidence": 0.9, "timestamp": at})
    };
    good["stages"] = json!({"collection": {"decisions": [
        say("d1", "I will look for the day that you asked for."),
        call("d2", "find", json!({"day": 1, "from": "JFK"})),
        call("d3", "close", json!({"file": 1})),
    ]}});
    bad["stages"] = json!({"gathering": {"decisions": [
        say("d1", "Let me see what there is on that day."),
        call("d2", "find", json!({"day": 2, "to": "SEA"})),
        call("d3", "poll", json!({"job": 1})),
        call("d4", "poll", json!({"job": 1})),
        call("d5", "poll", json!({"job": 1})),
        call("d6", "close", json!({"file": 1})),
        say("d7", "Now I have seen all that there is."),
        say("d8", "There is nothing more that I could do."),
        say("d9", "Is there anything else that you would like?"),
    ]}});
    let google = json!({"decision_id": "d0", "decision": "source_selection", "what": "google", "why": "-",
        "timestamp": at});
    good["stages"]["sources"] = json!({"decisions": [google]});
    bad["stages"]["sources"] = good["stages"]["sources"].clone();
    [good, bad]
}

fn all_fields(home: &Home, command: &str, calls: &[&[&str]]) {
    let known = documented(command);
    let mut found = BTreeSet::new();
    for arguments in calls {
        let words: Vec<&str> =
            command.split(' ').chain(["--json"]).chain(arguments.iter().copied()).collect();
        let said = home.run(words).worked().json();
        paths(&said, "", &known, &mut found);
    }
    assert_eq!(found, known, "what comes out of whytrace {command} --json, and what docs/terminal.md says");
}

#[test]
fn the_page_about_the_terminal_names_the_fields_of_every_view() {
    let home = home_with(&[history(), a_pair().to_vec(), calls().to_vec()].concat());
    all_fields(&home, "list", &[&[], &["--limit", "3"], &["--project", "nobody"]]);
    all_fields(
        &home,
        "summary",
        &[&["--group-by", "intent"], &["--project", "nobody"], &["pair-bad", "--verbose"], &[BAD]],
    );
    let pair = ["pair-good", "pair-bad"];
    let ways = home_with(&two_ways_to_fail());
    all_fields(&ways, "diagnose", &[&["way-bad"], &["way-other", "--against", "way-good"]]);
    let compared: [&[&str]; 8] = [
        &pair,
        &["pair-bad", "pair-good"],
        &[GOOD, BAD, "--same"],
        &["calls-good", "calls-bad"],
        &["calls-bad", "calls-good"],
        &["passed", "calls-bad"],
        &["passed:validating", BAD],
        &["passed:exploring", "pair-bad"],
    ];
    all_fields(&home, "compare", &compared);
    all_fields(&home, "frontmatter", &[&[GOOD]]);
    all_fields(&home, "patterns", &[&["--days", "20000", "--min-runs", "1"], &["--project", "nobody"]]);
    let searches: [&[&str]; 7] = [
        &["linkedin"],
        &["pages"],
        &["--decision", "second"],
        &["--decision", "source_selection"],
        &["--limit", "1", "recent"],
        &["--project", "nobody"],
        &["--option", "z"],
    ];
    let of_many_intents: &[&str] = &["--option", "linkedin"];
    all_fields(&home, "search", &[&searches[..], &[of_many_intents]].concat());

    let by_agent = ["--by", "agent", "--min-n", "1", "--days", "20000"];
    all_fields(&home, "calibration", &[&by_agent, &["--project", "nobody"]]);

    let flags = home.run(["flags", "--json"]).worked().json();
    let ids: Vec<&str> =
        flags["flags"].as_array().unwrap().iter().map(|flag| flag["flag_id"].as_str().unwrap()).collect();
    home.run(["flags", "snooze", ids[0]]).worked();
    home.run(["flags", "resolve", ids[1]]).worked();
    all_fields(&home, "flags", &[&["--state", "all"], &["--project", "nobody"]]);

    let scopes = ["--name", "ci", "--scopes", "trace:read"];
    all_fields(&home, "token new", &[&scopes, &[&scopes[..], &["--projects", "cobot"]].concat()]);
    all_fields(&home, "token list", &[&[]]);

    let backup = home.join("backup").display().to_string();
    let restored = Home::new();
    let top = |home: &Home, command: &str, arguments: &[&str]| {
        let said = home.run([&[command, "--json"], arguments].concat()).worked().json();
        let found: BTreeSet<String> = said.as_object().unwrap().keys().cloned().collect();
        let known = documented(command).iter().map(|field| field.trim_end_matches("[]").to_owned()).collect();
        assert_eq!(
            found, known,
            "what comes out of whytrace {command} --json, and what docs/terminal.md says"
        );
    };
    top(&home, "backup", &[&backup]);
    top(&restored, "restore", &[&backup]);
    top(&home, "redact", &[GOOD, "recent and specific", "--yes"]);
    top(&home, "prune", &["--older-than", "2026-02-02", "--yes"]);
    top(&home, "delete", &[GOOD, "--yes"]);
}
