//! Documents from elsewhere: checked and redacted like anything that comes in, then saved and indexed.

use std::collections::BTreeSet;

use futures::StreamExt as _;
use serde::Serialize;
use serde_json::Value;

use super::AT_ONCE;
use crate::error::{Error, Result};
use crate::gate::{Redactor, limits, text};
use crate::model::{Trace, document};
use crate::store::Stores;
use crate::store::documents::Written;
use crate::store::index::Ended;

/// How many documents are written at the same time.
const WRITES: usize = 16;

/// What an import did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Imported {
    /// Runs that were not there before, or had less.
    pub imported: u64,
    /// Runs that were there already.
    pub known: u64,
    /// Documents that were not taken: where, and why.
    pub refused: Vec<String>,
    /// Secrets that were redacted.
    pub redactions: u64,
}

/// Takes documents one by one.
#[derive(Debug)]
pub struct Importer {
    stores: Stores,
    redactor: Option<Redactor>,
    waiting: Vec<Waiting>,
    /// The first time that the index did not take what was saved.
    fault: Option<Error>,
    ended: Vec<Ended>,
    projects: BTreeSet<String>,
    done: Imported,
}

/// A run that is to be saved.
#[derive(Debug)]
struct Waiting {
    place: String,
    trace: Trace,
    redactions: u32,
}

impl Importer {
    /// Imports into these stores, taking secrets out with `redactor`.
    #[must_use]
    pub fn new(stores: Stores, redactor: Option<Redactor>) -> Self {
        Self {
            stores,
            redactor,
            waiting: Vec::new(),
            fault: None,
            ended: Vec::new(),
            projects: BTreeSet::new(),
            done: Imported::default(),
        }
    }

    /// Takes one document that came from `place`. It is saved with the others that come before and after it.
    pub async fn take(&mut self, place: &str, document: Value) {
        match self.checked(document) {
            Ok((trace, redactions)) => {
                let is_repeated = self.waiting.iter().any(|waiting| waiting.trace.trace_id == trace.trace_id);
                if is_repeated || self.waiting.len() >= AT_ONCE {
                    self.save().await;
                }
                self.waiting.push(Waiting { place: place.to_owned(), trace, redactions });
            }
            Err(error) => self.refuse(place, error.to_string()),
        }
    }

    /// Notes that what came from `place` is no document.
    pub fn refuse(&mut self, place: &str, reason: impl Into<String>) {
        self.done.refused.push(format!("{place}: {}", reason.into()));
    }

    /// Indexes what is left, and builds the flags that the runs would have fired.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the database is away: the documents are saved, and `whytrace reindex` follows.
    pub async fn finish(mut self) -> Result<Imported> {
        self.save().await;
        if let Some(error) = self.fault {
            return Err(error);
        }
        self.stores.index.rebuild_flags(&self.ended, |_| {}).await?;
        for project in self.projects {
            crate::recorder::write_flag_files(&self.stores, &project).await?;
        }
        Ok(self.done)
    }

    /// The run of a document, without secrets, and how many those were.
    fn checked(&self, mut document: Value) -> Result<(Trace, u32)> {
        let redactions = match &self.redactor {
            Some(redactor) => redactor.json(&mut document),
            None => 0,
        };
        if redactions > 0
            && let Some(metadata) = document.get_mut("metadata").and_then(Value::as_object_mut)
        {
            // The content is no longer what the hash was made of.
            metadata.remove("sha256");
        }
        replace_nul(&mut document);
        let loaded = document::from_value(document, self.stores.index.rules()).map_err(|error| {
            Error::Corrupt { place: "the document".to_owned(), reason: error.to_string() }
        })?;
        let trace = loaded.trace;
        text::label("project_name", &trace.project)?;
        for stage in trace.stages.keys() {
            text::label("stages", stage)?;
        }
        let events = trace.decisions().count();
        if events > limits::TRACE_EVENTS {
            return Err(Error::Full {
                trace_id: trace.trace_id,
                what: format!("it holds {events} decisions, and {} are allowed", limits::TRACE_EVENTS),
            });
        }
        Ok((trace, redactions))
    }

    /// Saves what waits, several documents at a time: each waits for the disk.
    async fn save(&mut self) {
        let waiting = std::mem::take(&mut self.waiting);
        let stores = &self.stores;
        let saving = waiting.iter().map(async |waiting| (waiting, save_one(stores, &waiting.trace).await));
        let saved: Vec<_> = futures::stream::iter(saving).buffered(WRITES).collect().await;
        let mut to_index = Vec::new();
        for (Waiting { place, redactions, .. }, saved) in saved {
            match saved {
                Ok((written, is_indexed)) => {
                    self.done.redactions += u64::from(*redactions);
                    let count = if written.changed { &mut self.done.imported } else { &mut self.done.known };
                    *count += 1;
                    if !is_indexed {
                        to_index.push((written.trace, written.address));
                    }
                }
                Err(error) => self.done.refused.push(format!("{place}: {error}")),
            }
        }
        for (trace, _) in &to_index {
            self.ended.extend(Ended::anew(trace, self.stores.index.rules()));
            self.projects.insert(trace.project.clone());
        }
        if !to_index.is_empty()
            && let Err(error) = self.stores.index.import(to_index).await
        {
            self.fault.get_or_insert(error);
        }
    }
}

/// Saves the document of a run; says whether the index knows it as it is.
async fn save_one(stores: &Stores, trace: &Trace) -> Result<(Written, bool)> {
    if stores.index.is_deleted(&trace.trace_id).await? {
        return Err(Error::Deleted { trace_id: trace.trace_id.clone() });
    }
    let written = stores.documents.import(trace).await?;
    let (trace_id, revision) = (&written.trace.trace_id, written.trace.metadata.revision);
    let is_indexed = !written.changed && super::is_indexed(stores, trace_id, revision).await?;
    Ok((written, is_indexed))
}

/// NUL becomes U+2400, as at the gate: one of the databases cannot hold it.
fn replace_nul(value: &mut Value) {
    match value {
        Value::String(text) if text.contains('\0') => *text = text.replace('\0', "\u{2400}"),
        Value::Array(items) => items.iter_mut().for_each(replace_nul),
        Value::Object(fields) => {
            if fields.keys().any(|key| key.contains('\0')) {
                *fields = std::mem::take(fields)
                    .into_iter()
                    .map(|(key, value)| (key.replace('\0', "\u{2400}"), value))
                    .collect();
            }
            fields.values_mut().for_each(replace_nul);
        }
        _ => {}
    }
}
