//! Records as text, each on a line of its own whatever stands in it.

use std::io::{self, Write};

use tracing::Metadata;
use tracing_subscriber::fmt::MakeWriter;
use whytrace::shown::shown;

const ESCAPE: char = '\u{1b}';

/// The styles that the formatter gives to levels and names. Text of others can at most look the same: the formatter
/// escapes it in messages, but not in fields that are logged by their `Display`.
const STYLES: [&str; 9] = [
    "\u{1b}[0m",
    "\u{1b}[1m",
    "\u{1b}[2m",
    "\u{1b}[3m",
    "\u{1b}[31m",
    "\u{1b}[32m",
    "\u{1b}[33m",
    "\u{1b}[34m",
    "\u{1b}[35m",
];

/// Escapes what must not reach a terminal, on the way to another writer.
#[derive(Debug)]
pub(super) struct Plain<W> {
    inner: W,
    /// Whether records have the formatter's own styles.
    has_colors: bool,
}

impl<W> Plain<W> {
    pub(super) fn over(inner: W, has_colors: bool) -> Self {
        Self { inner, has_colors }
    }
}

impl<'w, W: MakeWriter<'w>> MakeWriter<'w> for Plain<W> {
    type Writer = Plain<W::Writer>;

    fn make_writer(&'w self) -> Self::Writer {
        Plain { inner: self.inner.make_writer(), has_colors: self.has_colors }
    }

    fn make_writer_for(&'w self, record: &Metadata<'_>) -> Self::Writer {
        Plain { inner: self.inner.make_writer_for(record), has_colors: self.has_colors }
    }
}

impl<W: Write> Write for Plain<W> {
    /// Takes one whole record: the formatter hands each on in one piece.
    fn write(&mut self, record: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(record);
        let line = text.strip_suffix('\n').unwrap_or(&text);
        if line.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
            self.inner.write_all(record)?;
        } else {
            self.inner.write_all(format!("{}\n", escaped(line, self.has_colors)).as_bytes())?;
        }
        Ok(record.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

fn escaped(line: &str, has_colors: bool) -> String {
    let mut escaped = String::with_capacity(line.len() + 16);
    for (place, c) in line.char_indices() {
        let rest = line.get(place..).unwrap_or_default();
        let is_kept = match c {
            ESCAPE => has_colors && STYLES.iter().any(|style| rest.starts_with(style)),
            '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}' => false,
            c => !shown(c.encode_utf8(&mut [0; 4])).is_empty(),
        };
        if is_kept {
            escaped.push(c);
        } else {
            escaped.extend(c.escape_default());
        }
    }
    escaped
}
