//! Reads, off a line that is not or cannot be parsed, whom an error must be addressed to.
//!
//! Some clients write `id` as the first key and others as the last, behind parameters of any
//! length, so the line is scanned as it streams past: one byte at a time, constant memory, only
//! the names and the `id` of the outermost object looked at. The scan never fails; on what is no
//! JSON it finds nothing.

use serde_json::Value;

/// An id longer than this is not echoed.
const MAX_ID_BYTES: usize = 256;
/// No key that matters is longer, quotes included.
const MAX_KEY_BYTES: usize = 16;

/// What is known of a message without parsing it.
#[derive(Debug, Default)]
pub(super) struct Envelope {
    depth: usize,
    in_object: bool,
    in_string: bool,
    escaped: bool,
    in_value: bool,
    key: Vec<u8>,
    id: Vec<u8>,
    id_ended: bool,
    has_method: bool,
    has_outcome: bool,
}

impl Envelope {
    /// Scans one whole line.
    pub(super) fn of(line: &[u8]) -> Self {
        let mut envelope = Self::default();
        envelope.read(line);
        envelope
    }

    /// Scans the next bytes of the line.
    pub(super) fn read(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.step(byte);
        }
    }

    /// The id, where it is one that JSON-RPC allows: a string or an integer.
    pub(super) fn id(&self) -> Option<Value> {
        if !self.id_ended || self.id.len() >= MAX_ID_BYTES {
            return None;
        }
        serde_json::from_slice(&self.id)
            .ok()
            .filter(|id: &Value| id.is_string() || id.is_i64() || id.is_u64())
    }

    /// Whether the sender waits for an answer.
    ///
    /// Notifications (a method and no id) never get one, and neither do responses, whose ids are
    /// this side's own. What is neither counts as a broken request.
    pub(super) fn wants_answer(&self) -> bool {
        if self.has_method { self.id_ended } else { !self.has_outcome }
    }

    fn step(&mut self, byte: u8) {
        if self.in_string {
            self.keep(byte);
            match byte {
                _ if self.escaped => self.escaped = false,
                b'\\' => self.escaped = true,
                b'"' => self.in_string = false,
                _ => {}
            }
            return;
        }
        match byte {
            b'"' => {
                self.in_string = true;
                self.keep(byte);
            }
            b'{' | b'[' => {
                if self.depth == 0 {
                    self.in_object = byte == b'{';
                }
                self.depth += 1;
            }
            b'}' | b']' => {
                if self.depth == 1 {
                    self.end_member();
                }
                self.depth = self.depth.saturating_sub(1);
            }
            b':' if self.depth == 1 => self.in_value = true,
            b',' if self.depth == 1 => self.end_member(),
            _ => self.keep(byte),
        }
    }

    fn keep(&mut self, byte: u8) {
        if self.depth != 1 || !self.in_object || (!self.in_string && byte.is_ascii_whitespace()) {
            return;
        }
        if !self.in_value {
            push_below(&mut self.key, byte, MAX_KEY_BYTES);
        } else if !self.id_ended && self.key == b"\"id\"" {
            push_below(&mut self.id, byte, MAX_ID_BYTES);
        }
    }

    fn end_member(&mut self) {
        match self.key.as_slice() {
            b"\"id\"" => self.id_ended = true,
            b"\"method\"" => self.has_method = true,
            b"\"result\"" | b"\"error\"" => self.has_outcome = true,
            _ => {}
        }
        self.key.clear();
        self.in_value = false;
    }
}

fn push_below(bytes: &mut Vec<u8>, byte: u8, limit: usize) {
    if bytes.len() < limit {
        bytes.push(byte);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn id_of(line: &str) -> Option<Value> {
        Envelope::of(line.as_bytes()).id()
    }

    #[test]
    fn the_id_is_found_wherever_it_stands() {
        assert_eq!(id_of(r#"{"id":7,"method":"x"}"#), Some(json!(7)));
        assert_eq!(
            id_of(r#"{"method":"x","params":{"id":1,"a":["}"]},"jsonrpc":"2.0","id":"q-9"}"#),
            Some(json!("q-9"))
        );
        assert_eq!(id_of(r#" { "id" : "a\"b,}" , "method" : "x" } "#), Some(json!("a\"b,}")));
    }

    #[test]
    fn ids_of_inner_objects_arrays_and_other_types_are_not_taken() {
        for line in [
            r#"{"params":{"id":1}}"#,
            r#"[{"id":1}]"#,
            r#"["id",1]"#,
            r#"{"id":null}"#,
            r#"{"id":1.5}"#,
            r#"{"id":{"a":1}}"#,
            r#"{"note":"\"id\":3"}"#,
            "no json",
            "",
        ] {
            assert_eq!(id_of(line), None, "{line}");
        }
        assert_eq!(id_of(&format!(r#"{{"id":"{}"}}"#, "x".repeat(MAX_ID_BYTES))), None);
    }

    #[test]
    fn notifications_and_responses_want_no_answer() {
        let wants = |line: &str| Envelope::of(line.as_bytes()).wants_answer();
        assert!(wants(r#"{"id":1,"method":"x"}"#));
        assert!(wants(r#"{"id":null,"method":"x"}"#));
        assert!(wants("[]"));
        assert!(wants(r#"{"id":1}"#));
        assert!(!wants(r#"{"method":"x"}"#));
        assert!(!wants(r#"{"id":1,"result":{}}"#));
        assert!(!wants(r#"{"id":1,"error":{}}"#));
    }

    #[test]
    fn a_scan_in_pieces_finds_what_a_scan_at_once_finds() {
        let line = r#"{"params":{"s":"\\\"}"},"method":"m","id":"ab"}"#;
        for cut in 0..line.len() {
            let (head, tail) = line.as_bytes().split_at(cut);
            let mut envelope = Envelope::of(head);
            envelope.read(tail);
            assert_eq!((envelope.id(), envelope.wants_answer()), (Some(json!("ab")), true), "cut at {cut}");
        }
    }
}
