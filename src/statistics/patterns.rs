//! Which principles keep failing, how sure that is, and whether it gets better or worse.
//!
//! The [`PrincipleTallies`] of a window, and those of the window before, make a [`PatternsReport`].

use std::borrow::Borrow;
use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::proportion::{difference, rate, wilson};
use super::{PrincipleTallies, PrincipleTally, RunFacts, count};
use crate::model::{Timestamp, TraceId};

/// The principles of a window, the surest failures first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PatternsReport {
    /// Finished runs in the window: complete, failed and incomplete.
    pub finished_runs: i64,
    /// Finished runs in the window before; absent where the window has none before it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_runs_before: Option<i64>,
    /// Principles by the lower end of the fail rate's interval, descending, then by id.
    pub patterns: Vec<Pattern>,
    /// A principle judged in fewer runs is left out.
    pub min_runs: i64,
    /// How many principles were left out for that.
    pub left_out_by_min_runs: i64,
}

/// What a window says about one principle.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Pattern {
    /// The principle.
    pub principle: String,
    /// Finished runs in which it was judged.
    pub runs: i64,
    /// Finished runs in which it was a gap.
    pub gap_runs: i64,
    /// Gap runs among judged runs, 0..=1.
    pub fail_rate: f64,
    /// Lower end of the fail rate's 95 % Wilson interval.
    pub fail_rate_low: f64,
    /// Upper end of the fail rate's 95 % Wilson interval.
    pub fail_rate_high: f64,
    /// When the last run ended in which it was a gap.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub last_seen: Option<Timestamp>,
    /// That run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub last_trace_id: Option<TraceId>,
    /// Against the window before: `rising`, `falling`, `steady` (no change that these numbers could show) or
    /// `new` (not judged before). Absent where the window has none before it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub trend: Option<Trend>,
    /// Judged runs in the window before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runs_before: Option<i64>,
    /// Gap runs in the window before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gap_runs_before: Option<i64>,
    /// The fail rate in the window before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fail_rate_before: Option<f64>,
    /// The window's runs by intent, most gap runs first.
    pub by_intent: Vec<GapCount>,
    /// The window's runs by domain, most gap runs first.
    pub by_domain: Vec<GapCount>,
}

/// Judged and failed runs of one intent or domain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GapCount {
    /// The intent or domain; absent for the runs without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// Runs in which the principle was judged.
    pub runs: i64,
    /// Runs in which it was a gap.
    pub gap_runs: i64,
}

/// How a fail rate moved from the window before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trend {
    /// It is higher, with 95 % confidence.
    Rising,
    /// It is lower, with 95 % confidence.
    Falling,
    /// The numbers show no change; few numbers never do.
    Steady,
    /// The principle was not judged before.
    New,
}

/// The patterns of the runs of a window, against those of the window before if there is one.
///
/// This is the definition; what an index answers from its own counts has to equal it.
pub fn patterns<R: Borrow<RunFacts>>(
    window: impl IntoIterator<Item = R>,
    before: Option<impl IntoIterator<Item = R>>,
    min_runs: u64,
) -> PatternsReport {
    let window: PrincipleTallies = window.into_iter().collect();
    let before: Option<PrincipleTallies> = before.map(|runs| runs.into_iter().collect());
    PatternsReport::of(&window, before.as_ref(), min_runs)
}

impl PatternsReport {
    /// How many runs a principle needs to be shown, where nobody says otherwise.
    pub const MIN_RUNS: u64 = 3;

    /// Why there are no patterns, where there are none.
    #[must_use]
    pub fn nothing_text(&self) -> &'static str {
        if self.left_out_by_min_runs > 0 {
            "No principle was judged often enough"
        } else {
            "No principle was judged in them: scores of principles come with a run's finish (principle_scores)"
        }
    }

    /// What the tallies of a window say, against those of the window before if there is one.
    #[must_use]
    pub fn of(window: &PrincipleTallies, before: Option<&PrincipleTallies>, min_runs: u64) -> Self {
        let mut patterns: Vec<Pattern> = window
            .principles
            .iter()
            .filter(|(_, tally)| tally.runs >= min_runs)
            .map(|(principle, tally)| Pattern::of(principle, tally, before))
            .collect();
        // Stable, and the principles came in the order of their ids.
        patterns.sort_by(|a, b| b.fail_rate_low.total_cmp(&a.fail_rate_low));
        Self {
            finished_runs: count(window.finished_runs),
            finished_runs_before: before.map(|before| count(before.finished_runs)),
            left_out_by_min_runs: count((window.principles.len() - patterns.len()) as u64),
            min_runs: count(min_runs),
            patterns,
        }
    }
}

impl Pattern {
    fn of(principle: &str, tally: &PrincipleTally, before: Option<&PrincipleTallies>) -> Self {
        let (fail_rate_low, fail_rate_high) = wilson(tally.gap_runs, tally.runs);
        let nothing = PrincipleTally::default();
        let earlier = before.map(|before| before.principles.get(principle).unwrap_or(&nothing));
        let last = tally.last_gap.as_ref();
        Self {
            principle: principle.to_owned(),
            runs: count(tally.runs),
            gap_runs: count(tally.gap_runs),
            fail_rate: rate(tally.gap_runs, tally.runs),
            fail_rate_low,
            fail_rate_high,
            last_seen: last.map(|(at, _)| *at),
            last_trace_id: last.map(|(_, id)| id.clone()),
            trend: earlier.map(|earlier| Trend::between(earlier, tally)),
            runs_before: earlier.map(|earlier| count(earlier.runs)),
            gap_runs_before: earlier.map(|earlier| count(earlier.gap_runs)),
            fail_rate_before: earlier
                .filter(|earlier| earlier.runs > 0)
                .map(|earlier| rate(earlier.gap_runs, earlier.runs)),
            by_intent: gap_counts(&tally.by_intent),
            by_domain: gap_counts(&tally.by_domain),
        }
    }
}

impl Trend {
    /// The name in answers.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Rising => "rising",
            Self::Falling => "falling",
            Self::Steady => "steady",
            Self::New => "new",
        }
    }

    /// Rising or falling is said only where the interval of the [`difference`] leaves no room for "no
    /// change".
    fn between(before: &PrincipleTally, now: &PrincipleTally) -> Self {
        if before.runs == 0 {
            return Self::New;
        }
        match difference((now.gap_runs, now.runs), (before.gap_runs, before.runs)) {
            (low, _) if low > 0.0 => Self::Rising,
            (_, high) if high < 0.0 => Self::Falling,
            _ => Self::Steady,
        }
    }
}

fn gap_counts(counts: &BTreeMap<Option<String>, (u64, u64)>) -> Vec<GapCount> {
    let mut counts: Vec<GapCount> = counts
        .iter()
        .map(|(value, (runs, gap_runs))| GapCount {
            value: value.clone(),
            runs: count(*runs),
            gap_runs: count(*gap_runs),
        })
        .collect();
    counts.sort_by(|a, b| {
        let key = |c: &GapCount| (std::cmp::Reverse(c.gap_runs), c.value.is_none());
        key(a).cmp(&key(b))
    });
    counts
}

#[cfg(test)]
mod tests {
    use super::super::testing::run;
    use super::*;
    use crate::model::Status;

    /// `gaps` of `runs` complete runs in which `principle` was a gap.
    fn runs(principle: &str, gaps: usize, runs: usize) -> Vec<RunFacts> {
        (0..runs)
            .map(|place| {
                let mut run = run(&format!("{principle}-{place}"), Status::Complete);
                run.principles = vec![principle.to_owned()];
                run.gaps = if place < gaps { run.principles.clone() } else { Vec::new() };
                run
            })
            .collect()
    }

    fn trend(now: (usize, usize), before: (usize, usize)) -> Option<Trend> {
        let report = patterns(runs("P", now.0, now.1), Some(runs("P", before.0, before.1)), 1);
        report.patterns[0].trend
    }

    #[test]
    fn the_surest_failure_comes_first_not_the_highest_rate() {
        let window =
            [runs("few", 3, 3), runs("many", 80, 100), runs("B", 0, 9), runs("A", 0, 9), runs("rare", 2, 2)];
        let report = patterns(window.concat(), None::<Vec<RunFacts>>, PatternsReport::MIN_RUNS);
        let order: Vec<_> = report.patterns.iter().map(|pattern| pattern.principle.as_str()).collect();
        assert_eq!(order, ["many", "few", "A", "B"]);
        assert_eq!((report.min_runs, report.left_out_by_min_runs), (3, 1));
        assert_eq!(report.patterns[0].trend, None, "there is no window before");
    }

    #[test]
    fn a_trend_is_named_only_where_the_numbers_show_it() {
        assert_eq!(trend((9, 10), (3, 10)), Some(Trend::Rising));
        assert_eq!(trend((3, 10), (9, 10)), Some(Trend::Falling));
        assert_eq!(trend((2, 3), (1, 3)), Some(Trend::Steady), "twice as often, of three runs");
        assert_eq!(trend((3, 3), (0, 0)), Some(Trend::New));
    }

    #[test]
    fn failed_and_abandoned_runs_count_and_open_ones_do_not() {
        let mut window = runs("P", 4, 4);
        for (run, status) in window.iter_mut().zip(Status::ALL) {
            run.status = status;
        }
        let report = patterns(window, None::<Vec<RunFacts>>, 1);
        assert_eq!((report.finished_runs, report.patterns[0].gap_runs), (3, 3));
    }

    #[test]
    fn a_pattern_says_where_and_when_it_failed_last() {
        let mut window = runs("P", 3, 5);
        window[1].completed_at = Some("2026-03-01T00:00:00Z".parse().unwrap());
        window[1].intent = Some("validating".to_owned());
        window[4].completed_at = Some("2026-04-01T00:00:00Z".parse().unwrap());
        let report = patterns(&window, None::<&[RunFacts]>, 1);
        let pattern = &report.patterns[0];
        assert_eq!(pattern.last_seen, window[1].completed_at);
        assert_eq!(pattern.last_trace_id.as_ref(), Some(&window[1].trace_id));
        let intent = |value: Option<&str>, runs, gap_runs| GapCount {
            value: value.map(str::to_owned),
            runs,
            gap_runs,
        };
        assert_eq!(pattern.by_intent, [intent(None, 4, 2), intent(Some("validating"), 1, 1)]);
        assert_eq!(pattern.by_domain, [intent(None, 5, 3)]);
    }
}
