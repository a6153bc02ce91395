//! The requests of the protocol, one method each: who asks, what of it is theirs, and how long they may keep the answer.
//!
//! Identity, capabilities and instructions stand in [`get_info`](ServerHandler::get_info) alone, which feeds both
//! ways of opening a conversation.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures::FutureExt as _;
use rmcp::model::{
    CacheScope, CallToolRequestParams, CallToolResponse, CallToolResult, CompleteRequestParams,
    CompleteResult, ContentBlock, GetPromptRequestParams, GetPromptResponse, GetSkillRequestParams,
    GetSkillResult, Implementation, InitializeRequestParams, InitializeResult, ListPromptsResult,
    ListResourceTemplatesResult, ListResourcesResult, ListSkillsResult, ListToolsResult,
    PaginatedRequestParams, ReadResourceRequestParams, ReadResourceResponse, ServerCapabilities,
    ServerConfig, SubscribeRequestMethod, SubscribeRequestParams, SubscriptionFilter,
    UnsubscribeRequestMethod, UnsubscribeRequestParams,
};
use rmcp::service::{RequestContext, RoleServer, SubscriptionContext};
use rmcp::{ErrorData, ServerHandler, model};
use serde_json::Value;
use tracing::Instrument as _;

use super::{Server, span_of};
use crate::mcp::registry::Offer;
use crate::mcp::{completion, failure, instructions, prompts, resources, skills, subscriptions};
use crate::store::index::Permission;

/// How long a client may keep what is the same until the program is replaced: an hour, in milliseconds.
const FIXED_FOR_MS: u64 = 3_600_000;

impl ServerHandler for Server {
    fn get_info(&self) -> ServerConfig {
        let capabilities = ServerCapabilities::builder()
            .enable_tools()
            .enable_resources()
            .enable_resources_subscribe()
            .enable_prompts()
            .enable_completions()
            .enable_skills()
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
        let mut listed: Vec<_> = skills::resources(self.offer(&request)?).collect();
        let principal = self.principal(&request)?;
        if principal.may(Permission::Read) {
            listed.extend(resources::recent(&self.context(principal, &request)).await?);
        }
        Ok(ListResourcesResult::with_all_items(listed))
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
        if skills::is_skill(&read.uri) {
            return skills::read(self.offer(&request)?, &read.uri).map(Into::into);
        }
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

    async fn list_skills(
        &self,
        page: Option<PaginatedRequestParams>,
        request: RequestContext<RoleServer>,
    ) -> Result<ListSkillsResult, ErrorData> {
        only_page(page)?;
        Ok(ListSkillsResult::with_all_items(skills::list(self.offer(&request)?))
            .with_ttl_ms(FIXED_FOR_MS)
            .with_cache_scope(self.cache_scope()))
    }

    async fn get_skill(
        &self,
        skill: GetSkillRequestParams,
        request: RequestContext<RoleServer>,
    ) -> Result<GetSkillResult, ErrorData> {
        let skill = skills::get(self.offer(&request)?, &skill.uri)?;
        Ok(GetSkillResult::new(skill).with_ttl_ms(FIXED_FOR_MS).with_cache_scope(self.cache_scope()))
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

/// Every list comes in one page, so that no cursor was ever given out.
fn only_page(page: Option<PaginatedRequestParams>) -> Result<(), ErrorData> {
    match page.and_then(|page| page.cursor) {
        Some(_) => Err(ErrorData::invalid_params("unknown cursor: this list comes in one page", None)),
        None => Ok(()),
    }
}
