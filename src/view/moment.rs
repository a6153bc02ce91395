//! Moments as questions name them: RFC 3339, or a span that reaches back from now.

use crate::model::{Timestamp, span};

/// Reads `2026-02-13T14:30:22Z` and dates alone as themselves, `30m`, `24h`, `7d` or `2w` as so long before `now`.
/// `None` for anything else.
#[must_use]
pub fn moment(text: &str, now: Timestamp) -> Option<Timestamp> {
    span(text).map(|span| now.plus(-span)).or_else(|| Timestamp::of_date_or_time(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_reach_back_from_now_and_times_stand_for_themselves() {
        let now: Timestamp = "2026-02-13T14:30:00Z".parse().unwrap();
        for (text, expected) in [
            ("30m", "2026-02-13T14:00:00.000000Z"),
            ("24h", "2026-02-12T14:30:00.000000Z"),
            ("7d", "2026-02-06T14:30:00.000000Z"),
            ("2w", "2026-01-30T14:30:00.000000Z"),
            ("2026-02-01", "2026-02-01T00:00:00.000000Z"),
            ("2026-02-01T10:00:00+02:00", "2026-02-01T08:00:00.000000Z"),
        ] {
            assert_eq!(moment(text, now).unwrap().to_string(), expected, "{text}");
        }
    }

    #[test]
    fn what_is_no_time_is_none() {
        let now: Timestamp = "2026-02-13T14:30:00Z".parse().unwrap();
        for text in ["yesterday", "-3d", "7", "d", "", "99999999999999999d", "東"] {
            assert_eq!(moment(text, now), None, "{text}");
        }
    }
}
