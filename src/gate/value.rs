//! JSON and numbers on their way in.
//!
//! JSON is bounded in size and depth before anything walks through it. A [`Value`] cannot hold NaN or
//! an infinity, so only numbers that come as `f64`, from the library, are checked for that.

use std::io;

use serde_json::{Map, Value};

use super::limits::JSON_DEPTH;
use super::refusal::Refusal;
use super::text::{NUL_SIGN, without_nul};

/// JSON of at most `max_bytes` (compact) and [`JSON_DEPTH`] levels, with NUL in keys and strings
/// replaced by U+2400.
///
/// # Errors
/// Refuses what is too large or too deep.
pub fn json(field: &str, mut value: Value, max_bytes: usize) -> Result<Value, Refusal> {
    if !is_within_depth(&value, JSON_DEPTH) {
        return Err(Refusal::new(
            field,
            "is nested deeper than",
            format!("the limit of {JSON_DEPTH} levels"),
            "flatten it, or send the inner part as a string",
        ));
    }
    let bytes = compact_bytes(&value);
    if bytes > max_bytes {
        return Err(Refusal::new(
            field,
            format!("{bytes} bytes of compact JSON were sent, above"),
            format!("the limit of {max_bytes} bytes"),
            "send the parts that mattered, and a path or URL for the rest",
        ));
    }
    replace_nul(&mut value);
    Ok(value)
}

/// A confidence within 0..=1.
///
/// # Errors
/// Refuses everything else; a percentage is answered with the fraction to send.
pub fn confidence(field: &str, value: f64) -> Result<f64, Refusal> {
    let remedy = if (2.0..=100.0).contains(&value) {
        format!("send the fraction instead of the percentage: {}", value / 100.0)
    } else {
        "send a number between 0 and 1, for example 0.75".to_owned()
    };
    in_range(field, value, 1.0, "the allowed range 0..=1", remedy)
}

/// A finite number that is not negative: a cost, a duration in seconds.
///
/// # Errors
/// Refuses negative numbers, NaN and infinities.
pub fn nonnegative(field: &str, value: f64) -> Result<f64, Refusal> {
    let remedy = "send 0 or a positive number, or leave the field out if it is not known";
    in_range(field, value, f64::MAX, "the allowed range of finite numbers from 0", remedy)
}

/// A count that is not negative: tokens, items.
///
/// # Errors
/// Refuses negative numbers.
pub fn nonnegative_integer(field: &str, value: i64) -> Result<i64, Refusal> {
    if value < 0 {
        return Err(Refusal::new(
            field,
            format!("{value} is below"),
            "the minimum of 0",
            "send 0 or a positive whole number, or leave the field out if it is not known",
        ));
    }
    Ok(value)
}

/// A score within 0..=`scale_max`.
///
/// # Errors
/// Refuses everything else; a score above the scale is answered with the hint to send `scale_max`.
pub fn score(field: &str, value: f64, scale_max: f64) -> Result<f64, Refusal> {
    let remedy = if value.is_finite() && value > scale_max {
        format!("send `scale_max` with the highest score of your scale, for example {}", scale_for(value))
    } else {
        format!("send a number between 0 and {scale_max}")
    };
    in_range(field, value, scale_max, &format!("the scale 0..={scale_max}"), remedy)
}

/// The highest score of a scale: finite and above 0.
///
/// # Errors
/// Refuses everything else.
pub fn scale_max(field: &str, value: f64) -> Result<f64, Refusal> {
    if value.is_finite() && value > 0.0 {
        return Ok(value);
    }
    Err(Refusal::new(
        field,
        format!("{value} is outside"),
        "the allowed range of finite numbers above 0",
        "send the highest score of your scale, for example 3",
    ))
}

/// Gives `entry` to `map` under its key, or where that is taken, under the key with `filler` appended
/// as often as it takes: cleaning two keys into the same one must not lose a value.
pub(super) fn insert_free(map: &mut Map<String, Value>, mut key: String, filler: &str, entry: Value) {
    while map.contains_key(&key) {
        key.push_str(filler);
    }
    map.insert(key, entry);
}

fn in_range(
    field: &str,
    value: f64,
    max: f64,
    limit: &str,
    remedy: impl Into<String>,
) -> Result<f64, Refusal> {
    let problem = if !value.is_finite() {
        format!("{value} is not a finite number, outside")
    } else if value < 0.0 {
        format!("{value} is below")
    } else if value > max {
        format!("{value} is above")
    } else {
        // Adding zero turns -0 into 0, which databases and JSON would write in different ways.
        return Ok(value + 0.0);
    };
    Err(Refusal::new(field, problem, limit, remedy))
}

/// The scale that a score most likely belongs to.
fn scale_for(score: f64) -> f64 {
    [5.0, 10.0, 100.0].into_iter().find(|max| score <= *max).unwrap_or(score)
}

fn is_within_depth(value: &Value, levels: usize) -> bool {
    let Some(below) = levels.checked_sub(1) else {
        return !(value.is_array() || value.is_object());
    };
    match value {
        Value::Array(items) => items.iter().all(|item| is_within_depth(item, below)),
        Value::Object(map) => map.values().all(|item| is_within_depth(item, below)),
        _ => true,
    }
}

fn compact_bytes(value: &Value) -> usize {
    let mut counter = Counter(0);
    match serde_json::to_writer(&mut counter, value) {
        Ok(()) => counter.0,
        // Neither the counter nor a `Value` can fail; if one does, the value counts as too large.
        Err(_) => usize::MAX,
    }
}

struct Counter(usize);

impl io::Write for Counter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn replace_nul(value: &mut Value) {
    match value {
        Value::String(text) if text.contains('\0') => *text = without_nul(text),
        Value::Array(items) => items.iter_mut().for_each(replace_nul),
        Value::Object(map) => {
            map.values_mut().for_each(replace_nul);
            if map.keys().any(|key| key.contains('\0')) {
                for (key, item) in std::mem::take(map) {
                    insert_free(map, without_nul(&key), NUL_SIGN, item);
                }
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json as value;

    use super::*;

    fn nested(levels: usize) -> Value {
        (0..levels).fold(
            Value::Null,
            |inner, level| {
                if level % 2 == 0 { value!([inner]) } else { value!({ "a": inner }) }
            },
        )
    }

    #[test]
    fn json_is_measured_compact() {
        let sent = value!({"a": [1, 2.5, "\u{e9}"], "b": null});
        let bytes = sent.to_string().len();
        assert_eq!(json("inputs", sent.clone(), bytes).unwrap(), sent);
        assert_eq!(
            json("inputs", sent, bytes - 1).unwrap_err().to_string(),
            format!(
                "inputs: {bytes} bytes of compact JSON were sent, above the limit of {} bytes; \
                 send the parts that mattered, and a path or URL for the rest",
                bytes - 1
            )
        );
    }

    #[test]
    fn json_may_be_64_levels_deep_and_not_65() {
        assert!(json("inputs", nested(64), 1000).is_ok());
        let refusal = json("inputs", nested(65), 1000).unwrap_err();
        assert!(refusal.to_string().contains("nested deeper than the limit of 64 levels"), "{refusal}");
    }

    #[test]
    fn nul_is_replaced_in_keys_and_strings_and_loses_nothing() {
        let sent = value!({"a\0": ["x\0"], "a\u{2400}": 2, "z": {"\0": 3}});
        let stored = value!({"a\u{2400}": ["x\u{2400}"], "a\u{2400}\u{2400}": 2, "z": {"\u{2400}": 3}});
        assert_eq!(json("inputs", sent, 1000).unwrap(), stored);
    }

    #[test]
    fn the_order_of_keys_is_kept() {
        let sent = value!({"z": 1, "b\0": 2, "a": 3});
        let keys: Vec<_> = json("inputs", sent, 100).unwrap().as_object().unwrap().keys().cloned().collect();
        assert_eq!(keys, ["z", "b\u{2400}", "a"]);
    }

    #[test]
    fn a_confidence_given_as_a_percentage_is_answered_with_the_fraction() {
        assert_eq!(
            confidence("confidence", 85.0).unwrap_err().to_string(),
            "confidence: 85 is above the allowed range 0..=1; \
             send the fraction instead of the percentage: 0.85"
        );
        assert!(confidence("confidence", 1.5).unwrap_err().remedy.ends_with("for example 0.75"));
        assert!(confidence("confidence", 250.0).unwrap_err().remedy.ends_with("for example 0.75"));
    }

    #[test]
    fn a_score_above_the_scale_is_answered_with_scale_max() {
        assert_eq!(
            score("score", 7.5, 3.0).unwrap_err().to_string(),
            "score: 7.5 is above the scale 0..=3; \
             send `scale_max` with the highest score of your scale, for example 10"
        );
        assert!(score("score", -1.0, 3.0).unwrap_err().remedy.contains("between 0 and 3"));
        assert!(score("score", 3.0, 3.0).is_ok());
    }

    #[test]
    fn numbers_that_are_not_finite_are_refused_everywhere() {
        for odd in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert!(confidence("x", odd).is_err());
            assert!(nonnegative("x", odd).is_err());
            assert!(score("x", odd, 3.0).is_err());
            assert!(scale_max("x", odd).is_err());
        }
    }

    #[test]
    fn counts_and_costs_are_not_negative() {
        assert_eq!(nonnegative_integer("input_tokens", 0).unwrap(), 0);
        assert!(nonnegative_integer("input_tokens", -1).unwrap_err().to_string().contains("-1 is below"));
        assert_eq!(nonnegative("cost_usd", 0.32).unwrap(), 0.32);
        assert!(nonnegative("cost_usd", -0.01).is_err());
        assert!(nonnegative("cost_usd", -0.0).unwrap().is_sign_positive());
        assert!(scale_max("scale_max", 0.0).is_err());
    }

    proptest! {
        #[test]
        fn exactly_the_unit_interval_is_a_confidence(number in any::<f64>()) {
            prop_assert_eq!(confidence("c", number).is_ok(), (0.0..=1.0).contains(&number));
        }
    }
}
