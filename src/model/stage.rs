//! A named phase of a run.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Decision, Evidence, Prompt, Timestamp, Unknown};

/// A phase of a run, with what was decided, collected and asked in it. A stage comes into being by use; one that
/// was never opened explicitly has no times.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Stage {
    /// When it was first entered.
    #[serde(default)]
    pub started_at: Option<Timestamp>,
    /// When it was last left.
    #[serde(default)]
    pub completed_at: Option<Timestamp>,
    /// Seconds spent in it: the sum over its entries.
    #[serde(default)]
    pub duration_seconds: Option<f64>,
    /// What closed it, when that was not its own end: `finish` or `entered_again`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed_by: Option<String>,
    /// Each stay in it, when there was more than one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub entries: Vec<Entry>,
    /// Its decisions, ordered by time.
    #[serde(default)]
    pub decisions: Vec<Decision>,
    /// What was collected in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Evidence>,
    /// Its exchanges with models.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub prompts: Vec<Prompt>,
    /// What it produced.
    #[serde(default)]
    pub outputs: Unknown,
    /// What went wrong in it.
    #[serde(default)]
    pub error: Option<String>,
    /// Fields of a newer version.
    #[serde(flatten)]
    pub unknown: Unknown,
}

/// One stay in a stage.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// When the stage was entered; absent when only its end was reported.
    #[serde(default)]
    pub started_at: Option<Timestamp>,
    /// When it was left.
    #[serde(default)]
    pub completed_at: Option<Timestamp>,
    /// What went wrong during this stay.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

impl Stage {
    /// Opens the stage at `at`; a stay that is still open ends there.
    pub fn enter(&mut self, at: Timestamp) {
        if self.is_open() {
            self.leave(at, None);
            self.closed_by = Some("entered_again".to_owned());
        } else {
            self.closed_by = None;
        }
        let mut entries = self.stays();
        entries.push(Entry { started_at: Some(at), ..Entry::default() });
        self.settle(entries);
    }

    /// Closes the stay that is open, or notes an end without a beginning.
    pub fn leave(&mut self, at: Timestamp, error: Option<String>) {
        let mut entries = self.stays();
        if let Some(last) = entries.last_mut().filter(|last| last.completed_at.is_none()) {
            last.completed_at = Some(at);
            last.error = error;
        } else {
            entries.push(Entry { started_at: None, completed_at: Some(at), error });
        }
        self.settle(entries);
    }

    /// Closes a stay that the run's end found open, or that began after it.
    pub fn close_at_finish(&mut self, at: Timestamp) {
        if self.is_open() {
            let entered = self.stays().last().and_then(|last| last.started_at);
            self.leave(entered.map_or(at, |entered| entered.max(at)), None);
            self.closed_by = Some("finish".to_owned());
        }
    }

    /// Whether its last stay began after the run's end, and so was closed where it began.
    #[must_use]
    pub fn began_after_the_end(&self) -> bool {
        let last = self.stays().pop().unwrap_or_default();
        self.closed_by.as_deref() == Some("finish") && last.started_at == last.completed_at
    }

    /// Opens again the stay that the run's end had closed.
    pub fn reopen(&mut self) {
        let mut entries = self.stays();
        if let Some(last) = entries.last_mut() {
            last.completed_at = None;
        }
        self.closed_by = None;
        self.settle(entries);
    }

    /// Whether it was entered and not yet left.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.stays().last().is_some_and(|last| last.completed_at.is_none())
    }

    /// Adds outputs; a key that is there already takes the new value.
    pub fn add_outputs(&mut self, outputs: &Value) {
        match outputs {
            Value::Object(fields) => {
                self.outputs.extend(fields.iter().map(|(key, value)| (key.clone(), value.clone())));
            }
            Value::Null => {}
            other => {
                self.outputs.insert("value".to_owned(), other.clone());
            }
        }
    }

    /// The stays in order, also where there was only one and the document spells it by its times alone.
    #[must_use]
    pub fn stays(&self) -> Vec<Entry> {
        if !self.entries.is_empty() {
            return self.entries.clone();
        }
        if self.started_at.is_none() && self.completed_at.is_none() {
            return Vec::new();
        }
        vec![Entry {
            started_at: self.started_at,
            completed_at: self.completed_at,
            error: self.error.clone(),
        }]
    }

    fn settle(&mut self, entries: Vec<Entry>) {
        self.started_at = entries.iter().find_map(|entry| entry.started_at);
        let open = entries.last().is_some_and(|last| last.completed_at.is_none());
        self.completed_at =
            if open { None } else { entries.iter().rev().find_map(|entry| entry.completed_at) };
        self.error = entries.iter().rev().find_map(|entry| entry.error.clone());
        let stays: Vec<f64> = entries
            .iter()
            .filter_map(|entry| Some(entry.completed_at?.seconds_since(entry.started_at?).max(0.0)))
            .collect();
        self.duration_seconds = (!stays.is_empty()).then(|| stays.iter().sum());
        self.entries = if entries.len() > 1 { entries } else { Vec::new() };
    }
}
