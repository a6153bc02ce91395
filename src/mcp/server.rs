//! The one handler behind every transport and every version of the protocol.
//!
//! It finds the tool, says who calls, and turns what comes back into a result. It keeps nothing between calls but what
//! an older client has subscribed to: a run lives behind its id, never behind a connection, so a newer client that
//! never sends `initialize` is served alike.
//!
//! Here is what a server is made of, and how it calls a tool; [`handler`] answers the requests of the protocol.

mod handler;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Instant;

use futures::FutureExt as _;
use rmcp::ErrorData;
use rmcp::model::{CacheScope, Implementation};
use rmcp::service::{RequestContext, RoleServer};
use serde_json::Value;

use super::calls::Calls;
use super::failure;
use super::recording::Advisor;
use super::registry::{Offer, Registry, ToolSet};
use super::subscriptions::Subscriptions;
use super::tool::{Answer, Context, Tool, ToolError};
use crate::access::Principal;
use crate::gate::CallerContext;
use crate::query::Query;
use crate::recorder::Intake;
use crate::shown::excerpt;
use crate::store::index::{Permission, Scope};

/// How much of what a client says is logged of each thing, in characters.
const LOGGED_CHARS: usize = 128;

/// Answers one MCP client. Cheap to clone: clones share the stores, and each serves another client.
#[derive(Clone, Debug)]
pub struct Server {
    intake: Arc<Intake>,
    query: Query,
    /// Whoever calls, unless each request says so itself.
    principal: Option<Principal>,
    tools: ToolSet,
    registry: Registry,
    calls: Arc<Calls>,
    advisor: Arc<Advisor>,
    /// Whether the client stays connected between its requests, so that it can be told something.
    is_connected: bool,
    subscriptions: Subscriptions,
}

impl Server {
    /// A server that records through `intake`, asks through `query`, and offers these tools to clients that may see
    /// `scope`.
    #[must_use]
    pub fn new(intake: Arc<Intake>, query: Query, tools: ToolSet, scope: Scope) -> Self {
        let principal = Some(Principal::trusted(scope));
        Self {
            intake,
            query,
            principal,
            tools,
            registry: Registry::new(tools),
            calls: Arc::default(),
            advisor: Arc::new(Advisor::new(true)),
            is_connected: true,
            subscriptions: Subscriptions::default(),
        }
    }

    /// The same server, which gives no advice to whoever records.
    #[must_use]
    pub fn without_advice(self) -> Self {
        Self { advisor: Arc::new(Advisor::new(false)), ..self }
    }

    /// The same server for clients that are this principal.
    #[must_use]
    pub fn for_principal(&self, principal: Principal) -> Self {
        Self { principal: Some(principal), ..self.clone() }
    }

    /// The same server for clients each of whose requests brings its [`Principal`], among the extensions of the HTTP
    /// request. One that brings none is refused.
    #[must_use]
    pub fn by_request(self) -> Self {
        Self { principal: None, ..self }
    }

    /// The same server for one request of a client that has no connection: what would be said between requests is not
    /// promised.
    #[must_use]
    pub fn by_single_request(self) -> Self {
        Self { is_connected: false, ..self }
    }

    /// What all clones have counted.
    #[must_use]
    pub fn calls(&self) -> &Arc<Calls> {
        &self.calls
    }

    /// The same server with tools of a test's own.
    #[cfg(test)]
    pub(super) fn with_tools(self, tools: impl IntoIterator<Item = super::tool::Tool>) -> Self {
        Self { registry: Registry::of(tools), ..self }
    }

    /// Whoever makes a request.
    fn principal(&self, request: &RequestContext<RoleServer>) -> Result<Principal, ErrorData> {
        if let Some(principal) = &self.principal {
            return Ok(principal.clone());
        }
        let parts = request.extensions.get::<http::request::Parts>();
        let principal = parts.and_then(|parts| parts.extensions.get::<Principal>()).cloned();
        principal.ok_or_else(|| ErrorData::invalid_request("the request does not say who makes it", None))
    }

    /// The same for what is only for those who may read.
    fn reader(&self, request: &RequestContext<RoleServer>) -> Result<Principal, ErrorData> {
        let principal = self.principal(request)?;
        if principal.may(Permission::Read) {
            return Ok(principal);
        }
        Err(ErrorData::invalid_request("reading runs needs a token with trace:read", None))
    }

    /// What is offered to whoever makes a request.
    fn offer(&self, request: &RequestContext<RoleServer>) -> Result<Offer, ErrorData> {
        Ok(Offer::of(self.tools, &self.principal(request)?))
    }

    fn context(&self, principal: Principal, request: &RequestContext<RoleServer>) -> Context {
        Context {
            intake: Arc::clone(&self.intake),
            query: self.query.clone(),
            may_read: principal.may(Permission::Read),
            scope: principal.scope,
            advisor: Arc::clone(&self.advisor),
            token_id: principal.token_id,
            caller: caller(request),
        }
    }

    /// Calls a tool, counts the call and logs it.
    async fn carry_out(
        &self,
        tool: &Tool,
        context: Arc<Context>,
        arguments: Value,
    ) -> Result<Answer, ToolError> {
        let is_of_known_run = arguments.get("trace_id").is_some();
        let begun = Instant::now();
        // The call of the function lies within the future, so that a panic of either is caught.
        let answer = AssertUnwindSafe(async { (tool.call)(context, arguments).await }).catch_unwind().await;
        let answer = answer.unwrap_or_else(|_| {
            tracing::error!("{} panicked; its caller was told", tool.name);
            Err(failure::internal(tool.name))
        });
        let took = begun.elapsed();
        self.calls.note(tool.name, answer.as_ref().err(), took);
        if let Ok(answer) = &answer
            && !is_of_known_run
            && let Some(trace_id) = answer.structured.get("trace_id").and_then(Value::as_str)
        {
            // Of a run that has just begun nobody knew it before.
            tracing::Span::current().record("trace_id", excerpt(trace_id, LOGGED_CHARS));
        }
        let duration_ms = took.as_secs_f64() * 1e3;
        let result = answer.as_ref().map_or_else(|error| error.code, |_| "ok");
        tracing::debug!(target: "whytrace::mcp::call", duration_ms, result, "{} answered: {result}", tool.name);
        answer
    }

    /// Who may keep an answer that depends on the principal alone.
    fn cache_scope(&self) -> CacheScope {
        if self.principal.is_some() { CacheScope::Public } else { CacheScope::Private }
    }
}

/// What everything that is logged during a call tells of it.
fn span_of(
    tool: &Tool,
    arguments: &Value,
    token_id: Option<&str>,
    request: &RequestContext<RoleServer>,
    caller: &CallerContext,
) -> tracing::Span {
    let said = |text: &str| excerpt(text, LOGGED_CHARS);
    let trace_id = arguments.get("trace_id").and_then(serde_json::Value::as_str).map(said);
    tracing::info_span!(
        "call",
        tool = tool.name,
        trace_id,
        token_id,
        request_id = said(&request.id.to_string()),
        traceparent = caller.traceparent.as_deref().map(said),
    )
}

/// What the client says of itself: in the request where it does (2026-07-28), else when it connected.
fn caller(request: &RequestContext<RoleServer>) -> CallerContext {
    // One that skipped `initialize` is given the library's own name, which says nothing about who calls.
    let client = request.client_info().filter(|client| *client != Implementation::default());
    let owned = |text: Option<&str>| text.map(str::to_owned);
    CallerContext {
        client_name: client.as_ref().map(|client| client.name.clone()),
        client_version: client.map(|client| client.version),
        traceparent: owned(request.meta.get_traceparent()),
        tracestate: owned(request.meta.get_tracestate()),
    }
}
