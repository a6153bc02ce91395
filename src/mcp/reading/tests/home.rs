//! An installation of its own, with runs to ask about.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::calibration::CalibrationRules;
use crate::gate::request::parse;
use crate::gate::{CallerContext, Gate, Minter, Settings};
use crate::mcp::reading::TOOLS;
use crate::mcp::reading::budget::{budget, tokens};
use crate::mcp::tool::{Answer, Context, ToolError};
use crate::model::{Clock, ManualClock, QualityRules};
use crate::query::Query;
use crate::recorder::{Intake, Recorder, RecorderOptions, Retention, Role, Switch};
use crate::store::DatabaseTarget;
use crate::store::documents::DocumentsTarget;
use crate::store::index::Scope;

/// A home folder with a recorder over it.
pub(super) struct Home {
    pub(super) context: Context,
    pub(super) clock: Arc<ManualClock>,
    folder: TempDir,
}

impl Home {
    /// Opens a new one. It is 2026-02-13, half past two.
    pub(super) fn open() -> Self {
        Self::with_database("whytrace.db")
    }

    /// The same without a database that could be opened.
    pub(super) fn without_database() -> Self {
        Self::with_database("no/such/folder/whytrace.db")
    }

    fn with_database(path: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        if path.contains('/') {
            // A file where a folder would have to be.
            std::fs::write(folder.path().join("no"), "").unwrap();
        }
        let clock = Arc::new(ManualClock::new("2026-02-13T14:30:00Z".parse().unwrap()));
        let options = RecorderOptions {
            home: folder.path().to_owned(),
            database: DatabaseTarget::Sqlite(folder.path().join(path)),
            documents: DocumentsTarget::Folder(folder.path().to_owned()),
            installation: "test".to_owned(),
            process: "p1".to_owned(),
            role: Role::Server,
            quality: QualityRules::default(),
            calibration: CalibrationRules::default(),
            abandon_after: Duration::from_secs(86_400),
            retention: Retention::default(),
            require_database: false,
        };
        let shared: Arc<dyn Clock> = Arc::<ManualClock>::clone(&clock);
        let recorder = Recorder::open(options, Arc::clone(&shared)).unwrap();
        let gate = Gate::new(None, Minter::new("p1", shared, || 7), Settings::default());
        let query = Query::new(recorder.stores().clone());
        let intake = Arc::new(Intake::new(gate, recorder, Switch::default()));
        let context =
            Context { intake, query, scope: Scope::All, token_id: None, caller: CallerContext::default() };
        Self { context, clock, folder }
    }

    /// The same home as somebody sees it who may see these projects.
    pub(super) fn seen_by(&self, projects: &[&str]) -> Context {
        let projects = projects.iter().map(|project| (*project).to_owned()).collect();
        Context { scope: Scope::Projects(projects), ..self.context.clone() }
    }

    /// Records a run: what its start, its finish and the events between say beyond the necessary.
    pub(super) async fn run(&self, id: &str, start: &Value, events: &[Value], finish: &Value) {
        let mut first = json!({"kind": "start", "project": "cobot", "query": "Which arm lifts 10 kg?"});
        merge(&mut first, start);
        let mut batch = vec![first];
        batch.extend(events.iter().cloned());
        if !finish.is_null() {
            let mut last = json!({"kind": "finish"});
            merge(&mut last, finish);
            batch.push(last);
        }
        let request = parse(json!({"trace_id": id, "events": batch})).unwrap();
        self.context.intake.record(request, &CallerContext::default()).await.unwrap();
        self.clock.advance(chrono::TimeDelta::minutes(1));
    }

    /// Asks, and checks what holds of every answer.
    pub(super) async fn ask(&self, tool: &str, arguments: Value) -> Answer {
        self.try_ask(tool, arguments).await.unwrap()
    }

    pub(super) async fn try_ask(&self, tool: &str, arguments: Value) -> Result<Answer, ToolError> {
        ask_as(&self.context, tool, arguments).await
    }

    pub(super) fn document(&self, project: &str, id: &str) -> std::path::PathBuf {
        self.folder.path().join("projects").join(project).join("_traces").join(format!("{id}.json"))
    }
}

/// Asks as somebody, and checks what holds of every answer.
pub(super) async fn ask_as(context: &Context, tool: &str, arguments: Value) -> Result<Answer, ToolError> {
    let found = TOOLS.iter().find(|one| one.name == tool).unwrap();
    let asked = arguments.get("max_tokens").and_then(Value::as_i64);
    let answer = (found.call)(Arc::new(context.clone()), arguments).await?;
    check(tool, &answer, asked);
    Ok(answer)
}

/// What holds of every answer: it is within its budget, matches its schema, and hides nothing.
pub(in crate::mcp::reading) fn check(tool: &str, answer: &Answer, max_tokens: Option<i64>) {
    let most = budget(max_tokens);
    assert!(tokens(answer) <= most, "{tool}: {} tokens of {most}: {answer:?}", tokens(answer));
    let schema = (TOOLS.iter().find(|one| one.name == tool).unwrap().output_schema)();
    let fields = answer.structured.as_object().unwrap();
    for (name, value) in fields {
        let declared = schema["properties"].get(name).and_then(|field| field["type"].as_str());
        let is = match value {
            Value::Null => "null",
            Value::Bool(_) => "boolean",
            Value::Number(number) if number.is_f64() => "number",
            Value::Number(_) => "integer",
            Value::String(_) => "string",
            Value::Array(_) => "array",
            Value::Object(_) => "object",
        };
        assert_eq!(declared, Some(is), "{tool}: {name}");
    }
    for name in schema.get("required").and_then(Value::as_array).into_iter().flatten() {
        assert!(fields.contains_key(name.as_str().unwrap()), "{tool}: {name} is missing");
    }
    assert_eq!(crate::shown::shown(&answer.text), answer.text.as_str());
}

fn merge(into: &mut Value, more: &Value) {
    if let (Some(into), Some(more)) = (into.as_object_mut(), more.as_object()) {
        into.extend(more.clone());
    }
}
