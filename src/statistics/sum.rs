//! Sums of floating-point numbers that do not depend on the order of adding.

/// A score in whole millionths: what sums of scores are kept in, so that what is taken out of one leaves what was there
/// before, to the last digit. A score beyond a million counts as a million.
#[must_use]
#[expect(clippy::cast_possible_truncation, reason = "it is within 2^40, and what is cut off was meant to be")]
pub fn millionths(score: f64) -> i64 {
    (score.clamp(-1e6, 1e6) * 1e6 + 0.5) as i64
}

/// The exact sum of any number of finite `f64`, rounded once, at the end.
///
/// It keeps the sum as a few numbers that do not overlap, so nothing is lost and two sums merge into the sum
/// of both: the same bits, however the numbers were ordered or split. The method is grow-expansion of J. R.
/// Shewchuk, "Adaptive Precision Floating-Point Arithmetic and Fast Robust Geometric Predicates" (1997),
/// section 2.
///
/// ```
/// use whytrace::statistics::ExactSum;
/// let sum: ExactSum = [1e16, 1.0, -1e16].into_iter().collect();
/// assert_eq!(sum.value(), 1.0);
/// ```
#[derive(Clone, Debug, Default)]
pub struct ExactSum {
    /// In ascending magnitude, none overlapping the next.
    parts: Vec<f64>,
}

/// Beyond this, sums of many numbers could overflow; larger numbers count as this one.
const LARGEST: f64 = 1e290;

impl ExactSum {
    /// Adds a number; one that is not finite adds nothing.
    pub fn add(&mut self, number: f64) {
        if number.is_finite() {
            self.grow(number.clamp(-LARGEST, LARGEST));
        }
    }

    /// Adds another sum.
    pub fn merge(&mut self, other: &Self) {
        for part in &other.parts {
            self.grow(*part);
        }
    }

    /// The sum, rounded to the nearest `f64`, ties to even.
    #[must_use]
    pub fn value(&self) -> f64 {
        let mut parts = self.parts.iter().rev().copied();
        let mut sum = parts.next().unwrap_or(0.0);
        let mut rest = 0.0;
        for part in parts.by_ref() {
            (sum, rest) = two_sum(sum, part);
            if rest != 0.0 {
                break;
            }
        }
        // `rest` was rounded away. Where it is exactly half a unit, the tie is broken by what lies below it.
        let below = parts.next().unwrap_or(0.0);
        let same_side = (rest > 0.0 && below > 0.0) || (rest < 0.0 && below < 0.0);
        let next = sum + rest * 2.0;
        if same_side && next - sum == rest * 2.0 { next } else { sum }
    }

    fn grow(&mut self, number: f64) {
        let mut carry = number;
        self.parts.retain_mut(|part| {
            (carry, *part) = two_sum(carry, *part);
            *part != 0.0
        });
        self.parts.push(carry);
    }
}

impl FromIterator<f64> for ExactSum {
    fn from_iter<I: IntoIterator<Item = f64>>(numbers: I) -> Self {
        let mut sum = Self::default();
        for number in numbers {
            sum.add(number);
        }
        sum
    }
}

/// The rounded sum of two numbers, and what the rounding left out (Knuth's TwoSum).
fn two_sum(a: f64, b: f64) -> (f64, f64) {
    let sum = a + b;
    let b_part = sum - a;
    let a_part = sum - b_part;
    (sum, (a - a_part) + (b - b_part))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_tie_is_decided_by_what_lies_below_it() {
        let ulp_half = f64::EPSILON / 2.0;
        assert_eq!(ExactSum::from_iter([1.0, ulp_half]).value(), 1.0, "to even");
        assert_eq!(ExactSum::from_iter([1.0, ulp_half, 1e-40]).value(), 1.0 + f64::EPSILON);
        assert_eq!(ExactSum::from_iter([1.0, ulp_half, -1e-40]).value(), 1.0);
    }

    #[test]
    fn neither_infinity_nor_overflow_spoils_a_sum() {
        assert_eq!(ExactSum::from_iter([f64::NAN, f64::INFINITY, 2.0]).value(), 2.0);
        assert!(ExactSum::from_iter([f64::MAX; 1000]).value().is_finite());
        assert_eq!(ExactSum::default().value(), 0.0);
    }

    proptest! {
        #[test]
        fn it_is_exact(numbers in prop::collection::vec(-(1_i64 << 52)..(1_i64 << 52), 0..50)) {
            // Integers times powers of two: an i128 holds their sum exactly.
            let scaled = || numbers.iter().zip((0..40).cycle());
            let exact: i128 = scaled().map(|(n, shift)| i128::from(*n) << shift).sum();
            let sum: ExactSum = scaled().map(|(n, shift)| *n as f64 * 2_f64.powi(shift)).collect();
            prop_assert_eq!(sum.value(), exact as f64);
        }

        #[test]
        fn it_does_not_depend_on_order_or_split(
            numbers in prop::collection::vec(-1e18..1e18_f64, 0..50),
            at in 0..50_usize,
        ) {
            let whole: ExactSum = numbers.iter().copied().collect();
            let (left, right) = numbers.split_at(at.min(numbers.len()));
            let mut parts: ExactSum = right.iter().rev().copied().collect();
            parts.merge(&left.iter().copied().collect());
            prop_assert_eq!(parts.value().to_bits(), whole.value().to_bits());
        }
    }
}
