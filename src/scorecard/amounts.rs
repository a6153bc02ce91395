//! Amounts as people write them: times, money, counts, scores.
//!
//! All take any number, also one that no gate let through; what is not finite is shown as `-`.

/// What stands for an amount that is not known.
pub(crate) const UNKNOWN: &str = "-";

/// A duration in seconds, in its two largest units: `850ms`, `45.8s`, `1m 23s`, `2h 5m`, `3d 4h`.
///
/// ```
/// use whytrace::scorecard::duration_text;
/// assert_eq!(duration_text(83.2), "1m 23s");
/// assert_eq!(duration_text(59.97), "1m 0s");
/// ```
#[must_use]
pub fn duration_text(seconds: f64) -> String {
    if !seconds.is_finite() {
        return UNKNOWN.to_owned();
    }
    let text = length_text(seconds.abs());
    if seconds < 0.0 { format!("-{text}") } else { text }
}

fn length_text(seconds: f64) -> String {
    let millis = (seconds * 1e3).round();
    let tenths = (seconds * 10.0).round() / 10.0;
    if seconds == 0.0 {
        "0s".to_owned()
    } else if millis < 1.0 {
        "<1ms".to_owned()
    } else if millis < 1e3 {
        format!("{millis}ms")
    } else if tenths < 60.0 {
        format!("{tenths}s")
    } else if seconds < 3599.5 {
        two_units(seconds.round(), 60.0, "m", "s")
    } else if seconds < 86_370.0 {
        two_units((seconds / 60.0).round(), 60.0, "h", "m")
    } else if seconds < 1e12 {
        two_units((seconds / 3600.0).round(), 24.0, "d", "h")
    } else {
        format!("{seconds:.1e}s")
    }
}

fn two_units(small: f64, per_large: f64, large_unit: &str, small_unit: &str) -> String {
    let large = (small / per_large).floor();
    format!("{large}{large_unit} {}{small_unit}", small - large * per_large)
}

/// An amount of US dollars to the cent, or to the hundredth of a cent where it is less than one.
///
/// ```
/// use whytrace::scorecard::money_text;
/// assert_eq!(money_text(1234.5), "$1,234.50");
/// assert_eq!(money_text(0.0042), "$0.0042");
/// ```
#[must_use]
pub fn money_text(usd: f64) -> String {
    if !usd.is_finite() {
        return UNKNOWN.to_owned();
    }
    let size = usd.abs();
    let text = if size == 0.0 {
        "$0.00".to_owned()
    } else if size < 0.0001 {
        "<$0.0001".to_owned()
    } else if size < 0.01 {
        format!("${size:.4}")
    } else if size < 1e15 {
        let digits = format!("{size:.2}");
        let (whole, cents) = digits.split_once('.').unwrap_or((&digits, "00"));
        format!("${}.{cents}", grouped(whole))
    } else {
        format!("${size:.2e}")
    };
    if usd < 0.0 { format!("-{text}") } else { text }
}

/// A count with its thousands set apart: `45,000`.
#[must_use]
pub fn count_text(count: i64) -> String {
    let digits = grouped(&count.unsigned_abs().to_string());
    if count < 0 { format!("-{digits}") } else { digits }
}

/// A score with one or two decimals: `2.4`, `2.43`, `3.0`.
///
/// Further decimals are cut off, not rounded, so that a score just below its threshold does not look as if it had
/// reached it.
#[must_use]
pub fn score_text(score: f64) -> String {
    if !score.is_finite() {
        return UNKNOWN.to_owned();
    }
    // The millionth makes up for binary fractions: 2.4 must not become 2.39.
    let hundredths = (score.abs() * 100.0 + 1e-6).floor();
    let mut text = (hundredths / 100.0).to_string();
    if !text.contains('.') {
        text.push_str(".0");
    }
    if score < 0.0 && hundredths > 0.0 { format!("-{text}") } else { text }
}

fn grouped(digits: &str) -> String {
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_change_their_unit_where_rounding_would_overflow_it() {
        for (seconds, text) in [
            (0.0, "0s"),
            (0.0004, "<1ms"),
            (0.85, "850ms"),
            (0.9996, "1s"),
            (45.83, "45.8s"),
            (59.94, "59.9s"),
            (59.97, "1m 0s"),
            (3599.4, "59m 59s"),
            (3599.6, "1h 0m"),
            (7500.0, "2h 5m"),
            (86_369.0, "23h 59m"),
            (86_371.0, "1d 0h"),
            (273_600.0, "3d 4h"),
            (-39.0, "-39s"),
            (1e300, "1.0e300s"),
            (f64::NAN, "-"),
        ] {
            assert_eq!(duration_text(seconds), text, "{seconds}");
        }
    }

    #[test]
    fn money_below_a_cent_is_not_shown_as_nothing() {
        for (usd, text) in [
            (0.0, "$0.00"),
            (0.000_01, "<$0.0001"),
            (0.0042, "$0.0042"),
            (0.32, "$0.32"),
            (999.999, "$1,000.00"),
            (1_234_567.891, "$1,234,567.89"),
            (-0.09, "-$0.09"),
            (1e300, "$1.00e300"),
            (f64::INFINITY, "-"),
        ] {
            assert_eq!(money_text(usd), text, "{usd}");
        }
    }

    #[test]
    fn counts_are_grouped_by_thousands() {
        for (count, text) in [
            (0, "0"),
            (999, "999"),
            (1000, "1,000"),
            (-45_000, "-45,000"),
            (i64::MIN, "-9,223,372,036,854,775,808"),
        ] {
            assert_eq!(count_text(count), text);
        }
    }

    #[test]
    fn a_score_just_below_its_threshold_does_not_look_as_if_it_had_reached_it() {
        for (score, text) in [
            (2.4, "2.4"),
            (1.999, "1.99"),
            (3.0, "3.0"),
            (2.4 - 1.8, "0.6"),
            (-0.125, "-0.12"),
            (-0.001, "0.0"),
        ] {
            assert_eq!(score_text(score), text, "{score}");
        }
    }
}
