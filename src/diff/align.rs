//! Which decisions of two runs are the same decision: an alignment of two sequences.
//!
//! Six steps, each of which takes only what the ones before left over:
//! 1. in each stage, the longest common subsequence of actions (key, what, inputs): the two runs at their most alike;
//! 2. the same action at another place of its stage;
//! 3. the same key of the same stage between the same two neighbours of step 1 in the whole run, those first that have
//!    most in common;
//! 4. the same between the same two neighbours in the stage alone, for stages that run side by side;
//! 5. the same key anywhere in its stage, in order; but no calls, which inputs tell apart: another call elsewhere is
//!    another call;
//! 6. the same action in another stage.
//!
//! What is still left is in one run only. Swapping the runs swaps the sides of every pair and changes nothing else.
//!
//! Here is the order of the steps. [`subsequence`] is the arithmetic of step 1, and [`leftovers`] pairs up what has no
//! partner yet in the others.

mod leftovers;
mod subsequence;

use indexmap::IndexMap;

use self::leftovers::Leftovers;
use self::subsequence::{common_subsequence, longest_chain};

/// A decision as far as it matters here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Token<'t> {
    /// Its stage, by one name in both runs.
    pub(super) stage: &'t str,
    pub(super) key: &'t str,
    /// What tells it from others under its key.
    pub(super) action: &'t str,
    /// Whether inputs tell it from others.
    pub(super) is_call: bool,
}

/// A decision of either run, by their places, that are the same decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pair {
    pub(super) a: usize,
    pub(super) b: usize,
    /// Whether other decisions that the runs share stand on different sides of it.
    pub(super) moved: bool,
}

/// Places in a, and places in b.
type Places = (Vec<usize>, Vec<usize>);

/// Pairs up the decisions of two runs, each in the order of time; every place is in at most one pair. Ordered by the
/// places in `a`. `likeness` says how much two have in common that are not the same.
pub(super) fn align(a: &[Token<'_>], b: &[Token<'_>], likeness: impl Fn(usize, usize) -> usize) -> Vec<Pair> {
    // Ties are broken from left to right, so the sides are put into an order of their own first.
    if a <= b {
        return align_in_order(a, b, &likeness);
    }
    let swapped = align_in_order(b, a, &|b, a| likeness(a, b)).into_iter();
    let mut pairs: Vec<Pair> = swapped.map(|pair| Pair { a: pair.b, b: pair.a, moved: pair.moved }).collect();
    pairs.sort_unstable_by_key(|pair| pair.a);
    pairs
}

fn align_in_order(a: &[Token<'_>], b: &[Token<'_>], likeness: &dyn Fn(usize, usize) -> usize) -> Vec<Pair> {
    let mut left = Leftovers::new(a, b, likeness);
    let all = || (0..a.len(), 0..b.len());
    let stages = by_stage(a, b);
    let anchors: Vec<Vec<(usize, usize)>> =
        stages.iter().map(|(in_a, in_b)| anchors(a, b, in_a, in_b)).collect();
    for &(a, b) in anchors.iter().flatten() {
        left.take(a, b, false);
    }
    left.pair_up(all(), true, |token| Some(*token));

    let mut in_both: Vec<(usize, usize)> = anchors.iter().flatten().copied().collect();
    in_both.sort_unstable();
    let mut from = (0, 0);
    for (to_a, to_b) in longest_chain(in_both).into_iter().chain([(a.len(), b.len())]) {
        left.pair_up_alike((from.0..to_a, from.1..to_b));
        from = (to_a + 1, to_b + 1);
    }
    for ((in_a, in_b), anchors) in stages.iter().zip(&anchors) {
        let mut from = (0, 0);
        for &(to_a, to_b) in anchors.iter().chain([&(a.len(), b.len())]) {
            let within = |places: &[usize], from, to| -> Vec<usize> {
                let (start, end) =
                    (places.partition_point(|p| *p < from), places.partition_point(|p| *p < to));
                places.get(start..end).unwrap_or_default().to_vec()
            };
            left.pair_up((within(in_a, from.0, to_a), within(in_b, from.1, to_b)), false, |token| {
                Some((token.stage, token.key))
            });
            from = (to_a + 1, to_b + 1);
        }
    }
    left.pair_up(all(), true, |token| (!token.is_call).then_some((token.stage, token.key)));
    left.pair_up(all(), true, |token| Some((token.key, token.action)));
    left.into_pairs()
}

/// The places of each stage's decisions in both runs.
fn by_stage(a: &[Token<'_>], b: &[Token<'_>]) -> Vec<Places> {
    let mut stages: IndexMap<&str, Places> = IndexMap::new();
    for (place, token) in a.iter().enumerate() {
        stages.entry(token.stage).or_default().0.push(place);
    }
    for (place, token) in b.iter().enumerate() {
        stages.entry(token.stage).or_default().1.push(place);
    }
    stages.into_values().collect()
}

/// The longest common subsequence of one stage, by places in the runs.
fn anchors(a: &[Token<'_>], b: &[Token<'_>], in_a: &[usize], in_b: &[usize]) -> Vec<(usize, usize)> {
    fn of_stage<'t>(run: &[Token<'t>], places: &[usize]) -> Vec<Token<'t>> {
        places.iter().filter_map(|place| run.get(*place)).copied().collect()
    }
    let common = common_subsequence(&of_stage(a, in_a), &of_stage(b, in_b));
    common.into_iter().filter_map(|(a, b)| Some((*in_a.get(a)?, *in_b.get(b)?))).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// `"k:x l:y t/k:z"` as tokens; without a stage they are of one that has no name. A call has an exclamation mark.
    fn tokens(text: &str) -> Vec<Token<'_>> {
        text.split_whitespace()
            .map(|word| {
                let (stage, word) = word.split_once('/').unwrap_or(("", word));
                let (key, action) = word.split_once(':').unwrap();
                Token { stage, key, action, is_call: action.ends_with('!') }
            })
            .collect()
    }

    fn token(key: &'static str, action: &'static str) -> Token<'static> {
        Token { stage: "s", key, action, is_call: false }
    }

    fn aligned(a: &str, b: &str) -> Vec<(usize, usize, bool)> {
        let (a, b) = (tokens(a), tokens(b));
        // As many as there are equal letters at the beginning.
        let likeness = |x: usize, y: usize| {
            a[x].action.chars().zip(b[y].action.chars()).take_while(|(x, y)| x == y).count()
        };
        align(&a, &b, likeness).iter().map(|pair| (pair.a, pair.b, pair.moved)).collect()
    }

    fn plain(a: &[Token<'_>], b: &[Token<'_>]) -> Vec<Pair> {
        align(a, b, |_, _| 0)
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
    fn what_one_run_did_more_often_is_paired_with_what_is_most_like_it() {
        assert_eq!(aligned("k:by", "k:ax k:bz k:cx"), [(0, 1, false)]);
        assert_eq!(
            aligned("k:ax k:bz k:cx", "k:cy k:by"),
            [(0, 0, false), (1, 1, false)],
            "in order all the same"
        );
    }

    #[test]
    fn speech_is_paired_between_the_calls_that_surround_it_in_the_whole_run() {
        assert_eq!(
            aligned("r/say:1 r/say:2 t/find:x! r/say:3", "r/say:4 t/find:x! r/say:5"),
            [(0, 0, false), (2, 1, false), (3, 2, false)]
        );
    }

    #[test]
    fn another_call_elsewhere_is_not_the_same_decision() {
        assert_eq!(aligned("find:a! find:b!", "find:b! find:c!"), [(1, 0, false)]);
        assert_eq!(aligned("k:a k:b", "k:b k:c"), [(0, 1, true), (1, 0, false)], "a choice is made once");
    }

    #[test]
    fn what_was_done_in_another_stage_is_found_there() {
        assert_eq!(aligned("s/k:a t/l:x", "t/k:a t/l:x"), [(0, 0, true), (1, 1, false)]);
    }

    #[test]
    fn thousands_of_equal_decisions_do_not_need_the_square_of_their_number() {
        let repeated = |count: usize, extra: &'static str| {
            let mut tokens = vec![token("k", "again"); count];
            tokens.insert(count / 2, token("k", extra));
            tokens.insert(0, token("k", extra));
            tokens.push(token("k", extra));
            tokens
        };
        let pairs = plain(&repeated(30_000, "x"), &repeated(25_000, "y"));
        assert_eq!(pairs.len(), 25_003);
    }

    fn sequence() -> impl Strategy<Value = Vec<Token<'static>>> {
        let parts = (prop::sample::select(vec!["k", "l", "m"]), prop::sample::select(vec!["1", "2", "3"]));
        prop::collection::vec(parts.prop_map(|(key, action)| token(key, action)), 0..25)
    }

    proptest! {
        #[test]
        fn nothing_is_paired_twice_or_under_another_key_or_left_over_without_need(
            a in sequence(), b in sequence(),
        ) {
            let pairs = plain(&a, &b);
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
                plain(&b, &a).iter().map(|pair| Pair { a: pair.b, b: pair.a, moved: pair.moved }).collect();
            swapped.sort_by_key(|pair| pair.a);
            prop_assert_eq!(plain(&a, &b), swapped);
        }
    }
}
