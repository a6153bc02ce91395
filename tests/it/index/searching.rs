//! Text search over runs: the rules of the design, and no others.

use whytrace::model::{FinishEvent, StartEvent, Status};
use whytrace::store::index::{Filter, Sort};
use whytrace::words::SearchQuery;

use super::*;
use crate::support::run::noon;

/// The filter for a text as somebody types it.
pub(super) fn text(typed: &str) -> Filter {
    Filter { text: Some(SearchQuery::parse(typed)), ..Filter::default() }
}

/// A run with these three searchable fields.
fn run(id: &str, query: &str, tags: &[&str], error: Option<&str>) -> Run {
    Run::new(id)
        .start(StartEvent {
            project: "p".to_owned(),
            query: query.to_owned(),
            tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
            ..StartEvent::default()
        })
        .finish(FinishEvent {
            status: if error.is_some() { Status::Failed } else { Status::Complete },
            error: error.map(str::to_owned),
            ..FinishEvent::default()
        })
}

async fn hits(index: &Index, typed: &str) -> Vec<String> {
    let page = index.list(&text(typed), Sort::Newest, 100, None).await.unwrap();
    assert_eq!(index.count(&text(typed)).await.unwrap(), page.lines.len() as u64);
    page.lines.into_iter().map(|line| line.trace_id).collect()
}

const NONE: [&str; 0] = [];

both! {
    async fn all_words_must_occur_in_whatever_field_and_case(store) {
        let index = store.index();
        let one = run("a", "Who builds Cobots?", &["robotics", "META-12"], Some("rate_limit exceeded"));
        record_all(&index, [&one, &run("b", "who sells cobots", &[], None)]).await;
        assert_eq!(hits(&index, "COBOTS").await, ["a", "b"]);
        assert_eq!(hits(&index, "cobots limit robotics").await, ["a"]);
        assert_eq!(hits(&index, "cobots absent").await, NONE);
        assert_eq!(hits(&index, "cobot").await, NONE);
        assert_eq!(hits(&index, "meta-12").await, ["a"]);
    }

    async fn quotes_mean_a_phrase_within_one_field(store) {
        let index = store.index();
        let one = run("a", "source selection by hand", &["left"], Some("right"));
        let two = run("b", "selection of a source", &[], None);
        record_all(&index, [&one, &two]).await;
        assert_eq!(hits(&index, "source selection").await, ["a", "b"]);
        assert_eq!(hits(&index, "\"source selection\"").await, ["a"]);
        assert_eq!(hits(&index, "source_selection").await, ["a"]);
        assert_eq!(hits(&index, "\"hand left\"").await, NONE);
        assert_eq!(hits(&index, "\"left right\"").await, NONE);
    }

    async fn the_last_word_may_be_a_prefix(store) {
        let index = store.index();
        record_all(&index, [&run("a", "quantum computing", &[], None)]).await;
        assert_eq!(hits(&index, "quantum comp*").await, ["a"]);
        assert_eq!(hits(&index, "comp* quantum").await, NONE);
        assert_eq!(hits(&index, "omp*").await, NONE);
    }

    async fn chinese_japanese_and_korean_are_found_by_parts_of_words(store) {
        let index = store.index();
        let one = run("a", "東京都の天気", &["데이터"], None);
        record_all(&index, [&one, &run("b", "京都の天気", &[], None)]).await;
        assert_eq!(hits(&index, "京都").await, ["a", "b"]);
        assert_eq!(hits(&index, "東京都").await, ["a"]);
        assert_eq!(hits(&index, "東").await, ["a"]);
        assert_eq!(hits(&index, "이터").await, ["a"]);
        assert_eq!(hits(&index, "天京").await, NONE);
    }

    async fn where_more_fields_match_comes_first_then_the_newest_then_the_id(store) {
        let index = store.index();
        let later = noon().plus(chrono::TimeDelta::hours(1));
        let event = |id: &str, run: Run| {
            run.events().iter().fold(Run::new(id).at(later), |new, event| {
                new.event(event.event_id.as_str(), event.body.clone())
            })
        };
        let runs = [
            run("old", "exa", &[], None),
            run("older twin", "exa", &[], None),
            event("new", run("x", "exa exa exa", &[], None)),
            run("two", "exa", &["exa"], None),
            run("three", "exa", &["exa"], Some("exa")),
            run("spread", "exa", &["other"], Some("third")),
            run("absent", "other", &["other"], None),
        ];
        record_all(&index, &runs).await;
        assert_eq!(hits(&index, "exa").await, ["three", "two", "new", "old", "older twin", "spread"]);
    }

    async fn ranked_hits_come_page_by_page_each_once(store) {
        let index = store.index();
        let runs: Vec<Run> = (0..25)
            .map(|n| {
                let tags: &[&str] = if n % 3 == 0 { &["exa"] } else { &[] };
                run(&format!("t{n:02}"), "exa", tags, None)
            })
            .collect();
        record_all(&index, &runs).await;
        let whole = hits(&index, "exa").await;
        let mut paged = Vec::new();
        let mut cursor = None;
        loop {
            let page = index.list(&text("exa"), Sort::Newest, 4, cursor.as_ref()).await.unwrap();
            paged.extend(page.lines.into_iter().map(|line| line.trace_id));
            cursor = page.next;
            if cursor.is_none() {
                break;
            }
        }
        assert_eq!(paged, whole);
        assert_eq!(paged.len(), 25);
    }

    async fn words_of_an_open_run_are_found_and_change_with_it(store) {
        let index = store.index();
        let started = run("a", "exa", &["tag"], None);
        record(&index, started.batch_of(started.events()[..1].to_vec())).await;
        assert_eq!(hits(&index, "exa tag").await, ["a"]);
        let failed = run("a", "exa", &["tag"], Some("timeout"));
        record_last(&index, &failed).await;
        assert_eq!(hits(&index, "exa timeout").await, ["a"]);
    }

    async fn nothing_that_is_typed_is_an_operator(store) {
        let index = store.index();
        let typed = "a AND NOT b OR NEAR(c) -d what:e ^f + (g | !h) <-> 'i' \\ %j_ ; -- drop table traces";
        record_all(&index, [&run("t", typed, &[], None)]).await;
        assert_eq!(hits(&index, typed).await, ["t"]);
        for word in ["\"", "'", "(", "a:*", "{query} : x", "query:a", "!a", "<->", "\\", "a\0b", "\u{2400}"] {
            hits(&index, word).await;
        }
        assert_eq!(hits(&index, "NOT").await, ["t"]);
    }

    async fn a_query_without_words_restricts_nothing(store) {
        let index = store.index();
        record_all(&index, [&run("t", "exa", &[], None)]).await;
        assert_eq!(hits(&index, "...").await, ["t"]);
    }

    async fn long_texts_are_found_by_their_first_and_last_words_and_phrases(store) {
        let index = store.index();
        let filler = "word by word ".repeat(1_240);
        let long = run("t", &format!("first one {filler} last one"), &["a tag"], Some("last error"));
        record_all(&index, [&long]).await;
        assert_eq!(hits(&index, "first last").await, ["t"]);
        for phrase in ["first one", "last one", "a tag", "last error", "by word last"] {
            assert_eq!(hits(&index, &format!("\"{phrase}\"")).await, ["t"], "{phrase}");
        }
        assert_eq!(hits(&index, "\"one last\"").await, NONE);
    }

    async fn a_word_that_fills_one_field_still_counts_in_another(store) {
        let index = store.index();
        let filled = run("filled", &"exa ".repeat(4_000), &[], Some("exa"));
        record_all(&index, [&filled, &run("a", "exa", &[], Some("other"))]).await;
        assert_eq!(hits(&index, "exa").await, ["filled", "a"]);
    }
}
