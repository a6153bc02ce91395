//! Whether more is said than comes true, or less, or neither so that the numbers could show it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::sums::Sums;
use crate::statistics::student;

/// Mean confidence against the share that proved right.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Leaning {
    /// The mean of what was said, 0..=1.
    pub mean_confidence: f64,
    /// The share that proved right, 0..=1.
    pub observed_rate: f64,
    /// Lower end of its 95 % Wilson interval, at the number of independent outcomes.
    pub observed_low: f64,
    /// Upper end.
    pub observed_high: f64,
    /// `mean_confidence - observed_rate`: above 0 is over-confident.
    pub gap: f64,
    /// Lower end of the gap's interval.
    pub gap_low: f64,
    /// Upper end.
    pub gap_high: f64,
    /// `over_confident`, `under_confident`, `unclear` (the interval holds 0) or `too_few` decisions to say.
    #[schemars(with = "String")]
    pub verdict: Verdict,
}

/// What may be said of a gap.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// More is said than comes true.
    OverConfident,
    /// Less is said than comes true.
    UnderConfident,
    /// The numbers do not show either.
    Unclear,
    /// There are fewer decisions than were asked for.
    TooFew,
}

impl Verdict {
    /// The name in answers.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OverConfident => "over_confident",
            Self::UnderConfident => "under_confident",
            Self::Unclear => "unclear",
            Self::TooFew => "too_few",
        }
    }

    /// Whether it says that confidence is off.
    #[must_use]
    pub fn is_clear(self) -> bool {
        matches!(self, Self::OverConfident | Self::UnderConfident)
    }
}

impl Leaning {
    /// Lets the verdict stand only where it would be at a level of 5 % divided by `looks`, the number of verdicts that are
    /// told together, of which this one is of so many runs. The interval that is told stays that of 95 %.
    pub(super) fn hold_for(&mut self, looks: usize, runs: u64) {
        // How much wider an interval has to be.
        let quantile = |p| student::two_sided(p, runs.saturating_sub(1).max(1));
        let wider = quantile(0.05 / looks.max(1) as f64) / quantile(0.05);
        let low = self.gap - (self.gap - self.gap_low) * wider;
        let high = self.gap + (self.gap_high - self.gap) * wider;
        let is_clear = match self.verdict {
            Verdict::OverConfident => low > 0.0,
            Verdict::UnderConfident => high < 0.0,
            Verdict::Unclear | Verdict::TooFew => true,
        };
        if !is_clear {
            self.verdict = Verdict::Unclear;
        }
    }

    /// Of decisions that add up to this, with a verdict from `min_n` of them; `None` without any.
    ///
    /// The gap's interval is the wider of two at each end. One takes the run as the unit: the cluster-robust
    /// standard error with Student's t at one degree of freedom less than there are runs. It is too narrow where
    /// outcomes hardly differ, and nothing where all are the same. The other is that of the observed rate, held
    /// against the mean confidence: so whoever sees the mean confidence within the rate's interval is not told of
    /// over-confidence. One run alone shows nothing.
    pub(super) fn of(sums: &Sums, min_n: u64) -> Option<Self> {
        if sums.n == 0 {
            return None;
        }
        let (mean_confidence, gap) = (sums.mean_confidence(), sums.excess());
        let (observed_low, observed_high) = sums.interval();
        let (gap_low, gap_high) = match sums.standard_error() {
            Some((error, runs)) => {
                let half = error * student::quantile_975(runs - 1);
                let low = (gap - half).min(mean_confidence - observed_high);
                let high = (gap + half).max(mean_confidence - observed_low);
                (low.max(-1.0), high.min(1.0))
            }
            None => (-1.0, 1.0),
        };
        let verdict = match () {
            () if sums.n < min_n => Verdict::TooFew,
            () if gap_low > 0.0 => Verdict::OverConfident,
            () if gap_high < 0.0 => Verdict::UnderConfident,
            () => Verdict::Unclear,
        };
        Some(Self {
            mean_confidence,
            observed_rate: sums.rate(),
            observed_low,
            observed_high,
            gap,
            gap_low,
            gap_high,
            verdict,
        })
    }

    /// How far the gap is from 0 for sure: 0 where it may be 0.
    #[must_use]
    pub fn at_least(&self) -> f64 {
        self.gap_low.max(-self.gap_high).max(0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verdict_among_many_needs_more() {
        let leaning = Leaning {
            mean_confidence: 0.8,
            observed_rate: 0.7,
            observed_low: 0.62,
            observed_high: 0.77,
            gap: 0.1,
            gap_low: 0.01,
            gap_high: 0.19,
            verdict: Verdict::OverConfident,
        };
        let held_for = |looks, runs| {
            let mut leaning = Leaning { gap_low: 0.035, gap_high: 0.165, ..leaning };
            leaning.hold_for(looks, runs);
            leaning.verdict
        };
        let held = [held_for(1, 3), held_for(10, 1_000), held_for(10, 3), held_for(100, 1_000)];
        assert_eq!(
            held,
            [Verdict::OverConfident, Verdict::OverConfident, Verdict::Unclear, Verdict::Unclear]
        );
    }
}
