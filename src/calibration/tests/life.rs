//! The life of a flag: what it takes in, when it speaks, and how its alerts read.

use super::*;

const STILL: Announcement = Announcement::StillOpen { announce: false };
const STILL_ANNOUNCED: Announcement = Announcement::StillOpen { announce: true };

/// A finding of the run `id`.
fn finding(id: &str) -> Finding {
    Finding {
        kind: FlagKind::RepeatedPrincipleFailure,
        subject: "META-12".to_owned(),
        project: "p".to_owned(),
        severity: Severity::Warning,
        trace_id: id.parse().unwrap(),
        n: 3,
        baseline: FindingBaseline { window_days: 7, judged_runs: Some(4), ..FindingBaseline::default() },
        message: format!("found by {id}"),
        trace_ids: vec![id.parse().unwrap()],
        contributes: true,
    }
}

/// Hands in a finding of a run that has just ended.
fn observe(flag: Option<Flag>, id: &str, at: Timestamp) -> (Flag, Announcement) {
    Flag::observe(flag, &finding(id), at, at, &CalibrationRules::default())
}

/// A flag opened on day 0 and then reviewed on day 1.
fn reviewed(action: FlagAction) -> Flag {
    let (mut flag, announcement) = observe(None, "first", at(0, 0));
    assert_eq!(announcement, Announcement::Opened);
    assert!(flag.review(action, at(1, 0)));
    flag
}

#[test]
fn an_open_flag_speaks_at_most_once_a_day() {
    let (flag, _) = observe(None, "a", at(0, 0));
    let (flag, announcement) = observe(Some(flag), "b", at(1, -1));
    assert_eq!(announcement, STILL);
    let (flag, announcement) = observe(Some(flag), "c", at(1, 0));
    assert_eq!(announcement, STILL_ANNOUNCED);
    let (flag, announcement) = observe(Some(flag), "d", at(1, 1));
    assert_eq!(announcement, STILL);
    assert_eq!((flag.fired, flag.alerts.len(), flag.last_announced), (4, 2, at(1, 0)));
    assert_eq!((flag.first_seen, flag.last_seen), (at(0, 0), at(1, 1)));
}

#[test]
fn each_state_meets_the_next_finding_in_its_own_way() {
    let until = at(5, 0);
    let table = [
        (FlagAction::Acknowledge, at(9, 0), Announcement::Silent, "acknowledged"),
        (FlagAction::Snooze { until }, at(5, -1), Announcement::Silent, "snoozed"),
        (FlagAction::Snooze { until }, at(5, 0), Announcement::Reopened, "open"),
        (FlagAction::Resolve, at(1, 0), Announcement::Silent, "resolved"),
        (FlagAction::Resolve, at(1, 1), Announcement::Reopened, "open"),
    ];
    for (action, when, expected, state) in table {
        let (flag, announcement) = observe(Some(reviewed(action)), "next", when);
        assert_eq!((announcement, flag.state.as_str()), (expected, state), "{action:?} at {when}");
        assert_eq!(flag.alerts.len(), 1 + usize::from(expected.is_announced()));
    }
}

#[test]
fn a_silent_flag_still_counts() {
    let (flag, _) = observe(Some(reviewed(FlagAction::Acknowledge)), "next", at(2, 0));
    assert_eq!((flag.fired, flag.last_seen, flag.message.as_str()), (2, at(2, 0), "found by next"));
}

#[test]
fn a_run_that_ended_before_the_resolution_changes_nothing_also_after_the_flag_is_back() {
    let (flag, _) = observe(Some(reviewed(FlagAction::Resolve)), "next", at(2, 0));
    let (late, announcement) = observe(Some(flag.clone()), "late", at(1, 0));
    assert_eq!((late, announcement), (flag, Announcement::Silent));
}

#[test]
fn a_finding_that_comes_in_late_counts_without_taking_over() {
    let (flag, _) = observe(None, "b", at(2, 0));
    let (flag, announcement) = observe(Some(flag), "a", at(1, 0));
    assert_eq!(announcement, STILL);
    assert_eq!((flag.fired, flag.first_seen, flag.last_seen), (2, at(1, 0), at(2, 0)));
    assert_eq!(flag.message, "found by b");
}

#[test]
fn repeating_a_review_is_harmless() {
    let until = at(5, 0);
    let actions =
        [FlagAction::Acknowledge, FlagAction::Snooze { until }, FlagAction::Resolve, FlagAction::Reopen];
    for action in actions {
        let (mut flag, _) = observe(None, "a", at(0, 0));
        flag.review(action, at(1, 0));
        let once = flag.clone();
        assert!(!flag.review(action, at(2, 0)), "{action:?}");
        assert_eq!(flag, once);
    }
}

#[test]
fn after_a_resolution_only_later_runs_are_counted_until_it_is_taken_back() {
    let rules = CalibrationRules::default();
    let gap = |id: &str, ended_at| with_gap(run(id, ended_at), "META-12");
    let mut runs = vec![gap("a", at(-2, 0)), gap("b", at(-1, 0))];
    let mut flag = reviewed(FlagAction::Resolve);
    let mut counts = Vec::new();
    for (day, id) in ["c", "d", "e"].into_iter().enumerate() {
        let checked = gap(id, at(2, day as i64));
        let baseline = Baseline::from_runs(&checked, &runs, &Resolutions::of([&flag]), &rules);
        counts.push((baseline.gaps[0].gap_runs, check(&checked, &baseline, &rules).len()));
        runs.push(checked);
    }
    assert_eq!(counts, [(1, 0), (2, 0), (3, 1)]);

    let checked = gap("f", at(3, 0));
    let count =
        |flag: &Flag| Baseline::from_runs(&checked, &runs, &Resolutions::of([flag]), &rules).gaps[0].gap_runs;
    assert_eq!(count(&flag), 4);
    let (back, _) = observe(Some(flag.clone()), "e", at(2, 2));
    assert_eq!(count(&back), 4, "opening again does not bring the old runs back");
    flag.review(FlagAction::Reopen, at(3, 0));
    assert_eq!(count(&flag), 6);
}

#[test]
fn a_run_that_ended_before_the_resolution_is_not_checked_against_it() {
    let rules = CalibrationRules { gap_min_runs: 1, ..CalibrationRules::default() };
    let resolutions = Resolutions::of([&reviewed(FlagAction::Resolve)]);
    let checked = with_gap(run("c", at(1, 0)), "META-12");
    let found = check(&checked, &Baseline::from_runs(&checked, &[], &resolutions, &rules), &rules);
    assert_eq!(found, []);
}

#[test]
fn a_resolved_disparity_needs_new_runs_of_the_subject_only() {
    let rules = CalibrationRules::default();
    let mut flag = reviewed(FlagAction::Resolve);
    (flag.kind, flag.subject) = (FlagKind::IntentQualityDisparity, "validating".to_owned());
    let score = |id: String, when, intent: Option<&str>| RunFacts {
        score: Some(if intent.is_some() { 1.0 } else { 2.5 }),
        intent: intent.map(str::to_owned),
        ..run(&id, when)
    };
    let mut runs: Vec<_> = (0..20).map(|i| score(format!("other-{i}"), at(-1, i), None)).collect();
    runs.extend((0..9).map(|i| score(format!("old-{i}"), at(-1, i), Some("validating"))));
    runs.extend((0..4).map(|i| score(format!("new-{i}"), at(2, i), Some("validating"))));
    let checked = score("checked".to_owned(), at(3, 0), Some("validating"));
    let found = |runs: &[RunFacts], resolutions| {
        check(&checked, &Baseline::from_runs(&checked, runs, &resolutions, &rules), &rules)
    };
    assert_eq!(found(&runs, Resolutions::default())[0].n, 13);
    assert_eq!(found(&runs, Resolutions::of([&flag])), []);
    runs.push(score("new-5".to_owned(), at(2, 9), Some("validating")));
    let found = found(&runs, Resolutions::of([&flag]));
    assert_eq!((found[0].n, found[0].baseline.overall_n), (5, Some(34)));
}

#[test]
fn only_so_many_runs_and_alerts_are_kept_and_the_rest_is_counted() {
    let mut flag = None;
    for day in 0..60 {
        flag = Some(observe(flag, &format!("run-{day:02}"), at(day, 0)).0);
    }
    let flag = flag.unwrap();
    assert_eq!((flag.fired, flag.fired_by.len()), (60, NAMED_RUNS));
    assert_eq!((flag.alerts.len(), flag.alerts_let_go), (50, 10));
    let (again, announcement) = observe(Some(flag.clone()), "run-03", at(3, 0));
    assert_eq!((again, announcement), (flag, Announcement::Silent), "too long ago to tell from a repetition");
}

#[test]
fn a_flag_survives_being_stored_and_is_flat_json() {
    for action in [FlagAction::Acknowledge, FlagAction::Snooze { until: at(9, 0) }, FlagAction::Resolve] {
        let flag = reviewed(action);
        let json = serde_json::to_value(&flag).unwrap();
        assert_eq!(json["state"], flag.state.as_str());
        assert_eq!(serde_json::from_str::<Flag>(&json.to_string()).unwrap(), flag);
    }
    let schema = serde_json::to_value(schemars::schema_for!(Flag)).unwrap();
    for field in ["state", "snoozed_until", "resolved_at", "last_seen"] {
        assert!(schema["properties"].get(field).is_some(), "{field}");
    }
    assert!(!schema.to_string().contains("oneOf"));
}

#[test]
fn alerts_come_newest_last_under_dated_headings() {
    let (flag, _) = observe(None, "a", at(0, 0));
    let (flag, _) = observe(Some(flag), "b", at(1, 0));
    let (mut other, _) = observe(None, "c", at(0, 1));
    (other.id, other.project) = ("other".to_owned(), "[x](http://x)\n# <b>".to_owned());
    other.review(FlagAction::Acknowledge, at(1, 0));
    let text = alerts_markdown([&flag, &other]);
    let headings: Vec<_> = text.lines().filter(|line| line.starts_with('#')).collect();
    assert_eq!(
        headings,
        [
            "# Calibration alerts",
            "## 2026-06-01 12:00:00 UTC repeated_principle_failure",
            "## 2026-06-01 12:00:00 UTC repeated_principle_failure",
            "## 2026-06-02 12:00:00 UTC repeated_principle_failure, still open",
        ]
    );
    assert!(text.contains(r"Project \[x\](http://x)\# \<b\>. Flag `other`, now acknowledged."), "{text}");
}

#[test]
fn an_announcement_is_one_line_whatever_the_record_holds() {
    let (mut flag, _) = observe(None, "a", at(0, 0));
    flag.message = "two\nlines \u{1b}[31m\u{202e}".to_owned();
    assert_eq!(announcement_line(&flag), format!("[CALIBRATION] warning: twolines [31m ({})", flag.id));
}
