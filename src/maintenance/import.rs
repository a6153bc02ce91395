//! Documents from elsewhere: checked and redacted like anything that comes in, then saved and indexed.

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::Value;

use super::AT_ONCE;
use crate::error::{Error, Result};
use crate::gate::{Redactor, limits, text};
use crate::model::{Trace, document};
use crate::store::Stores;
use crate::store::index::Ended;

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
    waiting: Vec<(Trace, String)>,
    ended: Vec<Ended>,
    projects: BTreeSet<String>,
    done: Imported,
}

impl Importer {
    /// Imports into these stores, taking secrets out with `redactor`.
    #[must_use]
    pub fn new(stores: Stores, redactor: Option<Redactor>) -> Self {
        Self {
            stores,
            redactor,
            waiting: Vec::new(),
            ended: Vec::new(),
            projects: BTreeSet::new(),
            done: Imported::default(),
        }
    }

    /// Takes one document that came from `place`.
    pub async fn take(&mut self, place: &str, document: Value) {
        match self.try_take(document).await {
            Ok(()) => {}
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
        self.flush().await?;
        self.stores.index.rebuild_flags(&self.ended, |_| {}).await?;
        for project in self.projects {
            crate::recorder::write_flag_files(&self.stores, &project).await?;
        }
        Ok(self.done)
    }

    async fn try_take(&mut self, mut document: Value) -> Result<()> {
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
        let rules = *self.stores.index.rules();
        let loaded = document::from_value(document, &rules).map_err(|error| Error::Corrupt {
            place: "the document".to_owned(),
            reason: error.to_string(),
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
        if self.stores.index.is_deleted(&trace.trace_id).await? {
            return Err(Error::Deleted { trace_id: trace.trace_id });
        }
        let written = self.stores.documents.import(&trace).await?;
        self.done.redactions += u64::from(redactions);
        if written.changed {
            self.done.imported += 1;
        } else {
            self.done.known += 1;
        }
        let (trace_id, revision) = (&written.trace.trace_id, written.trace.metadata.revision);
        if written.changed || !super::is_indexed(&self.stores, trace_id, revision).await? {
            self.ended.extend(Ended::anew(&written.trace, &rules));
            self.projects.insert(written.trace.project.clone());
            self.waiting.push((written.trace, written.path.display().to_string()));
        }
        if self.waiting.len() >= AT_ONCE {
            self.flush().await?;
        }
        Ok(())
    }

    async fn flush(&mut self) -> Result<()> {
        let waiting = std::mem::take(&mut self.waiting);
        if !waiting.is_empty() {
            self.stores.index.import(waiting).await?;
        }
        Ok(())
    }
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
