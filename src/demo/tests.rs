//! What is planted can be found, by the same functions that answer users; and the same recipe tells the same runs.

use std::collections::{BTreeMap, HashSet};
use std::sync::LazyLock;

use super::choices::{CITATION_RULE, MARKET_SIZE};
use super::verdict::FAILING;
use super::*;
use crate::calibration::{Baseline, CalibrationRules, FlagKind, Resolutions, check};
use crate::diff::compare;
use crate::model::Status;
use crate::statistics::{PatternsReport, RunFacts, Trend, patterns};

const RULES: QualityRules =
    QualityRules { scale_max: 3.0, threshold_share: 2.0 / 3.0, gap_share: 2.0 / 3.0, strength_share: 1.0 };

/// The shortest histories of some seeds, and the one that the terminal tells.
static HISTORIES: LazyLock<Vec<(Recipe, Vec<Trace>)>> = LazyLock::new(|| {
    let until = "2026-11-24T12:00:00Z".parse().unwrap();
    let short = |seed| Recipe { seed, runs: Recipe::FEWEST_RUNS, until };
    let recipes = [short(1), short(2), short(u64::MAX), Recipe { seed: 1, runs: 240, until }];
    recipes.into_iter().map(|recipe| (recipe, told(recipe))).collect()
});

fn told(recipe: Recipe) -> Vec<Trace> {
    recipe.tell(RULES).map(|run| run.expect("the gate lets it in")).collect()
}

fn facts(runs: &[Trace]) -> Vec<RunFacts> {
    runs.iter().map(|run| RunFacts::of(run, &RULES)).collect()
}

#[test]
fn the_same_recipe_tells_the_same_runs_and_another_seed_tells_others() {
    let (recipe, runs) = HISTORIES[0].clone();
    assert_eq!(told(recipe), runs);
    let other = Recipe { seed: 9, ..recipe };
    let questions = |recipe| told(recipe).into_iter().map(|run| run.run.query).collect::<Vec<_>>();
    assert_ne!(questions(recipe), questions(other));
}

#[test]
fn every_run_lies_within_the_weeks_that_are_told() {
    for (recipe, runs) in &*HISTORIES {
        let ids: HashSet<&TraceId> = runs.iter().map(|run| &run.trace_id).collect();
        assert_eq!(ids.len(), recipe.runs as usize);
        let begin = recipe.until.plus(-chrono::TimeDelta::days(Recipe::DAYS));
        for run in runs {
            assert!(run.trace_id.as_str().starts_with(&recipe.prefix()));
            assert!(run.run.started_at >= begin, "{}", run.trace_id);
            assert!(run.run.completed_at.is_some_and(|at| at <= recipe.until), "{}", run.trace_id);
            assert!(run.metadata.unplaced.is_empty(), "{}", run.trace_id);
            assert_eq!(Recipe::end_of(run), Some(recipe.until));
        }
    }
}

#[test]
fn runs_end_in_every_way_and_those_that_are_judged_decide_enough() {
    for (_, runs) in &*HISTORIES {
        let mut by_status: BTreeMap<Status, u32> = BTreeMap::new();
        for run in runs {
            *by_status.entry(run.status()).or_default() += 1;
            if run.status() == Status::Complete {
                assert!((8..=20).contains(&run.decisions().count()), "{}", run.trace_id);
                assert!(run.quality.score.is_some() && run.cost.cost_usd.is_some_and(|cost| cost > 0.0));
            } else {
                assert!(run.run.error.is_some(), "{}", run.trace_id);
            }
        }
        assert!(by_status[&Status::Failed] >= 5 && by_status[&Status::Incomplete] >= 3, "{by_status:?}");
        let retried = runs.iter().filter(|run| run.iterations.len() == 2);
        let mended = retried.clone().filter(|run| run.quality.passed == Some(true));
        assert!(retried.count() >= 10 && mended.count() >= 2);
    }
}

#[test]
fn the_same_question_before_and_after_the_release_parts_at_the_planted_decision() {
    for (recipe, runs) in &*HISTORIES {
        let highlights = recipe.highlights().unwrap();
        let find = |id: &TraceId| runs.iter().find(|run| run.trace_id == *id).unwrap();
        let (before, after) = (find(&highlights.before), find(&highlights.after));
        assert_eq!(before.run.query, after.run.query);
        assert_eq!((before.quality.passed, after.quality.passed), (Some(true), Some(false)));
        let divergence = compare(before, after, &RULES).first_divergence.unwrap();
        assert_eq!(divergence.decision, CITATION_RULE);
        assert!(divergence.agreed_before >= 8, "{divergence:?}");
    }
}

#[test]
fn after_the_release_the_gate_fails_more_often() {
    for (recipe, runs) in &*HISTORIES {
        let rate = |regressed: bool| {
            let is_told = |number: &u32| {
                let plan = Plan::of(recipe, *number);
                plan.is_regressed() == regressed && plan.question.domain != questions::WEAK_DOMAIN
            };
            let numbered = runs.iter().zip(1..).filter(|(_, number)| is_told(number));
            let judged: Vec<bool> = numbered.filter_map(|(run, _)| run.quality.passed).collect();
            let failed = judged.iter().filter(|passed| !**passed).count();
            failed as f64 / judged.len() as f64
        };
        assert!(rate(true) > rate(false) + 0.15, "{} {}", rate(false), rate(true));
    }
}

#[test]
fn the_failing_principle_leads_the_patterns_and_rises() {
    for (recipe, runs) in &*HISTORIES {
        let facts = facts(runs);
        let boundary = recipe.until.plus(-chrono::TimeDelta::days(10));
        let (before, window): (Vec<RunFacts>, Vec<RunFacts>) =
            facts.into_iter().partition(|run| run.ended_at().unwrap() < boundary);
        let report = patterns(window, Some(before), PatternsReport::MIN_RUNS);
        assert_eq!(report.patterns[0].principle, FAILING);
        assert_eq!(report.patterns[0].trend, Some(Trend::Rising));
    }
}

#[test]
fn the_weak_domain_and_the_failing_principle_fire_their_flags() {
    for (_, runs) in &*HISTORIES {
        let facts = facts(runs);
        let rules = CalibrationRules::default();
        let mut fired = HashSet::new();
        for run in &facts {
            let baseline = Baseline::from_runs(run, &facts, &Resolutions::default(), &rules);
            fired.extend(check(run, &baseline, &rules).into_iter().map(|it| (it.kind, it.subject)));
        }
        let has = |kind, subject: &str| fired.contains(&(kind, subject.to_owned()));
        assert!(has(FlagKind::DomainQualityDisparity, questions::WEAK_DOMAIN), "{fired:?}");
        assert!(has(FlagKind::RepeatedPrincipleFailure, FAILING), "{fired:?}");
        assert!(fired.iter().any(|(kind, _)| *kind == FlagKind::QualityGateRegression), "{fired:?}");
        let others = fired.iter().filter(|(kind, subject)| {
            *kind == FlagKind::DomainQualityDisparity && subject != questions::WEAK_DOMAIN
        });
        assert_eq!(others.count(), 0, "one domain is weak, not several");
    }
}

#[test]
fn one_kind_of_decision_is_surer_of_itself_than_it_has_reason_to_be() {
    for (_, runs) in &*HISTORIES {
        let of_key = |is_key: fn(&str) -> bool| {
            let (mut confidence, mut correct, mut n) = (0.0, 0.0, 0.0);
            for (_, decision) in runs.iter().flat_map(Trace::decisions).filter(|(_, it)| is_key(&it.key)) {
                let Some(outcome) = decision.outcome.as_ref().and_then(|outcome| outcome.correct) else {
                    continue;
                };
                n += 1.0;
                confidence += decision.confidence.unwrap().get();
                correct += f64::from(u8::from(outcome));
            }
            assert!(n >= 30.0, "{n}");
            confidence / n - correct / n
        };
        assert!(of_key(|key| key == MARKET_SIZE) > 0.4);
        assert!(of_key(|key| key != MARKET_SIZE).abs() < 0.15);
    }
}
