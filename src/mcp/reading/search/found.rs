//! Decisions that were found, as an answer.

use serde_json::{Value, json};

use super::{SearchRequest, records};
use crate::mcp::reading::budget::budget;
use crate::mcp::reading::call::Call;
use crate::mcp::reading::empty;
use crate::mcp::reading::sheet::Sheet;
use crate::mcp::tool::Answer;
use crate::query::{FoundDecisions, KnownOptions};
use crate::scorecard::{counted, gate_word};
use crate::store::index::{DecisionFilter, DecisionHit};
use crate::view::saying::{id, moment, name, score};
use crate::view::{Extent, decision};
use crate::words::SearchQuery;

/// Characters of a text that a hit shows.
const CHARS: usize = 120;

pub(super) fn answer(
    request: &SearchRequest,
    filter: &DecisionFilter,
    found: &FoundDecisions,
    choices: Option<&KnownOptions>,
) -> Answer {
    let page = &found.page;
    let query = filter.text.as_ref();
    let mut sheet = Sheet::new(budget(request.max_tokens), |kept| {
        let cursor = page.behind(kept.count("hits"))?;
        Some(request.again().with("cursor", format!("{}{}", request.fingerprint(), cursor.encode())))
    });
    sheet.head("total", page.total, headline(request, found));
    if page.is_partial {
        sheet.field("looked_at", page.looked_at, "");
        sheet.field("partial", true, "");
    }
    empty::pending(&mut sheet, found.pending);
    records::unsearchable(&mut sheet, found.unsearchable);
    if let Some(choices) = choices {
        records::choices(&mut sheet, choices);
    }
    sheet.list("hits", "");
    if let Some(overview) = &found.without_filter {
        empty::explain_decisions(&mut sheet, overview);
    }
    sheet.items_from("hits", page.hits.iter().map(|hit| hit_line(hit, query)), |hit| {
        let part = |field: &str| hit.get(field).and_then(Value::as_str).unwrap_or_default().to_owned();
        let (run, own) = (part("trace_id"), part("decision_id"));
        let text = format!("{run}/{own}");
        Some((json!({"trace_id": run, "decision_id": own}), text))
    });
    if let Some(first) = page.hits.first() {
        let call = Call::new("trace_full")
            .with("trace_id", id(&first.trace_id))
            .with("decision_id", id(&first.decision_id));
        sheet.field("one", Value::Null, format!("One of them whole: {}", call.text()));
    }
    sheet.finish().0
}

fn headline(request: &SearchRequest, found: &FoundDecisions) -> String {
    let page = &found.page;
    let of = format!(" with {}", request.described());
    let further = if request.cursor.is_some() { ", further on" } else { "" };
    let among = if page.is_partial {
        format!(" among the newest {} that match in words (partial)", page.looked_at)
    } else {
        String::new()
    };
    match usize::try_from(page.total).unwrap_or(usize::MAX) {
        0 => format!("No decisions{of}{among}{further}"),
        total => format!("{}{of}{among}{further}", counted(total, "decision")),
    }
}

fn hit_line(hit: &DecisionHit, query: Option<&SearchQuery>) -> (Value, String) {
    let mut parts = vec![
        format!("{}/{}", id(&hit.trace_id), id(&hit.decision_id)),
        format!("{} / {}", name(&hit.stage), name(&hit.key)),
    ];
    parts.extend(hit.confidence.map(|confidence| format!("confidence {confidence:.2}")));
    let outcome = [
        Some(hit.status.clone()),
        hit.passed.map(|_| gate_word(hit.passed).to_owned()),
        score(hit.score, hit.scale_max),
    ];
    parts.push(format!("run {}", outcome.into_iter().flatten().collect::<Vec<_>>().join(" ")));
    parts.push(moment(hit.decided_at));
    let texts = decision::texts(hit, query, CHARS);
    let said = texts.iter().map(|(field, text)| format!("{field} \"{}\"", text.in_stars().replace('"', "'")));
    let text = format!("{}\n  {}", parts.join("  "), said.collect::<Vec<_>>().join(" "));
    (decision::fields(hit, query, Extent::Brief), text)
}
