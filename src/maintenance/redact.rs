//! Taking a text out of a run by hand, everywhere.

use serde::Serialize;
use serde_json::Value;

use super::leftovers;
use crate::error::{Error, Result};
use crate::gate::Phrase;
use crate::gate::refusal::{Refusal, quoted};
use crate::model::{EventId, Trace, TraceId};
use crate::recorder::Recorder;
use crate::store::Stores;
use crate::store::index::Scope;

/// How often a run is gone over that others write meanwhile.
const ROUNDS: usize = 5;

/// What a redaction did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Redacted {
    /// In how many texts and keys it stood: of the document, of events that were not in it yet, of flags.
    pub places: u64,
    /// How many numbers are written with the text in them; they stay.
    pub numbers: u64,
    /// What stands there now.
    pub mark: String,
}

/// Takes a text out of a run that has ended: out of its document and summary, the rows and words that follow from
/// it, events that are not in the document yet, and the flags of its project with their files.
///
/// Doing it again is harmless, and completes what was interrupted. Nothing that is replayed, imported or indexed again
/// brings the text back: an event is known by its name, which stays.
///
/// # Errors
/// [`Error::UnknownTrace`]; [`Error::Refused`] when the run is open, an id holds the text, or it stands where no other
/// text can; [`Error::Unavailable`] when a store cannot be changed now.
pub async fn redact(recorder: &Recorder, trace_id: &TraceId, phrase: &Phrase) -> Result<Redacted> {
    leftovers::gather(recorder).await;
    let stores = recorder.stores();
    let loaded = stores.load(trace_id, &Scope::All).await?;
    let trace = loaded.ok_or_else(|| Error::UnknownTrace { id: trace_id.to_string() })?.trace;
    if !trace.status().is_finished() {
        let problem = "is open, and redaction is for".to_owned();
        let refusal =
            Refusal::new("the run", problem, "runs that have ended", "finish it, or delete it, first");
        return Err(refusal.into());
    }
    let (_, mut places) = without(&trace, phrase)?;
    for _ in 0..ROUNDS {
        places += stores.index.redact(&trace.project, trace_id, phrase).await?;
        let clean = rewrite(stores, &trace, phrase).await?;
        stores.live.drop_run(trace_id);
        // Somebody who had read an event before it was clean may have written it since.
        let now = stores.load(trace_id, &Scope::All).await?;
        if now.map_or(Ok(0), |now| without(&now.trace, phrase).map(|(_, left)| left))? > 0 {
            continue;
        }
        stores.documents.delete_set_aside(&trace.project, &[trace_id].into()).await?;
        crate::recorder::write_flag_files(stores, &trace.project).await?;
        let numbers = value_of(&clean).map(|value| phrase.numbers(&value))?;
        return Ok(Redacted { places, numbers, mark: phrase.mark().to_owned() });
    }
    let reason = "others go on writing this run, the text with it; redact it again in a moment".to_owned();
    Err(Error::Unavailable { what: "the run", reason })
}

/// Writes the document without the text, and its rows after it. Its events are clean already.
///
/// All of them go into it: whoever has read them before they were clean, and writes them later, then adds nothing, for
/// the document has them.
async fn rewrite(stores: &Stores, trace: &Trace, phrase: &Phrase) -> Result<Trace> {
    let (project, trace_id) = (trace.project.as_str(), &trace.trace_id);
    stores.documents.rewrite(project, trace_id, |trace| Ok(without(&trace, phrase)?.0)).await?;
    let events = stores.index.events(trace_id).await?;
    let saved = stores.documents.save(project, trace_id, &events).await?;
    let written = saved.ok_or_else(|| Error::UnknownTrace { id: trace_id.to_string() })?;
    stores.index.import(vec![(written.trace.clone(), written.address)]).await?;
    Ok(written.trace)
}

/// The run without the text, and in how many places it stood.
fn without(trace: &Trace, phrase: &Phrase) -> Result<(Trace, u64)> {
    if let Some(id) = ids(trace).find(|id| phrase.is_in(id)) {
        let problem = format!("is part of the id {}, and ids are", quoted(id));
        let remedy = "delete the run, or take out what is not part of an id";
        return Err(Refusal::new("the text", problem, "what runs are found by", remedy).into());
    }
    let mut value = value_of(trace)?;
    // Hashes of what callers said are no text of theirs; with a mark in one, an honest repetition would be a conflict.
    let hashes = value.pointer_mut("/metadata/events").map(Value::take);
    let places = phrase.take_out(&mut value);
    if let (Some(hashes), Some(place)) = (hashes, value.pointer_mut("/metadata/events")) {
        *place = hashes;
    }
    let redacted: Trace = serde_json::from_value(value).map_err(|error| {
        let problem = format!("stands where no other text can ({error}), which is");
        Refusal::new("the text", problem, "no place for a mark", "name more of what stands around it")
    })?;
    Ok((redacted, places))
}

fn value_of(trace: &Trace) -> Result<Value> {
    serde_json::to_value(trace)
        .map_err(|error| Error::Corrupt { place: trace.trace_id.to_string(), reason: error.to_string() })
}

/// Everything by which the run, its parts and its events are known.
fn ids(trace: &Trace) -> impl Iterator<Item = &str> {
    let own = [Some(trace.trace_id.as_str()), Some(trace.project.as_str())];
    let parent = trace.parent_trace_id.as_ref().map(TraceId::as_str);
    own.into_iter()
        .chain([parent])
        .flatten()
        .chain(trace.decisions().map(|(_, decision)| decision.decision_id.as_str()))
        .chain(trace.metadata.events.keys().map(EventId::as_str))
        .chain(trace.metadata.unplaced.iter().map(|event| event.event_id.as_str()))
        .chain(trace.metadata.unplaced.iter().filter_map(|event| Some(event.body.target()?.as_str())))
}
