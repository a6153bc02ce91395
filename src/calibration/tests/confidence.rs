//! What fires the flag of confidence, and how often chance does.

use super::*;
use crate::calibration::confidence::{ConfidenceWindow, PastConfidence, check_confidence, is_off};
use crate::statistics::confidence::{KeptSums, Observed, RunConfidence, Thousandths};

/// Numbers without a pattern, the same each time.
struct Dice(u64);

impl Dice {
    /// One of `0..count`.
    fn below(&mut self, count: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % count
    }

    /// Whether something happens that happens in so many of a thousand.
    fn happens(&mut self, thousandths: i64) -> bool {
        i64::try_from(self.below(1000)).unwrap() < thousandths
    }
}

/// How a history goes.
#[derive(Clone, Copy, Default)]
struct Plan {
    /// How much more the first key says than is true, in thousandths.
    too_sure: i64,
    /// Whether each decision has an outcome of its own; else they share that of the gate.
    own: bool,
}

/// The subjects that are flagged in a history of 200 runs with up to three decisions of each of four keys; with each
/// how many runs that took.
fn flagged(seed: u64, plan: Plan) -> Vec<(String, i64)> {
    let rules = CalibrationRules::default();
    let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let mut past = PastConfidence::new(rules);
    let mut fired: Vec<(String, i64)> = Vec::new();
    for n in 0..200_i64 {
        let true_share = 550 + 100 * i64::try_from(dice.below(5)).unwrap();
        let passed = dice.happens(true_share);
        let mut decisions = Vec::new();
        for key in 0..4 {
            for _ in 0..=dice.below(3) {
                let said = if key == 0 { true_share + plan.too_sure } else { true_share };
                let right = if plan.own { dice.happens(true_share) } else { passed };
                let confidence = Thousandths::new(said);
                decisions.push((format!("k{key}"), Observed { confidence, right, run: 0, own: plan.own }, 1));
            }
        }
        let run = run(&format!("trc_{n:03}"), at(n / 10, n));
        let confidence = RunConfidence::of_decisions(Some("ada"), decisions);
        let window = ConfidenceWindow::of(&run, &confidence, &Resolutions::default(), &rules).unwrap();
        let said = past.said(&confidence, &window);
        for finding in check_confidence(&run, &confidence, &said, &rules) {
            if fired.iter().all(|(subject, _)| *subject != finding.subject) {
                fired.push((finding.subject, finding.n));
            }
        }
        past.add(&run, &confidence);
    }
    fired
}

#[test]
fn of_a_hundred_histories_without_a_fault_at_most_five_are_flagged() {
    for own in [false, true] {
        let plan = Plan { own, ..Plan::default() };
        let alarms: Vec<_> = (0..100).map(|seed| flagged(seed, plan)).filter(|it| !it.is_empty()).collect();
        assert!(alarms.len() <= 5, "own outcomes {own}: {alarms:?}");
    }
}

#[test]
fn a_key_that_is_too_sure_is_flagged_soon_and_no_other() {
    for own in [false, true] {
        let plan = Plan { too_sure: 300, own };
        let mut runs: Vec<i64> = Vec::new();
        for seed in 0..30 {
            let fired = flagged(seed, plan);
            let of_key = fired.iter().find(|(subject, _)| subject == "decision:k0");
            runs.push(of_key.unwrap_or_else(|| panic!("{seed}: {fired:?}")).1);
            let others = fired
                .iter()
                .filter(|(subject, _)| ["k1", "k2", "k3"].iter().any(|key| subject.ends_with(key)));
            assert_eq!(others.count(), 0, "{seed}: {fired:?}");
        }
        runs.sort_unstable();
        assert!(runs[15] <= 40, "half of them within so many runs: {runs:?}");
    }
}

#[test]
fn the_limit_is_needed_and_not_enough() {
    let rules = CalibrationRules::default();
    let sums = |n: i64, said: i64, right: i64| {
        let mut sums = KeptSums::default();
        for place in 0..n {
            let confidence = Thousandths::new(said);
            let observed = Observed { confidence, right: place < right, run: 0, own: false };
            sums.add(&KeptSums::of_run([(observed, 1)]));
        }
        is_off(&sums, &rules)
    };
    assert!(sums(50, 950, 25));
    assert!(!sums(49, 950, 20), "too few decisions");
    assert!(!sums(100, 500, 65), "at the limit, not above");
    assert!(!sums(60, 500, 40), "above the limit, and within what chance does");
    assert!(!sums(10_000, 950, 8_500), "sure, and below the limit");
}
