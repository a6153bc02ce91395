//! One process alone: what is written is read back, documents only grow, and nothing is lost of what is in the way.

use std::sync::Arc;

use whytrace::error::Error;
use whytrace::model::Event;
use whytrace::model::document::Integrity;
use whytrace::scorecard;
use whytrace::store::Sealed;
use whytrace::store::documents::{Place, ProjectFile, ProjectTexts};

use super::everywhere;
use crate::support::run::{Run, content, scored};

fn events(run: &Run) -> impl Iterator<Item = &Event> + Send {
    run.events().iter().map(|event: &Arc<Sealed>| &***event)
}

const DOCUMENT: &str = "projects/p/_traces/r1.json";
const SUMMARY: &str = "projects/p/_traces/r1_summary.md";

everywhere! {
    async fn a_run_is_read_back_as_it_was_written_with_its_summary_beside_it(shelf) {
        let documents = shelf.documents();
        let run = Run::started("r1").decide("d1").finish(scored(1.0, &[("META-12", 1.0)]));
        let written = documents.save("p", run.id(), events(&run)).await.unwrap().unwrap();
        assert!(written.changed);
        assert!(written.address.ends_with(DOCUMENT), "{}", written.address);
        assert_eq!(written.address, documents.address("p", run.id()));
        let found = shelf.documents().read("p", run.id()).await.unwrap().unwrap();
        assert_eq!((found.integrity, content(&found.trace)), (Integrity::Intact, content(&run.told())));
        assert_eq!(shelf.text(SUMMARY).await.unwrap(), scorecard::markdown(&written.trace));
    }

    async fn what_is_not_there_is_nothing_and_no_fault(shelf) {
        let documents = shelf.documents();
        let run = Run::new("r1");
        assert!(documents.read("p", run.id()).await.unwrap().is_none());
        assert!(documents.find(run.id()).await.unwrap().is_none());
        assert!(documents.places().await.unwrap().is_empty());
        assert!(documents.project_files(ProjectFile::Flags).await.unwrap().is_empty());
        documents.delete("p", run.id()).await.unwrap();
    }

    async fn a_run_whose_start_is_not_known_has_no_document(shelf) {
        let run = Run::new("r1").decide("d1");
        assert!(shelf.documents().save("p", run.id(), events(&run)).await.unwrap().is_none());
        assert_eq!(shelf.text(DOCUMENT).await, None);
    }

    async fn events_that_a_document_holds_change_nothing_and_others_are_added(shelf) {
        let documents = shelf.documents();
        let begun = Run::started("r1").decide("d1");
        documents.save("p", begun.id(), events(&begun)).await.unwrap();
        let before = shelf.text(DOCUMENT).await;
        let again = documents.save("p", begun.id(), events(&begun)).await.unwrap().unwrap();
        assert!(!again.changed);
        assert_eq!(shelf.text(DOCUMENT).await, before);

        let ended = begun.decide("d2").finish(scored(2.0, &[]));
        let written = documents.save("p", ended.id(), events(&ended).skip(2)).await.unwrap().unwrap();
        assert_eq!((written.changed, written.trace.metadata.revision), (true, 2));
        assert_eq!(content(&written.trace), content(&ended.told()));
        assert_eq!(shelf.text(SUMMARY).await.unwrap(), scorecard::markdown(&written.trace));
    }

    async fn a_document_from_elsewhere_takes_the_place_of_one_that_holds_less_and_of_no_other(shelf) {
        let documents = shelf.documents();
        let less = Run::started("r1").decide("d1");
        let more = Run::started("r1").decide("d1").decide("d2").complete();
        assert!(documents.import(&less.document(1)).await.unwrap().changed);
        assert!(documents.import(&more.document(1)).await.unwrap().changed);
        let kept = documents.import(&less.document(9)).await.unwrap();
        assert!(!kept.changed);
        let found = documents.read("p", less.id()).await.unwrap().unwrap().trace;
        assert_eq!(content(&found), content(&more.told()));
        assert!(found.metadata.revision > 1, "a revision is never used again");
    }

    async fn a_summary_that_is_missing_or_old_is_written_again(shelf) {
        let documents = shelf.documents();
        let run = Run::started("r1").complete();
        let written = documents.save("p", run.id(), events(&run)).await.unwrap().unwrap();
        let summary = scorecard::markdown(&written.trace);
        shelf.remove(SUMMARY).await;
        assert!(!documents.save("p", run.id(), events(&run)).await.unwrap().unwrap().changed);
        assert_eq!(shelf.text(SUMMARY).await.as_ref(), Some(&summary));
        shelf.put(SUMMARY, "of yesterday").await;
        documents.save("p", run.id(), events(&run)).await.unwrap();
        assert_eq!(shelf.text(SUMMARY).await.as_ref(), Some(&summary));
    }

    async fn what_cannot_be_read_is_named_and_the_next_writing_sets_it_aside(shelf) {
        let documents = shelf.documents();
        let run = Run::started("r1").complete();
        shelf.put(DOCUMENT, "{ half").await;
        let error = documents.read("p", run.id()).await.unwrap_err();
        assert!(matches!(&error, Error::Corrupt { place, .. } if place == DOCUMENT), "{error}");
        documents.save("p", run.id(), events(&run)).await.unwrap();
        let found = documents.read("p", run.id()).await.unwrap().unwrap();
        assert_eq!(content(&found.trace), content(&run.told()));
        let paths = shelf.paths("projects/p/_traces").await;
        let aside = paths.iter().find(|path| path.contains(".unreadable-")).expect("a copy");
        assert_eq!(shelf.text(aside).await.unwrap(), "{ half");
    }

    async fn a_deleted_run_leaves_nothing(shelf) {
        let documents = shelf.documents();
        let (gone, kept) = (Run::started("r1").complete(), Run::started("r2").complete());
        for run in [&gone, &kept] {
            documents.save("p", run.id(), events(run)).await.unwrap();
        }
        documents.delete("p", gone.id()).await.unwrap();
        let names = ["r2.json", "r2_summary.md"].map(|name| format!("projects/p/_traces/{name}"));
        assert_eq!(shelf.paths("projects/p/_traces").await, names);
    }

    async fn runs_are_found_in_whichever_project_they_lie_and_listed_in_order(shelf) {
        let documents = shelf.documents();
        let ids = ["b", "a", "C:\\..\\x", "zeichen/ü"];
        for (number, id) in ids.into_iter().enumerate() {
            let mut document = Run::started(id).complete().document(1);
            document.project = format!("project {number}");
            documents.import(&document).await.unwrap();
        }
        shelf.put("projects/p/_traces/_calibration_flags.json", "[]").await;
        shelf.put("projects/p/_traces/notes.txt", "by hand").await;
        for (number, id) in ids.into_iter().enumerate() {
            let found = documents.find(Run::new(id).id()).await.unwrap().unwrap();
            assert_eq!(found.trace.project, format!("project {number}"));
        }
        assert!(documents.find(Run::new("d").id()).await.unwrap().is_none());
        let places = documents.places().await.unwrap();
        let names: Vec<&str> = places.iter().map(Place::as_str).collect();
        assert!(names.len() == 4 && names.is_sorted(), "{names:?}");
    }

    async fn the_files_of_a_project_are_replaced_and_left_where_there_is_nothing_to_say(shelf) {
        let documents = shelf.documents();
        let say = |flags: Option<&'static str>| async move {
            Ok(flags.map(|flags| ProjectTexts { flags: flags.to_owned(), alerts: "# Alerts\n".to_owned() }))
        };
        documents.write_project_files("p", || say(None)).await.unwrap();
        assert_eq!(shelf.text("projects/p/_traces/_calibration_flags.json").await, None);
        for text in ["[1]", "[1, 2]"] {
            documents.write_project_files("p", || say(Some(text))).await.unwrap();
            assert_eq!(documents.project_files(ProjectFile::Flags).await.unwrap(), [text]);
        }
        assert_eq!(shelf.text("projects/p/_traces/_calibration_alerts.md").await.unwrap(), "# Alerts\n");
        documents.write_project_files("p", || say(None)).await.unwrap();
        assert_eq!(documents.project_files(ProjectFile::Flags).await.unwrap(), ["[1, 2]"]);
    }

    async fn a_document_is_changed_by_hand_as_its_next_revision_and_put_back_word_for_word(shelf) {
        let documents = shelf.documents();
        let run = Run::started("r1").decide("d1").complete();
        assert!(documents.rewrite("p", run.id(), Ok).await.unwrap().is_none());
        documents.save("p", run.id(), events(&run)).await.unwrap();
        let place = documents.places().await.unwrap().pop().unwrap();
        let before = documents.text(&place).await.unwrap().unwrap();
        assert_eq!(documents.bytes("p", run.id()).await.unwrap(), before.len() as u64);

        let retold = |mut trace: whytrace::Trace| {
            trace.run.query = "who does?".to_owned();
            Ok(trace)
        };
        let written = documents.rewrite("p", run.id(), retold).await.unwrap().unwrap();
        assert_eq!((written.trace.metadata.revision, written.trace.run.query.as_str()), (2, "who does?"));
        assert!(shelf.text(SUMMARY).await.unwrap().contains("who does?"));

        assert_eq!(documents.put_back(place.as_str(), before.clone()).await.unwrap(), place);
        assert_eq!(shelf.text(DOCUMENT).await.unwrap(), before);
        assert!(!shelf.text(SUMMARY).await.unwrap().contains("who does?"));
    }

    async fn what_was_set_aside_of_a_run_goes_with_it_and_that_of_others_stays(shelf) {
        let documents = shelf.documents();
        for id in ["r1", "r2"] {
            shelf.put(&format!("projects/p/_traces/{id}.json.unreadable-1"), "{ half").await;
        }
        let run = Run::new("r1");
        documents.delete_set_aside("p", &[run.id()].into()).await.unwrap();
        assert_eq!(shelf.paths("projects/p/_traces").await, ["projects/p/_traces/r2.json.unreadable-1"]);
        assert_eq!(documents.bytes("p", run.id()).await.unwrap(), 0);
        assert!(!documents.has_project_files("p").await.unwrap());
    }
}
