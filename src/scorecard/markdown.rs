//! The document for people that lies beside a run's JSON.

mod escape;

use std::fmt::Write as _;

use self::escape::{code, file_link, inline, quoted};
use super::amounts::{UNKNOWN, score_text};
use super::wording::{
    agent_text, cost_text, counted, evidence_flow, evidence_text, gate_word, iteration_text, mark,
    outcome_text, quality_text, seconds_text, time_text, unscored,
};
use crate::model::{Decision, Stage, Trace};
use crate::shown::excerpt;

/// The run as a Markdown document: what it was, how good, what it decided and why.
///
/// Ends with a line end. Texts longer than a page are cut, and what was cut is counted: the JSON document has the
/// whole.
#[must_use]
pub fn markdown(trace: &Trace) -> String {
    let mut out = Document(format!("# Trace {}\n", code(trace.trace_id.as_str())));
    identity(&mut out, trace);
    quality(&mut out, trace);
    stages(&mut out, trace);
    iterations(&mut out, trace);
    decisions(&mut out, trace);
    calibration(&mut out, trace);
    outputs(&mut out, trace);
    out.0
}

/// The text so far. Only [`quote`](Document::quote) takes text that is not Markdown yet.
struct Document(String);

impl Document {
    fn paragraph(&mut self, markdown: &str) {
        let _ = writeln!(self.0, "\n{markdown}");
    }

    fn item(&mut self, label: &str, markdown: &str) {
        let _ = writeln!(self.0, "- **{label}:** {markdown}");
    }

    fn quote(&mut self, label: &str, text: &str, max_chars: usize) {
        if !text.trim().is_empty() {
            self.paragraph(&format!("**{label}**\n\n{}", quoted(text, max_chars).trim_end()));
        }
    }

    /// A row of a table; the second one makes it a table.
    fn row(&mut self, cells: &[&str]) {
        let cells = cells.iter().map(|cell| if cell.is_empty() { " " } else { cell });
        let _ = writeln!(self.0, "| {} |", cells.collect::<Vec<_>>().join(" | "));
    }

    fn table(&mut self, columns: &[&str]) {
        self.0.push('\n');
        self.row(columns);
        self.row(&vec!["---"; columns.len()]);
    }
}

fn identity(out: &mut Document, trace: &Trace) {
    let run = &trace.run;
    let children: Vec<_> = trace.child_traces.iter().map(|id| code(id.as_str())).collect();
    let rows = [
        ("Project", inline(&trace.project)),
        ("Status", run.status.as_str().to_owned()),
        ("Quality", quality_text(&trace.quality)),
        ("Started", time_text(run.started_at)),
        ("Duration", seconds_text(run.duration_seconds)),
        ("Intent", inline(run.intent.as_deref().unwrap_or_default())),
        ("Domain", inline(run.domain.as_deref().unwrap_or_default())),
        ("Report type", inline(run.report_type.as_deref().unwrap_or_default())),
        ("Research type", inline(run.research_type.as_deref().unwrap_or_default())),
        ("Agent", inline(&agent_text(&run.agent))),
        ("Tags", inline(&run.tags.join(", "))),
        ("Cost", inline(&cost_text(&trace.cost))),
        ("Evidence", evidence_text(trace.evidence_totals())),
        ("Part of", trace.parent_trace_id.as_ref().map(|id| code(id.as_str())).unwrap_or_default()),
        ("Parts", children.join(", ")),
    ];
    out.table(&["Run", ""]);
    for (name, value) in rows.iter().filter(|(_, value)| !value.is_empty()) {
        out.row(&[name, value]);
    }
    out.quote("Query", &run.query, 4000);
    out.quote("Error", run.error.as_deref().unwrap_or_default(), 4000);
}

fn quality(out: &mut Document, trace: &Trace) {
    let quality = &trace.quality;
    out.paragraph(&format!("## Quality gate: {}", gate_word(quality.passed)));
    let threshold = quality.threshold.map(|threshold| format!(" (threshold {})", score_text(threshold)));
    out.paragraph(&format!("Score: {}{}", quality_text(quality), threshold.unwrap_or_default()));
    let unscored = unscored(quality);
    if quality.principle_scores.is_empty() && unscored.is_empty() {
        return;
    }
    out.table(&["Principle", "Score", "Mark", "Feedback"]);
    for principle in &quality.principle_scores {
        let name = format!("{} {}", principle.id, principle.name.as_deref().unwrap_or_default());
        let feedback = excerpt(principle.feedback.as_deref().unwrap_or_default(), 1000);
        let score = score_text(principle.score);
        out.row(&[&inline(&name), &score, mark(quality, &principle.id), &inline(&feedback)]);
    }
    for (id, mark) in unscored {
        out.row(&[&inline(id), UNKNOWN, mark, ""]);
    }
}

fn stages(out: &mut Document, trace: &Trace) {
    if trace.stages.is_empty() {
        return;
    }
    out.paragraph("## Stages");
    out.table(&["Stage", "Duration", "Decisions", "Evidence", "Prompts", "Error"]);
    for (name, stage) in &trace.stages {
        let error = excerpt(stage.error.as_deref().unwrap_or_default(), 300);
        out.row(&[
            &inline(name),
            &seconds_text(stage.duration_seconds),
            &stage.decisions.len().to_string(),
            &stage_evidence(stage),
            &stage.prompts.len().to_string(),
            &inline(&error),
        ]);
    }
}

fn stage_evidence(stage: &Stage) -> String {
    let Some(evidence) = &stage.evidence else { return String::new() };
    let counts = (evidence.collected_count, evidence.passed_count, evidence.filtered_count);
    let sources: Vec<_> = evidence.by_source.iter().map(|(name, count)| format!("{name} {count}")).collect();
    let flow = evidence_flow(counts);
    if sources.is_empty() { flow } else { format!("{flow} ({})", inline(&sources.join(", "))) }
}

fn iterations(out: &mut Document, trace: &Trace) {
    if trace.iterations.is_empty() {
        return;
    }
    out.paragraph("## Iterations");
    out.table(&["Turn", "Verdict", "Changed for the next"]);
    for (place, turn) in trace.iterations.iter().enumerate() {
        let changes = excerpt(turn.changes.as_deref().unwrap_or_default(), 1000);
        out.row(&[&(place + 1).to_string(), &inline(&iteration_text(turn)), &inline(&changes)]);
    }
}

fn decisions(out: &mut Document, trace: &Trace) {
    if trace.decisions().next().is_none() {
        return;
    }
    out.paragraph("## Decisions");
    for (name, stage) in trace.stages.iter().filter(|(_, stage)| !stage.decisions.is_empty()) {
        out.paragraph(&format!("### Stage {}", inline(name)));
        for decision in &stage.decisions {
            one_decision(out, decision);
        }
    }
}

fn one_decision(out: &mut Document, decision: &Decision) {
    out.paragraph(&format!("#### Decision {}", inline(&decision.key)));
    out.paragraph(&format!("**Chosen:** {}", inline(&excerpt(&decision.what, 1000))));
    out.quote("Why", &decision.why, 2000);
    if !decision.alternatives_considered.is_empty() {
        out.table(&["Not taken", "Score", "Why not"]);
        for alternative in &decision.alternatives_considered {
            let why_not = excerpt(alternative.why_not.as_deref().unwrap_or_default(), 1000);
            let score = alternative.score.map(score_text).unwrap_or_default();
            out.row(&[&inline(&excerpt(&alternative.option, 500)), &score, &inline(&why_not)]);
        }
    }
    out.0.push('\n');
    facts(out, decision);
}

/// What is known of a decision besides the choice, as a list.
fn facts(out: &mut Document, decision: &Decision) {
    let item = |out: &mut Document, label: &str, text: Option<&str>, max_chars: usize| {
        if let Some(text) = text.filter(|text| !text.trim().is_empty()) {
            out.item(label, &inline(&excerpt(text, max_chars)));
        }
    };
    let confidence =
        decision.confidence.map_or_else(|| UNKNOWN.to_owned(), |confidence| confidence.to_string());
    out.item("Confidence", &confidence);
    item(out, "By", decision.actor.as_deref(), 128);
    item(out, "Evidence", Some(&decision.evidence_ids.join(", ")), 1000);
    if let Some(result) = &decision.result {
        let text = result.as_str().map_or_else(|| result.to_string(), str::to_owned);
        out.item("Result", &code(&excerpt(&text, 500)));
    }
    item(out, "Error", decision.error.as_deref(), 1000);
    if let Some(outcome) = &decision.outcome {
        item(out, "Outcome", Some(&outcome_text(outcome)), 1000);
    }
    for correction in &decision.corrections {
        let mut text = format!("{}: {}", time_text(correction.timestamp), excerpt(&correction.reason, 1000));
        if let Some(what) = &correction.what {
            let _ = write!(text, "; chosen: {}", excerpt(what, 1000));
        }
        if let Some(why) = &correction.why {
            let _ = write!(text, "; why: {}", excerpt(why, 1000));
        }
        if let Some(confidence) = correction.confidence {
            let _ = write!(text, "; confidence {confidence}");
        }
        out.item("Corrected", &inline(&text));
    }
    if decision.late {
        out.item("Late", "recorded after the run had ended");
    }
    if decision.redactions > 0 {
        out.item("Redacted", &counted(decision.redactions as usize, "secret"));
    }
    out.item(
        "Recorded",
        &format!("{}, {}", time_text(decision.timestamp), code(decision.decision_id.as_str())),
    );
}

fn calibration(out: &mut Document, trace: &Trace) {
    let calibration = &trace.calibration;
    let notes = calibration.review_notes.as_deref().unwrap_or_default();
    if calibration.flags.is_empty() && notes.is_empty() && !calibration.flagged_for_review {
        return;
    }
    out.paragraph("## Calibration");
    if calibration.flagged_for_review {
        out.paragraph("**Flagged for review.**");
    }
    if !calibration.flags.is_empty() {
        out.table(&["Flag", "About", "Severity", "Finding"]);
        for flag in &calibration.flags {
            let severity = flag.severity.as_deref().unwrap_or_default();
            let message = excerpt(&flag.message, 1000);
            out.row(&[&inline(&flag.kind), &inline(&flag.subject), &inline(severity), &inline(&message)]);
        }
    }
    out.quote("Review notes", notes, 4000);
}

fn outputs(out: &mut Document, trace: &Trace) {
    let outputs = &trace.outputs;
    if outputs.report_path.is_none() && outputs.output_paths.is_empty() {
        return;
    }
    out.paragraph("## Outputs\n");
    if let Some(path) = &outputs.report_path {
        out.item("Report", &file_link(path));
    }
    for path in &outputs.output_paths {
        out.item("File", &file_link(path));
    }
}
