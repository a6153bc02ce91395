//! Runs, filters and texts as nobody would write them: from small pools, so that they meet.

use chrono::TimeDelta;
use proptest::prelude::*;
use whytrace::model::{FinishEvent, Quality, StartEvent, Status};
use whytrace::store::index::{Filter, Gate, Scope};
use whytrace::words::SearchQuery;

use crate::support::run::{Run, noon, scored};

/// A run that has ended or not, with values from small pools.
fn any_run(place: usize) -> impl Strategy<Value = Run> {
    let word = || prop::option::of(prop::sample::select(vec!["a", "b", "B", "%", "é"]));
    let score = prop::option::of((0_u8..7).prop_map(|half| f64::from(half) / 2.0 % 3.5));
    let status = prop::sample::select(Status::ALL.to_vec());
    (word(), word(), word(), word(), 0_i64..4, score, status, 0_i64..3).prop_map(
        move |(project, intent, domain, tag, minute, score, status, seconds)| {
            let owned = |word: Option<&str>| word.map(str::to_owned);
            let began = noon().plus(TimeDelta::minutes(minute));
            let run = Run::new(&format!("t{place:02}")).at(began).start(StartEvent {
                project: project.unwrap_or("p").to_owned(),
                query: intent.unwrap_or("nothing").to_owned(),
                intent: owned(intent),
                domain: owned(domain),
                report_type: owned(tag),
                tags: owned(tag).into_iter().collect(),
                parent_trace_id: domain.map(|id| id.parse().unwrap()),
                ..StartEvent::default()
            });
            if status == Status::InProgress {
                return run;
            }
            let quality = Quality { score, ..scored(0.0, &[("a", score.unwrap_or(3.0))]).quality };
            let cost_usd = score.map(|score| score * 2.0 % 2.0);
            let error = owned(domain).filter(|_| status == Status::Failed);
            let finish = FinishEvent { status, error, quality, cost_usd, ..FinishEvent::default() };
            run.at(began.plus(TimeDelta::seconds(seconds))).finish(finish)
        },
    )
}

pub(super) fn any_runs(most: usize) -> impl Strategy<Value = Vec<Run>> {
    (1..most).prop_flat_map(|count| (0..count).map(any_run).collect::<Vec<_>>())
}

pub(super) fn any_filter() -> impl Strategy<Value = Filter> {
    let rarely = |values: &[&'static str]| {
        let values: Vec<String> = values.iter().map(|value| (*value).to_owned()).collect();
        prop::option::weighted(0.15, prop::sample::select(values))
    };
    let words = ["a", "b", "B", "%", "é"];
    let half = || prop::option::weighted(0.15, (0_u8..7).prop_map(|half| f64::from(half) / 2.0));
    let minute = || prop::option::weighted(0.1, (0_i64..4).prop_map(|n| noon().plus(TimeDelta::minutes(n))));
    let gate = prop::sample::select(vec![Gate::Passed, Gate::Failed, Gate::Unknown]);
    let not_projects =
        prop::option::weighted(0.15, prop::collection::vec(prop::sample::select(words.to_vec()), 0..3));
    let labels = (rarely(&words), rarely(&words), rarely(&words), rarely(&words), rarely(&words));
    let rest = (
        prop::option::weighted(0.15, gate),
        prop::option::weighted(0.15, prop::sample::select(Status::ALL.to_vec())),
        prop::option::weighted(0.15, any::<bool>()),
        prop::option::weighted(0.2, prop::sample::select(vec!["a", "b a", "é nothing", "noth*"])),
        prop::option::weighted(0.2, prop::collection::vec(prop::sample::select(words.to_vec()), 0..4)),
        rarely(&["a", "b"]),
    );
    (labels, rest, (half(), half()), not_projects, (minute(), minute(), minute(), minute())).prop_map(
        |(
            (project, intent, domain, tag, parent),
            (gate, status, flagged, text, scope, gap),
            (low, high),
            not_projects,
            times,
        )| Filter {
            scope: scope
                .map_or(Scope::All, |names| Scope::Projects(names.into_iter().map(str::to_owned).collect())),
            project,
            not_projects: not_projects.into_iter().flatten().map(str::to_owned).collect(),
            intent,
            domain,
            report_type: None,
            status,
            gate,
            score_min: low,
            score_max: high,
            since: times.0,
            until: times.1,
            ended_after: times.2,
            ended_until: times.3,
            gap,
            flagged,
            tag,
            text: text.map(SearchQuery::parse),
            parent,
        },
    )
}

pub(super) fn any_text() -> impl Strategy<Value = String> {
    let pieces = vec![
        "Exa",
        "exa",
        "EXA-1",
        "source",
        "_",
        "-",
        " ",
        " ",
        "\"",
        "*",
        "東京",
        "都",
        "カ\u{3099}",
        "\u{301}",
        "\u{df}",
        "ss",
        "\u{130}",
        "AND",
        "1",
        ".",
        "\u{200d}",
        "\u{fb03}",
        "데이터",
        "x",
        "\u{200b}",
        "'",
        "\\",
        ":",
        "é",
        "e\u{301}",
        "\u{10ffff}",
        "\n",
        "👩‍👩‍👧",
        "ǅ",
        "ſ",
    ];
    let pieces = prop::collection::vec(prop::sample::select(pieces), 0..12).prop_map(|parts| parts.concat());
    prop_oneof![4 => pieces, 1 => any::<String>().prop_map(|text| text.replace('\0', "\u{2400}"))]
}
