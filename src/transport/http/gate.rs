//! The one way in: every request of every path passes here, in this order.
//!
//! Names are checked first, then the token, where the server needs one, then the body is read whole, within its
//! bounds of size and time, then there must be room, and only then does a handler see the request. A client that is slow or
//! asks for too much is refused with a sentence, and a slow one holds no room while it is slow.

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
use super::access::Guard;
use super::names::Names;
use super::refusal::{self, Refusal};
use crate::access::Principal;

/// Memory for bodies is counted in units of this many bytes.
const MEMORY_UNIT: usize = 1024;
/// Of a body that is too large, this many times the limit is read and dropped, so that a client
/// that writes before it reads still gets to see the answer.
const DISCARDED_LIMITS: usize = 4;

/// What is let in, and how much of it is in.
#[derive(Debug)]
pub(super) struct Gate {
    names: Names,
    guard: Option<Guard>,
    requests: Arc<Semaphore>,
    max_requests: u32,
    streams: Arc<Semaphore>,
    memory: Arc<Semaphore>,
    max_body_bytes: usize,
    client_timeout: Duration,
    answer_timeout: Duration,
}

/// The middleware around all routes.
pub(super) async fn pass(State(gate): State<Arc<Gate>>, request: Request, next: Next) -> Response {
    match gate.admit(request, next).await {
        Ok(response) => response,
        Err(refusal) => {
            tracing::debug!(?refusal, "refused a request");
            refusal.into_response()
        }
    }
}

impl Gate {
    pub(super) fn new(options: &HttpOptions, names: Names) -> Self {
        let max_requests = u32::try_from(options.max_requests).unwrap_or(u32::MAX).min(1 << 20);
        let memory = (options.max_body_bytes_in_flight / MEMORY_UNIT).min(Semaphore::MAX_PERMITS);
        Self {
            names,
            guard: options.guard.clone(),
            requests: Arc::new(Semaphore::new(max_requests as usize)),
            max_requests,
            streams: Arc::new(Semaphore::new(options.max_sse_sessions.min(Semaphore::MAX_PERMITS))),
            memory: Arc::new(Semaphore::new(memory)),
            max_body_bytes: options.max_body_bytes,
            client_timeout: options.client_timeout,
            answer_timeout: options.answer_timeout,
        }
    }

    /// Waits until no request is worked on; meanwhile new ones are refused.
    pub(super) async fn wait_until_idle(&self) {
        if let Ok(all) = self.requests.acquire_many(self.max_requests).await {
            all.forget();
        }
    }

    async fn admit(&self, mut request: Request, next: Next) -> Result<Response, Refusal> {
        self.names.check(request.uri(), request.headers())?;
        if let Some(guard) = &self.guard {
            guard.identify(&mut request).await?;
            // Who shows no token gets none of the memory for bodies; paths that are open to all take no body.
            if request.extensions().get::<Principal>().is_none() {
                request = request.map(|_| Body::empty());
            }
        }
        let (parts, bytes, _memory) = self.read_body(request).await?;
        if let Some(guard) = &self.guard {
            guard.judge(parts.extensions.get::<Principal>(), &bytes)?;
        }
        let request = Request::from_parts(parts, Body::from(bytes));
        let slot = self.take_slot(&request)?;
        let response = tokio::time::timeout(self.answer_timeout, next.run(request)).await.map_err(|_| {
            Refusal::new(StatusCode::GATEWAY_TIMEOUT, "the request took too long and was cancelled")
        })?;
        Ok(hold_while_streaming(refusal::in_json(response).await, slot))
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
    ) -> Result<(request::Parts, Vec<u8>, Option<OwnedSemaphorePermit>), Refusal> {
        let (parts, body) = request.into_parts();
        let declared = body.size_hint().lower();
        let is_declared_too_large = declared > self.max_body_bytes as u64;
        if is_declared_too_large && parts.headers.contains_key(header::EXPECT) {
            return Err(self.too_large());
        }
        let reading = self.collect(body.into_data_stream(), is_declared_too_large);
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
    ) -> Result<(Vec<u8>, Option<OwnedSemaphorePermit>), Refusal> {
        let mut bytes = Vec::new();
        let mut memory = None;
        let mut discarded = 0;
        while let Some(chunk) = body.next().await {
            let chunk = chunk.map_err(|_| {
                Refusal::new(StatusCode::BAD_REQUEST, "the body of the request broke off").closing()
            })?;
            is_too_large = is_too_large || bytes.len() + chunk.len() > self.max_body_bytes;
            if is_too_large {
                (bytes, memory) = (Vec::new(), None);
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
    fn reserve(&self, memory: &mut Option<OwnedSemaphorePermit>, wanted: usize) -> Result<(), Refusal> {
        let held = memory.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
        let missing = wanted.div_ceil(MEMORY_UNIT).saturating_sub(held);
        if missing == 0 {
            return Ok(());
        }
        let full = || {
            Refusal::busy("the server holds as much of unfinished requests as it takes; try again shortly")
                .closing()
        };
        let missing = u32::try_from(missing).map_err(|_| full())?;
        let more = Arc::clone(&self.memory).try_acquire_many_owned(missing).map_err(|_| full())?;
        match memory {
            Some(memory) => memory.merge(more),
            None => *memory = Some(more),
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

/// Whether the answer will be a stream that stays open.
///
/// A subscription says so in a header, which rmcp holds against the body.
fn asks_for_stream(request: &Request) -> bool {
    let is_session = request.uri().path() == super::sse::STREAM_PATH && request.method() == Method::GET;
    let is_subscription =
        request.headers().get("mcp-method").is_some_and(|method| method == "subscriptions/listen");
    is_session || is_subscription
}

fn hold_while_streaming(response: Response, slot: OwnedSemaphorePermit) -> Response {
    if !is_event_stream(response.headers()) {
        return response;
    }
    response.map(|body| {
        Body::from_stream(body.into_data_stream().map(move |chunk| {
            let _held = &slot;
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
