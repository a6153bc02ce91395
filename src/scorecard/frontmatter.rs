//! The YAML at the head of a report that links it to its run.

use serde::Serialize;

use crate::model::{Timestamp, Trace};

/// What a report says of the run that made it. What is not known is null.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FrontMatter {
    /// The run.
    pub trace_id: String,
    /// When the run ended; of a run that is still open, nothing.
    pub generated_at: Option<Timestamp>,
    /// The overall score, on the run's own scale.
    pub quality_score: Option<f64>,
    /// `passed` or `failed`.
    pub quality_gate: Option<&'static str>,
}

impl FrontMatter {
    /// What there is to say of a run.
    #[must_use]
    pub fn of(trace: &Trace) -> Self {
        Self {
            trace_id: trace.trace_id.to_string(),
            generated_at: trace.run.completed_at,
            quality_score: trace.quality.score,
            quality_gate: trace.quality.passed.map(|passed| if passed { "passed" } else { "failed" }),
        }
    }

    /// The same as YAML between its two rules, with a line end behind the last.
    ///
    /// ```
    /// use whytrace::scorecard::FrontMatter;
    /// let front_matter = FrontMatter {
    ///     trace_id: "a: \"b\"".to_owned(),
    ///     generated_at: None,
    ///     quality_score: Some(2.4),
    ///     quality_gate: Some("passed"),
    /// };
    /// let yaml = "---\ntrace_id: \"a: \\\"b\\\"\"\ngenerated_at: null\nquality_score: 2.4\nquality_gate: \"passed\"\n---\n";
    /// assert_eq!(front_matter.yaml(), yaml);
    /// ```
    #[must_use]
    pub fn yaml(&self) -> String {
        let null = || "null".to_owned();
        format!(
            "---\ntrace_id: {}\ngenerated_at: {}\nquality_score: {}\nquality_gate: {}\n---\n",
            quoted(&self.trace_id),
            self.generated_at.map_or_else(null, |at| quoted(&at.to_string())),
            self.quality_score.map_or_else(null, |score| score.to_string()),
            self.quality_gate.map_or_else(null, quoted),
        )
    }
}

/// A double-quoted scalar: letters and ASCII as they are, everything else that could end, turn or hide it as an
/// escape, so that the text stays what it is.
fn quoted(text: &str) -> String {
    let mut quoted = String::from('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            ' '..='~' => quoted.push(c),
            c if c.is_alphanumeric() => quoted.push(c),
            c if u32::from(c) <= 0xffff => quoted.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => quoted.push_str(&format!("\\U{:08x}", u32::from(c))),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn what_could_end_or_turn_the_text_is_escaped_and_letters_are_kept() {
        for (text, yaml) in [
            ("trc_20260213_143022_a1b2c3d4", r#""trc_20260213_143022_a1b2c3d4""#),
            ("läuft-追跡", r#""läuft-追跡""#),
            ("a\u{2028}b\u{202e}c\u{85}", r#""a\u2028b\u202ec\u0085""#),
            ("# {no}: [x]", r##""# {no}: [x]""##),
            ("\u{e0041}", r#""\U000e0041""#),
        ] {
            assert_eq!(quoted(text), yaml);
        }
    }
}
