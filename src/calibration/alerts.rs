//! Flags as people read them: one line as a flag is announced, and the file of all alerts of a project.
//!
//! Both are made from flag records alone, so that the file can be written anew at any time. Names in them
//! come from agents; what could hide, forge or link something is taken out or made visible.

use std::fmt::Write as _;

use super::{AlertKind, Flag};
use crate::model::Timestamp;

/// The line by which a flag is announced, without a line break. It belongs on standard error, never into a
/// protocol.
#[must_use]
pub fn announcement_line(flag: &Flag) -> String {
    let line = format!("[CALIBRATION] {}: {} ({})", flag.severity.as_str(), flag.message, flag.id);
    visible(&line)
}

/// The text of `_calibration_alerts.md`: a dated heading for each alert that the flags remember, newest last.
#[must_use]
pub fn alerts_markdown<'a>(flags: impl IntoIterator<Item = &'a Flag>) -> String {
    let flags: Vec<&Flag> = flags.into_iter().collect();
    let mut alerts: Vec<_> =
        flags.iter().flat_map(|flag| flag.alerts.iter().map(move |alert| (alert.at, *flag, alert))).collect();
    alerts.sort_by(|a, b| (a.0, &a.1.id).cmp(&(b.0, &b.1.id)));
    let mut text = String::from(
        "# Calibration alerts\n\nWritten anew from the flags whenever one changes; newest last. An alert informs, \
         it blocks nothing.\n",
    );
    let let_go: i64 = flags.iter().map(|flag| flag.alerts_let_go).sum();
    if let_go > 0 {
        push(&mut text, format_args!("\n{let_go} older alerts are no longer listed.\n"));
    }
    for (at, flag, alert) in alerts {
        push(&mut text, format_args!("\n## {} {}{}\n\n", heading(at), flag.kind, suffix(alert.kind)));
        push(&mut text, format_args!("{}\n\n", markdown(&alert.message)));
        push(
            &mut text,
            format_args!(
                "Project {}. Flag `{}`, now {}.\n",
                markdown(&flag.project),
                visible(&flag.id),
                flag.state.as_str()
            ),
        );
    }
    text
}

fn push(text: &mut String, more: std::fmt::Arguments<'_>) {
    // Writing to a String cannot fail.
    let _ = text.write_fmt(more);
}

fn heading(at: Timestamp) -> impl std::fmt::Display {
    at.to_chrono().format("%Y-%m-%d %H:%M:%S UTC")
}

fn suffix(kind: AlertKind) -> &'static str {
    match kind {
        AlertKind::Opened => "",
        AlertKind::Reopened => ", again",
        AlertKind::StillOpen => ", still open",
    }
}

/// The text without what nobody would see of it.
fn visible(text: &str) -> String {
    text.chars().filter(|c| !is_invisible(*c)).collect()
}

/// The visible text, with the characters escaped that make links, markup or code in Markdown.
fn markdown(text: &str) -> String {
    let mut escaped = String::new();
    for c in visible(text).chars() {
        if "\\`*[]<>&#|".contains(c) {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}

/// Control characters, line and paragraph separators, marks that turn or join the text around them, tag
/// characters.
pub(super) fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}
