//! A call that an answer proposes: the tool and its arguments, ready to be sent.

use serde_json::{Map, Value, json};

use super::budget::MOST;
use crate::shown::is_visible;

/// A call of a tool.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Call {
    tool: &'static str,
    arguments: Map<String, Value>,
}

impl Call {
    /// A call of `tool` without arguments.
    pub(super) fn new(tool: &'static str) -> Self {
        Self { tool, arguments: Map::new() }
    }

    /// The same call with one argument more, or another value of it.
    #[must_use]
    pub(super) fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.arguments.insert(name.to_owned(), value.into());
        self
    }

    /// The same call with all of these arguments.
    #[must_use]
    pub(super) fn with_all(mut self, arguments: Map<String, Value>) -> Self {
        self.arguments.extend(arguments);
        self
    }

    /// The same call with an argument that may be absent.
    #[must_use]
    pub(super) fn with_some(self, name: &str, value: Option<impl Into<Value>>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    /// The same call with the largest budget, where that is more than `budget`.
    pub(super) fn with_more_room(self, budget: usize) -> Option<Self> {
        (budget < MOST).then(|| self.with("max_tokens", MOST))
    }

    /// The call as a person would write it down: `trace_full {"trace_id":"last"}`. What nobody would see in it is
    /// escaped as JSON allows, so that it can be sent as it stands.
    pub(super) fn text(&self) -> String {
        let json = Value::Object(self.arguments.clone()).to_string();
        let mut text = format!("{} ", self.tool);
        for c in json.chars() {
            if is_visible(c) {
                text.push(c);
            } else {
                let mut units = [0; 2];
                for unit in c.encode_utf16(&mut units) {
                    text.push_str(&format!("\\u{unit:04x}"));
                }
            }
        }
        text
    }

    /// The call as data.
    pub(super) fn data(&self) -> Value {
        json!({"tool": self.tool, "arguments": self.arguments})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_can_be_sent_as_it_is_written_and_hides_nothing() {
        let call = Call::new("trace_full").with("trace_id", "a\"b\u{202e}\u{e0041}\u{1b}");
        let text = call.text();
        assert_eq!(text, r#"trace_full {"trace_id":"a\"b\u202e\udb40\udc41\u001b"}"#);
        let sent: Value = serde_json::from_str(text.strip_prefix("trace_full ").unwrap()).unwrap();
        assert_eq!(sent, call.data()["arguments"]);
    }
}
