//! Writing results to standard output. A reader that has gone (`| head`) ends the program quietly.

use std::io::Write as _;

/// Writes a text and a line end.
pub(crate) fn line(text: &str) -> anyhow::Result<()> {
    let written = writeln!(std::io::stdout().lock(), "{text}");
    match written {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => std::process::exit(0),
        other => Ok(other?),
    }
}

/// Writes a value as pretty JSON.
pub(crate) fn json(value: &impl serde::Serialize) -> anyhow::Result<()> {
    line(&serde_json::to_string_pretty(value)?)
}
