//! How an installation is: whether it can record, which store is away, and how much waits for one.
//!
//! Nobody who asks waits for a store that hangs. A look at a store runs in a task of its own, one at a time; who asks
//! gets what it found, is told after half a second that the store does not answer, and finds what was seen last for
//! a few seconds unasked. What is told names no run, project, place or error text, because everybody may read it;
//! why a store is away is logged when that changes.

mod look;

use std::time::Duration;

use serde::Serialize;

use look::{Look, Seen};

use crate::error::Error;
use crate::metrics::{Exposition, Kind};
use crate::model::Timestamp;
use crate::recorder::Recorder;

/// How long it holds what was seen of the database and the journal.
const HOLDS: Duration = Duration::from_secs(5);

/// How long it holds what was seen of the documents, where a look writes something that may cost money.
const DOCUMENTS_HOLD: Duration = Duration::from_secs(30);

/// Watches over one recorder's stores. Cheap to clone; all clones see the same.
#[derive(Clone, Debug)]
pub struct Watch {
    recorder: Recorder,
    since: Timestamp,
    journal: Look<()>,
    database: Look<u64>,
    documents: Look<()>,
}

/// How an installation is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Readiness {
    /// Whether a write would be acknowledged.
    pub recording: bool,
    /// This process's journal.
    pub journal: StoreState,
    /// The database.
    pub database: StoreState,
    /// The documents.
    pub documents: StoreState,
    /// Why, for each store that is away.
    #[serde(skip_serializing_if = "Reasons::is_empty")]
    pub reasons: Reasons,
    /// What follows by itself once its store is back.
    pub pending: Pending,
}

/// Whether a store works.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StoreState {
    /// It takes what it is given.
    Ok,
    /// It does not.
    Away,
}

/// Why stores are away.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Reasons {
    /// Why the journal is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub journal: Option<&'static str>,
    /// Why the database is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub database: Option<&'static str>,
    /// Why the documents are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub documents: Option<&'static str>,
}

/// What waits for a store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Pending {
    /// Events that the database does not hold yet.
    pub events: usize,
    /// The runs that they are of.
    pub runs: usize,
    /// Documents that could not be written.
    pub documents: usize,
}

impl Reasons {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl Watch {
    /// Watches over the stores of this recorder, from when the process starts on.
    #[must_use]
    pub fn over(recorder: Recorder) -> Self {
        Self {
            since: recorder.clock().now(),
            recorder,
            journal: Look::at("the journal"),
            database: Look::at("the database"),
            documents: Look::at("the store of documents"),
        }
    }

    /// How the installation is. Answers within half a second, whatever its stores do.
    pub async fn readiness(&self) -> Readiness {
        let (journal, database, documents) =
            tokio::join!(self.look_at_journal(), self.look_at_database(), self.look_at_documents());
        let database = match database {
            Ok(_) if self.recorder.is_database_behind() => Err("it has not taken in time what was recorded"),
            looked => looked.map(|_| ()),
        };
        let recording = if self.recorder.options().require_database {
            database.is_ok()
        } else {
            journal.is_ok() || database.is_ok()
        };
        let state = |looked: Result<(), _>| if looked.is_ok() { StoreState::Ok } else { StoreState::Away };
        Readiness {
            recording,
            journal: state(journal),
            database: state(database),
            documents: state(documents),
            reasons: Reasons { journal: journal.err(), database: database.err(), documents: documents.err() },
            pending: self.pending(),
        }
    }

    /// What waits for a store now.
    #[must_use]
    pub fn pending(&self) -> Pending {
        let live = &self.recorder.stores().live;
        let documents = self.recorder.counts().waiting_documents();
        Pending { events: live.pending(), runs: live.pending_runs(), documents }
    }

    /// Tells in numbers how the installation is and what it recorded.
    pub async fn tell(&self, text: &mut Exposition) {
        let Readiness { recording, journal, database, documents, pending, .. } = self.readiness().await;
        let version = [("version", env!("CARGO_PKG_VERSION"))];
        text.metric("whytrace_build_info", Kind::Gauge, "What runs; always 1.").sample(&version, 1);
        let since = self.since.micros() as f64 / 1e6;
        text.metric("process_start_time_seconds", Kind::Gauge, "When the process started, in Unix time.")
            .sample(&[], since);
        text.metric("whytrace_recording", Kind::Gauge, "Whether writes can be acknowledged.")
            .sample(&[], u8::from(recording));
        let mut up = text.metric("whytrace_store_up", Kind::Gauge, "Whether a store works.");
        for (store, state) in [("journal", journal), ("database", database), ("documents", documents)] {
            up.sample(&[("store", store)], u8::from(state == StoreState::Ok));
        }
        text.metric("whytrace_pending_events", Kind::Gauge, "Events that the database does not hold yet.")
            .sample(&[], pending.events);
        text.metric(
            "whytrace_pending_runs",
            Kind::Gauge,
            "Runs of which the database does not hold all events yet.",
        )
        .sample(&[], pending.runs);
        self.recorder.counts().tell(text);
        self.tell_of_stores(text).await;
    }

    async fn tell_of_stores(&self, text: &mut Exposition) {
        if let Some(journal) = self.recorder.journal() {
            text.metric(
                "whytrace_journal_bytes",
                Kind::Gauge,
                "Size of this process's journal, reserved space included.",
            )
            .sample(&[], journal.bytes);
            text.metric("whytrace_journal_segments", Kind::Gauge, "Files of this process's journal.")
                .sample(&[], journal.segments);
            text.metric(
                "whytrace_journal_records",
                Kind::Gauge,
                "Records that this process's journal still has to keep.",
            )
            .sample(&[], journal.outstanding);
        }
        let index = &self.recorder.stores().index;
        let connections = index.connections();
        text.metric("whytrace_database_connections", Kind::Gauge, "Connections of the database's pool.")
            .sample(&[("state", "in_use")], connections.in_use)
            .sample(&[("state", "idle")], connections.idle);
        if let Some(bytes) = index.wal_bytes().await {
            text.metric(
                "whytrace_sqlite_wal_bytes",
                Kind::Gauge,
                "Size of the embedded database's write-ahead log.",
            )
            .sample(&[], bytes);
        }
        if let Ok(open) = self.look_at_database().await {
            text.metric("whytrace_flags_open", Kind::Gauge, "Calibration flags that are open.")
                .sample(&[], open);
        }
    }

    async fn look_at_journal(&self) -> Seen<()> {
        if self.recorder.journal().is_some_and(|journal| journal.healthy) {
            return Ok(());
        }
        // A process that nobody sends anything would never find out that its disk has room again.
        let recorder = self.recorder.clone();
        let look = async move {
            recorder.try_journal().await;
            let healthy = recorder.journal().is_some_and(|journal| journal.healthy);
            if healthy { Ok(()) } else { Err("it cannot be written".to_owned()) }
        };
        self.journal.fresh(self.recorder.clock().elapsed(), HOLDS, look).await
    }

    /// Gives how many flags are open.
    async fn look_at_database(&self) -> Seen<u64> {
        let index = self.recorder.stores().index.clone();
        let look = async move { index.open_flags().await.map_err(why) };
        self.database.fresh(self.recorder.clock().elapsed(), HOLDS, look).await
    }

    async fn look_at_documents(&self) -> Seen<()> {
        let documents = self.recorder.stores().documents.clone();
        let look = async move { documents.probe().await.map(|_| ()).map_err(why) };
        self.documents.fresh(self.recorder.clock().elapsed(), DOCUMENTS_HOLD, look).await
    }
}

/// Why a store is away, for a sentence that names it.
fn why(error: Error) -> String {
    match error {
        Error::Unavailable { reason, .. } => reason,
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use chrono::TimeDelta;

    use super::*;
    use crate::config::{Config, Settings};
    use crate::model::ManualClock;
    use crate::recorder::Role;
    use crate::service::Service;

    #[tokio::test]
    async fn with_journal_and_database_away_nothing_is_recorded_until_one_is_back() {
        let home = tempfile::tempdir().unwrap();
        let journal = home.path().join("journal");
        std::fs::write(&journal, "a file in the place of the folder").unwrap();
        std::fs::create_dir(home.path().join("whytrace.db")).unwrap();
        let settings = Settings { home: Some(home.path().to_owned()), ..Settings::default() };
        let config = Config::load(settings, |_| None).unwrap();
        let clock = Arc::new(ManualClock::new("2026-02-13T12:00:00Z".parse().unwrap()));
        let service = Service::open_with(&config, Role::Server, clock.clone()).unwrap();
        let watch = Watch::over(service.intake.recorder().clone());

        let ready = watch.readiness().await;
        let away = (StoreState::Away, StoreState::Away);
        assert_eq!((ready.recording, (ready.journal, ready.database)), (false, away));
        assert!(ready.reasons.journal.is_some() && ready.reasons.database.is_some());

        std::fs::remove_file(&journal).unwrap();
        clock.advance(TimeDelta::seconds(5));
        while !watch.readiness().await.recording {}
        let ready = watch.readiness().await;
        assert_eq!(
            (ready.journal, ready.reasons.journal),
            (StoreState::Ok, None),
            "nobody recorded anything"
        );
        service.close().await;
        assert_eq!(std::fs::read_dir(&journal).unwrap().count(), 0, "nor is anything left");
    }
}
