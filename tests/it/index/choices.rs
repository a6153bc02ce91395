//! What can be chosen from: the same as a list in memory would give, as long as that is short.

use chrono::TimeDelta;
use whytrace::model::StartEvent;
use whytrace::store::index::Choice;

use super::*;
use crate::support::run::noon;

fn run(id: &str, minute: i64, project: &str, intent: Option<&str>) -> Run {
    Run::new(id).at(noon().plus(TimeDelta::minutes(minute))).start(StartEvent {
        project: project.to_owned(),
        intent: intent.map(str::to_owned),
        ..StartEvent::default()
    })
}

fn texts(ids: Vec<TraceId>) -> Vec<String> {
    ids.into_iter().map(String::from).collect()
}

fn named(projects: &[&str]) -> Vec<String> {
    projects.iter().map(|&project| project.to_owned()).collect()
}

async fn some_runs(store: &Store) -> Index {
    let index = store.index();
    let runs = [
        run("a1", 0, "cobot", Some("sell")),
        run("a2", 1, "Cobalt", None),
        run("b1", 2, "cobot", Some("buy")),
        run("a3", 3, "grid's", Some("sell")),
        run("日本", 4, "grid", Some("Sell")),
    ];
    record_all(&index, &runs).await;
    index
}

both! {
    async fn each_value_is_given_once_in_order(store) {
        let index = some_runs(store).await;
        let all = index.choices(Choice::Project, "", 100).await.unwrap();
        assert_eq!(all, ["Cobalt", "cobot", "grid", "grid's"]);
        assert_eq!(index.choices(Choice::Intent, "", 100).await.unwrap(), ["Sell", "buy", "sell"]);
        assert_eq!(index.choices(Choice::Domain, "", 100).await.unwrap(), [""; 0], "none is known");
        assert_eq!(index.choices(Choice::Project, "", 2).await.unwrap(), ["Cobalt", "cobot"]);
    }

    async fn a_beginning_is_taken_as_it_stands(store) {
        let index = some_runs(store).await;
        for (beginning, expected) in
            [("c", vec!["cobot"]), ("grid", vec!["grid", "grid's"]), ("grid'", vec!["grid's"]), ("%", vec![]), ("\u{10ffff}", vec![])]
        {
            assert_eq!(index.choices(Choice::Project, beginning, 100).await.unwrap(), expected, "{beginning:?}");
        }
    }

    async fn within_projects_there_is_what_their_runs_have(store) {
        let index = some_runs(store).await;
        let within = async |projects: &[&str]| index.choices_within(Choice::Intent, &named(projects)).await.unwrap();
        assert_eq!(within(&["cobot"]).await, ["buy", "sell"]);
        assert_eq!(within(&["grid", "grid's", "Cobalt", "nothing"]).await, ["Sell", "sell"]);
        assert_eq!(within(&[]).await, [""; 0]);
        let own = index.choices_within(Choice::Project, &named(&["grid's", "nothing"])).await.unwrap();
        assert_eq!(own, ["grid's"]);
    }

    async fn ids_are_those_of_the_projects_asked_for(store) {
        let index = some_runs(store).await;
        let own = named(&["cobot", "grid"]);
        assert_eq!(texts(index.latest_ids(None, 3).await.unwrap()), ["日本", "a3", "b1"]);
        assert_eq!(texts(index.latest_ids(Some(&own), 2).await.unwrap()), ["日本", "b1"]);
        assert_eq!(texts(index.latest_ids(Some(&[]), 2).await.unwrap()), [""; 0]);
        assert_eq!(texts(index.ids_like("a", None, 2).await.unwrap()), ["a1", "a2"]);
        assert_eq!(texts(index.ids_like("a", Some(&own), 9).await.unwrap()), ["a1"]);
        assert_eq!(texts(index.ids_like("", Some(&own), 9).await.unwrap()), ["a1", "b1", "日本"]);
        assert_eq!(texts(index.ids_like("a", Some(&[]), 9).await.unwrap()), [""; 0]);
    }

    async fn many_projects_are_looked_into_at_once(store) {
        let index = some_runs(store).await;
        let mut many: Vec<String> = (0..400).map(|number| format!("p{number}")).collect();
        many.insert(0, "cobot".to_owned());
        assert_eq!(index.choices_within(Choice::Intent, &many).await.unwrap(), ["buy", "sell"]);
        assert_eq!(texts(index.latest_ids(Some(&many), 9).await.unwrap()), ["b1", "a1"]);
    }
}
