//! The lines by which flags are announced, as a test hears them that runs on one thread.

use std::cell::RefCell;
use std::sync::Once;

use tracing::field::{Field, Visit};
use tracing::span;

thread_local! {
    static HEARD: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

/// Begins to listen on this thread.
///
/// One subscriber serves all threads: with one for each, whether a place in the code is listened to at all would be
/// remembered from whichever thread came by first.
pub(super) fn listen() {
    static LISTENING: Once = Once::new();
    LISTENING.call_once(|| tracing::subscriber::set_global_default(Ears).expect("nobody else listens"));
    drop(heard());
}

/// What was heard on this thread since it was asked last.
pub(super) fn heard() -> Vec<String> {
    HEARD.take()
}

/// A subscriber that hears nothing but calibration.
struct Ears;

impl tracing::Subscriber for Ears {
    fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
        metadata.target() == "whytrace::calibration"
    }

    fn event(&self, event: &tracing::Event<'_>) {
        event.record(&mut Message);
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

struct Message;

impl Visit for Message {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        if field.name() == "message" {
            HEARD.with_borrow_mut(|heard| heard.push(format!("{value:?}")));
        }
    }
}
