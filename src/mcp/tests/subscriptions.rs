//! Clients that subscribe to runs, old and new ones, and what they hear.
#![expect(deprecated, reason = "older clients subscribe in the way that has gone from the newest version")]

use rmcp::model::{
    ClientCapabilities, ClientConfig, Implementation, ProtocolVersion, ResourceUpdatedNotificationParam,
    ServerNotification, SubscribeRequestParams, SubscriptionFilter, UnsubscribeRequestParams,
};
use rmcp::service::{NotificationContext, RoleClient, RunningService, Subscription, SubscriptionEnd};
use rmcp::{ClientHandler, ClientLifecycleMode, ClientServiceExt as _, ServiceExt as _};
use serde_json::json;
use tokio::sync::mpsc;

use crate::access::Principal;
use crate::mcp::Server;
use crate::mcp::testing::{Bench, Client, ask};
use crate::store::index::Scope;

/// A client that writes down what it is told.
struct Listener {
    heard: mpsc::UnboundedSender<String>,
}

impl ClientHandler for Listener {
    fn get_info(&self) -> ClientConfig {
        ClientConfig::new(ClientCapabilities::default(), Implementation::new("listener", "1"))
    }

    async fn on_resource_updated(
        &self,
        update: ResourceUpdatedNotificationParam,
        _context: NotificationContext<RoleClient>,
    ) {
        self.heard.send(update.uri).unwrap();
    }
}

/// A listener that subscribes as clients did before 2026-07-28.
struct Old {
    service: RunningService<RoleClient, Listener>,
    heard: mpsc::UnboundedReceiver<String>,
}

impl Old {
    async fn connect(server: &Server) -> Self {
        let (sender, heard) = mpsc::unbounded_channel();
        let service = connect(server, ClientLifecycleMode::Initialize, Listener { heard: sender }).await;
        Self { service, heard }
    }

    async fn subscribe(&self, uri: &str) -> Result<(), String> {
        let subscribed = self.service.subscribe(SubscribeRequestParams::new(uri)).await;
        subscribed.map_err(|error| error.to_string())
    }

    async fn hears(&mut self) -> String {
        self.heard.recv().await.unwrap()
    }
}

async fn connect(
    server: &Server,
    lifecycle: ClientLifecycleMode,
    listener: Listener,
) -> RunningService<RoleClient, Listener> {
    let (ours, theirs) = tokio::io::duplex(64 * 1024);
    let server = server.clone();
    tokio::spawn(async move { Box::pin(server.serve(ours)).await.unwrap().waiting().await });
    listener.serve_with_lifecycle(theirs, lifecycle).await.unwrap()
}

/// A listener of 2026-07-28, and its one stream.
async fn listen(server: &Server, uris: &[&str]) -> (RunningService<RoleClient, Listener>, Subscription) {
    let lifecycle = ClientLifecycleMode::Discover { preferred_versions: vec![ProtocolVersion::V_2026_07_28] };
    let (sender, _) = mpsc::unbounded_channel();
    let service = connect(server, lifecycle, Listener { heard: sender }).await;
    let filter = SubscriptionFilter::builder().resource_subscriptions(uris.iter().copied()).build();
    let stream = service.listen(filter).await.unwrap();
    (service, stream)
}

/// The address that the stream tells of next; `None` at its end.
async fn told(stream: &mut Subscription) -> Option<String> {
    match stream.next().await.unwrap()? {
        ServerNotification::ResourceUpdatedNotification(update) => Some(update.params.uri),
        other => panic!("{other:?}"),
    }
}

/// A server with two open runs, `a` of the project grid and `b` of the project cobot, and one who records.
async fn bench() -> (Bench, Client) {
    let bench = Bench::new();
    let client = bench.client().await;
    for (id, project) in [("a", "grid"), ("b", "cobot")] {
        ask(&client, "trace_start", json!({"project": project, "query": "?", "trace_id": id})).await;
    }
    bench.recorder.settled().await;
    (bench, client)
}

fn of_cobot(bench: &Bench) -> Server {
    bench.server.for_principal(Principal::trusted(Scope::Projects(vec!["cobot".to_owned()])))
}

async fn decide(client: &Client, trace_id: &str) {
    let decision = json!({"trace_id": trace_id, "stage": "s", "decision": "k", "what": "x", "why": "y"});
    ask(client, "trace_record_decision", decision).await;
}

#[tokio::test]
async fn an_old_client_hears_of_each_form_it_subscribed_to_as_it_wrote_it() {
    let (bench, recording) = bench().await;
    let mut old = Old::connect(&bench.server).await;
    assert_eq!(
        old.service.peer_info().unwrap().capabilities.resources.as_ref().unwrap().subscribe,
        Some(true)
    );
    for uri in ["trace://b/", "trace://b/summary", "trace://b/summary"] {
        old.subscribe(uri).await.unwrap();
    }
    decide(&recording, "a").await;
    decide(&recording, "b").await;
    assert_eq!([old.hears().await, old.hears().await], ["trace://b/", "trace://b/summary"]);
}

#[tokio::test]
async fn an_old_client_hears_no_more_of_what_it_has_unsubscribed_from() {
    let (bench, recording) = bench().await;
    let mut old = Old::connect(&bench.server).await;
    for uri in ["trace://a", "trace://a/summary", "trace://b"] {
        old.subscribe(uri).await.unwrap();
    }
    for uri in ["trace://a", "trace://a/summary", "trace://never", "no uri"] {
        old.service.unsubscribe(UnsubscribeRequestParams::new(uri)).await.unwrap();
    }
    decide(&recording, "a").await;
    decide(&recording, "b").await;
    assert_eq!(old.hears().await, "trace://b");
}

#[tokio::test]
async fn the_end_of_a_run_is_told_and_so_is_that_it_ended_before() {
    let (bench, recording) = bench().await;
    let mut old = Old::connect(&bench.server).await;
    let (_service, mut stream) = listen(&bench.server, &["trace://a", "trace://b"]).await;
    for there in ["trace://a", "trace://b"] {
        assert_eq!(told(&mut stream).await.as_deref(), Some(there), "it begins with what is there");
    }
    old.subscribe("trace://a").await.unwrap();
    ask(&recording, "trace_finish", json!({"trace_id": "a"})).await;
    assert_eq!(old.hears().await, "trace://a");
    assert_eq!(told(&mut stream).await.as_deref(), Some("trace://a"));
    old.subscribe("trace://a").await.unwrap();
    assert_eq!(old.hears().await, "trace://a", "it may have subscribed a moment too late");
    ask(&recording, "trace_finish", json!({"trace_id": "b"})).await;
    assert_eq!(told(&mut stream).await.as_deref(), Some("trace://b"));
    assert_eq!(told(&mut stream).await, None);
    assert!(matches!(stream.end(), Some(SubscriptionEnd::Graceful(_))), "{:?}", stream.end());
}

#[tokio::test]
async fn a_run_that_may_not_be_read_is_answered_as_one_that_is_not_there() {
    let (bench, recording) = bench().await;
    let server = of_cobot(&bench);
    let mut old = Old::connect(&server).await;
    let foreign = old.subscribe("trace://a").await.unwrap_err();
    let missing = old.subscribe("trace://z").await.unwrap_err();
    assert_eq!(foreign.replace("\"a\"", "\"z\""), missing);
    assert!(missing.contains("-32002") && missing.contains("there is no trace"), "{missing}");
    assert!(old.subscribe("file:///etc/passwd").await.unwrap_err().contains("no such resource"));
    old.subscribe("trace://b").await.unwrap();
    let (_service, mut stream) = listen(&server, &["trace://a", "trace://z", "trace://b", "other://b"]).await;
    let accepted = stream.acknowledged().resource_subscriptions.clone().unwrap();
    assert_eq!(accepted, ["trace://a", "trace://z", "trace://b"], "whether they are there is not said");
    assert_eq!(told(&mut stream).await.as_deref(), Some("trace://b"));
    decide(&recording, "a").await;
    ask(&recording, "trace_finish", json!({"trace_id": "a"})).await;
    decide(&recording, "b").await;
    assert_eq!(old.hears().await, "trace://b");
    assert_eq!(told(&mut stream).await.as_deref(), Some("trace://b"));
}

#[tokio::test]
async fn a_stream_awaits_a_run_that_is_yet_to_begin() {
    let (bench, recording) = bench().await;
    let (_service, mut stream) = listen(&bench.server, &["trace://c"]).await;
    ask(&recording, "trace_start", json!({"project": "cobot", "query": "?", "trace_id": "c"})).await;
    assert_eq!(told(&mut stream).await.as_deref(), Some("trace://c"));
}

#[tokio::test]
async fn with_the_database_away_what_this_process_records_is_heard() {
    let bench = Bench::without_database();
    let recording = bench.client().await;
    ask(&recording, "trace_start", json!({"project": "cobot", "query": "?", "trace_id": "b"})).await;
    let mut old = Old::connect(&of_cobot(&bench)).await;
    old.subscribe("trace://b").await.unwrap();
    assert!(old.subscribe("trace://a").await.unwrap_err().contains("unavailable"));
    decide(&recording, "b").await;
    assert_eq!(old.hears().await, "trace://b");
}

#[tokio::test]
async fn one_client_subscribes_to_a_hundred_addresses_and_what_it_ends_makes_room() {
    let (bench, recording) = bench().await;
    ask(&recording, "trace_start", json!({"project": "grid", "query": "?", "trace_id": "abcdefgh"})).await;
    // Each letter may be written in two ways, and so the one run in 256.
    let address = |number: u8| {
        let letters = "abcdefgh".chars().enumerate();
        let written = letters.map(|(place, letter)| match number >> place & 1 {
            0 => letter.to_string(),
            _ => format!("%{:02X}", u32::from(letter)),
        });
        format!("trace://{}", written.collect::<String>())
    };
    let old = Old::connect(&bench.server).await;
    for number in 0..100 {
        old.subscribe(&address(number)).await.unwrap();
    }
    assert_eq!(old.subscribe(&address(0)).await, Ok(()), "again is no more");
    let refused = old.subscribe(&address(100)).await.unwrap_err();
    assert!(refused.contains("100 addresses are subscribed to"), "{refused}");
    old.service.unsubscribe(UnsubscribeRequestParams::new(address(7))).await.unwrap();
    old.subscribe(&address(100)).await.unwrap();
}

#[tokio::test]
async fn what_is_subscribed_to_ends_with_the_connection_or_the_stream() {
    let (bench, _recording) = bench().await;
    let old = Old::connect(&bench.server).await;
    old.subscribe("trace://b").await.unwrap();
    let (service, mut stream) = listen(&bench.server, &["trace://a", "trace://b"]).await;
    let watched = async |count: usize| {
        while bench.recorder.watched() != count {
            tokio::task::yield_now().await;
        }
    };
    watched(3).await;
    stream.cancel().await.unwrap();
    watched(1).await;
    old.service.cancel().await.unwrap();
    watched(0).await;
    drop(service);
}
