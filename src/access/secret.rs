//! A token as a client sends it: `wht_` and 43 characters that carry 256 random bits.
//!
//! Because it is random and long, one round of SHA-256 is all that its hash needs: there is no guessing that a slow one
//! would slow down. Nothing here prints it; the text is had by [`Secret::reveal`] alone.

use std::fmt;
use std::str::FromStr;

use crate::store::index::TokenHash;

/// How every token begins, so that people and scanners for secrets know one.
pub(super) const PREFIX: &str = "wht_";

/// How many characters carry the 256 bits, six each.
const CHARS: usize = 43;

/// The alphabet of RFC 4648, section 5.
const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// A token itself. It shows nowhere but where [`Secret::reveal`] is called.
#[derive(Clone)]
pub struct Secret(String);

/// Says that a text is no token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a token of whytrace: those are wht_ and {CHARS} characters")]
pub struct NoSecret;

impl Secret {
    /// The token of these random bits.
    #[must_use]
    pub fn of(bits: [u8; 32]) -> Self {
        let mut text = String::with_capacity(PREFIX.len() + CHARS);
        text.push_str(PREFIX);
        let (mut waiting, mut count) = (0_u32, 0);
        for byte in bits {
            waiting = (waiting << 8) | u32::from(byte);
            count += 8;
            while count >= 6 {
                count -= 6;
                text.push(letter(waiting >> count));
            }
        }
        text.push(letter(waiting << (6 - count)));
        Self(text)
    }

    /// The token, to be shown once to who asked for it.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// What is kept of it.
    #[must_use]
    pub fn hash(&self) -> TokenHash {
        TokenHash::of(&self.0)
    }
}

/// The letter of the lowest six bits.
fn letter(bits: u32) -> char {
    ALPHABET.get((bits & 63) as usize).map_or('A', |letter| char::from(*letter))
}

impl FromStr for Secret {
    type Err = NoSecret;
    fn from_str(text: &str) -> Result<Self, NoSecret> {
        let letters = text.strip_prefix(PREFIX).ok_or(NoSecret)?;
        let is_token = letters.len() == CHARS && letters.bytes().all(|letter| ALPHABET.contains(&letter));
        if is_token { Ok(Self(text.to_owned())) } else { Err(NoSecret) }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[hidden]")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_bits_stand_in_the_letters_in_order() {
        // The first three bytes of the example of RFC 4648, section 9, and nothing after them.
        let mut bits = [0; 32];
        bits[..3].copy_from_slice(&[0x14, 0xfb, 0x9c]);
        assert_eq!(Secret::of(bits).reveal(), format!("wht_FPuc{}", "A".repeat(39)));
        assert_eq!(Secret::of([0xff; 32]).reveal(), format!("wht_{}8", "_".repeat(42)));
    }

    #[test]
    fn what_is_no_token_is_told_from_one() {
        let letters = "A".repeat(CHARS);
        assert!(format!("wht_{letters}").parse::<Secret>().is_ok());
        let wrong = ["", "wht_", "Bearer x", &letters, &format!("wht_{letters}A"), &format!("WHT_{letters}")];
        for wrong in wrong.into_iter().chain([format!("wht_{}é", "A".repeat(41)).as_str()]) {
            assert_eq!(wrong.parse::<Secret>().err(), Some(NoSecret), "{wrong}");
        }
    }

    #[test]
    fn a_token_and_its_hash_show_nowhere() {
        let secret = Secret::of([7; 32]);
        let shown = format!("{secret:?} {:?} {}", secret.hash(), NoSecret);
        assert!(
            !shown.contains(&secret.reveal()[4..12]) && !shown.contains(&secret.hash().hex()[..8]),
            "{shown}"
        );
    }

    proptest! {
        #[test]
        fn every_token_reads_back_and_no_two_are_alike(one: [u8; 32], other: [u8; 32]) {
            let secret = Secret::of(one);
            prop_assert_eq!(secret.reveal().parse::<Secret>().unwrap().hash(), secret.hash());
            prop_assert_eq!(one == other, secret.reveal() == Secret::of(other).reveal());
        }
    }
}
