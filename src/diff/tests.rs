//! What a comparison promises of whole runs.

use std::collections::{BTreeMap, HashMap};

use insta::assert_snapshot;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::model::Status;

fn trace(fields: &Value) -> Trace {
    let mut document = json!({
        "schema_version": 2, "trace_id": "trc_20260213_143022_a1b2c3d4", "project_name": "cobot",
        "run": {"query": "q", "started_at": "2026-02-13T14:30:22Z", "status": "complete"},
    });
    for (key, value) in fields.as_object().unwrap() {
        match (&mut document[key], value) {
            (Value::Object(old), Value::Object(new)) => old.extend(new.clone()),
            (old, new) => *old = new.clone(),
        }
    }
    serde_json::from_value(document).unwrap()
}

/// A run with the given decisions: stage, key, what, and what is to be said besides. Ids are `prefix` and number.
pub(super) fn deciding(prefix: &str, decisions: &[(&str, &str, &str, Value)]) -> Trace {
    let mut run = trace(&json!({"trace_id": format!("trace-{prefix}")}));
    for (place, (stage, key, what, more)) in decisions.iter().enumerate() {
        let mut fields = json!({
            "decision_id": format!("{prefix}{place}"), "decision": key, "what": what,
            "timestamp": format!("2026-02-13T{:02}:{:02}:{:02}Z", place / 3600, place / 60 % 60, place % 60),
        });
        fields.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap_or_default());
        let decision = serde_json::from_value(fields).unwrap();
        run.stages.entry((*stage).to_owned()).or_default().decisions.push(decision);
    }
    run
}

fn told(a: &Trace, b: &Trace) -> Comparison {
    compare(a, b, &QualityRules::default())
}

fn divergence(a: &[(&str, &str, &str, Value)], b: &[(&str, &str, &str, Value)]) -> Divergence {
    told(&deciding("a", a), &deciding("b", b)).first_divergence.unwrap()
}

fn ids(divergence: &Divergence) -> [Option<&str>; 2] {
    [&divergence.a, &divergence.b].map(|side| side.as_ref().map(|choice| choice.decision_id.as_str()))
}

const PLAIN: Value = Value::Null;

#[test]
fn an_option_that_b_took_up_is_named() {
    let rejecting =
        json!({"confidence": 0.9, "alternatives_considered": ["linkedin (0.60)", "google", "bing"]});
    let taking = json!({"confidence": 0.6, "alternatives_considered": ["exa", "Google"]});
    let a = deciding("a", &[("s", "source", "exa, reddit", rejecting)]);
    let b = deciding("b", &[("s", "source", "LinkedIn (primary)", taking)]);
    let comparison = told(&a, &b);
    let decision = &comparison.decisions[0];
    assert_eq!(decision.kind, ChangeKind::Changed);
    assert_eq!((decision.taken_up[0].as_str(), decision.dropped[0].as_str()), ("linkedin", "exa"));
    assert_eq!((decision.considered_only_a.len(), decision.considered_only_b.len()), (1, 0), "bing");
    assert!((decision.confidence_delta.unwrap() + 0.3).abs() < 1e-9);
    assert_eq!(
        comparison.first_divergence.unwrap().reason.to_string(),
        "b chose \"linkedin\", which a had considered and not taken"
    );
}

#[test]
fn the_first_divergence_is_first_by_time_not_by_stage() {
    let a = [("s", "k", "1", PLAIN), ("t", "l", "x", PLAIN), ("s", "k", "2", PLAIN)];
    let b = [("s", "k", "1", PLAIN), ("t", "l", "y", PLAIN), ("s", "k", "3", PLAIN)];
    let first = divergence(&a, &b);
    assert_eq!((first.stage.as_str(), first.agreed_before), ("t", 1));
    assert_eq!(ids(&first), [Some("a1"), Some("b1")]);
}

#[test]
fn an_inserted_decision_comes_before_the_change_behind_it() {
    let first = divergence(
        &[("s", "k", "1", PLAIN), ("s", "l", "x", PLAIN)],
        &[("s", "k", "1", PLAIN), ("s", "m", "new", PLAIN), ("s", "l", "y", PLAIN)],
    );
    assert_eq!(ids(&first), [None, Some("b1")]);
    assert_eq!(first.reason.to_string(), "only b made this decision");
}

#[test]
fn sentences_go_by_the_names_that_the_runs_have_where_they_are_read() {
    let dropped = told(
        &deciding("a", &[("s", "k", "exa", PLAIN)]),
        &deciding("b", &[("s", "k", "google", json!({"alternatives_considered": ["exa"]}))]),
    );
    let reason = dropped.first_divergence.unwrap().reason;
    assert_eq!(reason.told(["A", "B"]), "A chose \"exa\", which B considered and did not take");
    let run = trace(&json!({"run": {"status": "in_progress"}}));
    let told: Vec<_> = told(&run, &run).comparable.iter().map(|caveat| caveat.told(["A", "B"])).collect();
    let unfinished = "is still in progress: its figures will change";
    assert_eq!(told, ["A and B are the same run", &format!("A {unfinished}"), &format!("B {unfinished}")]);
}

#[test]
fn different_decisions_at_one_point_are_both_named() {
    let first = divergence(
        &[("s", "k", "1", PLAIN), ("s", "l", "x", PLAIN)],
        &[("s", "k", "1", PLAIN), ("s", "m", "y", PLAIN)],
    );
    assert_eq!(ids(&first), [Some("a1"), Some("b1")]);
    assert_eq!(first.reason.to_string(), "at the same point, a and b made different decisions");
}

#[test]
fn a_run_that_stopped_early_is_said_to_have_stopped() {
    let a = deciding("a", &[("s", "k", "1", PLAIN), ("t", "l", "2", PLAIN)]);
    let mut b = deciding("b", &[("s", "k", "1", PLAIN)]);
    b.run.status = Status::Failed;
    assert_eq!(
        told(&a, &b).first_divergence.unwrap().reason.to_string(),
        "only a made this decision; b (failed) made none from here on"
    );
}

#[test]
fn another_confidence_is_named_only_where_all_choices_are_the_same() {
    let sure = json!({"confidence": 0.9});
    let unsure = json!({"confidence": 0.4});
    let first = divergence(&[("s", "k", "1", sure.clone())], &[("s", "k", "1", unsure.clone())]);
    assert_eq!(
        first.reason.to_string(),
        "all choices are the same; this is the first with another confidence"
    );
    let first = divergence(
        &[("s", "k", "1", sure), ("s", "l", "x", PLAIN)],
        &[("s", "k", "1", unsure), ("s", "l", "y", PLAIN)],
    );
    assert_eq!(first.decision, "l");
}

#[test]
fn scores_of_different_scales_are_compared_on_the_configured_one_and_both_shown() {
    let a = trace(&json!({"quality": {"score": 2.4, "scale_max": 3.0}}));
    let b = trace(&json!({"quality": {"score": 50.0, "scale_max": 100.0}}));
    let quality = told(&a, &b).quality;
    assert_eq!((quality.scale_max, quality.a, quality.b), (3.0, Some(2.4), Some(1.5)));
    assert_eq!(quality.b_given, Some(GivenScore { score: 50.0, scale_max: 100.0 }));
    let quality = told(&b, &b).quality;
    assert_eq!((quality.scale_max, quality.a, quality.b_given), (100.0, Some(50.0), None));
}

#[test]
fn runs_of_different_kinds_are_compared_with_a_caveat() {
    let a = trace(&json!({"trace_id": "a", "run": {"intent": "validating"}}));
    let b = trace(&json!({"trace_id": "b", "project_name": "other", "run": {"status": "in_progress"}}));
    assert_eq!(
        told(&a, &b).comparable.iter().map(ToString::to_string).collect::<Vec<_>>(),
        [
            "the projects differ: \"cobot\" and \"other\"",
            "the intents differ: \"validating\" and none",
            "b is still in progress: its figures will change",
        ]
    );
}

#[test]
fn long_choices_that_begin_alike_are_shown_where_they_part() {
    let long = "x".repeat(1000);
    let (a, b) = (format!("{long} left"), format!("{long} right"));
    let comparison = told(&deciding("a", &[("s", "k", &a, PLAIN)]), &deciding("b", &[("s", "k", &b, PLAIN)]));
    let what = |choice: &Option<Choice>| choice.as_ref().unwrap().what.clone();
    let decision = &comparison.decisions[0];
    assert!(what(&decision.a).ends_with("left") && what(&decision.b).ends_with("right"));
}

#[test]
fn the_text_tells_what_differed_first_then_what_it_cost() {
    let mut a = deciding(
        "a",
        &[
            ("intake", "scope", "Europe", json!({"confidence": 0.8})),
            (
                "collection",
                "source_selection",
                "exa (primary), reddit",
                json!({
            "confidence": 0.9, "why": "trade press and users' words", "alternatives_considered": ["linkedin (0.60)"]}),
            ),
            ("synthesis", "format", "table", PLAIN),
        ],
    );
    let mut b = deciding(
        "b",
        &[
            ("intake", "scope", "Europe", json!({"confidence": 0.5})),
            (
                "collection",
                "source_selection",
                "linkedin",
                json!({"confidence": 0.6, "why": "has the people"}),
            ),
            ("collection", "retry", "once more", json!({"error": "login needed"})),
            ("synthesis", "format", "table", json!({"error": "too wide"})),
            ("review", "verdict", "redo", PLAIN),
        ],
    );
    a.run.duration_seconds = Some(83.0);
    b.run.duration_seconds = Some(262.0);
    a.cost.cost_usd = Some(0.32);
    b.cost.cost_usd = Some(0.41);
    a.cost.input_tokens = Some(45_000);
    b.cost.input_tokens = Some(61_200);
    a.stages["collection"].duration_seconds = Some(45.8);
    b.stages["collection"].duration_seconds = Some(180.0);
    for (run, score, passed, gap) in [(&mut a, 2.4, true, "META-12"), (&mut b, 1.8, false, "META-3")] {
        run.quality.score = Some(score);
        run.quality.scale_max = Some(3.0);
        run.quality.passed = Some(passed);
        run.quality.gap_principles = vec![gap.to_owned(), "META-7".to_owned()];
    }
    b.run.status = Status::Failed;
    b.run.error = Some("gave up".to_owned());
    b.run.query = "another\nquestion".to_owned();
    assert_snapshot!(told(&a, &b).text(), @r#"
    a = trace-a, complete, quality 2.4 PASS
    b = trace-b, failed, quality 1.8 FAIL: gave up
    Note: the queries differ: "q" and "another question"
    First divergence, after 1 decision alike: collection / source_selection
      b chose "linkedin", which a had considered and not taken
      a: exa (primary), reddit [a1, confidence 0.90]
         why: trade press and users' words
      b: linkedin [b1, confidence 0.60]
         why: has the people
      Before that, with another confidence: intake / scope [a a0, b b0]
    a -> b: quality 2.4 -> 1.8 (-0.6) of 3.0; cost $0.32 -> $0.41 (+$0.09); duration 1m 23s -> 4m 22s (+2m 59s)
    Gaps: only in a: META-12; only in b: META-3; in both: META-7
    Tokens: in 45,000 -> 61,200 (+16,200)
    Stages: review only in b; collection 45.8s -> 3m 0s (+2m 14s)
    Decisions: 1 same, 2 changed (~), 0 only in a (-), 2 only in b (+)
      ~ collection / source_selection: exa (primary), reddit -> linkedin
      + collection / retry: once more (failed in b)
      = synthesis / format: table (failed in b)
      + review / verdict: redo
      ~ intake / scope: Europe, confidence 0.80 -> 0.50
    "#);
}

/// A tool call, as agents record them: key and what are the tool, and the inputs say what for.
fn calls<'t>(tool: &'t str, inputs: &[Value]) -> Vec<(&'t str, &'t str, &'t str, Value)> {
    inputs.iter().map(|inputs| ("lookup", tool, tool, json!({"inputs": inputs}))).collect()
}

#[test]
fn inputs_tell_calls_of_one_tool_apart() {
    let a = calls("find_flight", &[json!({"from": "JFK", "day": 20}), json!({"from": "JFK", "day": 21})]);
    let b = calls("find_flight", &[json!({"from": "JFK", "day": 20}), json!({"from": "JFK", "day": 23})]);
    let first = divergence(&a, &b);
    assert_eq!(ids(&first), [Some("a1"), Some("b1")]);
    assert_eq!(first.reason.to_string(), "the same with other inputs: day a 21, b 23");
}

#[test]
fn what_is_said_to_a_user_comes_before_the_divergence_and_is_none() {
    let asked = ("reply", "assistant", "Could you please tell me your user id?", PLAIN);
    let asked_so = ("reply", "assistant", "I will need the id of your account first.", PLAIN);
    let (look, other) =
        (calls("find_flight", &[json!({"day": 20})]), calls("find_flight", &[json!({"day": 21})]));
    let a = [vec![asked], look].concat();
    let b = [vec![asked_so], other].concat();
    let comparison = told(&deciding("a", &a), &deciding("b", &b));
    assert_eq!((comparison.told(false).len(), comparison.told(true).len()), (1, 2), "words are left out");
    let first = comparison.first_divergence.unwrap();
    assert_eq!((ids(&first), first.agreed_before), ([Some("a1"), Some("b1")], 1));
    let before = comparison.first_difference.unwrap();
    assert_eq!((before.of, before.a.as_deref(), before.b.as_deref()), ("words", Some("a0"), Some("b0")));
    assert_eq!((comparison.counts.changed, comparison.counts.words_only), (2, 1));
}

#[test]
fn runs_that_only_speak_part_where_they_say_something_else() {
    let first = divergence(
        &[("reply", "assistant", "Could you please tell me your user id?", PLAIN)],
        &[("reply", "assistant", "I will need the id of your account first.", PLAIN)],
    );
    assert_eq!(first.reason.to_string(), "both did the same throughout; this is the first in other words");
}

#[test]
fn more_turns_of_a_loop_and_an_inserted_stretch_are_one_line_each() {
    let start = calls("open", &[json!({"n": 0})]);
    let turns = calls("find_flight", &vec![json!({"day": 20}); 7]);
    let end = calls("close", &[json!({"n": 1})]);
    let more = [calls("price", &[json!(1), json!(2)]), calls("seat", &[json!(1)])].concat();
    let a = [start.clone(), end.clone()].concat();
    let b = [start, turns, end, more].concat();
    let comparison = told(&deciding("a", &a), &deciding("b", &b));
    let lines: Vec<String> = comparison.stretches().iter().map(|one| one.told(["a", "b"])).collect();
    assert_eq!(
        lines,
        [
            "b alone, after its decision 1: 7 times lookup / find_flight, the same each time",
            "b alone, after its decision 9: 3 decisions (lookup / price 2, lookup / seat 1)",
        ]
    );
    assert_eq!((comparison.entries().count(), comparison.told(false).len()), (4, 2));
    assert_eq!(comparison.counts.only_b, 10);
}

#[test]
fn the_same_work_under_another_stage_name_is_the_same_work() {
    let work = |stage| {
        [
            (stage, "source", "exa", PLAIN),
            (stage, "filter", "recent", PLAIN),
            ("end", "format", "table", PLAIN),
        ]
    };
    let mut b = work("gathering");
    b[1].2 = "all";
    let comparison = told(&deciding("a", &work("collection")), &deciding("b", &b));
    assert_eq!((comparison.counts.same, comparison.counts.changed), (2, 1));
    let source = &comparison.decisions[0];
    assert_eq!((source.stage.as_str(), source.stage_b.as_deref()), ("collection", Some("gathering")));
    assert_eq!(comparison.first_divergence.unwrap().decision, "filter");
}

#[test]
fn the_text_of_two_long_hostile_runs_stays_short() {
    let evil = "\u{1b}[31m\nFirst divergence: none\r\n".repeat(50);
    let run = |prefix: &str| {
        let whats: Vec<String> = (0..1000).map(|n| format!("{prefix}{n}{evil}")).collect();
        let decisions: Vec<_> = whats
            .iter()
            .map(|what| (evil.as_str(), evil.as_str(), what.as_str(), json!({"why": evil})))
            .collect();
        deciding(prefix, &decisions)
    };
    let comparison = told(&run("a"), &run("b"));
    assert_eq!(comparison.counts.changed, 1000);
    let text = comparison.text();
    assert!(text.lines().count() <= 30, "{text}");
    assert!(text.lines().all(|line| line.chars().count() <= 110));
    assert!(!text.contains('\u{1b}') && !text.lines().any(|line| line.starts_with("First divergence: none")));
}

#[test]
fn the_schema_needs_no_references() {
    let schema = serde_json::to_string(&schemars::schema_for!(Comparison)).unwrap();
    assert!(!schema.contains("$ref"), "{schema}");
}

type Step = (&'static str, &'static str, &'static str, Option<f64>, Vec<&'static str>);

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = (
        prop::sample::select(vec!["s", "t"]),
        prop::sample::select(vec!["k", "l", "m"]),
        prop::sample::select(vec!["one", "two", "three"]),
        prop::option::of(prop::sample::select(vec![0.2, 0.9])),
        prop::collection::vec(prop::sample::select(vec!["one", "two", "four"]), 0..3),
    );
    prop::collection::vec(step, 0..20)
}

fn run(prefix: &str, steps: &[Step], seconds: Option<u16>) -> Trace {
    let decisions: Vec<_> = steps
        .iter()
        .map(|(stage, key, what, confidence, options)| {
            (*stage, *key, *what, json!({"confidence": confidence, "alternatives_considered": options}))
        })
        .collect();
    let mut run = deciding(prefix, &decisions);
    run.run.duration_seconds = seconds.map(|seconds| f64::from(seconds) / 7.0);
    run.cost.input_tokens = seconds.map(i64::from);
    run
}

/// Which decisions of a and b are told to be which, and how, as something that can be mirrored.
fn pairs(comparison: &Comparison) -> BTreeMap<(Option<String>, Option<String>), &DecisionDifference> {
    let id = |choice: &Option<Choice>| choice.as_ref().map(|choice| choice.decision_id.clone());
    comparison.decisions.iter().map(|decision| ((id(&decision.a), id(&decision.b)), decision)).collect()
}

proptest! {
    #[test]
    fn a_run_does_not_differ_from_itself(steps in steps(), seconds in any::<Option<u16>>()) {
        let run = run("a", &steps, seconds);
        let comparison = told(&run, &run);
        prop_assert!(comparison.decisions.iter().all(|d| d.kind == ChangeKind::Same && !d.moved));
        prop_assert_eq!(comparison.counts.same, steps.len());
        prop_assert_eq!(comparison.first_divergence, None);
        prop_assert!(comparison.duration_seconds.delta.unwrap_or_default() == 0.0);
        prop_assert!(comparison.gaps.only_a.is_empty() && comparison.gaps.only_b.is_empty());
    }

    #[test]
    fn every_decision_of_both_runs_appears_exactly_once(x in steps(), y in steps()) {
        let (a, b) = (run("a", &x, None), run("b", &y, None));
        let comparison = told(&a, &b);
        let mut seen: HashMap<String, usize> = HashMap::new();
        for choice in comparison.decisions.iter().flat_map(|d| d.a.iter().chain(&d.b)) {
            *seen.entry(choice.decision_id.clone()).or_default() += 1;
        }
        prop_assert_eq!(seen.len(), x.len() + y.len());
        prop_assert!(seen.values().all(|count| *count == 1));
        let counts = comparison.counts;
        prop_assert_eq!(counts.same + counts.changed + counts.only_a, x.len());
        prop_assert_eq!(counts.same + counts.changed + counts.only_b, y.len());
    }

    #[test]
    fn swapping_the_runs_mirrors_everything(
        x in steps(), y in steps(), seconds in any::<(Option<u16>, Option<u16>)>(),
    ) {
        let (a, b) = (run("a", &x, seconds.0), run("b", &y, seconds.1));
        let (there, back) = (told(&a, &b), told(&b, &a));
        prop_assert_eq!(there.duration_seconds.delta, back.duration_seconds.delta.map(|delta| -delta));
        prop_assert_eq!(there.input_tokens.delta, back.input_tokens.delta.map(|delta| -delta));
        prop_assert_eq!(there.counts.only_a, back.counts.only_b);
        let back_pairs = pairs(&back);
        for ((id_a, id_b), here) in pairs(&there) {
            let mirrored = back_pairs.get(&(id_b, id_a));
            prop_assert!(mirrored.is_some());
            let mirrored = mirrored.unwrap();
            prop_assert_eq!((&here.a, &here.b, here.moved), (&mirrored.b, &mirrored.a, mirrored.moved));
            prop_assert_eq!((&here.taken_up, &here.dropped), (&mirrored.dropped, &mirrored.taken_up));
            prop_assert_eq!(here.confidence_delta, mirrored.confidence_delta.map(|delta| -delta));
        }
        let parted = |comparison: &Comparison| comparison.first_divergence.clone().map(|first| (first.a, first.b));
        let mirrored = parted(&back).map(|(a, b)| (b, a));
        prop_assert_eq!(parted(&there), mirrored);
    }

    #[test]
    fn a_divergence_names_decisions_that_differ(x in steps(), y in steps()) {
        let comparison = told(&run("a", &x, None), &run("b", &y, None));
        let all_same = comparison.decisions.iter().all(|d| d.kind == ChangeKind::Same && !d.moved);
        prop_assert_eq!(comparison.first_divergence.is_none(), all_same);
        if let Some(first) = comparison.first_divergence {
            prop_assert!(first.a.is_some() || first.b.is_some());
        }
    }
}
