//! What memory says of the runs before one is what the database says.

use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use serde_json::json;

use super::*;
use crate::calibration::confidence::Said as KeptSaid;
use crate::calibration::{FlagKind, FlagScope};
use crate::model::document;
use crate::statistics::testing::any_runs;
use crate::store::DatabaseTarget;
use crate::store::index::flags::baseline::baseline;
use crate::store::index::flags::said;

/// What a decision says: its key, thousandths, and its own outcome if it has one.
type Said = (u8, u16, Option<bool>);

/// The document that leads to these facts, as far as flags look at them.
fn document_of(run: &RunFacts, said: &[Said]) -> Trace {
    let decisions: Vec<_> = said
        .iter()
        .enumerate()
        .map(|(place, (key, thousandths, correct))| {
            json!({"decision_id": place.to_string(), "decision": format!("k{key}"), "what": "w",
                "confidence": f64::from(*thousandths) / 1000.0, "timestamp": run.started_at,
                "outcome": correct.map(|correct| json!({"correct": correct}))})
        })
        .collect();
    let document = json!({
        "schema_version": 2, "trace_id": run.trace_id, "project_name": run.project,
        "run": {"started_at": run.started_at, "completed_at": run.completed_at, "status": run.status.as_str(),
                "intent": run.intent, "domain": run.domain, "agent": {"name": "ada"}},
        "stages": {"s": {"decisions": decisions}},
        "quality": {"score": run.score, "scale_max": 3.0, "passed": run.passed, "gap_principles": run.gaps,
                    "strength_principles":
                        run.principles.iter().filter(|it| !run.gaps.contains(it)).collect::<Vec<_>>()}
    });
    document::from_value(document, &QualityRules::default()).unwrap().trace
}

/// Flags of every third run, resolved on a day within their time.
fn resolutions(runs: &[RunFacts], day: i64) -> Resolutions {
    let keys = runs.iter().step_by(3).flat_map(|run| {
        let of =
            |kind, subject: &String| FlagKey { kind, subject: subject.clone(), project: run.project.clone() };
        let gaps = run.gaps.iter().map(move |gap| of(FlagKind::RepeatedPrincipleFailure, gap));
        let intent = run.intent.iter().map(move |it| of(FlagKind::IntentQualityDisparity, it));
        let key = of(FlagKind::ConfidenceMiscalibrated, &"decision:k0".to_owned());
        gaps.chain(intent).chain([of(FlagKind::QualityGateRegression, &run.project), key])
    });
    let at = runs.first().map(|run| run.started_at.plus(chrono::TimeDelta::days(day)));
    keys.filter_map(|key| Some((key, at?))).collect()
}

async fn compare(runs: Vec<RunFacts>, said: Vec<Vec<Said>>, rules: CalibrationRules, day: i64) {
    let folder = tempfile::tempdir().unwrap();
    let target = DatabaseTarget::Sqlite(folder.path().join("whytrace.db"));
    let index = Index::new(&target, QualityRules::default()).with_calibration(rules);
    let documents =
        runs.iter().zip(&said).map(|(run, said)| (document_of(run, said), String::new())).collect();
    index.import(documents).await.unwrap();
    let resolutions = resolutions(&runs, day);
    let stated = index.read(async |session| confidence::stated_by(session, |_| {}).await).await.unwrap();
    let mut past_confidence = PastConfidence::new(rules);
    let end: Timestamp = "2030-01-01T00:00:00Z".parse().unwrap();
    let begin: Timestamp = "2020-01-01T00:00:00Z".parse().unwrap();
    let finished = index.ended_after((begin, ""), (end, ""), &Scope::All, 1_000).await.unwrap();
    assert_eq!(finished.len(), runs.iter().filter(|run| run.is_finished()).count());
    let mut past = Past::new(rules);
    for run in &finished {
        let windows = Windows::of(run, &resolutions, &rules).unwrap();
        let stored = index.read(async |session| baseline(session, run, &windows).await).await.unwrap();
        assert_eq!(past.baseline(run, &windows), stored, "{}", run.trace_id);
        past.add(run);
        let nothing = RunConfidence::default();
        let confidence = stated.get(run.trace_id.as_str()).map_or(&nothing, Stated::confidence);
        let window = ConfidenceWindow::of(run, confidence, &resolutions, &rules).unwrap();
        let kept = index.read(async |session| said::said(session, &window, &rules).await).await.unwrap();
        // Of whom there is too little to say anything, the database does not look at what came in later.
        let telling = |said: Vec<KeptSaid>| -> Vec<KeptSaid> {
            let least = i64::try_from(rules.confidence_min_decisions).unwrap();
            said.into_iter().filter(|said| said.sums.decisions >= least).collect()
        };
        let past_said = past_confidence.said(confidence, &window);
        assert_eq!(telling(past_said), telling(kept), "{}", run.trace_id);
        past_confidence.add(run, confidence);
    }
    index.close().await;
}

#[test]
fn the_past_in_memory_is_the_one_in_the_database() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mut runner = TestRunner::new(ProptestConfig::with_cases(24));
    let said = prop::collection::vec((0..2_u8, 0..=1000_u16, any::<Option<bool>>()), 0..5);
    let said = prop::collection::vec(said, 40);
    let histories = (any_runs(), said, any::<bool>(), 1..12_u32, 0..30_i64);
    runner
        .run(&histories, |(runs, said, of_project, baseline_days, day)| {
            let flag_scope = if of_project { FlagScope::Project } else { FlagScope::Installation };
            let rules = CalibrationRules {
                flag_scope,
                baseline_days,
                confidence_min_decisions: 3,
                confidence_standard_errors: 1.0,
                ..CalibrationRules::default()
            };
            runtime.block_on(compare(runs, said, rules, day));
            Ok(())
        })
        .unwrap();
}
