//! A text that somebody wants taken out by hand, wherever it stands.

use std::borrow::Cow;
use std::collections::BTreeSet;

use regex::{NoExpand, Regex};
use serde_json::Value;

use super::super::value::insert_free;
use super::mark::{mark, marks};
use super::{Redactor, Refusal};

/// The fewest characters of a text: less stands in too many places.
const FEWEST: usize = 4;

/// The words that documents are made of. A text that is part of one cannot be told from it.
const OWN_WORDS: &str = "abandon actor agent alternatives_considered body by_source calibration changes child_traces \
    closed_by collected_count complete completed_at confidence confidence_miscalibrated content_hash correct correction corrections cost \
    cost_usd decision decision_id decisions derived domain domain_quality_disparity dropped_events duration_seconds \
    entries error event_id events evidence evidence_ids failed feedback filtered_count filtered_out finish \
    flagged_for_review flags gap_principles generator id in_progress incomplete input_tokens inputs integrity intent \
    intent_quality_disparity iteration iteration_count iterations kept key kind late message metadata model name \
    note notes occurred_at option origin outcome output_paths output_tokens outputs parent_trace_id passed \
    passed_count principle_scores project project_name prompt prompts quality quality_gate_failures \
    quality_gate_regression query reason recorded_at redactions repeated_principle_failure report_path report_type \
    research_type response result review review_notes revision run scale_max schema_version score sequence severity \
    sha256 stage stage_end stage_start stages start started_at status strength_principles subject system_prompt tags \
    target threshold timestamp trace trace_context trace_id traceparent tracestate unplaced user_message version \
    warning what why why_not [REDACTED:manual:";

/// A text to take out of what is stored, in every form in which JSON may hold it, and the mark that takes its place.
///
/// ```
/// use serde_json::json;
/// use whytrace::gate::Redactor;
///
/// let phrase = Redactor::new([7; 32]).phrase("Ada \"the\" Great").unwrap();
/// let mut value = json!({"what": r#"they said {"name": "Ada \"the\" Great"}"#});
/// assert_eq!(phrase.take_out(&mut value), 1);
/// assert!(!value.to_string().contains("Great"));
/// ```
#[derive(Clone, Debug)]
pub struct Phrase {
    /// Any of the forms, the longest first.
    pattern: Regex,
    forms: Vec<String>,
    mark: String,
}

impl Redactor {
    /// The text as something to take out.
    ///
    /// # Errors
    /// A refusal when the text is too short, or part of a word that documents are made of.
    pub fn phrase(&self, text: &str) -> Result<Phrase, Refusal> {
        let refused = |problem: String, limit: &str, remedy: &str| {
            Err(Refusal::new("the text", problem, limit, remedy))
        };
        let length = text.trim().chars().count();
        if length < FEWEST {
            let problem = format!("has {length} characters, below");
            return refused(problem, "the minimum of 4", "name more of what stands around it");
        }
        if let Some(word) = OWN_WORDS.split_whitespace().find(|word| word.contains(text)) {
            let problem = format!("is part of {word}, which");
            return refused(problem, "documents are made of", "name more of what stands around it");
        }
        let forms = forms(text);
        let any: Vec<String> = forms.iter().map(|form| regex::escape(form)).collect();
        match Regex::new(&any.join("|")) {
            Ok(pattern) => Ok(Phrase { pattern, forms, mark: mark("manual", &self.tag(text)) }),
            Err(_) => refused("is longer than".to_owned(), "can be sought", "take it out in parts"),
        }
    }
}

impl Phrase {
    /// What stands in its place.
    #[must_use]
    pub fn mark(&self) -> &str {
        &self.mark
    }

    /// The forms of the text that are sought, as they stand in strings.
    #[must_use]
    pub fn forms(&self) -> &[String] {
        &self.forms
    }

    /// Whether a text holds it.
    #[must_use]
    pub fn is_in(&self, text: &str) -> bool {
        matches!(self.without(text), Cow::Owned(_))
    }

    /// A text with the mark wherever it stood; marks that are there already are left alone.
    #[must_use]
    pub fn without<'t>(&self, text: &'t str) -> Cow<'t, str> {
        if !self.pattern.is_match(text) {
            return Cow::Borrowed(text);
        }
        let mut changed = String::with_capacity(text.len());
        let mut copied = 0;
        let mut is_changed = false;
        let ends = marks(text).chain(std::iter::once(text.len()..text.len()));
        for own in ends {
            let between = text.get(copied..own.start).unwrap_or_default();
            let without = self.pattern.replace_all(between, NoExpand(&self.mark));
            is_changed |= matches!(without, Cow::Owned(_));
            changed.push_str(&without);
            changed.push_str(text.get(own.clone()).unwrap_or_default());
            copied = own.end;
        }
        if is_changed { Cow::Owned(changed) } else { Cow::Borrowed(text) }
    }

    /// Puts the mark into all keys and strings that hold the text, and says how many those were.
    pub fn take_out(&self, value: &mut Value) -> u64 {
        match value {
            Value::String(text) => match self.without(text) {
                Cow::Owned(without) => {
                    *text = without;
                    1
                }
                Cow::Borrowed(_) => 0,
            },
            Value::Array(items) => items.iter_mut().map(|item| self.take_out(item)).sum(),
            Value::Object(fields) => {
                let mut count = fields.values_mut().map(|item| self.take_out(item)).sum();
                if fields.keys().any(|key| self.is_in(key)) {
                    for (key, item) in std::mem::take(fields) {
                        count += u64::from(self.is_in(&key));
                        let key = self.without(&key).into_owned();
                        insert_free(fields, key, "_", item);
                    }
                }
                count
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => 0,
        }
    }

    /// How many numbers are written with the text in them: no mark can take their place.
    #[must_use]
    pub fn numbers(&self, value: &Value) -> u64 {
        match value {
            Value::Number(number) => u64::from(self.pattern.is_match(&number.to_string())),
            Value::Array(items) => items.iter().map(|item| self.numbers(item)).sum(),
            Value::Object(fields) => fields.values().map(|item| self.numbers(item)).sum(),
            Value::Null | Value::Bool(_) | Value::String(_) => 0,
        }
    }
}

/// The text itself, and as it stands in JSON that was put into a string, once or twice, with or without escapes for
/// what is not ASCII. The longest first, so that none hides a longer one.
fn forms(text: &str) -> Vec<String> {
    let mut forms: BTreeSet<String> = [text.to_owned()].into();
    for _ in 0..2 {
        for form in forms.clone() {
            let escaped = escaped(&form);
            forms.insert(ascii(&escaped, false));
            forms.insert(ascii(&escaped, true));
            forms.insert(escaped.replace('/', "\\/"));
            forms.insert(escaped);
        }
    }
    let mut forms: Vec<String> = forms.into_iter().collect();
    forms.sort_by_key(|form| std::cmp::Reverse(form.len()));
    forms
}

fn escaped(text: &str) -> String {
    let json = Value::from(text).to_string();
    json.get(1..json.len().saturating_sub(1)).unwrap_or_default().to_owned()
}

/// With `\uXXXX` for what is not ASCII.
fn ascii(text: &str, upper: bool) -> String {
    let mut ascii = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_ascii() {
            ascii.push(c);
            continue;
        }
        for unit in c.encode_utf16(&mut [0; 2]) {
            ascii.push_str(&if upper { format!("\\u{unit:04X}") } else { format!("\\u{unit:04x}") });
        }
    }
    ascii
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn phrase(text: &str) -> Phrase {
        Redactor::new([7; 32]).phrase(text).unwrap()
    }

    #[test]
    fn it_is_found_in_every_form_that_json_gives_it() {
        let text = "a/b \"ö\"\n𝄞!";
        let once = serde_json::to_string(&json!({"k": text})).unwrap();
        let twice = serde_json::to_string(&json!({"k": once})).unwrap();
        let python = r#"{"k": "a/b \"\u00f6\"\n\ud834\udd1e!"}"#;
        let php = r#"{"k": "a\/b \"ö\"\n𝄞!"}"#;
        for held in [text, once.as_str(), twice.as_str(), python, php] {
            let without = phrase(text).without(held).into_owned();
            assert!(without.contains("[REDACTED:manual:"), "{without}");
            assert!(!without.contains('!'), "{without}");
        }
    }

    #[test]
    fn keys_change_too_and_none_is_lost() {
        let phrase = phrase("hunter2");
        let mut value =
            json!({"a hunter2": {"hunter2": ["xhunter2x", 1]}, format!("a {}", phrase.mark()): 2});
        assert_eq!(phrase.take_out(&mut value), 3);
        assert!(!value.to_string().contains("hunter2"));
        assert_eq!(value.as_object().unwrap().len(), 2);
        assert_eq!(phrase.take_out(&mut value), 0, "again changes nothing");
    }

    #[test]
    fn marks_stay_whole() {
        let held = "[REDACTED:assignment:0123abcd] and assignment:0123abcd";
        let without = phrase("assignment:0123abcd").without(held).into_owned();
        assert!(without.starts_with("[REDACTED:assignment:0123abcd] and [REDACTED:manual:"), "{without}");
    }

    #[test]
    fn what_documents_are_made_of_is_refused() {
        let redactor = Redactor::new([7; 32]);
        for text in ["why", "abc", "   x   ", "started", "failed", "REDACTED"] {
            redactor.phrase(text).unwrap_err();
        }
        insta::assert_snapshot!(
            redactor.phrase("decision").unwrap_err(),
            @"the text: is part of decision, which documents are made of; name more of what stands around it"
        );
    }

    #[test]
    fn every_field_of_the_model_is_among_the_words_of_documents() {
        let mut missing = Vec::new();
        let mut folders = vec![std::path::PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/src/model"))];
        let field = Regex::new(r"(?m)^    pub ([a-z_0-9]+): ").unwrap();
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                    continue;
                }
                let source = std::fs::read_to_string(path).unwrap();
                for name in field.captures_iter(&source) {
                    // Not fields of documents.
                    let is_inner =
                        matches!(&name[1], "unknown" | "gap_share" | "strength_share" | "threshold_share");
                    if !is_inner && !OWN_WORDS.split_whitespace().any(|word| word == &name[1]) {
                        missing.push(name[1].to_owned());
                    }
                }
            }
        }
        assert_eq!(missing, [] as [&str; 0]);
    }
}
