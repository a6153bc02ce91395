//! Traces as JSON documents: written in version 2, read in versions 1 and 2.
//!
//! A document carries the hash of its own content, so that one edited by hand is noticed (and still used), and
//! whatever a newer program added is kept when an older one writes it again.

mod v1;

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::fold::settle;
use super::{QualityRules, Trace};

/// A document that was read.
#[derive(Clone, Debug, PartialEq)]
pub struct Loaded {
    /// The run.
    pub trace: Trace,
    /// Whether the content is what was written.
    pub integrity: Integrity,
}

/// What a document's hash says about its content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Integrity {
    /// The content is what the program wrote.
    Intact,
    /// Somebody changed it since.
    Edited,
    /// It carries no hash: version 1, or written by hand.
    Unhashed,
}

/// Says why a text is no document of a run.
#[derive(Debug, thiserror::Error)]
pub enum DocumentError {
    /// It is no JSON.
    #[error("not JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// It is JSON of another shape.
    #[error("not a trace document: {0}")]
    Shape(String),
    /// It cannot be written as canonical JSON.
    #[error("no canonical form: {0}")]
    Canonical(String),
}

/// Reads a document of any version so far.
///
/// In one that no program of this version wrote, gaps, strengths and the gate's verdict are filled in by `rules`
/// where it leaves them open.
///
/// # Errors
/// When the text is no JSON, or lacks what every run has (a trace id, a project, a start).
pub fn read(text: &str, rules: &QualityRules) -> Result<Loaded, DocumentError> {
    from_value(serde_json::from_str(text)?, rules)
}

/// Reads a document that has been parsed already.
///
/// # Errors
/// As [`read`].
pub fn from_value(value: Value, rules: &QualityRules) -> Result<Loaded, DocumentError> {
    let version = value.get("schema_version").and_then(Value::as_u64);
    let stated = value.pointer("/metadata/sha256").and_then(Value::as_str).unwrap_or_default().to_owned();
    let integrity = if stated.is_empty() {
        Integrity::Unhashed
    } else if content_sha256(&value)? == stated {
        Integrity::Intact
    } else {
        Integrity::Edited
    };
    let is_v1 = match version {
        Some(version) => version < u64::from(Trace::SCHEMA_VERSION),
        None => true,
    };
    let value = if is_v1 { v1::upgrade(value)? } else { value };
    let mut trace: Trace =
        serde_json::from_value(value).map_err(|error| DocumentError::Shape(error.to_string()))?;
    for name in [&mut trace.run.intent, &mut trace.run.domain] {
        // As at the gate: what is blank was not said.
        name.take_if(|name| name.trim().is_empty());
    }
    if integrity == Integrity::Unhashed {
        trace.quality.complete(rules);
        // So that the database and whoever reads the run tell the same of it.
        settle(&mut trace);
    }
    Ok(Loaded { trace, integrity })
}

/// Writes a run as the text of its next document: sets generator, revision and hash.
///
/// # Errors
/// When the run holds a number that canonical JSON cannot express; none that came through the gate does.
pub fn write(trace: &Trace, generator: &str, revision: u64) -> Result<(Trace, String), DocumentError> {
    let mut trace = trace.clone();
    trace.child_traces.clear();
    let value = serde_json::to_value(&trace)?;
    trace.metadata.generator = generator.to_owned();
    trace.metadata.revision = revision;
    trace.metadata.sha256 = content_sha256(&value)?;
    let mut text = serde_json::to_string_pretty(&trace)?;
    text.push('\n');
    Ok((trace, text))
}

/// SHA-256, in lower-case hex, of the canonical JSON (RFC 8785) of a document without its `metadata`.
fn content_sha256(value: &Value) -> Result<String, DocumentError> {
    let canonical = match value {
        Value::Object(fields) => {
            let content: serde_json::Map<_, _> = fields
                .iter()
                .filter(|(key, _)| key.as_str() != "metadata")
                .map(|(k, v)| (k.clone(), v.clone()))
                .collect();
            serde_json_canonicalizer::to_vec(&content)
        }
        other => serde_json_canonicalizer::to_vec(other),
    };
    let canonical = canonical.map_err(|error| DocumentError::Canonical(error.to_string()))?;
    Ok(Sha256::digest(&canonical).iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests;
