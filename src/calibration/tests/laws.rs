//! What holds for any runs.

use proptest::prelude::*;

use super::*;
use crate::statistics::testing::any_runs;

/// Checks the runs as they end and keeps their flags, as a server does; then hands each finding in again.
fn flags_of(runs: &[RunFacts], again: bool) -> Vec<Flag> {
    let rules = CalibrationRules::default();
    let mut flags: Vec<Flag> = Vec::new();
    let mut finished: Vec<&RunFacts> = runs.iter().filter(|run| run.is_finished()).collect();
    finished.sort_by_key(|run| (run.ended_at(), run.trace_id.as_str()));
    for run in finished {
        let ended_at = run.ended_at().unwrap();
        let baseline = Baseline::from_runs(run, runs, &Resolutions::of(&flags), &rules);
        for finding in check(run, &baseline, &rules) {
            let place = flags.iter().position(|flag| flag.key() == finding.key());
            let existing = place.map(|place| flags.swap_remove(place));
            let (flag, _) = Flag::observe(existing, &finding, ended_at, ended_at, &rules);
            if again {
                let (same, announcement) =
                    Flag::observe(Some(flag.clone()), &finding, ended_at, at(400, 0), &rules);
                assert_eq!((&same, announcement), (&flag, Announcement::Silent));
            }
            flags.push(flag);
        }
    }
    flags.sort_by(|a, b| a.id.cmp(&b.id));
    flags
}

proptest! {
    #[test]
    fn runs_that_are_open_or_end_later_change_no_finding(
        runs in any_runs(),
        pick in any::<prop::sample::Index>(),
    ) {
        prop_assume!(!runs.is_empty());
        let checked = &runs[pick.index(runs.len())];
        let earlier: Vec<RunFacts> = runs
            .iter()
            .filter(|run| run.is_finished() && run.ended_at() <= checked.ended_at())
            .cloned()
            .collect();
        prop_assert_eq!(findings(checked, &runs), findings(checked, &earlier));
        if !checked.is_finished() {
            prop_assert_eq!(findings(checked, &runs), []);
        }
    }

    #[test]
    fn a_check_depends_neither_on_the_order_of_the_runs_nor_on_holding_its_own(
        runs in any_runs(),
        pick in any::<prop::sample::Index>(),
    ) {
        prop_assume!(!runs.is_empty());
        let checked = &runs[pick.index(runs.len())];
        let others: Vec<RunFacts> =
            runs.iter().rev().filter(|run| run.trace_id != checked.trace_id).cloned().collect();
        prop_assert_eq!(findings(checked, &runs), findings(checked, &others));
    }

    #[test]
    fn a_count_never_exceeds_its_base_and_names_its_runs(runs in any_runs()) {
        for run in &runs {
            for finding in findings(run, &runs) {
                prop_assert_eq!(finding.trace_ids.len() as i64, finding.n.min(NAMED_RUNS as i64));
                prop_assert!(finding.baseline.judged_runs.is_none_or(|runs| finding.n <= runs));
                prop_assert!(finding.baseline.overall_n.is_none_or(|runs| finding.n <= runs));
            }
        }
    }

    #[test]
    fn handing_a_finding_in_twice_changes_nothing(runs in any_runs()) {
        prop_assert_eq!(flags_of(&runs, true), flags_of(&runs, false));
    }
}
