//! What there is to ask about, where nothing was found.

use serde_json::{Map, Value, json};

use super::saying::name;

/// The values of one field, each with the number of its runs.
#[must_use]
pub fn values(field: &str, counts: &[(String, u64)]) -> Value {
    values_of("runs", field, counts)
}

/// The values of one field, each with the number of what is counted.
#[must_use]
pub fn values_of(counted: &str, field: &str, counts: &[(String, u64)]) -> Value {
    let counts_of = |(value, count): &(String, u64)| (name(value), Value::from(*count));
    let values: Map<String, Value> = counts.iter().map(counts_of).collect();
    json!({"field": field, counted: values})
}
