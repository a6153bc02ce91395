//! What goes together with a principle's failing: stages, decisions, options, and practices that were left out.
//!
//! The unit is the run: a run has a feature or has it not, and a principle was a gap in it or was judged and was none.
//! Each feature is held against each principle by [Fisher's exact test](super::fisher), one-sided, because what makes it
//! fail less often is not asked. The p values of one answer are corrected together, by S. Holm, "A Simple Sequentially
//! Rejective Multiple Test Procedure" (Scandinavian Journal of Statistics 6(2), 1979): it keeps the chance of any false
//! alarm in an answer below 5 %, however features depend on each other, and here they do, because choices imply stages
//! and keys. A procedure that bounds the share of false alarms would find more; but whoever follows a false lead loses
//! more than one who is told that nothing stands out.
//!
//! Comparisons that could not be significant whatever the runs said are not made: R. E. Tarone, "A Modified Bonferroni
//! Method for Discrete Data" (Biometrics 46(2), 1990). That looks at how often a feature occurs, not at where. Features
//! that the same runs have are one comparison.
//!
//! It shows what goes together, not what causes what.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::count;
use super::fisher::{LogFactorials, Table};
use super::proportion::rate;

/// The chance of a false alarm that an answer may have.
const ALPHA: f64 = 0.05;
/// A feature is named only where failing runs have it so many times as often as the others.
const LEAST_LIFT: f64 = 1.5;
/// A feature is named only where so many failing runs have it.
const LEAST_FAILING: u64 = 3;
/// Features named for one principle.
const NAMED: usize = 3;

/// What one finished run says about principles, and what it did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RunFeatures {
    /// All principles that were judged.
    pub principles: Vec<String>,
    /// Those that are gaps.
    pub gaps: Vec<String>,
    /// The stages that it went through.
    pub stages: BTreeSet<String>,
    /// What it decided.
    pub decisions: BTreeSet<Made>,
}

/// A decision as far as it matters here.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Made {
    /// Its key.
    pub key: String,
    /// What was chosen, folded so that equal options are equal.
    pub choice: String,
    /// Whether other options were named.
    pub has_alternatives: bool,
    /// Whether evidence was named.
    pub has_evidence: bool,
}

/// What a run may have or lack.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[schemars(inline)]
pub enum Feature {
    /// An option was chosen.
    Choice {
        /// The decision's key.
        decision: String,
        /// What was chosen, folded to words.
        choice: String,
    },
    /// A stage that at least half of the runs have was left out.
    SkippedStage {
        /// The stage.
        stage: String,
    },
    /// A decision was made without naming other options.
    WithoutAlternatives {
        /// The decision's key.
        decision: String,
    },
    /// A decision was made without naming evidence.
    WithoutEvidence {
        /// The decision's key.
        decision: String,
    },
    /// A decision was made, whatever was chosen.
    Decision {
        /// Its key.
        decision: String,
    },
    /// A stage was gone through.
    Stage {
        /// The stage.
        stage: String,
    },
}

/// A feature that failing runs have more often than chance allows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct Association {
    /// What they have.
    #[serde(flatten)]
    pub feature: Feature,
    /// Runs with a gap in the principle that have it.
    pub failing_with: i64,
    /// Runs with a gap in the principle.
    pub failing: i64,
    /// Runs judged without a gap that have it.
    pub other_with: i64,
    /// Runs judged without a gap.
    pub other: i64,
    /// How many times as often failing runs have it; absent where no other run has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lift: Option<f64>,
    /// The chance of so many by chance alone: Fisher's exact test, one-sided.
    pub p: f64,
    /// The same, corrected for all comparisons of the answer (Holm).
    pub p_adjusted: f64,
}

/// What goes together with the failing of one principle.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct PrincipleAssociations {
    /// The principle.
    pub principle: String,
    /// The strongest few; empty where nothing stands out.
    pub found: Vec<Association>,
    /// How many more stand out.
    pub more: i64,
}

/// What goes together with the failing of some principles.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub struct AssociationsReport {
    /// The runs that were looked at.
    pub runs: i64,
    /// The comparisons that the p values are corrected for.
    pub comparisons: i64,
    /// The principles, in the order in which they were asked for.
    pub principles: Vec<PrincipleAssociations>,
}

/// What stands out among the runs in which these principles fail.
#[must_use]
pub fn associations(runs: &[RunFeatures], principles: &[String]) -> AssociationsReport {
    let features = features(runs);
    let logs = LogFactorials::up_to(runs.len() as u64);
    let mut compared: Vec<(usize, &Feature, Table, f64)> = Vec::new();
    for (asked, principle) in principles.iter().enumerate() {
        let judged: Vec<bool> = runs.iter().map(|run| run.principles.contains(principle)).collect();
        let gap: Vec<bool> = runs.iter().map(|run| run.gaps.contains(principle)).collect();
        let is = |of: &[bool], run: &usize| of.get(*run).copied().unwrap_or(false);
        let failing: Vec<usize> = (0..runs.len()).filter(|run| is(&judged, run) && is(&gap, run)).collect();
        let other = judged.iter().filter(|judged| **judged).count() - failing.len();
        let mut seen: BTreeSet<Vec<usize>> = BTreeSet::new();
        for (feature, having) in &features {
            let having: Vec<usize> = having.iter().copied().filter(|run| is(&judged, run)).collect();
            let with = having.iter().filter(|run| is(&gap, run)).count() as u64;
            let table = Table {
                with,
                of: failing.len() as u64,
                other_with: having.len() as u64 - with,
                other_of: other as u64,
            };
            // Of several that the same runs have, the first says most.
            if could_stand_out(&table, &logs) && seen.insert(having) {
                compared.push((asked, feature, table, table.p_more(&logs)));
            }
        }
    }
    let adjusted = holm(&compared.iter().map(|one| one.3).collect::<Vec<_>>());
    let mut found: Vec<Vec<Association>> = vec![Vec::new(); principles.len()];
    for ((asked, feature, table, p), p_adjusted) in compared.iter().zip(adjusted) {
        if let Some(found) = found.get_mut(*asked)
            && stands_out(table, p_adjusted)
        {
            found.push(Association::of((*feature).clone(), table, *p, p_adjusted));
        }
    }
    let principles = principles.iter().zip(found).map(|(principle, mut found)| {
        // Stable, and features came in the order of what they say.
        found.sort_by(|x, y| x.p.total_cmp(&y.p));
        let more = count(found.len().saturating_sub(NAMED) as u64);
        found.truncate(NAMED);
        PrincipleAssociations { principle: principle.clone(), found, more }
    });
    AssociationsReport {
        runs: count(runs.len() as u64),
        comparisons: count(compared.len() as u64),
        principles: principles.collect(),
    }
}

impl Association {
    fn of(feature: Feature, table: &Table, p: f64, p_adjusted: f64) -> Self {
        let other_rate = rate(table.other_with, table.other_of);
        Self {
            feature,
            failing_with: count(table.with),
            failing: count(table.of),
            other_with: count(table.other_with),
            other: count(table.other_of),
            lift: (table.other_with > 0).then(|| rate(table.with, table.of) / other_rate),
            p,
            p_adjusted,
        }
    }
}

/// Every feature that three runs have, with the runs that have it, in order.
fn features(runs: &[RunFeatures]) -> BTreeMap<Feature, Vec<usize>> {
    let mut all: HashMap<Feature, Vec<usize>> = HashMap::new();
    for (place, run) in runs.iter().enumerate() {
        let mut own: BTreeSet<Feature> = BTreeSet::new();
        own.extend(run.stages.iter().map(|stage| Feature::Stage { stage: stage.clone() }));
        for made in &run.decisions {
            let decision = || made.key.clone();
            own.insert(Feature::Decision { decision: decision() });
            if !made.choice.is_empty() {
                own.insert(Feature::Choice { decision: decision(), choice: made.choice.clone() });
            }
            if !made.has_alternatives {
                own.insert(Feature::WithoutAlternatives { decision: decision() });
            }
            if !made.has_evidence {
                own.insert(Feature::WithoutEvidence { decision: decision() });
            }
        }
        for feature in own {
            all.entry(feature).or_default().push(place);
        }
    }
    let usual = all.iter().filter_map(|(feature, having)| match feature {
        Feature::Stage { stage } if having.len() * 2 >= runs.len() => Some((stage.clone(), having.clone())),
        _ => None,
    });
    let skipped: Vec<(Feature, Vec<usize>)> = usual
        .map(|(stage, having)| {
            let without = (0..runs.len()).filter(|run| having.binary_search(run).is_err()).collect();
            (Feature::SkippedStage { stage }, without)
        })
        .collect();
    all.extend(skipped);
    all.into_iter().filter(|(_, having)| having.len() as u64 >= LEAST_FAILING).collect()
}

/// Whether a feature that occurs so often could stand out, if the failing runs had as much of it as can be.
fn could_stand_out(table: &Table, logs: &LogFactorials) -> bool {
    let having = table.with + table.other_with;
    let with = table.of.min(having);
    let extreme = Table { with, other_with: having - with, ..*table };
    with >= LEAST_FAILING && extreme.p_more(logs) < ALPHA
}

fn stands_out(table: &Table, p_adjusted: f64) -> bool {
    p_adjusted < ALPHA
        && table.with >= LEAST_FAILING
        && rate(table.with, table.of) >= LEAST_LIFT * rate(table.other_with, table.other_of)
}

/// The p values corrected for their number, in their order: the k-th smallest of m times m - k + 1, and none below one
/// before it.
fn holm(p: &[f64]) -> Vec<f64> {
    let mut order: Vec<(usize, f64)> = p.iter().copied().enumerate().collect();
    order.sort_by(|x, y| x.1.total_cmp(&y.1));
    let mut adjusted = vec![1.0; p.len()];
    let mut highest: f64 = 0.0;
    for (rank, (place, p)) in order.into_iter().enumerate() {
        highest = highest.max((p * (adjusted.len() - rank) as f64).min(1.0));
        if let Some(adjusted) = adjusted.get_mut(place) {
            *adjusted = highest;
        }
    }
    adjusted
}

#[cfg(test)]
mod tests;
