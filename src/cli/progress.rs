//! Progress bars, on a terminal only.

use std::fmt::Write;
use std::io::IsTerminal as _;

use indicatif::{ProgressBar, ProgressState, ProgressStyle};

/// A bar for `total` steps on standard error; invisible where that is no terminal.
pub(crate) fn bar(total: u64, what: &'static str) -> ProgressBar {
    drawn(total, what, "{msg} [{wide_bar}] {pos}/{len}  {rate}  {eta} left")
}

/// The same for something that is read byte by byte.
pub(crate) fn bytes(total: u64, what: &'static str) -> ProgressBar {
    drawn(total, what, "{msg} [{wide_bar}] {bytes}/{total_bytes}  {bytes_per_sec}  {eta} left")
}

/// Counts steps whose number is not known.
pub(crate) fn spinner(what: &'static str) -> ProgressBar {
    drawn(0, what, "{msg} {pos}  {rate}")
}

fn drawn(total: u64, what: &'static str, template: &str) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template(template)
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .with_key("rate", |state: &ProgressState, text: &mut dyn Write| {
            // Text that is not written is not seen: nothing else comes of it.
            let _ = write!(text, "{:.0}/s", state.per_sec());
        })
        .progress_chars("=> ");
    ProgressBar::new(total).with_style(style).with_message(what)
}
