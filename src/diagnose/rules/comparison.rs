//! What a step changes, and whether the comparable run that went well took it too.

use super::{Case, Found};
use crate::diagnose::rule::Rule;
use crate::shown::excerpt;

pub(super) fn look(case: &Case<'_, '_>, found: &mut Found<'_>) {
    for (place, step) in case.steps.iter().enumerate() {
        if let Some(verb) = &step.changing_verb {
            found.step(place, Rule::ChangesTheWorld, format!("changes something ({})", excerpt(verb, 20)));
        }
        let Some(likeness) = case.likeness else { continue };
        let measure = if step.has_inputs() { "with these inputs" } else { "with this choice" };
        match likeness.is_shared(place, step) {
            Some(false) if !likeness.is_same_query() => {
                let said = format!("the good run, which was asked otherwise, has none {measure}");
                found.step(place, Rule::OtherChoice, said);
            }
            Some(true) if !likeness.is_same_query() => {}
            Some(true) => found.step(place, Rule::InGoodRun, format!("the good run has it {measure} too")),
            Some(false) => found.step(place, Rule::NotInGoodRun, format!("the good run has none {measure}")),
            None => {}
        }
    }
}
