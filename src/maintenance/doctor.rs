//! Whether journal, documents and database agree, and what to do where they do not.

use std::pin::pin;
use std::time::Duration;

use chrono::TimeDelta;
use futures::StreamExt as _;
use serde::Serialize;

use super::is_indexed;
use crate::error::{Error, Result};
use crate::model::document::Integrity;
use crate::model::{Clock as _, SystemClock, TraceId};
use crate::recorder::{Recorder, RecorderOptions, stores_identity};
use crate::store::documents::Writers;
use crate::store::index::Scope;
use crate::store::{Stores, journal};

/// How many examples a finding names.
const EXAMPLES: usize = 5;

/// The most runs that are looked at one by one.
const LEFT: u32 = 1_000;

/// How long mending waits for what is on its way.
const PATIENCE: Duration = Duration::from_secs(20);

/// How long it waits for documents that are being written.
const WRITING: Duration = Duration::from_secs(5);

/// What an examination found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// One for each thing that was looked at.
    pub findings: Vec<Finding>,
}

/// What one look found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What was looked at.
    pub what: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// What was found.
    pub message: String,
    /// What to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
}

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// As it should be.
    Fine,
    /// Worth knowing; it settles by itself or was meant.
    Note,
    /// Something has to be done.
    Problem,
}

impl Report {
    /// Whether nothing has to be done.
    #[must_use]
    pub fn is_healthy(&self) -> bool {
        self.findings.iter().all(|finding| finding.severity != Severity::Problem)
    }

    fn say(
        &mut self,
        what: &'static str,
        severity: Severity,
        message: impl Into<String>,
        remedy: Option<&str>,
    ) {
        let remedy = remedy.map(str::to_owned);
        self.findings.push(Finding { what, severity, message: message.into(), remedy });
    }
}

/// Looks at everything and changes nothing.
pub async fn examine(stores: &Stores, options: &RecorderOptions) -> Report {
    let mut report = Report::default();
    let database_answers = match stores.index.probe().await {
        Ok(()) => {
            report.say("database", Severity::Fine, "answers", None);
            true
        }
        Err(error) => {
            let remedy = "start it or correct WHYTRACE_DATABASE_URL; until then records wait in the journal";
            report.say("database", Severity::Problem, error.to_string(), Some(remedy));
            false
        }
    };
    examine_store(stores, &mut report).await;
    examine_journal(options, &mut report);
    if let Err(error) = examine_documents(stores, database_answers, &mut report).await {
        report.say("documents", Severity::Problem, error.to_string(), None);
    }
    if database_answers && let Err(error) = examine_index(stores, options, &mut report).await {
        report.say("index", Severity::Problem, error.to_string(), None);
    }
    report
}

/// Mends what can be mended, then looks at everything.
///
/// Brings over journals of dead processes, closes silent runs, writes documents that were left unwritten, lets go of
/// runs whose time is up, removes documents of deleted runs, and indexes documents that the database does not know.
///
/// # Errors
/// [`Error::Unavailable`] when database or documents are away.
pub async fn mend(recorder: &Recorder) -> Result<Report> {
    let stores = recorder.stores();
    recorder.look_after().await;
    let mut missing = Vec::new();
    let places = stores.documents.places().await?;
    let mut reading = pin!(stores.documents.read_places(&places));
    while let Some((place, read)) = reading.next().await {
        match read {
            Ok(Some(found))
                if !is_indexed(stores, &found.trace.trace_id, found.trace.metadata.revision).await? =>
            {
                let (trace_id, project) = (found.trace.trace_id, found.trace.project);
                if stores.index.is_deleted(&trace_id).await? {
                    recorder.delete_all(&[(trace_id, project)]).await?;
                } else {
                    missing.push(place.clone());
                }
            }
            Ok(_) | Err(Error::Corrupt { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    super::reindex(stores, &missing, |_| {}).await?;
    // What cannot be brought over now stays in the journal and shows in the report, as does what is not written now.
    let _ = tokio::time::timeout(PATIENCE, recorder.settled()).await;
    let _ = tokio::time::timeout(WRITING, written(stores)).await;
    Ok(examine(stores, recorder.options()).await)
}

async fn examine_store(stores: &Stores, report: &mut Report) {
    let what = if stores.documents.is_remote() { "document store" } else { "documents folder" };
    match stores.documents.probe().await {
        Ok(Writers::Locked) => report.say(what, Severity::Fine, "is writable", None),
        Ok(Writers::Conditional) => {
            report.say(
                what,
                Severity::Fine,
                "is writable, and refuses writes whose condition does not hold",
                None,
            );
        }
        Ok(Writers::Unconditional) => {
            let message =
                "is writable, and does not check the conditions of writes: locks keep writers apart";
            let remedy = "let those alone write there who share a Postgres, or this machine; better, use a store that \
                          knows If-Match and If-None-Match";
            report.say(what, Severity::Note, message, Some(remedy));
        }
        Err(error) => {
            let remedy = "make it writable; until then the database holds the runs and the documents follow";
            report.say(what, Severity::Problem, error.to_string(), Some(remedy));
        }
    }
}

/// Waits until every run that has ended has its document.
async fn written(stores: &Stores) {
    while stores.index.undocumented(1).await.is_ok_and(|left| !left.is_empty()) {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn examine_journal(options: &RecorderOptions, report: &mut Report) {
    let folder = options.home.join("journal");
    if !folder.exists() {
        return report.say("journal", Severity::Fine, "is empty", None);
    }
    let survey = match journal::survey(&folder, &stores_identity(options)) {
        Ok(survey) => survey,
        Err(error) => return report.say("journal", Severity::Problem, error.to_string(), None),
    };
    if !survey.adoptable.is_empty() {
        let count = survey.adoptable.len();
        let remedy = "the next server brings them over, or `whytrace doctor --fix` now";
        report.say(
            "journal",
            Severity::Note,
            format!("{count} files of processes that ended early"),
            Some(remedy),
        );
    }
    for damaged in &survey.damaged {
        let remedy = "nothing in it can be trusted; move it away once you have kept a copy";
        report.say(
            "journal",
            Severity::Problem,
            format!("{} cannot be read", damaged.display()),
            Some(remedy),
        );
    }
    for foreign in &survey.foreign {
        let whose = foreign.stores.as_deref().unwrap_or("unknown stores");
        let message = format!("{} belongs to {whose}", foreign.path.display());
        report.say("journal", Severity::Note, message, Some("a server with that database brings it over"));
    }
    report.say(
        "journal",
        Severity::Fine,
        format!("{} files in use by running processes", survey.live.len()),
        None,
    );
}

async fn examine_documents(stores: &Stores, database_answers: bool, report: &mut Report) -> Result<()> {
    let (mut count, mut edited, mut unreadable, mut missing) = (0_u64, Vec::new(), Vec::new(), Vec::new());
    let places = stores.documents.places().await?;
    let mut reading = pin!(stores.documents.read_places(&places));
    while let Some((_, read)) = reading.next().await {
        count += 1;
        match read {
            Ok(Some(found)) => {
                if found.integrity == Integrity::Edited {
                    edited.push(found.trace.trace_id.to_string());
                }
                let (trace_id, revision) = (found.trace.trace_id, found.trace.metadata.revision);
                if database_answers && !is_indexed(stores, &trace_id, revision).await? {
                    missing.push((trace_id, revision));
                }
            }
            Ok(None) => {}
            Err(Error::Corrupt { place, reason }) => unreadable.push(format!("{place} ({reason})")),
            Err(error) => return Err(error),
        }
    }
    let (deleted, missing) = still_missing(stores, missing).await?;
    report.say("documents", Severity::Fine, format!("{count} looked at"), None);
    if !edited.is_empty() {
        let message = format!("{} edited since they were written: {}", edited.len(), examples(&edited));
        report.say(
            "documents",
            Severity::Note,
            message,
            Some("they are used as they are; `whytrace reindex` takes the edits over"),
        );
    }
    if !unreadable.is_empty() {
        let message = format!("{} cannot be read: {}", unreadable.len(), examples(&unreadable));
        report.say(
            "documents",
            Severity::Problem,
            message,
            Some("mend or move them; the next write of such a run sets the old one aside"),
        );
    }
    if !deleted.is_empty() {
        let message = format!("{} are of runs that were deleted: {}", deleted.len(), examples(&deleted));
        let remedy = "`whytrace doctor --fix` removes them";
        report.say("documents", Severity::Problem, message, Some(remedy));
    }
    if !missing.is_empty() {
        let message =
            format!("{} are not in the database as they are: {}", missing.len(), examples(&missing));
        report.say(
            "documents",
            Severity::Problem,
            message,
            Some("run `whytrace doctor --fix` or `whytrace reindex`"),
        );
    }
    Ok(())
}

/// Those of runs that were deleted, and those that the index does not know for good. Between a document and the note of it there is a moment, or a process
/// that ended in it: such a run is listed with the index, and settles by itself.
async fn still_missing(stores: &Stores, missing: Vec<(TraceId, u64)>) -> Result<(Vec<String>, Vec<String>)> {
    let (mut deleted, mut still) = (Vec::new(), Vec::new());
    if missing.is_empty() {
        return Ok((deleted, still));
    }
    // Asked in this order: whatever is noted after the first question is known by the second.
    let left = stores.index.undocumented(LEFT).await?;
    for (trace_id, revision) in missing {
        let is_left = left.iter().any(|sighting| sighting.trace_id == trace_id);
        if !is_left && !is_indexed(stores, &trace_id, revision).await? {
            let is_deleted = stores.index.is_deleted(&trace_id).await?;
            let which = if is_deleted { &mut deleted } else { &mut still };
            which.push(trace_id.to_string());
        }
    }
    Ok((deleted, still))
}

async fn examine_index(stores: &Stores, options: &RecorderOptions, report: &mut Report) -> Result<()> {
    let left = stores.index.undocumented(LEFT).await?;
    if !left.is_empty() {
        let ids: Vec<String> = left.iter().map(|sighting| sighting.trace_id.to_string()).collect();
        let message =
            format!("{} ended runs have events that no document holds: {}", ids.len(), examples(&ids));
        report.say(
            "index",
            Severity::Note,
            message,
            Some("a running server writes them, or `whytrace doctor --fix` now"),
        );
    }
    let unstarted = stores.index.unstarted(1_000).await?;
    if !unstarted.is_empty() {
        let ids: Vec<String> = unstarted.iter().map(|(id, count)| format!("{id} ({count} events)")).collect();
        let message = format!("events of {} runs whose start is not known: {}", ids.len(), examples(&ids));
        report.say("index", Severity::Note, message, Some("they are kept, and placed when the start comes"));
    }
    let conflicts = stores.index.conflicts(1_000).await?;
    if !conflicts.is_empty() {
        let ids: Vec<String> =
            conflicts.iter().map(|(trace, event, at)| format!("{event} of {trace} ({at})")).collect();
        let message = format!("{} events came under a name that was taken: {}", ids.len(), examples(&ids));
        report.say(
            "index",
            Severity::Note,
            message,
            Some("the first of each stands; the others are kept in the table conflicts"),
        );
    }
    let unsearchable = stores.index.unsearchable_decisions(&Scope::All).await?;
    if unsearchable > 0 {
        let message = format!("{unsearchable} decisions of an older version cannot be searched yet");
        report.say("index", Severity::Note, message, Some("run `whytrace reindex`"));
    }
    let apart = stores.index.sums_apart().await?;
    if !apart.is_empty() {
        let apart: Vec<String> =
            apart.iter().map(|one| format!("{} {} instead of {}", one.what, one.kept, one.rows)).collect();
        let message = format!(
            "the sums by day that flags and statistics read are not those of the runs ({}): an older version of this \
             program wrote or deleted some",
            apart.join(", ")
        );
        report.say(
            "index",
            Severity::Problem,
            message,
            Some("run `whytrace reindex` once no such program runs"),
        );
    }
    let mut over_age = 0;
    for filter in options.retention.expired(SystemClock::default().now()) {
        over_age += stores.index.count(&filter).await?;
    }
    if over_age > 0 {
        let message = format!("{over_age} runs are older than retention_days allows");
        let remedy = "a running server deletes them bit by bit, or `whytrace prune` now";
        report.say("retention", Severity::Note, message, Some(remedy));
    }
    let patience = TimeDelta::from_std(options.abandon_after).unwrap_or(TimeDelta::MAX);
    if let Some(latest) = stores
        .index
        .latest(&crate::store::index::Filter { scope: Scope::All, ..Default::default() }, 1)
        .await?
        .pop()
    {
        let silent = stores.index.silent(latest.last_event_at.plus(-patience), 1_000).await?;
        if !silent.is_empty() {
            let message = format!("{} open runs have been silent for long", silent.len());
            report.say("index", Severity::Note, message, Some("a running server closes them as incomplete"));
        }
    }
    report.say("index", Severity::Fine, "looked at", None);
    Ok(())
}

fn examples(of: &[String]) -> String {
    let shown: Vec<&str> = of.iter().take(EXAMPLES).map(String::as_str).collect();
    let more = of.len().saturating_sub(shown.len());
    if more > 0 { format!("{} and {more} more", shown.join(", ")) } else { shown.join(", ") }
}
