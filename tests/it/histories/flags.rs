//! Calibration flags against the documents: what fires, what is noted, what is announced.

use super::announcements::{heard, listen};
use super::on_both;
use super::plan::Course;
use super::recording::Recording;
use super::watch::{Watch, id_of};

on_both! {
    async fn flags_fire_as_the_documents_say_and_are_announced_once(place) {
        listen();
        let course = Course::new(20_260_105, 130, 110);
        let mut recording = Recording::begin(place);
        recording.carry_out(&course.plan()).await;
        let runs = recording.runs().await;
        let watch = Watch::over(&recording.happened, &runs, false);
        watch.assert_noted(&runs);
        watch.assert_flags(&recording.flags().await);
        let ids: Vec<String> = watch.announced.iter().map(|(_, key)| id_of(key)).collect();
        let lines = heard();
        assert_eq!(lines.len(), ids.len(), "{lines:#?}");
        for (line, id) in lines.iter().zip(&ids) {
            assert!(line.starts_with("[CALIBRATION] ") && line.ends_with(&format!("({id})")), "{id}: {line}");
        }
        recording.close().await;
    }

    async fn where_projects_are_confined_flags_compare_within_the_project(place) {
        let place = place.set(|settings| settings.flag_scope = Some("project".to_owned()));
        let mut recording = Recording::begin(place);
        recording.carry_out(&Course::new(7, 60, 30).plan()).await;
        let runs = recording.runs().await;
        let watch = Watch::over(&recording.happened, &runs, true);
        watch.assert_noted(&runs);
        watch.assert_flags(&recording.flags().await);
        recording.close().await;
    }
}
