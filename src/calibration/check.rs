//! The four checks of a run that just finished, beside that of its [confidence](super::confidence).

use super::{
    Baseline, CalibrationRules, Finding, FindingBaseline, FlagKind, GapRuns, PreviousRun, Severity,
    SubjectScores,
};
use crate::statistics::RunFacts;

/// Scores this close to a limit count as lying on it, so that 2.4 - 1.9 is half a point and not more.
const ROUNDING: f64 = 1e-9;

/// What is worth noting about `run`, given what the runs before it say; nothing while it is open.
///
/// The findings come in the order of [`FlagKind::ALL`], those of gaps in the order of the run's gaps.
#[must_use]
pub fn check(run: &RunFacts, baseline: &Baseline, rules: &CalibrationRules) -> Vec<Finding> {
    if !run.is_finished() {
        return Vec::new();
    }
    let gaps = baseline.gaps.iter().filter_map(|gap| repeated_failure(run, gap, rules));
    let disparity =
        |kind, subject: &Option<SubjectScores>| disparity(kind, run, subject.as_ref()?, baseline, rules);
    gaps.chain(disparity(FlagKind::IntentQualityDisparity, &baseline.intent))
        .chain(disparity(FlagKind::DomainQualityDisparity, &baseline.domain))
        .chain(baseline.previous.as_ref().and_then(|previous| regression(run, previous, baseline, rules)))
        .collect()
}

/// Whether a run with these findings is to be flagged for review: it is part of one of the problems.
#[must_use]
pub fn is_flagged_for_review(findings: &[Finding]) -> bool {
    findings.iter().any(|finding| finding.contributes)
}

fn repeated_failure(run: &RunFacts, gap: &GapRuns, rules: &CalibrationRules) -> Option<Finding> {
    if gap.gap_runs < rules.gap_min_runs || !run.gaps.contains(&gap.principle) {
        return None;
    }
    let (name, days) = (name(&gap.principle), days(rules.gap_window_days));
    let times = if gap.gap_runs == 1 { "once".to_owned() } else { format!("{} times", gap.gap_runs) };
    let message = format!(
        "Principle {name} has scored below threshold {times} in the last {days} ({} of {} runs)",
        gap.gap_runs, gap.runs
    );
    Some(Finding {
        kind: FlagKind::RepeatedPrincipleFailure,
        subject: gap.principle.clone(),
        project: run.project.clone(),
        severity: Severity::Warning,
        trace_id: run.trace_id.clone(),
        n: count(gap.gap_runs),
        baseline: FindingBaseline {
            window_days: rules.gap_window_days.into(),
            judged_runs: Some(count(gap.runs)),
            ..FindingBaseline::default()
        },
        message,
        trace_ids: gap.recent.clone(),
        contributes: true,
    })
}

fn disparity(
    kind: FlagKind,
    run: &RunFacts,
    subject: &SubjectScores,
    baseline: &Baseline,
    rules: &CalibrationRules,
) -> Option<Finding> {
    let (own, overall) = (subject.scores, baseline.overall);
    let enough =
        own.n >= rules.disparity_min_runs.max(1) && overall.n >= rules.disparity_min_overall_runs.max(1);
    let below = overall.mean - own.mean;
    if !enough || below <= rules.disparity_limit + ROUNDING {
        return None;
    }
    let what = if kind == FlagKind::DomainQualityDisparity { "Domain" } else { "Intent" };
    let message = format!(
        "{what} {} has a mean quality of {:.2} ({} runs), {below:.2} below the overall {:.2} ({} runs), \
         in the {} before",
        name(&subject.subject),
        own.mean,
        own.n,
        overall.mean,
        overall.n,
        days(rules.baseline_days),
    );
    let contributes = run.score.is_some_and(|score| overall.mean - score >= rules.disparity_limit - ROUNDING);
    Some(Finding {
        kind,
        subject: subject.subject.clone(),
        project: run.project.clone(),
        severity: Severity::Warning,
        trace_id: run.trace_id.clone(),
        n: count(own.n),
        baseline: FindingBaseline {
            window_days: rules.baseline_days.into(),
            subject_mean: Some(own.mean),
            overall_mean: Some(overall.mean),
            overall_n: Some(count(overall.n)),
            ..FindingBaseline::default()
        },
        message,
        trace_ids: subject.recent.clone(),
        contributes,
    })
}

fn regression(
    run: &RunFacts,
    previous: &PreviousRun,
    baseline: &Baseline,
    rules: &CalibrationRules,
) -> Option<Finding> {
    if run.passed != Some(false) || !previous.passed {
        return None;
    }
    let verdicts = baseline.verdicts;
    // Without a verdict in the window (the run before is older) there is no rate, and nothing that lessens
    // the news.
    let often = verdicts.judged > 0
        && (verdicts.passed as f64 / verdicts.judged as f64) < rules.regression_note_below;
    let score = run.score.map(|score| format!(" with {score:.2}")).unwrap_or_default();
    let days = days(rules.baseline_days);
    let before = match verdicts.judged {
        0 => format!("no other verdict in the {days} before"),
        judged => format!("{} of {judged} runs passed in the {days} before", verdicts.passed),
    };
    let message = format!(
        "Project {} failed the quality gate{score} after its previous run had passed ({before})",
        name(&run.project)
    );
    Some(Finding {
        kind: FlagKind::QualityGateRegression,
        subject: run.project.clone(),
        project: run.project.clone(),
        severity: if often { Severity::Note } else { Severity::Warning },
        trace_id: run.trace_id.clone(),
        n: 1,
        baseline: FindingBaseline {
            window_days: rules.baseline_days.into(),
            verdicts: Some(count(verdicts.judged)),
            verdicts_passed: Some(count(verdicts.passed)),
            previous_trace_id: Some(previous.trace_id.clone()),
            ..FindingBaseline::default()
        },
        message,
        trace_ids: vec![run.trace_id.clone()],
        contributes: true,
    })
}

pub(super) fn days(days: u32) -> String {
    if days == 1 { "day".to_owned() } else { format!("{days} days") }
}

pub(super) fn count(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

/// A subject inside a sentence. It is somebody else's text: unless it is a plain word it stands in quotes,
/// and what could end the line, the quotes or the reader's patience is taken out.
pub(super) fn name(text: &str) -> String {
    const LONGEST: usize = 64;
    let plain = |c: char| c.is_alphanumeric() || "-_.:/".contains(c);
    let mut name: String = text
        .chars()
        .filter(|c| !super::alerts::is_invisible(*c))
        .map(|c| if c == '"' { '\'' } else { c })
        .take(LONGEST + 1)
        .collect();
    if name.chars().count() > LONGEST {
        name.pop();
        name.push('…');
    }
    if !name.is_empty() && name.chars().all(plain) { name } else { format!("\"{name}\"") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_cannot_break_out_of_its_sentence() {
        assert_eq!(name("META-12"), "META-12");
        assert_eq!(name("two words"), "\"two words\"");
        assert_eq!(name("a\" b\n\u{1b}[31m\u{202e}"), "\"a' b[31m\"");
        assert_eq!(name(&"x".repeat(1000)).chars().count(), 64 + 2 + 1);
    }
}
