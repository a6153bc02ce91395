//! The decisions of a run: each as a line or two, or with everything that is known of it.

use serde_json::{Value, json};

use super::{Format, Section, View};
use crate::mcp::reading::sheet::Sheet;
use crate::model::{Alternative, Decision};
use crate::scorecard::{counted, duration_text, score_text};
use crate::shown::excerpt;
use crate::view::saying::{data, id, known, moment, name, names, passage, quote, quote_data};

/// Alternatives that a concise line names.
const NAMED: usize = 5;

pub(super) fn add(sheet: &mut Sheet<'_>, view: &View<'_>, decisions: Vec<(&str, &Decision)>) {
    let skipped = if view.decision.is_some() { 0 } else { view.skipped(Section::Decisions) };
    let from = if skipped > 0 { format!(", from the {}. on", skipped + 1) } else { String::new() };
    let total = decisions.len();
    if view.decision.is_none() {
        let text = if total == 0 { "No decisions" } else { "" };
        sheet.field("decisions_total", total, text);
        sheet.field("offset", if skipped > 0 { skipped.into() } else { Value::Null }, "");
    }
    sheet.list(
        "decisions",
        if view.decision.is_some() { String::new() } else { format!("Decisions ({total}{from}):") },
    );
    let rows = decisions.into_iter().skip(skipped);
    let rows = rows.map(|(stage, decision)| (row(view, stage, decision), text(view, stage, decision)));
    let is_asked = view.decision.is_some() || view.is_asked(Section::Decisions);
    sheet.items_from("decisions", rows, |row| {
        if !is_asked {
            return None;
        }
        let (id, stage) = (row.get("decision_id")?, row.get("stage")?);
        Some((json!({"decision_id": id, "stage": stage}), format!("- [{}]", id.as_str().unwrap_or_default())))
    });
}

fn row(view: &View<'_>, stage: &str, decision: &Decision) -> Value {
    let chars = view.chars;
    if view.format == Format::Json {
        let mut value = data(&serde_json::to_value(decision).unwrap_or_default(), chars);
        if let Some(fields) = value.as_object_mut() {
            fields.insert("stage".to_owned(), name(stage).into());
            fields.insert("decision_id".to_owned(), id(decision.decision_id.as_str()).into());
        }
        return value;
    }
    let is_concise = view.is_concise();
    let detail = |value: Value| if is_concise { Value::Null } else { value };
    let some = |all: Vec<Value>| if all.is_empty() { Value::Null } else { Value::Array(all) };
    let alternatives = decision.alternatives_considered.iter();
    known([
        ("decision_id", id(decision.decision_id.as_str()).into()),
        ("stage", name(stage).into()),
        ("decision", name(&decision.key).into()),
        ("what", passage(&decision.what, chars).into()),
        ("why", passage(&decision.why, chars).into()),
        ("confidence", decision.confidence.map(f64::from).into()),
        (
            "alternatives_considered",
            some(if is_concise {
                let more = decision.alternatives_considered.len().saturating_sub(NAMED);
                let more = (more > 0).then(|| Value::from(format!("+{more} more")));
                alternatives.take(NAMED).map(|one| brief(one).into()).chain(more).collect()
            } else {
                alternatives.map(|one| data(&serde_json::to_value(one).unwrap_or_default(), chars)).collect()
            }),
        ),
        ("error", decision.error.as_deref().map(|error| excerpt(error, chars)).into()),
        ("result", decision.result.as_ref().map(|result| data(result, chars)).unwrap_or_default()),
        ("outcome", outcome(decision, chars)),
        ("inputs", detail(decision.inputs.as_ref().map(|inputs| data(inputs, chars)).unwrap_or_default())),
        ("evidence_ids", detail(some(decision.evidence_ids.iter().map(|one| name(one).into()).collect()))),
        ("timestamp", detail(moment(decision.timestamp).into())),
        ("duration_seconds", decision.duration_seconds.into()),
        ("actor", decision.actor.as_deref().map(name).into()),
        (
            "corrections",
            some(
                decision
                    .corrections
                    .iter()
                    .map(|one| data(&serde_json::to_value(one).unwrap_or_default(), chars))
                    .collect(),
            ),
        ),
        ("late", decision.late.then_some(true).into()),
        ("redactions", if decision.redactions > 0 { decision.redactions.into() } else { Value::Null }),
    ])
}

fn outcome(decision: &Decision, chars: usize) -> Value {
    decision.outcome.as_ref().map_or(Value::Null, |outcome| {
        known([
            ("correct", outcome.correct.into()),
            ("note", outcome.note.as_deref().map(|note| excerpt(note, chars)).into()),
        ])
    })
}

/// An alternative by its option and score.
fn brief(alternative: &Alternative) -> String {
    let score = alternative.score.map(|score| format!(" ({})", score_text(score))).unwrap_or_default();
    format!("{}{score}", excerpt(&alternative.option, 80))
}

fn text(view: &View<'_>, stage: &str, decision: &Decision) -> String {
    let chars = view.chars;
    let confidence = decision.confidence.map(|confidence| format!(" ({confidence})")).unwrap_or_default();
    let mut lines = vec![format!(
        "- {} / {}: {}{confidence} [{}]",
        name(stage),
        name(&decision.key),
        quote(&decision.what, chars),
        id(decision.decision_id.as_str())
    )];
    let mut add = |what: &str, text: Option<String>| {
        lines.extend(text.filter(|text| !text.is_empty()).map(|text| format!("  {what}: {text}")));
    };
    add("why", Some(&decision.why).filter(|why| !why.is_empty()).map(|why| quote(why, chars)));
    if view.is_concise() {
        let options: Vec<String> = decision.alternatives_considered.iter().map(brief).collect();
        add("not taken", Some(names(&options, NAMED)));
    } else {
        for one in &decision.alternatives_considered {
            let why_not = one.why_not.as_deref().map(|why_not| format!(": {}", quote(why_not, chars)));
            let score = one.score.map(|score| format!(" ({})", score_text(score))).unwrap_or_default();
            add(
                "not taken",
                Some(format!("{}{score}{}", quote(&one.option, chars), why_not.unwrap_or_default())),
            );
        }
        add("inputs", decision.inputs.as_ref().map(|inputs| quote_data(inputs, chars)));
        add("evidence", Some(names(&decision.evidence_ids, 50)));
        add("at", Some(moment(decision.timestamp)));
    }
    add("by", decision.actor.as_deref().map(name));
    add("took", decision.duration_seconds.map(duration_text));
    add("result", decision.result.as_ref().map(|result| quote_data(result, chars)));
    add("error", decision.error.as_deref().map(|error| quote(error, chars)));
    add(
        "outcome",
        decision.outcome.as_ref().map(|outcome| {
            let verdict = match outcome.correct {
                Some(true) => "right",
                Some(false) => "wrong",
                None => "noted",
            };
            let note = outcome.note.as_deref().map(|note| format!(", {}", quote(note, chars)));
            format!("{verdict}{}", note.unwrap_or_default())
        }),
    );
    for one in &decision.corrections {
        let now =
            [one.what.as_deref().map(|what| ("what", what)), one.why.as_deref().map(|why| ("why", why))];
        let mut parts = vec![format!("{}, {}", moment(one.timestamp), quote(&one.reason, chars))];
        parts.extend(
            now.into_iter().flatten().map(|(field, text)| format!("{field} now {}", quote(text, chars))),
        );
        parts.extend(one.confidence.map(|confidence| format!("confidence now {confidence}")));
        add("corrected", Some(parts.join(", ")));
    }
    add("late", decision.late.then(|| "recorded after the run had ended".to_owned()));
    add("redacted", (decision.redactions > 0).then(|| counted(decision.redactions as usize, "secret")));
    lines.join("\n")
}
