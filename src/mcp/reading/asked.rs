//! What was asked: the arguments of a request, to be sent again, told in words, and told apart from those of others.

use serde::Serialize;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::view::saying::quote;

/// The arguments of a request that were given and are not blank.
pub(super) fn arguments(request: &impl Serialize) -> Map<String, Value> {
    match serde_json::to_value(request) {
        Ok(Value::Object(mut arguments)) => {
            arguments.retain(|_, value| value.as_str().is_none_or(|text| !text.trim().is_empty()));
            arguments
        }
        // A struct of texts, numbers and names always is an object.
        _ => Map::new(),
    }
}

/// Arguments in words, as they follow "with": `project "cobot", status "failed"`; empty without any.
pub(super) fn described(arguments: &Map<String, Value>) -> String {
    let one = |(field, value): (&String, &Value)| match value {
        Value::String(text) => format!("{field} {}", quote(text, 60)),
        other => format!("{field} {other}"),
    };
    arguments.iter().map(one).collect::<Vec<_>>().join(", ")
}

/// Eight hex digits that differ where the arguments or the order differ: a cursor begins with them, so that it is known
/// again to which list it belongs.
pub(super) fn fingerprint(arguments: Map<String, Value>, order: &str) -> String {
    let mut hash = Sha256::new();
    hash.update(Value::Object(arguments).to_string());
    hash.update(order);
    hash.finalize().iter().take(4).map(|byte| format!("{byte:02x}")).collect()
}
