//! A server of its own for each test, and a client that talks to it as clients do.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use rmcp::model::{
    CallToolRequestParams, CallToolResult, ClientCapabilities, ClientConfig, Implementation, ProtocolVersion,
};
use rmcp::service::{RoleClient, RunningService};
use rmcp::{ClientLifecycleMode, ClientServiceExt as _, ServiceExt as _};
use serde_json::Value;
use tempfile::TempDir;

use super::{Server, ToolSet};
use crate::calibration::CalibrationRules;
use crate::gate::{Gate, Minter, Redactor, Settings};
use crate::model::{ManualClock, QualityRules};
use crate::query::Query;
use crate::recorder::{Intake, Recorder, RecorderOptions, Retention, Role, Switch};
use crate::store::DatabaseTarget;
use crate::store::documents::DocumentsTarget;
use crate::store::index::Scope;

pub(super) type Client = RunningService<RoleClient, ClientConfig>;

/// A server over stores in a folder that goes with it. Its clock moves only when told to, and its ids count up.
pub(super) struct Bench {
    pub(super) home: TempDir,
    pub(super) recorder: Recorder,
    pub(super) server: Server,
}

impl Bench {
    pub(super) fn new() -> Self {
        Self::with(ToolSet::All, Switch::default())
    }

    pub(super) fn with(tools: ToolSet, switch: Switch) -> Self {
        let home = tempfile::tempdir().unwrap();
        let database = DatabaseTarget::Sqlite(home.path().join("whytrace.db"));
        Self::over(home, database, tools, switch)
    }

    /// A server whose database cannot be opened: a folder stands in its place.
    pub(super) fn without_database() -> Self {
        let home = tempfile::tempdir().unwrap();
        let place = home.path().join("whytrace.db");
        std::fs::create_dir(&place).unwrap();
        Self::over(home, DatabaseTarget::Sqlite(place), ToolSet::All, Switch::default())
    }

    fn over(home: TempDir, database: DatabaseTarget, tools: ToolSet, switch: Switch) -> Self {
        let clock = Arc::new(ManualClock::new("2026-02-13T14:30:22Z".parse().unwrap()));
        let options = RecorderOptions {
            home: home.path().to_owned(),
            database,
            documents: DocumentsTarget::Folder(home.path().to_owned()),
            installation: "test".to_owned(),
            process: "p1".to_owned(),
            role: Role::Server,
            quality: QualityRules::default(),
            calibration: CalibrationRules::default(),
            abandon_after: Duration::from_secs(86_400),
            retention: Retention::default(),
            require_database: false,
        };
        let recorder = Recorder::open(options, clock.clone()).unwrap();
        let drawn = AtomicU32::new(0xa1b2_c3d4);
        let entropy = move || drawn.fetch_add(1, Ordering::Relaxed);
        let minter = Minter::new("p1", clock, entropy);
        let gate = Gate::new(Some(Redactor::new([7; 32])), minter, Settings::default());
        let query = Query::new(recorder.stores().clone());
        let intake = Arc::new(Intake::new(gate, recorder.clone(), switch));
        let server = Server::new(intake, query, tools, Scope::All);
        Self { home, recorder, server }
    }

    /// A client of the versions before 2026-07-28, connected by `initialize`.
    pub(super) async fn client(&self) -> Client {
        self.warm().await;
        connect(self.server.clone(), ClientLifecycleMode::Initialize).await
    }

    /// A client of 2026-07-28, which says of itself with each request.
    pub(super) async fn modern_client(&self) -> Client {
        self.warm().await;
        let preferred_versions = vec![ProtocolVersion::V_2026_07_28];
        connect(self.server.clone(), ClientLifecycleMode::Discover { preferred_versions }).await
    }

    /// Opens the database ahead, so that no answer says that it was slow to come.
    async fn warm(&self) {
        // A database that is away is what some tests are about.
        let _ = self.recorder.stores().index.probe().await;
    }

    /// The text without what differs from test to test: the folder.
    pub(super) fn anonymous(&self, text: &str) -> String {
        text.replace(&path_text(self.home.path()), "HOME")
    }
}

pub(super) async fn connect(server: Server, lifecycle: ClientLifecycleMode) -> Client {
    let (ours, theirs) = tokio::io::duplex(64 * 1024);
    tokio::spawn(async move { Box::pin(server.serve(ours)).await.unwrap().waiting().await });
    ClientConfig::new(ClientCapabilities::default(), Implementation::new("test-client", "1.2.3"))
        .serve_with_lifecycle(theirs, lifecycle)
        .await
        .unwrap()
}

/// Calls a tool with these arguments.
pub(super) async fn call(client: &Client, tool: &'static str, arguments: Value) -> CallToolResult {
    let Value::Object(arguments) = arguments else { panic!("arguments are an object") };
    client.call_tool(CallToolRequestParams::new(tool).with_arguments(arguments)).await.unwrap()
}

/// Calls a tool that answers without an error, and gives the data.
pub(super) async fn ask(client: &Client, tool: &'static str, arguments: Value) -> Value {
    let result = call(client, tool, arguments).await;
    assert_eq!(result.is_error, Some(false), "{}", text(&result));
    result.structured_content.unwrap()
}

/// Calls a tool that answers with an error, and gives its text.
pub(super) async fn fail(client: &Client, tool: &'static str, arguments: Value) -> String {
    let result = call(client, tool, arguments).await;
    assert_eq!(result.is_error, Some(true), "{}", text(&result));
    text(&result)
}

/// The text of a result: its one block.
pub(super) fn text(result: &CallToolResult) -> String {
    assert_eq!(result.content.len(), 1);
    result.content[0].as_text().unwrap().text.clone()
}

/// Both parts of a result, as a snapshot shows them.
pub(super) fn both(result: &CallToolResult) -> String {
    let data = serde_json::to_string_pretty(&result.structured_content).unwrap();
    format!("{}\n---\n{data}", text(result))
}

fn path_text(path: &Path) -> String {
    path.display().to_string()
}
