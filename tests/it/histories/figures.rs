//! Summaries, groups and patterns against the documents.

use chrono::TimeDelta;
use whytrace::model::{Status, Timestamp};
use whytrace::query::Query;
use whytrace::statistics::GroupBy;
use whytrace::store::index::{Filter, Gate, Scope};

use super::on_both;
use super::plain::{assert_groups, assert_patterns, assert_summary};
use super::plan::Course;
use super::recording::{Recording, Told};

/// Filters, and what they mean.
type Meaning = fn(&Told) -> bool;

on_both! {
    async fn what_is_asked_of_a_history_is_what_its_documents_say(place) {
        let course = Course::new(20_260_105, 100, 70);
        let mut recording = Recording::begin(place);
        recording.carry_out(&course.plan()).await;
        let runs = recording.runs().await;
        let query = &recording.processes[1].query;
        assert_variety(&runs);
        for (name, filter, meaning) in filters() {
            let met: Vec<&Told> = runs.iter().filter(|told| meaning(told)).collect();
            assert!(!met.is_empty(), "{name} finds something");
            assert_figures(query, &filter, &met, name).await;
            assert_windows(query, &filter, &met, course.ends(), name).await;
        }
        recording.close().await;
    }
}

/// Asserts that the history has what makes it worth asking about.
fn assert_variety(runs: &[Told]) {
    for status in Status::ALL {
        assert!(
            runs.iter().filter(|told| told.facts.status == status).count() >= 2,
            "runs that are {status}"
        );
    }
    let has = |what: &str, meaning: Meaning| assert!(runs.iter().any(meaning), "{what}");
    has("a run that was abandoned", |told| {
        told.trace.run.error.as_deref().is_some_and(|error| error.starts_with("abandoned"))
    });
    has("a run on another scale", |told| told.trace.quality.scale_max == Some(100.0));
    has("a run without a score", |told| told.facts.status == Status::Complete && told.facts.score.is_none());
    has("a verdict against the score", |told| {
        told.facts.passed == Some(true) && told.facts.score.is_some_and(|score| score < 1.5)
    });
    has("a decision after the end", |told| told.trace.decisions().any(|(_, decision)| decision.late));
    let ends: Vec<Option<Timestamp>> = runs.iter().map(|told| told.facts.ended_at()).collect();
    let twice = ends.iter().enumerate().any(|(place, end)| end.is_some() && ends[..place].contains(end));
    assert!(twice, "runs that ended at the same moment");
}

fn filters() -> Vec<(&'static str, Filter, Meaning)> {
    let all = Filter::default;
    let since: Timestamp = "2026-02-01T00:00:00Z".parse().expect("a time");
    let some = |text: &str| Some(text.to_owned());
    vec![
        ("all runs", all(), |_| true),
        ("a project", Filter { project: some("über/ужас"), ..all() }, |told| {
            told.trace.project == "über/ужас"
        }),
        (
            "an intent and a domain",
            Filter { intent: some("exploring"), domain: some("law"), ..all() },
            |told| {
                told.facts.intent.as_deref() == Some("exploring")
                    && told.facts.domain.as_deref() == Some("law")
            },
        ),
        ("failed runs", Filter { status: Some(Status::Failed), ..all() }, |told| {
            told.facts.status == Status::Failed
        }),
        ("open runs", Filter { status: Some(Status::InProgress), ..all() }, |told| {
            told.facts.status == Status::InProgress
        }),
        ("failed gates", Filter { gate: Some(Gate::Failed), ..all() }, |told| {
            told.facts.passed == Some(false)
        }),
        ("low scores", Filter { score_max: Some(1.0), ..all() }, |told| {
            told.facts.score.is_some_and(|score| score <= 1.0)
        }),
        ("a gap", Filter { gap: some("META-12"), ..all() }, |told| {
            told.facts.gaps.iter().any(|gap| gap == "META-12")
        }),
        (
            "flagged runs of a report type",
            Filter { flagged: Some(true), report_type: some("brief"), ..all() },
            |told| {
                told.trace.calibration.flagged_for_review
                    && told.facts.report_type.as_deref() == Some("brief")
            },
        ),
        ("a tag since February", Filter { tag: some("Ad hoc"), since: Some(since), ..all() }, |told| {
            told.trace.run.tags.iter().any(|tag| tag == "Ad hoc")
                && told.facts.started_at.to_string().as_str() >= "2026-02-01"
        }),
        (
            "two projects in scope",
            Filter { scope: Scope::Projects(vec!["cobot".into(), "Atlas 2".into()]), ..all() },
            |told| told.trace.project != "über/ужас",
        ),
    ]
}

/// Asserts that the runs add up to what documents say, as a whole and in groups of every kind.
pub(super) async fn assert_figures(query: &Query, filter: &Filter, met: &[&Told], of: &str) {
    let facts: Vec<_> = met.iter().map(|told| &told.facts).collect();
    for by in GroupBy::ALL {
        let aggregate = query.aggregate(filter, Some(by)).await.expect("the database");
        assert_summary(&aggregate.summary, &facts, of);
        assert_groups(&aggregate.groups.expect("groups"), by, &facts, of);
        assert_eq!((aggregate.pending, aggregate.without_filter.is_none()), (0, true), "{of}");
    }
}

/// Asserts that principles fail in windows of 7 and 30 whole UTC days up to now, and ever, as often as the documents say.
pub(super) async fn assert_windows(query: &Query, filter: &Filter, met: &[&Told], now: Timestamp, of: &str) {
    let facts: Vec<_> = met.iter().map(|told| &told.facts).collect();
    for days in [Some(7), Some(30), None] {
        let patterns = query.patterns(filter, days, 3, now).await.expect("the database");
        let windows = days.map(|days| {
            let length = TimeDelta::days(days.into());
            let midnight = now.micros() - now.micros().rem_euclid(86_400_000_000);
            let midnight = Timestamp::from_micros(midnight).expect("a moment of our time");
            // A run that ended at midnight belongs to the day that begins.
            let before = midnight.plus(-TimeDelta::microseconds(1));
            (before.plus(-length * 2), before.plus(-length))
        });
        assert_eq!(patterns.after, windows.map(|(_, after)| after.plus(TimeDelta::microseconds(1))));
        assert_patterns(&patterns.report, &facts, windows, &format!("{of} in {days:?} days"));
    }
}
