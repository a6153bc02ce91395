//! What many runs do: what goes with a principle's failing, and where one run leaves the way of the others.

use serde_json::{Value, json};

use super::home::{Home, ask_as};

/// Forty runs: those that take LinkedIn fail META-7, all of them but one; every other run passes.
async fn poisoned() -> Home {
    let home = Home::open();
    for n in 0..40 {
        let (source, score) = match n {
            3 => ("linkedin", 2.5),
            _ if n % 4 == 3 => ("LinkedIn", 0.5),
            _ if n % 4 == 1 => ("reddit", 2.5),
            _ => ("exa", 2.5),
        };
        let mut events = vec![decision("collection", "source_selection", source)];
        if n % 3 > 0 {
            events.push(decision("review", "check", "sources"));
        }
        events.push(decision("synthesis", "format", "table"));
        let finish = json!({"score": score, "principle_scores": {"META-7": score, "META-1": 2.5}});
        home.run(&format!("trc_{n:02}"), &json!({"intent": "choosing"}), &events, &finish).await;
    }
    home
}

fn decision(stage: &str, key: &str, what: &str) -> Value {
    json!({"kind": "decision", "stage": stage, "decision": key, "what": what, "why": "it did well before"})
}

#[tokio::test]
async fn a_poisoned_option_is_named_with_counts_that_can_be_checked() {
    let home = poisoned().await;
    let patterns = home.ask("principle_patterns", json!({})).await;
    insta::assert_snapshot!(patterns.text, @r#"
    Principles over 40 finished runs of the last 30 days
    - META-7: failed in 9 of 40 (22 %, 95 % interval 12 % to 38 %), new; last in trc_39 at 2026-02-13T15:09:00Z; by intent: choosing 9/40
      goes with: source_selection "linkedin" chosen in 9 of 9 failing and 1 of 31 other runs (31.0 times as often, p < 0.001)
    - META-1: failed in 0 of 40 (0 %, 95 % interval 0 % to 9 %), new; by intent: choosing 0/40
    What goes with failing is over the 40 judged runs; p by Fisher's exact test, corrected for 5 comparisons (Holm). It need not be the cause.
    "#);
    let found = &patterns.structured["patterns"][0]["stands_out"];
    assert_eq!(found[0]["choice"], "linkedin");
    assert_eq!((found[0]["failing_with"].as_i64(), found[0]["other_with"].as_i64()), (Some(9), Some(1)));
}

#[tokio::test]
async fn a_run_is_held_against_those_that_passed() {
    let home = poisoned().await;
    let compared = home.ask("trace_compare", json!({"trace_id_a": "passed", "trace_id_b": "trc_07"})).await;
    insta::assert_snapshot!(compared.text, @r#"
    trc_07, complete, quality 0.5 FAIL, against the 31 newest other runs of cobot that passed, with the same query
    It left the usual way at its decision 1: collection / source_selection: "LinkedIn" [dec_p1_33]
        1 of 31 chose this; usually "exa" (20 of 31)
    Its figures are within the group's 10th to 90th percentile
    "#);
    let departure = &compared.structured["departures"][0];
    assert_eq!((departure["number"].as_i64(), departure["made_by"].as_i64()), (Some(1), Some(31)));
}

#[tokio::test]
async fn too_few_runs_have_no_usual_way_and_a_run_by_that_name_comes_first() {
    let home = poisoned().await;
    let asked = json!({"trace_id_a": "passed:buying", "trace_id_b": "trc_07"});
    let compared = home.ask("trace_compare", asked).await;
    assert!(compared.text.contains("Too few to have a usual way"), "{}", compared.text);
    assert_eq!(compared.structured["next"]["tool"], "trace_diagnose");
    home.run("passed", &json!({}), &[decision("collection", "source_selection", "exa")], &json!({})).await;
    let compared = home.ask("trace_compare", json!({"trace_id_a": "passed", "trace_id_b": "trc_07"})).await;
    assert!(compared.text.starts_with("a = passed, "), "{}", compared.text);
}

#[tokio::test]
async fn a_group_is_of_the_projects_that_may_be_seen() {
    let home = poisoned().await;
    let context = home.seen_by(&["other"]);
    let asked = json!({"trace_id_a": "passed", "trace_id_b": "trc_07"});
    let error = ask_as(&context, "trace_compare", asked).await.unwrap_err();
    assert_eq!(error.code, "unknown_trace");
}
