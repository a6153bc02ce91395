//! Lists of runs: every filter, every order, every page.

use std::collections::BTreeSet;

use chrono::TimeDelta;
use whytrace::model::{Agent, FinishEvent, Quality, StartEvent, Status};
use whytrace::store::index::{Cursor, Filter, Gate, Page, Sort, TraceLine, ValueOf};

use super::*;
use crate::support::run::{noon, scored};

/// Forty runs in which every value that can be asked for occurs, and equal and unknown ones of each.
fn many() -> Vec<Run> {
    let pick =
        |values: &[&str], n: usize| values.get(n % (values.len() + 1)).map(|value| (*value).to_owned());
    (0_i32..40)
        .map(|number| {
            let n = usize::try_from(number).unwrap();
            let start = StartEvent {
                project: pick(&["cobot", "Cobot"], n).unwrap_or_else(|| "p%_".to_owned()),
                query: format!("query {}", n % 7),
                intent: pick(&["validating", "exploring"], n / 2),
                domain: pick(&["robotics"], n / 3),
                report_type: pick(&["market_research", "brief"], n / 5),
                tags: pick(&["nightly", "a b"], n / 4).into_iter().collect(),
                parent_trace_id: pick(&["t00"], n / 7).map(|id| id.parse().unwrap()),
                agent: Agent { name: pick(&["ada"], n), ..Agent::default() },
                ..StartEvent::default()
            };
            let began = noon().plus(TimeDelta::minutes(i64::from(number / 3)));
            let run = Run::new(&format!("t{n:02}")).at(began).start(start).decide("d");
            let run = run.at(began.plus(TimeDelta::seconds(i64::from(number % 4) + 1)));
            let cost_usd = (n % 5 > 1).then_some(f64::from(number % 5) / 4.0);
            match n % 6 {
                0 => run,
                1 => run.finish(FinishEvent { status: Status::Complete, cost_usd, ..FinishEvent::default() }),
                2 => run.finish(FinishEvent {
                    status: Status::Failed,
                    error: Some("rate limit".to_owned()),
                    quality: Quality { score: Some(40.0), scale_max: Some(100.0), ..Quality::default() },
                    cost_usd,
                    ..FinishEvent::default()
                }),
                3 => {
                    run.finish(FinishEvent { status: Status::Incomplete, cost_usd, ..FinishEvent::default() })
                }
                _ => run.finish(FinishEvent {
                    cost_usd,
                    ..scored(f64::from(number % 8) / 2.0 % 3.5, &[("META-12", f64::from(number % 4))])
                }),
            }
        })
        .collect()
}

/// The runs as they stand, flags that they fired at their end included.
async fn told(index: &Index, runs: &[Run]) -> Vec<Trace> {
    let flagged = Filter { flagged: Some(true), ..Filter::default() };
    let flagged: BTreeSet<String> =
        all(index, &flagged, Sort::Newest, 100).await.into_iter().map(|line| line.trace_id).collect();
    let mut traces: Vec<Trace> = runs.iter().map(Run::told).collect();
    for trace in &mut traces {
        trace.calibration.flagged_for_review = flagged.contains(trace.trace_id.as_str());
    }
    traces
}

/// All lines of a list, read in pages of this size, each page through a cursor in its written form.
pub(super) async fn all(index: &Index, filter: &Filter, sort: Sort, size: u32) -> Vec<TraceLine> {
    let mut lines: Vec<TraceLine> = Vec::new();
    let mut cursor: Option<Cursor> = None;
    loop {
        let page: Page = index.list(filter, sort, size, cursor.as_ref()).await.unwrap();
        assert!(page.lines.len() <= size as usize);
        lines.extend(page.lines);
        let Some(next) = page.next else { return lines };
        cursor = Some(Cursor::decode(&next.encode()).unwrap());
        assert_eq!(cursor.as_ref().map(Cursor::sort), Some(sort));
    }
}

/// Each filter alone, with a value that some runs have and one that none has, and a few together.
fn filters() -> Vec<Filter> {
    let none = Filter::default;
    let text = |text: &str| Some(text.to_owned());
    let later = noon().plus(TimeDelta::minutes(6));
    vec![
        none(),
        Filter { scope: Scope::Projects(vec!["cobot".to_owned(), "p%_".to_owned()]), ..none() },
        Filter { scope: Scope::Projects(Vec::new()), ..none() },
        Filter { project: text("cobot"), ..none() },
        Filter { project: text("p%_"), ..none() },
        Filter { project: text("%"), ..none() },
        Filter { intent: text("validating"), ..none() },
        Filter { intent: text("VALIDATING"), ..none() },
        Filter { domain: text("robotics"), ..none() },
        Filter { report_type: text("brief"), ..none() },
        Filter { parent: text("t00"), ..none() },
        Filter { status: Some(Status::InProgress), ..none() },
        Filter { status: Some(Status::Failed), ..none() },
        Filter { status: Some(Status::Incomplete), ..none() },
        Filter { status: Some(Status::Complete), ..none() },
        Filter { gate: Some(Gate::Passed), ..none() },
        Filter { gate: Some(Gate::Failed), ..none() },
        Filter { gate: Some(Gate::Unknown), ..none() },
        Filter { score_min: Some(1.5), ..none() },
        Filter { score_max: Some(1.5), ..none() },
        Filter { score_min: Some(1.2), score_max: Some(2.0), ..none() },
        Filter { since: Some(later), ..none() },
        Filter { until: Some(later), ..none() },
        Filter { since: Some(later), until: Some(later.plus(TimeDelta::microseconds(1))), ..none() },
        Filter { ended_after: Some(later), ..none() },
        Filter { ended_until: Some(later.plus(TimeDelta::seconds(2))), ..none() },
        Filter { gap: text("META-12"), ..none() },
        Filter { gap: text("META-1"), ..none() },
        Filter { flagged: Some(true), ..none() },
        Filter { flagged: Some(false), ..none() },
        Filter { tag: text("nightly"), ..none() },
        Filter { tag: text("a b"), ..none() },
        Filter { tag: text("a"), ..none() },
        searching::text("query 3"),
        searching::text("rate limit"),
        searching::text("que*"),
        Filter { project: text("cobot"), gate: Some(Gate::Failed), tag: text("nightly"), ..none() },
        Filter { intent: text("exploring"), score_min: Some(0.5), ..searching::text("query") },
    ]
}

both! {
    async fn every_filter_in_every_order_gives_what_a_plain_list_gives(store) {
        let index = store.index();
        record_all(&index, &many()).await;
        let runs = told(&index, &many()).await;
        for filter in filters() {
            for sort in Sort::ALL {
                let lines = all(&index, &filter, sort, 100).await;
                let ids: Vec<String> = lines.into_iter().map(|line| line.trace_id).collect();
                assert_eq!(ids, reference::list(&runs, &filter, sort), "{sort:?} {filter:?}");
            }
            let count = reference::list(&runs, &filter, Sort::Newest).len() as u64;
            assert_eq!(index.count(&filter).await.unwrap(), count, "{filter:?}");
            assert_eq!(index.total(&filter).await.unwrap(), count, "{filter:?}");
        }
    }

    async fn pages_give_each_run_once_and_in_order(store) {
        let index = store.index();
        record_all(&index, &many()).await;
        let runs = told(&index, &many()).await;
        for filter in [Filter::default(), searching::text("query 3"), searching::text("query")] {
            for sort in Sort::ALL {
                for size in [1, 7] {
                    let lines = all(&index, &filter, sort, size).await;
                    let ids: Vec<String> = lines.into_iter().map(|line| line.trace_id).collect();
                    assert_eq!(ids, reference::list(&runs, &filter, sort), "{sort:?} by {size}");
                }
            }
        }
    }

    async fn a_list_goes_on_behind_any_run_in_every_order_but_that_of_hits(store) {
        let index = store.index();
        record_all(&index, &many()).await;
        for filter in [Filter::default(), searching::text("query"), Filter { tag: Some("nightly".to_owned()), ..Filter::default() }] {
            for sort in Sort::ALL.into_iter().filter(|sort| !sort.is_ranked(&filter)) {
                let lines = all(&index, &filter, sort, 100).await;
                for (place, line) in lines.iter().enumerate() {
                    let behind = index.cursor_behind(&line.trace_id.parse().unwrap(), sort).await.unwrap();
                    let rest = index.list(&filter, sort, 100, behind.as_ref()).await.unwrap().lines;
                    assert_eq!(rest, lines[place + 1..], "{sort:?} behind {}", line.trace_id);
                }
            }
        }
        let ranked = searching::text("query");
        let lines = all(&index, &ranked, Sort::Newest, 100).await;
        let rest = index.list(&ranked, Sort::Newest, 100, Some(&Cursor::behind_hits(7))).await.unwrap().lines;
        assert_eq!(rest, lines[7..]);
        assert_eq!(index.cursor_behind(&"nothing".parse().unwrap(), Sort::Newest).await.unwrap(), None);
    }

    async fn a_full_page_is_followed_by_another_only_if_there_is_more(store) {
        let index = store.index();
        record_all(&index, &many()).await;
        let page = index.list(&Filter::default(), Sort::Oldest, 40, None).await.unwrap();
        assert_eq!((page.lines.len(), page.next), (40, None));
        let page = index.list(&Filter::default(), Sort::Oldest, 39, None).await.unwrap();
        assert!(page.next.is_some());
    }

    async fn the_most_frequent_values_come_first_and_equally_frequent_ones_by_name(store) {
        let index = store.index();
        record_all(&index, &many()).await;
        let runs = told(&index, &many()).await;
        let columns =
            [ValueOf::Project, ValueOf::Intent, ValueOf::Domain, ValueOf::ReportType, ValueOf::Status];
        for filter in filters() {
            for column in columns {
                let expected = reference::values(&runs, column, &filter);
                assert_eq!(index.values(column, &filter, 100).await.unwrap(), expected, "{column:?} {filter:?}");
                let first: Vec<_> = expected.into_iter().take(1).collect();
                assert_eq!(index.values(column, &filter, 1).await.unwrap(), first, "{column:?} {filter:?}");
            }
        }
    }

    async fn a_line_says_what_its_run_says(store) {
        let index = store.index();
        let run = Run::new("t")
            .start(StartEvent {
                project: "cobot".to_owned(),
                query: "who?".to_owned(),
                intent: Some("validating".to_owned()),
                domain: Some("robotics".to_owned()),
                agent: Agent { name: Some("ada".to_owned()), ..Agent::default() },
                ..StartEvent::default()
            })
            .decide("d")
            .finish(FinishEvent {
                status: Status::Failed,
                error: Some("no answer".to_owned()),
                quality: Quality {
                    score: Some(50.0),
                    scale_max: Some(100.0),
                    gap_principles: vec!["META-12".to_owned()],
                    ..Quality::default()
                },
                cost_usd: Some(0.25),
                ..FinishEvent::default()
            });
        record(&index, run.batch()).await;
        let line = TraceLine {
            trace_id: "t".to_owned(),
            project: "cobot".to_owned(),
            query: "who?".to_owned(),
            intent: Some("validating".to_owned()),
            domain: Some("robotics".to_owned()),
            status: "failed".to_owned(),
            error: Some("no answer".to_owned()),
            passed: Some(false),
            score: Some(50.0),
            scale_max: Some(100.0),
            scaled_score: Some(1.5),
            started_at: noon(),
            duration_seconds: Some(2.0),
            cost_usd: Some(0.25),
            decisions: 1,
            gaps: vec!["META-12".to_owned()],
            flagged: false,
            agent: Some("ada".to_owned()),
        };
        assert_eq!(all(&index, &Filter::default(), Sort::Newest, 10).await, [line]);
    }

    async fn each_run_is_shown_with_its_facts(store) {
        let index = store.index();
        record_all(&index, &many()).await;
        let mut expected: Vec<_> = told(&index, &many())
            .await
            .iter()
            .map(|trace| whytrace::statistics::RunFacts::of(trace, index.rules()))
            .collect();
        let mut seen = Vec::new();
        index.each_run(&Filter::default(), |facts| seen.push(facts)).await.unwrap();
        seen.sort_by(|a, b| a.trace_id.cmp(&b.trace_id));
        expected.sort_by(|a, b| a.trace_id.cmp(&b.trace_id));
        for (seen, expected) in seen.iter().zip(&expected) {
            assert_eq!(seen, expected);
        }
        assert_eq!(seen.len(), expected.len());
    }
}

#[test]
fn a_word_that_is_no_cursor_is_refused() {
    for word in ["", "x", "7b", "7b7d", "é", "6e756c6c", "zz", "7b7", "\u{20ac}\u{20ac}"] {
        assert_eq!(Cursor::decode(word), None, "{word:?}");
    }
}
