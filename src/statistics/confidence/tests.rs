//! The figures against published definitions, written out plainly, and what holds for any decisions.

use proptest::prelude::*;

use super::*;

/// One decision: thousandths, right, run, own.
type Said = (i64, bool, i64, bool);

fn observed((thousandths, right, run, own): Said) -> Observed {
    Observed { confidence: Thousandths::new(thousandths), right, run, own }
}

fn observations(said: &[Said]) -> Observations {
    let mut observations = Observations::default();
    said.iter().for_each(|one| observations.add(observed(*one), 1));
    observations
}

fn report(said: &[Said]) -> ConfidenceReport {
    ConfidenceReport::of(&observations(said), ConfidenceReport::MIN_N)
}

/// So many decisions of runs of their own that say so many thousandths, the first `right` of them right.
fn apart(thousandths: i64, right: i64, n: i64) -> Vec<Said> {
    (0..n).map(|run| (thousandths, run < right, run, false)).collect()
}

/// Any decisions: confidence often on a border, gates shared within runs.
fn any_said() -> impl Strategy<Value = Vec<Said>> {
    let confidence = prop_oneof![0..=1000_i64, (0..=10_i64).prop_map(|tenth| tenth * 100)];
    let one = (confidence, any::<bool>(), 0..8_i64, prop::bool::weighted(0.3));
    prop::collection::vec(one, 1..80).prop_map(|mut said| {
        for one in &mut said {
            one.1 = if one.3 { one.1 } else { one.2 % 2 == 0 };
        }
        said
    })
}

fn close(a: f64, b: f64) -> bool {
    (a - b).abs() < 1e-9
}

#[test]
fn a_confidence_goes_to_the_nearest_thousandth() {
    for (confidence, thousandths) in
        [(0.0, 0), (0.0004, 0), (0.0005, 1), (0.86, 860), (0.9999, 1000), (1.0, 1000)]
    {
        let confidence = crate::model::Confidence::try_from(confidence).unwrap();
        assert_eq!(Thousandths::of(confidence).get(), thousandths);
    }
}

#[test]
fn over_confidence_is_said_where_the_numbers_show_it() {
    let leaning = report(&apart(860, 61, 100)).leaning.unwrap();
    assert_eq!(leaning.verdict, Verdict::OverConfident);
    assert!(close(leaning.gap, 0.25) && leaning.gap_low > 0.14 && leaning.gap_high < 0.36, "{leaning:?}");
    assert_eq!(report(&apart(500, 90, 100)).leaning.unwrap().verdict, Verdict::UnderConfident);
    assert_eq!(report(&apart(860, 80, 100)).leaning.unwrap().verdict, Verdict::Unclear);
    assert_eq!(report(&apart(860, 2, 19)).leaning.unwrap().verdict, Verdict::TooFew);
}

#[test]
fn decisions_that_share_a_verdict_are_worth_one_outcome() {
    // Ten decisions in each of ten runs, of which six passed.
    let shared: Vec<Said> = (0..100).map(|n| (860, n % 10 < 6, n % 10, false)).collect();
    let shared = report(&shared);
    assert_eq!((shared.n, shared.runs), (100, 10));
    let leaning = shared.leaning.unwrap();
    assert_eq!((leaning.observed_low, leaning.observed_high), crate::statistics::wilson(6, 10));
    assert_eq!(leaning.verdict, Verdict::Unclear, "six of ten runs do not refute 0.86");
    // With an outcome of its own each counts.
    let own: Vec<Said> = (0..100).map(|n| (860, n % 10 < 6, n / 10, true)).collect();
    let leaning = report(&own).leaning.unwrap();
    assert_eq!((leaning.observed_low, leaning.observed_high), crate::statistics::wilson(60, 100));
    assert_eq!(leaning.verdict, Verdict::OverConfident);
}

#[test]
fn a_few_runs_that_all_went_well_are_no_proof_of_modesty() {
    let said: Vec<Said> = (0..30).map(|n| (800, true, n % 3, false)).collect();
    assert_eq!(report(&said).leaning.unwrap().verdict, Verdict::Unclear);
    let one_run: Vec<Said> = (0..30).map(|_| (800, false, 1, true)).collect();
    let leaning = report(&one_run).leaning.unwrap();
    assert_eq!((leaning.gap_low, leaning.gap_high, leaning.verdict), (-1.0, 1.0, Verdict::Unclear));
}

#[test]
fn the_score_and_its_parts_can_be_followed_by_hand() {
    let report =
        report(&[(900, true, 1, true), (900, false, 2, true), (200, false, 3, true), (400, true, 4, true)]);
    let brier = report.brier.unwrap();
    // 0.01 + 0.81 + 0.04 + 0.36, over four.
    assert!(close(brier.score, 0.305));
    // Bins: (0.9: one of two), (0.2: none of one), (0.4: one of one); half of all are right.
    assert!(close(brier.reliability, (2.0 * 0.16 + 0.04 + 0.36) / 4.0));
    assert!(close(brier.resolution, (0.25 + 0.25) / 4.0));
    assert!(close(brier.uncertainty, 0.25) && close(brier.within_bins, 0.0));
    assert!(close(report.ece.unwrap(), (2.0 * 0.4 + 0.2 + 0.6) / 4.0));
}

#[test]
fn borders_belong_to_the_bin_above_and_one_to_the_last() {
    let report =
        report(&[(100, true, 1, true), (99, true, 1, true), (1000, true, 1, true), (900, true, 1, true)]);
    let bins: Vec<_> = report.bins.iter().map(|bin| (bin.from, bin.n)).collect();
    assert_eq!(bins, [(0.0, 1), (0.1, 1), (0.9, 2)]);
}

#[test]
fn nothing_said_is_no_figure() {
    let report = report(&[]);
    assert_eq!((report.n, report.leaning, report.ece, report.brier), (0, None, None, None));
    assert!(report.bins.is_empty() && report.equal_mass_bins.is_empty());
}

#[test]
fn groups_come_by_how_sure_their_gap_is_and_small_ones_are_counted() {
    let mut groups = GroupedConfidence::default();
    for (value, said) in [
        (Some("off"), apart(900, 50, 100)),
        (Some("good"), apart(900, 180, 200)),
        (None, apart(900, 18, 20)),
        (Some("worst but few"), apart(900, 0, 5)),
    ] {
        said.into_iter().for_each(|one| groups.add(value.map(str::to_owned), observed(one), 1));
    }
    let (groups, left_out) = groups.report(20);
    let order: Vec<_> = groups.iter().map(|group| (group.value.as_deref(), group.leaning.verdict)).collect();
    let expected =
        [(Some("off"), Verdict::OverConfident), (Some("good"), Verdict::Unclear), (None, Verdict::Unclear)];
    assert_eq!((order.as_slice(), left_out), (expected.as_slice(), 1));
}

proptest! {
    #[test]
    fn merging_in_any_order_is_one_pass(said in any_said(), cuts in (0..80_usize, 0..80_usize)) {
        let (a, b) = (cuts.0.min(cuts.1).min(said.len()), cuts.0.max(cuts.1).min(said.len()));
        let [x, y, z] = [&said[..a], &said[a..b], &said[b..]].map(observations);
        let merged = |parts: [&Observations; 3]| {
            let mut all = Observations::default();
            parts.iter().for_each(|part| all.merge(part));
            all
        };
        let mut right_first = y.clone();
        right_first.merge(&z);
        let mut nested = x.clone();
        nested.merge(&right_first);
        let whole = observations(&said);
        prop_assert_eq!(&merged([&x, &y, &z]), &whole);
        prop_assert_eq!(&merged([&z, &x, &y]), &whole);
        prop_assert_eq!(&nested, &whole);
        let mut turned = said;
        turned.reverse();
        prop_assert_eq!(ConfidenceReport::of(&whole, 20), report(&turned));
    }

    #[test]
    fn the_parts_of_the_score_add_up_and_both_agree_with_their_definitions(said in any_said()) {
        let report = report(&said);
        let n = said.len() as f64;
        let pairs: Vec<(f64, f64)> = said.iter().map(|one| (one.0 as f64 / 1000.0, f64::from(one.1))).collect();
        let brier = report.brier.unwrap();
        let score = pairs.iter().map(|(f, o)| (f - o).powi(2)).sum::<f64>() / n;
        prop_assert!(close(brier.score, score));
        let parts = brier.reliability - brier.resolution + brier.uncertainty + brier.within_bins;
        prop_assert!(close(parts, score), "{brier:?}");
        let ece: f64 = (0..FIXED_BINS)
            .map(|bin| {
                let inside = said.iter().zip(&pairs).filter(|(one, _)| fixed_bin(Thousandths::new(one.0)) == bin);
                inside.map(|(_, (f, o))| f - o).sum::<f64>().abs() / n
            })
            .sum();
        prop_assert!(close(report.ece.unwrap(), ece));
    }

    #[test]
    fn bins_hold_every_decision_once_and_never_part_equal_confidence(said in any_said()) {
        let report = report(&said);
        for bins in [&report.bins, &report.equal_mass_bins] {
            prop_assert!((1..=FIXED_BINS).contains(&bins.len()));
            prop_assert_eq!(bins.iter().map(|bin| bin.n).sum::<i64>(), said.len() as i64);
            prop_assert_eq!(bins.iter().map(|bin| bin.right).sum::<i64>(), said.iter().filter(|one| one.1).count() as i64);
            for bin in bins {
                prop_assert!(bin.from <= bin.mean_confidence + 1e-9 && bin.mean_confidence <= bin.to + 1e-9);
                prop_assert!(bin.observed_low <= bin.observed_rate && bin.observed_rate <= bin.observed_high);
            }
        }
        for pair in report.equal_mass_bins.windows(2) {
            prop_assert!(pair[0].to < pair[1].from);
        }
    }

    #[test]
    fn a_gap_lies_within_its_interval_and_a_verdict_keeps_to_it(said in any_said()) {
        let leaning = report(&said).leaning.unwrap();
        prop_assert!(leaning.gap_low <= leaning.gap + 1e-12 && leaning.gap <= leaning.gap_high + 1e-12);
        let within = leaning.observed_low <= leaning.mean_confidence && leaning.mean_confidence <= leaning.observed_high;
        prop_assert!(!(within && leaning.verdict.is_clear()), "{leaning:?}");
        prop_assert_eq!(leaning.at_least() > 0.0, leaning.gap_low > 0.0 || leaning.gap_high < 0.0);
    }
}
