//! Carries JSON-RPC messages over lines of text, and answers every line that is none.
//!
//! rmcp's own line transport drops an oversized or unparsable line without a word, and a client
//! that waits for its answer hangs. Here such a line gets an error, addressed to its id where one
//! can be read. Writing is a task of its own, fed by a bounded queue: a client that does not read
//! is not read from, and an interrupted `receive` never leaves half a line behind.

use std::io;

use rmcp::RoleServer;
use rmcp::model::{ClientJsonRpcMessage, ServerJsonRpcMessage};
use rmcp::transport::Transport;
use serde::de::IgnoredAny;
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::envelope::Envelope;
use super::in_flight::{InFlight, answered_id};
use super::lines::{Line, Lines};
use crate::transport::opening::Opening;

const PARSE_ERROR: i32 = -32700;
const INVALID_REQUEST: i32 = -32600;
const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// The server's end of a connection made of lines.
pub(super) struct Wire<R> {
    pub(super) lines: Lines<R>,
    pub(super) max_line_bytes: usize,
    pub(super) queue: mpsc::Sender<Vec<u8>>,
    pub(super) opening: Opening,
    pub(super) in_flight: InFlight,
    /// Ends the input when cancelled.
    pub(super) closing: CancellationToken,
    /// An error that waits for room in the queue.
    pub(super) refusal: Option<Vec<u8>>,
}

impl<R: AsyncRead + Unpin + Send + 'static> Transport<RoleServer> for Wire<R> {
    type Error = io::Error;

    fn send(
        &mut self,
        message: ServerJsonRpcMessage,
    ) -> impl Future<Output = Result<(), io::Error>> + Send + 'static {
        let queue = self.queue.clone();
        let in_flight = self.in_flight.clone();
        async move {
            let sent = enqueue(&queue, &message).await;
            if let Some(id) = answered_id(&message) {
                in_flight.answered(&id);
            }
            sent
        }
    }

    async fn receive(&mut self) -> Option<ClientJsonRpcMessage> {
        let message = self.next_message().await;
        match &message {
            Some(message) => self.in_flight.came(message),
            None => self.in_flight.input_ended(),
        }
        message
    }

    async fn close(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<R: AsyncRead + Unpin + Send> Wire<R> {
    async fn next_message(&mut self) -> Option<ClientJsonRpcMessage> {
        loop {
            if self.refusal.is_some() {
                let room = self.queue.reserve().await.ok()?;
                if let Some(refusal) = self.refusal.take() {
                    room.send(refusal);
                }
            }
            let line = tokio::select! {
                biased;
                () = self.closing.cancelled() => return None,
                line = self.lines.next() => line,
            };
            match line {
                Ok(Some(line)) => match read_message(line, self.max_line_bytes) {
                    Read::Message(message) if self.opening.admits(&message) => return Some(*message),
                    Read::Message(_) => {
                        tracing::debug!("ignored a notification or response before the handshake");
                    }
                    Read::Nothing => {}
                    Read::Refused(refusal) => self.refusal = Some(refusal),
                },
                Ok(None) => return None,
                Err(error) => {
                    tracing::warn!(%error, "reading the client's messages failed");
                    return None;
                }
            }
        }
    }
}

/// Writes queued lines until every sender is gone; a failed write ends the connection.
pub(super) async fn write_lines(
    mut writer: impl AsyncWrite + Unpin,
    mut queue: mpsc::Receiver<Vec<u8>>,
    closing: CancellationToken,
) {
    while let Some(mut text) = queue.recv().await {
        // What has piled up meanwhile goes out in one write.
        while let Ok(more) = queue.try_recv() {
            text.extend_from_slice(&more);
        }
        let written = async {
            writer.write_all(&text).await?;
            writer.flush().await
        };
        if let Err(error) = written.await {
            tracing::debug!(%error, "the client no longer reads");
            closing.cancel();
            return;
        }
    }
}

async fn enqueue(queue: &mpsc::Sender<Vec<u8>>, message: &ServerJsonRpcMessage) -> io::Result<()> {
    let mut line = serde_json::to_vec(message)?;
    line.push(b'\n');
    queue.send(line).await.map_err(|_| io::Error::from(io::ErrorKind::BrokenPipe))
}

enum Read {
    Message(Box<ClientJsonRpcMessage>),
    Nothing,
    Refused(Vec<u8>),
}

fn read_message(line: Line, max_line_bytes: usize) -> Read {
    let line = match line {
        Line::Whole(line) => line,
        Line::Oversized(envelope) => return refuse_oversized(&envelope, max_line_bytes),
    };
    let text = line.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&line).trim_ascii();
    if text.is_empty() {
        return Read::Nothing;
    }
    match serde_json::from_slice(text) {
        Ok(message) => Read::Message(Box::new(message)),
        Err(error) => refuse_unreadable(text, &error),
    }
}

fn refuse_oversized(envelope: &Envelope, max_line_bytes: usize) -> Read {
    if !envelope.wants_answer() {
        tracing::warn!(
            max_line_bytes,
            "dropped a notification or response that is longer than a line may be"
        );
        return Read::Nothing;
    }
    let message = format!(
        "the message is longer than the {max_line_bytes} bytes that a line may have and was not read; \
         send fewer events per trace_record, or shorter texts"
    );
    Read::Refused(error_line(INVALID_REQUEST, &message, envelope.id().as_ref()))
}

fn refuse_unreadable(text: &[u8], error: &serde_json::Error) -> Read {
    // Unlike the message types, this accepts any depth of nesting and any text encoding.
    if serde_json::from_slice::<IgnoredAny>(text).is_err() {
        tracing::debug!(%error, "a line of input is no JSON");
        return Read::Refused(error_line(
            PARSE_ERROR,
            "the line is no JSON; send one message per line",
            None,
        ));
    }
    let envelope = Envelope::of(text);
    if !envelope.wants_answer() {
        tracing::debug!(%error, "ignored a malformed notification or response");
        return Read::Nothing;
    }
    let message = "the line is JSON but no JSON-RPC 2.0 request of this protocol; send one object per line, \
                   in UTF-8, with jsonrpc, id and method, nested at most 120 levels";
    Read::Refused(error_line(INVALID_REQUEST, message, envelope.id().as_ref()))
}

fn error_line(code: i32, message: &str, id: Option<&Value>) -> Vec<u8> {
    let answer = json!({"jsonrpc": "2.0", "id": id, "error": {"code": code, "message": message}});
    format!("{answer}\n").into_bytes()
}
