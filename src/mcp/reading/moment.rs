//! Moments as arguments name them, refused with examples where they are none.

use crate::gate::Refusal;
use crate::gate::refusal::quoted;
use crate::model::Timestamp;
use crate::view::moment;

/// The moment that the argument `field` means at `now`.
pub(super) fn moment(field: &str, text: &str, now: Timestamp) -> Result<Timestamp, Refusal> {
    moment::moment(text, now).ok_or_else(|| {
        Refusal::new(
            field,
            format!("{} is no time among", quoted(text)),
            "RFC 3339 times and spans of m, h, d or w",
            "send e.g. \"2026-02-13T14:30:22Z\", \"2026-02-13\", \"24h\" or \"7d\"",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_time_is_refused_with_examples() {
        let now: Timestamp = "2026-02-13T14:30:00Z".parse().unwrap();
        let refusal = moment("since", "yesterday", now).unwrap_err();
        assert!(refusal.to_string().contains("\"7d\""), "{refusal}");
    }
}
