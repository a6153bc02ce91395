//! Progress bars, on a terminal only.

use std::io::IsTerminal as _;

use indicatif::{ProgressBar, ProgressStyle};

/// A bar for `total` steps on standard error; invisible where that is no terminal.
pub(crate) fn bar(total: u64, what: &'static str) -> ProgressBar {
    drawn(total, what, "{msg} [{bar:32}] {pos}/{len}  {per_sec}  {eta} left")
}

/// The same for something that is read byte by byte.
pub(crate) fn bytes(total: u64, what: &'static str) -> ProgressBar {
    drawn(total, what, "{msg} [{bar:32}] {bytes}/{total_bytes}  {bytes_per_sec}  {eta} left")
}

fn drawn(total: u64, what: &'static str, template: &str) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template(template)
        .unwrap_or_else(|_| ProgressStyle::default_bar())
        .progress_chars("=> ");
    ProgressBar::new(total).with_style(style).with_message(what)
}
