//! Decisions found by what they say, and options by what became of them.

use proptest::prelude::*;
use whytrace::model::{Alternative, DecisionEvent, FinishEvent, Quality, StartEvent, Status, Unknown};
use whytrace::store::index::{DecisionCursor, DecisionFilter, DecisionPage, Gate, SEARCH_WINDOW};
use whytrace::words::{SearchQuery, choice, words};

use super::*;
use crate::support::run::{noon, with_paths};

fn text(typed: &str) -> DecisionFilter {
    DecisionFilter { text: Some(SearchQuery::parse(typed)), ..DecisionFilter::default() }
}

fn other(option: &str) -> Alternative {
    Alternative { option: option.to_owned(), score: None, why_not: None, unknown: Unknown::new() }
}

/// An ended run with a verdict.
fn run(id: &str, project: &str, passed: Option<bool>, decisions: &[(&str, &str, &str, &[&str])]) -> Run {
    let start = StartEvent {
        project: project.to_owned(),
        intent: Some(format!("intent of {project}")),
        domain: Some("robotics".to_owned()),
        ..StartEvent::default()
    };
    let mut run = Run::new(id).start(start);
    for (name, what, why, options) in decisions {
        run = run.decide_with(name, |decision| {
            (decision.what, decision.why) = ((*what).to_owned(), (*why).to_owned());
            decision.alternatives_considered = options.iter().map(|option| other(option)).collect();
        });
    }
    let score = passed.map(|passed| if passed { 3.0 } else { 1.0 });
    let quality = Quality { score, passed, ..Quality::default() };
    run.finish(FinishEvent { status: Status::Complete, quality, ..FinishEvent::default() })
}

async fn page(index: &Index, filter: &DecisionFilter) -> DecisionPage {
    let page = index.search_decisions(filter, 100, None).await.unwrap();
    assert_eq!(page.total, page.hits.len() as u64);
    page
}

async fn found(index: &Index, filter: &DecisionFilter) -> Vec<String> {
    let page = page(index, filter).await;
    page.hits.into_iter().map(|hit| format!("{}/{}", hit.trace_id, hit.decision_id)).collect()
}

const NONE: [&str; 0] = [];

both! {
    async fn decisions_are_found_by_all_their_texts_best_first_then_newest(store) {
        let index = store.index();
        let one = run("a", "p", Some(true), &[("d1", "Exa (primary)", "exa covers robotics", &["linkedin"])]);
        let two = run("b", "p", Some(false), &[
            ("d1", "reddit", "fresh posts", &["exa"]),
            ("d2", "none", "source_selection was left out", &[]),
        ]).at(noon().plus(chrono::TimeDelta::minutes(5)));
        record_all(&index, [&one, &two]).await;
        assert_eq!(found(&index, &text("EXA")).await, ["a/d1", "b/d1"], "more texts match before newer ones");
        assert_eq!(found(&index, &text("exa linkedin robot*")).await, ["a/d1"]);
        assert_eq!(found(&index, &text("\"source selection\"")).await, ["b/d2"]);
        assert_eq!(found(&index, &text("\"selection source\"")).await, NONE);
        assert_eq!(found(&index, &text("primary reddit")).await, NONE);
        let hit = &page(&index, &text("linkedin")).await.hits[0];
        assert_eq!((hit.passed, hit.score, hit.status.as_str()), (Some(true), Some(3.0), "complete"));
        assert_eq!((&hit.options[..], hit.project.as_str()), (&["linkedin".to_owned()][..], "p"));
    }

    async fn each_condition_restricts_alone_and_with_words(store) {
        let index = store.index();
        let one = run("a", "p", Some(true), &[("d1", "exa", "x", &["bing"])]);
        let two = run("b", "q", Some(false), &[("d1", "exa", "x", &[])]);
        let three = run("c", "q", None, &[]).decide_with("late", |decision: &mut DecisionEvent| {
            decision.what = "exa".to_owned();
            decision.stage = "other stage".to_owned();
            decision.decision = "other key".to_owned();
            decision.confidence = None;
            decision.evidence_ids = vec!["e".to_owned()];
        });
        record_all(&index, [&one, &two, &three]).await;
        let own = |text: &str| Some(text.to_owned());
        let base = DecisionFilter::default;
        for (filter, expected) in [
            (DecisionFilter { project: own("p"), ..base() }, vec!["a/d1"]),
            (DecisionFilter { scope: Scope::Projects(vec!["q".to_owned()]), ..base() }, vec!["b/d1", "c/late"]),
            (DecisionFilter { scope: Scope::Projects(Vec::new()), ..base() }, vec![]),
            (DecisionFilter { intent: own("intent of p"), ..base() }, vec!["a/d1"]),
            (DecisionFilter { domain: own("other"), ..base() }, vec![]),
            (DecisionFilter { stage: own("other stage"), ..base() }, vec!["c/late"]),
            (DecisionFilter { key: own("other key"), ..base() }, vec!["c/late"]),
            (DecisionFilter { confidence_min: Some(0.5), ..base() }, vec!["a/d1", "b/d1"]),
            (DecisionFilter { confidence_max: Some(0.4), ..base() }, vec![]),
            (DecisionFilter { without_alternatives: true, ..base() }, vec!["b/d1", "c/late"]),
            (DecisionFilter { without_evidence: true, ..base() }, vec!["a/d1", "b/d1"]),
            (DecisionFilter { gate: Some(Gate::Failed), ..base() }, vec!["b/d1"]),
            (DecisionFilter { gate: Some(Gate::Unknown), ..base() }, vec!["c/late"]),
            (DecisionFilter { status: Some(Status::Failed), ..base() }, vec![]),
            (DecisionFilter { since: Some(noon().plus(chrono::TimeDelta::days(1))), ..base() }, vec![]),
            (DecisionFilter { until: Some(noon().plus(chrono::TimeDelta::days(1))), ..base() }, vec!["a/d1", "b/d1", "c/late"]),
        ] {
            let sorted = |mut ids: Vec<String>| { ids.sort(); ids };
            assert_eq!(sorted(found(&index, &filter).await), expected, "{filter:?}");
            let with_words = DecisionFilter { text: text("exa").text, ..filter };
            assert_eq!(sorted(found(&index, &with_words).await), expected, "{with_words:?}");
        }
    }

    async fn a_deleted_or_rewritten_run_is_found_by_none_of_its_old_words(store) {
        let index = store.index();
        let (one, two) = (run("a", "p", None, &[("d", "alpha", "x", &["beta"])]), run("b", "p", None, &[("d", "alpha", "y", &[])]));
        record_all(&index, [&one, &two]).await;
        assert_eq!(found(&index, &text("alpha")).await.len(), 2);
        index.delete(std::slice::from_ref(one.id()), noon()).await.unwrap();
        assert_eq!(found(&index, &text("alpha")).await, ["b/d"]);
        assert_eq!(found(&index, &text("beta")).await, NONE);
        let rewritten = run("b", "p", None, &[("d", "gamma", "y", &[])]).document(3);
        index.import(with_paths(vec![rewritten])).await.unwrap();
        assert_eq!(found(&index, &text("alpha")).await, NONE);
        assert_eq!(found(&index, &text("gamma")).await, ["b/d"]);
        if !store.is_postgres() {
            let left = store.value("select count(*) from decision_words_docsize").await;
            assert_eq!(left, 1, "nothing is left of the words of rows that went");
        }
    }

    async fn an_option_is_chosen_where_what_is_it_or_lists_it_and_rejected_where_it_was_not_taken(store) {
        let index = store.index();
        let runs = [
            run("is", "p", Some(true), &[("d", "Exa", "x", &["bing"])]),
            run("lists", "p", Some(true), &[("d", "reddit, exa (primary)", "x", &[])]),
            run("rejects", "p", Some(false), &[("d", "not exa but bing", "x", &["exa", "EXA"])]),
            run("mentions", "p", Some(false), &[("d", "bing", "better than exa", &["example"])]),
            run("elsewhere", "q", Some(false), &[("d", "exa", "x", &[])]),
        ];
        record_all(&index, &runs).await;
        let filter = DecisionFilter { project: Some("p".to_owned()), ..DecisionFilter::default() };
        let uses = index.option_uses(&filter, "EXA!", 100).await.unwrap();
        let mut said: Vec<(&str, bool, Option<bool>)> =
            uses.uses.iter().map(|one| (one.trace_id.as_str(), one.chosen, one.passed)).collect();
        said.sort_unstable();
        assert_eq!(said, [("is", true, Some(true)), ("lists", true, Some(true)), ("rejects", false, Some(false))]);
        assert!(uses.uses.iter().all(|one| one.choice == "exa") && !uses.is_partial);
        let all = index.choice_uses(&filter, 100).await.unwrap();
        let of = |folded: &str| all.uses.iter().filter(|one| one.chosen && one.choice == folded).count();
        assert_eq!((of("exa"), of("bing"), of("reddit exa primary")), (1, 1, 1));
        let few = index.option_uses(&filter, "exa", 1).await.unwrap();
        assert_eq!((few.looked_at, few.is_partial), (1, true));
    }

    async fn pages_go_through_all_windows(store) {
        let index = store.index();
        let each = 125_usize;
        let names: Vec<String> = (0..each).map(|n| format!("d{n}")).collect();
        let decisions: Vec<(&str, &str, &str, &[&str])> = names.iter().map(|name| (name.as_str(), "common", "x", &[][..])).collect();
        let count = SEARCH_WINDOW as usize / each + 1;
        let runs: Vec<Run> = (0..count).map(|n| run(&format!("r{n:02}"), "p", None, &decisions)).collect();
        for run in &runs {
            index.import(with_paths(vec![run.document(1)])).await.unwrap();
        }
        let mut cursor: Option<DecisionCursor> = None;
        let mut seen = std::collections::HashSet::new();
        let mut partial = 0;
        loop {
            let page = index.search_decisions(&text("common"), 700, cursor.as_ref()).await.unwrap();
            partial += usize::from(page.is_partial);
            seen.extend(page.hits.iter().map(|hit| (hit.trace_id.clone(), hit.decision_id.clone())));
            cursor = page.behind(page.hits.len()).map(|next| DecisionCursor::decode(&next.encode()).unwrap());
            if cursor.is_none() {
                break;
            }
        }
        assert_eq!((seen.len(), partial), (count * each, 3));

        let overview = index.decision_overview(&Scope::All, 1).await.unwrap();
        let most = u64::from(SEARCH_WINDOW);
        assert_eq!((overview.decisions, overview.has_more, overview.looked_at), (most, true, most));
        assert_eq!(overview.sample(), Some(most));
        assert_eq!(overview.values[1].1, [("collection".to_owned(), most)], "of the newest alone");
    }
}

/// What `typed` finds among texts of decisions, as the rules say it: best first, then by their order.
fn expected(decisions: &[[String; 3]], typed: &str) -> Vec<usize> {
    let query = SearchQuery::parse(typed);
    let fields = |decision: &[String; 3]| decision.each_ref().map(|text| words(text));
    let finds = |words: &[String], term| SearchQuery { terms: vec![term], is_cut: false }.matches(words);
    let mut ranked: Vec<(std::cmp::Reverse<usize>, usize)> = decisions
        .iter()
        .enumerate()
        .filter(|(_, decision)| {
            let fields = fields(decision);
            query.terms.iter().all(|term| fields.iter().any(|field| finds(field, term.clone())))
        })
        .map(|(place, decision)| {
            let hit = |field: &&Vec<String>| query.terms.iter().any(|term| finds(field, term.clone()));
            (std::cmp::Reverse(fields(decision).iter().filter(hit).count()), place)
        })
        .collect();
    ranked.sort_unstable();
    ranked.into_iter().map(|(_, place)| place).collect()
}

fn any_text() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "exa",
        "Exa",
        "source",
        " ",
        "_",
        "\"",
        "*",
        "'",
        "\\",
        "@p148de9",
        "%",
        "AND",
        "NOT",
        "{what} :",
        "-",
        "東京都",
        "é",
        ":*",
        "&",
        "|",
        "(",
        ")",
        "\n",
        "\u{df}",
        "1",
    ]);
    prop_oneof![3 => prop::collection::vec(piece, 0..8).prop_map(|parts| parts.concat()), 1 => any::<String>().prop_map(|text| text.replace('\0', ""))]
}

#[test]
fn any_text_finds_on_both_what_the_rules_say_and_nothing_else() {
    let case = (prop::collection::vec([any_text(), any_text(), any_text()], 1..6), any_text());
    super::twins::for_all(
        48,
        &case,
        &async |twins: &super::twins::Twins, (decisions, typed): (Vec<[String; 3]>, String)| {
            let names: Vec<String> = (0..decisions.len()).map(|n| format!("d{n}")).collect();
            let parts: Vec<[&str; 1]> = decisions.iter().map(|[_, _, option]| [option.as_str()]).collect();
            let told: Vec<(&str, &str, &str, &[&str])> = names
                .iter()
                .zip(&decisions)
                .zip(&parts)
                .map(|((name, [what, why, _]), options)| {
                    (name.as_str(), what.as_str(), why.as_str(), &options[..])
                })
                .collect();
            let run = run("t", "p", Some(true), &told);
            for index in twins.indexes() {
                index.import(with_paths(vec![run.document(1)])).await.unwrap();
                let query = SearchQuery::parse(&typed);
                if !query.is_empty() {
                    let page = page(index, &text(&typed)).await;
                    let found: Vec<usize> = page
                        .hits
                        .iter()
                        .map(|hit| names.iter().position(|name| *name == hit.decision_id).unwrap())
                        .collect();
                    assert_eq!(found, expected(&decisions, &typed), "{typed:?} in {decisions:?}");
                }
                let uses = index.option_uses(&DecisionFilter::default(), &typed, 100).await.unwrap();
                assert!(uses.uses.iter().all(|one| one.choice == choice(&typed)));
            }
        },
    );
}
