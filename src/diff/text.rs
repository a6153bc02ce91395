//! A comparison told in ten to thirty lines: where the runs parted, what came of it, what it cost.
//!
//! The first ten say what matters: both runs, where they parted and why, and what became of score, cost and time.

use super::side::{NAMES, Side};
use super::{
    ChangeKind, Choice, ComparedRun, Comparison, Count, DecisionDifference, Divergence, DivergentChoice,
    Entry, FirstDifference, Measure, Presence,
};
use crate::scorecard::{count_text, counted, duration_text, fitted, gate_word, money_text, score_text};

/// The widest line, in characters.
const WIDTH: usize = 110;
/// A generated trace id fits; a longer one is cut to a prefix, which the reading tools accept.
const ID_CHARS: usize = 28;
/// How many differing decisions are listed.
const LISTED: usize = 8;

impl Comparison {
    /// The comparison in about ten to thirty lines of at most 110 characters, without a line end at the end. Of
    /// many differing decisions the first few are listed and the others counted.
    #[must_use]
    pub fn text(&self) -> String {
        let mut lines = vec![
            run_line("a", &self.a, self.quality.a_given.map_or(self.quality.a, |given| Some(given.score))),
            run_line("b", &self.b, self.quality.b_given.map_or(self.quality.b, |given| Some(given.score))),
        ];
        lines.extend(self.comparable.iter().map(|caveat| format!("Note: {caveat}")));
        match &self.first_divergence {
            Some(divergence) => lines.extend(divergence_lines(divergence)),
            None => lines.push("No divergence: both decided alike throughout".to_owned()),
        }
        lines.extend(self.first_difference.as_ref().map(first_difference_line));
        lines.extend(self.figure_lines());
        lines.push(self.counts_line());
        lines.extend(self.decision_lines());
        let fitted = lines.iter().map(|line| {
            let indent = line.len() - line.trim_start().len();
            format!("{}{}", " ".repeat(indent), fitted(line, WIDTH - indent))
        });
        fitted.collect::<Vec<_>>().join("\n")
    }

    fn figure_lines(&self) -> Vec<String> {
        let quality = Measure { a: self.quality.a, b: self.quality.b, delta: self.quality.delta };
        let evidence = [
            ("collected", &self.evidence_collected),
            ("kept", &self.evidence_kept),
            ("filtered out", &self.evidence_filtered),
        ];
        let evidence: Vec<_> = evidence
            .iter()
            .filter_map(|(name, count)| Some(format!("{name} {}", count_change(count)?)))
            .collect();
        let tokens = [("in", &self.input_tokens), ("out", &self.output_tokens)];
        let tokens: Vec<_> = tokens
            .iter()
            .filter_map(|(name, count)| Some(format!("{name} {}", count_change(count)?)))
            .collect();
        let gaps = [
            ("only in a", &self.gaps.only_a),
            ("only in b", &self.gaps.only_b),
            ("in both", &self.gaps.both),
        ];
        let gaps: Vec<_> = gaps
            .iter()
            .filter(|(_, gaps)| !gaps.is_empty())
            .map(|(name, gaps)| format!("{name}: {}", fitted(&gaps.join(", "), 60)))
            .collect();
        let scale = score_text(self.quality.scale_max);
        let outcome: Vec<_> = [
            ("quality", change(&quality, score_text).map(|change| format!("{change} of {scale}"))),
            ("cost", change(&self.cost_usd, money_text)),
            ("duration", change(&self.duration_seconds, duration_text)),
        ]
        .into_iter()
        .filter_map(|(name, change)| Some(format!("{name} {}", change?)))
        .collect();
        let figures = [
            ("a -> b", joined(&outcome, "; ")),
            ("Gaps", joined(&gaps, "; ")),
            ("Tokens", joined(&tokens, "; ")),
            ("Evidence", joined(&evidence, "; ")),
            ("Stages", joined(&self.stage_changes(), "; ")),
        ];
        figures.into_iter().filter_map(|(name, text)| Some(format!("{name}: {}", text?))).collect()
    }

    /// Stages in one run only, those that broke in one run only, and the two whose durations differ most.
    fn stage_changes(&self) -> Vec<String> {
        let mut changes = Vec::new();
        for stage in &self.stages {
            match stage.presence {
                Presence::OnlyA => changes.push(format!("{} only in a", stage.stage)),
                Presence::OnlyB => changes.push(format!("{} only in b", stage.stage)),
                Presence::Both => match (&stage.a_error, &stage.b_error) {
                    (Some(_), None) => changes.push(format!("{} failed in a", stage.stage)),
                    (None, Some(_)) => changes.push(format!("{} failed in b", stage.stage)),
                    _ => {}
                },
            }
        }
        let size = |measure: &Measure| measure.delta.unwrap_or_default().abs();
        let mut slower: Vec<_> =
            self.stages.iter().filter(|stage| size(&stage.duration_seconds) > 0.0).collect();
        slower.sort_by(|x, y| size(&y.duration_seconds).total_cmp(&size(&x.duration_seconds)));
        changes.extend(slower.into_iter().take(2).filter_map(|stage| {
            Some(format!("{} {}", stage.stage, change(&stage.duration_seconds, duration_text)?))
        }));
        changes
    }

    fn counts_line(&self) -> String {
        let counts = &self.counts;
        let words = match counts.words_only {
            0 => String::new(),
            words => format!("; {words} of these in words only"),
        };
        format!(
            "Decisions: {} same, {} changed (~), {} only in a (-), {} only in b (+){words}",
            counts.same, counts.changed, counts.only_a, counts.only_b
        )
    }

    /// The first differing decisions, in the order of their worth.
    fn decision_lines(&self) -> Vec<String> {
        let told = self.told(false);
        let more = told.len().saturating_sub(LISTED);
        let mut lines: Vec<_> = told.iter().take(LISTED).map(entry_line).collect();
        if more > 0 {
            lines.push(format!("  and {more} more"));
        }
        lines
    }
}

fn run_line(name: &str, run: &ComparedRun, score: Option<f64>) -> String {
    let score = score.map(|score| format!(", quality {}", score_text(score))).unwrap_or_default();
    let gate = if run.passed.is_some() { format!(" {}", gate_word(run.passed)) } else { String::new() };
    let error = run.error.as_ref().map(|error| format!(": {error}")).unwrap_or_default();
    format!("{name} = {}, {}{score}{gate}{error}", fitted(&run.trace_id, ID_CHARS), run.status)
}

fn divergence_lines(divergence: &Divergence) -> Vec<String> {
    let mut lines = vec![
        format!(
            "First divergence, after {} alike: {} / {}",
            counted(divergence.agreed_before, "decision"),
            divergence.stage,
            divergence.decision
        ),
        format!("  {}", divergence.reason),
    ];
    for (name, choice) in [("a", &divergence.a), ("b", &divergence.b)] {
        let Some(choice) = choice else { continue };
        lines.push(format!("  {name}: {}", choice_text(choice, divergence)));
        if choice.why.chars().any(char::is_alphanumeric) {
            lines.push(format!("     why: {}", choice.why));
        }
    }
    lines
}

fn first_difference_line(first: &FirstDifference) -> String {
    let ids = [("a", &first.a), ("b", &first.b)];
    let ids: Vec<String> = ids
        .into_iter()
        .filter_map(|(name, id)| Some(format!("{name} {}", fitted(id.as_ref()?, ID_CHARS))))
        .collect();
    format!("  Before that, {}: {} / {} [{}]", first.told(), first.stage, first.decision, ids.join(", "))
}

fn choice_text(choice: &DivergentChoice, divergence: &Divergence) -> String {
    let same_place = choice.stage == divergence.stage && choice.decision == divergence.decision;
    let place = if same_place { String::new() } else { format!("{} / {}: ", choice.stage, choice.decision) };
    let confidence = choice.confidence.map(|confidence| format!(", confidence {confidence:.2}"));
    let inputs = choice.inputs.as_ref().map(|inputs| format!(" {inputs}")).unwrap_or_default();
    let what = fitted(&format!("{}{inputs}", choice.what), 60);
    let id = fitted(&choice.decision_id, ID_CHARS);
    format!("{place}{what} [{id}{}]", confidence.unwrap_or_default())
}

fn entry_line(entry: &Entry<'_>) -> String {
    match entry {
        Entry::Decision(difference) => decision_line(difference),
        Entry::Stretch(stretch) => {
            let sign = if stretch.kind == ChangeKind::OnlyA { '-' } else { '+' };
            format!("  {sign} {}", stretch.told(NAMES))
        }
    }
}

fn decision_line(difference: &DecisionDifference) -> String {
    let what = |side: &Option<Choice>| {
        let choice = side.as_ref()?;
        let inputs = choice.inputs.as_ref().map(|inputs| format!(" {inputs}")).unwrap_or_default();
        Some(fitted(&format!("{}{inputs}", choice.what), if inputs.is_empty() { 32 } else { 60 }))
    };
    let (a, b) = (what(&difference.a).unwrap_or_default(), what(&difference.b).unwrap_or_default());
    let (sign, change) = match difference.kind {
        ChangeKind::OnlyA => ('-', a),
        ChangeKind::OnlyB => ('+', b),
        ChangeKind::Changed if difference.what_changed => ('~', format!("{a} -> {b}")),
        ChangeKind::Changed => ('~', format!("{a}, {}", side_change(difference))),
        ChangeKind::Same => ('=', a),
    };
    let failed = match difference.failed_in() {
        Some(Side::A) => " (failed in a)",
        Some(Side::B) => " (failed in b)",
        None => "",
    };
    format!("  {sign} {} / {}: {change}{failed}", difference.stage, difference.decision)
}

fn side_change(difference: &DecisionDifference) -> String {
    if let Some(input) = difference.inputs.first() {
        let value = |value: &Option<String>| value.as_ref().map_or("-".to_owned(), |value| fitted(value, 24));
        return format!("{} {} -> {}", fitted(&input.field, 24), value(&input.a), value(&input.b));
    }
    let confidence = |side: &Option<Choice>| {
        let confidence = side.as_ref().and_then(|choice| choice.confidence);
        confidence.map_or_else(|| "-".to_owned(), |confidence| format!("{confidence:.2}"))
    };
    if difference.confidence_changed {
        format!("confidence {} -> {}", confidence(&difference.a), confidence(&difference.b))
    } else {
        "other options".to_owned()
    }
}

/// `2.4 -> 1.8 (-0.6)`, or nothing where neither is known.
fn change(measure: &Measure, text: impl Fn(f64) -> String) -> Option<String> {
    let side = |side: Option<f64>| side.map_or_else(|| "-".to_owned(), &text);
    let delta = measure.delta.map(|delta| match delta {
        0.0 => " (no change)".to_owned(),
        more if more > 0.0 => format!(" (+{})", text(more)),
        less => format!(" ({})", text(less)),
    });
    (measure.a.is_some() || measure.b.is_some())
        .then(|| format!("{} -> {}{}", side(measure.a), side(measure.b), delta.unwrap_or_default()))
}

fn count_change(count: &Count) -> Option<String> {
    let side = |side: Option<i64>| side.map_or_else(|| "-".to_owned(), count_text);
    let delta = count.delta.map(|delta| match delta {
        0 => " (no change)".to_owned(),
        more if more > 0 => format!(" (+{})", count_text(more)),
        less => format!(" ({})", count_text(less)),
    });
    (count.a.is_some() || count.b.is_some())
        .then(|| format!("{} -> {}{}", side(count.a), side(count.b), delta.unwrap_or_default()))
}

fn joined(parts: &[String], separator: &str) -> Option<String> {
    (!parts.is_empty()).then(|| parts.join(separator))
}
