//! What those read who watch over a server: `/ready` and `/metrics`.
//!
//! `/ready` is for everybody and tells nothing of what is recorded. With a store away it still says 200, because
//! what is recorded meanwhile is safe in another and follows: taking the server out of rotation would help nobody,
//! as the others have the same database. It says 503 only when a write could not be acknowledged. `/metrics` needs
//! `trace:admin` where tokens are needed, like every path that is not the protocol's.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};

use super::gate::Gate;
use crate::mcp::Calls;
use crate::metrics::Exposition;
use crate::service::Watch;

/// Where what a server tells of itself comes from.
#[derive(Clone, Debug)]
pub struct Operations {
    /// The stores.
    pub watch: Watch,
    /// The tools.
    pub calls: Arc<Calls>,
}

/// Both paths.
pub(super) fn routes(operations: Operations, gate: Arc<Gate>) -> Router {
    Router::new()
        .route("/ready", get(ready))
        .route("/metrics", get(async move |State(operations)| metrics(operations, &gate).await))
        .with_state(operations)
}

async fn ready(State(operations): State<Operations>) -> Response {
    let readiness = operations.watch.readiness().await;
    let status = if readiness.recording { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, [(header::CACHE_CONTROL, "no-store")], Json(readiness)).into_response()
}

async fn metrics(operations: Operations, gate: &Gate) -> Response {
    let mut text = Exposition::default();
    operations.watch.tell(&mut text).await;
    operations.calls.tell(&mut text);
    gate.tell(&mut text);
    ([(header::CONTENT_TYPE, Exposition::CONTENT_TYPE)], text.into_text()).into_response()
}
