//! No answer exceeds its budget, and nothing is left out without being counted.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::budget::{MOST, budget, tokens};
use super::super::call::Call;
use super::super::compare::CompareRequest;
use super::super::diagnose::DiagnoseRequest;
use super::super::flags::FlagsRequest;
use super::super::full::tests::run;
use super::super::patterns::PatternsRequest;
use super::super::sheet::Sheet;
use super::super::summary::SummaryRequest;
use super::home::check;
use crate::calibration::Flag;
use crate::diagnose::{Habits, diagnose};
use crate::diff::compare;
use crate::gate::request::parse;
use crate::mcp::tool::Answer;
use crate::model::{QualityRules, Status};
use crate::query::{Aggregate, Basis, Diagnosed, Patterns};
use crate::statistics::{
    Association, AssociationsReport, Feature, GroupBy, GroupedSummary, Pattern, PatternsReport,
    PrincipleAssociations, RunFacts, Summary, patterns,
};

/// A count in an answer; nothing counts as none.
fn number(value: &Value) -> usize {
    value.as_u64().map_or(0, |count| usize::try_from(count).unwrap())
}

fn texts() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z \"\\\\\n]{0,40}",
        "[\u{e9}\u{6771}\u{4eac}\u{1f680}]{0,60}",
        "\\PC{0,300}",
        any::<String>(),
        "[a-z]{1000,4000}",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_sheet_keeps_within_its_budget_and_counts_what_it_cuts(
        most in prop_oneof![200usize..600, 200usize..=MOST],
        fields in prop::collection::vec(texts(), 0..4),
        first in prop::collection::vec((texts(), texts()), 0..30),
        second in prop::collection::vec((texts(), texts()), 0..30),
    ) {
        const NAMES: [&str; 4] = ["f0", "f1", "f2", "f3"];
        let mut sheet = Sheet::new(most, |kept| {
            kept.first_cut()?;
            Some(Call::new("trace_full").with("trace_id", "trc_20260213_143022_a1b2c3d4").with("offset", kept.count("a")))
        });
        sheet.head("trace_id", "trc_20260213_143022_a1b2c3d4", "Trace trc_20260213_143022_a1b2c3d4");
        for (name, text) in NAMES.into_iter().zip(&fields) {
            sheet.field(name, text.as_str(), text);
        }
        sheet.list("a", "The first:");
        sheet.list("b", "The second:");
        let rows = |rows: &[(String, String)]| -> Vec<(Value, String)> {
            rows.iter().enumerate().map(|(place, (value, text))| (json!({"place": place, "value": value}), text.clone())).collect()
        };
        sheet.items_from("a", rows(&first).into_iter(), |row| Some((json!({"place": row["place"]}), "- short".to_owned())));
        sheet.items("b", rows(&second).into_iter());
        let (answer, kept) = sheet.finish();
        prop_assert!(tokens(&answer) <= most, "{} of {most}", tokens(&answer));

        let shown = |list: &str| answer.structured[list].as_array().map_or(0, Vec::len);
        let cut = |name: &str| number(&answer.structured["cut"][name]);
        prop_assert_eq!(shown("a") + cut("a"), first.len());
        prop_assert_eq!(shown("b") + cut("b"), second.len());
        prop_assert_eq!(kept.count("a"), shown("a"));
        prop_assert!(first.is_empty() || shown("a") > 0, "whoever asks on gets further");
        for (place, item) in answer.structured["a"].as_array().into_iter().flatten().enumerate() {
            prop_assert_eq!(number(&item["place"]), place, "a beginning of the list");
        }
        for name in NAMES.iter().take(fields.len()) {
            prop_assert_eq!(answer.structured.get(name).is_some(), cut(name) == 0);
        }
        prop_assert_eq!(answer.structured.get("next").is_some(), answer.structured.get("cut").is_some());
        prop_assert_eq!(answer.text.contains("Cut to fit: "), answer.structured.get("cut").is_some());
    }
}

/// Runs that share nothing: each with an intent and principles of its own.
fn unlike_runs(count: usize, text: &str) -> Vec<RunFacts> {
    let one = |place: usize| {
        let mut run = RunFacts::of(&run(2, text, 0).trace, &QualityRules::default());
        run.status = Status::Complete;
        run.intent = Some(format!("{place} {text}"));
        run.principles = (0..3).map(|principle| format!("{principle} {place} {text}")).collect();
        run.gaps.clone_from(&run.principles);
        run
    };
    (0..count).map(one).collect()
}

/// Whether what a list shows and what is told as cut of it are all its items. Where names do not fit, the parts that
/// were cut are told in all.
fn is_counted(answer: &Answer, list: &str, all: usize) -> bool {
    let (shown, cut) = (answer.structured[list].as_array().map_or(0, Vec::len), &answer.structured["cut"]);
    match cut.get("parts") {
        Some(parts) => shown + number(parts) >= all,
        None => shown + number(&cut[list]) == all,
    }
}

fn flag(place: usize, text: &str) -> Flag {
    serde_json::from_value(json!({
        "id": format!("quality_gate_regression.cobot.cobot.{place:012}"), "kind": "quality_gate_regression",
        "subject": text, "project": text, "state": "open", "severity": "warning", "message": text, "n": 20,
        "baseline": {"window_days": 90, "verdicts": 9, "verdicts_passed": 8},
        "trace_ids": (0..20).map(|run| format!("trc_{run}")).collect::<Vec<_>>(), "fired": 3, "fired_by": [],
        "first_seen": "2026-02-13T14:30:22Z", "last_seen": "2026-02-13T14:30:22Z",
        "last_announced": "2026-02-13T14:30:22Z", "alerts": [],
    }))
    .unwrap()
}

/// Three options that stand out for each principle.
fn stand_out(report: &PatternsReport, text: &str) -> AssociationsReport {
    let association = |place: usize| Association {
        feature: Feature::Choice { decision: format!("{place} {text}"), choice: text.to_owned() },
        failing_with: 9,
        failing: 11,
        other_with: 2,
        other: 30,
        lift: Some(12.27),
        p: 0.000_02,
        p_adjusted: 0.004,
    };
    let of = |pattern: &Pattern| PrincipleAssociations {
        principle: pattern.principle.clone(),
        found: (0..3).map(association).collect(),
        more: 2,
    };
    AssociationsReport {
        runs: 41,
        comparisons: 200,
        principles: report.patterns.iter().take(5).map(of).collect(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn flags_are_shown_within_the_budget_and_counted(count in 0..60_usize, text in texts(), max_tokens in 300..20_000_i64) {
        let flags: Vec<Flag> = (0..count).map(|place| flag(place, &text)).collect();
        let request: FlagsRequest = parse(json!({"max_tokens": max_tokens})).unwrap();
        let answer = request.answer(&flags, 3);
        check("calibration_flags", &answer, Some(max_tokens));
        prop_assert!(tokens(&answer) <= budget(Some(max_tokens)));
        prop_assert!(is_counted(&answer, "flags", count));
    }

    #[test]
    fn comparisons_are_shown_within_the_budget(
        sizes in (2..60_usize, 2..60_usize),
        texts in (texts(), texts()),
        include_same in any::<bool>(),
        max_tokens in 300..20_000_i64,
    ) {
        let (a, b) = (run(sizes.0, &texts.0, 2), run(sizes.1, &texts.1, 2));
        let comparison = compare(&a.trace, &b.trace, &QualityRules::default());
        let arguments = json!({"trace_id_a": "a", "trace_id_b": "b", "include_same": include_same, "max_tokens": max_tokens});
        let request: CompareRequest = parse(arguments).unwrap();
        let answer = request.answer(&comparison);
        check("trace_compare", &answer, Some(max_tokens));
        prop_assert!(tokens(&answer) <= budget(Some(max_tokens)));
        prop_assert!(!include_same || is_counted(&answer, "decisions", comparison.entries().count()));
    }

    #[test]
    fn diagnoses_are_shown_within_the_budget_and_counted(
        sizes in (0..60_usize, 0..60_usize),
        texts in (texts(), texts()),
        max_tokens in 300..20_000_i64,
    ) {
        let (bad, good) = (run(sizes.0, &texts.0, 2), run(sizes.1, &texts.1, 2));
        let diagnosis = diagnose(&bad.trace, Some(&good.trace), &Habits::default());
        let all = diagnosis.suspect_count;
        let diagnosed = Diagnosed { diagnosis, run: bad, basis: Some(Basis::Query), database_away: None };
        let request: DiagnoseRequest = parse(json!({"trace_id": "a", "max_tokens": max_tokens})).unwrap();
        let answer = request.answer(&diagnosed);
        check("trace_diagnose", &answer, Some(max_tokens));
        prop_assert!(tokens(&answer) <= budget(Some(max_tokens)));
        prop_assert!(is_counted(&answer, "suspects", all));
    }

    #[test]
    fn groups_and_patterns_are_shown_within_the_budget_and_counted(
        count in 1..40_usize,
        text in texts(),
        max_tokens in 300..20_000_i64,
    ) {
        let runs = unlike_runs(count, &text);
        let (mut summary, mut groups) = (Summary::new(), GroupedSummary::new(GroupBy::Intent));
        for run in &runs {
            summary.add(run);
            groups.add(run);
        }
        let aggregate = Aggregate {
            summary: summary.report(), groups: Some(groups.report()), open_flags: 1, pending: 2, without_filter: None,
        };
        let request: SummaryRequest = parse(json!({"max_tokens": max_tokens, "group_by": "intent"})).unwrap();
        let answer = request.answer(&aggregate);
        check("trace_summary", &answer, Some(max_tokens));
        prop_assert!(tokens(&answer) <= budget(Some(max_tokens)));
        prop_assert!(is_counted(&answer, "groups", count));

        let report = patterns(&runs, None::<&[RunFacts]>, 1);
        let all = report.patterns.len();
        let associations = stand_out(&report, &text);
        let found = Patterns {
            report, associations, is_partial: true, after: None, pending: 1, without_filter: None,
        };
        let request: PatternsRequest = parse(json!({"max_tokens": max_tokens})).unwrap();
        let answer = request.answer(&found, None);
        check("principle_patterns", &answer, Some(max_tokens));
        prop_assert!(tokens(&answer) <= budget(Some(max_tokens)));
        prop_assert!(is_counted(&answer, "patterns", all));
    }
}
