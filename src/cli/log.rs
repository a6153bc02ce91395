//! What is logged, to standard error: one line a record, as text for people or as JSON for programs.
//!
//! Whoever reads a log must be able to tell its records apart, so no text of a client may end a line or drive a
//! terminal. JSON escapes that by itself; in text it is done here, to each record as a whole, so that nothing which
//! logs has to think of it.

mod json;
mod plain;

use std::io::IsTerminal as _;

use tracing::Subscriber;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;
use whytrace::config::{Config, LogFormat};

use json::Json;
use plain::Plain;

/// Logs what the configuration says from now on. The log of a server on standard input and output (`is_stdio`) has
/// no times as text: a client shows it line by line, with times of its own.
pub(super) fn to_standard_error(config: &Config, is_stdio: bool) {
    let filter = EnvFilter::try_new(&config.log).unwrap_or_else(|error| {
        eprintln!("whytrace: log is {:?}, which is no filter ({error}); warnings are logged", config.log);
        EnvFilter::new("warn")
    });
    let look = Look { format: config.log_format, colors: std::io::stderr().is_terminal(), times: !is_stdio };
    if let Err(error) = tracing::subscriber::set_global_default(subscriber(filter, look, std::io::stderr)) {
        eprintln!("whytrace: no log: {error}");
    }
}

/// How records look.
#[derive(Clone, Copy, Debug)]
struct Look {
    format: LogFormat,
    /// Of text.
    colors: bool,
    /// Of text; JSON always has them.
    times: bool,
}

fn subscriber<W>(filter: EnvFilter, look: Look, writer: W) -> Box<dyn Subscriber + Send + Sync>
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        // They are said with `eprintln!`, which panics where a client has closed its end of standard error.
        .log_internal_errors(false)
        .with_ansi(look.colors && look.format == LogFormat::Text);
    match (look.format, look.times) {
        (LogFormat::Json, _) => {
            Box::new(builder.fmt_fields(Json).event_format(Json).with_writer(writer).finish())
        }
        (LogFormat::Text, true) => Box::new(builder.with_writer(Plain::over(writer, look.colors)).finish()),
        (LogFormat::Text, false) => {
            Box::new(builder.without_time().with_writer(Plain::over(writer, look.colors)).finish())
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    use serde_json::Value;
    use tracing::{info_span, warn};

    use super::*;

    #[derive(Clone, Default)]
    struct Sink(Arc<Mutex<Vec<u8>>>);

    impl Write for Sink {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    /// What is logged while this runs.
    fn logged(format: LogFormat, colors: bool, run: impl FnOnce()) -> String {
        let sink = Sink::default();
        let writer = sink.clone();
        let look = Look { format, colors, times: false };
        let subscriber = subscriber(EnvFilter::new("trace"), look, move || writer.clone());
        tracing::subscriber::with_default(subscriber, run);
        let bytes = sink.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    const HOSTILE: &str = "a\nWARN forged: b\r\nERROR c\u{1b}[2J\u{7}\u{85}\u{202e}d\u{2028}e \u{9b}31m ü";

    /// Hostile text by every way into a record.
    fn log_hostile_text() {
        let span = info_span!("call", trace_id = HOSTILE, shown = %HOSTILE, later = tracing::field::Empty);
        let _entered = span.enter();
        span.record("later", HOSTILE);
        warn!(field = HOSTILE, shown = %HOSTILE, debug = ?HOSTILE, "failed: {HOSTILE}");
    }

    #[test]
    fn no_text_of_a_client_ends_a_line_of_text_or_drives_a_terminal() {
        for colors in [false, true] {
            let logged = logged(LogFormat::Text, colors, log_hostile_text);
            assert_eq!(logged.lines().count(), 1, "{logged:?}");
            for forbidden in ["\r", "\u{1b}[2J", "\u{7}", "\u{85}", "\u{202e}", "\u{2028}", "\u{9b}"] {
                assert!(!logged.contains(forbidden), "{forbidden:?} in {logged:?}");
            }
            assert!(logged.ends_with('\n') && logged.contains("\\nWARN forged") && logged.contains('ü'));
        }
    }

    #[test]
    fn a_record_is_one_json_object_with_what_its_spans_say() {
        let logged = logged(LogFormat::Json, false, || {
            log_hostile_text();
            let span =
                info_span!("call", trace_id = "t1", tool = "trace_start", later = tracing::field::Empty);
            let _entered = span.enter();
            span.record("later", 7);
            warn!(duration_ms = 1.5, tool = "own", "slow");
        });
        let records: Vec<Value> = logged.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let [hostile, plain] = records.as_slice() else { panic!("{logged}") };
        assert_eq!(hostile["message"], format!("failed: {HOSTILE}"));
        for field in ["trace_id", "shown", "later", "field"] {
            assert_eq!(hostile[field], HOSTILE, "{field}");
        }
        let mut plain = plain.as_object().unwrap().clone();
        let time = plain.remove("time").unwrap();
        assert!(time.as_str().unwrap().ends_with('Z'), "{time}");
        let expected = serde_json::json!({
            "level": "WARN", "target": "whytrace::cli::log::tests", "message": "slow", "trace_id": "t1",
            "tool": "own", "later": 7, "duration_ms": 1.5,
        });
        assert_eq!(Value::Object(plain), expected, "an event's own word counts for more than its span's");
    }
}
