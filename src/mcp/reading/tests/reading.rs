//! Questions to a store that holds runs.

use std::sync::Arc;

use serde_json::{Value, json};

use super::home::{Home, ask_as};
use crate::mcp::reading::TOOLS;
use crate::mcp::reading::budget::tokens;
use crate::mcp::reading::sheet::FLOOR;

/// Five runs: three of cobot (good, bad, broken), one of atlas, one still open.
pub(super) async fn stocked() -> Home {
    let home = Home::open();
    let decide = |id: &str, what: &str, confidence: f64| {
        json!({
            "kind": "decision", "stage": "collection", "decision": "source_selection", "decision_id": id, "what": what,
            "why": "recent and on topic", "confidence": confidence,
            "alternatives_considered": ["google (0.60)", {"option": "bing", "why_not": "no date filter"}],
        })
    };
    home.run(
        "trc_good",
        &json!({"intent": "validating", "domain": "robotics", "tags": ["nightly"]}),
        &[decide("d1", "exa", 0.9), json!({"kind": "evidence", "stage": "collection", "collected_count": 28, "passed_count": 18})],
        &json!({"score": 2.5, "principle_scores": {"META-1": 3, "META-12": 2}, "cost_usd": 0.32, "input_tokens": 45_000, "output_tokens": 3_800}),
    )
    .await;
    home.run(
        "trc_bad",
        &json!({"intent": "validating", "domain": "robotics", "query": "Which gripper is safe?"}),
        &[decide("d1", "reddit", 0.4)],
        &json!({"score": 1.2, "principle_scores": {"META-1": 3, "META-12": 1}, "cost_usd": 0.11}),
    )
    .await;
    home.run(
        "trc_broken",
        &json!({"intent": "exploring"}),
        &[
            decide("d1", "exa", 0.8),
            json!({"kind": "result", "decision_id": "d1", "error": "HTTP 429 from exa"}),
            json!({"kind": "stage_end", "stage": "synthesis", "error": "no sources left"}),
        ],
        &json!({"status": "failed", "error": "pipeline stopped: no sources left"}),
    )
    .await;
    home.run(
        "trc_atlas",
        &json!({"project": "atlas", "query": "\u{1b}[31mIgnore\u{202e} all"}),
        &[],
        &json!({"score": 2.9}),
    )
    .await;
    home.run("trc_open", &json!({"project": "atlas"}), &[], &Value::Null).await;
    home
}

fn ids(structured: &Value) -> Vec<&str> {
    structured["runs"].as_array().unwrap().iter().map(|run| run["trace_id"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn each_condition_of_a_list_restricts() {
    let home = stocked().await;
    for (conditions, expected) in [
        (json!({}), vec!["trc_open", "trc_atlas", "trc_broken", "trc_bad", "trc_good"]),
        (json!({"project": "atlas"}), vec!["trc_open", "trc_atlas"]),
        (json!({"intent": "validating", "sort": "oldest"}), vec!["trc_good", "trc_bad"]),
        (json!({"domain": "robotics", "limit": "1"}), vec!["trc_bad"]),
        (json!({"status": "failed"}), vec!["trc_broken"]),
        (json!({"gate": "passed", "sort": "score_high"}), vec!["trc_atlas", "trc_good"]),
        (json!({"gate": "failed"}), vec!["trc_bad"]),
        (json!({"gate": "unknown"}), vec!["trc_open", "trc_broken"]),
        (json!({"score_min": 1, "score_max": 2.6}), vec!["trc_bad", "trc_good"]),
        (json!({"since": "3m"}), vec!["trc_open", "trc_atlas"]),
        (json!({"until": "2026-02-13T14:31:00Z"}), vec!["trc_good"]),
        (json!({"gap": "META-12"}), vec!["trc_bad"]),
        (json!({"tag": "nightly", "report_type": ""}), vec!["trc_good"]),
        (json!({"flagged": true}), vec!["trc_bad"]),
        (json!({"text": "gripper saf*"}), vec!["trc_bad"]),
    ] {
        let answer = home.ask("trace_list", conditions.clone()).await;
        assert_eq!(ids(&answer.structured), expected, "{conditions}");
        for id in expected {
            assert!(answer.text.contains(id), "{conditions}: {}", answer.text);
        }
    }
}

#[tokio::test]
async fn stored_text_is_shown_without_what_nobody_sees() {
    let home = stocked().await;
    let answer = home.ask("trace_list", json!({"project": "atlas"})).await;
    assert_eq!(answer.structured["runs"][1]["query"], "Ignore all");
    assert!(answer.text.contains("\"Ignore all\""), "{}", answer.text);
}

#[tokio::test]
async fn pages_follow_each_other_without_gap_or_repetition() {
    let home = stocked().await;
    let all = ["trc_atlas", "trc_bad", "trc_broken", "trc_good", "trc_open"];
    for (mut arguments, expected) in [
        (json!({"limit": 2}), &all[..]),
        (json!({"limit": 2, "sort": "score_low"}), &all[..]),
        (json!({"max_tokens": 200}), &all[..]),
        (json!({"max_tokens": 350}), &all[..]),
        (json!({"limit": 1, "text": "which"}), &all[1..]),
    ] {
        let mut found: Vec<String> = Vec::new();
        let mut pages = 0;
        while arguments.is_object() {
            let answer = home.ask("trace_list", arguments).await;
            found.extend(ids(&answer.structured).iter().map(|id| (*id).to_owned()));
            arguments = answer.structured["next"]["arguments"].clone();
            let next = answer.text.lines().find_map(|line| line.strip_prefix("Next: trace_list "));
            let next: Value = next.map(|next| serde_json::from_str(next).unwrap()).unwrap_or_default();
            assert_eq!(next, arguments);
            pages += 1;
        }
        found.sort_unstable();
        assert_eq!(found, expected);
        assert!(pages > 1);
    }
}

#[tokio::test]
async fn the_cursor_of_another_question_is_refused_with_what_to_do() {
    let home = stocked().await;
    let page = home.ask("trace_list", json!({"limit": 1, "project": "cobot"})).await;
    let cursor = page.structured["next"]["arguments"]["cursor"].clone();
    for (arguments, word) in [
        (json!({"limit": 1, "cursor": cursor}), "other conditions"),
        (json!({"limit": 1, "cursor": cursor, "project": "cobot", "sort": "oldest"}), "another sort"),
        (json!({"cursor": "next please"}), "unchanged"),
        (json!({"cursor": "00000000ff"}), "unchanged"),
    ] {
        let error = home.try_ask("trace_list", arguments).await.unwrap_err();
        assert_eq!(error.code, "invalid_argument");
        assert!(format!("{} {}", error.message, error.hint).contains(word), "{error:?}");
    }
    let other_limit = json!({"limit": 2, "cursor": cursor, "project": "cobot"});
    assert_eq!(ids(&home.ask("trace_list", other_limit).await.structured), ["trc_bad", "trc_good"]);
}

#[tokio::test]
async fn what_cannot_be_meant_is_refused() {
    let home = Home::open();
    for (arguments, field) in [
        (json!({"since": "yesterday"}), "since"),
        (json!({"since": "1h", "until": "2h"}), "since"),
        (json!({"score_min": 2, "score_max": 1}), "score_min"),
        (json!({"text": "?!"}), "text"),
        (json!({"status": "done"}), "status"),
        (json!({"projct": "x"}), "projct"),
        (json!({"project": "x".repeat(200)}), "project"),
    ] {
        let error = home.try_ask("trace_list", arguments.clone()).await.unwrap_err();
        assert!(error.message.starts_with(field), "{arguments}: {}", error.message);
    }
    let error = home.try_ask("trace_summary", json!({"trace_id": "last", "project": "x"})).await.unwrap_err();
    assert!(error.hint.contains("trace_id alone"), "{error:?}");
    let error = home.try_ask("principle_patterns", json!({"days": "soon"})).await.unwrap_err();
    assert!(error.hint.contains("\"all\""), "{error:?}");
}

#[tokio::test]
async fn an_empty_answer_explains_itself() {
    let home = stocked().await;
    for tool in ["trace_list", "trace_summary", "principle_patterns", "confidence_calibration"] {
        let answer = home.ask(tool, json!({"project": "cobott"})).await;
        assert_eq!(answer.structured["without_filter"]["runs"], 5, "{tool}");
        assert_eq!(
            answer.structured["values"][0],
            json!({"field": "project", "runs": {"cobot": 3, "atlas": 2}}),
            "{tool}"
        );
        assert!(answer.text.contains("project: cobot (3), atlas (2)"), "{tool}: {}", answer.text);
    }
    let answer = home.ask("calibration_flags", json!({"project": "atlas"})).await;
    assert_eq!(answer.structured["flags"], json!([]));
    assert!(answer.text.contains("project: cobot (1)"), "{}", answer.text);
    let answer = Home::open().ask("trace_list", json!({})).await;
    assert!(answer.text.contains("No runs are recorded yet"), "{}", answer.text);
}

#[tokio::test]
async fn a_summary_adds_up_and_groups() {
    let home = stocked().await;
    let answer = home.ask("trace_summary", json!({"group_by": "project"})).await;
    assert_eq!(answer.structured["runs"], 5);
    assert_eq!(answer.structured["summary"]["by_status"]["failed"], 1);
    assert_eq!(answer.structured["groups"][0]["group"], "cobot");
    assert_eq!(answer.structured["groups"][0]["summary"]["runs"], 3);
    assert!(answer.text.contains("- cobot: 3 runs (2 complete, 1 failed)"), "{}", answer.text);
}

#[tokio::test]
async fn the_scorecard_of_a_run_is_text_and_data() {
    let home = stocked().await;
    let answer = home.ask("trace_summary", json!({"trace_id": "trc_go"})).await;
    assert!(answer.text.contains("Quality: 2.5/3.0  PASS"), "{}", answer.text);
    assert_eq!(answer.structured["scorecard"]["score"], 2.5);
    assert_eq!(answer.structured["scorecard"]["evidence_collected"], 28);
    let answer = home
        .ask("trace_summary", json!({"trace_id": "last-failed", "verbose": true, "max_tokens": 300}))
        .await;
    assert_eq!(answer.structured["trace_id"], "trc_broken");
    assert!(answer.structured["cut"].is_object());
    assert!(answer.text.contains("Next: trace_full {\"trace_id\":\"trc_broken\"}"), "{}", answer.text);
}

#[tokio::test]
async fn a_comparison_puts_what_differs_first() {
    let home = stocked().await;
    let arguments = json!({"trace_id_a": "trc_good", "trace_id_b": "trc_bad"});
    let answer = home.ask("trace_compare", arguments).await;
    assert_eq!(answer.structured["quality"]["delta"], json!(-1.3));
    assert_eq!(answer.structured["first_divergence"]["decision"], "source_selection");
    assert_eq!(answer.structured["decisions"][0]["kind"], "changed");
    assert!(answer.text.contains("First divergence"), "{}", answer.text);
    let same = json!({"trace_id_a": "trc_good", "trace_id_b": "trc_good"});
    let answer = home.ask("trace_compare", same).await;
    assert_eq!((&answer.structured["decisions"], &answer.structured["same"]), (&json!([]), &json!(1)));
    let same = json!({"trace_id_a": "trc_good", "trace_id_b": "trc_good", "include_same": true});
    assert_eq!(home.ask("trace_compare", same).await.structured["decisions"][0]["kind"], "same");
}

#[tokio::test]
async fn patterns_count_the_runs_of_the_window() {
    let home = stocked().await;
    let answer = home.ask("principle_patterns", json!({"min_runs": 2, "days": 7})).await;
    assert_eq!(answer.structured["finished_runs"], 4);
    let first = &answer.structured["patterns"][0];
    assert_eq!(
        (first["principle"].as_str(), first["gap_runs"].as_i64(), first["runs"].as_i64()),
        (Some("META-12"), Some(1), Some(2))
    );
    assert!(answer.text.contains("- META-12: failed in 1 of 2 (50 %"), "{}", answer.text);
    let answer = home.ask("principle_patterns", json!({"days": "all"})).await;
    assert_eq!(answer.structured["left_out_by_min_runs"], 2);
}

#[tokio::test]
async fn a_flag_comes_with_its_numbers_and_the_call_that_reviews_it() {
    let home = stocked().await;
    let answer = home.ask("calibration_flags", json!({"state": "all"})).await;
    let flag = &answer.structured["flags"][0];
    assert_eq!(
        (flag["kind"].as_str(), flag["state"].as_str()),
        (Some("quality_gate_regression"), Some("open"))
    );
    assert_eq!(flag["review"]["tool"], "trace_review");
    assert_eq!(flag["review"]["arguments"]["flag_id"], flag["flag_id"]);
    assert!(answer.text.contains("review: trace_review {\"flag_id\":"), "{}", answer.text);
    let answer = home.ask("calibration_flags", json!({"state": "resolved"})).await;
    assert_eq!(answer.structured["values"][0], json!({"field": "state", "flags": {"open": 1}}));
}

#[tokio::test]
async fn what_broke_stands_first_and_an_edited_document_says_so() {
    let home = stocked().await;
    let answer = home.ask("trace_full", json!({"trace_id": "trc_broken"})).await;
    assert_eq!(answer.structured["failures"].as_array().unwrap().len(), 2);
    let place = |what: &str| answer.text.find(what).unwrap_or_else(|| panic!("{what}: {}", answer.text));
    assert!(place("pipeline stopped") < place("HTTP 429") && place("HTTP 429") < place("Query:"));

    home.context.intake.recorder().close().await;
    let path = home.document("cobot", "trc_broken");
    let edited = std::fs::read_to_string(&path).unwrap().replace("pipeline stopped", "pipeline broke");
    std::fs::write(&path, edited).unwrap();
    let answer = home.ask("trace_full", json!({"trace_id": "trc_broken"})).await;
    assert!(answer.text.contains("was edited"), "{}", answer.text);
}

#[tokio::test]
async fn a_run_is_read_by_parts() {
    let home = stocked().await;
    let of = |more: Value| {
        let mut arguments = json!({"trace_id": "trc_good"});
        arguments.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        arguments
    };
    let answer = home.ask("trace_full", of(json!({"decision_id": "d1"}))).await;
    assert_eq!(answer.structured["decisions"][0]["alternatives_considered"][1]["why_not"], "no date filter");
    let answer = home.ask("trace_full", of(json!({"section": "evidence"}))).await;
    assert_eq!(answer.structured["evidence"][0]["collected"], 28);
    assert!(answer.structured.get("decisions").is_none());
    let answer = home.ask("trace_full", of(json!({"stage": "collection", "format": "json"}))).await;
    assert_eq!(
        answer.structured["decisions"][0]["alternatives_considered"][0],
        json!({"option": "google", "score": 0.6})
    );
    let error = home.try_ask("trace_full", of(json!({"stage": "colection"}))).await.unwrap_err();
    assert!(error.message.contains("the stages of this run (collection)"), "{}", error.message);
    let error = home.try_ask("trace_full", of(json!({"decision_id": "d9"}))).await.unwrap_err();
    assert_eq!(error.code, "unknown_decision");
    assert!(error.message.contains("its decisions: d1"), "{}", error.message);
    for section in
        ["run", "stages", "decisions", "prompts", "quality", "cost", "iterations", "outputs", "calibration"]
    {
        let answer = home.ask("trace_full", of(json!({"section": section}))).await;
        assert!(answer.text.lines().count() > 1, "{section}: {}", answer.text);
    }
}

#[tokio::test]
async fn nobody_sees_what_is_out_of_scope() {
    let home = stocked().await;
    let context = home.seen_by(&["atlas"]);
    let answer = ask_as(&context, "trace_list", json!({})).await.unwrap();
    assert_eq!(ids(&answer.structured), ["trc_open", "trc_atlas"]);
    assert_eq!(
        ask_as(&context, "trace_list", json!({"project": "cobot"})).await.unwrap().structured["without_filter"]
            ["runs"],
        2
    );
    assert_eq!(ask_as(&context, "trace_summary", json!({})).await.unwrap().structured["runs"], 2);
    assert_eq!(
        ask_as(&context, "calibration_flags", json!({"state": "all"})).await.unwrap().structured["total"],
        0
    );
    for (tool, arguments) in [
        ("trace_full", json!({"trace_id": "trc_good"})),
        ("trace_summary", json!({"trace_id": "trc_good"})),
        ("trace_compare", json!({"trace_id_a": "trc_atlas", "trace_id_b": "trc_good"})),
    ] {
        assert_eq!(ask_as(&context, tool, arguments).await.unwrap_err().code, "unknown_trace", "{tool}");
    }
}

#[tokio::test]
async fn without_the_database_single_runs_are_read_and_lists_name_how() {
    let home = Home::without_database();
    home.run("trc_alone", &json!({}), &[], &json!({"score": 2.5})).await;
    for tool in
        ["trace_list", "trace_summary", "principle_patterns", "calibration_flags", "confidence_calibration"]
    {
        let error = home.try_ask(tool, json!({})).await.unwrap_err();
        assert_eq!((error.code, error.retryable), ("unavailable", true), "{tool}");
        assert!(
            error.hint.contains("call trace_full {\"trace_id\":\"trc_alone\"}"),
            "{tool}: {}",
            error.hint
        );
    }
    let answer = home.ask("trace_full", json!({"trace_id": "trc_alone"})).await;
    assert!(answer.text.contains("Note: the database is away"), "{}", answer.text);
    assert_eq!(answer.structured["quality"]["score"], 2.5);
}

#[tokio::test]
async fn even_names_as_long_as_they_may_be_leave_an_answer_small() {
    let home = Home::open();
    let long = |c: char| c.to_string().repeat(128 / c.len_utf8());
    let (id, stage) = (long('i'), long('\u{1f680}'));
    let decision = |place: char| {
        json!({
            "kind": "decision", "stage": stage, "decision": long('k'), "decision_id": long(place), "what": "w",
            "why": "y",
        })
    };
    let start = json!({
        "project": long('p'), "intent": long('t'), "domain": long('d'), "tags": [long('g')], "query": "word ".repeat(90),
    });
    home.run(&id, &start, &[decision('a'), decision('b')], &json!({"score": 1})).await;
    home.run(&long('j'), &start, &[], &json!({"score": 1})).await;
    let filter = json!({
        "project": long('p'), "intent": long('t'), "domain": long('d'), "tag": long('g'), "text": "word ".repeat(90),
        "max_tokens": 200, "limit": 1,
    });
    for (tool, arguments) in [
        ("trace_list", filter),
        ("trace_full", json!({"trace_id": id, "max_tokens": 200})),
        ("trace_full", json!({"trace_id": id, "max_tokens": 200, "stage": stage, "section": "decisions"})),
        ("trace_full", json!({"trace_id": id, "max_tokens": 200, "decision_id": long('a')})),
        ("trace_compare", json!({"trace_id_a": id, "trace_id_b": long('j'), "max_tokens": 200})),
        ("trace_summary", json!({"trace_id": id, "max_tokens": 200})),
    ] {
        let found = TOOLS.iter().find(|one| one.name == tool).unwrap();
        let answer = (found.call)(Arc::new(home.context.clone()), arguments.clone()).await.unwrap();
        assert!(tokens(&answer) <= FLOOR, "{}: {tool} {arguments}", tokens(&answer));
    }
}
