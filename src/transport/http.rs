//! MCP over HTTP: `/mcp` (streamable HTTP), `/sse` with `/messages` (HTTP+SSE of 2024-11-05); `/health`, `/ready` and
//! `/metrics` for those who watch over it.
//!
//! Every path, those that a caller adds included, stands behind one gate, which checks Host and Origin and the token,
//! keeps callers to their pace and share, reads and bounds the body, and bounds what is in flight. `/mcp` keeps no
//! sessions: each request gets a handler of its own from the factory. `connections` accepts and ends, `gate` admits,
//! `names`, `access` and `cors` know who may ask, `strangers` bounds what unknown tokens cost, `metadata` tells who
//! gives tokens, `standing` ends streams whose token holds no more, `sse` bridges the older transport.

mod access;
mod caller;
mod connections;
mod cors;
mod counts;
mod gate;
mod metadata;
mod names;
mod operations;
mod pace;
mod patience;
mod refusal;
mod shares;
mod sse;
mod standing;
mod strangers;

#[cfg(test)]
mod tests;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::extract::DefaultBodyLimit;
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router, middleware};
use rmcp::ServerHandler;
use rmcp::transport::streamable_http_server::session::never::NeverSessionManager;
use rmcp::transport::{StreamableHttpServerConfig, StreamableHttpService};
use thiserror::Error;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

pub use self::access::Guard;
use self::gate::Gate;
use self::names::Names;
pub use self::operations::Operations;
use self::refusal::Refusal;
use crate::model::{Clock, SystemClock};

/// Where to listen, whom to let in, and how much one server takes at once.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct HttpOptions {
    /// The address to listen on; port 0 takes a free one. 127.0.0.1:7717.
    pub listen: SocketAddr,
    /// Hosts to answer for beside the loopback names, as `host` (any port) or `host:port`.
    pub allowed_hosts: Vec<String>,
    /// Browser origins to let in beside those on loopback: `scheme://host` (the scheme's own
    /// port), `scheme://host:port`, `scheme://host:*`, or `null`.
    pub allowed_origins: Vec<String>,
    /// Verifies who asks. Needed on an address other than loopback; without it everybody may ask everything. None.
    pub guard: Option<Guard>,
    /// The longest request body, in bytes; beyond it 413. 8 MiB.
    pub max_body_bytes: usize,
    /// The bytes of all request bodies in flight together; beyond them 503. 64 MiB.
    pub max_body_bytes_in_flight: usize,
    /// The requests in flight; beyond them 503. 256.
    pub max_requests: usize,
    /// The requests a second that one token may send, or one address without a token, in the long run; two seconds'
    /// worth may come at once, and beyond that 429. Who comes from this machine without a token is not held to it. 0
    /// is no limit. 200.
    pub rate_limit: u32,
    /// The requests in flight of one token or address; beyond them 429. 64.
    pub max_requests_per_caller: usize,
    /// The open event streams (`/sse` sessions and subscriptions); beyond them 503. 64.
    pub max_sse_sessions: usize,
    /// The open event streams of one token or address; beyond them 429. 16.
    pub max_sse_sessions_per_caller: usize,
    /// The open connections, idle ones included; beyond them 503. 512.
    pub max_connections: usize,
    /// The open connections from one address other than this machine's, which may be a proxy; beyond them 503. 256.
    pub max_connections_per_address: usize,
    /// How long a client may take for the head of a request, and again for its body, and how
    /// long it may leave an answer unread. 30 s.
    pub client_timeout: Duration,
    /// How long a request may be worked on; beyond it 504 and the work is cancelled. 120 s.
    pub answer_timeout: Duration,
    /// How long requests in flight are waited for at shutdown. 5 s.
    pub drain_timeout: Duration,
    /// How time passes, for [`rate_limit`](Self::rate_limit) and what is remembered of tokens.
    pub clock: Arc<dyn Clock>,
}

impl Default for HttpOptions {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 7717)),
            allowed_hosts: Vec::new(),
            allowed_origins: Vec::new(),
            guard: None,
            max_body_bytes: 8 * 1024 * 1024,
            max_body_bytes_in_flight: 64 * 1024 * 1024,
            max_requests: 256,
            rate_limit: 200,
            max_requests_per_caller: 64,
            max_sse_sessions: 64,
            max_sse_sessions_per_caller: 16,
            max_connections: 512,
            max_connections_per_address: 256,
            client_timeout: Duration::from_secs(30),
            answer_timeout: Duration::from_secs(120),
            drain_timeout: Duration::from_secs(5),
            clock: Arc::new(SystemClock::default()),
        }
    }
}

/// Why a server could not be bound.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum BindError {
    /// The address is reachable from other machines, and nobody would have to say who they are.
    #[error(
        "refused to listen on {0}: an address other than loopback needs authentication; send --auth token and make \
         tokens with `whytrace token new`, send --auth oauth, or listen on 127.0.0.1"
    )]
    NeedsAuthentication(SocketAddr),
    /// The system refused the address.
    #[error("could not listen on {listen}")]
    Address {
        /// The address that was asked for.
        listen: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// An entry of [`HttpOptions::allowed_hosts`] is neither `host` nor `host:port`.
    #[error("allowed host {0:?} is neither a host nor host:port")]
    InvalidHost(String),
    /// An entry of [`HttpOptions::allowed_origins`] is no origin.
    #[error("allowed origin {0:?} is not of the form scheme://host, scheme://host:port or scheme://host:*")]
    InvalidOrigin(String),
}

/// What one handler serves, and so how long it lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Serves {
    /// A client for as long as it is connected, on `/sse`.
    Session,
    /// One request, on `/mcp`: the next one of the same client gets another handler.
    Request,
}

/// A bound server that does not answer yet.
#[derive(Debug)]
pub struct HttpServer {
    listener: TcpListener,
    local_addr: SocketAddr,
    options: HttpOptions,
    routes: Router,
    names: Arc<Names>,
    gate: Arc<Gate>,
    /// Cancelled when the server begins to end: sessions take no more messages.
    closing: CancellationToken,
    /// Cancelled when the requests in flight are answered: subscriptions end.
    drained: CancellationToken,
}

impl HttpServer {
    /// Binds the address and prepares the routes; each request or session asks `factory` for its handler.
    ///
    /// # Errors
    ///
    /// When the address is not loopback and nobody would have to say who they are, when it cannot be bound, or an
    /// allowed host or origin cannot be read.
    pub async fn bind<H: ServerHandler>(
        options: HttpOptions,
        factory: impl Fn(Serves) -> H + Send + Sync + 'static,
    ) -> Result<Self, BindError> {
        let names = Names::new(&options.allowed_hosts, &options.allowed_origins)?;
        let listen = options.listen;
        if !listen.ip().is_loopback() && options.guard.is_none() {
            return Err(BindError::NeedsAuthentication(listen));
        }
        let address_error = |source| BindError::Address { listen, source };
        let listener = TcpListener::bind(listen).await.map_err(address_error)?;
        let local_addr = listener.local_addr().map_err(address_error)?;

        let gate = Arc::new(Gate::new(&options, names.clone()));
        let (closing, drained) = (CancellationToken::new(), CancellationToken::new());
        let factory = Arc::new(factory);
        let routes = Router::new()
            .route_service("/mcp", streamable(Arc::clone(&factory), &options, drained.clone()))
            .merge(sse::routes(factory, closing.clone()))
            .route("/health", get(health));
        let oauth = options.guard.as_ref().and_then(|guard| guard.authenticator.oauth());
        let routes = routes.merge(oauth.map(metadata::routes).unwrap_or_default());
        let names = Arc::new(names);
        Ok(Self { listener, local_addr, options, routes, names, gate, closing, drained })
    }

    /// Adds routes behind the same gate.
    ///
    /// # Panics
    ///
    /// When `more` repeats a path of the transport.
    #[must_use]
    pub fn with_routes(mut self, more: Router) -> Self {
        self.routes = self.routes.merge(more);
        self
    }

    /// Tells at `/ready` and `/metrics` how the installation is.
    #[must_use]
    pub fn with_operations(self, operations: Operations) -> Self {
        let gate = Arc::clone(&self.gate);
        self.with_routes(operations::routes(operations, gate))
    }

    /// The address that was bound, with its real port.
    pub fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// Answers until `shutdown` is cancelled, then ends in order.
    ///
    /// Nothing new is accepted, sessions take no more messages, requests in flight are answered
    /// within [`HttpOptions::drain_timeout`], streams end, and what is left is cut off.
    pub async fn run(self, shutdown: CancellationToken) {
        let Self { listener, options, routes, names, gate, closing, drained, .. } = self;
        let router =
            behind_gate(routes, Arc::clone(&gate)).layer(middleware::from_fn_with_state(names, cors::answer));
        let mut connections = connections::accept(listener, router, &options, &closing, &shutdown).await;
        let deadline = tokio::time::Instant::now() + options.drain_timeout;
        closing.cancel();
        if tokio::time::timeout_at(deadline, gate.wait_until_idle()).await.is_err() {
            tracing::warn!("requests in flight took too long and are cut off");
        }
        drained.cancel();
        connections::finish(&mut connections, deadline).await;
    }
}

fn streamable<H: ServerHandler>(
    factory: Arc<impl Fn(Serves) -> H + Send + Sync + 'static>,
    options: &HttpOptions,
    drained: CancellationToken,
) -> StreamableHttpService<H, NeverSessionManager> {
    let config = StreamableHttpServerConfig::default()
        .with_legacy_session_mode(false)
        .with_json_response(true)
        .with_max_request_body_bytes(options.max_body_bytes)
        .with_cancellation_token(drained)
        // The gate has checked both for every path, with one set of rules.
        .disable_allowed_hosts()
        .disable_allowed_origins();
    StreamableHttpService::new(
        move || Ok(factory(Serves::Request)),
        Arc::new(NeverSessionManager::default()),
        config,
    )
}

fn behind_gate(routes: Router, gate: Arc<Gate>) -> Router {
    routes
        .fallback(async || {
            Refusal::new(StatusCode::NOT_FOUND, "there is nothing at this path; MCP is at /mcp")
        })
        .method_not_allowed_fallback(async || {
            Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "this path does not take this method")
        })
        // The gate bounds bodies itself, and to another size.
        .layer(DefaultBodyLimit::disable())
        .layer(middleware::from_fn(standing::watch))
        .layer(middleware::from_fn_with_state(gate, gate::pass))
}

async fn health() -> Json<serde_json::Value> {
    Json(serde_json::json!({"status": "ok", "version": env!("CARGO_PKG_VERSION")}))
}
