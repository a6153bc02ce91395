//! How much of everything the gate lets in.
//!
//! Sizes are in bytes of UTF-8, or of compact JSON, as sent. A refusal names the limit it stands on,
//! so each number has its one home here.

/// Bytes of an id, project, stage, decision key, intent, domain or tag, after NFC.
pub const LABEL_BYTES: usize = 128;

/// Bytes of a decision's `what`.
pub const WHAT_BYTES: usize = 4 * KIB;

/// Bytes of a decision's `why`.
pub const WHY_BYTES: usize = 16 * KIB;

/// Bytes of an alternative's `option` and `why_not`, and of other texts of a sentence or two.
pub const OPTION_BYTES: usize = 4 * KIB;

/// Bytes of each text of a prompt: system, user and response.
pub const PROMPT_BYTES: usize = MIB;

/// Bytes of compact JSON in `inputs`, `result`, `outputs`, `metadata` or one evidence item.
pub const JSON_BYTES: usize = 256 * KIB;

/// Levels of arrays and objects within each other; a scalar has none, `[]` has one.
pub const JSON_DEPTH: usize = 64;

/// Alternatives of one decision.
pub const ALTERNATIVES: usize = 64;

/// Events of one batch.
pub const BATCH_EVENTS: usize = 500;

/// Bytes of one batch.
pub const BATCH_BYTES: usize = 4 * MIB;

/// Bytes of an HTTP body: more than a batch may have, so that the gate can answer with a sentence
/// where the transport could only answer 413.
pub const HTTP_BODY_BYTES: usize = 8 * MIB;

/// Events of one trace; beyond it a child trace is proposed.
pub const TRACE_EVENTS: usize = 50_000;

/// Bytes of all events of one trace; beyond it a child trace is proposed.
pub const TRACE_BYTES: usize = 64 * MIB;

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;
