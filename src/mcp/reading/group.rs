//! The answer of `trace_compare` for a run that is held against a group of runs.

use super::budget::budget;
use super::call::Call;
use super::sheet::Sheet;
use crate::diff::{Departure, LEAST_RUNS};
use crate::mcp::tool::Answer;
use crate::query::GroupCompared;
use crate::scorecard::{gate_word, score_text};
use crate::view::comparison;
use crate::view::saying::{id, name, quote};

/// What the run did that the group does not, what it left out, and its figures beside theirs.
pub(super) fn answer(compared: &GroupCompared, max_tokens: Option<i64>) -> Answer {
    let budget = budget(max_tokens);
    let run = &compared.run;
    let has_way = compared.departure.is_some();
    let mut sheet = Sheet::new(budget, |kept| {
        if !has_way {
            return Some(Call::new(super::diagnose::TOOL.name).with("trace_id", id(run.trace_id.as_str())));
        }
        kept.first_cut()?;
        let call = Call::new(super::compare::TOOL.name)
            .with("trace_id_a", name(&compared.group.asked))
            .with("trace_id_b", id(run.trace_id.as_str()));
        call.with_more_room(budget)
    });
    sheet.head("trace_id_a", name(&compared.group.asked), "");
    sheet.head("trace_id_b", id(run.trace_id.as_str()), headline(compared));
    sheet.field("group", comparison::group(&compared.group, compared.runs), "");
    let Some(departure) = &compared.departure else {
        let text = format!(
            "Too few to have a usual way ({LEAST_RUNS} are needed): trace_diagnose holds it against the likest good run"
        );
        sheet.field("note", text.as_str(), &text);
        return sheet.finish().0;
    };
    sheet.list("departures", "");
    sheet.list("missing", "");
    sheet.list("measures", "");
    departures(&mut sheet, departure);
    let rows = departure.missing.iter().map(|missing| {
        let place = format!("{} / {}", name(&missing.stage), name(&missing.decision));
        (comparison::row(missing), format!("- Missing: {place}: {}", missing.told(departure.runs)))
    });
    sheet.items("missing", rows);
    sheet.beyond("missing", departure.missing_in_all - departure.missing.len());
    // The text tells those that are unusual, and in one line.
    let unusual = departure.measures.iter().filter(|one| one.is_unusual());
    let unusual: Vec<String> = unusual.map(|one| name(&one.told())).collect();
    let rows = departure.measures.iter().map(|one| (comparison::row(one), String::new()));
    sheet.items("measures", rows);
    let text = match unusual.as_slice() {
        [] => "Its figures are within the group's 10th to 90th percentile".to_owned(),
        several => format!("Unusual figures: {}", several.join("; ")),
    };
    sheet.lines("text lines", &text);
    sheet.finish().0
}

fn headline(compared: &GroupCompared) -> String {
    let run = &compared.run;
    let score = run.quality.score.map(|score| format!(", quality {}", score_text(score))).unwrap_or_default();
    let gate = if run.quality.passed.is_some() {
        format!(" {}", gate_word(run.quality.passed))
    } else {
        String::new()
    };
    format!(
        "{}, {}{score}{gate}, against the {}",
        id(run.trace_id.as_str()),
        run.status(),
        compared.group_text()
    )
}

fn departures(sheet: &mut Sheet<'_>, departure: &Departure) {
    if departure.departures.is_empty() {
        sheet.lines("text lines", "It did nothing that few of them do");
    }
    let rows = departure.departures.iter().enumerate().map(|(nth, unusual)| {
        let lead = if nth == 0 { "It left the usual way at its decision" } else { "- then decision" };
        let text = format!(
            "{lead} {}: {} / {}: {} [{}]\n    {}",
            unusual.number,
            name(&unusual.stage),
            name(&unusual.decision),
            quote(&unusual.what, 80),
            id(&unusual.decision_id),
            unusual.told(departure.runs)
        );
        (comparison::row(unusual), text)
    });
    sheet.items("departures", rows);
    sheet.beyond("departures", departure.departures_in_all - departure.departures.len());
}
