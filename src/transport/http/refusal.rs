//! An answer that says no: a status and one sentence, as `{"error": sentence}`.

use std::borrow::Cow;

use axum::Json;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

/// How long a client is told to wait when there is no room for it, in seconds.
const RETRY_AFTER: u64 = 1;
/// No library's refusal is longer.
const MAX_SENTENCE_BYTES: usize = 4096;

/// A request that was not carried out, and why.
#[derive(Debug)]
pub(super) struct Refusal {
    status: StatusCode,
    sentence: Cow<'static, str>,
    closes: bool,
    /// How long a client is told to wait, in seconds.
    retry_after: Option<u64>,
    /// What a client is told of how to say who it is.
    challenge: Option<String>,
}

impl Refusal {
    pub(super) fn new(status: StatusCode, sentence: impl Into<Cow<'static, str>>) -> Self {
        let is_of_the_moment =
            matches!(status, StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS);
        let retry_after = is_of_the_moment.then_some(RETRY_AFTER);
        Self { status, sentence: sentence.into(), closes: false, retry_after, challenge: None }
    }

    /// No room at present.
    pub(super) fn busy(sentence: &'static str) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, sentence)
    }

    /// More than one caller may have; the next is let through after this many seconds.
    pub(super) fn too_much(sentence: impl Into<Cow<'static, str>>, retry_after: u64) -> Self {
        let refusal = Self::new(StatusCode::TOO_MANY_REQUESTS, sentence);
        Self { retry_after: Some(retry_after), ..refusal }
    }

    pub(super) fn forbidden(sentence: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::FORBIDDEN, sentence)
    }

    /// Says in `WWW-Authenticate` how to say who one is.
    pub(super) fn challenging(mut self, challenge: String) -> Self {
        self.challenge = Some(challenge);
        self
    }

    /// Ends the connection after this answer, because part of the request is still on its way.
    pub(super) fn closing(mut self) -> Self {
        self.closes = true;
        self
    }
}

/// Puts a refusal that a library wrote as plain text (rmcp, axum's extractors) into the same form.
pub(super) async fn in_json(response: Response) -> Response {
    let status = response.status();
    let kind = response.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let is_text = kind.is_none_or(|kind| kind.starts_with("text/plain"));
    if !is_text || !(status.is_client_error() || status.is_server_error()) {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let text = to_bytes(body, MAX_SENTENCE_BYTES).await.unwrap_or_default();
    let sentence = match String::from_utf8_lossy(&text) {
        text if text.is_empty() => status.canonical_reason().unwrap_or("refused").into(),
        text => text.into_owned(),
    };
    parts.headers.remove(header::CONTENT_LENGTH);
    parts.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Response::from_parts(parts, Body::from(json!({"error": sentence}).to_string()))
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut response = (self.status, Json(json!({"error": self.sentence}))).into_response();
        let headers = response.headers_mut();
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if let Some(challenge) = self.challenge.and_then(|text| HeaderValue::try_from(text).ok()) {
            headers.insert(header::WWW_AUTHENTICATE, challenge);
        }
        if self.closes {
            headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }
}
