//! Which name was meant by one that does not exist.

/// Longest name that is compared, in characters.
const COMPARED_CHARS: usize = 64;

/// What models call some fields, and what these are called here.
const OTHER_WORDS: [(&str, &str); 16] = [
    ("reason", "why"),
    ("reasoning", "why"),
    ("rationale", "why"),
    ("choice", "what"),
    ("chosen", "what"),
    ("key", "decision"),
    ("options", "alternatives_considered"),
    ("agent_name", "agent"),
    ("quality_score", "score"),
    ("verdict", "passed"),
    ("prompt", "user_message"),
    ("completion", "response"),
    ("labels", "tags"),
    ("success", "complete"),
    ("done", "complete"),
    ("error", "failed"),
];

/// The one of `names` that `name` most likely stands for, if one is likely at all.
pub(super) fn nearest<'n>(name: &str, names: &[&'n str]) -> Option<&'n str> {
    let name: String = name.trim().to_lowercase().replace(['-', ' '], "_");
    let known = |wanted: &str| names.iter().copied().find(|known| *known == wanted);
    let renamed =
        OTHER_WORDS.iter().filter(|(word, _)| *word == name).find_map(|(_, known_as)| known(known_as));
    if let Some(found) = known(&name.replace('_', "")).or_else(|| known(&name)).or(renamed) {
        return Some(found);
    }
    let length = name.chars().count();
    if !(3..=COMPARED_CHARS).contains(&length) {
        return None;
    }
    let begins = names.iter().copied().find(|known| {
        known.starts_with(&name) || (known.len() >= 3 && name.starts_with(&format!("{known}_")))
    });
    let close = || {
        let distances = names.iter().map(|known| (distance(&name, known), *known));
        distances.filter(|(distance, _)| *distance <= (length / 3).max(1)).min().map(|(_, known)| known)
    };
    begins.or_else(close)
}

/// How many characters must be inserted, deleted or replaced to make `b` of `a` (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.chars().count()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut left = i + 1;
        let mut next = vec![left];
        for (to, above) in b.chars().zip(row.windows(2)) {
            let [diagonal, above] = *above else { continue };
            left = (left + 1).min(above + 1).min(diagonal + usize::from(from != to));
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: [&str; 6] =
        ["trace_id", "stage", "decision", "what", "confidence", "alternatives_considered"];

    #[test]
    fn a_slip_a_beginning_and_another_word_are_understood() {
        for (sent, meant) in [
            ("confidance", "confidence"),
            ("Trace-ID", "trace_id"),
            ("trace", "trace_id"),
            ("stage_name", "stage"),
            ("alternatives", "alternatives_considered"),
            ("choice", "what"),
        ] {
            assert_eq!(nearest(sent, &NAMES), Some(meant), "{sent}");
        }
    }

    #[test]
    fn what_is_like_nothing_is_not_guessed() {
        for sent in ["", "x", "temperature", "\u{1f600}\u{1f600}\u{1f600}", &"a".repeat(1000)] {
            assert_eq!(nearest(sent, &NAMES), None, "{sent}");
        }
    }

    #[test]
    fn the_distance_counts_single_changes() {
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("abc", ""), 3);
    }
}
