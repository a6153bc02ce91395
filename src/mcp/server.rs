//! The one handler behind every transport and every version of the protocol.
//!
//! It finds the tool, says who calls, and turns what comes back into a result. It keeps nothing between calls: a run
//! lives behind its id, never behind a connection, so a newer client that never sends `initialize` is served alike.
//! Identity, capabilities and instructions stand in [`get_info`](ServerHandler::get_info) alone, which feeds both
//! ways of opening a conversation.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures::FutureExt as _;
use rmcp::model::{
    CacheScope, CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock,
    GetPromptRequestParams, GetPromptResponse, Implementation, ListPromptsResult,
    ListResourceTemplatesResult, ListResourcesResult, ListToolsResult, PaginatedRequestParams,
    ReadResourceRequestParams, ReadResourceResponse, ServerCapabilities, ServerConfig,
};
use rmcp::service::{RequestContext, RoleServer};
use rmcp::{ErrorData, ServerHandler, model};
use serde_json::Value;

use super::registry::{Registry, ToolSet};
use super::tool::Context;
use super::{failure, instructions, prompts, resources};
use crate::gate::CallerContext;
use crate::query::Query;
use crate::recorder::Intake;
use crate::store::index::Scope;

/// How long a client may keep what is the same until the program is replaced: an hour, in milliseconds.
const FIXED_FOR_MS: u64 = 3_600_000;

/// Answers MCP clients. Cheap to clone; all clones share the stores and keep nothing of a connection.
#[derive(Clone, Debug)]
pub struct Server {
    intake: Arc<Intake>,
    query: Query,
    scope: Scope,
    tools: ToolSet,
    registry: Registry,
}

impl Server {
    /// A server that records through `intake`, asks through `query`, and offers these tools to clients that may see
    /// `scope`.
    #[must_use]
    pub fn new(intake: Arc<Intake>, query: Query, tools: ToolSet, scope: Scope) -> Self {
        Self { intake, query, scope, tools, registry: Registry::new(tools) }
    }

    /// The same server for clients that may see something else.
    #[must_use]
    pub fn with_scope(&self, scope: Scope) -> Self {
        Self { scope, ..self.clone() }
    }

    /// The same server with tools of a test's own.
    #[cfg(test)]
    pub(super) fn with_tools(self, tools: impl IntoIterator<Item = super::tool::Tool>) -> Self {
        Self { registry: Registry::of(tools), ..self }
    }

    fn context(&self, request: &RequestContext<RoleServer>) -> Context {
        Context {
            intake: Arc::clone(&self.intake),
            query: self.query.clone(),
            scope: self.scope.clone(),
            caller: caller(request),
        }
    }
}

impl ServerHandler for Server {
    fn get_info(&self) -> ServerConfig {
        let capabilities =
            ServerCapabilities::builder().enable_tools().enable_resources().enable_prompts().build();
        let identity = Implementation::new(env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"))
            .with_title("whytrace")
            .with_description(env!("CARGO_PKG_DESCRIPTION"));
        ServerConfig::new(capabilities)
            .with_server_info(identity)
            .with_instructions(instructions::instructions(self.tools))
    }

    async fn list_tools(
        &self,
        page: Option<PaginatedRequestParams>,
        _request: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        only_page(page)?;
        Ok(ListToolsResult::with_all_items(self.registry.shown().to_vec())
            .with_ttl_ms(FIXED_FOR_MS)
            .with_cache_scope(CacheScope::Public))
    }

    async fn call_tool(
        &self,
        call: CallToolRequestParams,
        request: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let Some(tool) = self.registry.find(&call.name) else {
            let names = self.registry.names().join(", ");
            return Err(ErrorData::invalid_params(format!("unknown tool; there are {names}"), None));
        };
        let context = Arc::new(self.context(&request));
        let arguments = Value::Object(call.arguments.unwrap_or_default());
        // The call of the function lies within the future, so that a panic of either is caught.
        let answer = AssertUnwindSafe(async { (tool.call)(context, arguments).await }).catch_unwind().await;
        let result = match answer {
            Ok(Ok(answer)) => {
                let mut result = CallToolResult::success(vec![ContentBlock::text(answer.text)]);
                result.structured_content = Some(answer.structured);
                result
            }
            Ok(Err(error)) => failure::result(&error),
            Err(_) => {
                tracing::error!(tool = tool.name, "{} panicked; its caller was told", tool.name);
                failure::result(&failure::internal(tool.name))
            }
        };
        Ok(result.into())
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
        Ok(ListResourcesResult::with_all_items(resources::recent(&self.context(&request)).await?))
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
        let context = self.context(&request);
        let found = AssertUnwindSafe(resources::read(&read.uri, &context)).catch_unwind().await;
        found
            .unwrap_or_else(|_| {
                tracing::error!("reading a resource panicked; its caller was told");
                Err(ErrorData::internal_error("the resource could not be read: a fault of this server", None))
            })
            .map(Into::into)
    }

    async fn list_prompts(
        &self,
        page: Option<PaginatedRequestParams>,
        _request: RequestContext<RoleServer>,
    ) -> Result<ListPromptsResult, ErrorData> {
        only_page(page)?;
        Ok(ListPromptsResult::with_all_items(prompts::list(self.tools))
            .with_ttl_ms(FIXED_FOR_MS)
            .with_cache_scope(CacheScope::Public))
    }

    async fn get_prompt(
        &self,
        prompt: GetPromptRequestParams,
        _request: RequestContext<RoleServer>,
    ) -> Result<GetPromptResponse, ErrorData> {
        prompts::get(self.tools, &prompt.name, &prompt.arguments.unwrap_or_default()).map(Into::into)
    }
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
