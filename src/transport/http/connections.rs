//! Accepts connections, bounds them, and lets them finish.

use std::io;
use std::pin::pin;
use std::time::Duration;

use axum::Router;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::HttpOptions;
use super::caller::{Caller, Peer};
use super::patience::Patience;
use super::shares::Shares;

const MAX_HEADERS: usize = 64;
/// The head of a request fits in here; hyper answers 431 to a longer one.
const MAX_HEAD_BYTES: usize = 64 * 1024;
/// What a connection gets that there is no room for.
const TURNED_AWAY: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\nconnection: close\r\n\
    content-type: application/json\r\ncontent-length: 64\r\n\r\n\
    {\"error\":\"the server has as many connections open as it takes\"} ";
const TURN_AWAY_TIME: Duration = Duration::from_secs(1);
/// A pause before the next try when the system cannot accept, as with too many open files.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);
/// What streams get to end in, once everything else has.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// Serves `router` on every connection until `shutdown`, and returns those still open.
pub(super) async fn accept(
    listener: TcpListener,
    router: Router,
    options: &HttpOptions,
    closing: &CancellationToken,
    shutdown: &CancellationToken,
) -> JoinSet<()> {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(options.client_timeout)
        .max_headers(MAX_HEADERS)
        .max_buf_size(MAX_HEAD_BYTES);
    let shares = Shares::of_at_most(options.max_connections_per_address);
    let mut open = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            biased;
            () = shutdown.cancelled() => return open,
            Some(_) = open.join_next() => continue,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((socket, _)) if open.len() >= options.max_connections => {
                tokio::spawn(turn_away(socket));
            }
            Ok((socket, peer)) => {
                let mut share = shares.share(Caller::at(Peer(peer)).as_ref());
                if !share.grow(1) {
                    tokio::spawn(turn_away(socket));
                    continue;
                }
                let socket = Patience::new(socket, options.client_timeout);
                let served = serve(http.clone(), socket, Peer(peer), router.clone(), closing.clone());
                open.spawn(async move {
                    served.await;
                    drop(share);
                });
            }
            Err(error) if is_of_one_connection(&error) => {}
            Err(error) => {
                tracing::warn!(%error, "accepting connections failed");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// Waits for open connections until `deadline` and a moment more, then cuts the rest off.
pub(super) async fn finish(open: &mut JoinSet<()>, deadline: Instant) {
    let all = async { while open.join_next().await.is_some() {} };
    if tokio::time::timeout_at(deadline + LAST_WORDS, all).await.is_err() {
        tracing::warn!(connections = open.len(), "connections did not end in time and are cut off");
        open.shutdown().await;
    }
}

async fn serve(
    http: http1::Builder,
    socket: Patience<TcpStream>,
    peer: Peer,
    router: Router,
    closing: CancellationToken,
) {
    let router = TowerToHyperService::new(router);
    let service = service_fn(move |mut request: hyper::Request<Incoming>| {
        request.extensions_mut().insert(peer);
        router.call(request)
    });
    let mut connection = pin!(http.serve_connection(TokioIo::new(socket), service));
    let served = tokio::select! {
        served = connection.as_mut() => served,
        () = closing.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = served {
        tracing::debug!(%error, "a connection ended early");
    }
}

async fn turn_away(mut socket: TcpStream) {
    let told = async {
        socket.write_all(TURNED_AWAY).await?;
        socket.shutdown().await
    };
    // Nothing is owed to a client that does not even take this answer.
    drop(tokio::time::timeout(TURN_AWAY_TIME, told).await);
}

fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}
