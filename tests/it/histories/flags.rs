//! Calibration flags against the documents: what fires, what is noted, what is announced.

use std::path::{Path, PathBuf};

use whytrace::calibration::{AlertKind, CalibrationRules, Flag, FlagKind, Severity};
use whytrace::config::Settings;
use whytrace::gate::request::{FlagAction, ReviewRequest};
use whytrace::model::Timestamp;
use whytrace::store::index::Scope;

use super::announcements::{heard, listen};
use super::on_both;
use super::plan::Course;
use super::recording::{Recording, by_project, remembered, texts};
use super::watch::{Watch, id_of};
use crate::support::eventually::eventually;

on_both! {
    async fn flags_fire_as_the_documents_say_and_are_announced_once(place) {
        listen();
        let course = Course::new(8, 130, 110);
        let mut recording = Recording::begin(place.set(with_little_said));
        recording.carry_out(&course.plan()).await;
        let runs = recording.runs().await;
        let watch = Watch::over(&recording.happened, &runs, recording.place.config().calibration);
        watch.assert_noted(&runs);
        let flags = recording.flags().await;
        watch.assert_flags(&flags);
        assert_variety(&flags);
        assert_eq!(watch.mattered.len(), 3, "what mattered of the window of confidence: {:?}", watch.mattered);
        let ids: Vec<String> = watch.announced.iter().map(|(_, key)| id_of(key)).collect();
        let lines = heard();
        assert_eq!(lines.len(), ids.len(), "{lines:#?}");
        for (line, id) in lines.iter().zip(&ids) {
            assert!(line.starts_with("[CALIBRATION] ") && line.ends_with(&format!("({id})")), "{id}: {line}");
        }
        recording.close().await;
    }

    async fn where_projects_are_confined_flags_compare_within_the_project(place) {
        let place = place.set(with_little_said);
        let place = place.set(|settings| settings.flag_scope = Some("project".to_owned()));
        let mut recording = Recording::begin(place);
        recording.carry_out(&Course::new(7, 60, 30).plan()).await;
        let runs = recording.runs().await;
        let watch = Watch::over(&recording.happened, &runs, recording.place.config().calibration);
        watch.assert_noted(&runs);
        watch.assert_flags(&recording.flags().await);
        recording.close().await;
    }

    async fn the_alerts_file_has_a_dated_heading_for_each_alert_the_newest_last_and_is_always_whole(place) {
        let mut recording = Recording::begin(place);
        let projects = recording.place.path("projects");
        for step in &Course::new(3, 40, 12).plan().steps {
            recording.step(step).await;
            // Each is read while it is being replaced.
            drop(alerts(&projects));
        }
        let flags = recording.flags().await;
        eventually("the files say what the flags say", async || {
            by_project(&flags).values().all(|flags| alerts(&projects).contains(&headings(flags)))
        })
        .await;
        recording.close().await;
    }

    async fn the_files_of_a_project_remember_what_two_processes_decide_at_once(place) {
        let mut recording = Recording::begin(place);
        recording.carry_out(&Course { reviews_flags: false, ..Course::new(3, 40, 12) }.plan()).await;
        let flags = recording.flags().await;
        let projects = recording.place.path("projects");
        eventually("the files say what the flags say", async || remembered(&projects) == by_project(&flags)).await;
        let of_one = by_project(&flags).into_values().max_by_key(Vec::len).unwrap();
        for pair in of_one.chunks_exact(2) {
            let decide = async |process: usize, flag: &Flag, action: FlagAction| {
                let request = ReviewRequest {
                    flag_id: Some(flag.id.clone()),
                    flag_action: Some(action),
                    ..ReviewRequest::default()
                };
                recording.processes[process].intake.review(request, &Scope::All).await.unwrap();
            };
            tokio::join!(
                decide(0, &pair[0], FlagAction::Acknowledge),
                decide(1, &pair[1], FlagAction::Resolve)
            );
            assert_eq!(remembered(&projects), by_project(&recording.flags().await));
        }
        recording.close().await;
    }
}

/// Lets the little that is said in such a history be enough to find that confidence is off.
pub(super) fn with_little_said(settings: &mut Settings) {
    settings.calibration = Some(CalibrationRules {
        confidence_min_decisions: 8,
        confidence_standard_errors: 2.5,
        ..CalibrationRules::default()
    });
}

/// Asserts that the flags have lived through what flags can.
fn assert_variety(flags: &[Flag]) {
    let has = |what: &str, meaning: &dyn Fn(&Flag) -> bool| assert!(flags.iter().any(meaning), "{what}");
    for kind in FlagKind::ALL {
        has(kind.as_str(), &|flag| flag.kind == kind);
    }
    for severity in [Severity::Note, Severity::Warning] {
        has(severity.as_str(), &|flag| flag.severity == severity);
    }
    for kind in [AlertKind::Opened, AlertKind::Reopened, AlertKind::StillOpen] {
        has("an alert of each kind", &|flag| flag.alerts.iter().any(|alert| alert.kind == kind));
    }
    has("confidence that was off again after it was resolved", &|flag| {
        flag.kind == FlagKind::ConfidenceMiscalibrated
            && flag.counted_after.is_some_and(|resolved| {
                flag.alerts.iter().any(|alert| alert.kind == AlertKind::Reopened && alert.at > resolved)
            })
    });
    has("an acknowledged flag", &|flag| flag.state.as_str() == "acknowledged");
    has("a flag that is open after it was resolved", &|flag| {
        flag.state.as_str() == "open" && flag.counted_after.is_some()
    });
}

/// The headings of each project's alerts, as its file has them now.
fn alerts(projects: &Path) -> Vec<Vec<String>> {
    if !projects.exists() {
        return Vec::new();
    }
    let files = texts(projects, |name| name == "_calibration_alerts.md");
    let whole = |path: &PathBuf| {
        let text = std::fs::read_to_string(path).unwrap();
        assert!(text.starts_with("# Calibration alerts\n") && text.ends_with(".\n"), "{text:?}");
        text.lines().filter(|line| line.starts_with("## ")).map(str::to_owned).collect()
    };
    files.iter().map(whole).collect()
}

/// The headings that a project's alerts have to have.
fn headings(flags: &[Flag]) -> Vec<String> {
    let alerts = flags
        .iter()
        .flat_map(|flag| flag.alerts.iter().map(move |alert| (alert.at, &flag.id, flag.kind, alert.kind)));
    let mut alerts: Vec<_> = alerts.collect();
    alerts.sort_by_key(|(at, id, ..)| (*at, (*id).clone()));
    let heading = |(at, _, kind, alert): (Timestamp, &String, FlagKind, AlertKind)| {
        let said = at.to_string();
        let why = match alert {
            AlertKind::Opened => "",
            AlertKind::Reopened => ", again",
            AlertKind::StillOpen => ", still open",
        };
        format!("## {} {} UTC {kind}{why}", &said[..10], &said[11..19])
    };
    alerts.into_iter().map(heading).collect()
}
