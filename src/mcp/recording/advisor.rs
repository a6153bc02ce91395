//! Advice to whoever records: follows the runs of this process, and looks up how a choice fared before.
//!
//! What is worth saying is [`advice`](crate::advice)'s to judge. Here is what it needs to know, within bounds: the course
//! of the latest runs, and the records of the keys they decide. Nobody waits for a record: it is looked up beside the
//! recording, and told if it is there when that is done; else it is there for the next decision of its key.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::FutureExt as _;
use indexmap::IndexMap;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

use crate::advice::{Course, Sketch};
use crate::gate::request::{DecisionRequest, EventKind, EventRequest};
use crate::gate::text::label;
use crate::mcp::tool::Context;
use crate::model::{Timestamp, TraceId};
use crate::query::Query;
use crate::recorder::DecisionRecorded;
use crate::statistics::{Fared, Outcome, fared};
use crate::words::choice;

/// Runs that are followed, the latest ones.
const RUNS: usize = 1_024;
/// Keys whose records are kept, the latest ones.
const RECORDS: usize = 1_024;
/// How long a record is told before it is looked up again.
const FRESH_FOR: Duration = Duration::from_secs(60);
/// Records that are looked up at a time.
const LOOKUPS: usize = 2;

/// Gives advice. One for all clients of a process.
#[derive(Debug)]
pub(crate) struct Advisor {
    is_on: bool,
    runs: Mutex<IndexMap<TraceId, Followed>>,
    records: Mutex<IndexMap<Question, Arc<Record>>>,
    lookups: Arc<Semaphore>,
    /// Counts what is heard of runs, so that the one that was silent for longest is let go of.
    heard: AtomicU64,
}

/// A run of this process.
#[derive(Debug, Default)]
struct Followed {
    heard: u64,
    course: Course,
    /// Where it was begun here.
    kind: Option<(String, Option<String>)>,
}

/// What is decided, in which project and kind of run.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Question {
    project: String,
    intent: Option<String>,
    decision: String,
}

/// How the choices of a question fared.
#[derive(Debug)]
struct Record {
    of: HashMap<String, Fared>,
    looked_up: Duration,
}

/// Something that happened in a run and is no decision.
pub(super) enum Milestone {
    Began(String, Option<String>),
    Ended,
    StageBegan(String),
    StageEnded(String),
}

/// What advice on a decision needs, while the decision itself goes to be recorded: what it says, and the record of its
/// choice, which may be on its way.
pub(super) struct Asked {
    record: Option<Lookup>,
    choice: String,
    intent: Option<String>,
    stage: String,
    decision: String,
    what: String,
    why: String,
    inputs: String,
    confidence: Option<f64>,
    has_alternatives: bool,
}

enum Lookup {
    Known(Arc<Record>),
    Running(JoinHandle<Option<Arc<Record>>>),
}

impl Advisor {
    pub(crate) fn new(is_on: bool) -> Self {
        Self {
            is_on,
            runs: Mutex::default(),
            records: Mutex::default(),
            lookups: Arc::new(Semaphore::new(LOOKUPS)),
            heard: AtomicU64::new(0),
        }
    }

    /// A run was begun.
    pub(super) fn began(&self, trace_id: &TraceId, project: &str, intent: Option<&str>) {
        // As the gate reads them, which has let them in.
        let name = |field, text: &str| label(field, text).unwrap_or_default();
        let kind = (name("project", project), intent.map(|intent| name("intent", intent)));
        self.follow(trace_id, |run| run.kind = Some(kind));
    }

    /// A run was ended: there is nothing more to say.
    pub(super) fn ended(&self, trace_id: &TraceId) {
        self.runs.lock().unwrap_or_else(PoisonError::into_inner).swap_remove(trace_id);
    }

    /// What of a batch matters for advice.
    pub(super) fn milestones(events: &[EventRequest]) -> Vec<Milestone> {
        let of = |event: &EventRequest| match event.kind {
            EventKind::Start => Some(Milestone::Began(event.project.clone()?, event.intent.clone())),
            EventKind::Finish => Some(Milestone::Ended),
            EventKind::StageStart => event.stage.clone().map(Milestone::StageBegan),
            EventKind::StageEnd => event.stage.clone().map(Milestone::StageEnded),
            _ => None,
        };
        events.iter().filter_map(of).collect()
    }

    /// These happened in a run.
    pub(super) fn happened(&self, trace_id: &TraceId, milestones: Vec<Milestone>, at: Timestamp) {
        for milestone in milestones {
            match milestone {
                Milestone::Began(project, intent) => self.began(trace_id, &project, intent.as_deref()),
                Milestone::Ended => self.ended(trace_id),
                Milestone::StageBegan(stage) => {
                    self.follow(trace_id, |run| run.course.stage_began(&stage, at));
                }
                Milestone::StageEnded(stage) => self.follow(trace_id, |run| run.course.stage_ended(&stage)),
            }
        }
    }

    /// Takes note of a decision that is about to be recorded, and asks how its choice fared before, if whoever records
    /// may know and the run was begun here. `None` where no advice is given.
    pub(super) fn ask(self: &Arc<Self>, request: &DecisionRequest, context: &Context) -> Option<Asked> {
        if !self.is_on {
            return None;
        }
        let kind = || {
            let trace_id: TraceId = request.trace_id.parse().ok()?;
            self.runs.lock().unwrap_or_else(PoisonError::into_inner).get(&trace_id)?.kind.clone()
        };
        let kind = if context.may_read { kind() } else { None };
        let intent = kind.as_ref().and_then(|(_, intent)| intent.clone());
        let record = kind.and_then(|(project, intent)| {
            let question = Question { project, intent, decision: request.decision.clone() };
            self.look_up(question, context)
        });
        Some(Asked {
            record,
            choice: choice(&request.what),
            intent,
            stage: request.stage.clone(),
            decision: request.decision.clone(),
            what: request.what.clone(),
            why: request.why.clone(),
            inputs: request.inputs.as_ref().map(ToString::to_string).unwrap_or_default(),
            confidence: request.confidence,
            has_alternatives: !request.alternatives_considered.is_empty(),
        })
    }

    fn look_up(self: &Arc<Self>, question: Question, context: &Context) -> Option<Lookup> {
        let now = context.intake.recorder().clock().elapsed();
        let known = self.records.lock().unwrap_or_else(PoisonError::into_inner).get(&question).cloned();
        if let Some(known) = known.filter(|known| now.saturating_sub(known.looked_up) < FRESH_FOR) {
            return Some(Lookup::Known(known));
        }
        let permit = Arc::clone(&self.lookups).try_acquire_owned().ok()?;
        let (advisor, query) = (Arc::clone(self), context.query.clone());
        Some(Lookup::Running(tokio::spawn(async move {
            let record = Arc::new(Record { of: record(&query, &question).await?, looked_up: now });
            let mut records = advisor.records.lock().unwrap_or_else(PoisonError::into_inner);
            keep(&mut records, RECORDS, question, Arc::clone(&record));
            drop(permit);
            Some(record)
        })))
    }

    /// Says what is worth saying of a decision that was recorded.
    pub(super) fn advise(&self, recorded: &DecisionRecorded, asked: Asked, at: Timestamp) -> Option<String> {
        let record = match asked.record {
            Some(Lookup::Known(record)) => Some(record),
            Some(Lookup::Running(lookup)) => lookup.now_or_never().and_then(Result::ok).flatten(),
            None => None,
        };
        let fared = record.and_then(|record| record.of.get(&asked.choice).copied());
        let sketch = Sketch {
            decision_id: recorded.decision_id.as_str(),
            stage: &asked.stage,
            decision: &asked.decision,
            what: &asked.what,
            why: &asked.why,
            inputs: &asked.inputs,
            confidence: asked.confidence,
            has_alternatives: asked.has_alternatives,
        };
        let mut advice = None;
        self.follow(&recorded.ack.trace_id, |run| {
            advice = run.course.decided(&sketch, at, fared, asked.intent.as_deref());
        });
        advice.map(|advice| advice.to_string())
    }

    fn follow(&self, trace_id: &TraceId, change: impl FnOnce(&mut Followed)) {
        if !self.is_on {
            return;
        }
        let mut runs = self.runs.lock().unwrap_or_else(PoisonError::into_inner);
        if runs.len() >= RUNS && !runs.contains_key(trace_id) {
            let silent = runs.iter().enumerate().min_by_key(|(_, (_, run))| run.heard);
            if let Some(place) = silent.map(|(place, _)| place) {
                runs.swap_remove_index(place);
            }
        }
        let heard = self.heard.fetch_add(1, Ordering::Relaxed);
        let run = runs.entry(trace_id.clone()).or_default();
        run.heard = heard;
        change(run);
    }
}

/// Puts something last, and lets go of the first where there would be too many.
fn keep<K: Hash + Eq, V>(map: &mut IndexMap<K, V>, most: usize, key: K, value: V) {
    map.shift_remove(&key);
    if map.len() >= most {
        map.shift_remove_index(0);
    }
    map.insert(key, value);
}

/// How the runs of each choice fared, and those that did not make it; nothing where the database does not say.
async fn record(query: &Query, question: &Question) -> Option<HashMap<String, Fared>> {
    let Question { project, intent, decision } = question;
    let outcomes = query.choice_outcomes(project, intent.as_deref(), decision).await.ok()?;
    Some(fared(outcomes.iter().map(|one| Outcome {
        run: &one.trace_id,
        choice: Some(&one.choice),
        passed: Some(one.passed),
    })))
}
