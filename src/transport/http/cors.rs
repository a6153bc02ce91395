//! What browsers let web pages do here (CORS): those of allowed origins may call and read answers, no others.
//!
//! A browser asks ahead whether a page may send what it wants to, and cannot show a token while it asks. So that
//! question is answered without one, and says nothing but yes: to pages of allowed origins, under names that the server
//! answers for. Everybody else is treated like any request, and needs a token where the server does. The metadata of
//! RFC 9728 may be read by any page; who asks changes nothing of that answer, so caches may keep one for all.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use super::metadata;
use super::names::Names;

/// What pages may read beside bodies.
const READABLE: HeaderValue = HeaderValue::from_static("WWW-Authenticate, MCP-Protocol-Version, Retry-After");
const METHODS: HeaderValue = HeaderValue::from_static("GET, POST, DELETE");
/// How long a browser need not ask again, in seconds.
const KEPT: HeaderValue = HeaderValue::from_static("600");

/// The middleware around the gate.
pub(super) async fn answer(State(names): State<Arc<Names>>, request: Request, next: Next) -> Response {
    let Some(page) = Page::of(&names, &request) else { return next.run(request).await };
    let mut response =
        if page.asks_ahead(&request) { page.yes(request.headers()) } else { next.run(request).await };
    page.let_read(response.headers_mut());
    response
}

/// A web page that may call, or whoever reads what is for every page.
struct Page {
    /// As the browser is told: its origin, or any.
    origin: HeaderValue,
    /// Whether the answer is the same for every page, and for who is none.
    is_public: bool,
}

impl Page {
    fn of(names: &Names, request: &Request) -> Option<Self> {
        let is_public = metadata::is_at(request.uri().path());
        let origin = if is_public {
            HeaderValue::from_static("*")
        } else {
            request.headers().get(header::ORIGIN)?.clone()
        };
        names.check(request.uri(), request.headers()).ok()?;
        Some(Self { origin, is_public })
    }

    fn asks_ahead(&self, request: &Request) -> bool {
        request.method() == Method::OPTIONS
            && request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
    }

    /// Whichever headers the page wants to send are read or passed over here as from any client.
    fn yes(&self, asked: &HeaderMap) -> Response {
        let mut response = StatusCode::NO_CONTENT.into_response();
        let headers = response.headers_mut();
        headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, METHODS);
        headers.insert(header::ACCESS_CONTROL_MAX_AGE, KEPT);
        if let Some(wanted) = asked.get(header::ACCESS_CONTROL_REQUEST_HEADERS) {
            headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, wanted.clone());
        }
        response
    }

    fn let_read(&self, headers: &mut HeaderMap) {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, self.origin.clone());
        headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, READABLE);
        if !self.is_public {
            headers.append(header::VARY, HeaderValue::from_static("Origin"));
        }
    }
}
