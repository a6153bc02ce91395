//! MCP over standard input and output: one JSON-RPC message a line, one client, one process.
//!
//! Standard output carries the protocol alone. The service ends with its input, with its parent
//! process, or when it is told to, and then answers what is still in flight first. `wire` carries
//! the messages, `lines` bounds them, `envelope` finds whom an error concerns, `in_flight` knows
//! when the last answer is out.

mod envelope;
mod in_flight;
mod lines;
mod parent;
mod wire;

#[cfg(test)]
mod tests;

use std::io;
use std::time::Duration;

use rmcp::ServerHandler;
use rmcp::service::{ServerInitializeError, serve_server_with_ct};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use self::in_flight::InFlight;
use self::lines::Lines;
use self::wire::{Wire, write_lines};
use super::opening::Opening;

/// Lines that may wait for the client to read them.
const QUEUED_LINES: usize = 16;
/// How long cancelled work and unwritten lines are waited for at the very end.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// Bounds of a line-based connection.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct StdioOptions {
    /// The longest line that is read, in bytes; a longer one is answered with an error. 16 MiB.
    pub max_line_bytes: usize,
    /// How long requests in flight are waited for once the input has ended. 2 s.
    pub drain_timeout: Duration,
}

impl Default for StdioOptions {
    fn default() -> Self {
        Self { max_line_bytes: 16 * 1024 * 1024, drain_timeout: Duration::from_secs(2) }
    }
}

/// Serves one client over standard input and output until either side ends.
///
/// A read of a standard input that is no pipe cannot be interrupted, so a caller must not wait
/// for the runtime's threads after this returns (`Runtime::shutdown_background`, or exit).
///
/// # Errors
///
/// When the handshake fails for another reason than the end of the connection.
pub async fn serve_stdio<H: ServerHandler>(handler: H, shutdown: CancellationToken) -> io::Result<()> {
    let (reader, writer) = rmcp::transport::io::stdio_pipes();
    let closing = shutdown.child_token();
    let orphaned = closing.clone();
    let watch = tokio::spawn(async move {
        parent::gone().await;
        tracing::info!("the parent process is gone, ending");
        orphaned.cancel();
    });
    let served = serve_lines(handler, reader, writer, StdioOptions::default(), closing).await;
    watch.abort();
    served
}

/// Serves one client over any pair of byte streams, as [`serve_stdio`] does.
///
/// Returns once the input has ended or `shutdown` is cancelled, and every request in flight is
/// answered or [`StdioOptions::drain_timeout`] has passed.
///
/// # Errors
///
/// When the handshake fails for another reason than the end of the connection.
pub async fn serve_lines<H, R, W>(
    handler: H,
    reader: R,
    writer: W,
    options: StdioOptions,
    shutdown: CancellationToken,
) -> io::Result<()>
where
    H: ServerHandler,
    R: AsyncRead + Unpin + Send + 'static,
    W: AsyncWrite + Unpin + Send + 'static,
{
    let closing = shutdown.child_token();
    let in_flight = InFlight::new();
    let (queue, queued) = mpsc::channel(QUEUED_LINES);
    let writing = tokio::spawn(write_lines(writer, queued, closing.clone()));
    let wire = Wire {
        lines: Lines::new(reader, options.max_line_bytes),
        max_line_bytes: options.max_line_bytes,
        queue,
        opening: Opening::new(handler.supported_protocol_versions()),
        in_flight: in_flight.clone(),
        closing,
        refusal: None,
    };

    let work = CancellationToken::new();
    let served = tokio::select! {
        served = serve(handler, wire, work.clone()) => served,
        () = end(&in_flight, options.drain_timeout, &work) => Ok(()),
    };
    if tokio::time::timeout(LAST_WORDS, writing).await.is_err() {
        tracing::warn!("ended before the client had read every answer");
    }
    served
}

async fn serve<H, R>(handler: H, wire: Wire<R>, work: CancellationToken) -> io::Result<()>
where
    H: ServerHandler,
    R: AsyncRead + Unpin + Send + 'static,
{
    match serve_server_with_ct(handler, wire, work).await {
        Ok(service) => service.waiting().await.map(drop).map_err(io::Error::other),
        Err(ServerInitializeError::ConnectionClosed(_) | ServerInitializeError::Cancelled) => Ok(()),
        Err(error) => Err(io::Error::other(error)),
    }
}

/// Waits for the end of input, then for the answers, then stops what has not come to one.
async fn end(in_flight: &InFlight, drain: Duration, work: &CancellationToken) {
    in_flight.wait_for_end().await;
    if tokio::time::timeout(drain, in_flight.wait_until_answered()).await.is_err() {
        tracing::warn!("requests in flight took too long and are cancelled");
    }
    // Subscriptions end only now: they have no answer that could be waited for.
    work.cancel();
    tokio::time::sleep(LAST_WORDS).await;
}
