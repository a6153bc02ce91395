//! What became of options, as an answer.

use serde_json::Value;

use super::SearchRequest;
use crate::mcp::reading::budget::budget;
use crate::mcp::reading::empty;
use crate::mcp::reading::sheet::Sheet;
use crate::mcp::tool::Answer;
use crate::query::KnownOptions;
use crate::view::saying::quote;
use crate::view::{Extent, option};

/// The record of the option that was asked for.
pub(super) fn answer(request: &SearchRequest, known: &KnownOptions) -> Answer {
    let budget = budget(request.max_tokens);
    let mut sheet = Sheet::new(budget, |kept| {
        kept.first_cut()?;
        request.again().with_more_room(budget)
    });
    let Some(asked) = known.options.first() else { return sheet.finish().0 };
    let of = request.described();
    let of = if of.is_empty() { String::new() } else { format!(" with {of}") };
    let record = &asked.record;
    let is_known = record.chosen.decisions + record.rejected.decisions > 0;
    let said = if is_known {
        format!("Option{of}, runs judged by their gate\n{}", option::line(asked))
    } else {
        format!("Option {} was neither chosen nor rejected{of}", quote(&asked.option, 80))
    };
    sheet.head("record", option::fields(asked, Extent::Brief), said);
    partial(&mut sheet, known);
    empty::pending(&mut sheet, known.pending);
    unsearchable(&mut sheet, known.unsearchable);
    if record.by_intent.len() > 1 {
        sheet.lines("lines by intent", &option::intent_lines(asked, Extent::Brief).join("\n"));
    }
    if is_known {
        let call = super::Call::new(super::TOOL.name)
            .with_all(SearchRequest { option: None, ..request.clone() }.arguments())
            .with("text", [request.text.clone().unwrap_or_default(), phrase(&asked.option)].join(" ").trim());
        sheet.field("decisions", Value::Null, format!("The decisions themselves: {}", call.text()));
    }
    sheet.finish().0
}

/// The words of an option, one directly after the other, as a search understands it.
fn phrase(option: &str) -> String {
    format!("\"{}\"", option.replace('"', " "))
}

/// What was chosen for a key, with the records.
pub(super) fn choices(sheet: &mut Sheet<'_>, known: &KnownOptions) {
    let heading = if known.is_partial {
        format!("Chosen for this key, most often first, in the newest {} decisions:", known.looked_at)
    } else {
        "Chosen for this key, most often first:".to_owned()
    };
    sheet.list("choices", heading);
    sheet.items(
        "choices",
        known.options.iter().map(|one| (option::brief(one), format!("- {}", option::line(one)))),
    );
    if known.more > 0 {
        sheet.field("more_choices", Value::Null, format!("+{} more choices", known.more));
    }
}

/// Says how many decisions are not in the answer because an older version wrote them.
pub(super) fn unsearchable(sheet: &mut Sheet<'_>, count: u64) {
    if count > 0 {
        let text =
            format!("{count} decisions of an older version are not searchable yet: run `whytrace reindex`");
        sheet.field("not_searchable", count, text);
    }
}

fn partial(sheet: &mut Sheet<'_>, known: &KnownOptions) {
    if known.is_partial {
        let text =
            format!("Partial: counted over the newest {} decisions that have its words", known.looked_at);
        sheet.field("looked_at", known.looked_at, text);
        sheet.field("partial", true, "");
    }
}
