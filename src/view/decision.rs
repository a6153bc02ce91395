//! A decision that was found, with the words that it was found by marked.

use serde_json::Value;

use super::Extent;
use super::saying::{gate, id, known, moment, name};
use crate::shown::excerpt;
use crate::store::index::DecisionHit;
use crate::words::{Marked, SearchQuery};

/// Characters of a text that are enough for a model.
const CHARS: usize = 120;

/// The texts of a decision that say something of a query: `what` always, the others where a word of it is in them, or
/// `why` where there is no query. Names, and texts with matches as parts.
#[must_use]
pub fn texts(
    hit: &DecisionHit,
    query: Option<&SearchQuery>,
    max_chars: usize,
) -> Vec<(&'static str, Marked)> {
    let plain = |text: &str| Marked { parts: vec![(false, excerpt(text, max_chars))] };
    let found = |text: &str| query.and_then(|query| Marked::of(text, query, max_chars));
    let mut texts = vec![("what", found(&hit.what).unwrap_or_else(|| plain(&hit.what)))];
    if query.is_none() && !hit.why.is_empty() {
        texts.push(("why", plain(&hit.why)));
    }
    texts.extend(found(&hit.why).map(|why| ("why", why)));
    texts.extend(hit.result.as_deref().and_then(found).map(|result| ("result", result)));
    texts.extend(found(&hit.options.join("; ")).map(|options| ("not taken", options)));
    if let Some(error) = &hit.error {
        texts.push(("error", plain(error)));
    }
    texts
}

/// The decision, and what became of its run. Matches stand between `**`.
#[must_use]
pub fn fields(hit: &DecisionHit, query: Option<&SearchQuery>, extent: Extent) -> Value {
    let texts = texts(hit, query, extent.most(CHARS));
    let text = |name: &str| {
        let found = texts.iter().find(|(own, _)| *own == name);
        Value::from(found.map(|(_, marked)| marked.in_stars()))
    };
    known([
        ("trace_id", id(&hit.trace_id).into()),
        ("decision_id", id(&hit.decision_id).into()),
        ("project", name(&hit.project).into()),
        ("intent", hit.intent.as_deref().map(name).into()),
        ("stage", name(&hit.stage).into()),
        ("decision", name(&hit.key).into()),
        ("what", text("what")),
        ("why", text("why")),
        ("result", text("result")),
        ("options", text("not taken")),
        ("error", text("error")),
        ("confidence", hit.confidence.into()),
        ("alternatives", hit.options.len().into()),
        ("evidence", hit.evidence.into()),
        ("decided_at", moment(hit.decided_at).into()),
        ("status", hit.status.as_str().into()),
        ("gate", gate(hit.passed).into()),
        ("score", hit.score.into()),
        ("scale_max", hit.score.and(hit.scale_max).into()),
    ])
}
