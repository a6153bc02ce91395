//! What this process has recorded and no document holds yet: the reader of a run sees it before any store does.
//!
//! It also remembers names and content of those events, so that most repeated requests are recognised without
//! asking the database.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::Sealed;
use crate::model::{Event, EventBody, EventId, TraceId};

/// How many bytes of events of open runs are remembered; beyond them the longest untouched run that the database
/// holds is forgotten.
const REMEMBERED_BYTES: usize = 24 * 1024 * 1024;

/// The events at hand.
#[derive(Debug, Default)]
pub struct Live {
    runs: Mutex<Runs>,
}

#[derive(Debug, Default)]
struct Runs {
    by_id: HashMap<TraceId, Run>,
    /// Runs by when they were last touched, oldest first.
    by_age: BTreeMap<u64, TraceId>,
    touches: u64,
    bytes: usize,
    pending: usize,
}

#[derive(Debug, Default)]
struct Run {
    project: Option<String>,
    events: Vec<Arc<Sealed>>,
    hashes: HashMap<EventId, String>,
    /// Events on their way, of which nobody has been told yet that they are saved.
    under_way: HashSet<EventId>,
    bytes: usize,
    /// Events of it that the database does not hold yet.
    pending: HashSet<EventId>,
    /// Events and bytes of the whole run, as far as this process knows.
    total: (u64, u64),
    age: u64,
}

/// What this process knows of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Glimpse {
    /// Its project, once known.
    pub project: Option<String>,
    /// Events of the whole run, at least.
    pub events: u64,
    /// Bytes of the whole run, at least.
    pub bytes: u64,
}

impl Live {
    /// What is known of a run; `None` when this process has not met it.
    #[must_use]
    pub fn glimpse(&self, trace_id: &TraceId) -> Option<Glimpse> {
        let runs = self.runs();
        let run = runs.by_id.get(trace_id)?;
        Some(Glimpse { project: run.project.clone(), events: run.total.0, bytes: run.total.1 })
    }

    /// Notes that a run exists, with what is known of it. A project that is known stays: a start that claims the run
    /// for another one may yet prove to conflict.
    pub fn meet(&self, trace_id: &TraceId, glimpse: Glimpse) {
        let mut runs = self.runs();
        let run = runs.touch(trace_id);
        run.project = run.project.take().or(glimpse.project);
        run.total = (run.total.0.max(glimpse.events), run.total.1.max(glimpse.bytes));
    }

    /// The content hash under which an acknowledged event of that name is remembered. One that is still under way
    /// may yet fail, so whoever repeats it goes the whole way too.
    #[must_use]
    pub fn hash(&self, trace_id: &TraceId, event_id: &EventId) -> Option<String> {
        let runs = self.runs();
        let run = runs.by_id.get(trace_id)?;
        run.hashes.get(event_id).filter(|_| !run.under_way.contains(event_id)).cloned()
    }

    /// Notes that events are about to be saved.
    pub fn set_out(&self, trace_id: &TraceId, events: &[Arc<Sealed>]) {
        let mut runs = self.runs();
        let run = runs.touch(trace_id);
        let new = events.iter().map(|event| &event.event_id).filter(|id| !run.hashes.contains_key(*id));
        run.under_way.extend(new.cloned());
    }

    /// Notes that events are saved in at least one store.
    pub fn arrive(&self, trace_id: &TraceId, events: &[Arc<Sealed>]) {
        let mut runs = self.runs();
        let Some(run) = runs.by_id.get_mut(trace_id) else { return };
        for event in events {
            run.under_way.remove(&event.event_id);
        }
    }

    /// Remembers events; `pending` says that the database does not hold them yet.
    pub fn remember(&self, trace_id: &TraceId, events: &[Arc<Sealed>], pending: bool) {
        let mut runs = self.runs();
        let run = runs.touch(trace_id);
        let mut added = (0_usize, 0_usize);
        for event in events {
            if run.hashes.insert(event.event_id.clone(), event.content_hash.clone()).is_none() {
                run.events.push(Arc::clone(event));
                added = (added.0 + 1, added.1 + event.json().len());
            }
        }
        run.bytes += added.1;
        run.total = (run.total.0 + added.0 as u64, run.total.1 + added.1 as u64);
        if pending {
            let before = run.pending.len();
            run.pending.extend(events.iter().map(|event| event.event_id.clone()));
            let more = run.pending.len() - before;
            runs.pending += more;
        }
        runs.bytes += added.1;
        runs.shrink();
    }

    /// Notes that the database holds these events.
    pub fn settle(&self, trace_id: &TraceId, events: &[Arc<Sealed>]) {
        let mut runs = self.runs();
        runs.settle(trace_id, events);
        runs.shrink();
    }

    /// Takes back events that no store took. Those that were acknowledged before, or with another request, stay.
    pub fn retract(&self, trace_id: &TraceId, events: &[Arc<Sealed>]) {
        let mut runs = self.runs();
        let Some(run) = runs.by_id.get_mut(trace_id) else { return };
        let events: Vec<Arc<Sealed>> =
            events.iter().filter(|event| run.under_way.remove(&event.event_id)).cloned().collect();
        runs.take_back(trace_id, &events);
    }

    /// Takes back events whose names the database holds with other content: they never became part of the run, also
    /// where they were acknowledged before that was known.
    pub fn disown(&self, trace_id: &TraceId, events: &[Arc<Sealed>]) {
        let mut runs = self.runs();
        let Some(run) = runs.by_id.get(trace_id) else { return };
        let is_remembered =
            |event: &&Arc<Sealed>| run.hashes.get(&event.event_id) == Some(&event.content_hash);
        let events: Vec<Arc<Sealed>> = events.iter().filter(is_remembered).cloned().collect();
        runs.take_back(trace_id, &events);
    }

    /// Forgets events that a document holds, and the run with its last one.
    pub fn forget<'i>(&self, trace_id: &TraceId, held: impl IntoIterator<Item = &'i EventId>) {
        let mut runs = self.runs();
        let Some(run) = runs.by_id.get_mut(trace_id) else { return };
        let held: HashSet<&EventId> = held.into_iter().collect();
        let before = run.bytes;
        run.events.retain(|event| !held.contains(&event.event_id));
        run.bytes = run.events.iter().map(|event| event.json().len()).sum();
        let freed = before - run.bytes;
        let is_empty = run.events.is_empty() && run.pending.is_empty();
        runs.bytes -= freed;
        if is_empty {
            runs.remove(trace_id);
        }
    }

    /// Forgets a run altogether, as when it was deleted.
    pub fn drop_run(&self, trace_id: &TraceId) {
        self.runs().remove(trace_id);
    }

    /// The events of a run at hand.
    #[must_use]
    pub fn events(&self, trace_id: &TraceId) -> Vec<Event> {
        let runs = self.runs();
        runs.by_id
            .get(trace_id)
            .into_iter()
            .flat_map(|run| run.events.iter().map(|event| event.event().clone()))
            .collect()
    }

    /// Whether the database does not hold all of a run's events yet.
    #[must_use]
    pub fn is_pending(&self, trace_id: &TraceId) -> bool {
        self.runs().by_id.get(trace_id).is_some_and(|run| !run.pending.is_empty())
    }

    /// How many events the database does not hold yet.
    #[must_use]
    pub fn pending(&self) -> usize {
        self.runs().pending
    }

    /// How many runs have events that the database does not hold yet.
    #[must_use]
    pub fn pending_runs(&self) -> usize {
        self.runs().by_id.values().filter(|run| !run.pending.is_empty()).count()
    }

    /// How many events of runs whose projects are among those meant the database does not hold yet.
    #[must_use]
    pub fn pending_of(&self, is_meant: impl Fn(&str) -> bool) -> usize {
        let runs = self.runs();
        let own = runs.by_id.values().filter(|run| run.project.as_deref().is_some_and(&is_meant));
        own.map(|run| run.pending.len()).sum()
    }

    /// Ids of the runs met here, most recently touched first.
    #[must_use]
    pub fn recent(&self, limit: usize) -> Vec<TraceId> {
        self.runs().by_age.values().rev().take(limit).cloned().collect()
    }

    fn runs(&self) -> MutexGuard<'_, Runs> {
        self.runs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Runs {
    fn touch(&mut self, trace_id: &TraceId) -> &mut Run {
        self.touches += 1;
        let age = self.touches;
        let run = self.by_id.entry(trace_id.clone()).or_default();
        self.by_age.remove(&run.age);
        run.age = age;
        self.by_age.insert(age, trace_id.clone());
        run
    }

    fn settle(&mut self, trace_id: &TraceId, events: &[Arc<Sealed>]) {
        let Some(run) = self.by_id.get_mut(trace_id) else { return };
        let before = run.pending.len();
        for event in events {
            run.pending.remove(&event.event_id);
        }
        self.pending -= before - run.pending.len();
    }

    fn take_back(&mut self, trace_id: &TraceId, events: &[Arc<Sealed>]) {
        let Some(run) = self.by_id.get_mut(trace_id) else { return };
        for event in events {
            // The project came from this start, as far as is known here; who needs it looks it up again.
            if matches!(&event.body, EventBody::Start(start) if run.project.as_ref() == Some(&start.project))
            {
                run.project = None;
            }
            if run.hashes.remove(&event.event_id).is_some() {
                run.total.0 = run.total.0.saturating_sub(1);
                run.total.1 = run.total.1.saturating_sub(event.json().len() as u64);
            }
        }
        // Some of them may have been forgotten already, all but their hashes.
        let before = run.bytes;
        run.events.retain(|event| run.hashes.contains_key(&event.event_id));
        run.bytes = run.events.iter().map(|event| event.json().len()).sum();
        let freed = before - run.bytes;
        let is_empty = run.events.is_empty();
        self.settle(trace_id, events);
        self.bytes -= freed;
        if is_empty {
            self.remove(trace_id);
        }
    }

    fn remove(&mut self, trace_id: &TraceId) {
        if let Some(run) = self.by_id.remove(trace_id) {
            self.by_age.remove(&run.age);
            self.bytes -= run.bytes;
            self.pending -= run.pending.len();
        }
    }

    fn shrink(&mut self) {
        const MOST_RUNS: usize = 10_000;
        while self.bytes > REMEMBERED_BYTES || self.by_id.len() > MOST_RUNS {
            let settled = |id: &&TraceId| self.by_id.get(*id).is_some_and(|run| run.pending.is_empty());
            let Some(oldest) = self.by_age.values().find(settled).cloned() else { return };
            self.remove(&oldest);
        }
    }
}
