//! Which messages may reach rmcp before a client has chosen how it speaks.
//!
//! Until the first `initialize`, or the first request that carries the 2026-07-28 metadata, rmcp
//! ends the whole connection on anything but a request. A stray notification (a cancelled
//! `server/discover`, say) must not cost the client its server, so it is dropped here.

use std::borrow::Cow;

use rmcp::model::{ClientJsonRpcMessage, ClientRequest, GetMeta, ProtocolVersion};

/// Watches one connection's messages until its lifecycle is chosen.
pub(super) struct Opening {
    supported: Cow<'static, [ProtocolVersion]>,
    chosen: bool,
}

impl Opening {
    /// Watches a connection whose handler speaks the `supported` versions.
    pub(super) fn new(supported: Cow<'static, [ProtocolVersion]>) -> Self {
        Self { supported, chosen: false }
    }

    /// Says whether the message may be passed on.
    pub(super) fn admits(&mut self, message: &ClientJsonRpcMessage) -> bool {
        if self.chosen {
            return true;
        }
        let ClientJsonRpcMessage::Request(request) = message else {
            return false;
        };
        self.chosen = match &request.request {
            ClientRequest::InitializeRequest(_) => true,
            ClientRequest::PingRequest(_) | ClientRequest::DiscoverRequest(_) => false,
            request => self.is_inline(request),
        };
        true
    }

    fn is_inline(&self, request: &ClientRequest) -> bool {
        let meta = request.get_meta();
        meta.missing_required_keys(&ProtocolVersion::V_2026_07_28).is_empty()
            && meta.protocol_version().is_some_and(|version| self.supported.contains(&version))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn message(value: Value) -> ClientJsonRpcMessage {
        serde_json::from_value(value).unwrap()
    }

    fn opening() -> Opening {
        Opening::new(Cow::Borrowed(ProtocolVersion::KNOWN_VERSIONS))
    }

    fn cancelled() -> ClientJsonRpcMessage {
        message(json!({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 1}}))
    }

    #[test]
    fn notifications_pass_only_after_a_lifecycle_is_chosen() {
        let mut opening = opening();
        assert!(!opening.admits(&cancelled()));
        assert!(opening.admits(&message(json!({"jsonrpc": "2.0", "id": 1, "method": "ping"}))));
        assert!(!opening.admits(&cancelled()), "a ping chooses nothing");
        assert!(opening.admits(&message(json!({
            "jsonrpc": "2.0", "id": 2, "method": "initialize",
            "params": {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
        }))));
        assert!(opening.admits(&cancelled()));
    }

    #[test]
    fn a_request_with_the_metadata_of_an_unknown_version_chooses_nothing() {
        let with_version = |version: &str| {
            message(json!({"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {"_meta": {
                "io.modelcontextprotocol/protocolVersion": version,
                "io.modelcontextprotocol/clientCapabilities": {}
            }}}))
        };
        let mut opening = opening();
        assert!(opening.admits(&with_version("2999-01-01")));
        assert!(!opening.admits(&cancelled()));
        assert!(opening.admits(&with_version("2026-07-28")));
        assert!(opening.admits(&cancelled()));
    }
}
