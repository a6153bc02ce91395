//! Texts that count as the same: their words alone, joined by blanks.
//!
//! What was chosen and which query a run answers are compared in this form, so that case, punctuation and white
//! space make no difference. It is stored and indexed; what it was cut from is kept elsewhere.

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

use super::words;

/// The most bytes of a folded [`choice`]; what is longer is cut behind the last word that fits.
pub const CHOICE_BYTES: usize = 200;

/// Bytes of the hash of a query; each becomes two hex digits.
const QUERY_HASH_BYTES: usize = 8;

/// An option, or what was chosen, in the form in which options are compared.
///
/// ```
/// use whytrace::words::choice;
///
/// assert_eq!(choice("Exa (primary)"), choice("exa, PRIMARY"));
/// ```
#[must_use]
pub fn choice(text: &str) -> String {
    let mut folded = String::new();
    for word in words(text) {
        let blank = usize::from(!folded.is_empty());
        if folded.len() + blank + word.len() > CHOICE_BYTES {
            break;
        }
        folded.push_str(if blank > 0 { " " } else { "" });
        folded.push_str(&word);
    }
    folded
}

/// What two queries of the same words have in common: 16 hex digits of the SHA-256 of their words.
#[must_use]
pub fn query_hash(query: &str) -> String {
    let digest = Sha256::digest(words(query).join(" "));
    digest.iter().take(QUERY_HASH_BYTES).fold(String::new(), |mut hex, byte| {
        // Writing to a string cannot fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_choice_is_cut_behind_a_word() {
        assert_eq!(choice("Exa (primary),\n Reddit"), "exa primary reddit");
        assert_eq!(choice("..."), "");
        let long = choice(&"abcdefgh ".repeat(40));
        assert_eq!((long.len(), long.ends_with("abcdefgh")), (197, true));
    }

    #[test]
    fn queries_of_the_same_words_have_the_same_hash() {
        assert_eq!(query_hash("Who sells robots?"), query_hash("who sells: ROBOTS"));
        assert_ne!(query_hash("who sells robots"), query_hash("who sells robot"));
        assert_eq!(query_hash("").len(), 16);
    }
}
