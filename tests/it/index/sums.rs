//! What is kept added up follows from the rows of runs, and answers as they would.

use chrono::TimeDelta;
use whytrace::model::{Agent, Outcome, StartEvent, Timestamp};
use whytrace::statistics::PrincipleTallies;
use whytrace::store::index::{Filter, Gate};

use super::*;
use crate::support::run::{noon, scored, with_paths};

/// Sixty runs within five days, some of which end at the first moment of a day, some together, and some not at all.
fn many() -> Vec<Trace> {
    let midnight = noon().plus(TimeDelta::hours(12));
    (0..60_i64)
        .map(|n| {
            let at = midnight.plus(TimeDelta::hours((n / 2) * 4));
            let name = |values: [Option<&str>; 3], n: i64| {
                values[usize::try_from(n % 3).unwrap()].map(str::to_owned)
            };
            let start = StartEvent {
                project: name([Some("cobot"), Some("p%_"), Some("cobot")], n).unwrap(),
                intent: name([Some("validating"), None, Some("exploring")], n / 3),
                domain: name([None, Some("robotics"), Some("it's")], n / 5),
                agent: Agent { name: name([Some("ada"), None, Some("bob")], n), ..Agent::default() },
                ..StartEvent::default()
            };
            let mut run = Run::new(&format!("t{n:02}")).at(at.plus(TimeDelta::seconds(-2))).start(start);
            run = run.decide_with("d", |decision| decision.confidence = Some(0.9.try_into().unwrap()));
            let score = [0.4, 2.0, 1.333_333_333, 2.999_999_9][usize::try_from(n % 4).unwrap()];
            let principles =
                [("META-1", 3.0), ("META-12", [1.0, 2.5][usize::try_from(n % 2).unwrap()]), ("RARE", 0.0)];
            let judged = if n % 10 == 4 { 3 } else { usize::try_from(n % 3).unwrap() };
            let mut finish = scored(score, &principles[..judged]);
            if n % 6 == 5 {
                finish.quality.score = None;
            }
            finish.quality.passed = [None, Some(true), Some(false)][usize::try_from(n % 3).unwrap()];
            let run = if n % 9 == 8 { run } else { run.finish(finish) };
            let mut trace = run.document(1);
            if n % 18 == 8 {
                // Still open, and judged all the same, as a document may say.
                trace.quality.passed = Some(n % 36 == 8);
            }
            if n % 4 == 1 && trace.run.completed_at.is_some() {
                trace.run.completed_at = Some(at);
            }
            for decision in trace.stages.values_mut().flat_map(|stage| &mut stage.decisions) {
                decision.outcome = (n % 5 == 0).then_some(Outcome { correct: Some(n % 2 == 0), note: None });
            }
            trace
        })
        .collect()
}

/// What the migrations fill the tables with.
fn fillings(store: &Store) -> String {
    let migrations = if store.is_postgres() {
        [
            include_str!("../../../migrations/postgres/0005_confidence_days.sql"),
            include_str!("../../../migrations/postgres/0006_run_days.sql"),
        ]
    } else {
        [
            include_str!("../../../migrations/sqlite/0005_confidence_days.sql"),
            include_str!("../../../migrations/sqlite/0006_run_days.sql"),
        ]
    };
    let statements = migrations.iter().flat_map(|text| text.split(";\n"));
    let filling = |text: &str| text.find("insert into").map(|at| format!("{};", &text[at..]));
    let fillings: Vec<String> = statements.filter_map(filling).collect();
    assert_eq!(fillings.len(), SUMS.len());
    fillings.join("\n")
}

async fn kept(store: &Store) -> Vec<Vec<Row1>> {
    let mut tables = Vec::new();
    for table in SUMS {
        tables.push(store.rows(&format!("select * from {table}")).await);
    }
    tables
}

async fn assert_tallies(index: &Index, traces: &[Trace], filter: &Filter) {
    let mut expected = PrincipleTallies::default();
    index.each_run(filter, |run| expected.add(&run)).await.unwrap();
    for gate in [None, Some(Gate::Passed), Some(Gate::Failed), Some(Gate::Unknown)] {
        let filter = Filter { gate, ..filter.clone() };
        assert_eq!(index.total(&filter).await.unwrap(), index.count(&filter).await.unwrap(), "{filter:?}");
    }
    let told = index.principle_tallies(filter).await.unwrap();
    assert_eq!(told, expected, "of {} runs: {filter:?}", traces.len());
}

both! {
    async fn the_sums_that_are_kept_follow_from_the_rows_and_the_migration_makes_the_same(store) {
        let (index, traces) = (store.index(), many());
        index.import(with_paths(traces.clone())).await.unwrap();
        let before = kept(store).await;
        assert!(before.iter().all(|rows| rows.len() > 3), "{before:?}");
        index.import(with_paths(traces.clone())).await.unwrap();
        assert_eq!(kept(store).await, before, "written anew");

        for table in SUMS {
            store.run(&format!("delete from {table}")).await;
        }
        store.run(&fillings(store)).await;
        assert_eq!(kept(store).await, before, "filled by the migration");

        // As an older program would leave them: of runs that it wrote nothing, of those that it deleted everything.
        store.run("update confidence_days set runs = runs - 1, excess_9 = 7 where subject = 'agent:ada'").await;
        store.run("update confidence_days set subject = 'agent:gone', day = '2019-' || substr(day, 6) where subject = 'agent:bob'").await;
        store.run("update run_days set score = score + 1, day = '2019-' || substr(day, 6) where field = ''").await;
        store.run("delete from principle_days where principle = 'META-1'").await;
        assert_ne!(kept(store).await, before);
        let apart: Vec<&str> = index.sums_apart().await.unwrap().into_iter().map(|one| one.what).collect();
        assert_eq!(apart, ["scores in millionths", "judged principles"], "the days are not looked at");
        index.rebuild_sums().await.unwrap();
        assert_eq!(index.sums_apart().await.unwrap(), []);
        assert_eq!(kept(store).await, before, "made anew");

        let mut other = traces;
        for trace in &mut other {
            trace.quality.passed = trace.quality.passed.map(|passed| !passed);
            trace.quality.score = trace.quality.score.map(|score| 3.0 - score);
            trace.quality.gap_principles = trace.quality.strength_principles.clone();
            trace.metadata.revision = 2;
        }
        index.import(with_paths(other.clone())).await.unwrap();
        let turned = kept(store).await;
        assert_ne!(turned, before);
        store.clear().await;
        index.import(with_paths(other.clone())).await.unwrap();
        assert_eq!(kept(store).await, turned, "changed and made anew");

        let ids: Vec<TraceId> = other.iter().map(|trace| trace.trace_id.clone()).collect();
        index.delete(&ids, noon()).await.unwrap();
        assert_eq!(kept(store).await, vec![Vec::<Row1>::new(); SUMS.len()], "nothing is left of deleted runs");
    }

    async fn principles_are_counted_from_sums_as_run_by_run(store) {
        let (index, traces) = (store.index(), many());
        index.import(with_paths(traces.clone())).await.unwrap();
        let midnight = noon().plus(TimeDelta::hours(12));
        let microsecond = TimeDelta::microseconds(1);
        let moments: Vec<Timestamp> = [0, 24, 30, 72, 96]
            .into_iter()
            .flat_map(|hours| {
                let at = midnight.plus(TimeDelta::hours(hours));
                [at.plus(-microsecond), at, at.plus(TimeDelta::seconds(-1)), at.plus(TimeDelta::hours(5))]
            })
            .collect();
        let text = |text: &str| Some(text.to_owned());
        let abouts = [
            Filter::default(),
            Filter { scope: Scope::Projects(vec!["cobot".to_owned()]), ..Filter::default() },
            Filter { project: text("p%_"), domain: text("it's"), ..Filter::default() },
            Filter { intent: text("validating"), not_projects: vec!["p%_".to_owned()], ..Filter::default() },
            // Of what no sums are kept.
            Filter { gap: text("META-12"), ..Filter::default() },
        ];
        for about in abouts {
            for after in moments.iter().map(|at| Some(*at)).chain([None]) {
                for until in moments.iter().step_by(3).map(|at| Some(*at)).chain([None]) {
                    let filter = Filter { ended_after: after, ended_until: until, ..about.clone() };
                    assert_tallies(&index, &traces, &filter).await;
                }
            }
        }
        let all = index.principle_tallies(&Filter::default()).await.unwrap();
        assert!(all.finished_runs > 40 && all.principles.len() == 3, "{all:?}");
    }
}
