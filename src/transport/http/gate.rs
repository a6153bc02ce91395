//! The one way in: every request of every path passes here, in this order.
//!
//! Names are checked first, then the token, where the server needs one, then how often its caller asks and how much it
//! holds, then the body is read whole, within its bounds of size and time, then there must be room, and only then does
//! a handler see the request. Paths that are open to all are only held to the first of these: they cost next to
//! nothing, and a check of the server's health must not fail because others ask much. A client that is slow or asks for too much is refused with a sentence, and a slow one
//! holds none of the room for requests while it is slow.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, BodyDataStream, HttpBody};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode, header, request};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures::StreamExt;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::HttpOptions;
use super::access::{self, Guard};
use super::caller::Caller;
use super::counts::Counts;
use super::names::Names;
use super::pace::Pace;
use super::refusal::{self, Refusal};
use super::shares::{Share, Shares};
use super::sse;
use super::strangers::Strangers;
use crate::access::Principal;
use crate::metrics::{Exposition, Kind};
use crate::model::Clock;

/// Memory for bodies is counted in units of this many bytes.
const MEMORY_UNIT: usize = 1024;
/// One caller may have this part of the memory for bodies.
const MEMORY_SHARE: usize = 4;
/// Of a body that is too large, this many times the limit is read and dropped, so that a client
/// that writes before it reads still gets to see the answer.
const DISCARDED_LIMITS: usize = 4;

/// What is let in, and how much of it is in.
#[derive(Debug)]
pub(super) struct Gate {
    names: Names,
    guard: Option<Guard>,
    strangers: Strangers,
    clock: Arc<dyn Clock>,
    pace: Option<Pace>,
    requests: Arc<Semaphore>,
    max_requests: u32,
    request_shares: Shares,
    streams: Arc<Semaphore>,
    max_streams: usize,
    stream_shares: Shares,
    memory: Arc<Semaphore>,
    memory_shares: Shares,
    counts: Counts,
    max_body_bytes: usize,
    client_timeout: Duration,
    answer_timeout: Duration,
}

/// The middleware around all routes.
pub(super) async fn pass(State(gate): State<Arc<Gate>>, request: Request, next: Next) -> Response {
    let path = Counts::path(request.uri().path());
    let response = gate.admit(request, next).await.unwrap_or_else(|refusal| {
        tracing::debug!(?refusal, "refused a request");
        refusal.into_response()
    });
    gate.counts.answered(path, response.status());
    response
}

impl Gate {
    pub(super) fn new(options: &HttpOptions, names: Names) -> Self {
        let max_requests = u32::try_from(options.max_requests).unwrap_or(u32::MAX).min(1 << 20);
        let memory = (options.max_body_bytes_in_flight / MEMORY_UNIT).min(Semaphore::MAX_PERMITS);
        let max_streams = options.max_sse_sessions.min(Semaphore::MAX_PERMITS);
        // One body of the largest size always fits.
        let memory_share = (memory / MEMORY_SHARE).max(options.max_body_bytes.div_ceil(MEMORY_UNIT));
        Self {
            names,
            guard: options.guard.clone(),
            strangers: Strangers::new(Arc::clone(&options.clock)),
            clock: Arc::clone(&options.clock),
            pace: NonZeroU32::new(options.rate_limit).map(Pace::of),
            requests: Arc::new(Semaphore::new(max_requests as usize)),
            max_requests,
            request_shares: Shares::of_at_most(options.max_requests_per_caller),
            streams: Arc::new(Semaphore::new(max_streams)),
            max_streams,
            stream_shares: Shares::of_at_most(options.max_sse_sessions_per_caller),
            memory: Arc::new(Semaphore::new(memory)),
            memory_shares: Shares::of_at_most(memory_share),
            counts: Counts::default(),
            max_body_bytes: options.max_body_bytes,
            client_timeout: options.client_timeout,
            answer_timeout: options.answer_timeout,
        }
    }

    /// Tells what passed, and what is held now.
    pub(super) fn tell(&self, text: &mut Exposition) {
        self.counts.tell(text);
        let in_flight = (self.max_requests as usize).saturating_sub(self.requests.available_permits());
        text.metric("whytrace_http_requests_in_flight", Kind::Gauge, "Requests that are worked on.")
            .sample(&[], in_flight);
        let open = self.max_streams.saturating_sub(self.streams.available_permits());
        text.metric("whytrace_http_streams_open", Kind::Gauge, "Event streams that are open.")
            .sample(&[], open);
    }

    /// Waits until no request is worked on; meanwhile new ones are refused.
    pub(super) async fn wait_until_idle(&self) {
        if let Ok(all) = self.requests.acquire_many(self.max_requests).await {
            all.forget();
        }
    }

    async fn admit(&self, mut request: Request, next: Next) -> Result<Response, Refusal> {
        self.names.check(request.uri(), request.headers())?;
        if access::is_open(request.uri().path(), self.guard.as_ref()) {
            // Open paths take no body, so nobody's body is kept.
            let response = self.run(request.map(|_| Body::empty()), next).await?;
            return Ok(refusal::in_json(response).await);
        }
        if let Some(guard) = &self.guard {
            guard.identify(&mut request, &self.strangers).await?;
        }
        let caller = Caller::of(&request);
        self.keep_pace(caller.as_ref())?;
        let share = self.share(caller.as_ref(), &request)?;
        let (parts, bytes, memory) = self.read_body(request, caller.as_ref()).await?;
        if let Some(guard) = &self.guard {
            guard.judge(parts.extensions.get::<Principal>(), &bytes)?;
        }
        let mut request = Request::from_parts(parts, Body::from(bytes));
        let admitted =
            Arc::new(Admitted { _slot: self.take_slot(&request)?, _share: share, _memory: memory });
        if request.uri().path() == sse::MESSAGES_PATH {
            request.extensions_mut().insert(Arc::clone(&admitted));
        }
        let response = self.run(request, next).await?;
        Ok(hold_while_streaming(refusal::in_json(response).await, admitted))
    }

    async fn run(&self, request: Request, next: Next) -> Result<Response, Refusal> {
        tokio::time::timeout(self.answer_timeout, next.run(request)).await.map_err(|_| {
            Refusal::new(StatusCode::GATEWAY_TIMEOUT, "the request took too long and was cancelled")
        })
    }

    /// Refuses a caller that asks more often than it may.
    fn keep_pace(&self, caller: Option<&Caller>) -> Result<(), Refusal> {
        let (Some(pace), Some(caller)) = (&self.pace, caller) else { return Ok(()) };
        pace.take(caller, self.clock.elapsed()).map_err(|wait| {
            self.counts.rate_limited();
            let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
            let sentence = format!(
                "{} sends more than the {} requests a second that it may; wait {seconds} s, then send this request \
                 again as it is; trace_record takes many events in one request",
                caller.describe(),
                pace.per_second()
            );
            Refusal::too_much(sentence, seconds)
        })
    }

    /// Refuses a caller that holds as much as it may. A slow body counts too, so that a caller that sends many of
    /// them is in its own way alone.
    fn share(&self, caller: Option<&Caller>, request: &Request) -> Result<Share, Refusal> {
        let (shares, what) = if asks_for_stream(request) {
            (&self.stream_shares, "event streams open; close one first")
        } else {
            (&self.request_shares, "requests in flight; wait for an answer before sending more")
        };
        let mut share = shares.share(caller);
        if share.grow(1) {
            return Ok(share);
        }
        let who = caller.map_or("this client", Caller::describe);
        let sentence = format!("{who} has all of the {} {what}", shares.most());
        Err(Refusal::too_much(sentence, 1))
    }

    /// Streams stay open for hours, so they have room of their own and cannot crowd requests out.
    fn take_slot(&self, request: &Request) -> Result<OwnedSemaphorePermit, Refusal> {
        let (room, sentence) = if asks_for_stream(request) {
            (
                &self.streams,
                "as many event streams are open as the server keeps; close one or try again later",
            )
        } else {
            (&self.requests, "the server has as many requests in flight as it takes; try again shortly")
        };
        Arc::clone(room).try_acquire_owned().map_err(|_| Refusal::busy(sentence))
    }

    async fn read_body(
        &self,
        request: Request,
        caller: Option<&Caller>,
    ) -> Result<(request::Parts, Vec<u8>, Memory), Refusal> {
        let (parts, body) = request.into_parts();
        let declared = body.size_hint().lower();
        let is_declared_too_large = declared > self.max_body_bytes as u64;
        if is_declared_too_large && parts.headers.contains_key(header::EXPECT) {
            return Err(self.too_large());
        }
        let reading = self.collect(body.into_data_stream(), is_declared_too_large, caller);
        let (bytes, memory) =
            tokio::time::timeout(self.client_timeout, reading).await.unwrap_or_else(|_| {
                let sentence = "the body of the request did not arrive in time";
                Err(Refusal::new(StatusCode::REQUEST_TIMEOUT, sentence).closing())
            })?;
        Ok((parts, bytes, memory))
    }

    async fn collect(
        &self,
        mut body: BodyDataStream,
        mut is_too_large: bool,
        caller: Option<&Caller>,
    ) -> Result<(Vec<u8>, Memory), Refusal> {
        let none = || Memory { held: None, share: self.memory_shares.share(caller) };
        let mut bytes = Vec::new();
        let mut memory = none();
        let mut discarded = 0;
        while let Some(chunk) = body.next().await {
            let chunk = chunk.map_err(|_| {
                Refusal::new(StatusCode::BAD_REQUEST, "the body of the request broke off").closing()
            })?;
            is_too_large = is_too_large || bytes.len() + chunk.len() > self.max_body_bytes;
            if is_too_large {
                (bytes, memory) = (Vec::new(), none());
                discarded += chunk.len();
                if discarded > self.max_body_bytes.saturating_mul(DISCARDED_LIMITS) {
                    break;
                }
                continue;
            }
            self.reserve(&mut memory, bytes.len() + chunk.len())?;
            bytes.extend_from_slice(&chunk);
        }
        if is_too_large { Err(self.too_large()) } else { Ok((bytes, memory)) }
    }

    /// Grows the share of the memory for bodies to `wanted` bytes.
    fn reserve(&self, memory: &mut Memory, wanted: usize) -> Result<(), Refusal> {
        let held = memory.held.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
        let missing = wanted.div_ceil(MEMORY_UNIT).saturating_sub(held);
        if missing == 0 {
            return Ok(());
        }
        let full = || {
            Refusal::busy("the server holds as much of unfinished requests as it takes; try again shortly")
                .closing()
        };
        if !memory.share.grow(missing) {
            let sentence = "your unfinished requests hold as much of the server as one caller may; \
                            wait for answers before sending more";
            return Err(Refusal::too_much(sentence, 1).closing());
        }
        let missing = u32::try_from(missing).map_err(|_| full())?;
        let more = Arc::clone(&self.memory).try_acquire_many_owned(missing).map_err(|_| full())?;
        match &mut memory.held {
            Some(held) => held.merge(more),
            None => memory.held = Some(more),
        }
        Ok(())
    }

    fn too_large(&self) -> Refusal {
        let sentence = format!(
            "the body is larger than the {} bytes that a request may have; \
             send fewer events per trace_record, or shorter texts",
            self.max_body_bytes
        );
        Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, sentence).closing()
    }
}

/// What a request holds until it is answered; a message for a session hands it on to the call that it is.
#[derive(Debug)]
pub(super) struct Admitted {
    _slot: OwnedSemaphorePermit,
    _share: Share,
    _memory: Memory,
}

/// The memory that one body takes, and the caller's share of it.
#[derive(Debug)]
struct Memory {
    held: Option<OwnedSemaphorePermit>,
    share: Share,
}

/// Whether the answer will be a stream that stays open.
///
/// A subscription says so in a header, which rmcp holds against the body.
fn asks_for_stream(request: &Request) -> bool {
    let is_session = request.uri().path() == sse::STREAM_PATH && request.method() == Method::GET;
    let is_subscription =
        request.headers().get("mcp-method").is_some_and(|method| method == "subscriptions/listen");
    is_session || is_subscription
}

fn hold_while_streaming(response: Response, admitted: Arc<Admitted>) -> Response {
    if !is_event_stream(response.headers()) {
        return response;
    }
    response.map(|body| {
        Body::from_stream(body.into_data_stream().map(move |chunk| {
            let _held = &admitted;
            chunk
        }))
    })
}

pub(super) fn is_event_stream(headers: &HeaderMap) -> bool {
    headers
        .get(header::CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok())
        .is_some_and(|kind| kind.starts_with("text/event-stream"))
}
