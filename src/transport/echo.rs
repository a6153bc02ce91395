//! A tiny handler for tests: it echoes, it waits until it is let go, it listens.

use std::sync::Arc;

use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, JsonObject, ListToolsResult,
    PaginatedRequestParams, ServerCapabilities, ServerConfig, SubscriptionFilter, Tool,
};
use rmcp::service::{RequestContext, RoleServer, SubscriptionContext};
use rmcp::{ErrorData, ServerHandler};
use tokio::sync::Semaphore;

/// `echo` answers with its `text`; `wait` answers once [`Echo::let_go`] was called.
#[derive(Clone)]
pub(super) struct Echo {
    entered: Arc<Semaphore>,
    gate: Arc<Semaphore>,
}

impl Echo {
    pub(super) fn new() -> Self {
        Self { entered: Arc::new(Semaphore::new(0)), gate: Arc::new(Semaphore::new(0)) }
    }

    /// Lets one `wait` go on.
    pub(super) fn let_go(&self) {
        self.gate.add_permits(1);
    }

    /// Returns when one more `wait` or subscription has begun.
    pub(super) async fn entered(&self) {
        self.entered.acquire().await.unwrap().forget();
    }
}

impl ServerHandler for Echo {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().enable_tool_list_changed().build())
    }

    async fn list_tools(
        &self,
        _page: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let schema = JsonObject::from_iter([("type".to_owned(), "object".into())]);
        Ok(ListToolsResult::with_all_items(vec![Tool::new("echo", "answers with its text", schema)]))
    }

    async fn call_tool(
        &self,
        call: CallToolRequestParams,
        _context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        if call.name == "wait" {
            self.entered.add_permits(1);
            self.gate.acquire().await.unwrap().forget();
        }
        let text =
            call.arguments.as_ref().and_then(|a| a.get("text")).and_then(|t| t.as_str()).unwrap_or("done");
        Ok(CallToolResult::success(vec![ContentBlock::text(text)]).into())
    }

    fn accepted_subscription_filter(&self, requested: &SubscriptionFilter) -> Option<SubscriptionFilter> {
        Some(requested.clone())
    }

    async fn listen(&self, subscription: SubscriptionContext) -> Result<(), ErrorData> {
        self.entered.add_permits(1);
        subscription.cancelled().await;
        Ok(())
    }
}
