//! How much a share of a few runs says: intervals that stay honest for small numbers.

/// The standard normal quantile at 0.975, for two-sided intervals of 95 %.
pub(super) const Z: f64 = 1.959_963_984_540_054;

/// The 95 % Wilson score interval of the share that `successes` of `n` show; `(0, 1)` where `n` is 0.
///
/// Both ends lie in `0..=1` and the share between them. More than `n` successes count as `n`.
///
/// Source: E. B. Wilson, "Probable Inference, the Law of Succession, and Statistical Inference" (1927),
/// without continuity correction; the recommendation for small samples of L. D. Brown, T. T. Cai and A.
/// DasGupta, "Interval Estimation for a Binomial Proportion" (2001).
///
/// ```
/// let (low, high) = whytrace::statistics::wilson(5, 9);
/// assert_eq!(format!("{low:.3} {high:.3}"), "0.267 0.811");
/// ```
#[must_use]
pub fn wilson(successes: u64, n: u64) -> (f64, f64) {
    wilson_of(rate(successes, n), n as f64)
}

/// The same of a share and a number of observations that need not be whole, such as an effective one.
pub(super) fn wilson_of(share: f64, n: f64) -> (f64, f64) {
    if n <= 0.0 {
        return (0.0, 1.0);
    }
    let shrink = 1.0 + Z * Z / n;
    let centre = (share + Z * Z / (2.0 * n)) / shrink;
    let half = Z / shrink * (share * (1.0 - share) / n + Z * Z / (4.0 * n * n)).sqrt();
    // Rounding may carry an end past the share where the two coincide: at 0 and at 1.
    ((centre - half).clamp(0.0, share), (centre + half).clamp(share, 1.0))
}

/// The 95 % interval of the difference between two independent shares, the first minus the second; `(-1, 1)`
/// where either has no runs.
///
/// It is built from the Wilson intervals of both: method 10 of R. G. Newcombe, "Interval Estimation for the
/// Difference Between Independent Proportions" (1998). Where it does not hold 0, the shares differ; a handful
/// of runs seldom shows that, which is the point.
#[must_use]
pub fn difference(first: (u64, u64), second: (u64, u64)) -> (f64, f64) {
    if first.1 == 0 || second.1 == 0 {
        return (-1.0, 1.0);
    }
    let (a, b) = (rate(first.0, first.1), rate(second.0, second.1));
    let ((a_low, a_high), (b_low, b_high)) = (wilson(first.0, first.1), wilson(second.0, second.1));
    let low = (a - b) - (a - a_low).hypot(b_high - b);
    let high = (a - b) + (a_high - a).hypot(b - b_low);
    (low.max(-1.0), high.min(1.0))
}

/// The share itself, in `0..=1`; 0 where `n` is 0.
#[must_use]
pub(super) fn rate(successes: u64, n: u64) -> f64 {
    if n == 0 { 0.0 } else { successes.min(n) as f64 / n as f64 }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn close(interval: (f64, f64), low: f64, high: f64) -> bool {
        (interval.0 - low).abs() < 5e-5 && (interval.1 - high).abs() < 5e-5
    }

    #[test]
    fn wilson_gives_the_published_figures() {
        // Newcombe, "Two-sided confidence intervals for the single proportion" (1998), table I, method 3.
        assert!(close(wilson(81, 263), 0.2553, 0.3662));
        assert!(close(wilson(15, 148), 0.0624, 0.1605));
        assert!(close(wilson(0, 20), 0.0, 0.1611));
        assert!(close(wilson(1, 29), 0.0061, 0.1718));
    }

    #[test]
    fn the_difference_gives_the_published_figures() {
        // Newcombe, "Interval estimation for the difference between independent proportions" (1998), table
        // II.
        assert!(close(difference((56, 70), (48, 80)), 0.0524, 0.3339));
        assert!(close(difference((9, 10), (3, 10)), 0.1705, 0.8090));
        assert!(close(difference((0, 10), (0, 10)), -0.2775, 0.2775));
    }

    proptest! {
        #[test]
        fn wilson_stays_within_bounds_and_holds_the_share(
            (successes, n) in (1..u64::MAX).prop_flat_map(|n| (0..=n, Just(n))),
        ) {
            let (low, high) = wilson(successes, n);
            let share = rate(successes, n);
            prop_assert!(0.0 <= low && low <= share && share <= high && high <= 1.0);
        }

        #[test]
        fn the_difference_stays_within_bounds_and_turns_with_its_sides(
            a in 0..50_u64,
            b in 0..50_u64,
            n in 50..60_u64,
        ) {
            let (low, high) = difference((a, n), (b, n));
            prop_assert!(-1.0 <= low && low <= high && high <= 1.0);
            let (back_low, back_high) = difference((b, n), (a, n));
            prop_assert!((low + back_high).abs() < 1e-12 && (high + back_low).abs() < 1e-12);
        }
    }
}
