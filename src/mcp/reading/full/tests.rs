//! Runs that are built for the purpose, read whole and by parts.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::budget::{budget, tokens};
use super::super::tests::home::check;
use super::{FullRequest, TOOL};
use crate::gate::request::parse;
use crate::mcp::tool::Answer;
use crate::model::{QualityRules, document};
use crate::store::LoadedTrace;

fn loaded(document: Value) -> LoadedTrace {
    let trace = document::from_value(document, &QualityRules::default()).unwrap().trace;
    LoadedTrace { trace, edited: false, database_away: None }
}

fn ask(run: &LoadedTrace, arguments: &Value) -> Answer {
    let request: FullRequest = parse(arguments.clone()).unwrap();
    let answer = request.answer(run).unwrap();
    check(TOOL.name, &answer, arguments["max_tokens"].as_i64());
    answer
}

/// A run of `decisions` decisions in two stages, with texts of this kind.
pub(in crate::mcp::reading) fn run(decisions: usize, text: &str, items: usize) -> LoadedTrace {
    let one = |place: usize| {
        json!({
            "decision_id": format!("dec_p1_{place}"), "decision": "source_selection", "what": text, "why": text,
            "confidence": 0.9, "alternatives_considered": [{"option": "google", "score": 0.6, "why_not": text}],
            "inputs": {"text": text}, "result": text, "timestamp": "2026-02-13T14:30:23Z",
            "error": if place.is_multiple_of(7) { Value::from(text) } else { Value::Null },
        })
    };
    let items: Vec<Value> = (0..items).map(|place| json!({"id": place, "text": text})).collect();
    loaded(json!({
        "schema_version": 2, "trace_id": "trc_20260213_143022_a1b2c3d4", "project_name": "cobot",
        "run": {"query": text, "intent": text.chars().take(40).collect::<String>(), "tags": [text],
                "metadata": {"text": text}, "started_at": "2026-02-13T14:30:22Z", "status": "failed", "error": text},
        "stages": {
            "collection": {
                "decisions": (0..decisions / 2).map(one).collect::<Vec<_>>(),
                "evidence": {"collected_count": 3, "by_source": {"exa": 3}, "kept": items, "filtered_out": items},
                "prompts": items.iter().map(|_| json!({"model": "m", "user_message": text, "response": text})).collect::<Vec<_>>(),
                "outputs": {"text": text},
            },
            "synthesis": {"decisions": (decisions / 2..decisions).map(one).collect::<Vec<_>>(), "error": text},
        },
        "quality": {"score": 1.2, "principle_scores": items.iter().enumerate().map(|(place, _)| {
            json!({"id": format!("META-{place}"), "score": 1, "feedback": text})
        }).collect::<Vec<_>>()},
        "iterations": items.iter().map(|_| json!({"passed": false, "changes": text})).collect::<Vec<_>>(),
        "calibration": {"flagged_for_review": true, "review_notes": text},
    }))
}

const SECTIONS: [&str; 10] = [
    "run",
    "stages",
    "decisions",
    "evidence",
    "prompts",
    "quality",
    "cost",
    "iterations",
    "outputs",
    "calibration",
];

fn arguments() -> impl Strategy<Value = Value> {
    (
        prop::option::of(prop::sample::select(SECTIONS.to_vec())),
        prop::option::of(prop::sample::select(vec!["concise", "detailed", "json"])),
        prop::option::of(prop::sample::select(vec!["collection", "synthesis"])),
        prop::option::of(prop::sample::select(vec!["dec_p1_0", "dec_p1_1"])),
        prop::option::of(0..40_i64),
        prop_oneof![300..600_i64, 300..20_000_i64],
    )
        .prop_map(|(section, format, stage, decision, offset, max_tokens)| {
            json!({
                "trace_id": "last", "section": section, "format": format, "stage": stage, "decision_id": decision,
                "offset": offset, "max_tokens": max_tokens,
            })
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_run_of_any_size_is_read_within_the_budget(
        decisions in 2..60_usize,
        items in 0..30_usize,
        text in prop_oneof!["\\PC{0,80}", "[ \"a-z\n]{0,3000}", "[\u{e9}\u{6771}\u{1f680}]{0,900}", any::<String>()],
        arguments in arguments(),
    ) {
        let answer = ask(&run(decisions, &text, items), &arguments);
        let most = budget(arguments["max_tokens"].as_i64());
        prop_assert!(tokens(&answer) <= most, "{} of {most}: {arguments}", tokens(&answer));
        let shown = answer.structured["decisions"].as_array().map(Vec::len);
        if let (Some(shown), Some(total)) = (shown, answer.structured["decisions_total"].as_u64()) {
            let is_told_by_name = answer.structured["cut"]["parts"].is_null();
            let cut = answer.structured["cut"]["decisions"].as_u64().unwrap_or(0);
            let skipped = answer.structured["offset"].as_u64().unwrap_or(0).min(total);
            prop_assert!(!is_told_by_name || shown as u64 + cut + skipped == total);
        }
    }
}

#[test]
fn whoever_follows_the_next_call_sees_every_decision() {
    let run = run(40, &"why and how ".repeat(40), 3);
    for first in [
        json!({"trace_id": "last", "max_tokens": 900}),
        json!({"trace_id": "last", "max_tokens": 300, "section": "decisions"}),
        json!({"trace_id": "last", "max_tokens": 3_000, "section": "decisions", "format": "detailed"}),
    ] {
        let mut seen: Vec<String> = Vec::new();
        let mut arguments = first;
        for _ in 0..60 {
            let answer = ask(&run, &arguments);
            let ids = answer.structured["decisions"].as_array().into_iter().flatten();
            seen.extend(ids.map(|one| one["decision_id"].as_str().unwrap().to_owned()));
            arguments = answer.structured["next"]["arguments"].clone();
            if arguments["section"] != "decisions" {
                break;
            }
        }
        // One that had no room was shown again.
        seen.dedup();
        let expected: Vec<String> = (0..40).map(|place| format!("dec_p1_{place}")).collect();
        assert_eq!(seen, expected);
    }
}

#[test]
fn a_long_decision_is_shown_as_whole_as_the_budget_allows() {
    let run = run(2, &"x".repeat(3_000), 0);
    let small = ask(&run, &json!({"trace_id": "last", "decision_id": "dec_p1_1", "max_tokens": 1_000}));
    assert!(small.structured["decisions"][0]["why"].as_str().unwrap().contains("…[+"));
    assert_eq!(small.structured["next"]["arguments"]["max_tokens"], 20_000);
    let large = ask(&run, &small.structured["next"]["arguments"]);
    assert_eq!(large.structured["decisions"][0]["why"].as_str().unwrap().len(), 3_000);
    assert!(large.structured.get("next").is_none());
}

#[test]
fn a_concise_run() {
    let document = json!({
        "schema_version": 2, "trace_id": "trc_20260213_143022_a1b2c3d4", "project_name": "cobot",
        "parent_trace_id": "trc_parent", "child_traces": ["trc_child"],
        "run": {"query": "Which arm lifts 10 kg?", "intent": "validating", "started_at": "2026-02-13T14:30:22Z",
                "completed_at": "2026-02-13T14:34:44Z", "duration_seconds": 262.0, "status": "failed",
                "error": "stopped:\n\u{1b}[31mno sources", "agent": {"name": "scout", "model": "m-1"}},
        "stages": {"collection": {
            "started_at": "2026-02-13T14:30:22Z", "completed_at": "2026-02-13T14:31:08Z", "duration_seconds": 45.8,
            "decisions": [{"decision_id": "dec_p1_1", "decision": "source_selection", "what": "exa (primary), reddit",
                "why": "recent and \"on topic\"", "confidence": 0.9, "timestamp": "2026-02-13T14:30:30Z",
                "alternatives_considered": [{"option": "google", "score": 0.6, "why_not": "stale"}, "bing"],
                "error": "HTTP 429", "outcome": {"correct": false, "note": "rate limited"}}],
            "evidence": {"collected_count": 28, "passed_count": 18, "by_source": {"exa": 22, "reddit": 6}},
            "prompts": [{"model": "m-1", "response": "..."}], "error": "gave up"}},
        "quality": {"score": 1.2, "principle_scores": [{"id": "META-12", "score": 1}, {"id": "META-1", "score": 3}]},
        "cost": {"input_tokens": 45_000, "output_tokens": 3_800, "cost_usd": 0.32, "model": "m-1"},
        "iterations": [{"passed": false, "score": 1.2, "gap_principles": ["META-12"], "changes": "other sources"}],
        "calibration": {"flagged_for_review": true, "flags": [
            {"kind": "quality_gate_regression", "subject": "cobot", "message": "Project cobot failed the gate"}]},
    });
    let answer = ask(&loaded(document), &json!({"trace_id": "last"}));
    insta::assert_snapshot!(answer.text, @r#"
    Trace trc_20260213_143022_a1b2c3d4, failed, gate FAIL, score 1.2/3.0
    Project: cobot
    Error: "stopped: no sources"
    Part of run trc_parent
    Parts (1): trc_child
    What broke:
    - stage collection: "gave up"
    - decision collection / source_selection [dec_p1_1]: "HTTP 429"
    Query: "Which arm lifts 10 kg?"
    Started 2026-02-13T14:30:22Z, ended 2026-02-13T14:34:44Z, took 4m 22s
    Of intent validating, agent scout, model m-1
    Quality: FAIL, 1.2/3.0, threshold 2.0, gaps META-12, strengths META-1
    Cost: $0.32, 45,000 tokens in, 3,800 tokens out, model m-1
    Calibration: flagged for review
    - quality_gate_regression: Project cobot failed the gate
    Stages (1):
    - collection: 45.8s, 1 decision, 1 prompt (section prompts), failed: "gave up"
    Iterations (1, 1 failed the gate):
    - 1. FAIL, 1.2, gaps META-12, changed "other sources"
    Evidence:
    - collection: 28 collected, 18 kept, from exa 22, reddit 6
    Decisions (1):
    - collection / source_selection: "exa (primary), reddit" (0.90) [dec_p1_1]
      why: "recent and 'on topic'"
      not taken: google (0.6), bing
      error: "HTTP 429"
      outcome: wrong, "rate limited"
    "#);
    insta::assert_snapshot!(answer.structured.to_string(), @r#"{"trace_id":"trc_20260213_143022_a1b2c3d4","status":"failed","gate":"failed","project":"cobot","error":"stopped: no sources","parent_trace_id":"trc_parent","child_traces":["trc_child"],"child_traces_total":1,"failures":[{"stage":"collection","error":"gave up"},{"stage":"collection","decision_id":"dec_p1_1","decision":"source_selection","error":"HTTP 429"}],"run":{"query":"Which arm lifts 10 kg?","intent":"validating","agent":"scout","agent_model":"m-1","started_at":"2026-02-13T14:30:22Z","completed_at":"2026-02-13T14:34:44Z","duration_seconds":262.0},"quality":{"score":1.2,"scale_max":3.0,"threshold":2.0,"passed":false,"gaps":["META-12"],"strengths":["META-1"]},"cost":{"cost_usd":0.32,"input_tokens":45000,"output_tokens":3800,"model":"m-1"},"calibration":{"flagged_for_review":true},"flags":[{"kind":"quality_gate_regression","subject":"cobot","message":"Project cobot failed the gate"}],"stages":[{"stage":"collection","started_at":"2026-02-13T14:30:22Z","completed_at":"2026-02-13T14:31:08Z","duration_seconds":45.8,"decisions":1,"prompts":1,"error":"gave up"}],"iterations":[{"iteration":1,"passed":false,"score":1.2,"gaps":["META-12"],"changes":"other sources"}],"evidence":[{"stage":"collection","collected":28,"kept":18,"by_source":{"exa":22,"reddit":6}}],"decisions_total":1,"decisions":[{"decision_id":"dec_p1_1","stage":"collection","decision":"source_selection","what":"exa (primary), reddit","why":"recent and \"on topic\"","confidence":0.9,"alternatives_considered":["google (0.6)","bing"],"error":"HTTP 429","outcome":{"correct":false,"note":"rate limited"}}]}"#);
}
