//! Cuts a byte stream into lines of bounded length.
//!
//! A line within the limit is handed over whole. A longer one is not kept: as soon as it is known
//! to be too long its bytes are scanned for an address and dropped, however many follow.

use std::io;

use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};

use super::envelope::Envelope;

const READ_BUFFER_BYTES: usize = 64 * 1024;

/// One line of input, without its newline.
pub(super) enum Line {
    /// A line within the limit.
    Whole(Vec<u8>),
    /// A line beyond the limit, of which only the address was kept.
    Oversized(Envelope),
}

/// The lines of `R`.
pub(super) struct Lines<R> {
    reader: BufReader<R>,
    limit: usize,
    line: Vec<u8>,
    skipping: Option<Envelope>,
}

impl<R: AsyncRead + Unpin> Lines<R> {
    /// Reads lines of at most `limit` bytes.
    pub(super) fn new(reader: R, limit: usize) -> Self {
        Self {
            reader: BufReader::with_capacity(READ_BUFFER_BYTES, reader),
            limit,
            line: Vec::new(),
            skipping: None,
        }
    }

    /// The next line, or `None` at the end of input; a last line may lack its newline.
    ///
    /// The future may be dropped at any point: what was read so far stays here.
    pub(super) async fn next(&mut self) -> io::Result<Option<Line>> {
        loop {
            let chunk = self.reader.fill_buf().await?;
            if chunk.is_empty() {
                let nothing_left = self.line.is_empty() && self.skipping.is_none();
                return Ok((!nothing_left).then(|| self.take()));
            }
            let mut parts = chunk.splitn(2, |byte| *byte == b'\n');
            let text = parts.next().unwrap_or_default();
            let ended = parts.next().is_some();
            let consumed = text.len() + usize::from(ended);
            match &mut self.skipping {
                Some(envelope) => envelope.read(text),
                None if self.line.len() + text.len() > self.limit => {
                    let mut envelope = Envelope::of(&std::mem::take(&mut self.line));
                    envelope.read(text);
                    self.skipping = Some(envelope);
                }
                None => self.line.extend_from_slice(text),
            }
            self.reader.consume(consumed);
            if ended {
                return Ok(Some(self.take()));
            }
        }
    }

    fn take(&mut self) -> Line {
        match self.skipping.take() {
            Some(envelope) => Line::Oversized(envelope),
            None => Line::Whole(std::mem::take(&mut self.line)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn cut(input: &str, limit: usize) -> Vec<String> {
        let mut lines = Lines::new(input.as_bytes(), limit);
        let mut found = Vec::new();
        while let Some(line) = lines.next().await.unwrap() {
            found.push(match line {
                Line::Whole(bytes) => String::from_utf8(bytes).unwrap(),
                Line::Oversized(envelope) => format!("too long: {:?}", envelope.id()),
            });
        }
        found
    }

    #[tokio::test]
    async fn a_line_at_the_limit_is_whole_and_one_byte_more_is_not() {
        assert_eq!(cut("12345\n123456\n1\n", 5).await, ["12345", "too long: None", "1"]);
    }

    #[tokio::test]
    async fn the_last_line_may_lack_its_newline() {
        assert_eq!(cut("a\nb", 5).await, ["a", "b"]);
        assert_eq!(cut("a\n1234567", 5).await, ["a", "too long: None"]);
        assert_eq!(cut("", 5).await, Vec::<String>::new());
    }

    #[tokio::test]
    async fn what_a_dropped_read_had_taken_is_not_lost() {
        use futures::FutureExt;
        use tokio::io::AsyncWriteExt;

        let (mut client, server) = tokio::io::duplex(64);
        let mut lines = Lines::new(server, 64);
        client.write_all(b"hal").await.unwrap();
        assert!(lines.next().now_or_never().is_none());
        client.write_all(b"ves\n").await.unwrap();
        assert!(matches!(lines.next().await.unwrap(), Some(Line::Whole(line)) if line == b"halves"));
    }
}
