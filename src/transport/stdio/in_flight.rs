//! Counts the requests that still wait for an answer, so that the end can come as soon as none does.
//!
//! A subscription is a request that is answered only when it ends, so it does not hold up the end.

use std::collections::HashSet;

use rmcp::model::{ClientJsonRpcMessage, ClientNotification, ClientRequest, RequestId, ServerJsonRpcMessage};
use tokio::sync::watch;

/// The unanswered requests of one connection; clones share one count.
#[derive(Clone)]
pub(super) struct InFlight(watch::Sender<State>);

#[derive(Default)]
struct State {
    unanswered: HashSet<RequestId>,
    input_ended: bool,
}

impl InFlight {
    pub(super) fn new() -> Self {
        Self(watch::Sender::new(State::default()))
    }

    /// Notes a message that came in.
    pub(super) fn came(&self, message: &ClientJsonRpcMessage) {
        match message {
            ClientJsonRpcMessage::Request(request)
                if !matches!(request.request, ClientRequest::SubscriptionsListenRequest(_)) =>
            {
                self.0.send_modify(|state| {
                    state.unanswered.insert(request.id.clone());
                });
            }
            ClientJsonRpcMessage::Notification(notification) => {
                if let ClientNotification::CancelledNotification(cancelled) = &notification.notification
                    && let Some(id) = &cancelled.params.request_id
                {
                    self.answered(id);
                }
            }
            _ => {}
        }
    }

    /// Notes that a request got its answer, or will get none.
    pub(super) fn answered(&self, id: &RequestId) {
        self.0.send_modify(|state| {
            state.unanswered.remove(id);
        });
    }

    /// Notes that nothing more will come in.
    pub(super) fn input_ended(&self) {
        self.0.send_modify(|state| state.input_ended = true);
    }

    /// Waits for the end of input.
    pub(super) async fn wait_for_end(&self) {
        self.wait_for(|state| state.input_ended).await;
    }

    /// Waits until every request that came in is answered.
    pub(super) async fn wait_until_answered(&self) {
        self.wait_for(|state| state.unanswered.is_empty()).await;
    }

    async fn wait_for(&self, reached: impl FnMut(&State) -> bool) {
        let mut state = self.0.subscribe();
        // Fails only when the sender is gone, and that one is in `self`.
        drop(state.wait_for(reached).await);
    }
}

/// The id that an outgoing message answers, if it answers one.
pub(super) fn answered_id(message: &ServerJsonRpcMessage) -> Option<RequestId> {
    match message {
        ServerJsonRpcMessage::Response(response) => Some(response.id.clone()),
        ServerJsonRpcMessage::Error(error) => error.id.clone(),
        _ => None,
    }
}
