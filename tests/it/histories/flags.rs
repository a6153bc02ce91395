//! Calibration flags against the documents: what fires, what is noted, what is announced.

use std::sync::{Arc, Mutex};

use tracing::field::{Field, Visit};
use tracing::span;

use super::on_both;
use super::plan::Course;
use super::recording::Recording;
use super::watch::{Watch, id_of};

on_both! {
    async fn flags_fire_as_the_documents_say_and_are_announced_once(place) {
        let announced = Announcements::heard();
        let course = Course::new(20_260_105, 150, 105);
        let mut recording = Recording::begin(place);
        recording.carry_out(&course.plan()).await;
        let runs = recording.runs().await;
        let watch = Watch::over(&recording.happened, &runs, false);
        watch.assert_noted(&runs);
        watch.assert_flags(&recording.flags().await);
        let ids: Vec<String> = watch.announced.iter().map(|(_, key)| id_of(key)).collect();
        let lines = announced.lines();
        assert_eq!(lines.len(), ids.len(), "{lines:#?}");
        for (line, id) in lines.iter().zip(&ids) {
            assert!(line.starts_with("[CALIBRATION] ") && line.ends_with(&format!("({id})")), "{id}: {line}");
        }
        recording.close().await;
    }

    async fn where_projects_are_confined_flags_compare_within_the_project(place) {
        let place = place.set(|settings| settings.flag_scope = Some("project".to_owned()));
        let mut recording = Recording::begin(place);
        recording.carry_out(&Course::new(7, 80, 40).plan()).await;
        let runs = recording.runs().await;
        let watch = Watch::over(&recording.happened, &runs, true);
        watch.assert_noted(&runs);
        watch.assert_flags(&recording.flags().await);
        recording.close().await;
    }
}

/// The lines by which flags are announced, while it is there, on this thread.
pub(super) struct Announcements {
    lines: Arc<Mutex<Vec<String>>>,
    _ears: tracing::subscriber::DefaultGuard,
}

impl Announcements {
    pub(super) fn heard() -> Self {
        let lines = Arc::new(Mutex::new(Vec::new()));
        let ears = tracing::subscriber::set_default(Ears { lines: Arc::clone(&lines) });
        Self { lines, _ears: ears }
    }

    pub(super) fn lines(&self) -> Vec<String> {
        self.lines.lock().expect("a lock").clone()
    }
}

/// A subscriber that hears nothing but calibration.
struct Ears {
    lines: Arc<Mutex<Vec<String>>>,
}

impl tracing::Subscriber for Ears {
    fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
        metadata.target() == "whytrace::calibration"
    }

    fn event(&self, event: &tracing::Event<'_>) {
        event.record(&mut Message(&self.lines));
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

struct Message<'l>(&'l Mutex<Vec<String>>);

impl Visit for Message<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        if field.name() == "message" {
            self.0.lock().expect("a lock").push(format!("{value:?}"));
        }
    }
}
