//! What one client may ask for, hold and delay; and that others do not feel it.

use axum::body::Body;
use axum::extract::Request;
use chrono::TimeDelta;
use hyper::service::Service as _;
use hyper_util::service::TowerToHyperService;

use super::*;
use crate::access::{Authenticator, Keyring, OAuth};
use crate::model::{ManualClock, QualityRules};
use crate::store::DatabaseTarget;
use crate::store::index::{Index, Permissions, Scope};
use crate::transport::http::caller::Peer;

/// What a request of a token begins its headers with.
pub(super) fn bearing(token: &str) -> String {
    format!("Authorization: Bearer {token}\r\n{JSON}")
}

/// A server that needs one of two tokens, and whose clock moves only when told to.
pub(super) struct Guarded {
    _folder: tempfile::TempDir,
    pub(super) server: Server,
    clock: Arc<ManualClock>,
    pub(super) one: String,
    pub(super) two: String,
}

impl Guarded {
    async fn with(change: impl FnOnce(&mut HttpOptions)) -> Self {
        Self::with_oauth(None, change).await
    }

    /// One that takes the tokens of an authorization server too.
    pub(super) async fn with_oauth(oauth: Option<OAuth>, change: impl FnOnce(&mut HttpOptions)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::new("2026-02-13T14:30:22Z".parse().unwrap()));
        let database = DatabaseTarget::Sqlite(folder.path().join("whytrace.db"));
        let keyring = Keyring::new(Index::new(&database, QualityRules::default()), clock.clone());
        let issue = async |seed: u8| {
            let issued =
                keyring.issue([seed; 32], "n".to_owned(), Permissions::all(), Scope::All, None).await;
            issued.unwrap().0.reveal().to_owned()
        };
        let (one, two) = (issue(1).await, issue(2).await);
        let of_server = clock.clone();
        let server = Server::with(move |options| {
            options.clock = of_server;
            options.guard = Some(Guard::new(Authenticator::new(Some(keyring), oauth), |_, _| None));
            change(options);
        });
        Self { server: server.await, _folder: folder, clock, one, two }
    }

    pub(super) async fn echo(&self, token: &str) -> Answer {
        self.server.post("/mcp", &bearing(token), &call(1, "echo", "a")).await
    }
}

#[tokio::test]
async fn a_body_that_is_too_large_is_refused_on_every_path() {
    let server = Server::with(|options| options.max_body_bytes = 1000).await;
    for path in ["/mcp", "/messages", "/more"] {
        let declared = server.ask(&post(path, JSON, &"x".repeat(1001))).await;
        assert_eq!((declared.status, declared.headers["connection"].as_str()), (413, "close"), "{path}");
        assert!(declared.sentence().contains("1000 bytes"), "{}", declared.sentence());

        let chunk = format!("1f5\r\n{}\r\n", "x".repeat(501));
        let chunked = format!(
            "POST {path} HTTP/1.1\r\nHost: localhost\r\n{JSON}Transfer-Encoding: chunked\r\n\r\n{chunk}{chunk}0\r\n\r\n"
        );
        assert_eq!(server.ask(&chunked).await.status, 413, "{path}");
    }
    let waiting =
        "POST /mcp HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 1001\r\n\r\n";
    assert_eq!(server.ask(waiting).await.status, 413);
}

#[tokio::test]
async fn a_head_of_too_many_headers_or_bytes_is_refused() {
    let server = Server::start().await;
    let many = format!("Host: localhost\r\n{}", "X-Filler: x\r\n".repeat(100));
    assert_eq!(server.get("/health", &many).await.status, 431);
    // Its end is not waited for.
    let long = format!("GET /health HTTP/1.1\r\nX-Filler: {}", "x".repeat(64 * 1024));
    assert_eq!(server.ask(&long).await.status, 431);
}

#[tokio::test]
async fn a_body_that_does_not_arrive_is_not_waited_for() {
    let server = Server::with(|options| options.client_timeout = Duration::from_millis(20)).await;
    let answer = server.ask("POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\nhalf").await;
    assert_eq!(answer.status, 408);
}

#[tokio::test]
async fn a_head_that_does_not_arrive_is_not_waited_for() {
    let server = Server::with(|options| options.client_timeout = Duration::from_millis(20)).await;
    let mut said = String::new();
    server.send("POST /mcp HTTP/1.1\r\nHost: loc").await.read_to_string(&mut said).await.unwrap();
    assert!(said.is_empty() || said.starts_with("HTTP/1.1 408"), "{said}");
}

#[tokio::test]
async fn a_stream_that_is_not_read_ends() {
    let server = Server::with(|options| options.client_timeout = Duration::from_millis(20)).await;
    let mut stream = server.open_stream().await;
    let endpoint = stream.event("endpoint").await.unwrap();
    server.post(&endpoint, JSON, &initialize("2024-11-05")).await;
    let large = call(1, "echo", &"x".repeat(1 << 20));
    // Until what lies between both ends is full, and the server has had enough of waiting.
    while server.post(&endpoint, JSON, &large).await.status != 404 {}
    assert_eq!(server.post("/mcp", JSON, &call(1, "echo", "a")).await.status, 200);
}

#[tokio::test]
async fn work_beyond_its_time_is_cancelled() {
    let server = Server::with(|options| options.answer_timeout = Duration::from_millis(20)).await;
    assert_eq!(server.post("/mcp", JSON, &call(1, "wait", "never")).await.status, 504);
}

#[tokio::test]
async fn sessions_beyond_the_cap_are_refused_until_one_ends() {
    let server = Server::with(|options| options.max_sse_sessions = 1).await;
    let mut stream = server.open_stream().await;
    let endpoint = stream.event("endpoint").await.unwrap();
    let refused = server.get("/sse", "Host: localhost\r\n").await;
    assert_eq!((refused.status, refused.headers["retry-after"].as_str()), (503, "1"));
    assert!(!refused.sentence().is_empty());
    assert_eq!(
        server.post("/mcp", JSON, &call(1, "echo", "a")).await.status,
        200,
        "requests have their own room"
    );

    drop(stream);
    while server.get("/sse", "Host: localhost\r\nConnection: close\r\n").await.status == 503 {
        tokio::task::yield_now().await;
    }
    let gone = server.post(&endpoint, JSON, &json!({"jsonrpc": "2.0", "id": 1, "method": "ping"})).await;
    assert_eq!(gone.status, 404, "a session ends with its stream");
}

#[tokio::test]
async fn requests_beyond_the_cap_are_refused_while_others_are_answered() {
    let server = Server::with(|options| options.max_requests = 1).await;
    let mut first = server.send(&post("/mcp", JSON, &call(1, "wait", "first").to_string())).await;
    server.echo.entered().await;
    let refused = server.post("/mcp", JSON, &call(2, "echo", "second")).await;
    assert_eq!((refused.status, refused.headers["retry-after"].as_str()), (503, "1"));
    server.echo.let_go();
    assert_eq!(text_of(&Answer::read(&mut first).await.body), "first");
}

#[tokio::test]
async fn bodies_in_flight_beyond_their_memory_are_refused() {
    let server = Server::with(|options| options.max_body_bytes_in_flight = 1024).await;
    let refused = server.post("/mcp", JSON, &call(1, "echo", &"x".repeat(2000))).await;
    assert_eq!(refused.status, 503);
    assert_eq!(server.post("/mcp", JSON, &call(1, "echo", "small")).await.status, 200);
}

#[tokio::test]
async fn connections_beyond_the_cap_are_turned_away() {
    let server = Server::with(|options| options.max_connections = 1).await;
    let mut stream = server.open_stream().await;
    stream.event("endpoint").await.unwrap();
    let mut refused = BufReader::new(TcpStream::connect(server.address).await.unwrap());
    let answer = Answer::read(&mut refused).await;
    assert_eq!((answer.status, answer.headers["retry-after"].as_str()), (503, "1"));
    assert!(!answer.sentence().is_empty());
}

#[tokio::test]
async fn clients_that_never_finish_what_they_send_do_not_slow_others() {
    let server = Server::with(|options| options.max_requests = 4).await;
    let mut slow = Vec::new();
    for number in 0..100 {
        slow.push(
            server
                .send(match number % 3 {
                    0 => "POST /mcp HT",
                    1 => "POST /mcp HTTP/1.1\r\nHost: localhost\r\nX-Slow",
                    _ => {
                        "POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Length: 8000000\r\n\r\n{\"jsonrpc\""
                    }
                })
                .await,
        );
    }
    // No room of requests is held, of which there is less than there are slow clients.
    for _ in 0..200 {
        assert_eq!(server.post("/mcp", JSON, &call(1, "echo", "a")).await.status, 200);
    }
}

#[tokio::test]
async fn a_token_that_asks_too_often_is_told_when_to_go_on_and_others_are_not() {
    let guarded = Guarded::with(|options| options.rate_limit = 2).await;
    for _ in 0..4 {
        assert_eq!(guarded.echo(&guarded.one).await.status, 200);
    }
    let refused = guarded.echo(&guarded.one).await;
    assert_eq!((refused.status, refused.headers["retry-after"].as_str()), (429, "1"));
    insta::assert_snapshot!(refused.sentence(), @"this token sends more than the 2 requests a second that it may; wait 1 s, then send this request again as it is; trace_record takes many events in one request");
    assert_eq!(guarded.echo(&guarded.two).await.status, 200);
    assert_eq!(guarded.server.get("/health", "Host: localhost\r\n").await.status, 200, "nor who watches");

    guarded.clock.advance(TimeDelta::seconds(1));
    let statuses = [guarded.echo(&guarded.one).await.status, guarded.echo(&guarded.one).await.status];
    assert_eq!(statuses, [200, 200]);
    assert_eq!(guarded.echo(&guarded.one).await.status, 429);
}

#[tokio::test]
async fn setting_the_time_back_holds_nobody_up() {
    let guarded = Guarded::with(|options| options.rate_limit = 2).await;
    while guarded.echo(&guarded.one).await.status == 200 {}
    guarded.clock.set("2026-02-13T13:30:22Z".parse().unwrap());
    guarded.clock.advance(TimeDelta::seconds(1));
    assert_eq!(guarded.echo(&guarded.one).await.status, 200);
}

#[tokio::test]
async fn who_is_on_the_same_machine_and_needs_no_token_asks_as_often_as_they_like() {
    let server = Server::with(|options| options.rate_limit = 1).await;
    for _ in 0..20 {
        assert_eq!(server.post("/mcp", JSON, &call(1, "echo", "a")).await.status, 200);
    }
}

#[tokio::test]
async fn one_token_cannot_hold_all_of_the_requests() {
    let guarded = Guarded::with(|options| {
        (options.max_requests, options.max_requests_per_caller) = (3, 2);
    })
    .await;
    let wait = post("/mcp", &bearing(&guarded.one), &call(1, "wait", "first").to_string());
    let mut waiting = Vec::new();
    for _ in 0..2 {
        waiting.push(guarded.server.send(&wait).await);
        guarded.server.echo.entered().await;
    }
    let refused = guarded.echo(&guarded.one).await;
    assert_eq!((refused.status, refused.headers["retry-after"].as_str()), (429, "1"));
    assert!(refused.sentence().contains("all of the 2 requests in flight"), "{}", refused.sentence());
    assert_eq!(guarded.echo(&guarded.two).await.status, 200);
    for mut waiting in waiting {
        guarded.server.echo.let_go();
        assert_eq!(Answer::read(&mut waiting).await.status, 200);
    }
    assert_eq!(guarded.echo(&guarded.one).await.status, 200);
}

#[tokio::test]
async fn one_token_cannot_hold_all_of_the_streams() {
    let guarded = Guarded::with(|options| {
        (options.max_sse_sessions, options.max_sse_sessions_per_caller) = (2, 1);
    })
    .await;
    let open = |token: &str| format!("GET /sse HTTP/1.1\r\nHost: localhost\r\n{}\r\n", bearing(token));
    let of_one = Stream::open(guarded.server.send(&open(&guarded.one)).await).await;
    assert_eq!(guarded.server.ask(&open(&guarded.one)).await.status, 429);
    Stream::open(guarded.server.send(&open(&guarded.two)).await).await;
    drop(of_one);
    while guarded
        .server
        .send(&open(&guarded.one))
        .await
        .fill_buf()
        .await
        .unwrap()
        .starts_with(b"HTTP/1.1 429")
    {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn one_token_cannot_hold_all_of_the_memory_for_bodies() {
    let guarded = Guarded::with(|options| {
        (options.max_body_bytes, options.max_body_bytes_in_flight) = (40 * 1024, 100 * 1024);
    })
    .await;
    let head = |length: usize| {
        let token = bearing(&guarded.one);
        format!("POST /mcp HTTP/1.1\r\nHost: localhost\r\n{token}Content-Length: {length}\r\n\r\n")
    };
    let begun = format!("{}{}", head(40 * 1024), "x".repeat(30 * 1024));
    let _slow = guarded.server.send(&begun).await;
    // Until the first one has what it sent; this one is whole, so it is answered either way.
    let whole = format!("{}{}", head(20 * 1024), "x".repeat(20 * 1024));
    while guarded.server.ask(&whole).await.status != 429 {
        tokio::task::yield_now().await;
    }
    let of_two = call(1, "echo", &"x".repeat(30 * 1024));
    assert_eq!(guarded.server.post("/mcp", &bearing(&guarded.two), &of_two).await.status, 200);
}

/// A session that has shaken hands, and where its messages go.
async fn session(server: &Server) -> (Stream, String) {
    let mut stream = server.open_stream().await;
    let endpoint = stream.event("endpoint").await.unwrap();
    server.post(&endpoint, JSON, &initialize("2024-11-05")).await;
    stream.message().await;
    (stream, endpoint)
}

#[tokio::test]
async fn a_call_over_sse_is_in_flight_until_its_answer_has_left() {
    let server = Server::with(|options| options.max_requests = 2).await;
    let (mut stream, endpoint) = session(&server).await;
    for id in [1, 2] {
        assert_eq!(server.post(&endpoint, JSON, &call(id, "wait", "")).await.status, 202);
        server.echo.entered().await;
    }
    let refused = server.post(&endpoint, JSON, &call(3, "echo", "")).await;
    assert_eq!((refused.status, refused.headers["retry-after"].as_str()), (503, "1"));
    assert_eq!(server.post("/mcp", JSON, &call(3, "echo", "")).await.status, 503);
    server.echo.let_go();
    stream.message().await;
    assert_eq!(server.post("/mcp", JSON, &call(3, "echo", "")).await.status, 200);
}

#[tokio::test]
async fn one_session_cannot_have_any_number_of_calls() {
    let server = Server::start().await;
    let (mut stream, endpoint) = session(&server).await;
    for id in 0..32 {
        assert_eq!(server.post(&endpoint, JSON, &call(id, "wait", "")).await.status, 202);
        server.echo.entered().await;
    }
    let refused = server.post(&endpoint, JSON, &call(32, "echo", "")).await;
    assert_eq!((refused.status, refused.headers["retry-after"].as_str()), (429, "1"));
    insta::assert_snapshot!(refused.sentence(), @"the session has all of the 32 messages on their way that it may; read its answers before sending more");
    let (_other, elsewhere) = session(&server).await;
    assert_eq!(server.post(&elsewhere, JSON, &call(1, "echo", "")).await.status, 202);
    server.echo.let_go();
    stream.message().await;
    assert_eq!(server.post(&endpoint, JSON, &call(32, "echo", "")).await.status, 202);
}

#[tokio::test]
async fn what_is_called_over_sse_counts_with_the_memory_of_bodies() {
    let server = Server::with(|options| options.max_body_bytes_in_flight = 100 * 1024).await;
    let (mut stream, endpoint) = session(&server).await;
    let large = |tool| call(1, tool, &"x".repeat(60 * 1024));
    assert_eq!(server.post(&endpoint, JSON, &large("wait")).await.status, 202);
    server.echo.entered().await;
    assert_eq!(server.post("/mcp", JSON, &large("echo")).await.status, 503);
    server.echo.let_go();
    stream.message().await;
    assert_eq!(server.post("/mcp", JSON, &large("echo")).await.status, 200);
}

#[tokio::test]
async fn a_call_over_sse_that_was_cancelled_holds_nothing_once_it_has_ended() {
    let server = Server::with(|options| options.max_requests = 2).await;
    let (_stream, endpoint) = session(&server).await;
    for id in 0..40 {
        // The one before may not have ended yet.
        while server.post(&endpoint, JSON, &call(id, "wait", "")).await.status != 202 {}
        server.echo.entered().await;
        let cancelled =
            json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": id}});
        while server.post(&endpoint, JSON, &cancelled).await.status != 202 {}
        server.echo.let_go();
    }
}

#[tokio::test]
async fn who_checks_the_servers_health_is_answered_when_there_is_no_room() {
    let server = Server::with(|options| options.max_requests = 1).await;
    let mut first = server.send(&post("/mcp", JSON, &call(1, "wait", "first").to_string())).await;
    server.echo.entered().await;
    assert_eq!(server.get("/more", "Host: localhost\r\n").await.status, 503);
    assert_eq!(server.get("/health", "Host: localhost\r\n").await.status, 200);
    server.echo.let_go();
    assert_eq!(Answer::read(&mut first).await.status, 200);
}

#[tokio::test]
async fn checks_that_come_through_a_proxy_do_not_count_with_what_else_comes_from_it() {
    let options = HttpOptions { rate_limit: 1, ..HttpOptions::default() };
    let gate = Arc::new(Gate::new(&options, Names::new(&[], &[]).unwrap()));
    let more = get(async || "more");
    let server = behind_gate(Router::new().route("/health", get(health)).route("/more", more), gate);
    let server = TowerToHyperService::new(server);
    let ask = async |path: &str| {
        let mut request = Request::get(path).header("host", "localhost").body(Body::empty()).unwrap();
        request.extensions_mut().insert(Peer("10.0.0.1:1".parse().unwrap()));
        server.call(request).await.unwrap().status().as_u16()
    };
    while ask("/more").await == 200 {}
    assert_eq!(ask("/more").await, 429);
    for _ in 0..20 {
        assert_eq!(ask("/health").await, 200);
    }
}
