//! The HTTP+SSE transport of 2024-11-05, for clients that know nothing newer.
//!
//! `GET /sse` opens a session: an event stream whose first event names the address to post to.
//! `POST /messages?sessionId=..` hands one message to the session, whose answers come on the
//! stream. The session is its stream: when that is dropped, its address is gone, the handler gets
//! no more messages and ends. rmcp no longer has this transport, so `channel` is one of our own;
//! it also keeps calls within the bounds of the gate until they are answered.

mod channel;
mod session;

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Extension, Query, State};
use axum::http::{HeaderMap, StatusCode, header, request};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use futures::{StreamExt, stream};
use rmcp::ServerHandler;
use rmcp::model::{ClientJsonRpcMessage, GetExtensions};
use serde::Deserialize;
use tokio_util::sync::CancellationToken;

use self::session::{Delivery, MOST_MESSAGES, Sessions};
use super::Serves;
use super::gate::Admitted;
use super::refusal::Refusal;
use crate::access::Principal;

/// Where a client opens its stream.
pub(super) const STREAM_PATH: &str = "/sse";
/// Where it posts its messages.
pub(super) const MESSAGES_PATH: &str = "/messages";
/// A comment this often keeps proxies from closing a quiet stream, and finds a client that is gone.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// Both paths of the transport; sessions end when `closing` is cancelled.
pub(super) fn routes<H: ServerHandler>(
    factory: Arc<impl Fn(Serves) -> H + Send + Sync + 'static>,
    closing: CancellationToken,
) -> Router {
    let sessions = Arc::new(Sessions::new(closing));
    let opened = Arc::clone(&sessions);
    Router::new()
        .route(STREAM_PATH, get(async move |owner: Owner| open(&opened, factory(Serves::Session), owner)))
        .route(MESSAGES_PATH, post(deliver))
        .with_state(sessions)
}

/// Whoever opens a stream or posts to one; none where nobody has to say who they are.
type Owner = Option<Extension<Principal>>;

fn open<H: ServerHandler>(sessions: &Arc<Sessions>, handler: H, owner: Owner) -> Result<Response, Refusal> {
    let owner = owner.and_then(|Extension(owner)| owner.token_id);
    let (session, mut answers) = sessions.open(handler, owner).map_err(|error| {
        tracing::error!(%error, "the system gave no random bytes for a session id");
        Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, "no session id could be made")
    })?;
    // The address is relative, so it holds whatever name and port the client came by.
    let endpoint =
        Event::default().event("endpoint").data(format!("{MESSAGES_PATH}?sessionId={}", session.id()));
    let answers = stream::poll_fn(move |context| answers.poll_recv(context));
    // With its answer on the stream a call has ended, and lets go of what it holds.
    let messages = answers.filter_map(async |(answer, _load)| {
        let event = Event::default().event("message").json_data(&answer);
        event.inspect_err(|error| tracing::error!(%error, "an answer could not be written as JSON")).ok()
    });
    let events = stream::iter([endpoint]).chain(messages).map(move |event| {
        let _open = &session;
        Ok::<_, Infallible>(event)
    });
    let events = Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE));
    // Without this header nginx keeps events back until its buffer is full.
    Ok(([("x-accel-buffering", "no")], events).into_response())
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Address {
    session_id: Option<String>,
}

async fn deliver(
    State(sessions): State<Arc<Sessions>>,
    Query(address): Query<Address>,
    parts: request::Parts,
    body: Bytes,
) -> Result<(StatusCode, &'static str), Refusal> {
    let Some(id) = address.session_id else {
        return Err(Refusal::new(
            StatusCode::BAD_REQUEST,
            "the query needs the sessionId of an open /sse stream",
        ));
    };
    if !is_json(&parts.headers) {
        return Err(Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "the body must be application/json"));
    }
    let mut message = serde_json::from_slice::<ClientJsonRpcMessage>(&body).map_err(|_| {
        Refusal::new(StatusCode::BAD_REQUEST, "the body is no JSON-RPC 2.0 message of this protocol")
    })?;
    let sender = parts.extensions.get::<Principal>().and_then(|sender| sender.token_id.clone());
    let admitted = parts.extensions.get::<Arc<Admitted>>().cloned();
    attach(&mut message, parts);
    match sessions.deliver(&id, sender.as_deref(), message, admitted) {
        Delivery::Accepted => Ok((StatusCode::ACCEPTED, "Accepted")),
        Delivery::Unknown => {
            Err(Refusal::new(StatusCode::NOT_FOUND, "no open /sse stream has this sessionId; open a new one"))
        }
        Delivery::Elsewhere => Err(Refusal::new(
            StatusCode::MISDIRECTED_REQUEST,
            "another process of this server has this session, or had it before a restart: between clients of /sse and \
             several servers, requests of one client must reach one server (sticky routing); or use /mcp, which needs \
             none",
        )),
        Delivery::Full => Err(Refusal::new(
            StatusCode::TOO_MANY_REQUESTS,
            format!(
                "the session has all of the {MOST_MESSAGES} messages on their way that it may; read its answers before \
                 sending more"
            ),
        )),
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    kind.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("application/json")
}

/// Lets the handler see the request that brought the message, as rmcp does on `/mcp`.
fn attach(message: &mut ClientJsonRpcMessage, parts: request::Parts) {
    match message {
        ClientJsonRpcMessage::Request(request) => {
            request.request.extensions_mut().insert(parts);
        }
        ClientJsonRpcMessage::Notification(notification) => {
            notification.notification.extensions_mut().insert(parts);
        }
        _ => {}
    }
}
