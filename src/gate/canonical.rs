//! Whether two contents are the same.
//!
//! The canonical form is RFC 8785: keys sorted, numbers as JavaScript writes them. The hash of a
//! content is taken with redaction marks reduced to their rule, so that it does not depend on an
//! installation's key. As in RFC 8785 every number is a double: whole numbers beyond 2^53 that differ
//! only in their last digits count as equal.

use std::fmt::Write;

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::redact::reduce_marks_in;

/// Hex digits of a content hash: 128 bits.
const CONTENT_HASH_DIGITS: usize = 32;

/// The canonical JSON of a value.
pub fn canonical(value: &Value) -> String {
    // Serialising fails on keys that are no strings, duplicate keys and non-finite numbers; a `Value`
    // can hold none of them. The plain form would still tell different contents apart.
    serde_json_canonicalizer::to_string(value).unwrap_or_else(|_| value.to_string())
}

/// SHA-256 in 64 lower-case hex digits.
pub fn sha256_hex(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// What two equal contents have in common: 32 hex digits of the canonical form's SHA-256, marks
/// reduced.
pub fn content_hash(value: &Value) -> String {
    let mut hash = sha256_hex(canonical(&reduce_marks_in(value)).as_bytes());
    hash.truncate(CONTENT_HASH_DIGITS);
    hash
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut hex, byte| {
        // Writing to a string cannot fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn keys_are_sorted_and_numbers_have_one_form() {
        let value = json!({"b": 1.0, "a": [1e21, 0.1, -0.0], "\u{e9}": "\u{1}/"});
        assert_eq!(canonical(&value), "{\"a\":[1e+21,0.1,0],\"b\":1,\"\u{e9}\":\"\\u0001/\"}");
    }

    #[test]
    fn a_known_hash() {
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(sha256_hex(b""), empty);
    }

    #[test]
    fn content_does_not_depend_on_the_key_of_an_installation() {
        let at = |tag: &str| json!({"why": format!("used [REDACTED:jwt:{tag}]"), format!("[REDACTED:jwt:{tag}]"): 1});
        assert_eq!(content_hash(&at("0123abcd")), content_hash(&at("ffffffff")));
        assert_ne!(content_hash(&at("0123abcd")), content_hash(&json!({"why": "used"})));
        assert_eq!(content_hash(&json!(1)).len(), 32);
    }

    proptest! {
        #[test]
        fn the_order_of_keys_does_not_matter(entries in prop::collection::btree_map(".{0,6}", any::<i32>(), 0..6)) {
            let forward: serde_json::Map<_, _> = entries.iter().map(|(k, v)| (k.clone(), json!(v))).collect();
            let backward: serde_json::Map<_, _> = entries.iter().rev().map(|(k, v)| (k.clone(), json!(v))).collect();
            let (forward, backward) = (Value::Object(forward), Value::Object(backward));
            prop_assert_eq!(content_hash(&forward), content_hash(&backward));
            prop_assert_eq!(serde_json::from_str::<Value>(&canonical(&forward)).unwrap(), forward);
        }
    }
}
