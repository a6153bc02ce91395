//! The statistics once more, by the simplest loops that the definitions allow, over runs in a list.

use std::collections::{BTreeMap, BTreeSet};

use chrono::Datelike as _;
use whytrace::model::{Status, Timestamp};
use whytrace::statistics::{GroupBy, GroupedReport, PatternsReport, RunFacts, SummaryReport, Trend};

/// How far a figure may lie from the plain one: what the order of adding makes of it.
const ROUNDING: f64 = 1e-9;

/// The standard normal quantile of a two-sided 95 % interval.
const Z: f64 = 1.959_963_985;

/// Asserts that a summary says what the runs say.
pub(super) fn assert_summary(report: &SummaryReport, runs: &[&RunFacts], of: &str) {
    let with = |status: Status| runs.iter().filter(|run| run.status == status).count() as i64;
    let by_status = report.by_status;
    assert_eq!(report.runs, runs.len() as i64, "{of}: runs");
    assert_eq!(
        [by_status.in_progress, by_status.complete, by_status.incomplete, by_status.failed],
        [with(Status::InProgress), with(Status::Complete), with(Status::Incomplete), with(Status::Failed)],
        "{of}: by status"
    );

    let finished: Vec<&RunFacts> =
        runs.iter().copied().filter(|run| run.status != Status::InProgress).collect();
    let verdicts = |verdict| finished.iter().filter(|run| run.passed == verdict).count() as i64;
    let (passed, failed) = (verdicts(Some(true)), verdicts(Some(false)));
    let gate = report.gate_of_finished;
    assert_eq!((gate.passed, gate.failed, gate.unknown), (passed, failed, verdicts(None)), "{of}: gate");
    same(gate.pass_rate, share(passed, passed + failed), of, "pass rate");
    let interval = interval(passed, passed + failed);
    same(gate.pass_rate_low, interval.map(|(low, _)| low), of, "pass rate, low");
    same(gate.pass_rate_high, interval.map(|(_, high)| high), of, "pass rate, high");

    let scores: Vec<f64> = finished.iter().filter_map(|run| run.score).collect();
    let quality = report.quality_of_finished;
    assert_eq!(quality.n, scores.len() as i64, "{of}: scored runs");
    same(quality.mean, mean(&scores), of, "mean score");
    same(quality.median, quantile(&scores, 0.5), of, "median score");
    same(quality.p10, quantile(&scores, 0.1), of, "p10 score");

    let timed = |run: &&&RunFacts| matches!(run.status, Status::Complete | Status::Failed);
    let seconds: Vec<f64> = runs.iter().filter(timed).filter_map(|run| run.duration_seconds).collect();
    let duration = report.duration_of_complete_and_failed;
    assert_eq!(duration.n, seconds.len() as i64, "{of}: timed runs");
    same(duration.mean_seconds, mean(&seconds), of, "mean duration");
    same(duration.median_seconds, quantile(&seconds, 0.5), of, "median duration");
    same(duration.p95_seconds, quantile(&seconds, 0.95), of, "p95 duration");

    let costs: Vec<f64> = runs.iter().filter_map(|run| run.cost_usd).collect();
    assert_eq!(report.cost_of_all.n, costs.len() as i64, "{of}: runs with a cost");
    same(report.cost_of_all.total_usd, total(&costs), of, "cost");
    same(report.cost_of_all.mean_usd, mean(&costs), of, "mean cost");

    let tokens = report.tokens_of_all;
    let read: Vec<i64> = runs.iter().filter_map(|run| run.input_tokens).collect();
    let written: Vec<i64> = runs.iter().filter_map(|run| run.output_tokens).collect();
    for (n, sum, average, of_runs) in [
        (tokens.input_n, tokens.input_total, tokens.input_mean, read),
        (tokens.output_n, tokens.output_total, tokens.output_mean, written),
    ] {
        let all: i64 = of_runs.iter().sum();
        assert_eq!(n, of_runs.len() as i64, "{of}: runs with tokens");
        assert_eq!(sum, (!of_runs.is_empty()).then_some(all), "{of}: tokens");
        same(average, (!of_runs.is_empty()).then(|| all as f64 / of_runs.len() as f64), of, "mean tokens");
    }

    let decisions = report.decisions_of_all;
    let (mut all, mut stated, mut confidence) = (0, 0, 0.0);
    for run in runs {
        all += run.decisions as i64;
        stated += run.confidence_count as i64;
        confidence += run.confidence_sum;
    }
    assert_eq!((decisions.total, decisions.with_confidence), (all, stated), "{of}: decisions");
    same(decisions.mean_confidence, (stated > 0).then(|| confidence / stated as f64), of, "confidence");
}

/// Asserts that groups hold what the runs of each value say, the largest first.
pub(super) fn assert_groups(report: &GroupedReport, by: GroupBy, runs: &[&RunFacts], of: &str) {
    assert_eq!(report.group_by, by.as_str());
    let keys: BTreeSet<Option<String>> = runs.iter().map(|run| key(run, by)).collect();
    let members = |wanted: &Option<String>| -> Vec<&RunFacts> {
        runs.iter().copied().filter(|run| key(run, by) == *wanted).collect()
    };
    let mut order: Vec<(Option<String>, i64)> =
        keys.into_iter().map(|key| (key.clone(), members(&key).len() as i64)).collect();
    order.sort_by(|(a, m), (b, n)| n.cmp(m).then((a.is_none(), a).cmp(&(b.is_none(), b))));
    let said: Vec<(Option<String>, i64)> = report
        .groups
        .iter()
        .map(|group| ((!group.unknown).then(|| group.group.clone()), group.summary.runs))
        .collect();
    assert_eq!(said, order, "{of}: groups by {by}");
    for (group, (key, _)) in report.groups.iter().zip(&order) {
        assert_summary(&group.summary, &members(key), &format!("{of}, {by} {key:?}"));
    }
}

fn key(run: &RunFacts, by: GroupBy) -> Option<String> {
    let day = || run.started_at.to_string()[..10].to_owned();
    match by {
        GroupBy::Intent => run.intent.clone(),
        GroupBy::Domain => run.domain.clone(),
        GroupBy::Project => Some(run.project.clone()),
        GroupBy::ReportType => run.report_type.clone(),
        GroupBy::Status => Some(run.status.as_str().to_owned()),
        GroupBy::Day => Some(day()),
        GroupBy::Week => {
            let week = run.started_at.to_chrono().iso_week();
            Some(format!("{}-W{:02}", week.year(), week.week()))
        }
        GroupBy::Agent => run.agent.clone(),
        GroupBy::Model => run.model.clone(),
    }
}

/// Asserts that patterns say of each principle what the runs that ended in `(after, until]` say of it, against those
/// that ended in `(before, after]`. Without `after` all runs are in the window, and there is none before it.
pub(super) fn assert_patterns(
    report: &PatternsReport,
    runs: &[&RunFacts],
    windows: Option<(Timestamp, Timestamp)>,
    of: &str,
) {
    let finished = || runs.iter().copied().filter(|run| run.status != Status::InProgress);
    let now: Vec<&RunFacts> =
        finished().filter(|run| windows.is_none_or(|(_, after)| end(run) > after)).collect();
    let earlier: Option<Vec<&RunFacts>> = windows
        .map(|(before, after)| finished().filter(|run| end(run) > before && end(run) <= after).collect());
    assert_eq!(report.finished_runs, now.len() as i64, "{of}: finished runs");
    assert_eq!(report.finished_runs_before, earlier.as_ref().map(|runs| runs.len() as i64), "{of}: before");

    let principles: BTreeSet<&String> = now.iter().flat_map(|run| &run.principles).collect();
    let counted = principles.iter().filter(|principle| judged(&now, principle).len() >= 3).count();
    assert_eq!(report.min_runs, 3);
    assert_eq!(report.patterns.len(), counted, "{of}: principles");
    assert_eq!(report.left_out_by_min_runs, (principles.len() - counted) as i64, "{of}: left out");
    for pair in report.patterns.windows(2) {
        let [first, second] = pair else { continue };
        let in_order = first.fail_rate_low > second.fail_rate_low
            || (first.fail_rate_low == second.fail_rate_low && first.principle < second.principle);
        assert!(in_order, "{of}: {} before {}", first.principle, second.principle);
    }
    for pattern in &report.patterns {
        let of = format!("{of}, {}", pattern.principle);
        let judged_now = judged(&now, &pattern.principle);
        let gaps: Vec<&RunFacts> = with_gap(&judged_now, &pattern.principle);
        let (n, failed) = (judged_now.len() as i64, gaps.len() as i64);
        assert_eq!((pattern.runs, pattern.gap_runs), (n, failed), "{of}");
        same(Some(pattern.fail_rate), share(failed, n), &of, "fail rate");
        let (low, high) = interval(failed, n).expect("at least one run");
        same(Some(pattern.fail_rate_low), Some(low), &of, "fail rate, low");
        same(Some(pattern.fail_rate_high), Some(high), &of, "fail rate, high");
        let last = gaps.iter().map(|run| (end(run), &run.trace_id)).max();
        assert_eq!(pattern.last_seen, last.map(|(at, _)| at), "{of}: last seen");
        assert_eq!(pattern.last_trace_id.as_ref(), last.map(|(_, id)| id), "{of}: last run");

        let before = earlier.as_ref().map(|runs| {
            let judged = judged(runs, &pattern.principle);
            (with_gap(&judged, &pattern.principle).len() as i64, judged.len() as i64)
        });
        assert_eq!(pattern.gap_runs_before, before.map(|(gaps, _)| gaps), "{of}: gaps before");
        assert_eq!(pattern.runs_before, before.map(|(_, runs)| runs), "{of}: runs before");
        same(pattern.fail_rate_before, before.and_then(|(gaps, n)| share(gaps, n)), &of, "fail rate before");
        assert_eq!(pattern.trend.map(Trend::as_str), before.map(|before| trend(before, (failed, n))), "{of}");

        for (said, value) in [
            (&pattern.by_intent, (|run| run.intent.clone()) as fn(&RunFacts) -> Option<String>),
            (&pattern.by_domain, |run| run.domain.clone()),
        ] {
            let mut counts: BTreeMap<Option<String>, (i64, i64)> = BTreeMap::new();
            for run in &judged_now {
                let count = counts.entry(value(run)).or_default();
                count.0 += 1;
                count.1 += i64::from(run.gaps.contains(&pattern.principle));
            }
            let mut counts: Vec<_> =
                counts.into_iter().map(|(value, (runs, gaps))| (value, runs, gaps)).collect();
            counts.sort_by(|a, b| b.2.cmp(&a.2).then((a.0.is_none(), &a.0).cmp(&(b.0.is_none(), &b.0))));
            let said: Vec<_> = said.iter().map(|one| (one.value.clone(), one.runs, one.gap_runs)).collect();
            assert_eq!(said, counts, "{of}");
        }
    }
}

/// When a run ended.
pub(super) fn end(run: &RunFacts) -> Timestamp {
    run.completed_at.expect("every run that ended has a time of its end")
}

pub(super) fn mean(numbers: &[f64]) -> Option<f64> {
    total(numbers).map(|total| total / numbers.len() as f64)
}

fn judged<'r>(runs: &[&'r RunFacts], principle: &str) -> Vec<&'r RunFacts> {
    runs.iter().copied().filter(|run| run.principles.iter().any(|judged| judged == principle)).collect()
}

fn with_gap<'r>(runs: &[&'r RunFacts], principle: &str) -> Vec<&'r RunFacts> {
    runs.iter().copied().filter(|run| run.gaps.iter().any(|gap| gap == principle)).collect()
}

fn total(numbers: &[f64]) -> Option<f64> {
    (!numbers.is_empty()).then(|| numbers.iter().fold(0.0, |sum, number| sum + number))
}

/// Sorted, and between two neighbours by the straight line.
fn quantile(numbers: &[f64], at: f64) -> Option<f64> {
    let mut sorted = numbers.to_vec();
    sorted.sort_by(|a, b| a.partial_cmp(b).expect("numbers"));
    let last = sorted.len().checked_sub(1)?;
    let place = at * last as f64;
    let below = (0..last).rfind(|below| *below as f64 <= place).unwrap_or(0);
    let (low, high) = (sorted[below], sorted[(below + 1).min(last)]);
    let share = place - below as f64;
    Some(low * (1.0 - share) + high * share)
}

fn share(of: i64, n: i64) -> Option<f64> {
    (n > 0).then(|| of as f64 / n as f64)
}

/// Wilson's interval, as the two roots p of (x/n - p)² = z² p (1 - p) / n.
fn interval(of: i64, n: i64) -> Option<(f64, f64)> {
    let rate = share(of, n)?;
    let n = n as f64;
    let (a, b, c) = (1.0 + Z * Z / n, -2.0 * rate - Z * Z / n, rate * rate);
    let root = (b * b - 4.0 * a * c).max(0.0).sqrt();
    Some(((-b - root) / (2.0 * a), (-b + root) / (2.0 * a)))
}

/// Whether Newcombe's interval of the difference leaves out zero.
fn trend(before: (i64, i64), now: (i64, i64)) -> &'static str {
    let (Some((low, high)), Some((low_before, high_before))) =
        (interval(now.0, now.1), interval(before.0, before.1))
    else {
        return "new";
    };
    let (rate, rate_before) = (now.0 as f64 / now.1 as f64, before.0 as f64 / before.1 as f64);
    let less = ((rate - low).powi(2) + (high_before - rate_before).powi(2)).sqrt();
    let more = ((high - rate).powi(2) + (rate_before - low_before).powi(2)).sqrt();
    match rate - rate_before {
        difference if difference - less > 0.0 => "rising",
        difference if difference + more < 0.0 => "falling",
        _ => "steady",
    }
}

/// Asserts that two figures are one, but for rounding.
pub(super) fn same(said: Option<f64>, plain: Option<f64>, of: &str, what: &str) {
    let close = match (said, plain) {
        (Some(said), Some(plain)) => (said - plain).abs() <= ROUNDING * plain.abs().max(1.0),
        (None, None) => true,
        _ => false,
    };
    assert!(close, "{of}: {what} is {said:?}, by plain loops {plain:?}");
}
