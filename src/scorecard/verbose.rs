//! The page behind the scorecard: the whole run in 80 columns of plain text.

use super::amounts::{UNKNOWN, score_text};
use super::lines::{Line, Page, Paper, Tone, plain};
use super::wording::{
    agent_text, alternative_text, cost_text, counted, evidence_flow, evidence_text, gate_tone,
    iteration_text, mark, mark_tone, outcome_text, quality_text, seconds_text, status_tone, time_text,
    unscored,
};
use crate::model::{Decision, Trace};
use crate::shown::excerpt;

/// The run with every score, stage, iteration and decision, in lines of at most 80 characters, without a line end
/// at the end. Long texts are cut, and what was cut is counted; prompts and evidence items are only counted.
#[must_use]
pub fn verbose(trace: &Trace) -> String {
    plain(&verbose_lines(trace, Paper::PLAIN))
}

/// The lines of [`verbose()`] on another paper, each part in its tone.
#[must_use]
pub fn verbose_lines(trace: &Trace, paper: Paper) -> Vec<Line> {
    let mut page = Page::on(paper);
    identity(&mut page, trace);
    quality(&mut page, trace);
    stages(&mut page, trace);
    evidence(&mut page, trace);
    cost(&mut page, trace);
    iterations(&mut page, trace);
    decisions(&mut page, trace);
    calibration(&mut page, trace);
    outputs(&mut page, trace);
    page.finish()
}

fn identity(page: &mut Page, trace: &Trace) {
    let run = &trace.run;
    page.heading(&format!("Trace {}", trace.trace_id));
    page.toned((Tone::Label, "Status:    "), (status_tone(run.status), run.status.as_str()));
    page.toned_if("Error:     ", Tone::Bad, run.error.as_deref().map(|error| excerpt(error, 600)).as_deref());
    page.text("Project:   ", &trace.project);
    page.text_if("Query:     ", Some(&excerpt(&run.query, 600)));
    page.text_if("Intent:    ", run.intent.as_deref());
    page.text_if("Domain:    ", run.domain.as_deref());
    page.text_if("Report:    ", run.report_type.as_deref());
    page.text_if("Research:  ", run.research_type.as_deref());
    page.text("Agent:     ", &agent_text(&run.agent));
    page.text_if("Tags:      ", Some(&run.tags.join(", ")));
    page.text("Started:   ", &time_text(run.started_at));
    page.text("Ended:     ", &run.completed_at.map_or_else(|| UNKNOWN.to_owned(), time_text));
    page.text("Duration:  ", &seconds_text(run.duration_seconds));
    let dropped = run.dropped_events.map(|count| format!("{count} events could not be recorded"));
    page.text_if("Dropped:   ", dropped.as_deref());
    page.text_if("Part of:   ", trace.parent_trace_id.as_ref().map(AsRef::as_ref));
    let children: Vec<&str> = trace.child_traces.iter().map(AsRef::as_ref).collect();
    page.text_if("Parts:     ", Some(&children.join(", ")));
}

fn quality(page: &mut Page, trace: &Trace) {
    let quality = &trace.quality;
    page.heading("Quality");
    page.toned((Tone::Label, "Score:     "), (gate_tone(quality.passed), &quality_text(quality)));
    page.text_if("Threshold: ", quality.threshold.map(score_text).as_deref());
    for principle in &quality.principle_scores {
        let name = principle.name.as_ref().map(|name| format!("  {name}")).unwrap_or_default();
        let lead = format!("  {:<10}{:<5}", mark(quality, &principle.id), score_text(principle.score));
        let tone = mark_tone(mark(quality, &principle.id));
        page.toned((tone, &lead), (Tone::Plain, &format!("{}{name}", principle.id)));
        let feedback = principle.feedback.as_deref().map(|feedback| excerpt(feedback, 300));
        page.text_if("                 ", feedback.as_deref());
    }
    for (id, mark) in unscored(quality) {
        page.toned((mark_tone(mark), &format!("  {mark:<10}{UNKNOWN:<5}")), (Tone::Plain, id));
    }
}

fn stages(page: &mut Page, trace: &Trace) {
    if trace.stages.is_empty() {
        return;
    }
    page.heading(&format!("Stages: {}", trace.stages.len()));
    for (name, stage) in &trace.stages {
        let mut line = vec![name.clone(), counted(stage.decisions.len(), "decision")];
        if let Some(evidence) = &stage.evidence {
            let counts = (evidence.collected_count, evidence.passed_count, evidence.filtered_count);
            line.push(format!("evidence {}", evidence_flow(counts)));
        }
        if !stage.prompts.is_empty() {
            line.push(counted(stage.prompts.len(), "prompt"));
        }
        if stage.entries.len() > 1 {
            line.push(format!("entered {} times", stage.entries.len()));
        }
        if let Some(by) = &stage.closed_by {
            line.push(format!("closed by {by}"));
        }
        let lead = format!("  {:<9}", seconds_text(stage.duration_seconds));
        page.toned((Tone::Plain, &lead), (Tone::Plain, &line.join(", ")));
        let error = stage.error.as_deref().map(|error| excerpt(error, 300));
        page.toned_if("           error: ", Tone::Bad, error.as_deref());
    }
}

fn evidence(page: &mut Page, trace: &Trace) {
    if trace.stages.values().all(|stage| stage.evidence.is_none()) {
        return;
    }
    page.heading("Evidence");
    page.text("Total:     ", &evidence_text(trace.evidence_totals()));
    for (name, stage) in &trace.stages {
        let Some(evidence) = &stage.evidence else { continue };
        let sources: Vec<_> =
            evidence.by_source.iter().map(|(source, count)| format!("{source} {count}")).collect();
        if !sources.is_empty() {
            page.text("By source: ", &format!("{} ({name})", sources.join(", ")));
        }
    }
}

fn cost(page: &mut Page, trace: &Trace) {
    page.heading("Cost");
    page.text("Total:     ", &cost_text(&trace.cost));
}

fn iterations(page: &mut Page, trace: &Trace) {
    if trace.iterations.is_empty() && trace.iteration_count < 2 && trace.quality_gate_failures == 0 {
        return;
    }
    page.heading(&format!(
        "Iterations: {}, of which {} failed the gate",
        trace.iteration_count, trace.quality_gate_failures
    ));
    for (place, turn) in trace.iterations.iter().enumerate() {
        page.text(&format!("  {:<4}", place + 1), &iteration_text(turn));
        let changes = turn.changes.as_deref().map(|changes| excerpt(changes, 300));
        page.text_if("      changed: ", changes.as_deref());
    }
}

fn decisions(page: &mut Page, trace: &Trace) {
    page.heading(&format!("Decisions: {}", trace.decisions().count()));
    for (name, stage) in &trace.stages {
        if !stage.decisions.is_empty() {
            page.toned((Tone::Label, ""), (Tone::Heading, name));
        }
        for decision in &stage.decisions {
            one_decision(page, decision);
        }
    }
}

fn one_decision(page: &mut Page, decision: &Decision) {
    page.text("  ", &format!("{}: {}", decision.key, excerpt(&decision.what, 300)));
    let confidence =
        decision.confidence.map_or_else(|| UNKNOWN.to_owned(), |confidence| confidence.to_string());
    let actor = decision.actor.as_ref().map(|actor| format!(", by {actor}")).unwrap_or_default();
    let took = decision.duration_seconds.map(|seconds| format!(", took {}", seconds_text(Some(seconds))));
    page.text(
        "    ",
        &format!(
            "confidence {confidence}{actor}, {}{}, {}",
            time_text(decision.timestamp),
            took.unwrap_or_default(),
            decision.decision_id
        ),
    );
    page.text_if("    why:       ", Some(&excerpt(&decision.why, 600)));
    for alternative in &decision.alternatives_considered {
        page.text("    not taken: ", &excerpt(&alternative_text(alternative), 300));
    }
    page.text_if("    evidence:  ", Some(&excerpt(&decision.evidence_ids.join(", "), 200)));
    let result = decision.result.as_ref().map(|result| match result.as_str() {
        Some(text) => excerpt(text, 200),
        None => excerpt(&result.to_string(), 200),
    });
    page.text_if("    result:    ", result.as_deref());
    page.toned_if(
        "    error:     ",
        Tone::Bad,
        decision.error.as_deref().map(|error| excerpt(error, 300)).as_deref(),
    );
    let outcome = decision.outcome.as_ref().map(|outcome| excerpt(&outcome_text(outcome), 300));
    page.text_if("    outcome:   ", outcome.as_deref());
    for correction in &decision.corrections {
        let reason = excerpt(&correction.reason, 300);
        page.text("    corrected: ", &format!("{}: {reason}", time_text(correction.timestamp)));
        page.text_if("      what:    ", correction.what.as_deref().map(|what| excerpt(what, 300)).as_deref());
        page.text_if("      why:     ", correction.why.as_deref().map(|why| excerpt(why, 300)).as_deref());
        let confidence = correction.confidence.map(|confidence| format!("confidence {confidence}"));
        page.text_if("      now:     ", confidence.as_deref());
    }
    if decision.late {
        page.text("    late:      ", "recorded after the run had ended");
    }
    if decision.redactions > 0 {
        page.text("    redacted:  ", &counted(decision.redactions as usize, "secret"));
    }
}

fn calibration(page: &mut Page, trace: &Trace) {
    let calibration = &trace.calibration;
    if calibration.flags.is_empty() && calibration.review_notes.is_none() && !calibration.flagged_for_review {
        return;
    }
    page.heading("Calibration");
    if calibration.flagged_for_review {
        page.toned((Tone::Label, ""), (Tone::Notice, "Flagged for review"));
    }
    for flag in &calibration.flags {
        let severity = flag.severity.as_deref().unwrap_or("flag");
        let message = excerpt(&flag.message, 300);
        page.text("  ", &format!("{severity}: {} of {}: {message}", flag.kind, flag.subject));
    }
    page.text_if(
        "Notes:     ",
        calibration.review_notes.as_deref().map(|notes| excerpt(notes, 600)).as_deref(),
    );
}

fn outputs(page: &mut Page, trace: &Trace) {
    let outputs = &trace.outputs;
    if outputs.report_path.is_none() && outputs.output_paths.is_empty() {
        return;
    }
    page.heading("Outputs");
    page.text_if("Report:    ", outputs.report_path.as_deref());
    for path in &outputs.output_paths {
        page.text("File:      ", path);
    }
}
