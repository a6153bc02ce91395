//! Chance that repeats itself: SplitMix64 (Steele, Lea and Flood, 2014), the same on every machine.

/// A stream of numbers that its seed determines.
#[derive(Clone, Debug)]
pub(super) struct Random(u64);

impl Random {
    /// The stream of the `stream`-th of the things that have this seed; streams are independent of each other.
    pub(super) fn new(seed: u64, stream: u64) -> Self {
        let mut random = Self(seed ^ stream.wrapping_mul(0xd1b5_4a32_d192_ed03));
        random.next();
        random
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A whole number from `low` to `high`, both included.
    pub(super) fn between(&mut self, low: i64, high: i64) -> i64 {
        let width = high.saturating_sub(low).saturating_add(1).max(1).unsigned_abs();
        low.saturating_add_unsigned(self.next() % width)
    }

    /// True in `percent` of a hundred cases.
    pub(super) fn chance(&mut self, percent: i64) -> bool {
        self.between(1, 100) <= percent
    }

    /// A number of hundredths from `low` to `high` hundredths: 62, 90 gives 0.62 to 0.90.
    pub(super) fn hundredths(&mut self, low: i64, high: i64) -> f64 {
        hundredths(self.between(low, high))
    }

    /// One of several; a default value where there is none.
    pub(super) fn pick<T: Copy + Default>(&mut self, of: &[T]) -> T {
        let place = self.between(0, i64::try_from(of.len()).unwrap_or(1) - 1);
        usize::try_from(place).ok().and_then(|place| of.get(place)).copied().unwrap_or_default()
    }

    /// One of several values, each as often as its weight says.
    pub(super) fn weighted<T: Copy + Default>(&mut self, of: &[(i64, T)]) -> T {
        let mut left = self.between(1, of.iter().map(|(weight, _)| weight).sum());
        for (weight, value) in of {
            left -= weight;
            if left <= 0 {
                return *value;
            }
        }
        T::default()
    }
}

/// So many hundredths as a number.
pub(super) fn hundredths(count: i64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "counts here are small")]
    let count = count as f64;
    count / 100.0
}
