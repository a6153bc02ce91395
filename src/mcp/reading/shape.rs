//! The schemas of answers: what data there is, by name and type, in as few characters as will do.

use serde_json::{Map, Value, json};

/// An object with these fields: name, type, and what it is where the name does not say. A name that ends in `!` is
/// always there. `cut` and `next`, which every answer may have, are added.
pub(super) fn answer(fields: &[(&str, &str, &str)]) -> Map<String, Value> {
    let mut properties = Map::new();
    let mut required = Vec::new();
    let common = [
        ("cut", "object", "What was left out: name to count"),
        ("next", "object", "The call that continues"),
    ];
    for (name, kind, description) in fields.iter().chain(&common) {
        let plain = name.trim_end_matches('!');
        if plain != *name {
            required.push(Value::from(plain));
        }
        let mut field = json!({"type": kind});
        if !description.is_empty()
            && let Some(field) = field.as_object_mut()
        {
            field.insert("description".to_owned(), Value::from(*description));
        }
        properties.insert(plain.to_owned(), field);
    }
    let mut schema = Map::new();
    schema.insert("type".to_owned(), Value::from("object"));
    schema.insert("properties".to_owned(), Value::Object(properties));
    if !required.is_empty() {
        schema.insert("required".to_owned(), Value::Array(required));
    }
    schema
}
