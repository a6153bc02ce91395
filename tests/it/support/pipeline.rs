//! A small pipeline that records its runs through the library, and the home it does so in.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tempfile::TempDir;
use whytrace::config::{Config, Settings};
use whytrace::error::Result;
use whytrace::gate::CallerContext;
use whytrace::gate::request::{self, DecisionRequest, FinishRequest, RecordRequest, StartRequest};
use whytrace::recorder::{Ack, DecisionRecorded, Finished, Recorded, Role};
use whytrace::service::Service;
use whytrace::store::index::{Filter, Scope, Sort};

use super::bucket::Bucket;
use super::database::Schema;

/// A home folder with the configuration of whoever records there.
pub(crate) struct Place {
    folder: TempDir,
    settings: Settings,
}

impl Place {
    /// A new home; its database is SQLite, or the schema.
    pub(crate) fn new(schema: Option<&Schema>) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let settings = Settings {
            home: Some(folder.path().join("home")),
            database_url: schema.map(|schema| schema.url().into()),
            schema: schema.map(|schema| schema.name().to_owned()),
            ..Settings::default()
        };
        Self { folder, settings }
    }

    /// A new home whose database lies at this URL.
    pub(crate) fn with_database(url: String) -> Self {
        let mut place = Self::new(None);
        place.settings.database_url = Some(url.into());
        place
    }

    /// The same with its documents in a bucket.
    pub(crate) fn in_bucket(self, bucket: &Bucket) -> Self {
        self.set(|settings| {
            settings.documents = Some(bucket.url().to_owned());
            settings.documents_options = Some(bucket.options());
        })
    }

    /// The same with other settings.
    pub(crate) fn set(mut self, change: impl FnOnce(&mut Settings)) -> Self {
        change(&mut self.settings);
        self
    }

    /// A path in the home folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join("home").join(name)
    }

    /// The configuration.
    pub(crate) fn config(&self) -> Config {
        Config::load(self.settings.clone(), |_| None).expect("a configuration")
    }

    /// A server that records here.
    pub(crate) fn service(&self) -> Service {
        Service::open(&self.config(), Role::Server).expect("a service")
    }

    /// Puts something in the place of a file or folder, so that it cannot be used, by anybody.
    pub(crate) fn block(&self, name: &str) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        if name.ends_with(".db") {
            std::fs::create_dir(&path).expect("a folder in the place of a file");
        } else {
            std::fs::write(&path, "in the way").expect("a file in the place of a folder");
        }
    }

    /// Moves the database away, and blocks its place. Whoever had it open has closed it in good order.
    pub(crate) fn take_database_away(&self) {
        for ending in ["", "-wal", "-shm"] {
            // After an orderly end there is but the one.
            let _ = std::fs::rename(
                self.path(&format!("whytrace.db{ending}")),
                self.path(&format!("kept-whytrace.db{ending}")),
            );
        }
        self.block("whytrace.db");
    }

    /// Puts the database back that was taken away: in one step where the system has one, because a program that looks
    /// in between makes a new one.
    pub(crate) fn bring_database_back(&self) {
        for ending in ["-wal", "-shm"] {
            let _ = std::fs::rename(
                self.path(&format!("kept-whytrace.db{ending}")),
                self.path(&format!("whytrace.db{ending}")),
            );
        }
        let (kept, place) = (self.path("kept-whytrace.db"), self.path("whytrace.db"));
        #[cfg(target_os = "linux")]
        {
            use rustix::fs::{CWD, RenameFlags, renameat_with};
            renameat_with(CWD, kept, CWD, place, RenameFlags::EXCHANGE).expect("exchanged");
        }
        #[cfg(not(target_os = "linux"))]
        {
            self.unblock("whytrace.db");
            std::fs::rename(kept, place).expect("renamed");
        }
    }

    /// Takes away what [`Place::block`] has put there.
    pub(crate) fn unblock(&self, name: &str) {
        let path = self.path(name);
        if path.is_dir() { std::fs::remove_dir(&path) } else { std::fs::remove_file(&path) }
            .expect("removed");
    }
}

/// Opens a run of project `p`.
pub(crate) async fn start(service: &Service, id: &str) -> Result<Ack> {
    let request: StartRequest =
        parse(json!({"project": "p", "query": "why?", "intent": "i", "trace_id": id}));
    service.intake.start(request, &CallerContext::default()).await
}

/// Records a decision.
pub(crate) async fn decide(
    service: &Service,
    id: &str,
    decision_id: &str,
    what: &str,
) -> Result<DecisionRecorded> {
    let request: DecisionRequest = parse(json!({"trace_id": id, "stage": "s", "decision": "k", "what": what,
        "why": "because", "confidence": 0.5, "decision_id": decision_id, "alternatives_considered": ["other (0.4)"]}));
    service.intake.decision(request).await
}

/// Records a batch.
pub(crate) async fn record(service: &Service, request: Value) -> Result<Recorded> {
    let request: RecordRequest = parse(request);
    service.intake.record(request, &CallerContext::default()).await
}

/// Ends a run with a score that fails the gate and one gap.
pub(crate) async fn finish(service: &Service, id: &str) -> Result<Finished> {
    let request: FinishRequest = parse(json!({"trace_id": id, "score": 1.0, "cost_usd": 0.32,
        "principle_scores": [{"id": "META-12", "score": 1}]}));
    service.intake.finish(request).await
}

/// How many runs the index knows; none while it is away.
pub(crate) async fn indexed(service: &Service) -> u64 {
    let listing = service.query.list(&Filter::default(), Sort::Newest, 1, None).await;
    listing.map_or(0, |listing| listing.total)
}

/// The decisions of a run, as they read now.
pub(crate) async fn decisions(service: &Service, id: &str) -> Vec<String> {
    match service.query.trace(id, &Scope::All).await {
        Ok(loaded) => loaded.trace.decisions().map(|(_, decision)| decision.what.clone()).collect(),
        Err(_) => Vec::new(),
    }
}

/// The revision of a document, 0 while there is none.
pub(crate) fn revision(document: &Path) -> u64 {
    let Ok(text) = std::fs::read_to_string(document) else { return 0 };
    let value: Value = serde_json::from_str(&text).expect("a document is always whole");
    value.pointer("/metadata/revision").and_then(Value::as_u64).unwrap_or(0)
}

fn parse<T: serde::de::DeserializeOwned + schemars::JsonSchema + 'static>(value: Value) -> T {
    request::parse(value).expect("a request")
}
