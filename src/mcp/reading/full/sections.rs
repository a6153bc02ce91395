//! The parts of a run besides its decisions: small ones first, so that the long lists take what is left.

use serde_json::{Value, json};

use super::{Format, Section, View, head};
use crate::mcp::reading::sheet::Sheet;
use crate::model::{Evidence, Iteration, PrincipleScore, Prompt, Stage};
use crate::scorecard::{count_text, counted, duration_text, gate_word, money_text, score_text};
use crate::shown::excerpt;
use crate::view::saying::{data, known, moment, name, name_list, names, passage, quote, quote_data, score};

/// Names that a line of them holds.
const NAMED: usize = 20;

/// Puts one part of a run on a sheet.
type Part = fn(&mut Sheet<'_>, &View<'_>);

pub(super) fn add(sheet: &mut Sheet<'_>, view: &View<'_>) {
    let parts: [(Section, Part); 9] = [
        (Section::Run, head::run),
        (Section::Quality, quality),
        (Section::Cost, cost),
        (Section::Calibration, calibration),
        (Section::Outputs, outputs),
        (Section::Stages, stages),
        (Section::Iterations, iterations),
        (Section::Evidence, evidence),
        (Section::Prompts, prompts),
    ];
    for (section, part) in parts {
        if view.shows(section) {
            part(sheet, view);
        }
    }
}

fn quality(sheet: &mut Sheet<'_>, view: &View<'_>) {
    let quality = &view.trace.quality;
    let value = known([
        ("score", quality.score.into()),
        ("scale_max", quality.scale_max.into()),
        ("threshold", quality.threshold.into()),
        ("passed", quality.passed.into()),
        ("gaps", name_list(&quality.gap_principles, NAMED)),
        ("strengths", name_list(&quality.strength_principles, NAMED)),
    ]);
    if value.as_object().is_none_or(serde_json::Map::is_empty) {
        return says_nothing(sheet, view, Section::Quality, "quality", "No quality was stated");
    }
    let mut parts = vec![gate_word(quality.passed).to_owned()];
    parts.extend(score(quality.score, quality.scale_max));
    parts.extend(quality.threshold.map(|threshold| format!("threshold {}", score_text(threshold))));
    for (what, all) in [("gaps", &quality.gap_principles), ("strengths", &quality.strength_principles)] {
        if !all.is_empty() {
            parts.push(format!("{what} {}", names(all, NAMED)));
        }
    }
    sheet.field("quality", value, format!("Quality: {}", parts.join(", ")));
    if view.is_asked(Section::Quality) || !view.is_concise() {
        let rows = quality.principle_scores.iter().skip(view.skipped(Section::Quality));
        let rows: Vec<(Value, String)> = rows.map(|one| principle(view, one)).collect();
        sheet.list("principle_scores", "Principles:");
        put(sheet, view, Section::Quality, "principle_scores", rows.into_iter());
    }
}

fn principle(view: &View<'_>, one: &PrincipleScore) -> (Value, String) {
    let value = known([
        ("id", name(&one.id).into()),
        ("name", one.name.as_deref().map(name).into()),
        ("score", one.score.into()),
        ("feedback", one.feedback.as_deref().map(|text| passage(text, view.chars)).into()),
    ]);
    let called = one.name.as_deref().map(|called| format!(" {}", quote(called, 128))).unwrap_or_default();
    let feedback =
        one.feedback.as_deref().map(|text| format!(": {}", quote(text, view.chars))).unwrap_or_default();
    (value, format!("- {} {}{called}{feedback}", name(&one.id), score_text(one.score)))
}

fn cost(sheet: &mut Sheet<'_>, view: &View<'_>) {
    let cost = &view.trace.cost;
    let value = known([
        ("cost_usd", cost.cost_usd.into()),
        ("input_tokens", cost.input_tokens.into()),
        ("output_tokens", cost.output_tokens.into()),
        ("model", cost.model.as_deref().map(name).into()),
        ("derived", cost.derived.then_some(true).into()),
    ]);
    let parts = amounts(cost.cost_usd, cost.input_tokens, cost.output_tokens, cost.model.as_deref());
    if parts.is_empty() {
        return says_nothing(sheet, view, Section::Cost, "cost", "No cost was stated");
    }
    let derived = if cost.derived { ", summed up from its parts" } else { "" };
    sheet.field("cost", value, format!("Cost: {}{derived}", parts.join(", ")));
}

fn calibration(sheet: &mut Sheet<'_>, view: &View<'_>) {
    let calibration = &view.trace.calibration;
    let is_silent = !calibration.flagged_for_review && calibration.review_notes.is_none();
    if is_silent && calibration.flags.is_empty() {
        return says_nothing(
            sheet,
            view,
            Section::Calibration,
            "calibration",
            "Nothing asks for a second look",
        );
    }
    let notes = calibration.review_notes.as_deref();
    let value = known([
        ("flagged_for_review", calibration.flagged_for_review.into()),
        ("review_notes", notes.map(|notes| passage(notes, view.chars)).into()),
    ]);
    let flagged =
        if calibration.flagged_for_review { "flagged for review" } else { "not flagged for review" };
    let notes = notes.map(|notes| format!(", notes {}", quote(notes, view.chars))).unwrap_or_default();
    sheet.field("calibration", value, format!("Calibration: {flagged}{notes}"));
    sheet.list("flags", "");
    let flags = calibration.flags.iter().skip(view.skipped(Section::Calibration)).map(|flag| {
        let value = known([
            ("kind", name(&flag.kind).into()),
            ("subject", name(&flag.subject).into()),
            ("severity", flag.severity.as_deref().map(name).into()),
            ("message", excerpt(&flag.message, 300).into()),
        ]);
        (value, format!("- {}: {}", name(&flag.kind), excerpt(&flag.message, 300)))
    });
    let flags: Vec<(Value, String)> = flags.collect();
    sheet.items("flags", flags.into_iter());
}

fn outputs(sheet: &mut Sheet<'_>, view: &View<'_>) {
    let outputs = &view.trace.outputs;
    let has_files =
        outputs.report_path.is_some() || !outputs.output_paths.is_empty() || !outputs.unknown.is_empty();
    if has_files && view.stage.is_none() {
        let value = data(&serde_json::to_value(outputs).unwrap_or_default(), view.chars);
        let mut parts: Vec<String> = Vec::new();
        parts.extend(outputs.report_path.as_deref().map(|path| format!("report {}", quote(path, 300))));
        if !outputs.output_paths.is_empty() {
            parts.push(format!("files {}", quote(&outputs.output_paths.join(", "), 600)));
        }
        if !outputs.unknown.is_empty() {
            parts.push(quote_data(&Value::Object(outputs.unknown.clone()), view.chars));
        }
        sheet.field("outputs", value, format!("Outputs: {}", parts.join(", ")));
    } else if view.stage.is_none() {
        says_nothing(sheet, view, Section::Outputs, "outputs", "The run named no files");
    }
    if view.is_asked(Section::Outputs) || view.stage.is_some() {
        let with_outputs = view.stages().filter(|(_, stage)| !stage.outputs.is_empty());
        let rows = with_outputs.skip(view.skipped(Section::Outputs)).map(|(stage, of)| {
            let outputs = Value::Object(of.outputs.clone());
            let text = format!("- {}: {}", name(stage), quote_data(&outputs, view.chars));
            (json!({"stage": name(stage), "outputs": data(&outputs, view.chars)}), text)
        });
        let rows: Vec<(Value, String)> = rows.collect();
        sheet.list("stage_outputs", "Outputs of stages:");
        put(sheet, view, Section::Outputs, "stage_outputs", rows.into_iter());
    }
}

fn stages(sheet: &mut Sheet<'_>, view: &View<'_>) {
    let all: Vec<(&str, &Stage)> = view.stages().collect();
    if all.is_empty() {
        return says_nothing(sheet, view, Section::Stages, "stages_total", "No stages");
    }
    sheet.list("stages", format!("Stages ({}):", all.len()));
    let rows =
        all.into_iter().skip(view.skipped(Section::Stages)).map(|(name, stage)| stage_row(view, name, stage));
    let rows: Vec<(Value, String)> = rows.collect();
    put(sheet, view, Section::Stages, "stages", rows.into_iter());
}

fn stage_row(view: &View<'_>, stage_name: &str, stage: &Stage) -> (Value, String) {
    let entries = stage.stays().len();
    let count = |count: usize| if count == 0 { Value::Null } else { count.into() };
    let value = known([
        ("stage", name(stage_name).into()),
        ("started_at", stage.started_at.map(moment).into()),
        ("completed_at", stage.completed_at.map(moment).into()),
        ("duration_seconds", stage.duration_seconds.into()),
        ("closed_by", stage.closed_by.as_deref().map(name).into()),
        ("entered", if entries > 1 { entries.into() } else { Value::Null }),
        ("decisions", count(stage.decisions.len())),
        ("prompts", count(stage.prompts.len())),
        ("outputs", count(stage.outputs.len())),
        ("error", stage.error.as_deref().map(|error| excerpt(error, view.chars)).into()),
    ]);
    let mut parts: Vec<String> = stage.duration_seconds.map(duration_text).into_iter().collect();
    parts.extend(stage.closed_by.as_deref().map(|by| format!("closed by {}", name(by))));
    if entries > 1 {
        parts.push(format!("entered {entries} times"));
    }
    if stage.is_open() {
        parts.push("open".to_owned());
    }
    for (count, what) in [(stage.decisions.len(), "decision"), (stage.outputs.len(), "output")] {
        if count > 0 {
            parts.push(counted(count, what));
        }
    }
    if !stage.prompts.is_empty() {
        parts.push(format!("{} (section prompts)", counted(stage.prompts.len(), "prompt")));
    }
    parts.extend(stage.error.as_deref().map(|error| format!("failed: {}", quote(error, view.chars))));
    (value, format!("- {}: {}", name(stage_name), parts.join(", ")))
}

fn iterations(sheet: &mut Sheet<'_>, view: &View<'_>) {
    let trace = view.trace;
    if trace.iterations.is_empty() {
        let text = format!(
            "Attempts: {}, of which {} failed the gate",
            trace.iteration_count, trace.quality_gate_failures
        );
        return says_nothing(sheet, view, Section::Iterations, "attempts", &text);
    }
    let (count, failed) = (trace.iteration_count, trace.quality_gate_failures);
    sheet.list("iterations", format!("Iterations ({count}, {failed} failed the gate):"));
    let rows = trace.iterations.iter().enumerate().skip(view.skipped(Section::Iterations));
    let rows: Vec<(Value, String)> = rows.map(|(place, turn)| iteration(view, place, turn)).collect();
    put(sheet, view, Section::Iterations, "iterations", rows.into_iter());
}

fn iteration(view: &View<'_>, place: usize, turn: &Iteration) -> (Value, String) {
    let gaps = if turn.gap_principles.is_empty() { None } else { Some(names(&turn.gap_principles, NAMED)) };
    let value = known([
        ("iteration", (place + 1).into()),
        ("passed", turn.passed.into()),
        ("score", turn.score.into()),
        ("gaps", name_list(&turn.gap_principles, NAMED)),
        ("input_tokens", turn.input_tokens.into()),
        ("output_tokens", turn.output_tokens.into()),
        ("cost_usd", turn.cost_usd.into()),
        ("changes", turn.changes.as_deref().map(|changes| passage(changes, view.chars)).into()),
        ("timestamp", turn.timestamp.map(moment).into()),
    ]);
    let mut parts = vec![gate_word(turn.passed).to_owned()];
    parts.extend(turn.score.map(score_text));
    parts.extend(gaps.map(|gaps| format!("gaps {gaps}")));
    parts.extend(amounts(turn.cost_usd, turn.input_tokens, turn.output_tokens, None));
    parts.extend(turn.changes.as_deref().map(|changes| format!("changed {}", quote(changes, view.chars))));
    (value, format!("- {}. {}", place + 1, parts.join(", ")))
}

fn evidence(sheet: &mut Sheet<'_>, view: &View<'_>) {
    let all: Vec<(&str, &Evidence)> =
        view.stages().filter_map(|(name, stage)| Some((name, stage.evidence.as_ref()?))).collect();
    if all.is_empty() {
        return says_nothing(sheet, view, Section::Evidence, "evidence_total", "No evidence was recorded");
    }
    sheet.list("evidence", "Evidence:");
    let rows: Vec<(Value, String)> =
        all.iter().map(|(stage, evidence)| evidence_row(stage, evidence)).collect();
    sheet.items("evidence", rows.into_iter());
    if view.is_asked(Section::Evidence) {
        let items = all.iter().flat_map(|(stage, evidence)| {
            let kept = evidence.kept.iter().map(|item| (*stage, true, item));
            kept.chain(evidence.filtered_out.iter().map(|item| (*stage, false, item)))
        });
        let items: Vec<(&str, bool, &Value)> = items.skip(view.skipped).collect();
        sheet.list("evidence_items", "Items:");
        let rows = items.into_iter().map(|(stage, kept, item)| {
            let verdict = if kept { "kept" } else { "filtered out" };
            let text = format!("- {} {verdict}: {}", name(stage), quote_data(item, view.chars));
            (json!({"stage": name(stage), "kept": kept, "item": data(item, view.chars)}), text)
        });
        put(sheet, view, Section::Evidence, "evidence_items", rows);
    }
}

fn evidence_row(stage: &str, evidence: &Evidence) -> (Value, String) {
    let items = evidence.kept.len() + evidence.filtered_out.len();
    let sources: serde_json::Map<String, Value> = evidence
        .by_source
        .iter()
        .take(NAMED)
        .map(|(source, count)| (name(source), Value::from(*count)))
        .collect();
    let more = evidence.by_source.len().saturating_sub(NAMED);
    let value = known([
        ("stage", name(stage).into()),
        ("collected", evidence.collected_count.into()),
        ("kept", evidence.passed_count.into()),
        ("filtered", evidence.filtered_count.into()),
        ("by_source", if sources.is_empty() { Value::Null } else { Value::Object(sources) }),
        ("more_sources", if more > 0 { more.into() } else { Value::Null }),
        ("items", if items > 0 { items.into() } else { Value::Null }),
    ]);
    let counts = [
        (evidence.collected_count, "collected"),
        (evidence.passed_count, "kept"),
        (evidence.filtered_count, "filtered out"),
    ];
    let mut parts: Vec<String> = counts
        .into_iter()
        .filter_map(|(count, what)| Some(format!("{} {what}", count_text(count?))))
        .collect();
    let from: Vec<String> =
        evidence.by_source.iter().map(|(source, count)| format!("{} {count}", name(source))).collect();
    if !from.is_empty() {
        parts.push(format!("from {}", names(&from, NAMED)));
    }
    if items > 0 {
        parts.push(format!("{} (section evidence)", counted(items, "item")));
    }
    (value, format!("- {}: {}", name(stage), parts.join(", ")))
}

fn prompts(sheet: &mut Sheet<'_>, view: &View<'_>) {
    let all: Vec<(&str, &Prompt)> = view
        .stages()
        .flat_map(|(name, stage)| stage.prompts.iter().map(move |prompt| (name, prompt)))
        .collect();
    if all.is_empty() {
        return says_nothing(sheet, view, Section::Prompts, "prompts_total", "No prompts were recorded");
    }
    sheet.list("prompts", format!("Prompts ({}):", all.len()));
    let rows = all.into_iter().enumerate().skip(view.skipped(Section::Prompts));
    let rows = rows.map(|(place, (stage, one))| prompt(view, place, stage, one));
    put(sheet, view, Section::Prompts, "prompts", rows);
}

fn prompt(view: &View<'_>, place: usize, stage: &str, prompt: &Prompt) -> (Value, String) {
    let value = if view.format == Format::Json {
        let mut value = data(&serde_json::to_value(prompt).unwrap_or_default(), view.chars);
        if let Some(fields) = value.as_object_mut() {
            fields.insert("stage".to_owned(), name(stage).into());
        }
        value
    } else {
        let text = |text: &Option<String>| Value::from(text.as_deref().map(|text| passage(text, view.chars)));
        known([
            ("prompt", (place + 1).into()),
            ("stage", name(stage).into()),
            ("model", prompt.model.as_deref().map(name).into()),
            ("system_prompt", text(&prompt.system_prompt)),
            ("user_message", text(&prompt.user_message)),
            ("response", text(&prompt.response)),
            ("input_tokens", prompt.input_tokens.into()),
            ("output_tokens", prompt.output_tokens.into()),
            ("cost_usd", prompt.cost_usd.into()),
        ])
    };
    let amounts =
        amounts(prompt.cost_usd, prompt.input_tokens, prompt.output_tokens, prompt.model.as_deref());
    let mut lines = vec![format!("- {}. {}: {}", place + 1, name(stage), amounts.join(", "))];
    for (what, text) in
        [("system", &prompt.system_prompt), ("user", &prompt.user_message), ("response", &prompt.response)]
    {
        lines.extend(text.as_deref().map(|text| format!("  {what}: {}", quote(text, view.chars))));
    }
    (value, lines.join("\n"))
}

fn amounts(cost: Option<f64>, input: Option<i64>, output: Option<i64>, model: Option<&str>) -> Vec<String> {
    let parts = [
        cost.map(money_text),
        input.map(|tokens| format!("{} tokens in", count_text(tokens))),
        output.map(|tokens| format!("{} tokens out", count_text(tokens))),
        model.map(|model| format!("model {}", name(model))),
    ];
    parts.into_iter().flatten().collect()
}

/// Says that a part holds nothing, where that part was asked for.
fn says_nothing(sheet: &mut Sheet<'_>, view: &View<'_>, section: Section, field: &'static str, text: &str) {
    if view.is_asked(section) {
        sheet.field(field, Value::Null, text);
    }
}

/// Puts the items of a section on the sheet. Where it is the one that was asked for, the first is never left out.
fn put(
    sheet: &mut Sheet<'_>,
    view: &View<'_>,
    section: Section,
    list: &'static str,
    rows: impl ExactSizeIterator<Item = (Value, String)>,
) {
    sheet.items_from(list, rows, |row| if view.is_asked(section) { short(row) } else { None });
}

/// The short form of an item: where it belongs, and that it is there.
fn short(row: &Value) -> Option<(Value, String)> {
    let of = row.get("stage").or_else(|| row.get("id")).or_else(|| row.get("iteration"))?;
    Some((json!({"of": of, "shortened": true}), format!("- of {of}, too long for max_tokens")))
}
