//! Tells those who watch runs when there is more of them, whichever process has recorded it.
//!
//! One task asks the database for the counts of all watched runs in one query: every second, for what other processes
//! have recorded, and at once for a run of which this process has. That another run began as a part of a watched one is
//! told as more of that. Two rounds are never closer than a quarter of a
//! second, so that what is recorded in a burst is told as one. Nobody who records waits for any of this, and whoever
//! is slow to listen finds one note for each run, never a queue. A query works wherever the database does; a
//! notification of Postgres would need a connection of its own that no pooler stands before.
//!
//! Start at [`Recorder::watch`].

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::Recorder;
use crate::error::{Error, Result};
use crate::model::TraceId;
use crate::store::Stores;
use crate::store::index::{Growth, Scope};

/// How often all watched runs are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// The least time from one round to the next.
const PAUSE: Duration = Duration::from_millis(250);

/// How long a round waits for the database.
const PATIENCE: Duration = Duration::from_millis(750);

/// The most runs that are watched in one process; one that is watched twice counts twice.
const MOST_WATCHED: usize = 2_000;

/// The most of them that one principal watches, so that it cannot watch for all.
const MOST_WATCHED_BY_ONE: usize = MOST_WATCHED / 4;

/// Says that one more run cannot be watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TooManyWatched {
    /// As many runs are watched as a process keeps track of.
    #[error("{MOST_WATCHED} runs are watched already, which is as many as this server keeps track of")]
    InAll,
    /// As many as one principal may watch, over all of its connections and streams.
    #[error("this token watches {MOST_WATCHED_BY_ONE} runs already, which is as many as one may")]
    ByOne,
}

/// There is more of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The run.
    pub trace_id: TraceId,
    /// Whether it has ended, or is gone: it is no longer watched.
    pub is_last: bool,
}

/// How much of a run somebody knows of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Seen {
    events: u64,
    children: u64,
    is_finished: bool,
}

/// Somebody who watches runs; dropping it ends that.
#[derive(Debug)]
pub struct Watch {
    id: u64,
    watches: Arc<Watches>,
    bell: Arc<Notify>,
}

impl Recorder {
    /// Begins to watch; runs are named by [`Watch::add`]. What the same `owner` watches counts together; `None` is
    /// somebody who has the server to themselves.
    #[must_use]
    pub fn watch(&self, owner: Option<String>) -> Watch {
        let watches = Arc::clone(&self.inner.watches);
        let bell = Arc::new(Notify::new());
        let id = watches.registry().enter(owner, Arc::clone(&bell));
        Watch { id, watches, bell }
    }

    /// How much the database holds of a run in scope; nothing of one that only this process holds so far, and `None`
    /// where there is no such run.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the database is away.
    pub async fn seen(&self, trace_id: &TraceId, scope: &Scope) -> Result<Option<Seen>> {
        let stores = self.stores();
        let at_hand = stores.live.glimpse(trace_id).and_then(|glimpse| glimpse.project);
        let is_at_hand = at_hand.is_some_and(|project| scope.has(&project));
        let grown = stores.index.growth_of(std::slice::from_ref(trace_id)).await;
        match grown.map(|mut grown| grown.pop().filter(|growth| scope.has(&growth.project))) {
            Ok(Some(growth)) => Ok(Some(Seen::of(&growth))),
            Ok(None) | Err(Error::Unavailable { .. }) if is_at_hand => Ok(Some(Seen::default())),
            Ok(None) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

#[cfg(test)]
impl Recorder {
    /// How many runs are watched, one that is watched twice counted twice.
    pub(crate) fn watched(&self) -> usize {
        self.inner.watches.registry().watched.values().sum()
    }
}

impl Watch {
    /// Watches one more run for whoever may see `scope`; a change is what they have not `seen` yet, which is all of it
    /// where they have seen nothing. One that is not there is awaited, and one that has ended is told of once.
    ///
    /// # Errors
    /// [`TooManyWatched`].
    pub fn add(&self, trace_id: TraceId, scope: Scope, seen: Option<Seen>) -> Result<(), TooManyWatched> {
        self.watches.registry().add(self.id, trace_id, scope, seen)?;
        self.watches.bell.notify_one();
        Ok(())
    }

    /// Watches a run no longer.
    pub fn remove(&self, trace_id: &TraceId) {
        self.watches.registry().remove(self.id, trace_id);
    }

    /// Whether nothing is watched any more, and there is nothing left to tell.
    #[must_use]
    pub fn is_over(&self) -> bool {
        let registry = self.watches.registry();
        registry.entries.get(&self.id).is_none_or(|entry| entry.runs.is_empty() && entry.news.is_empty())
    }

    /// Waits for changes, and gives all there are, at most one of each run.
    pub async fn changes(&self) -> Vec<Change> {
        loop {
            let news = self.watches.registry().take_news(self.id);
            if !news.is_empty() {
                return news;
            }
            self.bell.notified().await;
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.watches.registry().leave(self.id);
    }
}

impl Seen {
    fn of(growth: &Growth) -> Self {
        Self {
            events: growth.event_count,
            children: growth.child_count,
            is_finished: growth.status.is_finished(),
        }
    }
}

/// All who watch in this process.
#[derive(Debug, Default)]
pub(super) struct Watches {
    registry: Mutex<Registry>,
    /// Rung when there is something to look at before its time.
    bell: Notify,
}

impl Watches {
    /// Notes that this process has recorded something of these runs.
    pub(super) fn touch<'i>(&self, trace_ids: impl IntoIterator<Item = &'i TraceId>) {
        if self.registry().touch(trace_ids) {
            self.bell.notify_one();
        }
    }

    /// Looks at what is watched, round after round.
    pub(super) async fn run(self: Arc<Self>, stores: Stores, shutdown: CancellationToken) {
        let mut next_look = Instant::now();
        loop {
            let is_idle = self.registry().watched.is_empty();
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = self.bell.notified() => {}
                () = tokio::time::sleep_until(next_look), if !is_idle => {}
            }
            let touched = std::mem::take(&mut self.registry().touched);
            let asked: Vec<TraceId> = if Instant::now() >= next_look {
                next_look = Instant::now() + LOOK_EVERY;
                self.registry().watched.keys().cloned().collect()
            } else {
                touched.iter().cloned().collect()
            };
            if asked.is_empty() {
                continue;
            }
            match tokio::time::timeout(PATIENCE, stores.index.growth_of(&asked)).await {
                Ok(Ok(grown)) => self.registry().look(&asked, &grown),
                // What this process has recorded can be read here all the same.
                Ok(Err(_)) | Err(_) => {
                    for trace_id in &touched {
                        let project = stores.live.glimpse(trace_id).and_then(|glimpse| glimpse.project);
                        self.registry().tell_unseen(trace_id, project.as_deref());
                    }
                }
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    fn registry(&self) -> MutexGuard<'_, Registry> {
        self.registry.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Debug, Default)]
struct Registry {
    entries: HashMap<u64, Entry>,
    last_id: u64,
    /// How often each run is watched.
    watched: HashMap<TraceId, usize>,
    /// Watched runs to look at in the next round: this process has recorded something of them, or nothing of them has
    /// been seen.
    touched: HashSet<TraceId>,
}

/// One who watches.
#[derive(Debug)]
struct Entry {
    owner: Option<String>,
    runs: HashMap<TraceId, Watched>,
    /// What they have not been told yet, and whether it is the last of it.
    news: BTreeMap<TraceId, bool>,
    bell: Arc<Notify>,
}

#[derive(Debug)]
struct Watched {
    scope: Scope,
    seen: Option<Seen>,
}

impl Registry {
    fn enter(&mut self, owner: Option<String>, bell: Arc<Notify>) -> u64 {
        self.last_id += 1;
        let entry = Entry { owner, runs: HashMap::new(), news: BTreeMap::new(), bell };
        self.entries.insert(self.last_id, entry);
        self.last_id
    }

    /// How many runs somebody watches, over all of their entries.
    fn watched_by(&self, owner: &str) -> usize {
        let own = self.entries.values().filter(|entry| entry.owner.as_deref() == Some(owner));
        own.map(|entry| entry.runs.len()).sum()
    }

    fn leave(&mut self, id: u64) {
        for trace_id in self.entries.remove(&id).into_iter().flat_map(|entry| entry.runs.into_keys()) {
            forget(&mut self.watched, &trace_id);
        }
    }

    fn add(
        &mut self,
        id: u64,
        trace_id: TraceId,
        scope: Scope,
        seen: Option<Seen>,
    ) -> Result<(), TooManyWatched> {
        let Some(entry) = self.entries.get(&id) else { return Ok(()) };
        let by_one = entry.owner.as_deref().map_or(0, |owner| self.watched_by(owner));
        let Some(entry) = self.entries.get_mut(&id) else { return Ok(()) };
        if seen.is_some_and(|seen| seen.is_finished) {
            entry.tell(&trace_id, true);
            return Ok(());
        }
        if entry.runs.contains_key(&trace_id) {
            return Ok(());
        }
        if self.watched.values().sum::<usize>() >= MOST_WATCHED {
            return Err(TooManyWatched::InAll);
        }
        if by_one >= MOST_WATCHED_BY_ONE {
            return Err(TooManyWatched::ByOne);
        }
        *self.watched.entry(trace_id.clone()).or_default() += 1;
        if seen.is_none() {
            self.touched.insert(trace_id.clone());
        }
        entry.runs.insert(trace_id, Watched { scope, seen });
        Ok(())
    }

    fn remove(&mut self, id: u64, trace_id: &TraceId) {
        let Some(entry) = self.entries.get_mut(&id) else { return };
        entry.news.remove(trace_id);
        if entry.runs.remove(trace_id).is_some() {
            forget(&mut self.watched, trace_id);
        }
    }

    fn take_news(&mut self, id: u64) -> Vec<Change> {
        let news = self.entries.get_mut(&id).map(|entry| std::mem::take(&mut entry.news));
        let changes = news.into_iter().flatten();
        changes.map(|(trace_id, is_last)| Change { trace_id, is_last }).collect()
    }

    /// Says whether any of them is watched.
    fn touch<'i>(&mut self, trace_ids: impl IntoIterator<Item = &'i TraceId>) -> bool {
        let watched = trace_ids.into_iter().filter(|trace_id| self.watched.contains_key(*trace_id));
        let before = self.touched.len();
        self.touched.extend(watched.cloned());
        self.touched.len() > before
    }

    /// Compares what the database says of these runs with what has been seen of them.
    fn look(&mut self, asked: &[TraceId], grown: &[Growth]) {
        let found: HashMap<&TraceId, &Growth> =
            grown.iter().map(|growth| (&growth.trace_id, growth)).collect();
        for entry in self.entries.values_mut() {
            for trace_id in asked {
                let Some(watched) = entry.runs.get_mut(trace_id) else { continue };
                let own = found.get(trace_id).filter(|growth| watched.scope.has(&growth.project));
                let now = own.map(|growth| Seen::of(growth));
                // A look that began before somebody began to watch may know less than they do.
                let is_news = now.is_some_and(|now| watched.seen.is_none_or(|seen| now > seen));
                // One that this process alone holds has been seen without any of its events.
                let is_gone = now.is_none() && watched.seen.is_some_and(|seen| seen.events > 0);
                if !is_news && !is_gone {
                    continue;
                }
                watched.seen = now;
                let is_last = now.is_none_or(|now| now.is_finished);
                entry.tell(trace_id, is_last);
                if is_last {
                    entry.runs.remove(trace_id);
                    forget(&mut self.watched, trace_id);
                }
            }
        }
    }

    /// Tells of a run that was recorded here while the database could not be asked.
    fn tell_unseen(&mut self, trace_id: &TraceId, project: Option<&str>) {
        for entry in self.entries.values_mut() {
            let own = entry.runs.get(trace_id).zip(project);
            if own.is_some_and(|(watched, project)| watched.scope.has(project)) {
                entry.tell(trace_id, false);
            }
        }
    }
}

impl Entry {
    fn tell(&mut self, trace_id: &TraceId, is_last: bool) {
        *self.news.entry(trace_id.clone()).or_default() |= is_last;
        self.bell.notify_one();
    }
}

fn forget(watched: &mut HashMap<TraceId, usize>, trace_id: &TraceId) {
    if let Some(times) = watched.get_mut(trace_id) {
        *times -= 1;
        if *times == 0 {
            watched.remove(trace_id);
        }
    }
}

#[cfg(test)]
mod tests;
