//! File names made from ids that anybody may have chosen.
//!
//! A plain id is its own name. Every other id gets a readable slug and a hash, which never looks like
//! a plain id: an id that ends in what could be such a hash is not plain. So a plain name and a hashed
//! name cannot meet, two plain names are equal only if their ids are, and two hashed names only if 130
//! bits of SHA-256 are, which takes about 2^65 attempts to bring about. Names are lower-case ASCII, so
//! a file system that folds case or normalises Unicode cannot bring two together either.

use sha2::{Digest, Sha256};
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// Longest plain id, in bytes.
const PLAIN_BYTES: usize = 64;
/// Longest slug, in bytes: with `-` and the hash 80 bytes in all.
const SLUG_BYTES: usize = 53;
/// Base32 digits of the hash, 5 bits each.
const HASH_DIGITS: usize = 26;
const BASE32: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

/// The name, without extension, of the file or folder that belongs to `id`: at most 80 bytes, safe on
/// Linux, macOS and Windows, and different for ids that differ in NFC.
///
/// ```
/// use whytrace::gate::filename::file_stem;
///
/// assert_eq!(file_stem("trc_20260213_143022_a1b2c3d4"), "trc_20260213_143022_a1b2c3d4");
/// assert!(file_stem("../Etc").starts_with("etc-"));
/// ```
pub fn file_stem(id: &str) -> String {
    if is_plain(id) {
        return id.to_owned();
    }
    format!("{}-{}", slug(id), hash(id))
}

fn is_plain(id: &str) -> bool {
    let bytes = id.as_bytes();
    bytes.len() <= PLAIN_BYTES
        && bytes.first().is_some_and(|first| is_lower_alphanumeric(*first))
        && bytes.iter().all(|byte| is_lower_alphanumeric(*byte) || b"_.-".contains(byte))
        && !id.ends_with('.')
        && !is_reserved(id)
        && !ends_like_a_hash(id)
}

fn is_lower_alphanumeric(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit()
}

/// The device names of Windows, which are taken with any extension too.
fn is_reserved(id: &str) -> bool {
    let base = id.split('.').next().unwrap_or_default();
    match base.get(..3) {
        Some("con" | "prn" | "aux" | "nul") => base.len() == 3,
        Some("com" | "lpt") => base.len() == 4 && base.ends_with(|c: char| c.is_ascii_digit()),
        _ => false,
    }
}

fn ends_like_a_hash(id: &str) -> bool {
    id.rsplit_once('-')
        .is_some_and(|(_, end)| end.len() == HASH_DIGITS && end.bytes().all(|byte| BASE32.contains(&byte)))
}

/// The ASCII letters and digits of an id in lower case, without accents, everything else as `-`. It
/// holds no dot, so that no reserved name comes about as in `con.x`.
fn slug(id: &str) -> String {
    let mut slug = String::new();
    for c in id.nfkd().filter(|c| !is_combining_mark(*c)).map(|c| c.to_ascii_lowercase()) {
        if slug.len() == SLUG_BYTES {
            break;
        }
        if c.is_ascii_alphanumeric() || (c == '_' && !slug.is_empty()) {
            slug.push(c);
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    slug.truncate(slug.trim_end_matches(['-', '_']).len());
    if slug.is_empty() { "id".to_owned() } else { slug }
}

/// The first 130 bits of the SHA-256 of the id in NFC, in base32.
fn hash(id: &str) -> String {
    let digest = Sha256::digest(id.nfc().collect::<String>().as_bytes());
    let bits = digest.iter().flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1));
    let mut digits = String::with_capacity(HASH_DIGITS);
    let mut value = 0;
    for (index, bit) in bits.take(HASH_DIGITS * 5).enumerate() {
        value = value << 1 | bit;
        if index % 5 == 4 {
            digits.extend(BASE32.get(usize::from(value)).map(|digit| char::from(*digit)));
            value = 0;
        }
    }
    digits
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn plain_ids_are_their_own_names() {
        let longest = "a".repeat(64);
        for id in ["trc_20260213_143022_a1b2c3d4", "a", "9", "run.7", "a-b_c", "console", "com10", &longest] {
            assert_eq!(file_stem(id), id);
        }
    }

    #[test]
    fn every_other_id_gets_a_slug_and_a_hash() {
        for (id, slug) in [
            ("", "id"),
            ("..", "id"),
            ("../../etc/passwd", "etc-passwd"),
            ("con", "con"),
            ("con.txt", "con-txt"),
            ("lpt1", "lpt1"),
            ("Cobot", "cobot"),
            ("a.", "a"),
            ("-a", "a"),
            ("_traces", "traces"),
            ("C:\\x", "c-x"),
            ("\u{dc}bersicht 2", "ubersicht-2"),
            ("\u{6771}\u{4eac}", "id"),
        ] {
            let stem = file_stem(id);
            assert_eq!(stem.strip_suffix(&format!("-{}", hash(id))), Some(slug), "{id:?}");
        }
    }

    #[test]
    fn a_plain_looking_id_cannot_take_the_name_of_a_hashed_one() {
        let hashed = file_stem("Cobot");
        assert_ne!(file_stem(&hashed), hashed);
    }

    #[test]
    fn nfc_twins_are_the_same_id_and_case_twins_are_not() {
        assert_eq!(file_stem("\u{e9}"), file_stem("e\u{301}"));
        assert_ne!(file_stem("Run"), file_stem("RUN"));
    }

    #[test]
    fn the_hash_is_fixed_for_good() {
        assert_eq!(file_stem("Cobot"), "cobot-do7zz2oy4f7zdt463frpsvujab");
    }

    fn ids() -> impl Strategy<Value = String> {
        let piece = prop::sample::select(vec![
            "a",
            "A",
            "con",
            "CON",
            ".",
            "..",
            "-",
            "_",
            "/",
            "\u{e9}",
            "e\u{301}",
            "E",
            " ",
            "1",
            "\u{df}",
            "ss",
            "abcdefghijklmnopqrstuvwxyz",
            "\u{ff41}",
            "\u{130}",
            "i",
        ]);
        prop_oneof![prop::collection::vec(piece, 0..8).prop_map(|parts| parts.concat()), any::<String>()]
    }

    proptest! {
        #[test]
        fn stems_are_safe(id in ids()) {
            let stem = file_stem(&id);
            prop_assert!((1..=80).contains(&stem.len()));
            prop_assert!(stem.bytes().all(|b| is_lower_alphanumeric(b) || b"_.-".contains(&b)));
            prop_assert!(is_lower_alphanumeric(stem.as_bytes()[0]));
            prop_assert!(!stem.ends_with('.') && !is_reserved(&stem));
        }

        #[test]
        fn stems_of_different_ids_never_meet(ids in prop::collection::vec(ids(), 0..200)) {
            let mut owners = HashMap::new();
            for id in ids.iter().flat_map(|id| [id.clone(), file_stem(id), id.to_uppercase()]) {
                let nfc: String = id.nfc().collect();
                let owner = owners.entry(file_stem(&id)).or_insert_with(|| nfc.clone());
                prop_assert_eq!(owner.as_str(), nfc.as_str());
            }
        }
    }
}
