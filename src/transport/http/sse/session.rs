//! The open sessions of the older transport, and what runs behind each.
//!
//! A session's id names the process that has it, and 128 random bits; where nobody needs a token it is all that lets a
//! message in, so it is never logged.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::FutureExt;
use rmcp::ServerHandler;
use rmcp::model::{
    ClientJsonRpcMessage, ClientNotification, ClientRequest, DiscoverRequestMethod, ErrorData,
    ProtocolVersion, ServerConfig, ServerResult, SubscriptionsListenRequestMethod,
};
use rmcp::service::{NotificationContext, RequestContext, RoleServer, Service, serve_server_with_ct};
use tokio::sync::Semaphore;
use tokio::sync::mpsc::{self, error::TrySendError};
use tokio_util::sync::CancellationToken;

use super::super::gate::Admitted;
use super::channel::{Channel, Incoming, Load, Outgoing};
use crate::transport::opening::Opening;

/// The messages of one session that may be on their way: read by nobody yet, worked on, or answered on a stream that is
/// not read.
pub(super) const MOST_MESSAGES: usize = 32;
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
    inbox: mpsc::Sender<Incoming>,
    places: Arc<Semaphore>,
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
    /// As many messages of the session are on their way as may be.
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

    /// Starts `handler` on a new session, which takes messages from `owner` alone, and returns the session and what it
    /// answers.
    pub(super) fn open<H: ServerHandler>(
        self: &Arc<Self>,
        handler: H,
        owner: Option<String>,
    ) -> Result<(Session, mpsc::Receiver<Outgoing>), getrandom::Error> {
        let id = format!("{}-{}", self.mark, random_hex()?.concat());
        let (inbox, inbound) = mpsc::channel(MOST_MESSAGES);
        let (outbox, outbound) = mpsc::channel(MOST_MESSAGES);
        let places = Arc::new(Semaphore::new(MOST_MESSAGES));
        self.lock().insert(id.clone(), Open { inbox, places, owner });
        tokio::spawn(serve(handler, inbound, outbox, self.closing.clone()));
        Ok((Session { id, sessions: Arc::clone(self) }, outbound))
    }

    /// Hands a message of this sender to the session with this id. What has let it in is kept until it is done with.
    pub(super) fn deliver(
        &self,
        id: &str,
        sender: Option<&str>,
        message: ClientJsonRpcMessage,
        admitted: Option<Arc<Admitted>>,
    ) -> Delivery {
        let open = self.lock();
        if is_mark_of_another(id, &self.mark) {
            return Delivery::Elsewhere;
        }
        let own = open.get(id).filter(|session| session.owner.as_deref() == sender);
        let Some(Open { inbox, places, .. }) = own else {
            return Delivery::Unknown;
        };
        let Ok(place) = Arc::clone(places).try_acquire_owned() else {
            return Delivery::Full;
        };
        match inbox.try_send((message, Load::new(place, admitted))) {
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
    inbox: mpsc::Receiver<Incoming>,
    outbox: mpsc::Sender<Outgoing>,
    closing: CancellationToken,
) {
    let handler = WithHandshake(handler);
    let opening = Opening::new(handler.supported_protocol_versions());
    let channel = Channel::new(inbox, outbox, opening, closing);
    // Boxed, because the compiler cannot see that the bare future is Send for every handler.
    let served = serve_server_with_ct(handler, channel, CancellationToken::new()).boxed();
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
        match request {
            ClientRequest::DiscoverRequest(_) => Err(ErrorData::method_not_found::<DiscoverRequestMethod>()),
            // Of the versions without a handshake too: it would never be answered, and hold its place for ever.
            ClientRequest::SubscriptionsListenRequest(_) => {
                Err(ErrorData::method_not_found::<SubscriptionsListenRequestMethod>())
            }
            request => self.0.handle_request(request, context).await,
        }
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
