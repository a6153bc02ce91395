//! Which decisions of two runs are the same decision: an alignment of two sequences.
//!
//! Four steps, each of which takes only what the ones before left over:
//! 1. the longest common subsequence of (key, what): the two runs at their most alike;
//! 2. the same key and what at another place;
//! 3. the same key between the same two neighbours of step 1, in order;
//! 4. the same key anywhere, in order.
//!
//! What is still left is in one run only. Step 1 follows J. W. Hunt and T. G. Szymanski, "A fast algorithm for
//! computing longest common subsequences" (Communications of the ACM 20(5), 1977): O((n + r) log n) for r equal
//! pairs, which is near linear because few decisions say the same. Where thousands do, so that r would grow with
//! the square, only the k-th of one run is matched with the k-th of the other.
//!
//! Swapping the runs swaps the sides of every pair and changes nothing else.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;
use std::ops::Range;

/// How many equal pairs step 1 looks at before it takes the shorter way.
const MAX_MATCHES: usize = 1 << 20;

/// A decision as far as it matters here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Token<'t> {
    pub(super) key: &'t str,
    pub(super) what: &'t str,
}

/// A decision of either run, by their places, that are the same decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pair {
    pub(super) a: usize,
    pub(super) b: usize,
    /// Whether other decisions that the runs share stand on different sides of it.
    pub(super) moved: bool,
}

/// Pairs up the decisions of one stage; every place is in at most one pair. Ordered by the places in `a`.
pub(super) fn align(a: &[Token<'_>], b: &[Token<'_>]) -> Vec<Pair> {
    // Ties are broken from left to right, so the sides are put into an order of their own first.
    if a <= b {
        return align_in_order(a, b);
    }
    let swapped = align_in_order(b, a).into_iter();
    let mut pairs: Vec<Pair> = swapped.map(|pair| Pair { a: pair.b, b: pair.a, moved: pair.moved }).collect();
    pairs.sort_unstable_by_key(|pair| pair.a);
    pairs
}

fn align_in_order(a: &[Token<'_>], b: &[Token<'_>]) -> Vec<Pair> {
    let anchors = common_subsequence(a, b);
    let mut leftovers = Leftovers::new(a, b);
    for &(a, b) in &anchors {
        leftovers.take(a, b, false);
    }
    leftovers.pair_up(0..a.len(), 0..b.len(), true, |token| *token);
    let mut from = (0, 0);
    for &(to_a, to_b) in anchors.iter().chain([&(a.len(), b.len())]) {
        leftovers.pair_up(from.0..to_a, from.1..to_b, false, |token| token.key);
        from = (to_a + 1, to_b + 1);
    }
    leftovers.pair_up(0..a.len(), 0..b.len(), true, |token| token.key);
    leftovers.pairs.sort_unstable_by_key(|pair| pair.a);
    leftovers.pairs
}

/// The decisions that have no partner yet, and the pairs so far.
struct Leftovers<'s, 't> {
    a: Vec<Option<&'s Token<'t>>>,
    b: Vec<Option<&'s Token<'t>>>,
    pairs: Vec<Pair>,
}

impl<'s, 't> Leftovers<'s, 't> {
    fn new(a: &'s [Token<'t>], b: &'s [Token<'t>]) -> Self {
        Self { a: a.iter().map(Some).collect(), b: b.iter().map(Some).collect(), pairs: Vec::new() }
    }

    fn take(&mut self, a: usize, b: usize, moved: bool) {
        for (side, place) in [(&mut self.a, a), (&mut self.b, b)] {
            if let Some(token) = side.get_mut(place) {
                *token = None;
            }
        }
        self.pairs.push(Pair { a, b, moved });
    }

    /// Pairs those in the two ranges that are called the same, the first with the first.
    fn pair_up<K: Eq + Hash>(
        &mut self,
        a: Range<usize>,
        b: Range<usize>,
        moved: bool,
        name: impl Fn(&'s Token<'t>) -> K,
    ) {
        let left = |side: &[Option<&'s Token<'t>>], range: Range<usize>| -> Vec<(usize, K)> {
            let tokens = side.get(range.clone()).unwrap_or_default();
            range.zip(tokens).filter_map(|(place, token)| Some((place, name((*token)?)))).collect()
        };
        let mut waiting: HashMap<K, VecDeque<usize>> = HashMap::new();
        for (place, name) in left(&self.b, b) {
            waiting.entry(name).or_default().push_back(place);
        }
        for (place, name) in left(&self.a, a) {
            if let Some(partner) = waiting.get_mut(&name).and_then(VecDeque::pop_front) {
                self.take(place, partner, moved);
            }
        }
    }
}

/// The places of a longest common subsequence, in order.
fn common_subsequence(a: &[Token<'_>], b: &[Token<'_>]) -> Vec<(usize, usize)> {
    let head = a.iter().zip(b).take_while(|(a, b)| a == b).count();
    let (rest_a, rest_b) = (a.get(head..).unwrap_or_default(), b.get(head..).unwrap_or_default());
    let tail = rest_a.iter().rev().zip(rest_b.iter().rev()).take_while(|(a, b)| a == b).count();
    let (end_a, end_b) = (rest_a.len() - tail, rest_b.len() - tail);
    let middle_a = rest_a.get(..end_a).unwrap_or_default();
    let middle_b = rest_b.get(..end_b).unwrap_or_default();

    let mut places: HashMap<&Token<'_>, Vec<usize>> = HashMap::new();
    for (place, token) in middle_b.iter().enumerate() {
        places.entry(token).or_default().push(place);
    }
    let middle = longest_chain(equal_pairs(middle_a, &places));

    let head_pairs = (0..head).map(|place| (place, place));
    let middle_pairs = middle.into_iter().map(|(a, b)| (head + a, head + b));
    let tail_pairs = (0..tail).map(|place| (head + end_a + place, head + end_b + place));
    head_pairs.chain(middle_pairs).chain(tail_pairs).collect()
}

/// The pairs of equal tokens, by rising place in `a` and, for each of these, falling place in `b`.
fn equal_pairs(a: &[Token<'_>], places: &HashMap<&Token<'_>, Vec<usize>>) -> Vec<(usize, usize)> {
    let of = |token| places.get(token).map(Vec::as_slice).unwrap_or_default();
    let tokens = a.iter().enumerate();
    if a.iter().map(|token| of(token).len()).sum::<usize>() <= MAX_MATCHES {
        return tokens.flat_map(|(a, token)| of(token).iter().rev().map(move |b| (a, *b))).collect();
    }
    let mut seen: HashMap<&Token<'_>, usize> = HashMap::new();
    tokens
        .filter_map(|(a, token)| {
            let count = seen.entry(token).or_default();
            *count += 1;
            of(token).get(*count - 1).map(|b| (a, *b))
        })
        .collect()
}

/// The longest selection of `pairs` that rises strictly on both sides; of equally long ones an early one.
fn longest_chain(pairs: Vec<(usize, usize)>) -> Vec<(usize, usize)> {
    /// The last pair of a chain, and the link before it.
    struct Link {
        pair: (usize, usize),
        before: Option<usize>,
    }
    let mut links: Vec<Link> = Vec::with_capacity(pairs.len());
    // Of the chains of each length, the one that ends at the smallest place in `b`: that place, and its link.
    let mut ends: Vec<(usize, usize)> = Vec::new();
    for pair in pairs {
        let length = ends.partition_point(|(b, _)| *b < pair.1);
        if ends.get(length).is_some_and(|(b, _)| *b == pair.1) {
            continue;
        }
        let before = length.checked_sub(1).and_then(|shorter| ends.get(shorter)).map(|(_, link)| *link);
        let end = (pair.1, links.len());
        links.push(Link { pair, before });
        match ends.get_mut(length) {
            Some(longer) => *longer = end,
            None => ends.push(end),
        }
    }
    let mut chain = Vec::with_capacity(ends.len());
    let mut next = ends.last().map(|(_, link)| *link);
    while let Some(link) = next.and_then(|link| links.get(link)) {
        chain.push(link.pair);
        next = link.before;
    }
    chain.reverse();
    chain
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// `"k:x l:y"` as tokens.
    fn tokens(text: &str) -> Vec<Token<'_>> {
        text.split_whitespace()
            .map(|word| word.split_once(':').unwrap())
            .map(|(key, what)| Token { key, what })
            .collect()
    }

    fn aligned(a: &str, b: &str) -> Vec<(usize, usize, bool)> {
        align(&tokens(a), &tokens(b)).iter().map(|pair| (pair.a, pair.b, pair.moved)).collect()
    }

    #[test]
    fn an_inserted_stretch_shifts_nothing() {
        assert_eq!(aligned("k:a k:b", "k:x k:y k:a k:b"), [(0, 2, false), (1, 3, false)]);
    }

    #[test]
    fn a_changed_choice_is_paired_with_what_stands_in_its_place() {
        assert_eq!(
            aligned("s:1 k:a s:2 k:b s:3", "s:1 k:x s:2 k:y s:3"),
            (0..5).map(|n| (n, n, false)).collect::<Vec<_>>()
        );
    }

    #[test]
    fn a_turn_more_of_a_loop_is_in_one_run_only() {
        assert_eq!(
            aligned("q:1 v:no q:2 v:yes", "q:1 v:no q:9 v:no q:2 v:yes"),
            [(0, 0, false), (1, 1, false), (2, 4, false), (3, 5, false)]
        );
    }

    #[test]
    fn a_decision_made_earlier_in_the_other_run_has_moved() {
        assert_eq!(aligned("k:a l:b m:c", "m:c k:a l:b"), [(0, 1, false), (1, 2, false), (2, 0, true)]);
        assert_eq!(aligned("k:a l:b", "l:b k:z"), [(0, 1, true), (1, 0, false)]);
    }

    #[test]
    fn thousands_of_equal_decisions_do_not_need_the_square_of_their_number() {
        let repeated = |count: usize, extra: &'static str| {
            let mut tokens = vec![Token { key: "k", what: "again" }; count];
            tokens.insert(count / 2, Token { key: "k", what: extra });
            tokens.insert(0, Token { key: "k", what: extra });
            tokens.push(Token { key: "k", what: extra });
            tokens
        };
        let pairs = align(&repeated(30_000, "x"), &repeated(25_000, "y"));
        assert_eq!(pairs.len(), 25_003);
    }

    /// The textbook's table, for the length alone.
    fn length_by_table(a: &[Token<'_>], b: &[Token<'_>]) -> usize {
        let mut row = vec![0; b.len() + 1];
        for x in a {
            let mut diagonal = 0;
            for (place, y) in b.iter().enumerate() {
                let above = row[place + 1];
                row[place + 1] = if x == y { diagonal + 1 } else { above.max(row[place]) };
                diagonal = above;
            }
        }
        row[b.len()]
    }

    fn sequence() -> impl Strategy<Value = Vec<Token<'static>>> {
        let token = (prop::sample::select(vec!["k", "l", "m"]), prop::sample::select(vec!["1", "2", "3"]));
        prop::collection::vec(token.prop_map(|(key, what)| Token { key, what }), 0..25)
    }

    proptest! {
        #[test]
        fn the_common_subsequence_is_one_and_is_longest(a in sequence(), b in sequence()) {
            let common = common_subsequence(&a, &b);
            prop_assert!(common.iter().all(|(x, y)| a[*x] == b[*y]));
            prop_assert!(common.windows(2).all(|pair| pair[0].0 < pair[1].0 && pair[0].1 < pair[1].1));
            prop_assert_eq!(common.len(), length_by_table(&a, &b));
        }

        #[test]
        fn nothing_is_paired_twice_or_under_another_key_or_left_over_without_need(
            a in sequence(), b in sequence(),
        ) {
            let pairs = align(&a, &b);
            let mut places: Vec<_> = pairs.iter().map(|pair| pair.b).collect();
            places.sort_unstable();
            places.dedup();
            prop_assert_eq!(places.len(), pairs.len());
            prop_assert!(pairs.windows(2).all(|pair| pair[0].a < pair[1].a));
            prop_assert!(pairs.iter().all(|pair| a[pair.a].key == b[pair.b].key));
            for key in ["k", "l", "m"] {
                let count = |tokens: &[Token<'_>]| tokens.iter().filter(|token| token.key == key).count();
                let paired = pairs.iter().filter(|pair| a[pair.a].key == key).count();
                prop_assert_eq!(paired, count(&a).min(count(&b)));
            }
        }

        #[test]
        fn swapping_the_runs_swaps_the_pairs(a in sequence(), b in sequence()) {
            let mut swapped: Vec<_> =
                align(&b, &a).iter().map(|pair| Pair { a: pair.b, b: pair.a, moved: pair.moved }).collect();
            swapped.sort_by_key(|pair| pair.a);
            prop_assert_eq!(align(&a, &b), swapped);
        }
    }
}
