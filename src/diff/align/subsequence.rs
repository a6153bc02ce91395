//! The longest common subsequence of two sequences, by places.
//!
//! Follows J. W. Hunt and T. G. Szymanski, "A fast algorithm for computing longest common subsequences" (Communications
//! of the ACM 20(5), 1977): O((n + r) log n) for r equal pairs, which is near linear because few decisions say the
//! same. Where thousands do, so that r would grow with the square, only the k-th of one run is matched with the k-th
//! of the other.

use std::collections::HashMap;
use std::hash::Hash;

/// How many equal pairs are looked at before the shorter way is taken.
const MAX_MATCHES: usize = 1 << 20;

/// The places of a longest common subsequence, in order.
pub(super) fn common_subsequence<T: Eq + Hash>(a: &[T], b: &[T]) -> Vec<(usize, usize)> {
    let head = a.iter().zip(b).take_while(|(a, b)| a == b).count();
    let (rest_a, rest_b) = (a.get(head..).unwrap_or_default(), b.get(head..).unwrap_or_default());
    let tail = rest_a.iter().rev().zip(rest_b.iter().rev()).take_while(|(a, b)| a == b).count();
    let (end_a, end_b) = (rest_a.len() - tail, rest_b.len() - tail);
    let middle_a = rest_a.get(..end_a).unwrap_or_default();
    let middle_b = rest_b.get(..end_b).unwrap_or_default();

    let mut places: HashMap<&T, Vec<usize>> = HashMap::new();
    for (place, token) in middle_b.iter().enumerate() {
        places.entry(token).or_default().push(place);
    }
    let middle = longest_chain(equal_pairs(middle_a, &places));

    let head_pairs = (0..head).map(|place| (place, place));
    let middle_pairs = middle.into_iter().map(|(a, b)| (head + a, head + b));
    let tail_pairs = (0..tail).map(|place| (head + end_a + place, head + end_b + place));
    head_pairs.chain(middle_pairs).chain(tail_pairs).collect()
}

/// The pairs of equals, by rising place in `a` and, for each of these, falling place in `b`.
fn equal_pairs<T: Eq + Hash>(a: &[T], places: &HashMap<&T, Vec<usize>>) -> Vec<(usize, usize)> {
    let of = |token| places.get(token).map(Vec::as_slice).unwrap_or_default();
    let tokens = a.iter().enumerate();
    if a.iter().map(|token| of(token).len()).sum::<usize>() <= MAX_MATCHES {
        return tokens.flat_map(|(a, token)| of(token).iter().rev().map(move |b| (a, *b))).collect();
    }
    let mut seen: HashMap<&T, usize> = HashMap::new();
    tokens
        .filter_map(|(a, token)| {
            let count = seen.entry(token).or_default();
            *count += 1;
            of(token).get(*count - 1).map(|b| (a, *b))
        })
        .collect()
}

/// The longest selection of `pairs` that rises strictly on both sides; of equally long ones an early one.
pub(super) fn longest_chain(pairs: Vec<(usize, usize)>) -> Vec<(usize, usize)> {
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

    /// The textbook's table, for the length alone.
    fn length_by_table(a: &[u8], b: &[u8]) -> usize {
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

    fn sequence() -> impl Strategy<Value = Vec<u8>> {
        prop::collection::vec(0..9_u8, 0..25)
    }

    proptest! {
        #[test]
        fn the_common_subsequence_is_one_and_is_longest(a in sequence(), b in sequence()) {
            let common = common_subsequence(&a, &b);
            prop_assert!(common.iter().all(|(x, y)| a[*x] == b[*y]));
            prop_assert!(common.windows(2).all(|pair| pair[0].0 < pair[1].0 && pair[0].1 < pair[1].1));
            prop_assert_eq!(common.len(), length_by_table(&a, &b));
        }
    }
}
