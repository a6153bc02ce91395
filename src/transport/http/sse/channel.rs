//! The two directions of one session, and what its calls hold on the way.
//!
//! A call over `/sse` is taken with 202 before it is worked on, so what admitted it (see `gate`) would be let go at
//! once, and its bounds would bound nothing. Here a call keeps that, and one of its session's places, until its answer
//! has left on the stream; a message that is owed no answer keeps them until it is read and, through the request that
//! the handler sees, for as long as it is worked on. rmcp drops the answer of a call that the client has cancelled,
//! so a cancelled call gives up here what it holds for its answer.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;

use rmcp::RoleServer;
use rmcp::model::{
    CancelledNotification, ClientJsonRpcMessage, ClientNotification, RequestId, ServerJsonRpcMessage,
};
use rmcp::transport::Transport;
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio_util::sync::CancellationToken;

use super::super::gate::Admitted;
use crate::transport::opening::Opening;

/// What a message holds until it is done with.
#[derive(Debug)]
pub(super) struct Load {
    /// Its place among those of its session.
    _place: OwnedSemaphorePermit,
    /// What let its request in.
    _admitted: Option<Arc<Admitted>>,
}

impl Load {
    pub(super) fn new(place: OwnedSemaphorePermit, admitted: Option<Arc<Admitted>>) -> Self {
        Self { _place: place, _admitted: admitted }
    }
}

/// A message of the client, and what it holds.
pub(super) type Incoming = (ClientJsonRpcMessage, Load);

/// A message for the client, and what the call holds that it answers.
pub(super) type Outgoing = (ServerJsonRpcMessage, Option<Load>);

/// One session's messages, as rmcp takes and gives them.
pub(super) struct Channel {
    inbox: mpsc::Receiver<Incoming>,
    outbox: mpsc::Sender<Outgoing>,
    opening: Opening,
    closing: CancellationToken,
    /// What the calls hold whose answers are still to come.
    calls: HashMap<RequestId, Load>,
}

impl Channel {
    /// Reads until `closing` is cancelled, and passes on what `opening` admits.
    pub(super) fn new(
        inbox: mpsc::Receiver<Incoming>,
        outbox: mpsc::Sender<Outgoing>,
        opening: Opening,
        closing: CancellationToken,
    ) -> Self {
        Self { inbox, outbox, opening, closing, calls: HashMap::new() }
    }

    /// Keeps what a call holds, and lets go of what nothing will be answered to.
    fn note(&mut self, message: &ClientJsonRpcMessage, load: Load) {
        match message {
            ClientJsonRpcMessage::Request(request) => {
                self.calls.insert(request.id.clone(), load);
            }
            ClientJsonRpcMessage::Notification(notification) => {
                if let ClientNotification::CancelledNotification(CancelledNotification { params, .. }) =
                    &notification.notification
                    && let Some(id) = &params.request_id
                {
                    self.calls.remove(id);
                }
            }
            ClientJsonRpcMessage::Response(_) | ClientJsonRpcMessage::Error(_) => {}
        }
    }
}

impl Transport<RoleServer> for Channel {
    type Error = io::Error;

    fn send(
        &mut self,
        message: ServerJsonRpcMessage,
    ) -> impl Future<Output = Result<(), io::Error>> + Send + 'static {
        let answered = match &message {
            ServerJsonRpcMessage::Response(response) => Some(&response.id),
            ServerJsonRpcMessage::Error(error) => error.id.as_ref(),
            ServerJsonRpcMessage::Request(_) | ServerJsonRpcMessage::Notification(_) => None,
        };
        let load = answered.and_then(|id| self.calls.remove(id));
        let outbox = self.outbox.clone();
        async move { outbox.send((message, load)).await.map_err(|_| io::ErrorKind::BrokenPipe.into()) }
    }

    async fn receive(&mut self) -> Option<ClientJsonRpcMessage> {
        loop {
            let (message, load) = tokio::select! {
                biased;
                () = self.closing.cancelled() => return None,
                incoming = self.inbox.recv() => incoming?,
            };
            if self.opening.admits(&message) {
                self.note(&message, load);
                return Some(message);
            }
        }
    }

    async fn close(&mut self) -> Result<(), io::Error> {
        self.inbox.close();
        self.calls.clear();
        Ok(())
    }
}
