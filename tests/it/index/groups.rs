//! What many runs did: features that are held against principles, and the runs of a group.

use chrono::TimeDelta;
use whytrace::diff::UsualRun;
use whytrace::model::StartEvent;
use whytrace::statistics::Made;
use whytrace::store::index::{Filter, Gate, Group};

use super::*;
use crate::support::run::{noon, scored};

/// A run that takes an option, names evidence or not, and ends with a score and a principle's.
fn run(id: &str, minute: i64, project: &str, option: &str, principle: f64) -> Run {
    let began = noon().plus(TimeDelta::minutes(minute));
    let start = StartEvent {
        project: project.to_owned(),
        query: format!("Which arm, {project}?"),
        intent: Some("choose".to_owned()),
        ..StartEvent::default()
    };
    let run = Run::new(id).at(began).start(start).enter("enter", "collection");
    let run = run.decide_with("d1", |decision| {
        decision.what = option.to_owned();
        decision.evidence_ids = if minute % 2 == 0 { vec!["e1".to_owned()] } else { Vec::new() };
        decision.alternatives_considered = vec![whytrace::model::Alternative::parse("bing (0.2)")];
    });
    let run = run.decide_with("d2", |decision| {
        decision.stage = "synthesis".to_owned();
        decision.decision = "format".to_owned();
        decision.what = "Table".to_owned();
    });
    run.finish(scored(principle, &[("META-7", principle)]))
}

fn some_runs() -> Vec<Run> {
    vec![
        run("r0", 0, "cobot", "Exa (primary)", 3.0),
        run("r1", 1, "cobot", "exa primary", 1.0),
        run("r2", 2, "cobot", "LinkedIn", 0.0),
        run("r3", 3, "grid", "linkedin", 2.5),
        Run::started("open").decide("d1"),
        Run::started("unjudged").decide("d1").complete(),
    ]
}

fn scope(project: &str) -> Filter {
    Filter { scope: Scope::Projects(vec![project.to_owned()]), ..Filter::default() }
}

both! {
    async fn features_are_those_of_the_judged_runs_that_ended(store) {
        let index = store.index();
        record_all(&index, &some_runs()).await;
        let (features, looked_at) = index.features(&Filter::default(), 100).await.unwrap();
        assert!(looked_at >= 4, "{looked_at}");
        assert_eq!(features.len(), 4);
        let newest = &features[0];
        assert_eq!(newest.principles, ["META-7"]);
        assert_eq!(newest.stages.iter().collect::<Vec<_>>(), ["collection", "synthesis"]);
        let made = |key: &str, choice: &str, has_alternatives, has_evidence| Made {
            key: key.to_owned(), choice: choice.to_owned(), has_alternatives, has_evidence,
        };
        let expected = [made("format", "table", false, false), made("source_selection", "linkedin", true, false)];
        assert_eq!(newest.decisions.iter().cloned().collect::<Vec<_>>(), expected);
        let gaps: Vec<usize> = features.iter().map(|run| run.gaps.len()).collect();
        assert_eq!(gaps, [0, 1, 1, 0], "newest first");
        let choices: Vec<bool> = features.iter().map(|run| {
            run.decisions.iter().any(|made| made.choice == "exa primary")
        }).collect();
        assert_eq!(choices, [false, false, true, true], "options are one where their words are");
    }

    async fn features_are_of_the_newest_runs_and_within_scope(store) {
        let index = store.index();
        record_all(&index, &some_runs()).await;
        assert_eq!(index.features(&Filter::default(), 2).await.unwrap().0.len(), 2);
        assert_eq!(index.features(&scope("grid"), 100).await.unwrap().0.len(), 1);
        assert_eq!(index.features(&scope("nobody"), 100).await.unwrap().0.len(), 0);
    }

    async fn a_group_is_of_those_that_meet_the_filter_without_the_run_itself(store) {
        let index = store.index();
        record_all(&index, &some_runs()).await;
        let without = "r2".parse().unwrap();
        let all = Filter::default();

        let of = async |filter: &Filter, query: Option<&str>, limit: u32| {
            index.usual_runs(&Group { filter, query, without: &without, limit }).await.unwrap()
        };
        let cobot = Filter { project: Some("cobot".to_owned()), ..Filter::default() };
        let runs = of(&cobot, None, 50).await;
        assert_eq!(runs.len(), 2);
        let expected = UsualRun {
            duration_seconds: Some(4.0),
            decisions: 2,
            stages: vec![("collection".to_owned(), runs[0].stages[0].1), ("synthesis".to_owned(), runs[0].stages[1].1)],
            choices: vec![
                ("collection".to_owned(), "source_selection".to_owned(), "exa primary".to_owned()),
                ("synthesis".to_owned(), "format".to_owned(), "table".to_owned()),
            ],
            ..UsualRun::default()
        };
        assert_eq!(runs[0], expected);
        assert_eq!(of(&all, Some("Which arm, cobot?"), 50).await.len(), 2);
        assert_eq!(of(&all, None, 1).await.len(), 1);
        let passed = Filter { gate: Some(Gate::Passed), ..Filter::default() };
        assert_eq!(of(&passed, None, 50).await.len(), 2, "r0 and r3");
        assert_eq!(of(&scope("grid"), None, 50).await.len(), 1);
    }
}
