//! Time and money: what took much longer or cost much more than it usually does.

use std::collections::HashMap;

use super::{Case, Found};
use crate::diagnose::rule::Rule;
use crate::model::Stage;
use crate::scorecard::{duration_text, money_text};
use crate::statistics::quantile;

/// A stage is slow above the 95th percentile and this many times the median.
const STAGE_TIMES: f64 = 2.0;
/// A decision is slow at this many times the median of its key in the run.
const STEP_TIMES: f64 = 5.0;
/// Of so many others.
const OTHERS: usize = 5;
/// Nothing shorter is slow, in seconds.
const SHORT: f64 = 1.0;
/// A stage is costly at this many times what it cost in the comparable run.
const COST_TIMES: f64 = 3.0;
/// Nothing cheaper is costly, in US dollars.
const CHEAP: f64 = 0.01;

pub(super) fn look<'t>(case: &Case<'_, 't>, found: &mut Found<'t>) {
    for (name, stage) in &case.trace.stages {
        if let (Some(seconds), Some(habit)) = (stage.duration_seconds, case.habits.stage(name))
            && seconds >= SHORT
            && seconds > habit.p95
            && seconds > STAGE_TIMES * habit.median
        {
            let said = format!(
                "took {}, usually {} (median of {}; 95 % within {})",
                duration_text(seconds),
                duration_text(habit.median),
                habit.n,
                duration_text(habit.p95)
            );
            found.stage(name, Rule::Slow, said);
        }
        let there = case.likeness.and_then(|likeness| likeness.stage(name)).and_then(cost);
        if let (Some(here), Some(there)) = (cost(stage), there)
            && here >= CHEAP
            && here > COST_TIMES * there
        {
            let said = format!("cost {}, in the good run {}", money_text(here), money_text(there));
            found.stage(name, Rule::Costly, said);
        }
    }
    let mut by_key: HashMap<&str, Vec<f64>> = HashMap::new();
    for step in case.steps {
        if let Some(seconds) = step.decision.duration_seconds {
            by_key.entry(step.key()).or_default().push(seconds);
        }
    }
    by_key.values_mut().for_each(|durations| durations.sort_unstable_by(f64::total_cmp));
    for (place, step) in case.steps.iter().enumerate() {
        let Some(seconds) = step.decision.duration_seconds.filter(|seconds| *seconds >= SHORT) else {
            continue;
        };
        let Some(all) = by_key.get(step.key()).filter(|all| all.len() > OTHERS) else { continue };
        let Some(median) = quantile(all, 0.5).filter(|median| seconds > STEP_TIMES * median) else {
            continue;
        };
        let said = format!(
            "took {}, the median of its key in this run is {} (n {})",
            duration_text(seconds),
            duration_text(median),
            all.len()
        );
        found.step(place, Rule::Slow, said);
    }
}

/// What a stage's exchanges with models cost, where any says.
fn cost(stage: &Stage) -> Option<f64> {
    let mut costs = stage.prompts.iter().filter_map(|prompt| prompt.cost_usd).peekable();
    costs.peek().is_some().then(|| costs.sum())
}
