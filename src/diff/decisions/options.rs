//! The options that a decision did not take, held against the other run's decision.

use std::collections::HashSet;

use super::SHOWN_CHARS;
use crate::model::Decision;
use crate::shown::{excerpt, one_line};

/// The options that `decision` did not take: those that `other` chose instead, and those that it did not consider.
pub(super) fn given_up(decision: &Decision, other: &Decision) -> (Vec<String>, Vec<String>) {
    let (chosen, chosen_by_other) = (folded(&decision.what), folded(&other.what));
    let considered: HashSet<String> =
        other.alternatives_considered.iter().map(|alternative| folded(&alternative.option)).collect();
    let (mut taken_up, mut not_considered) = (Vec::new(), Vec::new());
    let mut seen = HashSet::new();
    for alternative in &decision.alternatives_considered {
        let option = folded(&alternative.option);
        if names(&chosen_by_other, &option) && !names(&chosen, &option) {
            if seen.insert(option) {
                taken_up.push(excerpt(&alternative.option, SHOWN_CHARS));
            }
        } else if !considered.contains(&option) && seen.insert(option) {
            not_considered.push(excerpt(&alternative.option, SHOWN_CHARS));
        }
    }
    (taken_up, not_considered)
}

/// Whether a choice is the option, or names it as whole words: `exa (primary), reddit` names `reddit`.
fn names(choice: &str, option: &str) -> bool {
    let is_word = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    choice == option
        || option.chars().count() > 2
            && choice.match_indices(option).any(|(start, found)| {
                let (before, rest) = choice.split_at(start);
                let after = rest.strip_prefix(found).unwrap_or_default();
                !is_word(before.chars().next_back()) && !is_word(after.chars().next())
            })
}

fn folded(text: &str) -> String {
    one_line(text).to_lowercase()
}
