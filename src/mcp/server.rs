//! The one handler behind every transport and every version of the protocol.
//!
//! It finds the tool, says who calls, and turns what comes back into a result. It keeps nothing between calls but what
//! an older client has subscribed to: a run lives behind its id, never behind a connection, so a newer client that
//! never sends `initialize` is served alike.
//! Identity, capabilities and instructions stand in [`get_info`](ServerHandler::get_info) alone, which feeds both
//! ways of opening a conversation.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Instant;

use futures::FutureExt as _;
use rmcp::model::{
    CacheScope, CallToolRequestParams, CallToolResponse, CallToolResult, CompleteRequestParams,
    CompleteResult, ContentBlock, GetPromptRequestParams, GetPromptResponse, Implementation,
    InitializeRequestParams, InitializeResult, ListPromptsResult, ListResourceTemplatesResult,
    ListResourcesResult, ListToolsResult, PaginatedRequestParams, ReadResourceRequestParams,
    ReadResourceResponse, ServerCapabilities, ServerConfig, SubscribeRequestMethod, SubscribeRequestParams,
    SubscriptionFilter, UnsubscribeRequestMethod, UnsubscribeRequestParams,
};
use rmcp::service::{RequestContext, RoleServer, SubscriptionContext};
use rmcp::{ErrorData, ServerHandler, model};
use serde_json::Value;
use tracing::Instrument as _;

use super::calls::Calls;
use super::registry::{Offer, Registry, ToolSet};
use super::subscriptions::{self, Subscriptions};
use super::tool::{Answer, Context, Tool, ToolError};
use super::{completion, failure, instructions, prompts, resources};
use crate::access::Principal;
use crate::gate::CallerContext;
use crate::query::Query;
use crate::recorder::Intake;
use crate::shown::excerpt;
use crate::store::index::{Permission, Scope};

/// How long a client may keep what is the same until the program is replaced: an hour, in milliseconds.
const FIXED_FOR_MS: u64 = 3_600_000;

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
            is_connected: true,
            subscriptions: Subscriptions::default(),
        }
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
            scope: principal.scope,
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

impl ServerHandler for Server {
    fn get_info(&self) -> ServerConfig {
        let capabilities = ServerCapabilities::builder()
            .enable_tools()
            .enable_resources()
            .enable_resources_subscribe()
            .enable_prompts()
            .enable_completions()
            .build();
        let identity = Implementation::new(env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"))
            .with_title("whytrace")
            .with_description(env!("CARGO_PKG_DESCRIPTION"));
        ServerConfig::new(capabilities)
            .with_server_info(identity)
            .with_instructions(instructions::instructions(self.tools))
    }

    async fn initialize(
        &self,
        client: InitializeRequestParams,
        request: RequestContext<RoleServer>,
    ) -> Result<InitializeResult, ErrorData> {
        request.peer.set_peer_info(client.clone());
        let mut result = self.negotiate_initialize(&client)?;
        if !self.is_connected
            && let Some(resources) = &mut result.capabilities.resources
        {
            resources.subscribe = None;
        }
        Ok(result)
    }

    async fn list_tools(
        &self,
        page: Option<PaginatedRequestParams>,
        request: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        only_page(page)?;
        Ok(ListToolsResult::with_all_items(self.registry.offered(self.offer(&request)?))
            .with_ttl_ms(FIXED_FOR_MS)
            .with_cache_scope(self.cache_scope()))
    }

    async fn call_tool(
        &self,
        call: CallToolRequestParams,
        request: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let principal = self.principal(&request)?;
        let offer = Offer::of(self.tools, &principal);
        let Some(tool) = self.registry.find(&call.name, offer) else {
            let names = self.registry.names(offer).join(", ");
            return Err(ErrorData::invalid_params(format!("unknown tool; there are {names}"), None));
        };
        let token_id = principal.token_id.clone();
        let context = Arc::new(self.context(principal, &request));
        let arguments = Value::Object(call.arguments.unwrap_or_default());
        let span = span_of(tool, &arguments, token_id.as_deref(), &request, &context.caller);
        let answered = self.carry_out(tool, context, arguments).instrument(span).await;
        Ok(match answered {
            Ok(answer) => {
                let mut result = CallToolResult::success(vec![ContentBlock::text(answer.text)]);
                result.structured_content = Some(answer.structured);
                result
            }
            Err(error) => failure::result(&error),
        }
        .into())
    }

    fn get_tool(&self, name: &str) -> Option<model::Tool> {
        self.registry.shown().iter().find(|tool| tool.name == name).cloned()
    }

    async fn list_resources(
        &self,
        page: Option<PaginatedRequestParams>,
        request: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, ErrorData> {
        only_page(page)?;
        let principal = self.principal(&request)?;
        let recent = if principal.may(Permission::Read) {
            resources::recent(&self.context(principal, &request)).await?
        } else {
            Vec::new()
        };
        Ok(ListResourcesResult::with_all_items(recent))
    }

    async fn list_resource_templates(
        &self,
        page: Option<PaginatedRequestParams>,
        _request: RequestContext<RoleServer>,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        only_page(page)?;
        Ok(ListResourceTemplatesResult::with_all_items(resources::templates())
            .with_ttl_ms(FIXED_FOR_MS)
            .with_cache_scope(CacheScope::Public))
    }

    async fn read_resource(
        &self,
        read: ReadResourceRequestParams,
        request: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        let context = self.context(self.reader(&request)?, &request);
        let found = AssertUnwindSafe(resources::read(&read.uri, &context)).catch_unwind().await;
        found
            .unwrap_or_else(|_| {
                tracing::error!("reading a resource panicked; its caller was told");
                Err(ErrorData::internal_error("the resource could not be read: a fault of this server", None))
            })
            .map(Into::into)
    }

    async fn subscribe(
        &self,
        subscribe: SubscribeRequestParams,
        request: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        if !self.is_connected {
            return Err(ErrorData::method_not_found::<SubscribeRequestMethod>());
        }
        let context = self.context(self.reader(&request)?, &request);
        self.subscriptions.add(&subscribe.uri, &context, &request.peer).await
    }

    async fn unsubscribe(
        &self,
        unsubscribe: UnsubscribeRequestParams,
        _request: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        if !self.is_connected {
            return Err(ErrorData::method_not_found::<UnsubscribeRequestMethod>());
        }
        self.subscriptions.remove(&unsubscribe.uri);
        Ok(())
    }

    fn accepted_subscription_filter(&self, requested: &SubscriptionFilter) -> Option<SubscriptionFilter> {
        Some(subscriptions::acceptable(requested))
    }

    async fn listen(&self, stream: SubscriptionContext) -> Result<(), ErrorData> {
        let request = stream.request_context();
        let context = self.context(self.reader(request)?, request);
        subscriptions::listen(&stream, &context).await
    }

    async fn list_prompts(
        &self,
        page: Option<PaginatedRequestParams>,
        request: RequestContext<RoleServer>,
    ) -> Result<ListPromptsResult, ErrorData> {
        only_page(page)?;
        Ok(ListPromptsResult::with_all_items(prompts::list(self.offer(&request)?))
            .with_ttl_ms(FIXED_FOR_MS)
            .with_cache_scope(self.cache_scope()))
    }

    async fn get_prompt(
        &self,
        prompt: GetPromptRequestParams,
        request: RequestContext<RoleServer>,
    ) -> Result<GetPromptResponse, ErrorData> {
        prompts::get(self.offer(&request)?, &prompt.name, &prompt.arguments.unwrap_or_default())
            .map(Into::into)
    }

    async fn complete(
        &self,
        completion: CompleteRequestParams,
        request: RequestContext<RoleServer>,
    ) -> Result<CompleteResult, ErrorData> {
        let offer = self.offer(&request)?;
        let context = self.context(self.principal(&request)?, &request);
        completion::complete(&completion, offer, &context).await
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

/// Every list comes in one page, so that no cursor was ever given out.
fn only_page(page: Option<PaginatedRequestParams>) -> Result<(), ErrorData> {
    match page.and_then(|page| page.cursor) {
        Some(_) => Err(ErrorData::invalid_params("unknown cursor: this list comes in one page", None)),
        None => Ok(()),
    }
}
