//! Arguments brought into the form of their schema.
//!
//! Models err in form far more often than in content: they put numbers into quotes, send arrays as JSON text,
//! one item in place of a list, `null` for what they do not know. Where only one thing can be meant, it is
//! taken. Everything else is refused with the path of the field. The schema that the client was shown decides,
//! so that there is no second list of fields to keep in step.

use serde_json::{Map, Number, Value};

use super::AlternativeRequest;
use super::nearest::nearest;
use super::schema::SHORT_FORM;
use crate::gate::refusal::{Refusal, quoted};

/// Fields that a refusal names, at most.
const NAMED_FIELDS: usize = 80;

/// The value in the form that `schema` asks for.
pub(super) fn fit(value: Value, schema: &Value) -> Result<Value, Refusal> {
    match schema.get("type").and_then(Value::as_str) {
        Some("object") => object(value, schema),
        Some("array") => array(value, schema),
        Some("string") => string(value, schema),
        Some("number") => number(&value),
        Some("integer") => integer(&value),
        Some("boolean") => boolean(&value),
        _ => Ok(value),
    }
}

fn object(value: Value, schema: &Value) -> Result<Value, Refusal> {
    let fields = match decoded(value) {
        Value::Object(fields) => fields,
        Value::String(text) if schema.get(SHORT_FORM).is_some() => {
            return Ok(serde_json::to_value(AlternativeRequest::from(text.as_str())).unwrap_or_default());
        }
        other => return Err(wrong(&other, "an object", "send an object of named fields: {\"name\": value}")),
    };
    match schema.get("properties").and_then(Value::as_object) {
        Some(properties) => record(fields, properties, &required(schema)),
        None => entries(fields, schema),
    }
    .map(Value::Object)
}

/// An object whose fields are known by name.
fn record(
    fields: Map<String, Value>,
    properties: &Map<String, Value>,
    required: &[&str],
) -> Result<Map<String, Value>, Refusal> {
    let unknown: Vec<&str> =
        fields.keys().map(String::as_str).filter(|name| !properties.contains_key(*name)).collect();
    if !unknown.is_empty() {
        let names: Vec<&str> = properties.keys().map(String::as_str).collect();
        return Err(unknown_fields(&unknown, &names));
    }
    let mut fitted = Map::with_capacity(fields.len());
    for (name, value) in fields {
        let schema = properties.get(&name).unwrap_or(&Value::Null);
        if value.is_null() || (!required.contains(&name.as_str()) && is_blank_for(&value, schema)) {
            continue;
        }
        let value = fit(value, schema).map_err(|refusal| refusal.within(&name))?;
        fitted.insert(name, value);
    }
    let missing: Vec<&str> = required.iter().copied().filter(|name| !fitted.contains_key(*name)).collect();
    match missing.first() {
        Some(first) => Err(missing_fields(first, &missing, required, properties)),
        None => Ok(fitted),
    }
}

/// An object whose keys are the caller's own.
fn entries(fields: Map<String, Value>, schema: &Value) -> Result<Map<String, Value>, Refusal> {
    let Some(each) = schema.get("additionalProperties").filter(|schema| schema.is_object()) else {
        return Ok(fields);
    };
    fields
        .into_iter()
        .map(|(key, value)| match fit(value, each) {
            Ok(value) => Ok((key, value)),
            Err(refusal) => Err(refusal.within(&spelled(&key))),
        })
        .collect()
}

fn array(value: Value, schema: &Value) -> Result<Value, Refusal> {
    let item = schema.get("items").unwrap_or(&Value::Null);
    let items = match decoded(value) {
        Value::Array(items) => items,
        Value::Object(fields) => listed(fields, item),
        text @ Value::String(_) if is_type(item, "string") || item.get(SHORT_FORM).is_some() => vec![text],
        number @ Value::Number(_) if is_type(item, "string") => vec![number],
        other => return Err(wrong(&other, "an array", "send an array: [ ... ]")),
    };
    let fitted = items
        .into_iter()
        .enumerate()
        .map(|(index, value)| fit(value, item).map_err(|refusal| refusal.within(&format!("[{index}]"))));
    fitted.collect::<Result<_, _>>().map(Value::Array)
}

/// The list for which an object was sent: its only item, or a map from the first required field of the items
/// to the second, such as `{"META-1": 3}` for `[{"id": "META-1", "score": 3}]`.
fn listed(fields: Map<String, Value>, item: &Value) -> Vec<Value> {
    match *required(item) {
        [key, value] if !fields.contains_key(key) => fields
            .into_iter()
            .map(|(name, entry)| {
                let pair = [(key.to_owned(), Value::String(name)), (value.to_owned(), entry)];
                Value::Object(pair.into_iter().collect())
            })
            .collect(),
        _ => vec![Value::Object(fields)],
    }
}

fn string(value: Value, schema: &Value) -> Result<Value, Refusal> {
    let text = match value {
        Value::String(text) => text,
        Value::Number(number) => number.to_string(),
        other => return Err(wrong(&other, "a text", "send a text in quotes")),
    };
    let Some(names) = schema.get("enum").and_then(Value::as_array) else { return Ok(Value::String(text)) };
    let names: Vec<&str> = names.iter().filter_map(Value::as_str).collect();
    if let Some(name) = names.iter().find(|name| name.eq_ignore_ascii_case(text.trim())) {
        return Ok(Value::String((*name).to_owned()));
    }
    let remedy = match nearest(&text, &names) {
        Some(name) => format!("send \"{name}\""),
        None => "send one of these".to_owned(),
    };
    Err(Refusal::new("", format!("{} is not one of", quoted(&text)), names.join(", "), remedy))
}

fn number(value: &Value) -> Result<Value, Refusal> {
    let number = match value {
        Value::Number(number) => Some(number.clone()),
        Value::String(text) => text.trim().parse().ok().and_then(Number::from_f64),
        _ => None,
    };
    number
        .map(Value::Number)
        .ok_or_else(|| wrong(value, "a number", "send a number such as 0.75, or leave the field out"))
}

fn integer(value: &Value) -> Result<Value, Refusal> {
    let whole = match value {
        Value::Number(number) => number.as_i64().or_else(|| number.as_f64().and_then(whole)),
        Value::String(text) => text.trim().parse().ok().or_else(|| text.trim().parse().ok().and_then(whole)),
        _ => None,
    };
    whole.map(Value::from).ok_or_else(|| {
        wrong(value, "a whole number", "send a whole number such as 1200, or leave the field out")
    })
}

/// The integer that a float is, if it is one and exact.
fn whole(number: f64) -> Option<i64> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    #[expect(clippy::cast_possible_truncation, reason = "a whole number within 2^53")]
    let whole = (number.fract() == 0.0 && number.abs() <= EXACT).then_some(number as i64);
    whole
}

fn boolean(value: &Value) -> Result<Value, Refusal> {
    let truth = match value {
        Value::Bool(truth) => Some(*truth),
        Value::String(text) if text.trim().eq_ignore_ascii_case("true") => Some(true),
        Value::String(text) if text.trim().eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    };
    truth.map(Value::Bool).ok_or_else(|| wrong(value, "true or false", "send true or false without quotes"))
}

/// The array or object that a text holds as JSON; any other value as it is.
fn decoded(value: Value) -> Value {
    let Value::String(text) = &value else { return value };
    if !text.trim_start().starts_with(['[', '{']) {
        return value;
    }
    serde_json::from_str(text).unwrap_or(value)
}

/// Whether a text in place of something that is no text says nothing. Blank texts are the gate's to judge.
fn is_blank_for(value: &Value, schema: &Value) -> bool {
    let is_plain_text = is_type(schema, "string") && schema.get("enum").is_none();
    !is_plain_text
        && schema.get("type").is_some()
        && value.as_str().is_some_and(|text| text.trim().is_empty())
}

fn is_type(schema: &Value, name: &str) -> bool {
    schema.get("type").and_then(Value::as_str) == Some(name)
}

fn required(schema: &Value) -> Vec<&str> {
    schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect()
}

fn unknown_fields(unknown: &[&str], names: &[&str]) -> Refusal {
    let mends: Vec<String> = unknown
        .iter()
        .take(NAMED_FIELDS)
        .map(|sent| match nearest(sent, names) {
            Some(name) => format!("send {} as \"{name}\"", quoted(sent)),
            None => format!("leave {} out", quoted(sent)),
        })
        .collect();
    let first = unknown.first().copied().unwrap_or_default();
    let limit = format!("the fields {}", names.join(", "));
    Refusal::new(spelled(first), "is not among", limit, mends.join(", "))
}

fn missing_fields(
    first: &str,
    missing: &[&str],
    required: &[&str],
    properties: &Map<String, Value>,
) -> Refusal {
    let limit = format!("the required fields {}", required.join(", "));
    let described =
        properties.get(first).and_then(|schema| schema.get("description")).and_then(Value::as_str);
    let remedy = match (missing, described) {
        ([_], Some(description)) => format!("send \"{first}\": {}", description.trim_end_matches('.')),
        _ => format!("send \"{}\"", missing.join("\" and \"")),
    };
    Refusal::new(first, "is missing from", limit, remedy)
}

fn wrong(value: &Value, expected: &str, remedy: &str) -> Refusal {
    let sent = match value {
        Value::Null => "null".to_owned(),
        Value::Bool(truth) => truth.to_string(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => quoted(text),
        Value::Array(_) => "an array".to_owned(),
        Value::Object(_) => "an object".to_owned(),
    };
    Refusal::new("", format!("{sent} is not"), expected, remedy)
}

/// A key of the caller's as part of a path: as it is where it is a plain name, else quoted.
fn spelled(key: &str) -> String {
    let is_plain = (1..=64).contains(&key.len())
        && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.'));
    if is_plain { key.to_owned() } else { quoted(key) }
}
