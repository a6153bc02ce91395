//! The open sessions of the older transport, and what runs behind each.
//!
//! A session's id names the process that has it, and 128 random bits; where nobody needs a token it is all that lets a
//! message in, so it is never logged.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::channel::mpsc as paired;
use futures::{FutureExt, Stream, StreamExt, future, stream};
use rmcp::ServerHandler;
use rmcp::model::{
    ClientJsonRpcMessage, ClientNotification, ClientRequest, DiscoverRequestMethod, ErrorData,
    ProtocolVersion, ServerConfig, ServerJsonRpcMessage, ServerResult,
};
use rmcp::service::{NotificationContext, RequestContext, RoleServer, Service, serve_server_with_ct};
use tokio::sync::mpsc::{self, error::TrySendError};
use tokio_util::sync::CancellationToken;

use crate::transport::opening::Opening;

/// Messages that may wait in one direction of one session.
const QUEUED_MESSAGES: usize = 32;
/// How long a client may take from opening the stream to choosing how it speaks.
const OPENING_TIME: Duration = Duration::from_secs(60);

/// The sessions that are open now, by id.
pub(super) struct Sessions {
    /// How the ids of this process begin, so that a message for another one is told from one for nobody.
    mark: String,
    open: Mutex<HashMap<String, Open>>,
    closing: CancellationToken,
}

/// Where a session's messages go, and whose they must be.
struct Open {
    inbox: mpsc::Sender<ClientJsonRpcMessage>,
    owner: Option<String>,
}

/// What became of a message for a session.
pub(super) enum Delivery {
    /// The session will read it.
    Accepted,
    /// The sender has no such session.
    Unknown,
    /// Another process gave this id out, or this one before it was started anew.
    Elsewhere,
    /// The session has not read what came before.
    Full,
}

/// An open session; dropping it closes the session.
pub(super) struct Session {
    id: String,
    sessions: Arc<Sessions>,
}

impl Session {
    pub(super) fn id(&self) -> &str {
        &self.id
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.sessions.lock().remove(&self.id);
    }
}

impl Sessions {
    pub(super) fn new(closing: CancellationToken) -> Self {
        // Without random bits no session is opened either.
        let mark = random_hex().map(|[mark, _]| mark).unwrap_or_default();
        Self { mark, open: Mutex::default(), closing }
    }

    /// Starts `handler` on a new session, which takes messages from `owner` alone, and returns the session and what it answers.
    pub(super) fn open<H: ServerHandler>(
        self: &Arc<Self>,
        handler: H,
        owner: Option<String>,
    ) -> Result<(Session, impl Stream<Item = ServerJsonRpcMessage> + use<H>), getrandom::Error> {
        let id = format!("{}-{}", self.mark, random_hex()?.concat());
        let (inbox, inbound) = mpsc::channel(QUEUED_MESSAGES);
        let (outbox, outbound) = paired::channel(QUEUED_MESSAGES);
        self.lock().insert(id.clone(), Open { inbox, owner });
        tokio::spawn(serve(handler, outbox, inbound, self.closing.clone()));
        Ok((Session { id, sessions: Arc::clone(self) }, outbound))
    }

    /// Hands a message of this sender to the session with this id.
    pub(super) fn deliver(&self, id: &str, sender: Option<&str>, message: ClientJsonRpcMessage) -> Delivery {
        let open = self.lock();
        if is_mark_of_another(id, &self.mark) {
            return Delivery::Elsewhere;
        }
        let own = open.get(id).filter(|session| session.owner.as_deref() == sender);
        let Some(Open { inbox, .. }) = own else {
            return Delivery::Unknown;
        };
        match inbox.try_send(message) {
            Ok(()) => Delivery::Accepted,
            Err(TrySendError::Full(_)) => Delivery::Full,
            Err(TrySendError::Closed(_)) => Delivery::Unknown,
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Open>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Two times 64 random bits.
fn random_hex() -> Result<[String; 2], getrandom::Error> {
    let (mut one, mut other) = ([0; 8], [0; 8]);
    getrandom::fill(&mut one)?;
    getrandom::fill(&mut other)?;
    Ok([one, other].map(|bytes| format!("{:016x}", u64::from_ne_bytes(bytes))))
}

/// Whether an id has the form of those that are given out, and begins as another process's do.
fn is_mark_of_another(id: &str, own: &str) -> bool {
    let is_hex =
        |text: &str, length| text.len() == length && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let parts = id.split_once('-').filter(|(mark, random)| is_hex(mark, 16) && is_hex(random, 32));
    parts.is_some_and(|(mark, _)| mark != own)
}

async fn serve<H: ServerHandler>(
    handler: H,
    outbox: paired::Sender<ServerJsonRpcMessage>,
    mut inbound: mpsc::Receiver<ClientJsonRpcMessage>,
    closing: CancellationToken,
) {
    let handler = WithHandshake(handler);
    let mut opening = Opening::new(handler.supported_protocol_versions());
    let inbox = stream::poll_fn(move |context| inbound.poll_recv(context))
        .take_until(closing.cancelled_owned())
        .filter(move |message| future::ready(opening.admits(message)))
        .boxed();
    // Boxed, because the compiler cannot see that the bare future is Send for every handler.
    let served = serve_server_with_ct(handler, (outbox, inbox), CancellationToken::new()).boxed();
    match tokio::time::timeout(OPENING_TIME, served).await {
        Ok(Ok(service)) => {
            if let Err(error) = service.waiting().await {
                tracing::error!(%error, "an /sse session broke");
            }
        }
        Ok(Err(error)) => tracing::debug!(%error, "an /sse session ended before its handshake"),
        Err(_) => tracing::debug!("an /sse session was never begun and is closed"),
    }
}

/// A handler narrowed to the versions that have a handshake, which are all that this transport carries.
struct WithHandshake<H>(H);

impl<H: ServerHandler> Service<RoleServer> for WithHandshake<H> {
    async fn handle_request(
        &self,
        request: ClientRequest,
        context: RequestContext<RoleServer>,
    ) -> Result<ServerResult, ErrorData> {
        if matches!(request, ClientRequest::DiscoverRequest(_)) {
            return Err(ErrorData::method_not_found::<DiscoverRequestMethod>());
        }
        self.0.handle_request(request, context).await
    }

    async fn handle_notification(
        &self,
        notification: ClientNotification,
        context: NotificationContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        self.0.handle_notification(notification, context).await
    }

    fn get_info(&self) -> ServerConfig {
        ServerHandler::get_info(&self.0)
    }

    fn supported_protocol_versions(&self) -> Cow<'static, [ProtocolVersion]> {
        let newest = &ProtocolVersion::LATEST_WITH_INITIALIZE;
        let mut versions = ServerHandler::supported_protocol_versions(&self.0).into_owned();
        versions.retain(|version| version.as_str() <= newest.as_str());
        Cow::Owned(versions)
    }
}
