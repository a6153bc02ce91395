//! What a pipeline may ask about runs.

use std::future::Future;
use std::sync::Arc;

use super::engine::Engine;
use super::tracer::switched_off;
use crate::calibration::Flag;
use crate::diff::Comparison;
use crate::error::{Error, Result};
use crate::query::{Aggregate, Diagnosed, Listing, Patterns, Query};
use crate::statistics::GroupBy;
use crate::store::LoadedTrace;
use crate::store::index::{Cursor, Filter, Scope, Sort};

/// Asks about runs, from any runtime. What this process has recorded and been acknowledged is seen at once.
///
/// ```
/// use whytrace::pipeline::{Choice, Start, Tracer};
/// use whytrace::store::index::Filter;
///
/// # let home = tempfile::tempdir().unwrap();
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// # let tracer = Tracer::at(home.path());
/// let trace = tracer.begin(Start::new("cobot", "who builds cobots?"));
/// trace.record(Choice::new("collection", "source_selection", "exa", "recent and broad")).await;
/// trace.finish().await;
///
/// let query = tracer.query();
/// let run = query.trace("last:cobot").await?.trace;
/// assert_eq!(run.decisions().count(), 1);
/// assert_eq!(query.aggregate(Filter::default(), None).await?.summary.runs, 1);
/// # tracer.close().await;
/// # Ok::<(), whytrace::Error>(())
/// # }).unwrap();
/// ```
#[derive(Clone, Debug)]
pub struct TraceQuery {
    engine: Option<Arc<Engine>>,
}

impl TraceQuery {
    pub(super) fn new(engine: Option<Arc<Engine>>) -> Self {
        Self { engine }
    }

    /// One run, by its id, a unique beginning of it, `last`, `last:PROJECT` or `last-failed`.
    ///
    /// # Errors
    /// As [`Query::trace`]; [`Error::Unavailable`] for a disabled tracer, here and below.
    pub async fn trace(&self, id: &str) -> Result<LoadedTrace> {
        let id = id.to_owned();
        self.ask(async move |query| query.trace(&id, &Scope::All).await).await
    }

    /// A page of runs, at most `limit`.
    ///
    /// # Errors
    /// As [`Query::list`].
    pub async fn list(
        &self,
        filter: Filter,
        sort: Sort,
        limit: u32,
        cursor: Option<Cursor>,
    ) -> Result<Listing> {
        self.ask(async move |query| query.list(&filter, sort, limit, cursor.as_ref()).await).await
    }

    /// Runs added up, by groups where asked for.
    ///
    /// # Errors
    /// As [`Query::aggregate`].
    pub async fn aggregate(&self, filter: Filter, group_by: Option<GroupBy>) -> Result<Aggregate> {
        self.ask(async move |query| query.aggregate(&filter, group_by).await).await
    }

    /// Which principles fail in the last `days` days, or ever; principles with fewer runs than `min_runs` are left
    /// out.
    ///
    /// # Errors
    /// As [`Query::patterns`].
    pub async fn patterns(&self, filter: Filter, days: Option<u32>, min_runs: u64) -> Result<Patterns> {
        let now = self.engine.as_ref().map(|engine| engine.clock.now()).ok_or_else(switched_off)?;
        self.ask(async move |query| query.patterns(&filter, days, min_runs, now).await).await
    }

    /// Two runs, the second against the first.
    ///
    /// # Errors
    /// As [`Query::compare`].
    pub async fn compare(&self, a: &str, b: &str) -> Result<Comparison> {
        let (a, b) = (a.to_owned(), b.to_owned());
        self.ask(async move |query| query.compare(&a, &b, &Scope::All).await).await
    }

    /// What is suspected in a run, beside the one named by `against` or the likest that went well.
    ///
    /// # Errors
    /// As [`Query::diagnose`].
    pub async fn diagnose(&self, id: &str, against: Option<&str>) -> Result<Diagnosed> {
        let (id, against) = (id.to_owned(), against.map(str::to_owned));
        self.ask(async move |query| query.diagnose(&id, against.as_deref(), &Scope::All).await).await
    }

    /// Calibration flags, the last seen first.
    ///
    /// # Errors
    /// As [`Query::flags`].
    pub async fn flags(&self) -> Result<Vec<Flag>> {
        self.ask(async move |query| query.flags(&Scope::All).await).await
    }

    /// Asks in the recorder's runtime: connections belong to the runtime that opened them, and the caller's may end.
    async fn ask<T, F, A>(&self, question: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(Query) -> A + Send + 'static,
        A: Future<Output = Result<T>> + Send + 'static,
    {
        let engine = self.engine.clone().ok_or_else(switched_off)?;
        let handle = engine.handle.clone();
        let asking = handle.spawn(async move {
            match engine.service().await {
                Ok(service) => {
                    service.intake.recorder().settle().await;
                    question(service.query.clone()).await
                }
                Err(error) => Err(Error::Unavailable {
                    what: "the recorder of this process",
                    reason: error.to_string(),
                }),
            }
        });
        asking.await.unwrap_or_else(|error| {
            Err(Error::Unavailable { what: "the recorder of this process", reason: error.to_string() })
        })
    }
}
