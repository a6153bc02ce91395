//! The decisions of two runs that have no partner yet, and the ways in which one is found for them.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;
use std::ops::Range;

use indexmap::IndexMap;

use super::{Pair, Places, Token};

/// How many pairs are weighed by their likeness before those left are taken in their order.
const MAX_WEIGHED: usize = 20_000;

/// The decisions that have no partner yet, and the pairs so far.
pub(super) struct Leftovers<'s, 't> {
    a: Vec<Option<&'s Token<'t>>>,
    b: Vec<Option<&'s Token<'t>>>,
    pairs: Vec<Pair>,
    likeness: &'s dyn Fn(usize, usize) -> usize,
    /// How many pairs may still be weighed.
    to_weigh: usize,
}

impl<'s, 't> Leftovers<'s, 't> {
    /// All of both runs, and no pair.
    pub(super) fn new(
        a: &'s [Token<'t>],
        b: &'s [Token<'t>],
        likeness: &'s dyn Fn(usize, usize) -> usize,
    ) -> Self {
        Self {
            a: a.iter().map(Some).collect(),
            b: b.iter().map(Some).collect(),
            pairs: Vec::new(),
            likeness,
            to_weigh: MAX_WEIGHED,
        }
    }

    /// Pairs two that have no partner yet.
    pub(super) fn take(&mut self, a: usize, b: usize, moved: bool) {
        for (side, place) in [(&mut self.a, a), (&mut self.b, b)] {
            if let Some(token) = side.get_mut(place) {
                *token = None;
            }
        }
        self.pairs.push(Pair { a, b, moved });
    }

    /// The pairs, by their places in a.
    pub(super) fn into_pairs(mut self) -> Vec<Pair> {
        self.pairs.sort_unstable_by_key(|pair| pair.a);
        self.pairs
    }

    /// Pairs those at the places that are called the same, the first with the first; one without a name has no partner.
    pub(super) fn pair_up<K: Eq + Hash, P: IntoIterator<Item = usize>>(
        &mut self,
        (a, b): (P, P),
        moved: bool,
        name: impl Fn(&'s Token<'t>) -> Option<K>,
    ) {
        let mut waiting: HashMap<K, VecDeque<usize>> = HashMap::new();
        for (place, token) in left(&self.b, b) {
            if let Some(name) = name(token) {
                waiting.entry(name).or_default().push_back(place);
            }
        }
        if waiting.is_empty() {
            return;
        }
        for (place, token) in left(&self.a, a) {
            let partners = name(token).and_then(|name| waiting.get_mut(&name));
            if let Some(partner) = partners.and_then(VecDeque::pop_front) {
                self.take(place, partner, moved);
            }
        }
    }

    /// Pairs those at the places with the same stage and key, without crossing: as many as can be, so that they have as
    /// much in common as can be, and otherwise early.
    pub(super) fn pair_up_alike(&mut self, (a, b): (Range<usize>, Range<usize>)) {
        let mut names: IndexMap<(&str, &str), Places> = IndexMap::new();
        for (place, token) in left(&self.a, a) {
            names.entry((token.stage, token.key)).or_default().0.push(place);
        }
        for (place, token) in left(&self.b, b) {
            if let Some((_, places)) = names.get_mut(&(token.stage, token.key)) {
                places.push(place);
            }
        }
        for (a, b) in names.into_values() {
            let weighed = a.len() * b.len();
            let pairs: Vec<(usize, usize)> = if a.len() == b.len() || weighed > self.to_weigh {
                a.into_iter().zip(b).collect()
            } else if a.len() < b.len() {
                self.to_weigh -= weighed;
                most_alike(&a, &b, self.likeness)
            } else {
                self.to_weigh -= weighed;
                let swapped = most_alike(&b, &a, &|b, a| (self.likeness)(a, b));
                swapped.into_iter().map(|(b, a)| (a, b)).collect()
            };
            for (a, b) in pairs {
                self.take(a, b, false);
            }
        }
    }
}

/// Those at the places that have no partner yet.
fn left<'s, 't>(
    side: &[Option<&'s Token<'t>>],
    places: impl IntoIterator<Item = usize>,
) -> Vec<(usize, &'s Token<'t>)> {
    places.into_iter().filter_map(|place| Some((place, (*side.get(place)?)?))).collect()
}

/// All of `few` with as many of `many`, in order, so that the sum of likeness is highest: the dynamic programme of S. B.
/// Needleman and C. D. Wunsch (Journal of Molecular Biology 48(3), 1970) without gaps in `few`.
fn most_alike(
    few: &[usize],
    many: &[usize],
    likeness: &dyn Fn(usize, usize) -> usize,
) -> Vec<(usize, usize)> {
    // best[i][j]: the first i of few among the first j of many, j >= i.
    let mut best = vec![vec![0; many.len() + 1]];
    for (i, one) in few.iter().enumerate() {
        let before = best.last().cloned().unwrap_or_default();
        let mut row: Vec<usize> = vec![0; many.len() + 1];
        let mut last = None;
        for (j, other) in many.iter().enumerate().skip(i) {
            let with = before.get(j).copied().unwrap_or(0) + likeness(*one, *other);
            let highest = last.map_or(with, |last: usize| last.max(with));
            if let Some(cell) = row.get_mut(j + 1) {
                *cell = highest;
            }
            last = Some(highest);
        }
        best.push(row);
    }
    let at = |i: usize, j: usize| best.get(i).and_then(|row| row.get(j)).copied().unwrap_or(0);
    let mut pairs = Vec::with_capacity(few.len());
    let mut j = many.len();
    for (i, one) in few.iter().enumerate().rev() {
        // Earlier where that is as good.
        while j > i + 1 && at(i + 1, j - 1) == at(i + 1, j) {
            j -= 1;
        }
        if let Some(other) = j.checked_sub(1).and_then(|j| many.get(j)) {
            pairs.push((*one, *other));
        }
        j = j.saturating_sub(1);
    }
    pairs.reverse();
    pairs
}
