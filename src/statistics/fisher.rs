//! Whether two shares could differ by chance alone: Fisher's exact test of a table of two by two.
//!
//! Source: R. A. Fisher, "On the Interpretation of χ² from Contingency Tables, and the Calculation of P" (Journal of the
//! Royal Statistical Society 85(1), 1922). One-sided, towards "more often": the share of tables with the same margins in
//! which the first group has the feature at least as often as it does. It is exact for any size, which the usual
//! approximations are not for a handful of runs.

/// A table of two by two: two groups, and how many of each have a feature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Table {
    /// Of the first group, how many have it.
    pub with: u64,
    /// How large the first group is.
    pub of: u64,
    /// Of the second group, how many have it.
    pub other_with: u64,
    /// How large the second group is.
    pub other_of: u64,
}

/// Logarithms of factorials, from 0! to n!.
#[derive(Clone, Debug)]
pub struct LogFactorials(Vec<f64>);

impl LogFactorials {
    /// Those of all numbers up to `most`.
    #[must_use]
    pub fn up_to(most: u64) -> Self {
        let mut sum = super::ExactSum::default();
        let mut logs = vec![0.0];
        for n in 1..=most {
            sum.add((n as f64).ln());
            logs.push(sum.value());
        }
        Self(logs)
    }

    /// The logarithm of how many ways there are to take `k` of `n`; minus infinity where there are none.
    fn choose(&self, n: u64, k: u64) -> f64 {
        let log = |n: u64| usize::try_from(n).ok().and_then(|n| self.0.get(n)).copied();
        let all = n.checked_sub(k).and_then(|rest| Some(log(n)? - log(k)? - log(rest)?));
        all.unwrap_or(f64::NEG_INFINITY)
    }
}

impl Table {
    /// How likely the first group has the feature so often or more often, given the margins, if it makes no difference
    /// in which group a run is: 0..=1. `logs` reach at least to the number of runs.
    #[must_use]
    pub fn p_more(&self, logs: &LogFactorials) -> f64 {
        let most = self.of.min(self.with + self.other_with);
        let p: f64 = (self.with..=most).map(|with| self.probability(with, logs)).sum();
        p.min(1.0)
    }

    /// The hypergeometric probability of a table with these margins in which `with` of the first group have the feature.
    fn probability(&self, with: u64, logs: &LogFactorials) -> f64 {
        let having = self.with + self.other_with;
        let Some(other_with) = having.checked_sub(with) else { return 0.0 };
        let ways = logs.choose(self.of, with) + logs.choose(self.other_of, other_with);
        (ways - logs.choose(self.of + self.other_of, having)).exp()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn p(with: u64, of: u64, other_with: u64, other_of: u64) -> f64 {
        Table { with, of, other_with, other_of }.p_more(&LogFactorials::up_to(of + other_of))
    }

    #[test]
    fn known_values() {
        // The lady who tastes tea: Fisher, "The Design of Experiments" (1935), 17 of 70 and 1 of 70.
        assert!((p(3, 4, 1, 4) - 17.0 / 70.0).abs() < 1e-12);
        assert!((p(4, 4, 0, 4) - 1.0 / 70.0).abs() < 1e-12);
        // Fisher's twins of convicts: 10 of 13 against 2 of 17, 1 in 2,150.
        assert!((p(10, 13, 2, 17) - 0.000_465_18).abs() < 1e-7);
        assert!((p(0, 5, 3, 9) - 1.0).abs() < 1e-12);
        assert!((p(0, 0, 0, 0) - 1.0).abs() < 1e-12);
    }

    #[test]
    fn thousands_of_runs_lose_no_digits() {
        let small = p(1_000, 1_000, 0, 1_000);
        assert!(small > 0.0 || small < 1e-300);
        assert!((p(500, 1_000, 500, 1_000) - 0.5).abs() < 0.02);
    }

    prop_compose! {
        fn table()(of in 0_u64..60, other_of in 0_u64..60)
            (with in 0..=of, other_with in 0..=other_of, of in Just(of), other_of in Just(other_of)) -> Table {
            Table { with, of, other_with, other_of }
        }
    }

    proptest! {
        #[test]
        fn the_probabilities_of_all_tables_sum_to_one(table in table()) {
            let logs = LogFactorials::up_to(200);
            let sum: f64 = (0..=table.of).map(|with| table.probability(with, &logs)).sum();
            prop_assert!((sum - 1.0).abs() < 1e-9);
        }

        #[test]
        fn swapping_groups_and_presence_changes_nothing(table in table()) {
            let logs = LogFactorials::up_to(200);
            // As often or more in the first group is as seldom or less in the other.
            let mirrored = Table {
                with: table.other_of - table.other_with, of: table.other_of,
                other_with: table.of - table.with, other_of: table.of,
            };
            prop_assert!((table.p_more(&logs) - mirrored.p_more(&logs)).abs() < 1e-9);
        }

        #[test]
        fn one_more_of_the_failing_runs_makes_it_less_likely(table in table()) {
            let logs = LogFactorials::up_to(200);
            let more = Table { with: table.with + 1, other_with: table.other_with.wrapping_sub(1), ..table };
            prop_assume!(table.with < table.of && table.other_with > 0);
            prop_assert!(more.p_more(&logs) <= table.p_more(&logs) + 1e-12);
        }
    }
}
