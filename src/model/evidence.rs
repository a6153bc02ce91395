//! What was collected, kept and filtered out in a stage.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Unknown;

/// The evidence of one stage. Counts that nobody stated and nothing implies are absent.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// How many items were collected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub collected_count: Option<i64>,
    /// How many were kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub passed_count: Option<i64>,
    /// How many were filtered out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filtered_count: Option<i64>,
    /// How many came from which source.
    #[serde(default)]
    pub by_source: IndexMap<String, i64>,
    /// The items that were kept: objects with ids, scores, reasons.
    #[serde(default)]
    pub kept: Vec<Value>,
    /// The items that were filtered out.
    #[serde(default)]
    pub filtered_out: Vec<Value>,
    /// Fields of a newer version.
    #[serde(flatten)]
    pub unknown: Unknown,
}

impl Evidence {
    /// Adds what a later report says: counts add up, items line up behind those already there.
    ///
    /// A report that lists items without counting them counts as many as it lists.
    pub fn absorb(&mut self, report: &Self) {
        let listed = |items: &[Value]| i64::try_from(items.len()).ok().filter(|count| *count > 0);
        add(&mut self.collected_count, report.collected_count);
        add(&mut self.passed_count, report.passed_count.or_else(|| listed(&report.kept)));
        add(&mut self.filtered_count, report.filtered_count.or_else(|| listed(&report.filtered_out)));
        for (source, count) in &report.by_source {
            let sum = self.by_source.entry(source.clone()).or_insert(0);
            *sum = sum.saturating_add(*count);
        }
        self.kept.extend_from_slice(&report.kept);
        self.filtered_out.extend_from_slice(&report.filtered_out);
        for (key, value) in &report.unknown {
            self.unknown.insert(key.clone(), value.clone());
        }
    }
}

fn add(sum: &mut Option<i64>, more: Option<i64>) {
    if let Some(more) = more {
        *sum = Some(sum.unwrap_or(0).saturating_add(more));
    }
}
