//! Both databases, and a plain list in memory, asked about histories that nobody thought of.
//!
//! Where Postgres is left out, SQLite is still held against the list.

mod cases;

use chrono::TimeDelta;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use whytrace::model::{
    DecisionEvent, EventBody, FinishEvent, Iteration, IterationEvent, ReviewEvent, StartEvent, Status, fold,
};
use whytrace::store::index::{Filter, Sort};

use cases::{any_filter, any_runs, any_text};

use super::*;
use crate::support::run::{content, noon, scored, with_paths, written};

/// One index on each database.
pub(super) struct Twins {
    stores: Vec<Store>,
    indexes: Vec<Index>,
}

impl Twins {
    async fn new() -> Self {
        let stores: Vec<Store> = std::iter::once(Store::sqlite()).chain(Store::postgres()).collect();
        let indexes: Vec<Index> = stores.iter().map(Store::index).collect();
        for index in &indexes {
            index.probe().await.unwrap();
        }
        Self { stores, indexes }
    }

    pub(super) fn indexes(&self) -> &[Index] {
        &self.indexes
    }

    async fn clear(&self) {
        for store in &self.stores {
            store.clear().await;
        }
    }

    /// Records on both and gives what became of it on SQLite, and that it is the same on Postgres.
    async fn record(&self, batches: Vec<Batch>) -> Vec<TraceOutcome> {
        let mut answers = Vec::new();
        for index in &self.indexes {
            answers.push(index.record(batches.clone(), false).await.unwrap());
        }
        let first = answers.remove(0);
        for other in &answers {
            assert_eq!(format!("{other:#?}"), format!("{first:#?}"));
        }
        first
    }
}

/// Runs a property on so many cases, or as many as `PROPTEST_CASES` says, all on the same two databases.
pub(super) fn for_all<S: Strategy>(cases: u32, strategy: &S, holds: &impl AsyncFn(&Twins, S::Value)) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let twins = runtime.block_on(Twins::new());
    let asked = std::env::var_os("PROPTEST_CASES").map(|_| Config::default().cases);
    let cases = asked.unwrap_or(cases);
    let config = Config { cases, failure_persistence: None, max_shrink_iters: 200, ..Config::default() };
    let property = |value: S::Value| {
        runtime.block_on(async {
            twins.clear().await;
            holds(&twins, value).await;
        });
        Ok::<(), TestCaseError>(())
    };
    if let Err(error) = TestRunner::new(config).run(strategy, property) {
        panic!("{error}");
    }
}

/// Something that happens to one of three runs.
#[derive(Clone, Debug)]
enum Step {
    /// Events arrive, for each run those of these numbers and wordings.
    Record(Vec<(usize, Vec<(usize, bool)>)>),
    /// The run's document is written.
    Document(usize),
    /// The run is closed as abandoned, for good reason or not.
    Abandon(usize, bool),
    /// The run is deleted.
    Delete(usize),
}

const RUNS: usize = 3;
const EVENTS: usize = 10;

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let event = (0..EVENTS, prop::bool::weighted(0.15));
    let batch = (0..RUNS, prop::collection::vec(event, 1..6));
    let step = prop_oneof![
        8 => prop::collection::vec(batch, 1..4).prop_map(Step::Record),
        2 => (0..RUNS).prop_map(Step::Document),
        2 => (0..RUNS, prop::bool::weighted(0.8)).prop_map(|(run, silent)| Step::Abandon(run, silent)),
        1 => (0..RUNS).prop_map(Step::Delete),
    ];
    prop::collection::vec(step, 1..12)
}

/// The event of that number of a run, in one of two wordings. Numbers are not in the order of arrival.
fn event(run: usize, number: usize, other: bool) -> Arc<Sealed> {
    let seconds = i64::try_from(run * 100 + number * 2 + usize::from(other)).unwrap();
    let run = Run::new(&format!("run{run}")).at(noon().plus(TimeDelta::seconds(seconds)));
    let word = if other { "other" } else { "first" }.to_owned();
    let choose = |decision: &mut DecisionEvent| decision.what.clone_from(&word);
    let run = match number {
        0 => run.start(StartEvent { project: "p".to_owned(), query: word, ..StartEvent::default() }),
        1 => run.decide_with("d1", choose),
        2 => run.decide_with("d2", choose),
        3 => run.enter("e", &word),
        4 => run.collect("c", "collection", 4, if other { 1 } else { 2 }),
        5 => run.prompt("q1", 8, if other { 0.5 } else { 0.25 }),
        6 => run.prompt("q2", 16, 1.0),
        7 => {
            let iteration = Iteration { passed: Some(other), cost_usd: Some(2.0), ..Iteration::default() };
            run.event("i", EventBody::Iteration(IterationEvent { iteration }))
        }
        8 => run.event(
            "r",
            EventBody::Review(ReviewEvent { flagged_for_review: Some(other), notes: Some(word) }),
        ),
        _ => run.finish(scored(if other { 3.0 } else { 1.0 }, &[("META-12", 1.0)])),
    };
    Arc::clone(run.last())
}

/// What is known of one run outside of the databases.
#[derive(Clone, Default)]
struct Known {
    events: Vec<Arc<Sealed>>,
    document: Option<Trace>,
    deleted: bool,
}

impl Known {
    /// Takes an event in and says what the index has to say of it.
    fn take(&mut self, event: &Arc<Sealed>) -> Standing {
        if self.deleted {
            return Standing::Deleted;
        }
        match self.events.iter().find(|known| known.event_id == event.event_id) {
            None => {
                self.events.push(Arc::clone(event));
                Standing::New
            }
            Some(known) if known.content_hash == event.content_hash => Standing::Duplicate,
            Some(_) => Standing::Conflict,
        }
    }

    /// The run as its events tell it, what came behind its document as late, but for what calibration found.
    fn told(&self, rules: &whytrace::model::QualityRules) -> Option<Trace> {
        let trace = fold(self.document.clone(), self.events.iter().map(|event| event.event()), rules)?;
        Some(unflagged(&trace))
    }
}

/// A run without what calibration found at its finish, which depends on other runs.
fn unflagged(trace: &Trace) -> Trace {
    let mut trace = content(trace);
    trace.calibration.flags.clear();
    trace
}

async fn play(twins: &Twins, steps: Vec<Step>) {
    let sqlite = &twins.indexes[0];
    let mut runs: Vec<Known> = vec![Known::default(); RUNS];
    for step in steps {
        match step {
            Step::Record(batches) => arrive(twins, &mut runs, batches).await,
            Step::Document(run) => {
                let id = format!("run{run}");
                let events = sqlite.events(&id.parse().unwrap()).await.unwrap();
                let base = runs[run].document.clone();
                let revision = base.as_ref().map_or(0, |document| document.metadata.revision) + 1;
                let Some(trace) = fold(base, &events, sqlite.rules()) else { continue };
                if !trace.status().is_finished() || runs[run].deleted {
                    continue;
                }
                let document = written(&trace, revision);
                for index in &twins.indexes {
                    save_document(index, &document).await;
                }
                runs[run].document = Some(document);
            }
            Step::Abandon(run, silent) => {
                let id = format!("run{run}");
                let Some(seen) = sqlite.sighting(&id, &Scope::All).await.unwrap() else { continue };
                let heard = if silent { seen.last_event_at } else { noon().plus(TimeDelta::days(-1)) };
                let tomorrow = noon().plus(TimeDelta::days(1));
                let closed =
                    Run::new(&id).at(tomorrow).abandon(&format!("abandon{}", seen.event_count), heard);
                let document = runs[run].document.clone().map(Box::new);
                let batch = Batch { document, ..closed.batch() };
                let standing = standings(twins.record(vec![batch]).await.remove(0));
                if silent && seen.status == Status::InProgress {
                    assert_eq!(standing, [runs[run].take(closed.last())]);
                    assert_eq!(standing, [Standing::New]);
                } else {
                    assert_eq!(standing, [Standing::Moot]);
                }
            }
            Step::Delete(run) => {
                let id = format!("run{run}").parse().unwrap();
                for index in &twins.indexes {
                    index.delete(std::slice::from_ref(&id), noon()).await.unwrap();
                }
                runs[run] = Known { deleted: true, ..Known::default() };
            }
        }
    }
    settle(twins, &runs).await;
}

/// Events arrive, first without the documents that some of them need.
async fn arrive(twins: &Twins, runs: &mut [Known], batches: Vec<(usize, Vec<(usize, bool)>)>) {
    let batches: Vec<(usize, Batch)> = batches
        .into_iter()
        .map(|(run, events)| {
            let events = events.into_iter().map(|(number, other)| event(run, number, other)).collect();
            (run, Run::new(&format!("run{run}")).batch_of(events))
        })
        .collect();
    let answers = twins.record(batches.iter().map(|(_, batch)| batch.clone()).collect()).await;
    for ((run, batch), answer) in batches.into_iter().zip(answers) {
        let known = &mut runs[run];
        let answer = match (answer, &known.document) {
            (TraceOutcome::NeedsDocument { revision }, Some(document)) => {
                assert_eq!(revision, document.metadata.revision);
                let batch = Batch { document: Some(Box::new(document.clone())), ..batch.clone() };
                twins.record(vec![batch]).await.remove(0)
            }
            (answer, None) => answer,
            (answer, Some(_)) => panic!("the document was not asked for: {answer:?}"),
        };
        let TraceOutcome::Recorded { standings, finished, .. } = answer else { panic!("{answer:?}") };
        let expected: Vec<Standing> = batch.events.iter().map(|event| known.take(event)).collect();
        assert_eq!(standings, expected);
        if let Some(trace) = finished {
            let mut told = known.told(twins.indexes[0].rules()).unwrap();
            told.calibration.flagged_for_review |= trace.calibration.flagged_for_review;
            assert_eq!(unflagged(&trace), told);
        }
    }
}

/// In the end the databases agree on every row, and each run's rows are those of its document.
async fn settle(twins: &Twins, runs: &[Known]) {
    let rows = async |store: &Store, table: &str| {
        let mut rows = store.rows(&format!("select * from {table}")).await;
        for row in &mut rows {
            row.retain(|column, _| !OF_THE_DATABASE.contains(&column.as_str()));
        }
        sort(&mut rows);
        rows
    };
    if let [sqlite, postgres] = twins.stores.as_slice() {
        for table in TABLES.iter().chain(&["flags"]).chain(&super::SUMS) {
            assert_eq!(rows(postgres, table).await, rows(sqlite, table).await, "{table}");
        }
    }
    let sqlite = &twins.indexes[0];
    let mut whole = Vec::new();
    for (run, known) in runs.iter().enumerate() {
        let id: TraceId = format!("run{run}").parse().unwrap();
        let events = sqlite.events(&id).await.unwrap();
        let trace = fold(known.document.clone(), &events, sqlite.rules());
        assert_eq!(status(sqlite, &id).await, trace.as_ref().map(|trace| trace.status().to_string()));
        whole.extend(trace);
    }
    let before = projection(&twins.stores[0]).await;
    twins.stores[0].clear().await;
    sqlite.import(with_paths(whole)).await.unwrap();
    assert_same(&before, &projection(&twins.stores[0]).await, "piecewise and imported");
}

#[test]
fn any_history_ends_in_the_same_rows_on_both_and_in_those_of_the_documents() {
    for_all(24, &steps(), &play);
}

#[test]
fn any_filter_in_any_order_gives_the_same_pages_on_both_as_a_plain_list() {
    let questions =
        prop::collection::vec((any_filter(), prop::sample::select(Sort::ALL.to_vec()), 1_u32..6), 12);
    for_all(24, &(any_runs(16), questions), &async |twins: &Twins, (runs, questions)| {
        twins.record(runs.iter().map(Run::batch).collect()).await;
        let mut traces: Vec<Trace> = runs.iter().map(Run::told).collect();
        let flagged = Filter { flagged: Some(true), ..Filter::default() };
        let flagged = listing::all(&twins.indexes[0], &flagged, Sort::Newest, 100).await;
        for trace in &mut traces {
            trace.calibration.flagged_for_review =
                flagged.iter().any(|line| line.trace_id == trace.trace_id.as_str());
        }
        for (filter, sort, size) in questions {
            let expected = reference::list(&traces, &filter, sort);
            for index in &twins.indexes {
                let lines = listing::all(index, &filter, sort, size).await;
                let ids: Vec<String> = lines.into_iter().map(|line| line.trace_id).collect();
                assert_eq!(ids, expected, "{sort:?} {filter:?}");
                assert_eq!(index.count(&filter).await.unwrap(), expected.len() as u64);
                assert_eq!(index.total(&filter).await.unwrap(), expected.len() as u64);
            }
        }
    });
}

#[test]
fn any_text_is_found_on_both_by_the_words_that_it_holds_and_no_others() {
    let run = (any_text(), prop::collection::vec(any_text(), 0..3), prop::option::of(any_text()));
    let runs = prop::collection::vec(run, 1..8);
    for_all(32, &(runs, prop::collection::vec(any_text(), 8)), &async |twins: &Twins, (runs, typed)| {
        let runs: Vec<Run> = runs
            .into_iter()
            .enumerate()
            .map(|(n, (query, tags, error))| {
                let run =
                    Run::new(&format!("t{n}")).start(StartEvent { query, tags, ..StartEvent::default() });
                match error {
                    None => run,
                    error => {
                        run.finish(FinishEvent { status: Status::Failed, error, ..FinishEvent::default() })
                    }
                }
            })
            .collect();
        twins.record(runs.iter().map(Run::batch).collect()).await;
        let traces: Vec<Trace> = runs.iter().map(Run::told).collect();
        let queries = traces.iter().map(|trace| trace.run.query.clone());
        for typed in typed.into_iter().chain(queries) {
            let filter = searching::text(&typed);
            for sort in [Sort::Newest, Sort::Oldest] {
                let expected = reference::list(&traces, &filter, sort);
                for index in &twins.indexes {
                    let lines = listing::all(index, &filter, sort, 3).await;
                    let ids: Vec<String> = lines.into_iter().map(|line| line.trace_id).collect();
                    assert_eq!(ids, expected, "{typed:?}");
                }
            }
        }
    });
}
