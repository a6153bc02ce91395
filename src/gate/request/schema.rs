//! The JSON Schema of a request, in the plain dialect that every client takes.
//!
//! Clients and model APIs choke on references, alternatives, lists of types and formats of their own, and every
//! character is paid for in each conversation. So schemas are inlined, an optional field has the plain type and
//! is not required, an enum is a list of names, and what says nothing (titles, empty defaults) is left out.

use std::any::TypeId;
use std::collections::HashMap;
use std::sync::{Arc, LazyLock, PoisonError, RwLock};

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema};
use serde_json::{Map, Value, json};

/// Marks, within this crate, an object for which a text may stand: an option with its score in parentheses.
/// Clients are not shown it.
pub(super) const SHORT_FORM: &str = "x-short-form";

/// Marks, within this crate, a field that is taken and that clients are not shown: a description names it already, or
/// programs send it and models hardly ever.
pub(crate) const NOT_SHOWN: &str = "x-not-shown";

/// The schema of `T` as clients are shown it: no `$ref`, `$defs`, `oneOf`, `anyOf`, list of types, `format`,
/// `title`, `$schema` or default that says nothing.
#[must_use]
pub fn plain_schema<T: JsonSchema>() -> Map<String, Value> {
    let mut schema = plainer::<T>();
    visit(&mut schema, &|schema| {
        schema.remove(SHORT_FORM);
        leave_out(schema);
        show_anything_as_text(schema);
    });
    match schema {
        Value::Object(schema) => schema,
        _ => Map::new(),
    }
}

/// What takes any JSON is shown as text: a schema that says nothing makes some clients refuse the tool, and text is
/// what every client can send. [`parse`](super::parse) goes by the shape, and still takes anything.
fn show_anything_as_text(schema: &mut Map<String, Value>) {
    if schema.keys().all(|keyword| keyword == "description") {
        schema.insert("type".to_owned(), json!("string"));
    }
}

/// Leaves out the fields that are not shown. Objects are shown as open, which some of them have to be for these; it is
/// [`parse`](super::parse) that refuses an unknown field, and names the nearest known one.
fn leave_out(schema: &mut Map<String, Value>) {
    if schema.get("additionalProperties") == Some(&Value::Bool(false)) {
        schema.shift_remove("additionalProperties");
    }
    if let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) {
        properties.retain(|_, property| property.get(NOT_SHOWN).is_none());
    }
}

/// Marks all fields of an object but those of these names as [not shown](NOT_SHOWN).
pub(crate) fn show_only(schema: &mut Schema, shown: &[&str]) {
    let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) else { return };
    for (_, property) in properties.iter_mut().filter(|(field, _)| !shown.contains(&field.as_str())) {
        if *property == Value::Bool(true) {
            *property = json!({});
        }
        if let Some(property) = property.as_object_mut() {
            property.insert(NOT_SHOWN.to_owned(), json!(true));
        }
    }
}

/// The plain schema of `T` with the marks of this crate, made once.
pub(super) fn shape<T: JsonSchema + 'static>() -> Arc<Value> {
    static SHAPES: LazyLock<RwLock<HashMap<TypeId, Arc<Value>>>> = LazyLock::new(RwLock::default);
    let known = SHAPES.read().unwrap_or_else(PoisonError::into_inner).get(&TypeId::of::<T>()).cloned();
    known.unwrap_or_else(|| {
        let shape = Arc::new(plainer::<T>());
        SHAPES.write().unwrap_or_else(PoisonError::into_inner).insert(TypeId::of::<T>(), Arc::clone(&shape));
        shape
    })
}

fn plainer<T: JsonSchema>() -> Value {
    let settings = SchemaSettings::draft2020_12().for_deserialize().with(|s| s.inline_subschemas = true);
    let mut schema = settings.into_generator().into_root_schema_for::<T>().to_value();
    visit(&mut schema, &plain);
    schema
}

/// Applies `change` to a schema and then to every schema within it. A property may be called like a keyword, so
/// only what stands where a schema stands is taken for one.
fn visit(schema: &mut Value, change: &impl Fn(&mut Map<String, Value>)) {
    if *schema == Value::Bool(true) {
        *schema = json!({});
    }
    let Some(schema) = schema.as_object_mut() else { return };
    change(schema);
    if let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) {
        properties.values_mut().for_each(|property| visit(property, change));
    }
    for keyword in ["items", "additionalProperties"] {
        if let Some(inner) = schema.get_mut(keyword) {
            visit(inner, change);
        }
    }
}

fn plain(schema: &mut Map<String, Value>) {
    only_alternative(schema);
    enum_of_constants(schema);
    for keyword in ["$schema", "$defs", "title", "format"] {
        schema.remove(keyword);
    }
    if schema.get("default").is_some_and(says_nothing) {
        schema.remove("default");
    }
    if schema.get("additionalProperties") == Some(&Value::Bool(true)) {
        schema.remove("additionalProperties");
    }
    if let Some(Value::Array(types)) = schema.get("type") {
        let sole = types.iter().find(|name| **name != "null").cloned();
        schema.insert("type".to_owned(), sole.unwrap_or_else(|| json!("null")));
    }
    if let Some(Value::Array(names)) = schema.get_mut("enum") {
        names.retain(|name| !name.is_null());
    }
    if let Some(Value::String(description)) = schema.get_mut("description") {
        *description = description.split_whitespace().collect::<Vec<_>>().join(" ");
    }
}

/// Replaces `anyOf: [X, null]` by X: an optional field is one that is not required.
fn only_alternative(schema: &mut Map<String, Value>) {
    let Some(Value::Array(alternatives)) = schema.get("anyOf") else { return };
    let mut real = alternatives.iter().filter(|schema| schema.get("type") != Some(&json!("null")));
    if let (Some(Value::Object(sole)), None) = (real.next().cloned(), real.next()) {
        schema.remove("anyOf");
        for (keyword, value) in sole {
            schema.entry(keyword).or_insert(value);
        }
    }
}

/// Replaces `oneOf: [{const: "a"}, {const: "b"}]`, which is what an enum with documented variants gives.
fn enum_of_constants(schema: &mut Map<String, Value>) {
    let Some(Value::Array(variants)) = schema.get("oneOf") else { return };
    let names: Option<Vec<Value>> = variants.iter().map(|variant| variant.get("const").cloned()).collect();
    if let Some(names) = names {
        schema.remove("oneOf");
        schema.insert("type".to_owned(), json!("string"));
        schema.insert("enum".to_owned(), Value::Array(names));
    }
}

fn says_nothing(default: &Value) -> bool {
    match default {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        Value::Bool(default) => !default,
        Value::Number(_) => false,
    }
}
