//! What stands first: which run it is, how it stands, and what broke.

use serde_json::{Value, json};

use super::{Format, Section, View};
use crate::mcp::reading::sheet::Sheet;
use crate::model::Trace;
use crate::scorecard::{duration_text, gate_word};
use crate::shown::excerpt;
use crate::view::saying::{data, gate, id, known, moment, name, name_list, names, quote, quote_data, score};

/// Characters of an error.
const ERROR: usize = 400;
/// Child runs that are named.
const CHILDREN: usize = 20;

pub(super) fn add(sheet: &mut Sheet<'_>, view: &View<'_>) {
    let trace = view.trace;
    let trace_id = id(trace.trace_id.as_str());
    let mut parts = vec![format!("Trace {trace_id}"), trace.status().to_string()];
    if trace.quality.passed.is_some() {
        parts.push(format!("gate {}", gate_word(trace.quality.passed)));
    }
    parts.extend(score(trace.quality.score, trace.quality.scale_max).map(|score| format!("score {score}")));
    sheet.head("trace_id", trace_id, parts.join(", "));
    sheet.head("status", trace.status().as_str(), "");
    if let Some(verdict) = gate(trace.quality.passed) {
        sheet.head("gate", verdict, "");
    }
    if view.section.is_none() && view.stage.is_none() && view.decision.is_none() {
        sheet.field("project", name(&trace.project), format!("Project: {}", name(&trace.project)));
        let error = trace.run.error.as_deref();
        let text = error.map(|error| format!("Error: {}", quote(error, ERROR))).unwrap_or_default();
        sheet.field("error", error.map(|error| excerpt(error, ERROR)), text);
        family(sheet, trace);
    }
}

/// The stages and decisions that broke.
pub(super) fn failures(sheet: &mut Sheet<'_>, trace: &Trace) {
    let stages = trace.stages.iter().filter_map(|(stage, of)| {
        let error = of.error.as_deref()?;
        let value = json!({"stage": name(stage), "error": excerpt(error, ERROR)});
        Some((value, format!("- stage {}: {}", name(stage), quote(error, ERROR))))
    });
    let decisions = trace.decisions().filter_map(|(stage, decision)| {
        let (error, decision_id) = (decision.error.as_deref()?, id(decision.decision_id.as_str()));
        let value = json!({
            "stage": name(stage), "decision_id": decision_id, "decision": name(&decision.key), "error": excerpt(error, ERROR),
        });
        let (stage, key) = (name(stage), name(&decision.key));
        Some((value, format!("- decision {stage} / {key} [{decision_id}]: {}", quote(error, ERROR))))
    });
    let all: Vec<(Value, String)> = stages.chain(decisions).collect();
    if !all.is_empty() {
        sheet.list("failures", "What broke:");
        sheet.items("failures", all.into_iter());
    }
}

fn family(sheet: &mut Sheet<'_>, trace: &Trace) {
    if let Some(parent) = &trace.parent_trace_id {
        let parent = id(parent.as_str());
        let text = format!("Part of run {parent}");
        sheet.field("parent_trace_id", parent, text);
    }
    let children: Vec<String> = trace.child_traces.iter().map(|child| id(child.as_str())).collect();
    if !children.is_empty() {
        let text = format!("Parts ({}): {}", children.len(), names(&children, CHILDREN));
        let named: Vec<&String> = children.iter().take(CHILDREN).collect();
        sheet.field("child_traces", json!(named), text);
        sheet.field("child_traces_total", children.len(), "");
    }
}

/// What was asked of whom.
pub(super) fn run(sheet: &mut Sheet<'_>, view: &View<'_>) {
    let run = &view.trace.run;
    let whole = view.is_asked(Section::Run) || !view.is_concise();
    let metadata = Value::Object(run.metadata.clone());
    let has_metadata = whole && !run.metadata.is_empty();
    let value = if view.format == Format::Json {
        data(&serde_json::to_value(run).unwrap_or_default(), view.chars)
    } else {
        known([
            ("query", excerpt(&run.query, view.chars.max(300)).into()),
            ("intent", run.intent.as_deref().map(name).into()),
            ("domain", run.domain.as_deref().map(name).into()),
            ("report_type", run.report_type.as_deref().map(name).into()),
            ("research_type", run.research_type.as_deref().map(name).into()),
            ("agent", run.agent.name.as_deref().map(name).into()),
            ("agent_version", run.agent.version.as_deref().map(name).into()),
            ("agent_model", run.agent.model.as_deref().map(name).into()),
            ("tags", name_list(&run.tags, 20)),
            ("started_at", moment(run.started_at).into()),
            ("completed_at", run.completed_at.map(moment).into()),
            ("duration_seconds", run.duration_seconds.into()),
            ("metadata", if has_metadata { data(&metadata, view.chars) } else { Value::Null }),
        ])
    };
    let mut lines = vec![format!("Query: {}", quote(&run.query, view.chars.max(300)))];
    let ended = run.completed_at.map(|at| format!(", ended {}", moment(at))).unwrap_or_default();
    let took =
        run.duration_seconds.map(|seconds| format!(", took {}", duration_text(seconds))).unwrap_or_default();
    lines.push(format!("Started {}{ended}{took}", moment(run.started_at)));
    let kinds = [
        ("intent", &run.intent),
        ("domain", &run.domain),
        ("report type", &run.report_type),
        ("research type", &run.research_type),
        ("agent", &run.agent.name),
        ("version", &run.agent.version),
        ("model", &run.agent.model),
    ];
    let mut kinds: Vec<String> = kinds
        .into_iter()
        .filter_map(|(what, value)| Some(format!("{what} {}", name(value.as_deref()?))))
        .collect();
    if !run.tags.is_empty() {
        kinds.push(format!("tags {}", names(&run.tags, 20)));
    }
    if !kinds.is_empty() {
        lines.push(format!("Of {}", kinds.join(", ")));
    }
    if has_metadata {
        lines.push(format!("Metadata: {}", quote_data(&metadata, view.chars)));
    }
    sheet.field("run", value, lines.join("\n"));
}
