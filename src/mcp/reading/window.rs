//! The window of time that statistics look back on, as an argument says it.

use crate::gate::Refusal;
use crate::gate::refusal::quoted;
use crate::view::window::{self, MOST_DAYS};

/// So many days; `None` for all time, `default` where nothing is said.
pub(super) fn days(said: Option<&str>, default: u32) -> Result<Option<u32>, Refusal> {
    let Some(said) = said.filter(|said| !said.trim().is_empty()) else { return Ok(Some(default)) };
    window::days(said).map_err(|_| {
        let limit = format!("1..={MOST_DAYS} days and \"all\"");
        let problem = format!("{} is not among", quoted(said.trim()));
        Refusal::new("days", problem, limit, "send e.g. \"30\" or \"all\"")
    })
}
