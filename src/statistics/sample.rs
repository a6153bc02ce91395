//! Numbers of which the mean and the quantiles are asked.

use super::ExactSum;

/// A sample that keeps its numbers, so that its quantiles are exact: eight bytes a number.
#[derive(Clone, Debug, Default)]
pub struct Sample {
    numbers: Vec<f64>,
    sum: ExactSum,
}

/// A sample in ascending order, ready to be asked for quantiles.
#[derive(Clone, Debug)]
pub struct Sorted(Vec<f64>);

impl Sample {
    /// Adds a number; one that is not finite is no observation.
    pub fn add(&mut self, number: f64) {
        if number.is_finite() {
            self.numbers.push(number);
            self.sum.add(number);
        }
    }

    /// Adds what another sample holds.
    pub fn merge(&mut self, mut other: Self) {
        self.numbers.append(&mut other.numbers);
        self.sum.merge(&other.sum);
    }

    /// How many numbers it holds.
    #[must_use]
    pub fn n(&self) -> u64 {
        self.numbers.len() as u64
    }

    /// The arithmetic mean, of the exact sum.
    #[must_use]
    pub fn mean(&self) -> Option<f64> {
        mean(&self.sum, self.n())
    }

    /// The numbers in ascending order.
    #[must_use]
    pub fn sorted(&self) -> Sorted {
        let mut numbers = self.numbers.clone();
        numbers.sort_unstable_by(f64::total_cmp);
        Sorted(numbers)
    }
}

impl Sorted {
    /// The quantile at `share`; see [`quantile`].
    #[must_use]
    pub fn quantile(&self, share: f64) -> Option<f64> {
        quantile(&self.0, share)
    }
}

/// The mean of `n` numbers with that sum, where there is any.
pub(super) fn mean(sum: &ExactSum, n: u64) -> Option<f64> {
    (n > 0).then(|| sum.value() / n as f64)
}

/// The quantile of ascending numbers at `share` (in `0..=1`, else the nearest of the two), with linear
/// interpolation between the neighbours of position `(n - 1) * share`; absent for no numbers.
///
/// That is type 7 of R. J. Hyndman and Y. Fan, "Sample Quantiles in Statistical Packages" (1996), and what R,
/// `NumPy` and Postgres' `percentile_cont` give.
///
/// ```
/// use whytrace::statistics::quantile;
/// assert_eq!(quantile(&[1.0, 2.0, 4.0, 8.0], 0.5), Some(3.0));
/// ```
#[must_use]
pub fn quantile(ascending: &[f64], share: f64) -> Option<f64> {
    let last = ascending.len().checked_sub(1)?;
    let position = last as f64 * share.clamp(0.0, 1.0);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "not negative, and at most the last index"
    )]
    let below = position as usize;
    let low = *ascending.get(below)?;
    let high = ascending.get(below + 1).copied().unwrap_or(low);
    Some(low + (high - low) * (position - below as f64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_interpolate_as_type_7_does() {
        let numbers: Vec<f64> = (1..=10).map(f64::from).collect();
        let near = |share, expected: f64| (quantile(&numbers, share).unwrap() - expected).abs() < 1e-12;
        assert!(near(0.0, 1.0) && near(0.1, 1.9) && near(0.5, 5.5) && near(0.95, 9.55) && near(1.0, 10.0));
    }

    #[test]
    fn one_number_is_its_own_quantile_and_none_has_none() {
        assert_eq!(quantile(&[7.0], 0.1), Some(7.0));
        assert_eq!(quantile(&[], 0.5), None);
        assert_eq!(Sample::default().mean(), None);
    }

    #[test]
    fn the_order_of_adding_does_not_matter() {
        let mut sample = Sample::default();
        for number in [3.0, f64::NAN, 1.0, 2.0] {
            sample.add(number);
        }
        assert_eq!((sample.n(), sample.mean(), sample.sorted().quantile(0.5)), (3, Some(2.0), Some(2.0)));
    }
}
