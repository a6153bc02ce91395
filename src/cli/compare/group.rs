//! A run held against a group: what few of them did, what most of them did, and its figures beside theirs.

use serde_json::{Map, Value};
use whytrace::diff::{LEAST_RUNS, Unusual};
use whytrace::query::GroupCompared;
use whytrace::scorecard::{Tone, gate_tone, gate_word};
use whytrace::view::comparison;
use whytrace::view::saying::{id, name};

use crate::cli::answer;
use crate::cli::screen::Screen;

pub(super) fn as_json(compared: &GroupCompared) -> Map<String, Value> {
    let mut fields = Map::new();
    fields.insert("trace_id_a".to_owned(), name(&compared.group.asked).into());
    fields.insert("trace_id_b".to_owned(), id(compared.run.trace_id.as_str()).into());
    fields.insert("group".to_owned(), comparison::group(&compared.group, compared.runs));
    if let Some(departure) = &compared.departure {
        let rows = departure.departures.iter().map(comparison::row);
        fields.insert("departures".to_owned(), rows.collect());
        fields.insert("departures_in_all".to_owned(), departure.departures_in_all.into());
        fields.insert("missing".to_owned(), departure.missing.iter().map(comparison::row).collect());
        fields.insert("missing_in_all".to_owned(), departure.missing_in_all.into());
        fields.insert("measures".to_owned(), departure.measures.iter().map(comparison::row).collect());
    }
    fields
}

pub(super) fn page(compared: &GroupCompared, screen: &Screen) -> Vec<String> {
    let run = &compared.run;
    let mut lines = answer::heading(screen, &format!("B against {}", compared.group_text()));
    let passed = run.quality.passed;
    let verdict = if passed.is_some() { gate_word(passed) } else { "" };
    let verdict = screen.paint.text(gate_tone(passed), verdict);
    lines.push(format!("  {}  {}  {verdict}", id(run.trace_id.as_str()), run.status()).trim_end().to_owned());
    let Some(departure) = &compared.departure else {
        let text = format!("These are too few to have a usual way; {LEAST_RUNS} are needed.");
        lines.extend(screen.behind("  ", &text, Tone::Plain));
        return lines;
    };
    lines.push(String::new());
    match departure.departures.split_first() {
        None => lines.extend(answer::heading(screen, "B did nothing that few of them do")),
        Some((first, others)) => {
            lines.extend(answer::heading(screen, "Where B left the usual way"));
            lines.extend(unusual(first, departure.runs, screen));
            if !others.is_empty() {
                lines.extend(answer::heading(screen, "What else few of them do"));
                lines.extend(others.iter().flat_map(|one| unusual(one, departure.runs, screen)));
            }
        }
    }
    lines.extend(more(departure.departures_in_all, departure.departures.len()));
    if !departure.missing.is_empty() {
        lines.extend(answer::heading(screen, "What most of them do and B did not"));
        for missing in &departure.missing {
            let text = format!(
                "{} / {}: {}",
                name(&missing.stage),
                name(&missing.decision),
                missing.told(departure.runs)
            );
            lines.extend(screen.behind("  ", &text, Tone::Plain));
        }
        lines.extend(more(departure.missing_in_all, departure.missing.len()));
    }
    lines.push(String::new());
    lines.extend(answer::heading(screen, "Figures: B, and the group's median (10th to 90th percentile)"));
    for measured in &departure.measures {
        let tone = if measured.is_unusual() { Tone::Notice } else { Tone::Plain };
        lines.extend(screen.behind("  ", &name(&measured.told()), tone));
    }
    lines
}

fn unusual(unusual: &Unusual, runs: usize, screen: &Screen) -> Vec<String> {
    let text = format!("{} / {}: {}", name(&unusual.stage), name(&unusual.decision), name(&unusual.what));
    let mut lines = screen.behind(&format!("  {:>3}  ", unusual.number), &text, Tone::Plain);
    lines.extend(screen.behind("       ", &name(&unusual.told(runs)), Tone::Notice));
    lines
}

fn more(in_all: usize, told: usize) -> Option<String> {
    (in_all > told).then(|| format!("  and {} more", in_all - told))
}
