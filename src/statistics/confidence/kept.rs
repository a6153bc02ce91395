//! What is kept of the decisions of a key or an agent for each day, so that nobody has to add them up again.

use std::collections::{BTreeMap, HashSet};

use super::{FIXED_BINS, Observed, Thousandths, fixed_bin};
use crate::model::Trace;

/// Sums over decisions, whole numbers all of them: they add, and what was added can be taken out again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KeptSums {
    /// Runs that the decisions come from.
    pub runs: i64,
    /// Decisions that stated a confidence and whose outcome is known.
    pub decisions: i64,
    /// Those that proved right.
    pub right: i64,
    /// The variance of the sum of `excess` that perfect calibration would have, in millionths.
    pub variance: i64,
    /// For each fixed bin: confidence less outcome, in thousandths, added up.
    pub excess: [i64; FIXED_BINS],
    /// For each fixed bin: the variance of its `excess` that perfect calibration would have, in millionths.
    pub variances: [i64; FIXED_BINS],
}

/// How many whole numbers [`KeptSums`] are.
pub const KEPT_NUMBERS: usize = 4 + 2 * FIXED_BINS;

/// No run counts as more variance than two thousand decisions that share a verdict have. So no sum overflows.
const MOST_VARIANCE: i64 = 1_000_000_000_000;

/// What one run adds to the sums of each subject: `decision:KEY` for the keys of its decisions, `agent:NAME` for its
/// agent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RunConfidence(BTreeMap<String, KeptSums>);

/// Decisions of one run, on the way to their variance.
#[derive(Clone, Copy, Default)]
struct Spread {
    shared: i64,
    /// Of those that share the verdict of the gate: `c (1 - c)`, added up.
    of_shared: i64,
    /// The same of those that were judged by their own outcome.
    of_own: i64,
}

impl KeptSums {
    /// What the decisions of one run add.
    ///
    /// If confidence is perfect, the outcome of a decision that says `c` has the variance `c (1 - c)`: D. J.
    /// Spiegelhalter, "Probabilistic Prediction in Patient Management and Clinical Trials" (1986). Own outcomes are
    /// independent, so these add up. Decisions that share a verdict are right or wrong together; the variance of the
    /// sum of `m` of them is at most `m Σ c (1 - c)`, and just that where they say the same. Confidence beyond 0.05
    /// and 0.95 counts as that here: who says 1 and is wrong once has not proved much.
    #[must_use]
    pub fn of_run(decisions: impl IntoIterator<Item = (Observed, u64)>) -> Self {
        let mut sums = Self { runs: 1, ..Self::default() };
        let (mut all, mut bins) = (Spread::default(), [Spread::default(); FIXED_BINS]);
        for (observed, count) in decisions {
            let count = i64::try_from(count).unwrap_or(i64::MAX);
            let said = i64::from(observed.confidence.get());
            let right = i64::from(observed.right);
            sums.decisions += count;
            sums.right += right * count;
            all.add(observed, count);
            let bin = fixed_bin(observed.confidence);
            if let Some(excess) = sums.excess.get_mut(bin) {
                *excess += (said - 1000 * right) * count;
            }
            if let Some(spread) = bins.get_mut(bin) {
                spread.add(observed, count);
            }
        }
        sums.variance = all.variance();
        sums.variances = bins.map(Spread::variance);
        sums
    }

    /// Adds what others hold.
    pub fn add(&mut self, other: &Self) {
        self.change(other, i64::saturating_add);
    }

    /// Takes out what was added.
    pub fn take_out(&mut self, other: &Self) {
        self.change(other, i64::saturating_sub);
    }

    /// The numbers in the order of the fields.
    #[must_use]
    pub fn numbers(&self) -> [i64; KEPT_NUMBERS] {
        let first = [self.runs, self.decisions, self.right, self.variance];
        let mut all = first.into_iter().chain(self.excess).chain(self.variances);
        std::array::from_fn(|_| all.next().unwrap_or(0))
    }

    /// What these numbers are, in the order of the fields.
    #[must_use]
    pub fn from_numbers(numbers: [i64; KEPT_NUMBERS]) -> Self {
        let mut all = numbers.into_iter();
        let mut next = || all.next().unwrap_or(0);
        Self {
            runs: next(),
            decisions: next(),
            right: next(),
            variance: next(),
            excess: std::array::from_fn(|_| next()),
            variances: std::array::from_fn(|_| next()),
        }
    }

    /// The mean of what was said, 0..=1; 0 without decisions.
    #[must_use]
    pub fn mean_confidence(&self) -> f64 {
        self.share(self.excess.iter().sum::<i64>() as f64 / 1000.0 + self.right as f64)
    }

    /// The share that proved right, 0..=1.
    #[must_use]
    pub fn observed_rate(&self) -> f64 {
        self.share(self.right as f64)
    }

    /// The expected calibration error over the fixed bins, 0..=1.
    #[must_use]
    pub fn ece(&self) -> f64 {
        let error: u64 = self.excess.iter().map(|excess| excess.unsigned_abs()).sum();
        self.share(error as f64 / 1000.0)
    }

    /// How many standard errors the surest of the differences is from 0: that of all decisions, or that of a bin.
    #[must_use]
    pub fn standard_errors(&self) -> f64 {
        let one = |excess: i64, variance: i64| {
            if variance > 0 { excess.abs() as f64 / (variance as f64).sqrt() } else { 0.0 }
        };
        let all = one(self.excess.iter().sum(), self.variance);
        self.excess
            .iter()
            .zip(&self.variances)
            .map(|(excess, variance)| one(*excess, *variance))
            .fold(all, f64::max)
    }

    fn change(&mut self, other: &Self, change: impl Fn(i64, i64) -> i64) {
        let own = [&mut self.runs, &mut self.decisions, &mut self.right, &mut self.variance];
        let own = own.into_iter().chain(&mut self.excess).chain(&mut self.variances);
        own.zip(other.numbers()).for_each(|(own, other)| *own = change(*own, other));
    }

    fn share(&self, sum: f64) -> f64 {
        if self.decisions == 0 { 0.0 } else { sum / self.decisions as f64 }
    }
}

impl Spread {
    fn add(&mut self, observed: Observed, count: i64) {
        let said = i64::from(observed.confidence.get()).clamp(50, 950);
        let spread = said * (1000 - said) * count;
        if observed.own {
            self.of_own += spread;
        } else {
            self.shared += count;
            self.of_shared += spread;
        }
    }

    fn variance(self) -> i64 {
        self.shared.saturating_mul(self.of_shared).saturating_add(self.of_own).min(MOST_VARIANCE)
    }
}

impl RunConfidence {
    /// What a run adds.
    #[must_use]
    pub fn of(trace: &Trace) -> Self {
        // A document that was edited may name one decision twice.
        let mut seen = HashSet::new();
        let decisions = trace.decisions().filter(|(_, decision)| seen.insert(&decision.decision_id));
        let decisions = decisions.filter_map(|(_, decision)| {
            let own = decision.outcome.as_ref().and_then(|outcome| outcome.correct);
            let right = own.or(trace.quality.passed)?;
            let confidence = Thousandths::of(decision.confidence?);
            Some((decision.key.clone(), Observed { confidence, right, run: 0, own: own.is_some() }, 1))
        });
        if !trace.status().is_finished() {
            return Self::default();
        }
        Self::of_decisions(trace.run.agent.name.as_deref(), decisions.collect())
    }

    /// The same of decisions with their keys and how many there are of each.
    #[must_use]
    pub fn of_decisions(agent: Option<&str>, decisions: Vec<(String, Observed, u64)>) -> Self {
        let mut subjects: BTreeMap<String, Vec<(Observed, u64)>> = BTreeMap::new();
        for (key, observed, count) in decisions {
            if let Some(agent) = agent {
                subjects.entry(format!("agent:{agent}")).or_default().push((observed, count));
            }
            subjects.entry(format!("decision:{key}")).or_default().push((observed, count));
        }
        Self(
            subjects.into_iter().map(|(subject, decisions)| (subject, KeptSums::of_run(decisions))).collect(),
        )
    }

    /// Its subjects, in the order of their names, with what it adds to each.
    pub fn subjects(&self) -> impl Iterator<Item = (&String, &KeptSums)> {
        self.0.iter()
    }

    /// What it adds to a subject.
    #[must_use]
    pub fn of_subject(&self, subject: &str) -> Option<&KeptSums> {
        self.0.get(subject)
    }
}
