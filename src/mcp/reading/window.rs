//! The window of time that statistics look back on, as an argument says it.

use crate::gate::Refusal;
use crate::gate::refusal::quoted;

/// A century is enough.
const MOST_DAYS: u32 = 36_500;

/// So many days; `None` for all time, `default` where nothing is said.
pub(super) fn days(said: Option<&str>, default: u32) -> Result<Option<u32>, Refusal> {
    let Some(said) = said.map(str::trim).filter(|said| !said.is_empty()) else { return Ok(Some(default)) };
    if said.eq_ignore_ascii_case("all") {
        return Ok(None);
    }
    let count = said.trim_end_matches(['d', 'D']).trim().parse::<u32>().ok();
    count.filter(|days| (1..=MOST_DAYS).contains(days)).map(Some).ok_or_else(|| {
        let limit = format!("1..={MOST_DAYS} days and \"all\"");
        Refusal::new("days", format!("{} is not among", quoted(said)), limit, "send e.g. \"30\" or \"all\"")
    })
}

/// The window in words: `of the last 30 days`.
pub(super) fn described(days: Option<u32>) -> String {
    days.map_or_else(|| "of all time".to_owned(), |days| format!("of the last {days} days"))
}
