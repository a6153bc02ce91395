//! Runs for tests: one to be filled in, and any at all.

use proptest::prelude::*;

use super::RunFacts;
use crate::model::{Status, Timestamp};

/// A run of which nothing is known but its name and status.
pub(crate) fn run(id: &str, status: Status) -> RunFacts {
    let started_at: Timestamp = "2026-02-13T14:30:22Z".parse().unwrap();
    RunFacts {
        trace_id: id.parse().unwrap(),
        project: "p".to_owned(),
        intent: None,
        domain: None,
        report_type: None,
        status,
        passed: None,
        score: None,
        duration_seconds: None,
        cost_usd: None,
        input_tokens: None,
        output_tokens: None,
        decisions: 0,
        confidence_sum: 0.0,
        confidence_count: 0,
        agent: None,
        model: None,
        started_at,
        completed_at: status.is_finished().then_some(started_at),
        flagged: false,
        evidence_collected: None,
        evidence_passed: None,
        evidence_filtered: None,
        gaps: Vec::new(),
        principles: Vec::new(),
    }
}

/// Up to 40 runs with ids of their own, few projects, intents and principles, and ends within 30 days, some
/// of them at the same moment. Intent `i0` scores a fifth of what the others do.
pub(crate) fn any_runs() -> impl Strategy<Value = Vec<RunFacts>> {
    prop::collection::vec(any_run(), 0..40).prop_map(|mut runs| {
        for (place, run) in runs.iter_mut().enumerate() {
            run.trace_id = format!("trc_{place:02}").parse().unwrap();
        }
        runs
    })
}

fn any_run() -> impl Strategy<Value = RunFacts> {
    let figures = (
        prop::option::weighted(0.9, 0.0..3.0_f64),
        prop::option::of(0.0..1e6_f64),
        prop::option::of(0.0..1e3_f64),
        prop::option::of(0..i64::MAX),
        prop::option::of(any::<bool>()),
        (0..9_u64, 0.0..4.0_f64),
    );
    let names = (0..2_u8, prop::option::of(0..3_u8), prop::option::of(0..3_u8));
    let principles = prop::collection::btree_map(0..4_u8, any::<bool>(), 0..4);
    (prop::sample::select(Status::ALL.to_vec()), (0..30_i64, 0..5_i64), figures, names, principles).prop_map(
        |(status, (day, turn), figures, (project, intent, domain), principles)| {
            let mut run = run("t", status);
            let shift = chrono::TimeDelta::days(day) + chrono::TimeDelta::hours(turn * 5);
            run.started_at = run.started_at.plus(shift);
            run.completed_at = run.completed_at.map(|at| at.plus(shift));
            (run.score, run.duration_seconds, run.cost_usd, run.input_tokens, run.passed, _) = figures;
            (run.decisions, run.confidence_sum) = figures.5;
            run.confidence_count = run.decisions;
            run.project = format!("p{project}");
            run.intent = intent.map(|n| format!("i{n}"));
            run.score = run.score.map(|score| if intent == Some(0) { score / 5.0 } else { score });
            run.domain = domain.map(|n| format!("d{n}"));
            for (principle, gap) in principles {
                run.principles.push(format!("P-{principle}"));
                if gap {
                    run.gaps.push(format!("P-{principle}"));
                }
            }
            run
        },
    )
}
