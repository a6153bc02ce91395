//! Single fields of one event: checked, normalised, redacted, the secrets counted.
//!
//! Labels are normalised first and redacted before they are measured, so that what is stored is what was
//! measured. Texts and JSON are measured as sent.

use std::collections::HashSet;
use std::hash::Hash;

use serde_json::{Map, Value};
use unicode_normalization::UnicodeNormalization;

use crate::gate::limits::JSON_BYTES;
use crate::gate::redact::Redactor;
use crate::gate::refusal::{Refusal, quoted};
use crate::gate::{text, value};
use crate::model::{Confidence, Timestamp};

/// Names in one list: tags, evidence ids, principles, paths.
pub(super) const LIST_ITEMS: usize = 1000;

/// The fields of one event on their way in.
#[derive(Debug)]
pub(super) struct Fields<'g> {
    redactor: Option<&'g Redactor>,
    redactions: u32,
}

impl<'g> Fields<'g> {
    pub(super) fn new(redactor: Option<&'g Redactor>) -> Self {
        Self { redactor, redactions: 0 }
    }

    /// How many secrets were taken out so far.
    pub(super) fn redactions(&self) -> u32 {
        self.redactions
    }

    pub(super) fn label(&mut self, field: &str, sent: &str) -> Result<String, Refusal> {
        let label = self.redacted(sent.nfc().collect());
        text::label(field, &label)
    }

    /// A label; a blank one counts as absent.
    pub(super) fn optional_label(
        &mut self,
        field: &str,
        sent: Option<&str>,
    ) -> Result<Option<String>, Refusal> {
        not_blank(sent).map(|sent| self.label(field, sent)).transpose()
    }

    /// A name by which things are found again. One that holds a secret is refused: redacted it would be another.
    pub(super) fn id<T: TryFrom<String>>(&self, field: &str, sent: &str) -> Result<T, Refusal> {
        let label = text::label(field, sent)?;
        let is_secret = self.redactor.is_some_and(|redactor| redactor.text(&label).1 > 0);
        let refused = |problem: &str| {
            let remedy = "send a name that gives nothing away, such as \"run-2026-02-13-a\"";
            Refusal::new(field, problem, "what may be an id", remedy)
        };
        if is_secret {
            return Err(refused("looks like a credential, outside"));
        }
        T::try_from(label).map_err(|_| refused("is outside"))
    }

    /// An id; a blank one counts as absent.
    pub(super) fn optional_id<T: TryFrom<String>>(
        &self,
        field: &str,
        sent: Option<&str>,
    ) -> Result<Option<T>, Refusal> {
        not_blank(sent).map(|sent| self.id(field, sent)).transpose()
    }

    /// Labels, each once, in order.
    pub(super) fn labels(&mut self, field: &str, sent: &[String]) -> Result<Vec<String>, Refusal> {
        self.list(field, sent, |fields, item| fields.label("", item))
    }

    /// Short texts, each once, in order.
    pub(super) fn texts(
        &mut self,
        field: &str,
        sent: &[String],
        max_bytes: usize,
    ) -> Result<Vec<String>, Refusal> {
        self.list(field, sent, |fields, item| fields.text("", item, max_bytes))
    }

    pub(super) fn text(&mut self, field: &str, sent: &str, max_bytes: usize) -> Result<String, Refusal> {
        text::required_text(field, sent, max_bytes).map(|text| self.redacted(text))
    }

    /// A text; a blank one counts as absent.
    pub(super) fn optional_text(
        &mut self,
        field: &str,
        sent: Option<&str>,
        max_bytes: usize,
    ) -> Result<Option<String>, Refusal> {
        not_blank(sent).map(|sent| self.text(field, sent, max_bytes)).transpose()
    }

    pub(super) fn json(&mut self, field: &str, sent: Value) -> Result<Value, Refusal> {
        let mut value = value::json(field, sent, JSON_BYTES)?;
        self.redactions += self.redactor.map_or(0, |redactor| redactor.json(&mut value));
        Ok(value)
    }

    pub(super) fn optional_json(
        &mut self,
        field: &str,
        sent: Option<Value>,
    ) -> Result<Option<Value>, Refusal> {
        sent.filter(|value| !value.is_null()).map(|value| self.json(field, value)).transpose()
    }

    pub(super) fn object(
        &mut self,
        field: &str,
        sent: Map<String, Value>,
    ) -> Result<Map<String, Value>, Refusal> {
        match self.json(field, Value::Object(sent))? {
            Value::Object(object) => Ok(object),
            _ => Ok(Map::new()),
        }
    }

    fn list(
        &mut self,
        field: &str,
        sent: &[String],
        mut each: impl FnMut(&mut Self, &str) -> Result<String, Refusal>,
    ) -> Result<Vec<String>, Refusal> {
        at_most(field, sent.len(), LIST_ITEMS)?;
        let mut seen = HashSet::with_capacity(sent.len());
        let mut kept = Vec::with_capacity(sent.len());
        for (index, item) in sent.iter().enumerate() {
            if item.trim().is_empty() {
                continue;
            }
            let item = each(self, item).map_err(|refusal| refusal.within(&format!("{field}[{index}]")))?;
            if seen.insert(item.clone()) {
                kept.push(item);
            }
        }
        Ok(kept)
    }

    fn redacted(&mut self, text: String) -> String {
        let Some(redactor) = self.redactor else { return text };
        let (redacted, count) = redactor.text(&text);
        if count == 0 {
            return text;
        }
        self.redactions += count;
        redacted.into_owned()
    }
}

pub(super) fn confidence(sent: Option<f64>) -> Result<Option<Confidence>, Refusal> {
    let Some(sent) = sent else { return Ok(None) };
    value::confidence("confidence", sent).map(|checked| Confidence::try_from(checked).ok())
}

/// A finite number of either sign.
pub(super) fn finite(field: &str, sent: f64) -> Result<f64, Refusal> {
    if sent.is_finite() {
        // Adding zero turns -0 into 0, which JSON would write in another way.
        return Ok(sent + 0.0);
    }
    Err(Refusal::new(field, format!("{sent} is not"), "a finite number", "send a number, or leave it out"))
}

/// Applies a check of [`value`] to what may be absent.
pub(super) fn optional<T>(
    field: &str,
    sent: Option<T>,
    check: impl FnOnce(&str, T) -> Result<T, Refusal>,
) -> Result<Option<T>, Refusal> {
    sent.map(|sent| check(field, sent)).transpose()
}

pub(super) fn at_most(field: &str, sent: usize, limit: usize) -> Result<(), Refusal> {
    if sent <= limit {
        return Ok(());
    }
    let remedy = "send those that mattered most";
    Err(Refusal::new(field, format!("{sent} were sent, above"), format!("the limit of {limit}"), remedy))
}

/// Where a name stands for the second time.
pub(super) fn repeated<T: Eq + Hash>(names: impl IntoIterator<Item = T>) -> Option<usize> {
    let mut seen = HashSet::new();
    names.into_iter().position(|name| !seen.insert(name))
}

/// The moment that `sent` names in RFC 3339; a blank text counts as absent.
pub(super) fn moment(field: &str, sent: Option<&str>) -> Result<Option<Timestamp>, Refusal> {
    let Some(sent) = not_blank(sent) else { return Ok(None) };
    sent.parse().map(Some).map_err(|_| {
        let remedy =
            "send it like \"2026-02-13T14:30:22Z\", or leave it out to have the server's clock count";
        Refusal::new(field, format!("{} is not", quoted(sent)), "an RFC 3339 time", remedy)
    })
}

/// When something happened, by `timestamp` or by the field that means the same for its kind.
pub(super) fn occurred_at(
    timestamp: Option<&str>,
    (twin, twin_sent): (&str, Option<&str>),
) -> Result<Option<Timestamp>, Refusal> {
    let timestamp = moment("timestamp", timestamp)?;
    let twin_at = moment(twin, twin_sent)?;
    match (timestamp, twin_at) {
        (Some(one), Some(other)) if one != other => Err(Refusal::new(
            "timestamp",
            format!("says another time than `{twin}`, outside"),
            "the one time that the event happened at",
            format!("send `{twin}` alone"),
        )),
        (one, other) => Ok(one.or(other)),
    }
}

pub(super) fn not_blank(sent: Option<&str>) -> Option<&str> {
    sent.filter(|text| !text.trim().is_empty())
}
