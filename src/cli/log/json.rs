//! Records as JSON: one flat object a line, `time`, `level`, `target` and `message` first, then what the spans around
//! the record say, the innermost last, then what it says itself.
//!
//! `tracing-subscriber` has such a format too, but keeps spans in arrays of their own, where a search for a trace id
//! has to look in three places.

use std::fmt;

use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber, span};
use tracing_subscriber::field::RecordFields;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, FormattedFields};
use tracing_subscriber::registry::{LookupSpan, Scope};

/// Writes both records and the fields of spans.
#[derive(Clone, Copy, Debug)]
pub(super) struct Json;

impl<S, F> FormatEvent<S, F> for Json
where
    S: Subscriber + for<'l> LookupSpan<'l>,
    F: for<'w> FormatFields<'w> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, F>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut time = String::new();
        SystemTime.format_time(&mut Writer::new(&mut time))?;
        let mut own = Fields::default();
        event.record(&mut own);
        let metadata = event.metadata();
        let mut record = Map::from_iter([
            ("time".to_owned(), time.into()),
            ("level".to_owned(), metadata.level().as_str().into()),
            ("target".to_owned(), metadata.target().into()),
        ]);
        // An object keeps the place of a name that it is given again.
        record.extend(own.0.remove_entry("message"));
        for span in context.event_scope().into_iter().flat_map(Scope::from_root) {
            let extensions = span.extensions();
            record.extend(
                extensions.get::<FormattedFields<F>>().map(|fields| read(fields)).unwrap_or_default(),
            );
        }
        record.extend(own.0);
        writeln!(writer, "{}", Value::Object(record))
    }
}

impl<'w> FormatFields<'w> for Json {
    fn format_fields<R: RecordFields>(&self, mut writer: Writer<'w>, fields: R) -> fmt::Result {
        let mut object = Fields::default();
        fields.record(&mut object);
        write!(writer, "{}", Value::Object(object.0))
    }

    fn add_fields(&self, current: &'w mut FormattedFields<Self>, more: &span::Record<'_>) -> fmt::Result {
        let mut object = Fields(read(current));
        more.record(&mut object);
        current.fields = Value::Object(object.0).to_string();
        Ok(())
    }
}

/// The fields of a span, as they were written when it began.
fn read(fields: &str) -> Map<String, Value> {
    serde_json::from_str(fields).unwrap_or_default()
}

#[derive(Default)]
struct Fields(Map<String, Value>);

impl Fields {
    fn put(&mut self, field: &Field, value: impl Into<Value>) {
        self.0.insert(field.name().to_owned(), value.into());
    }
}

impl Visit for Fields {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field, format!("{value:?}"));
    }
}
