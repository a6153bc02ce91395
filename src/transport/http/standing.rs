//! Whether the token that opened a stream still holds.
//!
//! A request is answered in moments, but a stream stays open for hours, and its token may be revoked or expire
//! meanwhile. So it is verified again every few seconds, by the rules of every request, and when it does not hold any
//! more the stream ends: its session closes, and whoever had it hears nothing more.

use std::fmt;
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use futures::StreamExt as _;

use super::access::Guard;
use super::gate::is_event_stream;
use crate::access::Authenticator;

/// A token that held when its request came.
#[derive(Clone)]
pub(super) struct Standing {
    authenticator: Authenticator,
    token: String,
    recheck_every: Duration,
}

impl Standing {
    pub(super) fn new(guard: &Guard, token: &str) -> Self {
        Self {
            authenticator: guard.authenticator.clone(),
            token: token.to_owned(),
            recheck_every: guard.recheck_every,
        }
    }

    /// Returns once the token does not hold any more.
    async fn ends(self) {
        loop {
            tokio::time::sleep(self.recheck_every).await;
            if let Err(rejected) = self.authenticator.verify(&self.token).await {
                tracing::debug!("a stream ends: {rejected}");
                return;
            }
        }
    }
}

impl fmt::Debug for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Standing")
    }
}

/// The middleware within the gate: streams last as long as their token holds.
pub(super) async fn watch(mut request: Request, next: Next) -> Response {
    // Taken out, so that nothing behind this sees the token.
    let standing = request.extensions_mut().remove::<Standing>();
    let response = next.run(request).await;
    match standing {
        Some(standing) if is_event_stream(response.headers()) => response
            .map(|body| Body::from_stream(body.into_data_stream().take_until(Box::pin(standing.ends())))),
        _ => response,
    }
}
