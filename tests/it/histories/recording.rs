//! A plan carried out by two processes of one installation, and what is on disk afterwards.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use chrono::TimeDelta;
use serde_json::Value;
use whytrace::calibration::{Flag, FlagState};
use whytrace::gate::request::{FlagAction, ReviewRequest};
use whytrace::model::{Clock as _, FlagNote, ManualClock, QualityRules, Timestamp, Trace, document};
use whytrace::recorder::{Recorded, Role, SaveState};
use whytrace::service::Service;
use whytrace::statistics::RunFacts;
use whytrace::statistics::confidence::RunConfidence;
use whytrace::store::DatabaseTarget;
use whytrace::store::index::{Scope, Standing};

use super::plan::{Course, Deed, PATIENCE_HOURS, Plan, Step};
use crate::support::database::Schema;
use crate::support::eventually::eventually;
use crate::support::pipeline::{Place, record};

/// Two processes that record in one home by one clock.
pub(super) struct Recording {
    pub place: Place,
    pub clock: Arc<ManualClock>,
    pub processes: [Service; 2],
    pub happened: Vec<Happened>,
    begun: BTreeSet<String>,
    /// Those of them that are open, by what was read of them last.
    open: BTreeSet<String>,
}

/// What calibration has to know of what happened, in order.
#[derive(Clone, Debug)]
pub(super) enum Happened {
    /// A run stands like this from now on.
    Told(Box<Told>),
    /// A run was ended at that time of the server, with these flags in the answer, unless the database took its time.
    Finished { run: String, now: Timestamp, flags: Option<Vec<FlagNote>> },
    /// Somebody set the mark of a run.
    Marked { run: String, flagged: bool },
    /// Somebody decided about a flag, which then stood like this.
    Decided { flag: String, action: FlagAction, state: FlagState },
}

/// One run as its document tells it, or, while it is open and has none, as the events do.
#[derive(Clone, Debug)]
pub(super) struct Told {
    pub trace: Trace,
    pub facts: RunFacts,
    pub confidence: RunConfidence,
}

impl Recording {
    pub(super) fn begin(place: Place) -> Self {
        Self::go_on(place, Arc::new(ManualClock::new(Course::begins())))
    }

    /// Two other processes in a home that may hold something.
    pub(super) fn go_on(place: Place, clock: Arc<ManualClock>) -> Self {
        let config = place.config();
        let service = || Service::open_with(&config, Role::Server, clock.clone()).expect("a service");
        let processes = [service(), service()];
        let (begun, open) = (BTreeSet::new(), BTreeSet::new());
        Self { place, clock, processes, happened: Vec::new(), begun, open }
    }

    /// Carries out a plan, and waits until documents and database hold everything.
    pub(super) async fn carry_out(&mut self, plan: &Plan) {
        for step in &plan.steps {
            self.step(step).await;
        }
        self.settle().await;
    }

    pub(super) async fn step(&mut self, step: &Step) {
        self.clock.set(step.at);
        let service = &self.processes[step.process];
        match &step.deed {
            Deed::Record { run, request } => {
                self.begun.insert(run.clone());
                let recorded = self.take(service, request).await;
                assert!(
                    recorded.ack.standings.iter().all(|standing| *standing == Standing::New),
                    "{recorded:?}"
                );
                self.tell(run).await;
                if let Some(finished) = recorded.finished {
                    let (run, flags) = (run.clone(), finished.flags);
                    self.happened.push(Happened::Finished { run, now: step.at, flags });
                }
            }
            Deed::Repeat { run, request } => {
                let recorded = self.take(service, request).await;
                assert!(may_be_repeated(&recorded), "{recorded:?}");
                let again = recorded.finished.and_then(|finished| finished.flags);
                let first = self.happened.iter().find_map(|happened| match happened {
                    Happened::Finished { run: ended, flags, .. } if ended == run => flags.as_ref(),
                    _ => None,
                });
                if let (Some(first), Some(again)) = (first, &again) {
                    assert_eq!(again, first, "{run} answers as the first time");
                }
            }
            Deed::Mark { run, flagged } => {
                let request = ReviewRequest {
                    trace_id: Some(run.clone()),
                    flagged_for_review: Some(*flagged),
                    ..ReviewRequest::default()
                };
                service.intake.review(request, &Scope::All).await.expect("a review");
                self.happened.push(Happened::Marked { run: run.clone(), flagged: *flagged });
            }
            Deed::Judge { run, decision, correct } => {
                let request = ReviewRequest {
                    trace_id: Some(run.clone()),
                    decision_id: Some((*decision).to_owned()),
                    correct: Some(*correct),
                    ..ReviewRequest::default()
                };
                service.intake.review(request, &Scope::All).await.expect("a review");
                service.intake.recorder().settled().await;
                self.tell(run).await;
            }
            Deed::Decide { pick, action, until } => {
                let Some(flag) = self.picked(*pick).await else { return };
                let snooze_until = (*action == FlagAction::Snooze).then(|| until.to_string());
                let request = ReviewRequest {
                    flag_id: Some(flag.id.clone()),
                    flag_action: Some(*action),
                    snooze_until,
                    ..ReviewRequest::default()
                };
                let done = service.intake.review(request, &Scope::All).await.expect("a review");
                let state = done.flag.expect("the flag").state;
                self.happened.push(Happened::Decided { flag: flag.id, action: *action, state });
            }
            Deed::LookAfter => {
                self.look_after(step.process).await;
                for run in self.open.clone() {
                    self.tell(&run).await;
                }
            }
        }
    }

    /// Records a batch, and waits for the database where it took its time, so that the order of steps is the order in
    /// which it hears of them.
    async fn take(&self, service: &Service, request: &Value) -> Recorded {
        let recorded = record(service, request.clone()).await.expect("recorded");
        if is_pending(&recorded) {
            service.intake.recorder().settled().await;
        }
        recorded
    }

    /// Reads how a run stands now.
    async fn tell(&mut self, run: &str) {
        let loaded = self.processes[0].query.trace(run, &Scope::All).await.expect("a run");
        let told = Told::of(loaded.trace);
        if told.facts.is_finished() {
            self.open.remove(run);
        } else {
            self.open.insert(run.to_owned());
        }
        self.happened.push(Happened::Told(Box::new(told)));
    }

    async fn picked(&self, pick: usize) -> Option<Flag> {
        let mut flags = self.flags().await;
        flags.sort_by(|a, b| a.id.cmp(&b.id));
        let place = pick.checked_rem(flags.len())?;
        Some(flags.swap_remove(place))
    }

    /// Has a process close the runs that fell silent.
    pub(super) async fn look_after(&self, process: usize) {
        let recorder = self.processes[process].intake.recorder();
        let before = self.clock.now().plus(-TimeDelta::hours(PATIENCE_HOURS));
        recorder.look_after().await;
        let index = &recorder.stores().index;
        eventually("silent runs are closed", async || {
            index.silent(before, 1).await.expect("the database").is_empty()
        })
        .await;
    }

    /// Waits until documents and database hold everything.
    pub(super) async fn settle(&self) {
        for service in &self.processes {
            service.intake.recorder().settled().await;
        }
        let index = &self.processes[0].intake.recorder().stores().index;
        eventually("all documents are written", async || {
            index.undocumented(1).await.expect("the database").is_empty()
        })
        .await;
    }

    /// The runs as documents tell them, and those without a document as they are read.
    pub(super) async fn runs(&self) -> Vec<Told> {
        let mut told: Vec<Told> = documents(&self.place.path("projects")).into_iter().map(Told::of).collect();
        let documented: BTreeSet<String> = told.iter().map(|told| told.trace.trace_id.to_string()).collect();
        for run in self.begun.difference(&documented) {
            let loaded = self.processes[0].query.trace(run, &Scope::All).await.expect("an open run");
            assert_eq!(loaded.trace.run.status.as_str(), "in_progress", "{run} has no document");
            told.push(Told::of(loaded.trace));
        }
        told
    }

    pub(super) async fn flags(&self) -> Vec<Flag> {
        self.processes[0].query.flags(&Scope::All).await.expect("the database")
    }

    pub(super) async fn close(&self) {
        for service in &self.processes {
            service.close().await;
        }
    }
}

impl Told {
    pub(super) fn of(trace: Trace) -> Self {
        let facts = RunFacts::of(&trace, &QualityRules::default());
        let confidence = RunConfidence::of(&trace);
        Self { trace, facts, confidence }
    }
}

/// Whether a batch had been recorded before, as far as the answer says: not where the database took its time.
pub(super) fn may_be_repeated(recorded: &Recorded) -> bool {
    is_pending(recorded) || recorded.ack.is_duplicate()
}

fn is_pending(recorded: &Recorded) -> bool {
    recorded.ack.saved.expect("recording is on").database != SaveState::Saved
}

/// All documents below a folder of projects.
pub(super) fn documents(projects: &Path) -> Vec<Trace> {
    let mut traces = Vec::new();
    for path in texts(projects, |name| name.ends_with(".json") && !name.starts_with('_')) {
        let text = std::fs::read_to_string(&path).expect("a document");
        traces.push(document::read(&text, &QualityRules::default()).expect("a document").trace);
    }
    traces
}

/// Paths of the files in the folders of all projects whose names are asked for.
pub(super) fn texts(projects: &Path, is_asked_for: impl Fn(&str) -> bool) -> Vec<std::path::PathBuf> {
    let mut paths = Vec::new();
    for project in std::fs::read_dir(projects).expect("a folder") {
        let folder = project.expect("an entry").path().join("_traces");
        // It is a moment younger than its project's.
        let Ok(entries) = std::fs::read_dir(folder) else { continue };
        for entry in entries {
            let entry = entry.expect("an entry");
            if is_asked_for(&entry.file_name().to_string_lossy()) {
                paths.push(entry.path());
            }
        }
    }
    paths.sort();
    paths
}

/// The same home with a database that knows nothing; on Postgres in a schema that is to be kept as long.
pub(super) fn without_its_database(place: Place) -> (Place, Option<Schema>) {
    match place.config().database {
        DatabaseTarget::Sqlite(path) => {
            for ending in ["", "-wal", "-shm"] {
                // After an orderly end there is but the one.
                let _ = std::fs::remove_file(format!("{}{ending}", path.display()));
            }
            (place, None)
        }
        DatabaseTarget::Postgres { .. } => {
            let spare = Schema::fresh().expect("a schema, as before");
            let name = spare.name().to_owned();
            (place.set(|settings| settings.schema = Some(name)), Some(spare))
        }
    }
}

/// The flags by project, each the last seen first.
pub(super) fn by_project(flags: &[Flag]) -> BTreeMap<String, Vec<Flag>> {
    let mut projects: BTreeMap<String, Vec<Flag>> = BTreeMap::new();
    for flag in flags {
        projects.entry(flag.project.clone()).or_default().push(flag.clone());
    }
    projects
}

/// The flags as the projects' files remember them.
pub(super) fn remembered(projects: &Path) -> BTreeMap<String, Vec<Flag>> {
    let files = texts(projects, |name| name == "_calibration_flags.json");
    let flags = files.iter().flat_map(|path| {
        let text = std::fs::read_to_string(path).expect("a file");
        serde_json::from_str::<Vec<Flag>>(&text).expect("flags")
    });
    by_project(&flags.collect::<Vec<_>>())
}
