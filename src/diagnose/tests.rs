//! What a diagnosis promises: each rule by a run in which it fires, and one in which it does not.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

/// A run of these decisions: stage, key, what, and what is to be said besides. Ids are `d1`, `d2`, ...; a second
/// lies between them.
fn run(id: &str, fields: &Value, decisions: &[(&str, &str, &str, Value)]) -> Trace {
    let mut document = json!({
        "schema_version": 2, "trace_id": id, "project_name": "cobot",
        "run": {"query": "which arm?", "started_at": "2026-02-13T14:30:22Z", "status": "complete"},
        "stages": {}, "quality": {},
    });
    for (key, value) in fields.as_object().unwrap() {
        let old = document[key].as_object_mut().unwrap();
        old.extend(value.as_object().unwrap().clone());
    }
    let mut trace: Trace = serde_json::from_value(document).unwrap();
    for (place, (stage, key, what, more)) in decisions.iter().enumerate() {
        let mut fields = json!({
            "decision_id": format!("d{}", place + 1), "decision": key, "what": what,
            "timestamp": format!("2026-02-13T{:02}:{:02}:{:02}Z", place / 3600, place / 60 % 60, place % 60),
        });
        fields.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap_or_default());
        let decision = serde_json::from_value(fields).unwrap();
        trace.stages.entry((*stage).to_owned()).or_default().decisions.push(decision);
    }
    trace
}

const PLAIN: Value = Value::Null;

fn failed(decisions: &[(&str, &str, &str, Value)]) -> Trace {
    run("bad", &json!({"quality": {"passed": false, "score": 1.0, "scale_max": 3.0}}), decisions)
}

fn passed(decisions: &[(&str, &str, &str, Value)]) -> Trace {
    run("good", &json!({"quality": {"passed": true}}), decisions)
}

fn alone(trace: &Trace) -> Diagnosis {
    diagnose(trace, None, &Habits::default())
}

/// Suspects as `place: rule, rule (points)`.
fn told(diagnosis: &Diagnosis) -> Vec<String> {
    let suspects = diagnosis.suspects.iter().map(|suspect| {
        let place = match &suspect.place {
            Place::Decision { decision_id, .. } => decision_id.clone(),
            Place::Stage { stage, .. } => format!("[{stage}]"),
        };
        let rules: Vec<&str> = suspect.findings.iter().map(|finding| finding.rule.weight().name).collect();
        format!("{place}: {} ({})", rules.join(", "), suspect.score)
    });
    suspects.collect()
}

/// What the rule says of the first suspect that it fired for.
fn said(diagnosis: &Diagnosis, rule: Rule) -> String {
    let mut findings = diagnosis.suspects.iter().flat_map(|suspect| &suspect.findings);
    findings.find(|finding| finding.rule == rule).expect("the rule fired").said.clone()
}

#[test]
fn what_was_said_to_be_wrong_comes_first_of_all() {
    let trace = failed(&[
        ("act", "delete_account", "x", json!({"error": "HTTP 500", "inputs": {"id": 1}})),
        ("plan", "depth", "two rounds", json!({"outcome": {"correct": false, "note": "one was enough"}})),
    ]);
    let found = alone(&trace);
    assert_eq!(told(&found), ["d2: said_wrong (20)", "d1: error, changes_the_world (6)"]);
    assert_eq!(said(&found, Rule::SaidWrong), "was said to be wrong: \"one was enough\"");
}

#[test]
fn an_error_weighs_less_where_the_next_attempt_worked_and_more_where_it_broke_the_run() {
    let error = json!({"error": "connection reset by peer"});
    let trace = run(
        "bad",
        &json!({"run": {"status": "failed", "error": "stopped: connection reset by peer"}}),
        &[
            ("s", "fetch", "a", json!({"error": "quota exceeded"})),
            ("s", "fetch", "b", PLAIN),
            ("s", "load", "c", error),
        ],
    );
    let found = alone(&trace);
    assert_eq!(
        told(&found),
        ["d3: error, broke_the_run, last_before_the_end (6)", "d1: error, recovered (1)"]
    );
    assert_eq!(said(&found, Rule::Recovered), "#2 did the like without an error");
}

#[test]
fn a_result_is_read_for_errors_and_emptiness() {
    let trace = failed(&[
        ("s", "fetch", "a", json!({"result": "Error: no seats left"})),
        ("s", "update_page", "b", json!({"result": []})),
    ]);
    let found = alone(&trace);
    assert_eq!(told(&found), ["d2: changes_the_world, empty_result (3.5)", "d1: reads_as_error (1)"]);
    assert_eq!(said(&found, Rule::ReadsAsError), "result reads as an error: \"Error: no seats left\"");
}

#[test]
fn what_the_good_run_has_none_like_is_told_with_the_fields_that_differ() {
    let good = passed(&[
        ("s", "get_user", "get", json!({"inputs": {"id": "u1"}})),
        ("s", "book", "book", json!({"inputs": {"seat": "12A", "cabin": "business", "bags": 1}})),
        ("s", "send_receipt", "send", json!({"inputs": {"to": "u1"}})),
    ]);
    let bad = failed(&[
        ("s", "get_user", "get", json!({"inputs": {"id": "u1"}})),
        ("s", "book", "book", json!({"inputs": {"bags": 1, "seat": "12A", "cabin": "economy"}})),
    ]);
    let found = diagnose(&bad, Some(&good), &Habits::default());
    assert_eq!(told(&found), ["d2: not_in_good_run, changes_the_world (5)"]);
    assert_eq!(
        found.suspects[0].basis().unwrap(),
        "the good run's #2 instead: cabin business (here economy)"
    );
    let against = found.against.unwrap();
    assert_eq!((against.shared, against.comparable, against.comparable_there), (1, 2, 3));
    assert_eq!(against.first_divergence.unwrap().decision_id, "d2");
    assert_eq!(against.missing.iter().map(|one| one.key.as_str()).collect::<Vec<_>>(), ["send_receipt"]);
}

#[test]
fn of_runs_that_were_asked_different_things_choices_are_compared_and_inputs_are_not() {
    let mut good = passed(&[
        ("s", "get_seat", "get", json!({"inputs": {"seat": "1"}})),
        ("s", "source", "exa", PLAIN),
        ("s", "verify", "check twice", json!({"inputs": {"seat": "1"}})),
    ]);
    good.run.query = "another question".to_owned();
    let bad = failed(&[
        ("s", "get_seat", "get", json!({"inputs": {"seat": "2"}})),
        ("s", "source", "reddit", PLAIN),
    ]);
    let found = diagnose(&bad, Some(&good), &Habits::default());
    assert_eq!(told(&found), ["d2: other_choice (1)"]);
    let against = found.against.unwrap();
    assert_eq!((against.shared, against.comparable, against.comparable_there), (0, 1, 1));
    assert_eq!(against.missing[0].key, "verify", "no step of this kind at all");
}

#[test]
fn a_loop_is_one_suspect_where_it_began() {
    let again = json!({"inputs": {"page": 1}, "result": "loading"});
    let mut decisions = vec![("s", "plan", "begin", PLAIN)];
    decisions.extend((0..12).map(|_| ("s", "open_page", "open", again.clone())));
    decisions.push(("s", "plan", "give up", PLAIN));
    let found = alone(&failed(&decisions));
    assert_eq!(told(&found), ["d2: stuck, repeated (2.5)"]);
    assert_eq!(said(&found, Rule::Repeated), "the same 12 times, #2 to #13, always with the same result");
}

#[test]
fn a_stretch_that_comes_round_and_round_is_one_loop() {
    let turn = |key: &'static str| ("s", key, "go", json!({"inputs": {"n": 1}, "result": "none yet"}));
    let mut decisions: Vec<_> = (0..6).flat_map(|_| [turn("look"), turn("scroll")]).collect();
    decisions.push(turn("look"));
    let found = alone(&failed(&decisions));
    assert_eq!(told(&found), ["d1: stuck, repeated (2.5)"]);
    assert_eq!(
        said(&found, Rule::Repeated),
        "the same 2 decisions 6 times, #1 to #13, always with the same result"
    );
}

#[test]
fn waiting_for_something_that_changes_is_not_being_stuck() {
    let decisions: Vec<_> = (0..8)
        .map(|turn| {
            ("s", "get_status", "poll", json!({"inputs": {"job": 1}, "result": format!("{turn} of 8")}))
        })
        .collect();
    assert_eq!(told(&alone(&failed(&decisions))), [""; 0]);
    let kept: Vec<_> =
        (0..8).map(|item| ("s", "relevance", "keep", json!({"why": format!("item {item}")}))).collect();
    assert_eq!(told(&alone(&failed(&kept))), [""; 0], "a choice among few is made often");
}

#[test]
fn counts_of_evidence_have_to_add_up() {
    let evidence = |passed: i64| {
        let stages = json!({"collection": {"evidence": {"collected_count": 28, "passed_count": passed, "filtered_count": 10}}});
        run("bad", &json!({"stages": stages, "quality": {"passed": false}}), &[])
    };
    let found = alone(&evidence(20));
    assert_eq!(told(&found), ["[collection]: contradicted (3)"]);
    assert_eq!(said(&found, Rule::Contradicted), "evidence: 20 passed + 10 filtered = 30, but 28 collected");
    assert_eq!(told(&alone(&evidence(18))), [""; 0]);
}

#[test]
fn success_that_is_claimed_beside_an_error_is_a_contradiction() {
    let trace = failed(&[
        ("check", "verdict", "all tests passed", json!({"result": "Error: 2 tests failed"})),
        ("check", "verdict", "not all tests passed", json!({"result": "Error: 2 tests failed"})),
    ]);
    let found = alone(&trace);
    assert_eq!(told(&found), ["d1: contradicted, reads_as_error (4)", "d2: reads_as_error (1)"]);
    assert_eq!(
        said(&found, Rule::Contradicted),
        "says \"all tests passed\" but its result reads as an error"
    );
}

#[test]
fn a_stage_with_an_error_contradicts_a_run_that_passed() {
    let stages = json!({"collection": {"error": "no sources left", "completed_at": "2026-02-13T14:31:22Z"}});
    let trace = run("good", &json!({"stages": stages, "quality": {"passed": true}}), &[]);
    assert_eq!(told(&alone(&trace)), ["[collection]: error, contradicted (6)"]);
}

#[test]
fn numbers_of_one_name_that_differ_are_told_at_the_later_stage() {
    let stages = |here: i64| {
        json!({"collection": {"outputs": {"papers_kept": 28, "count": 1}},
               "synthesis": {"outputs": {"papers_kept": here, "count": 2}}})
    };
    let found = alone(&run("bad", &json!({"stages": stages(12), "quality": {"passed": false}}), &[]));
    assert_eq!(told(&found), ["[synthesis]: numbers_differ (1)"]);
    assert_eq!(
        said(&found, Rule::NumbersDiffer),
        "its outputs say \"papers_kept\" 12, those of \"collection\" 28"
    );
    assert_eq!(
        told(&alone(&run("bad", &json!({"stages": stages(28), "quality": {"passed": false}}), &[]))),
        [""; 0]
    );
}

fn past(run: usize, confidence: f64, passed: bool, choice: &str) -> PastDecision {
    PastDecision {
        trace_id: format!("past{run}"),
        key: "source".to_owned(),
        choice: Some(choice.to_owned()),
        confidence: Some(confidence),
        has_alternatives: true,
        has_evidence: true,
        passed: Some(passed),
    }
}

#[test]
fn what_is_unusual_for_a_key_is_told_with_what_is_usual() {
    let others: Vec<PastDecision> =
        (0..20).map(|run| past(run, if run % 2 == 0 { 0.8 } else { 0.9 }, true, "exa")).collect();
    let habits = Habits::of(&others, &[]);
    let found = diagnose(&failed(&[("s", "source", "exa", json!({"confidence": 0.4}))]), None, &habits);
    assert_eq!(told(&found), ["d1: low_confidence, no_alternatives, no_evidence (3)"]);
    assert_eq!(said(&found, Rule::LowConfidence), "confidence 0.40, where its key has 0.85 ± 0.05 (n 20)");
    assert_eq!(
        said(&found, Rule::NoAlternatives),
        "no alternatives, where 20 of the last 20 of its key have some"
    );
    let usual = json!({"confidence": 0.82, "alternatives_considered": ["bing"], "evidence_ids": ["e1"]});
    assert_eq!(told(&diagnose(&failed(&[("s", "source", "exa", usual)]), None, &habits)), [""; 0]);
}

#[test]
fn an_option_is_bad_only_where_others_surely_fared_better() {
    let mut others: Vec<PastDecision> = (0..20).map(|run| past(run, 0.8, run < 18, "exa")).collect();
    others.extend((20..28).map(|run| past(run, 0.8, run < 22, "reddit only")));
    let usual = json!({"confidence": 0.8, "alternatives_considered": ["exa"], "evidence_ids": ["e1"]});
    let trace = failed(&[("s", "source", "Reddit, only", usual)]);
    let found = diagnose(&trace, None, &Habits::of(&others, &[]));
    assert_eq!(told(&found), ["d1: bad_option (2)"]);
    assert_eq!(
        said(&found, Rule::BadOption),
        "of runs that chose this 2 of 8 passed, of the others 18 of 20"
    );
    assert_eq!(told(&diagnose(&trace, None, &Habits::of(&others[..24], &[]))), [""; 0], "four are too few");
}

#[test]
fn a_stage_is_slow_against_its_own_past() {
    let durations: Vec<(String, f64)> =
        (1..=20).map(|run| ("collection".to_owned(), 40.0 + f64::from(run))).collect();
    let habits = Habits::of(&[], &durations);
    let lasting = |seconds: f64| {
        let stages = json!({"collection": {"duration_seconds": seconds}});
        diagnose(&run("bad", &json!({"stages": stages, "quality": {"passed": false}}), &[]), None, &habits)
    };
    assert_eq!(told(&lasting(130.0)), ["[collection]: slow (1)"]);
    assert_eq!(
        said(&lasting(130.0), Rule::Slow),
        "took 2m 10s, usually 50.5s (median of 20; 95 % within 59.1s)"
    );
    assert_eq!(told(&lasting(90.0)), [""; 0]);
}

#[test]
fn a_gap_points_at_the_stage_that_it_names() {
    let quality = json!({"passed": false, "scale_max": 3.0, "gap_principles": ["META-12"], "principle_scores": [
        {"id": "META-12", "name": "Sources", "score": 1, "feedback": "source selection took one site"},
        {"id": "META-1", "score": 3}]});
    let stages = json!({"source_selection": {}, "selection": {}, "judging": {"outputs": {"META-12": 1, "META-1": 3}}, "sources_two": {"outputs": {"META-12": 1}}});
    let found = alone(&run("bad", &json!({"stages": stages, "quality": quality}), &[]));
    assert_eq!(
        told(&found),
        [
            "[source_selection]: gap_names_it (2)",
            "[selection]: gap_names_it (2)",
            "[sources_two]: gap_names_it (2)"
        ]
    );
    assert_eq!(
        said(&found, Rule::GapNamesIt),
        "gap \"META-12\" (1.0 of 3.0, \"source selection took one site\") names it"
    );
}

#[test]
fn an_error_that_later_steps_use_weighs_more() {
    let trace = failed(&[
        ("s", "get_price", "a", json!({"result": {"error": "stale", "quote": "Q-7781-X"}})),
        ("s", "get_price", "b", json!({"result": {"error": "stale"}})),
        ("s", "offer", "c", json!({"inputs": {"quote": "Q-7781-X"}, "evidence_ids": ["d1"]})),
    ]);
    let found = alone(&trace);
    assert_eq!(told(&found), ["d1: reads_as_error, built_upon (2)", "d2: reads_as_error (1)"]);
    assert_eq!(said(&found, Rule::BuiltUpon), "later decisions use it: #3");
}

#[test]
fn what_was_taken_back_says_when() {
    let correction = json!([{"timestamp": "2026-02-13T00:00:05Z", "reason": "the site was down"}]);
    let mut decisions = vec![("s", "source", "exa", json!({"corrections": correction}))];
    decisions.extend((0..8).map(|_| ("s", "step", "next", json!({"why": "x"}))));
    let found = alone(&failed(&decisions));
    assert_eq!(said(&found, Rule::Corrected), "was corrected 5 decisions later: \"the site was down\"");
}

#[test]
fn a_run_that_went_well_has_no_suspects_for_what_is_no_fault() {
    let decisions = [
        ("s", "update_record", "x", json!({"inputs": {"id": 1}})),
        ("s", "fetch", "y", json!({"result": "Error: try again"})),
    ];
    let other = passed(&[("s", "update_record", "x", json!({"inputs": {"id": 2}}))]);
    let found = diagnose(&passed(&decisions), Some(&other), &Habits::default());
    assert_eq!(told(&found), [""; 0]);
    assert_eq!(found.nothing_told(), Some("Nothing stands out in a run that went well."));
    let open = run("open", &json!({"run": {"status": "in_progress"}}), &decisions);
    assert_eq!(told(&alone(&open)), ["d2: reads_as_error (1)"], "of an open run only faults are told");
    let unjudged = run("unjudged", &json!({}), &decisions);
    assert_eq!(
        told(&alone(&unjudged)),
        ["d2: reads_as_error (1)"],
        "nor does an end without a gate say much"
    );
}

#[test]
fn equal_suspects_come_in_the_order_of_the_run() {
    let decisions: Vec<_> = (0..9).map(|n| ("s", "delete_row", "x", json!({"inputs": {"row": n}}))).collect();
    let numbers: Vec<_> = alone(&failed(&decisions)).suspects.iter().map(Suspect::number).collect();
    assert_eq!(numbers, (1..=9).map(Some).collect::<Vec<_>>());
}

#[test]
fn thousands_of_decisions_are_looked_at_in_one_go() {
    let decisions: Vec<_> = (0..6_000)
        .map(|n| {
            let result = if n % 3 == 0 { "Error: no" } else { "done" };
            (
                "s",
                if n % 5 == 0 { "update_row" } else { "look" },
                "x",
                json!({"inputs": {"row": n % 997, "ref": format!("value-{n}")}, "result": result}),
            )
        })
        .collect();
    let found = diagnose(&failed(&decisions), Some(&passed(&decisions[..4_000])), &Habits::default());
    assert_eq!((found.decisions, found.suspects.len()), (6_000, KEPT));
    assert!(found.suspect_count > KEPT);
}

#[test]
fn the_nearest_run_is_the_one_with_most_choices_in_common() {
    let own = failed(&[("s", "source", "exa", PLAIN), ("s", "depth", "two", PLAIN)]);
    let other = |id: &str, choices: &[(&str, &str)]| PastRun {
        trace_id: id.to_owned(),
        choices: choices.iter().map(|(key, what)| ((*key).to_owned(), (*what).to_owned())).collect(),
    };
    let others = [
        other("one", &[("source", "exa"), ("depth", "one")]),
        other("none", &[("source", "bing")]),
        other("both", &[("depth", "two"), ("source", "exa")]),
        other("both and more", &[("depth", "two"), ("source", "exa"), ("more", "x")]),
    ];
    assert_eq!(nearest(&own, &others, 3), ["both", "both and more", "one"]);
}

fn some_decision() -> impl Strategy<Value = (&'static str, &'static str, &'static str, Value)> {
    let result = prop::sample::select(vec![
        json!(null),
        json!("Error: x"),
        json!([]),
        json!("fine"),
        json!({"a": "value-1"}),
    ]);
    let inputs = prop::sample::select(vec![
        json!(null),
        json!({"a": "value-1"}),
        json!({"a": 2, "b": [1, {"c": 3}]}),
        json!("text"),
    ]);
    let stage = prop::sample::select(vec!["s", "t"]);
    let key = prop::sample::select(vec!["update_x", "look", "user", "source"]);
    let what = prop::sample::select(vec!["exa", "all passed", "a b c d e f g h i j k l m n o p"]);
    (stage, key, what, inputs, result, any::<bool>()).prop_map(|(stage, key, what, inputs, result, fails)| {
        let error = if fails { json!("broke here") } else { Value::Null };
        (stage, key, what, json!({"inputs": inputs, "result": result, "error": error}))
    })
}

proptest! {
    #[test]
    fn a_diagnosis_is_a_function_of_what_it_is_given(
        own in prop::collection::vec(some_decision(), 0..30),
        other in prop::collection::vec(some_decision(), 0..30),
    ) {
        let (bad, good) = (failed(&own), passed(&other));
        let found = diagnose(&bad, Some(&good), &Habits::default());
        prop_assert_eq!(&found, &diagnose(&bad, Some(&good), &Habits::default()));
        for suspect in &found.suspects {
            let sum: f64 = suspect.findings.iter().map(Finding::points).sum();
            prop_assert!((suspect.score - sum).abs() < 1e-9);
            prop_assert!(suspect.number().is_none_or(|number| number <= own.len()));
        }
        prop_assert!(found.suspects.windows(2).all(|pair| pair[0].score >= pair[1].score));
        // Held against itself, nothing in a run is unlike it.
        let same = diagnose(&bad, Some(&bad), &Habits::default()).against.unwrap();
        prop_assert!(same.first_divergence.is_none() && same.missing_count == 0);
    }
}
