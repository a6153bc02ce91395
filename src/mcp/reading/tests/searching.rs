//! Decisions of many runs, and options by what became of them, as a model reads it.

use serde_json::{Value, json};

use super::home::{Home, ask_as};
use super::reading::stocked;

async fn shown(home: &Home, arguments: Value) -> String {
    let answer = home.ask("trace_search_decisions", arguments).await;
    let data = serde_json::to_string_pretty(&answer.structured).unwrap();
    format!("{}\n\n{data}", answer.text)
}

#[tokio::test]
async fn decisions_that_are_found() {
    let home = stocked().await;
    insta::assert_snapshot!(shown(&home, json!({"text": "exa topic", "project": "cobot", "limit": 1})).await);
}

#[tokio::test]
async fn what_became_of_an_option() {
    let home = stocked().await;
    insta::assert_snapshot!(shown(&home, json!({"option": "Exa", "decision": "source_selection"})).await);
}

#[tokio::test]
async fn what_was_chosen_for_a_key() {
    let home = stocked().await;
    insta::assert_snapshot!(shown(&home, json!({"decision": "source_selection", "limit": 1})).await);
}

#[tokio::test]
async fn what_there_is_where_nothing_was_found() {
    let home = stocked().await;
    insta::assert_snapshot!(shown(&home, json!({"text": "absent", "gate": "failed"})).await);
}

#[tokio::test]
async fn pages_of_decisions_follow_each_other_whatever_fits() {
    let home = stocked().await;
    for mut arguments in [
        json!({"text": "recent", "limit": 1}),
        json!({"text": "recent", "max_tokens": 300}),
        json!({"decision": "source_selection", "limit": 2, "max_tokens": 300}),
    ] {
        let mut found: Vec<String> = Vec::new();
        while arguments.is_object() {
            let answer = home.ask("trace_search_decisions", arguments).await;
            let hits = answer.structured["hits"].as_array().unwrap();
            found.extend(hits.iter().map(|hit| hit["trace_id"].as_str().unwrap().to_owned()));
            arguments = answer.structured["next"]["arguments"].clone();
        }
        assert_eq!(found, ["trc_broken", "trc_bad", "trc_good"]);
    }
}

#[tokio::test]
async fn a_question_that_cannot_be_is_refused_with_what_to_send() {
    let home = stocked().await;
    for (arguments, said) in [
        (json!({}), "any condition"),
        (json!({"text": "..."}), "no word"),
        (json!({"option": "!"}), "no word"),
        (json!({"text": "a", "confidence_min": 2}), "0..=1"),
        (json!({"text": "a", "confidence_min": 0.9, "confidence_max": 0.1}), "above"),
        (json!({"text": "a", "cursor": "nonsense"}), "cursor"),
        (json!({"text": "a", "since": "1h", "until": "2h"}), "since"),
    ] {
        let error = home.try_ask("trace_search_decisions", arguments.clone()).await.unwrap_err();
        assert!(error.message.contains(said), "{arguments}: {error:?}");
    }
}

#[tokio::test]
async fn nobody_finds_decisions_of_projects_that_are_not_theirs() {
    let home = stocked().await;
    let other = home.seen_by(&["atlas"]);
    for arguments in [
        json!({"text": "exa"}),
        json!({"decision": "source_selection"}),
        json!({"project": "cobot"}),
        json!({"text": "exa", "project": "cobot"}),
    ] {
        let answer = ask_as(&other, "trace_search_decisions", arguments).await.unwrap();
        assert_eq!(
            (&answer.structured["total"], answer.structured["hits"].as_array().unwrap().len()),
            (&json!(0), 0)
        );
        assert_eq!(answer.structured["without_filter"]["decisions"], 0);
        assert!(
            !answer.text.contains("source_selection (") && !answer.text.contains("reddit"),
            "{}",
            answer.text
        );
    }
    let answer = ask_as(&other, "trace_search_decisions", json!({"option": "exa"})).await.unwrap();
    assert_eq!(answer.structured["record"]["chosen"]["decisions"], 0);
}
