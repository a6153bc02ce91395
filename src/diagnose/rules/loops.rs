//! Repetition: the same step again, and stretches of steps that come round and round.
//!
//! A repetition is one suspect, at the place where it began, however long it goes on.

use std::collections::{HashMap, HashSet};

use super::{Case, Found};
use crate::diagnose::rule::Rule;
use crate::diagnose::steps::Step;

/// The longest stretch that is recognised when it comes round.
const LONGEST: usize = 4;
/// So many turns in a row are a loop; fewer are a repetition.
const TURNS: usize = 3;
/// From so many turns on, without any change, a run is stuck.
const STUCK: usize = 5;

/// Which steps repeat which.
#[derive(Clone, Debug, Default)]
pub(crate) struct Loops {
    all: Vec<Loop>,
    /// For each step that repeats one before it, the place where that began.
    follows: HashMap<usize, usize>,
    /// The places of all steps of repetitions.
    taken: HashSet<usize>,
}

/// One repetition.
#[derive(Clone, Debug)]
struct Loop {
    /// The place of its first step.
    first: usize,
    /// The place of its last.
    last: usize,
    /// How often it comes.
    turns: usize,
    /// How many steps a turn has.
    length: usize,
    /// How many different results there were at the same point of a turn, at most; `None` where none is known.
    results: Option<usize>,
    has_inputs: bool,
}

impl Loops {
    pub(crate) fn of(steps: &[Step<'_>]) -> Self {
        let mut loops = Self::default();
        for length in 1..=LONGEST {
            loops.take_stretches(steps, length);
        }
        loops.take_repetitions(steps);
        loops.all.sort_by_key(|one| one.first);
        loops
    }

    /// Where the repetition began that this step belongs to, if it is not the first.
    pub(crate) fn began(&self, place: usize) -> Option<usize> {
        self.follows.get(&place).copied()
    }

    /// Stretches of `length` steps that come several times in a row.
    fn take_stretches(&mut self, steps: &[Step<'_>], length: usize) {
        let mut start = 0;
        while start + length < steps.len() {
            let is_same = |place: &usize| match (steps.get(*place), steps.get(place + length)) {
                (Some(one), Some(next)) => one.saying == next.saying && !self.is_taken(*place + length),
                _ => false,
            };
            let same = if self.is_taken(start) { 0 } else { (start..).take_while(is_same).count() };
            if same / length + 1 >= TURNS {
                // The last turn may have been broken off.
                let places: Vec<usize> = (start..start + same + length).collect();
                self.take(steps, &places, length);
                start += same + length;
            } else {
                start += same.max(1);
            }
        }
    }

    /// Steps that come again with others between them.
    fn take_repetitions(&mut self, steps: &[Step<'_>]) {
        let mut places: HashMap<u64, Vec<usize>> = HashMap::new();
        for (place, step) in steps.iter().enumerate().filter(|(place, _)| !self.is_taken(*place)) {
            places.entry(step.saying).or_default().push(place);
        }
        let mut repeated: Vec<Vec<usize>> = places.into_values().filter(|places| places.len() > 1).collect();
        repeated.sort();
        for places in repeated {
            self.take(steps, &places, 1);
        }
    }

    fn take(&mut self, steps: &[Step<'_>], places: &[usize], length: usize) {
        let (Some(&first), Some(&last)) = (places.first(), places.last()) else { return };
        self.taken.extend(places);
        self.follows.extend(places.iter().skip(1).map(|place| (*place, first)));
        let results = (0..length).filter_map(|point| {
            let turns = places.iter().skip(point).step_by(length);
            let known: HashSet<u64> = turns.filter_map(|place| steps.get(*place)?.result).collect();
            (!known.is_empty()).then_some(known.len())
        });
        let has_inputs = steps.get(first).is_some_and(Step::has_inputs);
        let results = results.max();
        self.all.push(Loop { first, last, turns: places.len() / length, length, results, has_inputs });
    }

    fn is_taken(&self, place: usize) -> bool {
        self.taken.contains(&place)
    }
}

pub(super) fn look(case: &Case<'_, '_>, found: &mut Found<'_>) {
    for one in &case.loops.all {
        let (from, to) = (one.first + 1, one.last + 1);
        let what = match one.length {
            1 => "the same".to_owned(),
            length => format!("the same {length} decisions"),
        };
        let results = match one.results {
            Some(1) => ", always with the same result".to_owned(),
            Some(several) => format!(", with {several} different results"),
            None => String::new(),
        };
        let said = format!("{what} {} times, #{from} to #{to}{results}", one.turns);
        found.step(one.first, Rule::Repeated, said);
        let says_enough = one.has_inputs || one.results.is_some();
        if one.turns >= STUCK && one.results.is_none_or(|results| results == 1) && says_enough {
            found.step(one.first, Rule::Stuck, format!("{} turns and no change", one.turns));
        }
    }
}
