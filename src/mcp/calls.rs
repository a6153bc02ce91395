//! How often each tool was called, how long that took, and what it was refused for.

use std::time::Duration;

use super::registry;
use super::tool::ToolError;
use crate::metrics::{Exposition, Histogram, Kind, Tally};

/// Every code that a [`ToolError`] has.
const CODES: &[&str] = &[
    "invalid_argument",
    "unknown_trace",
    "unknown_decision",
    "ambiguous_trace",
    "conflict",
    "deleted",
    "trace_full",
    "unavailable",
    "corrupt",
    "internal",
];

/// Counters of the calls of all tools.
#[derive(Debug)]
pub struct Calls {
    tools: Vec<Called>,
    refused: Tally,
}

#[derive(Debug)]
struct Called {
    tool: &'static str,
    answered: Histogram,
    refused: Histogram,
}

impl Default for Calls {
    fn default() -> Self {
        let called = |tool| Called { tool, answered: Histogram::default(), refused: Histogram::default() };
        Self { tools: registry::all_names().map(called).collect(), refused: Tally::of(CODES) }
    }
}

impl Calls {
    /// Counts a call that was answered, or refused with an error.
    pub(super) fn note(&self, tool: &str, error: Option<&ToolError>, took: Duration) {
        if let Some(called) = self.tools.iter().find(|called| called.tool == tool) {
            if error.is_some() { &called.refused } else { &called.answered }.observe(took);
        }
        if let Some(error) = error {
            self.refused.add(error.code, 1);
        }
    }

    /// Tells all of it.
    pub fn tell(&self, text: &mut Exposition) {
        let mut samples = text.metric(
            "whytrace_tool_call_duration_seconds",
            Kind::Histogram,
            "How long calls of tools took, by tool and result.",
        );
        for Called { tool, answered, refused } in &self.tools {
            samples.histogram(&[("tool", tool), ("result", "ok")], answered);
            samples.histogram(&[("tool", tool), ("result", "error")], refused);
        }
        text.metric(
            "whytrace_refused_total",
            Kind::Counter,
            "Calls of tools answered with an error, by its code.",
        )
        .tally("code", &self.refused);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_that_errors_have_is_a_label() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/mcp");
        let mut sources: Vec<std::path::PathBuf> = vec![folder.into()];
        let mut found = 0;
        while let Some(path) = sources.pop() {
            if path.is_dir() {
                sources.extend(std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()));
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            for code in text.split("code: \"").skip(1).filter_map(|rest| rest.split('"').next()) {
                // This file names the marker itself.
                if !path.ends_with("calls.rs") {
                    assert!(CODES.contains(&code), "{code} in {} has no counter", path.display());
                    found += 1;
                }
            }
        }
        assert!(found >= CODES.len(), "only {found} codes found");
    }
}
