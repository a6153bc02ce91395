//! Stages that do the same work under another name.
//!
//! A stage that only a has and one that only b has are one stage where at least half of their decisions have the same
//! keys, by the coefficient of L. R. Dice, "Measures of the Amount of Ecologic Association Between Species" (Ecology
//! 26(3), 1945): twice what they share, of what both have. The most alike are taken first.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{Stage, Trace};

/// So many stages of each run are looked at.
const MOST: usize = 64;

/// Names of stages, so that one stage has one.
pub(super) struct Renamed<'t> {
    names: BTreeMap<&'t str, &'t str>,
}

impl<'t> Renamed<'t> {
    pub(super) fn between(a: &'t Trace, b: &'t Trace) -> Self {
        let mut likely: Vec<(f64, &str, &str)> = Vec::new();
        for (in_a, stage_a) in a.stages.iter().filter(|(name, _)| !b.stages.contains_key(*name)).take(MOST) {
            for (in_b, stage_b) in
                b.stages.iter().filter(|(name, _)| !a.stages.contains_key(*name)).take(MOST)
            {
                let likeness = likeness(stage_a, stage_b);
                if likeness >= 0.5 {
                    likely.push((likeness, in_a.min(in_b), in_a.max(in_b)));
                }
            }
        }
        likely.sort_by(|x, y| y.0.total_cmp(&x.0).then((x.1, x.2).cmp(&(y.1, y.2))));
        let mut names = BTreeMap::new();
        let mut taken = BTreeSet::new();
        for (_, one, other) in likely {
            if !taken.contains(one) && !taken.contains(other) {
                taken.extend([one, other]);
                names.insert(other, one);
            }
        }
        Self { names }
    }

    /// One name for a stage, whatever it is called in either run.
    pub(super) fn name(&self, stage: &'t str) -> &'t str {
        self.names.get(stage).copied().unwrap_or(stage)
    }
}

fn likeness(a: &Stage, b: &Stage) -> f64 {
    let mut counts: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for decision in &a.decisions {
        counts.entry(&decision.key).or_default().0 += 1;
    }
    for decision in &b.decisions {
        counts.entry(&decision.key).or_default().1 += 1;
    }
    let shared: usize = counts.values().map(|(a, b)| a.min(b)).sum();
    let all = a.decisions.len() + b.decisions.len();
    if all == 0 { 0.0 } else { 2.0 * shared as f64 / all as f64 }
}
