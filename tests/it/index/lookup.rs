//! Runs found by a piece of their id, by their age, or because something has to be done about them.

use chrono::TimeDelta;
use whytrace::model::{StartEvent, Status};
use whytrace::store::index::{Filter, Growth, Sighting};

use super::*;
use crate::support::run::noon;

fn of(project: &str, id: &str) -> Run {
    Run::new(id).start(StartEvent { project: project.to_owned(), ..StartEvent::default() })
}

fn child(parent: &str, project: &str, id: &str, minute: i64) -> Run {
    Run::new(id).at(noon().plus(TimeDelta::minutes(minute))).start(StartEvent {
        project: project.to_owned(),
        parent_trace_id: Some(parent.parse().unwrap()),
        ..StartEvent::default()
    })
}

fn ids(seen: &[Sighting]) -> Vec<&str> {
    seen.iter().map(|seen| seen.trace_id.as_str()).collect()
}

fn only(project: &str) -> Scope {
    Scope::Projects(vec![project.to_owned()])
}

both! {
    async fn a_run_is_seen_by_its_whole_id_alone(store) {
        let index = store.index();
        record_all(&index, [&of("p", "Trc_1"), &of("p", "trc_1"), &of("p", "trcx1"), &of("q", "t%")]).await;
        for id in ["Trc_1", "trc_1", "trcx1", "t%"] {
            assert_eq!(index.sighting(id, &Scope::All).await.unwrap().unwrap().trace_id.as_str(), id);
        }
        for id in ["TRC_1", "trc", "trc_", "trc%", "%", "", "trc_1 ", "trc_1' or '1'='1", "é"] {
            assert_eq!(index.sighting(id, &Scope::All).await.unwrap(), None, "{id:?}");
        }
    }

    async fn a_sighting_says_where_the_run_stands(store) {
        let index = store.index();
        let run = of("p", "t").decide("d");
        record(&index, run.batch()).await;
        let bytes: usize = run.events().iter().map(|event| event.json().len()).sum();
        let expected = Sighting {
            trace_id: run.id().clone(),
            project: "p".to_owned(),
            status: whytrace::model::Status::InProgress,
            document_revision: 0,
            event_count: 2,
            event_bytes: bytes as u64,
            last_event_at: run.last().recorded_at,
        };
        assert_eq!(index.sighting("t", &Scope::All).await.unwrap(), Some(expected));
    }

    async fn a_prefix_is_taken_letter_by_letter(store) {
        let index = store.index();
        let names = ["a_1", "a_12", "ab1", "a%1", "a%", "A_1", "a", "a\u{10ffff}x", "日本", "日"];
        let runs: Vec<Run> = names.iter().map(|id| of("p", id)).collect();
        record_all(&index, &runs).await;
        for prefix in ["a_", "a%", "a", "A", "ab", "日", "日本", "b", "%", "_", "", "a\u{10ffff}", "a'"] {
            let seen = index.with_prefix(prefix, &Scope::All, 100).await.unwrap();
            let mut expected: Vec<&str> = names.into_iter().filter(|id| id.starts_with(prefix)).collect();
            expected.sort_unstable();
            assert_eq!(ids(&seen), expected, "{prefix:?}");
        }
        assert_eq!(ids(&index.with_prefix("a", &Scope::All, 2).await.unwrap()), ["a", "a%"]);
    }

    async fn how_much_there_is_of_any_number_of_runs_is_asked_at_once(store) {
        let index = store.index();
        record_all(&index, [&of("p", "a"), &of("q", "b'"), &of("q", "c")]).await;
        record_all(&index, [&child("a", "p", "d", 0), &child("a", "p", "e", 0), &child("a", "q", "f", 0)]).await;
        let asked: Vec<_> = (0..1_100).map(|n| format!("t{n}")).chain(["b'".into(), "a".into()]).collect();
        let asked: Vec<_> = asked.iter().map(|id| id.parse().unwrap()).collect();
        let mut grown = index.growth_of(&asked).await.unwrap();
        grown.sort_by(|a, b| a.trace_id.cmp(&b.trace_id));
        let expected = [("a", "p", 2), ("b'", "q", 0)].map(|(id, project, child_count)| Growth {
            trace_id: id.parse().unwrap(),
            project: project.to_owned(),
            status: Status::InProgress,
            event_count: 1,
            child_count,
        });
        assert_eq!(grown, expected);
        assert_eq!(index.growth_of(&[]).await.unwrap(), []);
    }

    async fn the_latest_runs_come_first(store) {
        let index = store.index();
        let runs: Vec<Run> = (0..5).map(|n| child("x", "p", &format!("t{n}"), n / 2)).collect();
        record_all(&index, &runs).await;
        assert_eq!(ids(&index.latest(&Filter::default(), 3).await.unwrap()), ["t4", "t2", "t3"]);
        let filter = Filter { scope: only("q"), ..Filter::default() };
        assert_eq!(ids(&index.latest(&filter, 3).await.unwrap()), [""; 0]);
    }

    async fn children_come_in_the_order_in_which_they_began(store) {
        let index = store.index();
        let runs = [
            child("a", "p", "late", 2),
            child("a", "p", "early", 1),
            child("a", "q", "else", 3),
            child("b", "p", "other", 1),
        ];
        record_all(&index, &runs).await;
        let children = async |scope| {
            let ids = index.children(&"a".parse().unwrap(), &scope).await.unwrap();
            ids.into_iter().map(String::from).collect::<Vec<_>>()
        };
        assert_eq!(children(Scope::All).await, ["early", "late", "else"]);
        assert_eq!(children(only("p")).await, ["early", "late"]);
    }

    async fn silent_runs_are_open_ones_the_longest_silent_first(store) {
        let index = store.index();
        let runs = [
            child("x", "p", "b", 2),
            child("x", "p", "a", 1),
            child("x", "p", "c", 3),
            child("x", "p", "ended", 0).complete(),
        ];
        record_all(&index, &runs).await;
        let before = noon().plus(TimeDelta::minutes(3));
        assert_eq!(ids(&index.silent(before, 10).await.unwrap()), ["a", "b"]);
        assert_eq!(ids(&index.silent(before, 1).await.unwrap()), ["a"]);
        record_last(&index, &runs[1].clone().at(before).decide("d")).await;
        assert_eq!(ids(&index.silent(before, 10).await.unwrap()), ["b"]);
    }

    async fn runs_to_be_written_are_those_that_ended_with_events_at_hand(store) {
        let index = store.index();
        let runs = [of("p", "open"), of("p", "b").complete(), of("p", "a").complete(), of("p", "c").complete()];
        record_all(&index, &runs).await;
        let document = crate::support::run::written(&finished_of(&index, &runs[3]).await, 1);
        save_document(&index, &document).await;
        assert_eq!(ids(&index.undocumented(10).await.unwrap()), ["a", "b"]);
        assert_eq!(ids(&index.undocumented(1).await.unwrap()), ["a"]);
    }

    async fn conflicts_are_listed_the_latest_first(store) {
        let index = store.index();
        let run = of("p", "t").decide("b").decide("a");
        record(&index, run.batch()).await;
        for event in ["a", "b"] {
            let minute = if event == "a" { 1 } else { 2 };
            let other = of("p", "t").at(noon().plus(TimeDelta::minutes(minute)));
            record_last(&index, &other.decide_with(event, |decision| decision.what = "other".to_owned())).await;
        }
        let names: Vec<String> =
            index.conflicts(10).await.unwrap().into_iter().map(|(_, event, _)| event).collect();
        assert_eq!(names, ["b", "a"]);
        assert_eq!(index.conflicts(1).await.unwrap().len(), 1);
    }

    async fn a_scope_hides_what_lies_outside_of_it_from_every_question(store) {
        let index = store.index();
        let (mine, other) = (child("a", "p", "mine", 1).complete(), child("a", "secret", "other", 2).complete());
        record_all(&index, [&mine, &other]).await;
        for (scope, expected) in [
            (only("p"), vec!["mine"]),
            (only("secret"), vec!["other"]),
            (Scope::Projects(vec!["p".to_owned(), "secret".to_owned()]), vec!["mine", "other"]),
            (Scope::Projects(Vec::new()), vec![]),
            (only("%"), vec![]),
            (only("P"), vec![]),
            (only("' or true --"), vec![]),
        ] {
            let filter = Filter { scope: scope.clone(), ..Filter::default() };
            let mut found: Vec<Vec<String>> = Vec::new();
            let lines = listing::all(&index, &filter, whytrace::store::index::Sort::Oldest, 1).await;
            found.push(lines.into_iter().map(|line| line.trace_id).collect());
            let mut seen = Vec::new();
            index.each_run(&filter, |facts| seen.push(facts.trace_id.to_string())).await.unwrap();
            seen.sort();
            found.push(seen);
            let latest = index.latest(&filter, 9).await.unwrap();
            found.push(latest.iter().rev().map(|seen| seen.trace_id.to_string()).collect());
            let all = index.with_prefix("", &scope, 9).await.unwrap();
            found.push(all.iter().map(|seen| seen.trace_id.to_string()).collect());
            let children = index.children(&"a".parse().unwrap(), &scope).await.unwrap();
            found.push(children.iter().map(ToString::to_string).collect());
            let mut seen = Vec::new();
            for id in ["mine", "other"] {
                seen.extend(index.sighting(id, &scope).await.unwrap().map(|seen| seen.trace_id.to_string()));
            }
            found.push(seen);
            assert!(found.iter().all(|found| *found == expected), "{scope:?}: {found:?}");
            assert_eq!(index.count(&filter).await.unwrap(), expected.len() as u64);
            assert_eq!(index.total(&filter).await.unwrap(), expected.len() as u64);
            let values = index.values(whytrace::store::index::ValueOf::Project, &filter, 9).await.unwrap();
            assert_eq!(values.len(), expected.len(), "{scope:?}");
        }
    }
}

/// What the index has of a run that it recorded whole.
async fn finished_of(index: &Index, run: &Run) -> Trace {
    let events = index.events(run.id()).await.unwrap();
    whytrace::model::fold(None, &events, index.rules()).unwrap()
}
