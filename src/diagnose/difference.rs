//! Where two values of JSON differ: the fields by their paths, with what stands here and there.

use serde_json::Value;

use crate::shown::excerpt;

/// Levels below which values are compared as wholes.
const LEVELS: usize = 8;
/// Characters of a value that are shown.
const SHOWN_CHARS: usize = 40;

/// A field that differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Where, such as `payment_methods[0].amount`; empty for the whole value.
    pub path: String,
    /// What this run has there, shortened.
    pub here: Option<String>,
    /// What the other has.
    pub there: Option<String>,
}

/// The first `most` fields in which `here` differs from `there`, and how many differ in all.
pub(super) fn differences(here: &Value, there: &Value, most: usize) -> (Vec<Difference>, usize) {
    let mut found = Found { kept: Vec::new(), count: 0, most };
    found.compare("", Some(here), Some(there), LEVELS);
    (found.kept, found.count)
}

/// How many fields differ.
pub(super) fn distance(here: &Value, there: &Value) -> usize {
    differences(here, there, 0).1
}

struct Found {
    kept: Vec<Difference>,
    count: usize,
    most: usize,
}

impl Found {
    fn compare(&mut self, path: &str, here: Option<&Value>, there: Option<&Value>, levels: usize) {
        match (here, there) {
            (Some(here), Some(there)) if here == there => {}
            (Some(Value::Object(here)), Some(Value::Object(there))) if levels > 0 => {
                for (name, value) in here {
                    self.compare(&field(path, name), Some(value), there.get(name), levels - 1);
                }
                for (name, value) in there.iter().filter(|(name, _)| !here.contains_key(*name)) {
                    self.compare(&field(path, name), None, Some(value), levels - 1);
                }
            }
            (Some(Value::Array(here)), Some(Value::Array(there))) if levels > 0 => {
                for place in 0..here.len().max(there.len()) {
                    let path = format!("{path}[{place}]");
                    self.compare(&path, here.get(place), there.get(place), levels - 1);
                }
            }
            (here, there) => self.note(path, here, there),
        }
    }

    fn note(&mut self, path: &str, here: Option<&Value>, there: Option<&Value>) {
        self.count += 1;
        if self.kept.len() < self.most {
            let (here, there) = (here.map(shown), there.map(shown));
            self.kept.push(Difference { path: excerpt(path, SHOWN_CHARS), here, there });
        }
    }
}

fn field(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => excerpt(text, SHOWN_CHARS),
        other => excerpt(&other.to_string(), SHOWN_CHARS),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn fields_that_differ_are_named_by_their_paths() {
        let here =
            json!({"cabin": "economy", "flights": [{"number": "HAT1"}, {"number": "HAT2"}], "bags": 3});
        let there =
            json!({"cabin": "economy", "flights": [{"number": "HAT9"}], "insurance": "no", "bags": 3});
        let (found, count) = differences(&here, &there, 2);
        assert_eq!(count, 3);
        let shown: Vec<(&str, Option<&str>, Option<&str>)> =
            found.iter().map(|one| (one.path.as_str(), one.here.as_deref(), one.there.as_deref())).collect();
        let second = ("flights[1]", Some("{\"number\":\"HAT2\"}"), None);
        assert_eq!(shown, [("flights[0].number", Some("HAT1"), Some("HAT9")), second]);
        assert_eq!(distance(&here, &here), 0);
    }
}
