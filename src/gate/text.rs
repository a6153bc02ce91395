//! Texts and labels on their way in.
//!
//! A label (id, project, stage, key, tag) is compared and becomes a file name, so it is normalised
//! and short. A text is kept as sent, except that NUL becomes U+2400: Postgres refuses NUL and
//! SQLite's functions stop at it.

use unicode_normalization::UnicodeNormalization;

use super::limits::LABEL_BYTES;
use super::refusal::{Refusal, quoted};
use crate::shown::shown;

/// What stands for NUL in stored text.
pub(super) const NUL_SIGN: &str = "\u{2400}";

/// A label in NFC.
///
/// # Errors
/// Refuses what is blank (nothing visible), longer than [`LABEL_BYTES`] after NFC, or holds a control
/// character.
pub fn label(field: &str, value: &str) -> Result<String, Refusal> {
    let label: String = value.nfc().collect();
    if let Some(control) = label.chars().find(|c| c.is_control()) {
        return Err(Refusal::new(
            field,
            format!("{} holds the control character U+{:04X}, outside", quoted(value), u32::from(control)),
            "the characters allowed in a label",
            "send it without control characters",
        ));
    }
    if label.len() > LABEL_BYTES {
        return Err(Refusal::new(
            field,
            format!("{} has {} bytes, above", quoted(value), label.len()),
            format!("the limit of {LABEL_BYTES} bytes"),
            "send a short name and put the rest into a text field",
        ));
    }
    if is_blank(&label) {
        return Err(blank(field, "send a short name, for example \"collection\""));
    }
    Ok(label)
}

/// A text of at most `max_bytes`, which may be empty.
///
/// # Errors
/// Refuses what is longer than `max_bytes` as sent.
pub fn text(field: &str, value: &str, max_bytes: usize) -> Result<String, Refusal> {
    if value.len() > max_bytes {
        return Err(Refusal::new(
            field,
            format!("{} bytes were sent, above", value.len()),
            format!("the limit of {max_bytes} bytes"),
            format!("shorten it by at least {} bytes, or summarise it", value.len() - max_bytes),
        ));
    }
    Ok(without_nul(value))
}

/// A text that must say something.
///
/// # Errors
/// Refuses what is blank, and what [`text`] refuses.
pub fn required_text(field: &str, value: &str, max_bytes: usize) -> Result<String, Refusal> {
    let text = text(field, value, max_bytes)?;
    if is_blank(&text) {
        return Err(blank(field, "send a sentence that says it"));
    }
    Ok(text)
}

pub(super) fn without_nul(value: &str) -> String {
    value.replace('\0', NUL_SIGN)
}

fn is_blank(value: &str) -> bool {
    shown(value).trim().is_empty()
}

fn blank(field: &str, remedy: &str) -> Refusal {
    Refusal::new(field, "is blank, below", "the minimum of one visible character", remedy)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_label_is_normalised_before_it_is_measured() {
        assert_eq!(label("stage", "e\u{301}tape").unwrap(), "\u{e9}tape");
        let decomposed = "e\u{301}".repeat(64);
        assert_eq!(decomposed.len(), 192);
        assert_eq!(label("stage", &decomposed).unwrap().len(), 128);
    }

    #[test]
    fn a_label_takes_128_bytes_and_not_129() {
        assert!(label("stage", &"x".repeat(128)).is_ok());
        let refusal = label("stage", &"x".repeat(129)).unwrap_err();
        assert!(refusal.to_string().contains("129 bytes, above the limit of 128 bytes"), "{refusal}");
    }

    #[test]
    fn a_label_without_anything_visible_is_refused() {
        for blank in ["", "  ", "\u{200b}\u{2060}", "\u{a0}"] {
            let refusal = label("project", blank).unwrap_err();
            assert_eq!(
                refusal.to_string(),
                "project: is blank, below the minimum of one visible character; \
                 send a short name, for example \"collection\""
            );
        }
    }

    #[test]
    fn a_label_with_a_control_character_is_refused_and_named() {
        for control in ['\0', '\n', '\t', '\u{1b}', '\u{7f}', '\u{85}'] {
            let refusal = label("stage", &format!("a{control}b")).unwrap_err();
            assert!(refusal.problem.contains(&format!("U+{:04X}", u32::from(control))), "{refusal}");
            assert!(!refusal.to_string().contains(control), "{refusal}");
        }
    }

    #[test]
    fn a_text_is_kept_as_sent_but_for_nul() {
        let odd = "e\u{301}\r\n\u{1b}[31m \u{202e}\u{feff}\u{e0041} \u{1f469}\u{200d}\u{1f680}";
        assert_eq!(text("why", odd, 100).unwrap(), odd);
        assert_eq!(text("why", "a\0b", 3).unwrap(), "a\u{2400}b");
    }

    #[test]
    fn a_long_text_is_refused_with_what_was_sent_and_what_to_do() {
        assert!(text("what", &"x".repeat(4096), 4096).is_ok());
        assert_eq!(
            text("what", &"x".repeat(5000), 4096).unwrap_err().to_string(),
            "what: 5000 bytes were sent, above the limit of 4096 bytes; \
             shorten it by at least 904 bytes, or summarise it"
        );
    }

    #[test]
    fn only_a_required_text_must_say_something() {
        assert_eq!(text("result", "", 10).unwrap(), "");
        assert!(required_text("why", " \n", 10).is_err());
        assert_eq!(required_text("why", " x", 10).unwrap(), " x");
    }

    proptest! {
        #[test]
        fn an_accepted_label_is_its_own_label(value in "\\PC{0,80}") {
            if let Ok(once) = label("id", &value) {
                prop_assert!((1..=LABEL_BYTES).contains(&once.len()));
                prop_assert_eq!(label("id", &once).unwrap(), once);
            }
        }

        #[test]
        fn no_accepted_text_holds_nul(value in any::<String>()) {
            prop_assert!(!text("why", &value, usize::MAX).unwrap().contains('\0'));
        }
    }
}
