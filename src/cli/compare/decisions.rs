//! The decisions of two runs, one below the other where they differ.

use whytrace::diff::{ChangeKind, Choice, Comparison, DecisionDifference, Entry};
use whytrace::scorecard::Tone;
use whytrace::view::saying::name;

use super::NAMES;
use crate::cli::answer;
use crate::cli::screen::Screen;

pub(super) fn decision_lines(compared: &Comparison, with_same: bool, screen: &Screen) -> Vec<String> {
    let counts = &compared.counts;
    let words = match counts.words_only {
        0 => String::new(),
        words if with_same => format!("; {words} of these in words only"),
        words => format!("; {words} of these in words only (--same)"),
    };
    let title = format!(
        "Decisions: {} same, {} changed (~), {} only in A (-), {} only in B (+){words}",
        counts.same, counts.changed, counts.only_a, counts.only_b
    );
    let mut lines = answer::heading(screen, &title);
    if with_same {
        lines.extend(compared.decisions.iter().flat_map(|difference| decision(difference, screen)));
        return lines;
    }
    for entry in compared.told(false) {
        match entry {
            Entry::Decision(difference) => lines.extend(decision(difference, screen)),
            Entry::Stretch(stretch) => {
                let (sign, tone) = sign(stretch.kind);
                let text = name(&stretch.told(NAMES));
                lines.push(format!(
                    "  {} {}",
                    screen.paint.text(tone, &sign.to_string()),
                    screen.fitted(&text, screen.columns().saturating_sub(4))
                ));
            }
        }
    }
    lines
}

fn sign(kind: ChangeKind) -> (char, Tone) {
    match kind {
        ChangeKind::OnlyA => ('-', Tone::Bad),
        ChangeKind::OnlyB => ('+', Tone::Good),
        ChangeKind::Changed => ('~', Tone::Notice),
        ChangeKind::Same => ('=', Tone::Label),
    }
}

fn decision(difference: &DecisionDifference, screen: &Screen) -> Vec<String> {
    let (sign, tone) = sign(difference.kind);
    let place = format!("{} / {}", name(&difference.stage), name(&difference.decision));
    let place = screen.fitted(&place, screen.columns().saturating_sub(4));
    let mut lines = vec![format!("  {} {place}", screen.paint.text(tone, &sign.to_string()))];
    let is_one_line = !difference.what_changed && difference.a.is_some() && difference.b.is_some();
    let sides = [("A", &difference.a), ("B", &difference.b)];
    for (letter, side) in sides.into_iter().filter(|(letter, _)| !is_one_line || *letter == "A") {
        let Some(choice) = side else { continue };
        let letter = if is_one_line { " " } else { letter };
        let confidence =
            choice.confidence.map(|confidence| format!(" ({confidence:.2})")).unwrap_or_default();
        let lead = format!("    {letter} ");
        let inputs = choice.inputs.as_ref().map(|inputs| format!(" {inputs}")).unwrap_or_default();
        let text = format!("{}{inputs}{}", choice.what, if is_one_line { String::new() } else { confidence });
        lines.extend(screen.behind(&lead, &text, Tone::Plain));
        if let Some(error) = &choice.error {
            lines.extend(screen.behind("      ", &format!("error: {error}"), Tone::Bad));
        }
    }
    if is_one_line && difference.confidence_changed {
        let confidence = |side: &Option<Choice>| {
            let confidence = side.as_ref().and_then(|choice| choice.confidence);
            confidence.map_or_else(|| "-".to_owned(), |confidence| format!("{confidence:.2}"))
        };
        let text = format!("confidence {} -> {}", confidence(&difference.a), confidence(&difference.b));
        lines.extend(screen.behind("      ", &text, Tone::Plain));
    }
    for input in &difference.inputs {
        let value = |value: &Option<String>| value.clone().unwrap_or_else(|| "-".to_owned());
        let text = format!("{} {} -> {}", name(&input.field), value(&input.a), value(&input.b));
        lines.extend(screen.behind("      ", text.trim_start(), Tone::Plain));
    }
    if difference.words_only && difference.a.is_some() && difference.b.is_some() {
        lines.extend(screen.behind("      ", "in other words only", Tone::Label));
    }
    for (told, options) in [
        ("B took what A passed over", &difference.taken_up),
        ("B passed over what A took", &difference.dropped),
        ("only A weighed", &difference.considered_only_a),
        ("only B weighed", &difference.considered_only_b),
    ] {
        if !options.is_empty() {
            let options: Vec<String> = options.iter().map(|option| name(option)).collect();
            lines.extend(screen.behind("      ", &format!("{told}: {}", options.join(", ")), Tone::Label));
        }
    }
    if is_one_line && let Some(error) = difference.b.as_ref().and_then(|choice| choice.error.as_ref()) {
        lines.extend(screen.behind("      ", &format!("error in B: {error}"), Tone::Bad));
    }
    lines
}
