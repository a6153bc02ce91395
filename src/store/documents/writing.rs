//! Writing: documents that grow, and files that follow from them or from the flags.

use object_store::path::Path;

use super::place::{self, Place, ProjectFile};
use super::shelf::{Claim, Replaced, Version};
use super::turns::Turns;
use super::{Documents, Written, aside};
use crate::error::{Error, Result};
use crate::model::{Event, Trace, TraceId, document, fold};
use crate::scorecard;

/// The program that signs documents.
const GENERATOR: &str = concat!("whytrace ", env!("CARGO_PKG_VERSION"));

/// The texts of a project's calibration files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProjectTexts {
    /// The flag records and their states.
    pub flags: String,
    /// What was announced, for people.
    pub alerts: String,
}

/// What is to become of a document.
enum Change {
    /// It holds everything already.
    Nothing(Box<Trace>),
    Write(Box<Trace>),
}

impl Documents {
    /// Adds events to the document of a run, or begins it, and writes it with its summary. Events that it holds
    /// already are passed over; when nothing is new, nothing is written. `None` while the run's start is unknown.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the store is not writable or other writers are not done in time.
    pub async fn save<'e>(
        &self,
        project: &str,
        trace_id: &TraceId,
        events: impl IntoIterator<Item = &'e Event> + Send,
    ) -> Result<Option<Written>> {
        let events: Vec<&Event> = events.into_iter().collect();
        Box::pin(self.grow(&Place::of(project, trace_id), trace_id, |base| {
            let held = base.as_ref().map(|trace| trace.metadata.events.len());
            let trace = Box::new(fold(base, events.iter().copied(), &self.rules)?);
            let is_known = held == Some(trace.metadata.events.len());
            Some(if is_known { Change::Nothing(trace) } else { Change::Write(trace) })
        }))
        .await
    }

    /// Takes a run that came as a document, unless one that holds as many events is there already.
    ///
    /// # Errors
    /// As [`Documents::save`].
    pub async fn import(&self, trace: &Trace) -> Result<Written> {
        let place = Place::of(&trace.project, &trace.trace_id);
        let written = self.grow(&place, &trace.trace_id, |base| {
            Some(match base {
                Some(base) if base.metadata.events.len() >= trace.metadata.events.len() => {
                    Change::Nothing(Box::new(base))
                }
                _ => Change::Write(Box::new(trace.clone())),
            })
        });
        Box::pin(written).await?.ok_or_else(|| Error::UnknownTrace { id: trace.trace_id.to_string() })
    }

    /// Replaces the calibration files of a project by what `make` gives; `None` leaves them as they are.
    ///
    /// `make` is asked after it is known which files are replaced, and again when another writer came between: what
    /// it reads is never older than what it puts.
    ///
    /// # Errors
    /// Those of `make`; [`Error::Unavailable`] when the store is not writable or other writers are not done in time.
    pub async fn write_project_files<F>(&self, project: &str, make: impl Fn() -> F + Send) -> Result<()>
    where
        F: Future<Output = Result<Option<ProjectTexts>>> + Send,
    {
        let folder = place::folder(project);
        let paths = [ProjectFile::Flags, ProjectFile::Alerts].map(|file| folder.clone().join(file.name()));
        let mut turns = Turns::default();
        'turn: loop {
            let claim = self.shelf.claim(project).await?;
            let [flags, alerts] = &paths;
            let found = [self.shelf.get(flags).await?, self.shelf.get(alerts).await?];
            let Some(texts) = make().await? else { return Ok(()) };
            for ((path, found), text) in paths.iter().zip(found).zip([texts.flags, texts.alerts]) {
                if found.as_ref().is_some_and(|held| held.bytes == text.as_bytes()) {
                    continue;
                }
                let version = found.map_or(Version::Absent, |held| held.version);
                if claim.within(self.shelf.replace(path, text, &version)).await? == Replaced::Overtaken {
                    drop(claim);
                    turns.another().await?;
                    continue 'turn;
                }
            }
            return Ok(());
        }
    }

    /// Reads a document, changes it, and replaces exactly what was read; from the beginning where it was another by
    /// then.
    async fn grow(
        &self,
        place: &Place,
        trace_id: &TraceId,
        change: impl Fn(Option<Trace>) -> Option<Change>,
    ) -> Result<Option<Written>> {
        let mut turns = Turns::default();
        loop {
            let claim = self.shelf.claim(trace_id.as_str()).await?;
            let (base, version) = self.base(place).await?;
            let revision = base.as_ref().map_or(0, |base| base.metadata.revision);
            let trace = match change(base) {
                None => return Ok(None),
                Some(Change::Nothing(trace)) => {
                    // Whoever wrote the document may have ended before its summary.
                    self.summarize(place, &trace, &version, false).await?;
                    return Ok(Some(self.written(place, *trace, false)));
                }
                Some(Change::Write(trace)) => trace,
            };
            if let Some(written) = self.replace(&claim, place, &trace, revision, &version).await? {
                return Ok(Some(written));
            }
            drop(claim);
            turns.another().await?;
        }
    }

    /// Puts a run as the next revision where this version lies, with its summary; `None` where something else lies there
    /// by now.
    pub(super) async fn replace(
        &self,
        claim: &Claim,
        place: &Place,
        trace: &Trace,
        revision: u64,
        version: &Version,
    ) -> Result<Option<Written>> {
        let revision = revision.max(trace.metadata.revision) + 1;
        let (trace, text) = document::write(trace, GENERATOR, revision).map_err(|error| Error::Corrupt {
            place: place.as_str().to_owned(),
            reason: error.to_string(),
        })?;
        // In a folder the claim keeps everybody else from the summary too.
        let is_first = *version == Version::Absent || !self.is_remote();
        let Replaced::Done(version) = claim.within(self.shelf.replace(&place.0, text, version)).await? else {
            return Ok(None);
        };
        self.summarize(place, &trace, &version, is_first).await?;
        Ok(Some(self.written(place, trace, true)))
    }

    /// What lies at a place now; what cannot be read is set aside and counts as nothing.
    async fn base(&self, place: &Place) -> Result<(Option<Trace>, Version)> {
        let Some(held) = self.shelf.get(&place.0).await? else { return Ok((None, Version::Absent)) };
        match self.parsed(place, &held) {
            Ok(found) => Ok((Some(found.trace), held.version)),
            Err(Error::Corrupt { place: named, reason }) => {
                let version = self.shelf.set_aside(&place.0, held, &aside(&place.0)).await?;
                tracing::warn!("the document {named} cannot be read ({reason}) and was set aside");
                Ok((None, version))
            }
            Err(error) => Err(error),
        }
    }

    /// Puts the summary of a document beside it, unless the document is another by now: then whoever replaced it puts
    /// that one's. Looking at the document after the old summary, and before the new one replaces exactly that, makes
    /// sure that the last summary is the last document's.
    async fn summarize(
        &self,
        place: &Place,
        trace: &Trace,
        document: &Version,
        is_first: bool,
    ) -> Result<()> {
        let (path, text) = (place.summary(), scorecard::markdown(trace));
        if is_first && self.shelf.replace(&path, text.clone(), &Version::Absent).await? != Replaced::Overtaken
        {
            return Ok(());
        }
        let mut turns = Turns::default();
        loop {
            let found = self.shelf.get(&path).await?;
            let is_there = found.as_ref().is_some_and(|held| held.bytes == text.as_bytes());
            if is_there || !self.is_still(&place.0, document).await? {
                return Ok(());
            }
            let version = found.map_or(Version::Absent, |held| held.version);
            if self.shelf.replace(&path, text.clone(), &version).await? != Replaced::Overtaken {
                return Ok(());
            }
            turns.another().await?;
        }
    }

    async fn is_still(&self, path: &Path, version: &Version) -> Result<bool> {
        let meta = self.shelf.meta(path).await?;
        Ok(meta.is_some_and(|meta| Version::of(&meta).is_same(version)))
    }

    fn written(&self, place: &Place, trace: Trace, changed: bool) -> Written {
        Written {
            trace,
            address: self.address_of(place),
            summary_address: self.shelf.address(&place.summary()),
            changed,
        }
    }
}
