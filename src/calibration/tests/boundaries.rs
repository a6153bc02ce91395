//! Each kind of finding, one step before its limit and on it.

use super::*;

const META_12: &str = "META-12";

/// `n` runs with the gap that ended on the days before day 0, and `clean` runs that passed the principle.
fn gap_history(n: i64, clean: i64) -> Vec<RunFacts> {
    let gaps = (0..n).map(|i| with_gap(run(&format!("gap-{i}"), at(-1, i)), META_12));
    let clean = (0..clean).map(|i| {
        let mut run = run(&format!("clean-{i}"), at(-2, i));
        run.principles = vec![META_12.to_owned()];
        run
    });
    gaps.chain(clean).collect()
}

/// `n` runs of the intent with `score`, and `others` runs without an intent with 2.5.
fn scored(n: i64, score: f64, others: i64) -> Vec<RunFacts> {
    let mut runs = Vec::new();
    for i in 0..n + others {
        let mut run = run(&format!("scored-{i}"), at(-3, i));
        run.score = Some(if i < n { score } else { 2.5 });
        run.intent = (i < n).then(|| "validating".to_owned());
        run.domain = (i < n).then(|| "robotics".to_owned());
        runs.push(run);
    }
    runs
}

fn checked(intent: Option<&str>, score: Option<f64>) -> RunFacts {
    RunFacts { intent: intent.map(str::to_owned), score, ..run("checked", at(0, 0)) }
}

/// `passed` of `judged` verdicts, the last of them a pass.
fn verdicts(passed: i64, judged: i64) -> Vec<RunFacts> {
    (0..judged)
        .map(|i| RunFacts { passed: Some(i >= judged - passed), ..run(&format!("judged-{i:03}"), at(-1, i)) })
        .collect()
}

fn failing() -> RunFacts {
    RunFacts { passed: Some(false), score: Some(1.4), ..run("checked", at(0, 0)) }
}

#[test]
fn two_runs_with_a_gap_are_not_repeated_and_three_are() {
    let checked = with_gap(run("checked", at(0, 0)), META_12);
    assert_eq!(findings(&checked, &gap_history(1, 4)), []);
    let found = findings(&checked, &gap_history(2, 4));
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].n, found[0].baseline.judged_runs, found[0].contributes), (3, Some(7), true));
    assert_eq!(
        found[0].trace_ids.iter().map(TraceId::as_str).collect::<Vec<_>>(),
        ["checked", "gap-1", "gap-0"]
    );
}

#[test]
fn the_message_reads_as_documented() {
    let checked = with_gap(run("checked", at(0, 0)), META_12);
    let found = findings(&checked, &gap_history(4, 4));
    assert_eq!(
        found[0].message,
        "Principle META-12 has scored below threshold 5 times in the last 7 days (5 of 9 runs)"
    );
}

#[test]
fn the_gap_window_is_open_at_its_far_end_and_ends_with_the_run() {
    let checked = with_gap(run("m", at(0, 0)), META_12);
    let fires = |second: RunFacts| {
        let others = [with_gap(run("first", at(-1, 0)), META_12), with_gap(second, META_12)];
        !findings(&checked, &others).is_empty()
    };
    assert!(!fires(run("x", at(-7, 0))), "exactly seven days before");
    assert!(fires(run("x", at(-7, 1))));
    assert!(fires(run("a", at(0, 0))), "the same microsecond, a smaller id");
    assert!(!fires(run("z", at(0, 0))), "the same microsecond, a greater id: that run counts this one");
    assert!(!fires(run("x", at(0, 1))), "later");
}

#[test]
fn of_three_runs_that_end_at_once_exactly_the_last_fires() {
    let runs = ["a", "b", "c"].map(|id| with_gap(run(id, at(0, 0)), META_12));
    let fired = runs.iter().map(|run| findings(run, &runs).len()).collect::<Vec<_>>();
    assert_eq!(fired, [0, 0, 1]);
}

#[test]
fn failed_and_abandoned_runs_count_and_open_ones_do_not() {
    let checked = with_gap(run("checked", at(0, 0)), META_12);
    let mut others = gap_history(2, 0);
    (others[0].status, others[1].status) = (Status::Failed, Status::Incomplete);
    assert_eq!(findings(&checked, &others).len(), 1);
    others[1].status = Status::InProgress;
    assert_eq!(findings(&checked, &others), []);
    let open = RunFacts { status: Status::InProgress, ..checked };
    assert_eq!(findings(&open, &gap_history(9, 0)), [], "an open run is not checked");
}

#[test]
fn an_intent_needs_five_scored_runs() {
    let checked = checked(Some("validating"), None);
    assert_eq!(findings(&checked, &scored(4, 1.0, 20)), []);
    let found = findings(&checked, &scored(5, 1.0, 20));
    assert_eq!((found[0].kind, found[0].n), (FlagKind::IntentQualityDisparity, 5));
    assert_eq!((found[0].baseline.subject_mean, found[0].baseline.overall_mean), (Some(1.0), Some(2.2)));
    assert_eq!(
        found[0].message,
        "Intent validating has a mean quality of 1.00 (5 runs), 1.20 below the overall 2.20 (25 runs), \
         in the 90 days before"
    );
}

#[test]
fn the_overall_mean_needs_ten_scored_runs() {
    let checked = checked(Some("validating"), None);
    assert_eq!(findings(&checked, &scored(5, 0.0, 4)), []);
    assert_eq!(findings(&checked, &scored(5, 0.0, 5)).len(), 1);
}

#[test]
fn exactly_half_a_point_is_not_more_than_half_a_point() {
    let checked = checked(Some("validating"), None);
    // Ten runs, five of the intent: the overall mean lies half way to 2.5.
    assert_eq!(findings(&checked, &scored(5, 1.5, 5)), []);
    assert_eq!(findings(&checked, &scored(5, 1.49, 5)).len(), 1);
    let mut thirds = scored(5, 1.3, 5);
    for run in thirds.iter_mut().skip(5) {
        run.score = Some(2.3);
    }
    assert_eq!(findings(&checked, &thirds), [], "1.8 - 1.3, which is not 0.5 in binary");
}

#[test]
fn the_run_itself_is_in_no_mean() {
    let checked = checked(Some("validating"), Some(0.0));
    let mut all = scored(4, 1.0, 20);
    all.push(checked.clone());
    assert_eq!(findings(&checked, &all), [], "it would be the fifth");
}

#[test]
fn a_domain_is_compared_as_an_intent_is() {
    let checked = RunFacts { domain: Some("robotics".to_owned()), ..checked(None, None) };
    let found = findings(&checked, &scored(5, 1.0, 20));
    assert_eq!((found.len(), found[0].kind), (1, FlagKind::DomainQualityDisparity));
    assert!(found[0].message.starts_with("Domain robotics "), "{}", found[0].message);
}

#[test]
fn a_run_contributes_to_a_disparity_when_it_scores_half_a_point_below_the_mean() {
    let history = scored(5, 1.0, 20);
    for (score, contributes) in [(None, false), (Some(1.71), false), (Some(1.7), true), (Some(0.0), true)] {
        let found = findings(&checked(Some("validating"), score), &history);
        assert_eq!(
            (found[0].contributes, is_flagged_for_review(&found)),
            (contributes, contributes),
            "{score:?}"
        );
    }
}

#[test]
fn a_baseline_forgets_after_ninety_days() {
    let checked = checked(Some("validating"), None);
    let shifted = |days: i64, micros: i64| {
        let mut history = scored(5, 1.0, 20);
        for run in &mut history {
            run.completed_at = Some(at(days, micros));
        }
        findings(&checked, &history).len()
    };
    assert_eq!((shifted(-90, 0), shifted(-90, 1)), (0, 1));
}

#[test]
fn a_regression_needs_a_pass_right_before() {
    assert_eq!(findings(&failing(), &[]), []);
    let mut history = verdicts(9, 10);
    let found = findings(&failing(), &history);
    assert_eq!((found[0].kind, found[0].severity), (FlagKind::QualityGateRegression, Severity::Warning));
    assert_eq!(found[0].baseline.previous_trace_id.as_ref().map(TraceId::as_str), Some("judged-009"));
    assert_eq!(
        found[0].message,
        "Project p failed the quality gate with 1.40 after its previous run had passed \
         (9 of 10 runs passed in the 90 days before)"
    );
    let passing = RunFacts { passed: Some(true), ..failing() };
    assert_eq!(findings(&passing, &history), []);
    history.push(RunFacts { passed: Some(false), ..run("just-before", at(0, -1)) });
    assert_eq!(findings(&failing(), &history), []);
}

#[test]
fn runs_without_a_verdict_and_of_other_projects_are_passed_over() {
    let mut history = verdicts(9, 10);
    history.push(run("no-verdict", at(0, -2)));
    history.push(RunFacts { project: "q".into(), passed: Some(false), ..run("elsewhere", at(0, -1)) });
    assert_eq!(findings(&failing(), &history).len(), 1);
}

#[test]
fn below_eighty_per_cent_a_regression_is_a_note() {
    let severity = |passed, judged| findings(&failing(), &verdicts(passed, judged))[0].severity;
    assert_eq!(severity(79, 100), Severity::Note);
    assert_eq!(severity(80, 100), Severity::Warning);
    assert_eq!(severity(4, 5), Severity::Warning);
}

#[test]
fn a_pass_older_than_the_baseline_still_makes_a_regression() {
    let old = RunFacts { passed: Some(true), ..run("old", at(-200, 0)) };
    let found = findings(&failing(), &[old]);
    assert_eq!((found[0].severity, found[0].baseline.verdicts), (Severity::Warning, Some(0)));
    assert!(found[0].message.ends_with("(no other verdict in the 90 days before)"), "{}", found[0].message);
}

#[test]
fn a_scope_of_the_project_leaves_other_projects_out() {
    let rules = CalibrationRules { flag_scope: FlagScope::Project, ..CalibrationRules::default() };
    let checked = with_gap(run("checked", at(0, 0)), META_12);
    let mut others = gap_history(2, 0);
    others[0].project = "q".to_owned();
    let baseline = |rules| Baseline::from_runs(&checked, &others, &Resolutions::default(), rules);
    assert_eq!(check(&checked, &baseline(&rules), &rules), []);
    assert_eq!(check(&checked, &baseline(&CalibrationRules::default()), &rules).len(), 1);
}
