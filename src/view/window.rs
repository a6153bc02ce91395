//! The window of time that statistics look back on, as questions say it and as answers name it.

/// The most days that one looks back: a century is enough.
pub const MOST_DAYS: u32 = 36_500;

/// What was said is no window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoWindow;

/// Reads `30` or `30d` as so many days, and `all` as `None`: all time.
///
/// # Errors
/// [`NoWindow`] for anything else, fewer than one day and more than [`MOST_DAYS`] among it.
pub fn days(text: &str) -> Result<Option<u32>, NoWindow> {
    let text = text.trim();
    if text.eq_ignore_ascii_case("all") {
        return Ok(None);
    }
    let count = text.strip_suffix(['d', 'D']).unwrap_or(text).trim();
    let count = if count.starts_with('+') { None } else { count.parse().ok() };
    count.filter(|days| (1..=MOST_DAYS).contains(days)).map(Some).ok_or(NoWindow)
}

/// The window in words: `of the last 30 days`.
#[must_use]
pub fn described(days: Option<u32>) -> String {
    days.map_or_else(|| "of all time".to_owned(), |days| format!("of the last {days} days"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_is_a_number_of_days_or_all_time() {
        assert_eq!((days("30"), days(" 7d "), days("36500D")), (Ok(Some(30)), Ok(Some(7)), Ok(Some(36_500))));
        assert_eq!((days("all"), days("All")), (Ok(None), Ok(None)));
        for text in ["", "0", "-1", "36501", "7w", "d", "1.5", "7dd", "+7"] {
            assert_eq!(days(text), Err(NoWindow), "{text}");
        }
    }
}
