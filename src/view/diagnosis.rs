//! What is suspected in one run.

use serde_json::{Map, Value, json};

use super::Extent;
use super::saying::{id, known, name, name_list};
use crate::diagnose::{Against, Counterpart, Diagnosis, Divergence, Place, StageLine, Suspect};
use crate::shown::excerpt;

/// How the run ended, and how large it was.
#[must_use]
pub fn run(diagnosis: &Diagnosis, extent: Extent) -> Value {
    let (score, scale_max, threshold) = diagnosis.score;
    known([
        ("outcome", diagnosis.outcome.as_str().into()),
        ("status", diagnosis.status.as_str().into()),
        ("error", diagnosis.error.as_ref().map(|error| excerpt(error, 200)).into()),
        ("score", score.into()),
        ("scale_max", scale_max.into()),
        ("threshold", threshold.into()),
        ("gaps", name_list(&diagnosis.gaps, extent.most(5))),
        ("decisions", diagnosis.decisions.into()),
        ("duration_seconds", diagnosis.seconds.into()),
        ("cost_usd", diagnosis.cost_usd.into()),
    ])
}

/// A suspect: where it is, its points, and what each rule saw.
#[must_use]
pub fn suspect(suspect: &Suspect, extent: Extent) -> Value {
    let mut fields = Map::new();
    match &suspect.place {
        Place::Decision { number, decision_id, stage, key, what, inputs } => {
            fields.insert("number".to_owned(), (*number).into());
            fields.insert("decision_id".to_owned(), id(decision_id).into());
            fields.insert("stage".to_owned(), name(stage).into());
            fields.insert("decision".to_owned(), name(key).into());
            if what != key {
                fields.insert("what".to_owned(), excerpt(what, extent.most(100)).into());
            }
            let is_told = suspect.counterpart.as_ref().is_none_or(|other| other.field_count == 0);
            if let Some(inputs) = inputs.as_ref().filter(|_| is_told || extent == Extent::Whole) {
                fields.insert("inputs".to_owned(), excerpt(inputs, extent.most(100)).into());
            }
        }
        Place::Stage { number, stage } => {
            fields.insert("stage".to_owned(), name(stage).into());
            if let Some(number) = number {
                fields.insert("number".to_owned(), (*number).into());
            }
        }
    }
    fields.insert("score".to_owned(), suspect.score.into());
    let rules = suspect
        .findings
        .iter()
        .map(|finding| (finding.rule.weight().name.to_owned(), json!([finding.points(), finding.said])));
    fields.insert("rules".to_owned(), Value::Object(rules.collect()));
    if let Some(other) = &suspect.counterpart {
        fields.insert("good".to_owned(), counterpart(other));
    }
    Value::Object(fields)
}

/// What is unlike the run that went well.
#[must_use]
pub fn against(against: &Against, basis: &'static str) -> Value {
    known([
        ("trace_id", id(&against.trace_id).into()),
        ("basis", basis.into()),
        ("outcome", against.outcome.as_str().into()),
        ("shared", against.shared.into()),
        ("comparable", against.comparable.into()),
        ("comparable_there", against.comparable_there.into()),
        ("first_divergence", against.first_divergence.as_ref().map(divergence).into()),
        ("missing", missing(against)),
        (
            "missing_count",
            (against.missing_count > against.missing.len()).then_some(against.missing_count).into(),
        ),
        ("stages_missing", name_list(&against.stages_missing, 4)),
        ("stages_added", name_list(&against.stages_added, 4)),
        ("duration_seconds", against.seconds.1.into()),
        ("cost_usd", against.cost_usd.1.into()),
    ])
}

/// A stage of the run.
#[must_use]
pub fn stage(stage: &StageLine) -> Value {
    known([
        ("stage", name(&stage.stage).into()),
        ("decisions", stage.decisions.into()),
        ("entries", (stage.entries > 1).then_some(stage.entries).into()),
        ("duration_seconds", stage.seconds.into()),
        ("errors", (stage.errors > 0).then_some(stage.errors).into()),
        ("error", stage.error.as_ref().map(|error| excerpt(error, 60)).into()),
        ("unfinished", stage.is_unfinished.then_some(true).into()),
    ])
}

fn divergence(divergence: &Divergence) -> Value {
    known([
        ("number", divergence.number.into()),
        ("decision_id", id(&divergence.decision_id).into()),
        ("stage", name(&divergence.stage).into()),
        ("decision", name(&divergence.key).into()),
        ("what", (divergence.what != divergence.key).then(|| excerpt(&divergence.what, 80)).into()),
        ("good", divergence.counterpart.as_ref().map(counterpart).into()),
    ])
}

fn missing(against: &Against) -> Value {
    let missing = against.missing.iter().map(|one| {
        known([
            ("number", one.number.into()),
            ("decision", name(&one.key).into()),
            ("what", (one.what != one.key).then(|| excerpt(&one.what, 60)).into()),
        ])
    });
    if against.missing.is_empty() { Value::Null } else { missing.collect() }
}

/// The like in the run that went well: its number, what was chosen, and the fields of inputs that differ, with what
/// stands here and there.
fn counterpart(other: &Counterpart) -> Value {
    let fields = other.fields.iter().map(|field| {
        let path = if field.path.is_empty() { "inputs".to_owned() } else { name(&field.path) };
        (path, json!([field.here, field.there]))
    });
    let fields: Map<String, Value> = fields.collect();
    known([
        ("number", other.number.into()),
        ("what", fields.is_empty().then(|| excerpt(&other.what, 80)).into()),
        ("fields", if fields.is_empty() { Value::Null } else { fields.into() }),
        ("field_count", (other.field_count > other.fields.len()).then_some(other.field_count).into()),
    ])
}
