//! What there is to ask about, where nothing was found.

use serde_json::{Map, Value, json};

use super::saying::{known, name};
use crate::store::index::DecisionOverview;

/// The values of one field, each with the number of its runs.
#[must_use]
pub fn values(field: &str, counts: &[(String, u64)]) -> Value {
    values_of("runs", field, counts)
}

/// How many decisions there are, and of how many of them, the newest, the values are, where these are not all.
#[must_use]
pub fn decisions(overview: &DecisionOverview) -> Value {
    known([
        ("decisions", overview.decisions.into()),
        ("partial", overview.sample().map(|_| true).into()),
        ("looked_at", overview.sample().into()),
    ])
}

/// The values of one field, each with the number of what is counted.
#[must_use]
pub fn values_of(counted: &str, field: &str, counts: &[(String, u64)]) -> Value {
    let counts_of = |(value, count): &(String, u64)| (name(value), Value::from(*count));
    let values: Map<String, Value> = counts.iter().map(counts_of).collect();
    json!({"field": field, counted: values})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_says_of_how_many_it_is() {
        let all = DecisionOverview { decisions: 3, looked_at: 3, ..DecisionOverview::default() };
        assert_eq!(decisions(&all), json!({"decisions": 3}));
        let sample = DecisionOverview { decisions: 2_000, has_more: true, looked_at: 2_000, ..all.clone() };
        assert_eq!(decisions(&sample), json!({"decisions": 2_000, "partial": true, "looked_at": 2_000}));
        let none_but_old = DecisionOverview { looked_at: 0, ..all };
        assert_eq!(decisions(&none_but_old), json!({"decisions": 3}), "they wait for reindex");
    }
}
